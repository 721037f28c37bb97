//! The Services in front of what has an ambassador still, or again.

use serde_json::Value;

use crate::annotation::Injected;
use crate::cluster::Cluster;
use crate::failure::{Exit, Failure, Result};
use crate::plan::{self, text};
use crate::rollout;
use crate::rollout::services::{Pods, forward};
use crate::source;

/// Services lead to the ambassador that is in this pod, or pod template.
pub(in crate::commands) async fn lead_again(cluster: &Cluster, injected: &Value) -> Result<()> {
    let Some(was) = Injected::of(injected)? else { return Ok(()) };
    let original = &plan::original(injected, "")?;
    // Without its config it has been taken out by somebody else, who sees to the Services.
    let Some(map) = cluster.config_map(&was.config_map).await? else { return Ok(()) };
    let source = source::load("its config", text(&map, "/data/ambassador.yaml").to_owned())?;
    let pods = Pods { original, injected, ports: &source.loaded.ambassador.ports };
    let services = rollout::services_unless(cluster, false).await?.unwrap_or_default();
    if forward(&services, &pods).after.is_empty() {
        return Ok(());
    }
    rollout::to_ambassador(cluster, &pods).await
}

/// The failure of a change for which Services were led to the program, once they lead to the ambassador again that is
/// still there.
pub(in crate::commands) async fn undone(cluster: &Cluster, injected: &Value, failure: Failure) -> Failure {
    match lead_again(cluster, injected).await {
        Ok(()) => failure,
        Err(led) => {
            let message = format!("its Services lead past the ambassador now ({})", led.message());
            failure.and(Exit::LeftHalfDone, &message).hint("run the same command again")
        }
    }
}
