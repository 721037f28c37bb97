//! Takes the ambassador out of a live workload: what `inject` does, in reverse.

use serde_json::Value;

use super::{Args, in_front};
use crate::annotation::{self, Injected};
use crate::cluster::{Cluster, Mode};
use crate::commands::change::{DryRun, refuse_missing_rights};
use crate::commands::inject::SERVICE_RIGHTS;
use crate::failure::{Exit, Failure, Result};
use crate::output::{self, Outcome, say};
use crate::plan::{self, text};
use crate::rollout::services::back;
use crate::rollout::{self, Change, Course, End, Status, TRIES, Workload};
use crate::workload::Update;
use crate::{findings, leftovers};

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
    let done = |outcome: Outcome, end: End| {
        let object = plan::without_server_fields(&original);
        output::told(&[&object], &workload.printed(), outcome, &args.change.output).map(|()| end)
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
        return done(Outcome::DryRun("uninjected"), End::Done);
    }
    if is_first {
        refuse_rights(cluster, workload, !switches.is_empty()).await?;
        let put = workload.put(cluster, pod, Mode::DryRun).await;
        put.map_err(|failure| findings::refusal(failure.message()))?;
        rollout::prove(cluster, &switches).await?;
    }
    if args.change.dry_run == DryRun::Server {
        return done(Outcome::ServerDryRun("uninjected"), End::Done);
    }
    let carried_out = async {
        if !switches.is_empty() {
            super::lead_to_program(cluster, &workload.shown(), pod).await?;
        }
        let present = workload.present(cluster).await?;
        let is_new = |pod: &Value| is_bare(pod) && !present.contains(text(pod, "/metadata/uid"));
        change(args, workload, pod, &is_new).carry_out(cluster).await
    };
    let end = match carried_out.await {
        Ok((End::Contested, _)) => return Ok(End::Contested),
        Ok((end, _)) => end,
        Err(failure) if switches.is_empty() => return Err(failure),
        Err(failure) => return Err(in_front::undone(cluster, workload.pod()?, failure).await),
    };
    // That of the config last: it is what another run would know the other one by.
    let mut removed = leftovers::remove_unused(cluster, &[&injected.plugin, &injected.config_map], "").await;
    if removed.is_ok() {
        removed = leftovers::remove_unused_of(cluster, text(&workload.object, "/metadata/uid"), None).await;
    }
    removed.map_err(|failure| left_behind(workload, failure))?;
    if end == End::Later && cluster.config_map(&injected.config_map).await?.is_some() {
        say(&format!("configmap/{} stays while pods use it; run this again afterwards", injected.config_map));
    }
    done(Outcome::Done("uninjected"), end)
}

fn left_behind(workload: &Workload, failure: Failure) -> Failure {
    failure
        .within(Exit::LeftHalfDone, format!("{} is uninjected, but", workload.shown()))
        .hint("once the cluster answers again, run the same command again")
}

/// It may be that somebody was killed before all was done.
async fn nothing_to_take_out(
    args: &Args,
    cluster: &Cluster,
    workload: &Workload,
    done: &impl Fn(Outcome, End) -> Result<End>,
) -> Result<End> {
    if args.change.dry_run == DryRun::None {
        let rolled_out = matches!(rollout::course(workload), Course::Later(_))
            || !matches!(rollout::status(&workload.object), Status::Going(_));
        if !rolled_out {
            change(args, workload, workload.pod()?, &is_bare).follow(cluster).await?;
        }
        let uid = text(&workload.object, "/metadata/uid");
        let removed = leftovers::remove_unused_of(cluster, uid, None).await;
        removed.map_err(|failure| left_behind(workload, failure))?;
    }
    done(Outcome::Unchanged, End::Done)
}

fn is_bare(pod: &Value) -> bool {
    text(pod, &annotation::pointer()).is_empty()
}

fn change<'a>(
    args: &Args,
    workload: &'a Workload,
    pod: &'a Value,
    is_new: &'a dyn Fn(&Value) -> bool,
) -> Change<'a> {
    Change {
        workload,
        pod,
        what: "uninjected",
        is_new,
        config_maps: &[],
        answers: None,
        timeout: args.change.timeout,
        rollback: !args.change.no_rollback,
        wait: args.change.wait,
    }
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
