//! `kubectl ambassador uninject`: the original pod back, and nothing of ours left.

use std::time::Duration;

use super::inject::{duration, find_pod};
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Right};
use crate::failure::{Failure, Result};
use crate::output::{self, Format, say};
use crate::plan::{self, list, text};
use crate::recreate::Replacement;
use crate::verify;

/// What it needs.
const RIGHTS: [Right; 6] = [
    ("get", "pods"),
    ("list", "pods"),
    ("create", "pods"),
    ("delete", "pods"),
    ("get", "configmaps"),
    ("delete", "configmaps"),
];

/// Take the ambassador out of a pod again
#[derive(clap::Args)]
#[command(after_help = "Examples:
  # Give the original pod back
  kubectl ambassador uninject fruit-service")]
pub(crate) struct Args {
    /// The pod: NAME or pod/NAME
    #[arg(value_name = "TYPE/NAME")]
    target: String,

    /// Print what would be sent (client), or have the server check it too (server); nothing is changed
    #[arg(long, value_enum, value_name = "MODE", default_value = "none", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: super::inject::DryRun,

    /// Print the pod
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,

    /// How long the pod may take to be ready, such as 90s
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    timeout: Duration,

    /// Recreate the pod even though that deletes the data in its emptyDir volumes
    #[arg(long)]
    delete_emptydir_data: bool,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    use super::inject::DryRun;
    let cluster = args.cluster.connect().await?;
    let live = find_pod(&cluster, &args.target).await?;
    let name = text(&live, "/metadata/name").to_owned();
    let original = plan::original(&live)?;
    let Some(injected) = Injected::of(&live)? else {
        return output::done(&[&original], &name, "unchanged", args.output);
    };
    plan::refuse(&live, plan::Permissions { delete_emptydir_data: args.delete_emptydir_data })?;
    if args.dry_run == DryRun::Client {
        return output::done(&[&original], &name, "uninjected (dry run)", args.output);
    }
    let missing = cluster.missing_rights(&RIGHTS).await?;
    if let Some((verb, resource)) = missing.first() {
        return Err(Failure::unchanged(format!(
            "in namespace {} you may not {verb} {resource}",
            cluster.namespace
        )));
    }
    let old = plan::without_what_the_server_sets(&live);
    let replacement = Replacement { live: &live, old: &old, new: &original };
    replacement.prove(&cluster).await?;
    if args.dry_run == DryRun::Server {
        return output::done(&[&original], &name, "uninjected (server dry run)", args.output);
    }
    say(&format!("replacing pod/{name} ..."));
    replacement.carry_out(&cluster).await?;
    if let Err(why) = verify::ready(&cluster, &name, args.timeout).await {
        say(&format!("warning: the original pod is back, but not ready: {why}"));
    }
    remove_config_maps(&cluster, &injected, &name).await?;
    output::done(&[&original], &name, "uninjected", args.output)
}

async fn remove_config_maps(cluster: &Cluster, injected: &Injected, pod: &str) -> Result<()> {
    if !is_used(cluster, &injected.config_map, pod).await? {
        cluster.delete_config_map(&injected.config_map).await?;
    }
    remove_unused_plugin(cluster, &injected.plugin, pod).await;
    Ok(())
}

/// Removes the module's ConfigMap unless another pod of the namespace mounts it.
pub(super) async fn remove_unused_plugin(cluster: &Cluster, name: &str, pod: &str) {
    let removed = match is_used(cluster, name, pod).await {
        Ok(true) => return,
        Ok(false) => cluster.delete_config_map(name).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = removed {
        say(&format!("warning: configmap/{name} is left behind: {}", failure.message()));
    }
}

/// Whether a pod other than `except` mounts this ConfigMap.
async fn is_used(cluster: &Cluster, config_map: &str, except: &str) -> Result<bool> {
    let pods = cluster.pods().await?;
    let mut others = pods.iter().filter(|pod| text(pod, "/metadata/name") != except);
    Ok(others.any(|pod| {
        list(pod, "/spec/volumes").iter().any(|volume| text(volume, "/configMap/name") == config_map)
    }))
}
