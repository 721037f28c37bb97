//! Takes the ambassador out of a live workload: what `inject` does, in reverse.

use serde_json::Value;

use super::{Args, in_front};
use crate::annotation::{self, Injected};
use crate::cluster::{Cluster, Mode};
use crate::commands::change::{DryRun, refuse_missing_rights};
use crate::commands::inject::SERVICE_RIGHTS;
use crate::failure::{Failure, Result};
use crate::leftovers;
use crate::output::{self, say};
use crate::plan::{self, text};
use crate::rollout::services::back;
use crate::rollout::{self, Change, Course, End, Status, TRIES, Workload};
use crate::workload::Update;

pub(super) async fn run(args: &Args, cluster: &Cluster, mut workload: Workload) -> Result<()> {
    let shown = workload.shown();
    if workload.update == Update::Never && Injected::of(workload.pod()?)?.is_some() {
        return Err(Failure::unchanged(format!(
            "{shown}: the pod template of a Job cannot be changed once it exists"
        ))
        .hint("delete it and create it again from its manifest"));
    }
    for attempt in 0..TRIES {
        if once(args, cluster, &workload, attempt == 0).await? != End::Contested {
            return Ok(());
        }
        say(&format!("{shown} was changed by somebody else meanwhile, planning again"));
        workload = workload.again(cluster).await?;
    }
    Err(Failure::unchanged(format!(
        "{shown} was changed by somebody else {TRIES} times while it was planned for"
    ))
    .hint("find out who does that; a controller that manages it will not let go"))
}

async fn once(args: &Args, cluster: &Cluster, workload: &Workload, is_first: bool) -> Result<End> {
    let original = plan::original(&workload.object, &workload.template)?;
    let done = |what: &str, end: End| {
        let object = plan::without_server_fields(&original);
        output::told(&[&object], &workload.printed(), what, &args.change.output).map(|()| end)
    };
    let pod = original.pointer(&workload.template).unwrap_or(&Value::Null);
    let Some(injected) = Injected::of(workload.pod()?)? else {
        return nothing_to_take_out(args, cluster, workload, &done).await;
    };
    let services = rollout::services_unless(cluster, args.change.keep_services).await?.unwrap_or_default();
    let switches = back(&services, pod);
    if is_first {
        super::refuse(args, cluster, &workload.object, &workload.template).await?;
        say(&format!("{} loses the container {}", workload.shown(), plan::CONTAINER));
        for switch in &switches {
            say(&format!("  {}, before pods are replaced", switch.shown()));
        }
    }
    if args.change.dry_run == DryRun::Client {
        return done("uninjected (dry run)", End::Done);
    }
    if is_first {
        refuse_rights(cluster, workload, !switches.is_empty()).await?;
        workload.put(cluster, pod, Mode::DryRun).await?;
    }
    if args.change.dry_run == DryRun::Server {
        return done("uninjected (server dry run)", End::Done);
    }
    if !switches.is_empty() {
        rollout::back_to_program(cluster, pod).await?;
    }
    let end = change(args, cluster, workload, pod).await;
    if end.is_err() && !switches.is_empty() {
        in_front::lead_again(cluster, &injected, workload.pod()?, pod).await;
    }
    let end = end?;
    if end == End::Contested {
        return Ok(end);
    }
    for config_map in [&injected.config_map, &injected.plugin] {
        leftovers::remove_unused(cluster, config_map, "").await;
    }
    if end == End::Later && cluster.config_map(&injected.config_map).await?.is_some() {
        say(&format!("configmap/{} stays while pods use it; run this again afterwards", injected.config_map));
    }
    done("uninjected", end)
}

/// It may be that somebody was killed before the rollout was done.
async fn nothing_to_take_out(
    args: &Args,
    cluster: &Cluster,
    workload: &Workload,
    done: &impl Fn(&str, End) -> Result<End>,
) -> Result<End> {
    let rolled_out = matches!(rollout::course(workload), Course::Later(_))
        || !matches!(rollout::status(&workload.object), Status::Going(_));
    if !rolled_out && args.change.dry_run == DryRun::None {
        let pod = workload.pod()?;
        let is_new = |pod: &Value| text(pod, &annotation::pointer()).is_empty();
        let timeout = args.change.timeout;
        let change = Change {
            workload,
            pod,
            what: "uninjected",
            is_new: &is_new,
            config_maps: &[],
            answers: None,
            timeout,
            rollback: false,
            wait: args.change.wait,
        };
        change.follow(cluster).await?;
    }
    if args.change.dry_run == DryRun::None {
        leftovers::remove_unused_of(cluster, text(&workload.object, "/metadata/uid")).await;
    }
    done("unchanged", End::Done)
}

async fn change(args: &Args, cluster: &Cluster, workload: &Workload, pod: &Value) -> Result<End> {
    let present = workload.present(cluster).await?;
    let is_new = |pod: &Value| {
        text(pod, &annotation::pointer()).is_empty() && !present.contains(text(pod, "/metadata/uid"))
    };
    let change = Change {
        workload,
        pod,
        what: "uninjected",
        is_new: &is_new,
        config_maps: &[],
        answers: None,
        timeout: args.change.timeout,
        rollback: !args.change.no_rollback,
        wait: args.change.wait,
    };
    change.carry_out(cluster).await
}

async fn refuse_rights(cluster: &Cluster, workload: &Workload, with_services: bool) -> Result<()> {
    let resource = workload.resource.in_rights();
    let mut rights = vec![
        ("get", resource.as_str()),
        ("patch", resource.as_str()),
        ("list", "pods"),
        ("list", "replicasets.apps"),
        ("get", "configmaps"),
        ("delete", "configmaps"),
    ];
    if with_services {
        rights.extend(SERVICE_RIGHTS);
    }
    refuse_missing_rights(cluster, &rights).await
}
