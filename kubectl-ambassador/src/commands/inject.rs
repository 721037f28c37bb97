//! `kubectl ambassador inject`: an Envoy ambassador for a pod.

mod discover;
mod workload;

use std::time::Duration;

use serde_json::Value;

use super::change::{DryRun, Flags, refuse_missing_rights};
use super::target::find;
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Mode, Right};
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::leftovers::remove_unused;
use crate::output::{self, say};
use crate::plan::{self, Options, Permissions, Plan, text};
use crate::plugin::{Plugin, Plugins};
use crate::recreate::Replacement;
use crate::rollout::Target;
use crate::source::{self, Source};
use crate::verify;

/// The image of the container; any stock Envoy from 1.35 on will do.
const IMAGE: &str = "docker.io/envoyproxy/envoy:distroless-v1.40.0";
/// What to do about a port that the health listener has.
const ANOTHER_PORT: &str = "listen on another one";
/// What injecting a bare pod needs.
const RIGHTS: [Right; 7] = [
    ("get", "pods"),
    ("list", "pods"),
    ("create", "pods"),
    ("delete", "pods"),
    ("get", "configmaps"),
    ("create", "configmaps"),
    ("patch", "configmaps"),
];

/// Put an Envoy ambassador into a pod, or into the pods of a workload
#[derive(clap::Args)]
#[command(
    after_help = "Without --port and -c, port 80 is mapped to the port that the pod's program listens on.

Examples:
  # Let clients reach fruit-service on port 80, whatever port it listens on
  kubectl ambassador inject fruit-service

  # Two ports, and JSON answers reshaped
  kubectl ambassador inject fruit-service --port 80:8775 --port 9102:8775 --jq '{fruits: .}'

  # Into all pods of a deployment: the rollout is watched, and taken back if it fails
  kubectl ambassador inject deploy/web

  # With rules from a file; see first what would happen
  kubectl ambassador inject fruit-service -c ambassador.yaml --dry-run=server -o yaml"
)]
pub(crate) struct Args {
    /// What is injected: TYPE/NAME, or the NAME of a pod or else of a workload
    #[arg(value_name = "TYPE/NAME")]
    target: String,

    #[command(flatten)]
    source: source::Args,

    #[command(flatten)]
    change: Flags,

    /// Envoy image, 1.35 or newer; a digest is allowed
    #[arg(long, value_name = "IMAGE", default_value = IMAGE)]
    image: String,

    /// Name of the ConfigMap with the config [default: NAME-ambassador-config, with a hash of the config for workloads]
    #[arg(long, value_name = "NAME")]
    config_map: Option<String>,

    /// Replace also what a newer version of this program has injected
    #[arg(long)]
    allow_downgrade: bool,

    /// Module to use instead of the one inside this program
    #[arg(long, value_name = "FILE")]
    plugin_file: Option<std::path::PathBuf>,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    // All that can be wrong on this side is known before the cluster is asked.
    let from_file = args.source.read()?;
    if let Some(source) = &from_file {
        source.refuse_health_port(HEALTH_PORT, ANOTHER_PORT)?;
    }
    let plugins = Plugins::load(args.plugin_file.as_deref())?;
    let cluster = args.cluster.connect().await?;
    match find(&cluster, &args.target, &args.change.templates).await? {
        Target::Pod(live) => pod(args, &cluster, live, from_file, &plugins).await,
        Target::Workload(workload) => {
            workload::run(args, &cluster, *workload, from_file.as_ref(), &plugins).await
        }
    }
}

/// Injects a bare pod, which is recreated for it.
async fn pod(
    args: &Args,
    cluster: &Cluster,
    live: Value,
    from_file: Option<Source>,
    plugins: &Plugins,
) -> Result<()> {
    plan::refuse(&live, Permissions { delete_emptydir_data: args.change.delete_emptydir_data })?;
    let name = text(&live, "/metadata/name").to_owned();
    let injected = Injected::of(&live)?;
    plan::refuse_newer(&format!("pod/{name}"), injected.as_ref(), args.allow_downgrade)?;
    let (source, found) = match from_file {
        Some(source) => (source, String::new()),
        None => {
            discover::source(cluster, (&format!("pod/{name}"), &name), &live, injected.as_ref(), &args.source)
                .await?
        }
    };
    source.refuse_health_port(HEALTH_PORT, ANOTHER_PORT)?;
    let old = plan::without_what_the_server_sets(&live);
    let original = plan::original(&old, "")?;
    let config_map = args
        .config_map
        .clone()
        .or_else(|| injected.as_ref().map(|injected| injected.config_map.clone()))
        .unwrap_or_else(|| plan::config_map_name(&live, "", &source));
    let minor = cluster.minor_version().await?;
    let options = Options {
        image: args.image.clone(),
        config_map,
        ipv6: plan::has_ipv6(&live),
        named_ports: plan::sees_named_ports(minor),
    };
    let plugin = plugins.choose(&source.loaded.config)?;
    let plan = plan::inject(&original, "", &source, &plugin, &options)?;
    let others = listening_of_others(cluster, &live, injected.as_ref()).await;
    plan::refuse_taken_ports(&plan.original, &source.loaded.ambassador.ports, &others)?;
    refuse_foreign_config_map(cluster, &options.config_map).await?;
    if plan.is_done(&live) && config_is_there(cluster, &plan).await? {
        return output::done(&plan.objects(), &name, "unchanged", args.change.output);
    }
    let first =
        format!("pod/{name} will be recreated with the container {}, {}:", plan::CONTAINER, options.image);
    explain(&first, &source, &found, &options, &plugin);
    if args.change.dry_run == DryRun::Client {
        return output::done(&plan.objects(), &name, "injected (dry run)", args.change.output);
    }
    let replacement = Replacement { live: &live, old: &old, new: &plan.injected };
    prove(cluster, &plan, &replacement).await?;
    if args.change.dry_run == DryRun::Server {
        return output::done(&plan.objects(), &name, "injected (server dry run)", args.change.output);
    }
    apply(cluster, &plan, &replacement, &source, args.change.timeout).await?;
    // Another plugin, or another name of the config, leaves those of before.
    for before in injected.iter().flat_map(|injected| [&injected.config_map, &injected.plugin]) {
        if *before != options.config_map && *before != plugin.config_map() {
            remove_unused(cluster, before, "").await;
        }
    }
    output::done(&plan.objects(), &name, "injected", args.change.output)
}

