//! `kubectl ambassador diff`: what injecting, or taking out, would change in the live objects, as a diff.

mod show;

use serde_json::{Value, json};

use super::inject::{self, Outlook};
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Mode, NotCreated, Resource};
use crate::failure::{Exit, Failure, Result};
use crate::findings::Severity;
use crate::leftovers;
use crate::output::say;
use crate::plan::{self, text};
use crate::rollout::services::{Switch, back};
use crate::rollout::{self, Target, Workload};
use show::Pair;

/// Show what injecting would change in the live objects, as a diff
#[derive(clap::Args)]
#[command(
    after_help = "The new objects are what the server makes of them in a dry run, as far as you may ask it for one. Exit codes: 0, no
differences; 1, differences; 2, it could not be told. KUBECTL_EXTERNAL_DIFF names another program than our own diff.

Examples:
  # What would injecting this deployment change?
  kubectl ambassador diff deploy/web -c ambassador.yaml

  # What would taking the ambassador out change?
  kubectl ambassador diff deploy/web --uninject

  # Words instead of lines
  KUBECTL_EXTERNAL_DIFF=\"git diff --no-index --word-diff\" kubectl ambassador diff deploy/web",
    mut_arg("format", |arg| arg.hide(true)),
    mut_arg("dry_run", |arg| arg.hide(true)),
    mut_arg("timeout", |arg| arg.hide(true)),
    mut_arg("all_namespaces", |arg| arg.hide(false)),
    mut_arg("filename", |arg| arg.hide(true)),
    mut_arg("recursive", |arg| arg.hide(true)),
    mut_arg("kustomize", |arg| arg.hide(true)),
    mut_arg("with_plugin", |arg| arg.hide(true)),
    mut_arg("plugin_image", |arg| arg.hide(true)),
    mut_arg("kubernetes_version", |arg| arg.hide(true)),
    mut_arg("ipv6", |arg| arg.hide(true)),
    mut_arg("wait", |arg| arg.hide(true)),
    mut_arg("no_rollback", |arg| arg.hide(true)),
    mut_arg("force_conflicts", |arg| arg.hide(true)),
    mut_arg("field_manager", |arg| arg.hide(true))
)]
pub(crate) struct Args {
    /// Show what taking the ambassador out would change
    #[arg(long, conflicts_with_all = ["config", "ports", "jq"])]
    uninject: bool,

    #[command(flatten)]
    inject: inject::Args,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let differ = cluster::block_on(pairs(args)).and_then(|pairs| show::all(&pairs));
    if differ.map_err(Failure::could_not_tell)? { Err(Failure::silent(Exit::Unchanged)) } else { Ok(()) }
}

async fn pairs(args: &Args) -> Result<Vec<Pair>> {
    if args.inject.files.are_given() {
        return Err(Failure::usage("diff is about objects of a cluster, not about manifests").hint(
            "name an object; or let kubectl compare: kubectl ambassador inject -f FILE | kubectl diff --server-side -f -",
        ));
    }
    let mut pairs = Vec::new();
    let keep = args.inject.change.keep_services;
    if args.uninject {
        let (cluster, targets) = args.inject.find().await?;
        for target in &targets {
            let cluster = cluster.within(target.namespace());
            match target {
                Target::Pod(live) => without_pod(&cluster, live, keep, &mut pairs).await?,
                Target::Workload(workload) => without_workload(&cluster, workload, keep, &mut pairs).await?,
            }
        }
        return Ok(pairs);
    }
    let (cluster, outlooks) = args.inject.outlook().await?;
    for outlook in &outlooks {
        with(&cluster.within(outlook.target.namespace()), outlook, &mut pairs).await?;
    }
    Ok(pairs)
}

async fn with(cluster: &Cluster, outlook: &Outlook, pairs: &mut Vec<Pair>) -> Result<()> {
    for finding in &outlook.findings {
        match finding.severity {
            Severity::Error => say(&format!("warning: inject would refuse: {}", finding.coded())),
            Severity::Warning => say(&format!("warning: {}", finding.coded())),
            Severity::Info => {}
        }
    }
    let Some(plan) = &outlook.plan else {
        return Err(Failure::unchanged(format!("it is not known what would become of {}", outlook.name)));
    };
    for map in [&plan.plugin, &plan.config_map] {
        let live = cluster.config_map(text(map, "/metadata/name")).await?;
        let merged = merged(live.as_ref(), map);
        pairs.push(Pair { live, new: Some(merged) });
    }
    match &outlook.target {
        Target::Pod(live) => {
            let same = plan.is_done(live);
            let new = if same { live.clone() } else { created(cluster, &plan.injected).await };
            pairs.push(Pair { live: Some(live.clone()), new: Some(new) });
        }
        Target::Workload(workload) => {
            let pod = plan.injected.pointer(&plan.template).unwrap_or(&Value::Null);
            pairs.push(patched(cluster, workload, pod).await?);
        }
    }
    switched(cluster, &outlook.switches, pairs).await
}

