//! `kubectl ambassador plugin`: the module by itself, for those whose manifests go through pipes.

use std::path::PathBuf;

use crate::cluster::{self, Mode};
use crate::failure::{Failure, Result};
use crate::output::{print, print_done};
use crate::places;
use crate::plan::{plugin_map, text};
use crate::plugin::{Plugin, Plugins};

/// Install the module into a namespace, or get it as a manifest or a file
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Put the ConfigMaps with the modules into a namespace
    #[command(after_help = "Examples:
  # Once a namespace, before manifests that `inject -f` has made are applied
  kubectl ambassador plugin install -n shop")]
    Install(Box<Install>),

    /// Write the ConfigMaps with the modules to stdout
    #[command(after_help = "Examples:
  # For a repository, or for kubectl; they are larger than a client-side apply can record
  kubectl ambassador plugin manifest | kubectl apply --server-side -n shop -f -")]
    Manifest(File),

    /// Say where the module is, in a file in the user's cache
    #[command(after_help = "Examples:
  # For an image that has it in its root, which `inject -f --plugin-image` mounts
  kubectl ambassador plugin path")]
    Path(File),
}

#[derive(clap::Args)]
struct Install {
    #[command(flatten)]
    file: File,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

#[derive(clap::Args)]
struct File {
    /// The small module, which does for most configs, or the one with all formats [default: both, or for path: full]
    #[arg(long, value_enum, value_name = "FLAVOUR", conflicts_with = "plugin_file")]
    flavour: Option<Flavour>,

    /// Module to use instead of those inside this program
    #[arg(long, value_name = "FILE")]
    plugin_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Flavour {
    Json,
    Full,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.action {
        Action::Install(args) => cluster::block_on(install(args)),
        Action::Manifest(args) => manifest(&args.plugins()?),
        Action::Path(args) => args.plugins()?.last().map_or(Ok(()), path),
    }
}

impl File {
    fn plugins(&self) -> Result<Vec<Plugin>> {
        if self.plugin_file.is_some() {
            let config = ambassador_core::config::Config::default();
            return Ok(vec![Plugins::load(self.plugin_file.as_deref())?.choose(&config)?]);
        }
        let mut plugins = Plugin::all();
        let (Some(first), Some(last)) = (plugins.first().cloned(), plugins.pop()) else {
            return Err(Failure::unchanged("this build of kubectl-ambassador carries no plugin")
                .hint("build it with `cargo xtask build`, or name a module with --plugin-file"));
        };
        Ok(match self.flavour {
            Some(Flavour::Json) => vec![first],
            Some(Flavour::Full) => vec![last],
            None if plugins.is_empty() => vec![last],
            None => vec![first, last],
        })
    }
}

async fn install(args: &Install) -> Result<()> {
    let plugins = args.file.plugins()?;
    let cluster = args.cluster.connect().await?;
    for plugin in &plugins {
        let map = plugin_map(&cluster.namespace, plugin);
        let name = text(&map, "/metadata/name");
        // What it holds is in its name, so one that is there is the same.
        if cluster.config_map(name).await?.is_some() {
            print(&format!("configmap/{name} unchanged\n"))?;
        } else {
            cluster.apply_config_map(&map, Mode::Real).await?;
            print_done(&format!("configmap/{name} installed\n"))?;
        }
    }
    Ok(())
}

fn manifest(plugins: &[Plugin]) -> Result<()> {
    for plugin in plugins {
        let yaml = serde_saphyr::to_string(&plugin_map("", plugin));
        let yaml = yaml.map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?;
        print(&format!("---\n{yaml}"))?;
    }
    Ok(())
}

fn path(plugin: &Plugin) -> Result<()> {
    let dir = places::cache()?.join(plugin.config_map());
    let file = dir.join("plugin.wasm");
    let cannot = |error| Failure::unchanged(format!("cannot write {}: {error}", file.display()));
    std::fs::create_dir_all(&dir).map_err(cannot)?;
    if !std::fs::read(&file).is_ok_and(|there| there == *plugin.module()) {
        // Written beside and moved: what has the name is whole.
        let unfinished = dir.join(format!("plugin.wasm.{}", std::process::id()));
        std::fs::write(&unfinished, plugin.module()).map_err(cannot)?;
        std::fs::rename(&unfinished, &file).map_err(cannot)?;
    }
    print(&format!("{}\n", file.display()))
}
