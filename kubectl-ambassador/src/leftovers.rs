//! ConfigMaps of ours that nobody uses any more.

use serde_json::Value;

use crate::cluster::{Cluster, Resource};
use crate::failure::Result;
use crate::output::say;
use crate::plan::{list, text};
use crate::workload::KINDS;

/// Removes a ConfigMap of ours unless somebody uses it: a pod other than `except`, or the template of a workload. What
/// cannot be removed is told, and no failure: what was to be done is done.
pub(crate) async fn remove_unused(cluster: &Cluster, config_map: &str, except: &str) {
    let removed = match is_used(cluster, config_map, except).await {
        Ok(true) => return,
        Ok(false) => cluster.delete_config_map(config_map).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = removed {
        say(&format!("warning: configmap/{config_map} is left behind: {}", failure.message()));
    }
}

/// Removes the ConfigMaps that belong to the workload of this uid and that nobody uses.
pub(crate) async fn remove_unused_of(cluster: &Cluster, uid: &str) {
    let maps = match cluster.config_maps_of_ours().await {
        Ok(maps) => maps,
        Err(failure) => {
            return say(&format!("warning: configmaps of ours may be left behind: {}", failure.message()));
        }
    };
    for map in maps {
        let mut owners = list(&map, "/metadata/ownerReferences").iter();
        if owners.any(|owner| text(owner, "/uid") == uid) {
            remove_unused(cluster, text(&map, "/metadata/name"), "").await;
        }
    }
}

/// Whether somebody but the pod `except` uses a ConfigMap.
pub(crate) async fn is_used(cluster: &Cluster, config_map: &str, except: &str) -> Result<bool> {
    for kind in &KINDS {
        let objects = cluster.objects(&Resource::of(kind), None).await?;
        let mut users =
            objects.iter().filter(|object| !kind.is_pod() || text(object, "/metadata/name") != except);
        if users.any(|object| makes_pods(object) && mounts(object, kind.template, config_map)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether anything but the object of this uid uses a ConfigMap. What a workload has made stands and falls with it.
pub(crate) async fn is_used_beside(cluster: &Cluster, config_map: &str, uid: &str) -> Result<bool> {
    for kind in &KINDS {
        let objects = cluster.objects(&Resource::of(kind), None).await?;
        let is_made = |object: &Value| {
            list(object, "/metadata/ownerReferences").iter().any(|owner| owner["controller"] == true)
        };
        let mut others =
            objects.iter().filter(|object| text(object, "/metadata/uid") != uid && !is_made(object));
        if others.any(|object| makes_pods(object) && mounts(object, kind.template, config_map)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether what an object says of pods still matters. The ReplicaSets of a Deployment's past are kept for `rollout
/// undo`; what is over, or is being deleted, has mounted what it needs.
fn makes_pods(object: &Value) -> bool {
    let over = match text(object, "/kind") {
        "ReplicaSet" => {
            object.pointer("/spec/replicas").and_then(Value::as_u64) == Some(0)
                && list(object, "/metadata/ownerReferences").iter().any(|owner| owner["controller"] == true)
        }
        "Job" => list(object, "/status/conditions").iter().any(|condition| {
            matches!(text(condition, "/type"), "Complete" | "Failed") && text(condition, "/status") == "True"
        }),
        _ => matches!(text(object, "/status/phase"), "Succeeded" | "Failed"),
    };
    !over && object.pointer("/metadata/deletionTimestamp").is_none()
}

fn mounts(object: &Value, template: &str, config_map: &str) -> bool {
    let volumes = list(object, &format!("{template}/spec/volumes"));
    volumes.iter().any(|volume| text(volume, "/configMap/name") == config_map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_past_needs_no_config_map() {
        let replica_set = |replicas: u32, owners: Value| {
            makes_pods(
                &json!({"kind": "ReplicaSet", "metadata": {"ownerReferences": owners}, "spec": {"replicas": replicas}}),
            )
        };
        let owner = json!([{"controller": true}]);
        assert!(!replica_set(0, owner.clone()));
        assert!(replica_set(1, owner));
        // A person scaled it down, and may scale it up again.
        assert!(replica_set(0, json!([])));
        assert!(makes_pods(&json!({"kind": "Deployment", "spec": {"replicas": 0}})));
        assert!(!makes_pods(&json!({"kind": "Pod", "status": {"phase": "Succeeded"}})));
        assert!(!makes_pods(
            &json!({"kind": "Pod", "metadata": {"deletionTimestamp": "now"}, "status": {"phase": "Running"}})
        ));
        assert!(makes_pods(&json!({"kind": "Pod", "status": {"phase": "Running"}})));
        let done = json!([{"type": "Complete", "status": "True"}]);
        assert!(!makes_pods(&json!({"kind": "Job", "status": {"conditions": done}})));
        assert!(makes_pods(&json!({"kind": "Job", "status": {}})));
    }
}
