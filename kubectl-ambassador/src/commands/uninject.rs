//! `kubectl ambassador uninject`: the original pod back, and nothing of ours left.

pub(super) mod in_front;
mod workload;

use serde_json::Value;

use super::change::{DryRun, Flags, refuse_missing_rights};
use super::inject::SERVICE_RIGHTS;
use super::pipe;
use super::target::{self, each};
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Right};
use crate::failure::Result;
use crate::findings::{self, Subject};
use crate::journal::{self, Entry, Journal, Step};
use crate::output::{self, Outcome};
use crate::plan::{self, text};
use crate::recreate::{self, Work};
use crate::rollout::services::back;
use crate::rollout::{self, Target};
use crate::signals::Interrupt;
use crate::survey;

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
#[command(
    mut_arg("all_namespaces", |arg| arg.hide(false)),
    after_help = "Examples:
  # Give the original pod back
  kubectl ambassador uninject fruit-service

  # Give a deployment its original pods back
  kubectl ambassador uninject deploy/web

  # Out of all that has the label, wherever it is
  kubectl ambassador uninject -A -l team=shop

  # Take it out of manifests again, byte for byte
  kubectl ambassador uninject -f - < injected.yaml > manifests.yaml")]
pub(crate) struct Args {
    #[command(flatten)]
    target: target::Args,

    #[command(flatten)]
    files: pipe::Files,

    #[command(flatten)]
    change: Flags,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.files.are_given() {
        return pipe::uninject(&args.files, &args.target, &args.change);
    }
    cluster::block_on(live(args))
}

async fn live(args: &Args) -> Result<()> {
    let cluster = args.cluster.connect().await?.writing_as(&args.change.field_manager);
    let targets = target::resolve(&cluster, &args.target, &args.change.templates).await?;
    each(&args.change.output, targets, async |one| {
        let cluster = cluster.within(one.namespace());
        match one {
            Target::Pod(live) => pod(args, &cluster, live).await,
            Target::Workload(workload) => workload::run(args, &cluster, *workload).await,
        }
    })
    .await
}

/// Uninjects a bare pod, which is recreated for it.
async fn pod(args: &Args, cluster: &Cluster, live: Value) -> Result<()> {
    let name = text(&live, "/metadata/name").to_owned();
    let old = plan::without_what_the_server_sets(&live);
    let original = plan::original(&old, "")?;
    let Some(injected) = Injected::of(&live)? else {
        return output::done(&[&original], &name, Outcome::Unchanged, &args.change.output);
    };
    journal::refuse_unfinished(&cluster.server, &cluster.namespace, &name)?;
    refuse(args, cluster, &live, "").await?;
    if args.change.dry_run == DryRun::Client {
        return output::done(&[&original], &name, Outcome::DryRun("uninjected"), &args.change.output);
    }
    refuse_missing_rights(cluster, &RIGHTS).await?;
    recreate::prove(cluster, &old, &original).await?;
    if args.change.dry_run == DryRun::Server {
        return output::done(&[&original], &name, Outcome::ServerDryRun("uninjected"), &args.change.output);
    }
    let services = rollout::services_unless(cluster, args.change.keep_services).await?.unwrap_or_default();
    let switches = back(&services, &original);
    if !switches.is_empty() {
        refuse_missing_rights(cluster, &SERVICE_RIGHTS).await?;
        rollout::prove(cluster, &switches).await?;
    }
    let replaced = async {
        if !switches.is_empty() {
            lead_to_program(cluster, &format!("pod/{name}"), &original).await?;
        }
        let journal = Journal::begin(entry(args, cluster, &live, &injected, (&old, &original)))?;
        let Flags { timeout, wait, .. } = args.change;
        let work = Work { cluster, journal, timeout, rollback: true, wait, interrupt: Interrupt::listen() };
        work.replace(&live, &[]).await
    };
    match replaced.await {
        Ok(()) => output::done(&[&original], &name, Outcome::Done("uninjected"), &args.change.output),
        Err(failure) if switches.is_empty() => Err(failure),
        Err(failure) => Err(in_front::undone(cluster, &old, failure).await),
    }
}

/// Leads Services to the program, which a person may interrupt before its pods are changed.
async fn lead_to_program(cluster: &Cluster, shown: &str, original: &Value) -> Result<()> {
    let left = format!("{shown} is as it was, but its Services may lead past the ambassador");
    Interrupt::listen().at("leading its Services back first", left, "the same command again goes on with it");
    rollout::back_to_program(cluster, original).await
}

fn entry(
    args: &Args,
    cluster: &Cluster,
    live: &Value,
    injected: &Injected,
    bodies: (&Value, &Value),
) -> Entry {
    Entry {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server: cluster.server.clone(),
        namespace: cluster.namespace.clone(),
        flags: cluster.flags.clone(),
        pod: text(live, "/metadata/name").to_owned(),
        uid: text(live, "/metadata/uid").to_owned(),
        manager: cluster.field_manager.clone(),
        done: "uninjected".to_owned(),
        step: Step::Prepared,
        config: None,
        keeps_services: args.change.keep_services,
        needed: Vec::new(),
        leftovers: vec![injected.config_map.clone(), injected.plugin.clone()],
        old: bodies.0.clone(),
        new: bodies.1.clone(),
    }
}

/// What speaks against taking an ambassador out.
async fn refuse(args: &Args, cluster: &Cluster, object: &Value, template: &str) -> Result<()> {
    let subject = Subject {
        object,
        template,
        plan: None,
        source: None,
        listening: None,
        permissions: args.change.permissions(),
    };
    let found = findings::uninject(&subject, &survey::around(cluster, object).await);
    findings::refuse(&found)?;
    findings::warn(&found);
    Ok(())
}
