//! Leads Services to the ambassador and back, one after the other, each as it is at that moment.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::TRIES;
use super::services::{Pods, Switch, back, forward, have_followed, held_by};
use crate::cluster::{Cluster, Mode, NotPatched, Resource};
use crate::failure::{Failure, Result};
use crate::findings;
use crate::output::say;
use crate::plan::text;

/// How long the endpoints of a Service may take to follow it.
const FOLLOW: Duration = Duration::from_secs(60);
/// How long the nodes may take to follow the endpoints: kube-proxy writes its rules at most once a second, and some
/// seconds late on a busy node. Nothing tells when all of them have.
const SETTLE: Duration = Duration::from_secs(4);
/// How soon a Service that could not be changed is looked at again.
const AGAIN: Duration = Duration::from_millis(300);

/// All Services of the namespace. `None`: they are to be left alone, or cannot be seen.
pub(crate) async fn services_unless(cluster: &Cluster, are_kept: bool) -> Result<Option<Vec<Value>>> {
    if are_kept {
        return Ok(None);
    }
    match cluster.objects(&Resource::services(), None).await {
        Ok(services) => Ok(Some(services)),
        Err(failure) => {
            if cluster.missing_rights(&[("list", "services")]).await?.is_empty() {
                return Err(failure);
            }
            say(
                "warning: Services that lead past the ambassador go on to do so, since you may not: list services",
            );
            Ok(None)
        }
    }
}

/// What has to be switched by now, and can be.
pub(crate) async fn pending(
    cluster: &Cluster,
    switches: Vec<Switch>,
    services: &[Value],
) -> Result<Vec<Switch>> {
    if switches.is_empty() {
        return Ok(switches);
    }
    let pods = cluster.objects(&Resource::pods(), None).await?;
    Ok(switches.into_iter().filter(|switch| held_by(switch, services, &pods).is_none()).collect())
}

/// Leads Services to the ambassador whose pods all have it, and tells of the others.
pub(crate) async fn to_ambassador(cluster: &Cluster, pods: &Pods<'_>) -> Result<()> {
    switch(cluster, |services| forward(services, pods).after).await?;
    let services = cluster.objects(&Resource::services(), None).await?;
    let all = cluster.objects(&Resource::pods(), None).await?;
    for switch in forward(&services, pods).after {
        if let Some(pod) = held_by(&switch, &services, &all) {
            say(&format!(
                "service/{} still leads past the ambassador, since pod/{} is without it; once no such pod is left, run \
                 this again",
                switch.service,
                text(pod, "/metadata/name")
            ));
        }
    }
    Ok(())
}

/// Leads Services back to where they led before any injection.
pub(crate) async fn back_to_program(cluster: &Cluster, original: &Value) -> Result<()> {
    switch(cluster, |services| back(services, original)).await
}

/// Asks the server, without changing anything, whether it would let the Services be switched.
pub(crate) async fn prove(cluster: &Cluster, switches: &[Switch]) -> Result<()> {
    for switch in switches {
        match cluster.patch(&Resource::services(), &switch.service, &switch.operations, Mode::DryRun).await {
            Err(NotPatched::Refused(why)) => return Err(findings::refusal(cannot(switch, &why).message())),
            Err(NotPatched::Failed(failure)) => return Err(findings::refusal(failure.message())),
            // As it will be by then, it is read again.
            Ok(_) | Err(NotPatched::Gone | NotPatched::Conflict(_)) => {}
        }
    }
    Ok(())
}

/// Switches what there is to switch, and waits until all connections go there.
pub(crate) async fn switch(cluster: &Cluster, plan: impl Fn(&[Value]) -> Vec<Switch>) -> Result<()> {
    let mut tried: Vec<Switch> = Vec::new();
    let mut failed = 0;
    loop {
        let services = cluster.objects(&Resource::services(), None).await?;
        // Each is planned on what the one before has left, and so an answer that was lost is no matter.
        let Some(next) = pending(cluster, plan(&services), &services).await?.into_iter().next() else {
            break;
        };
        let result = cluster.patch(&Resource::services(), &next.service, &next.operations, Mode::Real).await;
        let is_new = !tried.iter().any(|tried| (&tried.service, &tried.port) == (&next.service, &next.port));
        let failure = match result {
            Ok(_) => {
                say(&next.shown());
                None
            }
            Err(NotPatched::Gone) => continue,
            Err(NotPatched::Refused(why) | NotPatched::Conflict(why)) => Some(cannot(&next, &why)),
            Err(NotPatched::Failed(failure)) if failure.may_pass() => Some(failure),
            Err(NotPatched::Failed(failure)) => return Err(failure),
        };
        if is_new {
            tried.push(next);
        }
        if let Some(failure) = failure {
            failed += 1;
            if failed > TRIES {
                return Err(failure);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
    for switch in &tried {
        wait_for_endpoints(cluster, switch).await?;
    }
    if !tried.is_empty() {
        tokio::time::sleep(SETTLE).await;
    }
    Ok(())
}

fn cannot(switch: &Switch, why: &str) -> Failure {
    Failure::unchanged(format!("cannot change service/{}: {why}", switch.service))
}

async fn wait_for_endpoints(cluster: &Cluster, switch: &Switch) -> Result<()> {
    let deadline = Instant::now() + FOLLOW;
    let selector = format!("kubernetes.io/service-name={}", switch.service);
    loop {
        let slices = cluster.objects(&Resource::endpoint_slices(), Some(&selector)).await?;
        if have_followed(&slices, switch) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Failure::unchanged(format!(
                "the endpoints of service/{} do not follow it within {} s",
                switch.service,
                FOLLOW.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