/// Everything that can be known to fail before anything is changed.
async fn prove(cluster: &Cluster, plan: &Plan, replacement: &Replacement<'_>) -> Result<()> {
    refuse_missing_rights(cluster, &RIGHTS).await?;
    let minor = cluster.minor_version().await?;
    if minor < 29 {
        return Err(Failure::unchanged(format!(
            "the cluster is Kubernetes 1.{minor}, which has no native sidecars"
        ))
        .hint("this version needs Kubernetes 1.29 or newer"));
    }
    cluster.apply_config_map(&plan.plugin, Mode::DryRun).await?;
    cluster.apply_config_map(&plan.config_map, Mode::DryRun).await?;
    replacement.prove(cluster).await
}

async fn apply(
    cluster: &Cluster,
    plan: &Plan,
    replacement: &Replacement<'_>,
    source: &Source,
    timeout: Duration,
) -> Result<()> {
    let name = text(&plan.injected, "/metadata/name");
    let before = cluster.config_map(text(&plan.config_map, "/metadata/name")).await?;
    cluster.apply_config_map(&plan.plugin, Mode::Real).await?;
    cluster.apply_config_map(&plan.config_map, Mode::Real).await?;
    // From here to the end of the wait, an interrupt undoes: it must not leave the name without a pod.
    let mut interrupt = tokio::spawn(tokio::signal::ctrl_c());
    // It is caught once the task has run for the first time.
    tokio::task::yield_now().await;
    say(&format!("replacing pod/{name} ..."));
    if let Err(failure) = replacement.carry_out(cluster).await {
        restore_config_maps(cluster, plan, before.as_ref()).await;
        return Err(failure);
    }
    let ports = &source.loaded.ambassador.ports;
    let up = async {
        let pod = verify::ready(cluster, name, timeout).await?;
        if !verify::is_native_sidecar(&pod) {
            return Err("an admission webhook removed restartPolicy from our container".to_owned());
        }
        verify::answers(cluster, name, ports, timeout).await
    };
    let result = tokio::select! {
        result = up => result,
        _ = &mut interrupt => Err("interrupted".to_owned()),
    };
    let Err(why) = result else { return Ok(()) };
    say(&format!("pod/{name} did not come up, putting the original back ..."));
    restore_config_maps(cluster, plan, before.as_ref()).await;
    Err(replacement.undo(cluster, timeout, &why).await)
}

/// As they were before: the config's content, or none at all.
async fn restore_config_maps(cluster: &Cluster, plan: &Plan, before: Option<&Value>) {
    let restored = match before {
        Some(map) => cluster.apply_config_map(&plan::without_server_fields(map), Mode::Real).await,
        None => cluster.delete_config_map(text(&plan.config_map, "/metadata/name")).await,
    };
    if let Err(failure) = restored {
        say(&format!("warning: {}", failure.message()));
    }
    if before.is_none() {
        let plugin = text(&plan.plugin, "/metadata/name");
        remove_unused(cluster, plugin, text(&plan.injected, "/metadata/name")).await;
    }
}

fn explain(first: &str, source: &Source, found: &str, options: &Options, plugin: &Plugin) {
    let ambassador = &source.loaded.ambassador;
    say(first);
    for port in &ambassador.ports {
        let tcp = if port.is_tcp() { " (tcp)" } else { "" };
        say(&format!("  port {} -> {}{tcp}{found}", port.listener, port.target));
    }
    match ambassador.rules.len() {
        0 => say("  no rules: answers pass as they are"),
        1 => say("  1 rule"),
        count => say(&format!("  {count} rules")),
    }
    say(&format!("  configmaps {} and {} ({})", options.config_map, plugin.config_map(), plugin.flavour()));
}

async fn refuse_foreign_config_map(cluster: &Cluster, name: &str) -> Result<()> {
    match cluster.config_map(name).await? {
        Some(map) if !cluster::is_ours(&map) => Err(Failure::unchanged(format!(
            "configmap/{name} is there and was not made by this tool"
        ))
        .hint("choose another name with --config-map NAME, or delete it if nothing needs it any more")),
        _ => Ok(()),
    }
}

async fn config_is_there(cluster: &Cluster, plan: &Plan) -> Result<bool> {
    for wanted in [&plan.config_map, &plan.plugin] {
        let there = cluster.config_map(text(wanted, "/metadata/name")).await?;
        let same = |key: &str| there.as_ref().and_then(|map| map.get(key)) == wanted.get(key);
        if !(same("data") && same("binaryData")) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ports that something but us listens on in the pod, as far as that can be seen.
async fn listening_of_others(cluster: &Cluster, live: &Value, injected: Option<&Injected>) -> Vec<u16> {
    let listening = discover::listening(cluster, "the pod", live).await.unwrap_or_default();
    let ours = injected.map(|injected| injected.listens.clone()).unwrap_or_default();
    listening.into_iter().filter(|port| !ours.contains(port)).collect()
}
