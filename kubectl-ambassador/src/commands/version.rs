//! `kubectl ambassador version`: which versions meet here: the program's, its module's, Envoy's, the server's.

use serde_json::{Value, json};

use super::inject::IMAGE;
use crate::cluster;
use crate::failure::{Failure, Result};
use crate::output;
use crate::plan::{list, text};
use crate::plugin::Plugin;

/// Print the versions of this program, of what it brings, and of the server
#[derive(clap::Args)]
#[command(after_help = "Examples:
  # All versions
  kubectl ambassador version

  # Without asking a cluster, for a script
  kubectl ambassador version --client -o json")]
pub(crate) struct Args {
    /// Do not ask the server
    #[arg(long)]
    client: bool,

    /// Print all that is known
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// A YAML object
    Yaml,
    /// A JSON object
    Json,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut versions = json!({"clientVersion": client()});
    let server = if args.client { Ok(None) } else { cluster::block_on(server(args)).map(Some) };
    if let Ok(Some(server)) = &server {
        versions["serverVersion"] = server.clone();
    }
    output::print(&match args.output {
        None => lines(&versions),
        Some(Format::Json) => format!("{versions:#}\n"),
        Some(Format::Yaml) => serde_saphyr::to_string(&versions)
            .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?,
    })?;
    server.map(drop)
}

/// What is known without a cluster. A build for development carries no module.
fn client() -> Value {
    let plugins = Plugin::all().into_iter().map(|plugin| {
        json!({
            "flavour": plugin.flavour(),
            "sha256": plugin.sha256,
            "bytes": plugin.len(),
            "configMap": plugin.config_map(),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "envoyImage": IMAGE,
        "plugins": plugins.collect::<Vec<Value>>(),
    })
}

async fn server(args: &Args) -> Result<Value> {
    args.cluster.connect().await?.version().await
}

fn lines(versions: &Value) -> String {
    let line = |name: &str, pointer: &str| match text(versions, pointer) {
        "" => String::new(),
        version => format!("{name}: {version}\n"),
    };
    let plugins = list(versions, "/clientVersion/plugins");
    let mut found: Vec<String> = plugins
        .iter()
        .map(|plugin| format!("Plugin: sha256:{} ({})\n", text(plugin, "/sha256"), text(plugin, "/flavour")))
        .collect();
    if found.is_empty() {
        found.push("Plugin: none in this build\n".to_owned());
    }
    let plugin = found.concat();
    [
        line("Client Version", "/clientVersion/version").replace(": ", ": v"),
        plugin,
        line("Envoy Image", "/clientVersion/envoyImage"),
        line("Server Version", "/serverVersion/gitVersion"),
    ]
    .concat()
}
