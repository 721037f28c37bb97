//! `kubectl ambassador version`: which versions meet here: the program's, its module's, Envoy's, the server's, and those of
//! what was injected.

use serde_json::{Value, json};

use super::inject::IMAGE;
use super::target;
use crate::annotation::Injected;
use crate::cluster::{self, Cluster};
use crate::failure::{Failure, Result};
use crate::output;
use crate::plan::{CONTAINER, list, text};
use crate::plugin::Plugin;
use crate::rollout::Target;

/// The jq whose language rules are written in.
const JQ: &str = "1.8";

/// Print the versions of this program, of what it brings, of the server, and of what was injected
#[derive(clap::Args)]
#[command(
    mut_arg("all_namespaces", |arg| arg.hide(false)),
    after_help = "Examples:
  # All versions
  kubectl ambassador version

  # Without asking a cluster, for a script
  kubectl ambassador version --client -o json

  # And which version has injected a deployment
  kubectl ambassador version deploy/web

  # And everything that is injected, wherever it is
  kubectl ambassador version -A")]
pub(crate) struct Args {
    #[command(flatten)]
    target: target::Args,

    /// Do not ask the server
    #[arg(long, conflicts_with_all = ["words", "selector", "all", "all_namespaces"])]
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

pub(crate) fn run(mut args: Args) -> Result<()> {
    // Here it can only mean everything, and nothing is changed.
    args.target.all |= args.target.all_namespaces && args.target.is_empty();
    let mut versions = json!({"clientVersion": client()});
    let asked = if args.client { Ok(()) } else { cluster::block_on(live(&args, &mut versions)) };
    output::print(&match args.output {
        None => lines(&versions),
        Some(Format::Json) => format!("{versions:#}\n"),
        Some(Format::Yaml) => serde_saphyr::to_string(&versions)
            .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?,
    })?;
    asked
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
    let mut client = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "gitCommit": env!("AMBASSADOR_COMMIT"),
        "rustVersion": env!("AMBASSADOR_RUSTC"),
        "target": env!("AMBASSADOR_TARGET"),
        "jq": JQ,
        "envoyImage": IMAGE,
        "plugins": plugins.collect::<Vec<Value>>(),
    });
    if let Value::Object(fields) = &mut client {
        fields.retain(|_, value| value != "");
    }
    client
}

/// Adds what a cluster knows, as far as it can be had.
async fn live(args: &Args, versions: &mut Value) -> Result<()> {
    let cluster = args.cluster.connect().await?;
    versions["serverVersion"] = cluster.version().await?;
    if !args.target.is_empty() {
        versions["injected"] = injected(&cluster, &args.target).await?;
    }
    Ok(())
}

/// By which version what is meant was injected. Of what is named, it is told too that it was not.
async fn injected(cluster: &Cluster, args: &target::Args) -> Result<Value> {
    let mut found = Vec::new();
    for target in target::resolve_any(cluster, args, &[]).await? {
        let pod = match &target {
            Target::Pod(pod) => pod,
            Target::Workload(workload) => workload.pod()?,
        };
        let mut one = json!({"namespace": target.namespace(), "name": target.shown()});
        match Injected::of(pod)? {
            Some(injected) => {
                one["version"] = injected.version.into();
                one["plugin"] = injected.plugin.into();
                one["image"] = image(pod).into();
            }
            None if args.words.is_empty() || args.all || args.selector.is_some() => continue,
            None => {}
        }
        found.push(one);
    }
    Ok(found.into())
}

/// The image of the ambassador in a pod.
fn image(pod: &Value) -> &str {
    let containers = ["/spec/initContainers", "/spec/containers"].map(|all| list(pod, all));
    let ours = containers.into_iter().flatten().find(|one| text(one, "/name") == CONTAINER);
    ours.map_or("", |ours| text(ours, "/image"))
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
    let own = |name: &str| plugins.iter().any(|plugin| text(plugin, "/configMap") == name);
    let injected = list(versions, "/injected").iter().map(|one| {
        let (name, version, plugin) = (text(one, "/name"), text(one, "/version"), text(one, "/plugin"));
        let other = if own(plugin) { "" } else { ", not of this build" };
        let what = match version {
            "" => "not injected".to_owned(),
            version => format!("v{version}, {plugin}{other}, {}", text(one, "/image")),
        };
        format!("Injected: {name} in {}: {what}\n", text(one, "/namespace"))
    });
    [
        line("Client Version", "/clientVersion/version").replace(": ", ": v"),
        line("Commit", "/clientVersion/gitCommit"),
        found.concat(),
        line("Rules", "/clientVersion/jq").replace(": ", ": jq "),
        line("Envoy Image", "/clientVersion/envoyImage"),
        line("Server Version", "/serverVersion/gitVersion"),
        injected.collect(),
    ]
    .concat()
}