async fn without_pod(cluster: &Cluster, live: &Value, keep: bool, pairs: &mut Vec<Pair>) -> Result<()> {
    let Some(injected) = Injected::of(live)? else { return Ok(()) };
    let original = plan::original(&plan::without_what_the_server_sets(live), "")?;
    pairs.push(Pair { live: Some(live.clone()), new: Some(created(cluster, &original).await) });
    led_back(cluster, &original, keep, pairs).await?;
    unused(cluster, &injected, text(live, "/metadata/uid"), pairs).await
}

async fn without_workload(
    cluster: &Cluster,
    workload: &Workload,
    keep: bool,
    pairs: &mut Vec<Pair>,
) -> Result<()> {
    let Some(injected) = Injected::of(workload.pod()?)? else { return Ok(()) };
    let original = plan::original(&workload.object, &workload.template)?;
    let pod = original.pointer(&workload.template).unwrap_or(&Value::Null);
    pairs.push(patched(cluster, workload, pod).await?);
    led_back(cluster, pod, keep, pairs).await?;
    unused(cluster, &injected, text(&workload.object, "/metadata/uid"), pairs).await
}

async fn led_back(cluster: &Cluster, pod: &Value, keep: bool, pairs: &mut Vec<Pair>) -> Result<()> {
    let services = rollout::services_unless(cluster, keep).await?.unwrap_or_default();
    switched(cluster, &back(&services, pod), pairs).await
}

/// The ConfigMaps that nobody but the object of this uid uses: they go with it.
async fn unused(cluster: &Cluster, injected: &Injected, uid: &str, pairs: &mut Vec<Pair>) -> Result<()> {
    for name in [&injected.config_map, &injected.plugin] {
        if let Some(map) = cluster.config_map(name).await?
            && !leftovers::is_used_beside(cluster, name, uid).await?
        {
            pairs.push(Pair { live: Some(map), new: None });
        }
    }
    Ok(())
}

/// A pod as the server would create it; as we would send it, where one may not ask.
async fn created(cluster: &Cluster, pod: &Value) -> Value {
    let mut other = pod.clone();
    // Its own name is in use by itself.
    if let Some(metadata) = other.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("name");
        metadata.insert("generateName".to_owned(), format!("{}-", text(pod, "/metadata/name")).into());
    }
    match cluster.created_pod(&other, Mode::DryRun).await {
        Ok(mut created) => {
            created["metadata"]["name"] = pod["metadata"]["name"].clone();
            if let Some(metadata) = created.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.shift_remove("generateName");
            }
            created
        }
        Err(NotCreated::Refused(why) | NotCreated::Unclear(why)) => {
            say(&format!(
                "warning: the new pod is shown as it would be sent, since the server does not say what it would make of it: {why}"
            ));
            pod.clone()
        }
        Err(NotCreated::NameInUse) => pod.clone(),
    }
}

async fn patched(cluster: &Cluster, workload: &Workload, pod: &Value) -> Result<Pair> {
    let new = match workload.put(cluster, pod, Mode::DryRun).await {
        Ok(Some(patched)) => patched.object,
        Ok(None) => {
            return Err(
                Failure::unchanged(format!("{} was changed meanwhile", workload.shown())).hint("try again")
            );
        }
        Err(failure) => {
            say(&format!(
                "warning: {} is shown as it would be sent: {}",
                workload.shown(),
                failure.message()
            ));
            let mut object = workload.object.clone();
            if let Some(place) = object.pointer_mut(&workload.template) {
                *place = pod.clone();
            }
            object
        }
    };
    Ok(Pair { live: Some(workload.object.clone()), new: Some(new) })
}

async fn switched(cluster: &Cluster, switches: &[Switch], pairs: &mut Vec<Pair>) -> Result<()> {
    if switches.is_empty() {
        return Ok(());
    }
    for service in &cluster.objects(&Resource::services(), None).await? {
        let own: Vec<&Switch> =
            switches.iter().filter(|switch| switch.service == text(service, "/metadata/name")).collect();
        if own.is_empty() {
            continue;
        }
        let mut new = service.clone();
        for switch in own {
            switch.apply(&mut new);
        }
        pairs.push(Pair { live: Some(service.clone()), new: Some(new) });
    }
    Ok(())
}

/// What applying a ConfigMap of ours makes of the one that is there: what others have put on it stays.
fn merged(live: Option<&Value>, ours: &Value) -> Value {
    let Some(live) = live else { return ours.clone() };
    let mut merged = live.clone();
    for key in ["data", "binaryData", "immutable"] {
        if let Some(value) = ours.get(key) {
            merged[key] = value.clone();
        }
    }
    for key in ["labels", "ownerReferences"] {
        if let Some(value) = ours["metadata"].get(key) {
            let there = merged["metadata"].get(key).cloned().unwrap_or_else(|| json!({}));
            merged["metadata"][key] = match (there, value) {
                (Value::Object(mut there), Value::Object(ours)) => {
                    there.extend(ours.clone());
                    there.into()
                }
                (_, ours) => ours.clone(),
            };
        }
    }
    merged
}
