//! The Services in front of what is uninjected.

use serde_json::Value;

use crate::annotation::Injected;
use crate::cluster::Cluster;
use crate::failure::Result;
use crate::output::say;
use crate::plan::text;
use crate::rollout;
use crate::rollout::services::Pods;
use crate::source;

/// The pods are those with the ambassador again, so Services lead to it again.
pub(super) async fn lead_again(cluster: &Cluster, was: &Injected, injected: &Value, original: &Value) {
    let led = async {
        let map = cluster.config_map(&was.config_map).await?.unwrap_or_default();
        let source = source::load("its config", text(&map, "/data/ambassador.yaml").to_owned())?;
        let ports = &source.loaded.ambassador.ports;
        rollout::to_ambassador(cluster, &Pods { original, injected, ports }).await
    };
    let led: Result<()> = led.await;
    if let Err(failure) = led {
        say(&format!("warning: its Services lead past the ambassador now: {}", failure.message()));
    }
}
