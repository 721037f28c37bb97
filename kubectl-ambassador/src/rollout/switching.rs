//! Leads Services to the ambassador and back, one after the other, each as it is at that moment.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::TRIES;
use super::services::{Pods, Switch, back, forward, have_followed, held_by};
use crate::cluster::{Cluster, Mode, NotPatched, Resource};
use crate::failure::{Failure, Result};
use crate::output::say;
use crate::plan::text;

/// How long the endpoints of a Service may take to follow it.
const FOLLOW: Duration = Duration::from_secs(60);
/// How long the nodes may take to follow the endpoints: kube-proxy writes its rules at most once a second, and some
/// seconds late on a busy node. Nothing tells when all of them have.
const SETTLE: Duration = Duration::from_secs(4);

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

/// Switches what there is to switch, and waits until all connections go there.
pub(crate) async fn switch(cluster: &Cluster, plan: impl Fn(&[Value]) -> Vec<Switch>) -> Result<()> {
    let mut done = Vec::new();
    let mut refused = 0;
    loop {
        let services = cluster.objects(&Resource::services(), None).await?;
        // Each is planned on what the one before has left.
        let Some(next) = pending(cluster, plan(&services), &services).await?.into_iter().next() else {
            break;
        };
        match cluster.patch(&Resource::services(), &next.service, &next.operations, Mode::Real).await {
            Ok(_) => {
                say(&next.shown());
                done.push(next);
            }
            Err(NotPatched::Gone) => {}
            Err(NotPatched::Refused(why)) if refused >= TRIES => {
                return Err(Failure::unchanged(format!("cannot change service/{}: {why}", next.service)));
            }
            Err(NotPatched::Refused(_)) => refused += 1,
            Err(NotPatched::Failed(failure)) => return Err(failure),
        }
    }
    for switch in &done {
        wait_for_endpoints(cluster, switch).await?;
    }
    if !done.is_empty() {
        tokio::time::sleep(SETTLE).await;
    }
    Ok(())
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
