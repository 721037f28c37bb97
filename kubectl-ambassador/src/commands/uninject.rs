//! `kubectl ambassador uninject`: the original pod back, and nothing of ours left.

mod in_front;
mod workload;

use serde_json::Value;

use super::change::{DryRun, Flags, refuse_missing_rights};
use super::inject::SERVICE_RIGHTS;
use super::target::find;
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Right};
use crate::failure::Result;
use crate::leftovers::remove_unused;
use crate::output::{self, say};
use crate::plan::{self, text};
use crate::recreate::Replacement;
use crate::rollout::services::back;
use crate::rollout::{self, Target};
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

/// Take the ambassador out of a pod, or of the pods of a workload, again
#[derive(clap::Args)]
#[command(after_help = "Examples:
  # Give the original pod back
  kubectl ambassador uninject fruit-service

  # Give a deployment its original pods back
  kubectl ambassador uninject deploy/web")]
pub(crate) struct Args {
    /// What was injected: TYPE/NAME, or the NAME of a pod or else of a workload
    #[arg(value_name = "TYPE/NAME")]
    target: String,

    #[command(flatten)]
    change: Flags,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let cluster = args.cluster.connect().await?;
    match find(&cluster, &args.target, &args.change.templates).await? {
        Target::Pod(live) => pod(args, &cluster, live).await,
        Target::Workload(workload) => workload::run(args, &cluster, *workload).await,
    }
}

/// Uninjects a bare pod, which is recreated for it.
async fn pod(args: &Args, cluster: &Cluster, live: Value) -> Result<()> {
    let name = text(&live, "/metadata/name").to_owned();
    let old = plan::without_what_the_server_sets(&live);
    let original = plan::original(&old, "")?;
    let Some(injected) = Injected::of(&live)? else {
        return output::done(&[&original], &name, "unchanged", args.change.output);
    };
    plan::refuse(&live, plan::Permissions { delete_emptydir_data: args.change.delete_emptydir_data })?;
    if args.change.dry_run == DryRun::Client {
        return output::done(&[&original], &name, "uninjected (dry run)", args.change.output);
    }
    refuse_missing_rights(cluster, &RIGHTS).await?;
    let replacement = Replacement { live: &live, old: &old, new: &original };
    replacement.prove(cluster).await?;
    if args.change.dry_run == DryRun::Server {
        return output::done(&[&original], &name, "uninjected (server dry run)", args.change.output);
    }
    let switches = back(
        &rollout::services_unless(cluster, args.change.keep_services).await?.unwrap_or_default(),
        &original,
    );
    if !switches.is_empty() {
        refuse_missing_rights(cluster, &SERVICE_RIGHTS).await?;
        rollout::back_to_program(cluster, &original).await?;
    }
    say(&format!("replacing pod/{name} ..."));
    if let Err(failure) = replacement.carry_out(cluster).await {
        if !switches.is_empty() {
            in_front::lead_again(cluster, &injected, &old, &original).await;
        }
        return Err(failure);
    }
    if let Err(why) = verify::ready(cluster, &name, args.change.timeout).await {
        say(&format!("warning: the original pod is back, but not ready: {why}"));
    }
    for config_map in [&injected.config_map, &injected.plugin] {
        remove_unused(cluster, config_map, &name).await;
    }
    output::done(&[&original], &name, "uninjected", args.change.output)
}
