//! ConfigMaps of ours that nobody uses any more.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{Cluster, Resource};
use crate::failure::{Failure, Result};
use crate::output::say;
use crate::plan::{list, text};
use crate::workload::KINDS;

/// Where the ConfigMap with the config of a workload remembers the one with the module: it goes last, so whoever was
/// killed midway leaves a trace of both.
pub(crate) const PLUGIN: &str = "kubectl-ambassador.dev/plugin";

/// Removes ConfigMaps of ours unless somebody uses them: a pod other than `except`, or the template of a workload. What
/// may not be removed is told, and no failure: what was to be done is done. A server that does not answer is one.
pub(crate) async fn remove_unused(cluster: &Cluster, config_maps: &[&str], except: &str) -> Result<()> {
    let left = |what: &str, failure: Failure| {
        let failure = failure.about(format!("{what} left behind"));
        if failure.may_pass() {
            return Err(failure);
        }
        say(&format!("warning: {}", failure.message()));
        Ok(())
    };
    if config_maps.is_empty() {
        return Ok(());
    }
    let used = match used(cluster, except).await {
        Ok(used) => used,
        Err(failure) => {
            return left(&format!("configmap/{} may be", config_maps.join(" and configmap/")), failure);
        }
    };
    for name in config_maps.iter().filter(|name| !used.contains(**name)) {
        let removed = cluster.delete_config_map(name).await;
        removed.or_else(|failure| left(&format!("configmap/{name} is"), failure))?;
    }
    Ok(())
}

/// Removes what belongs to the workload of this uid and what nobody uses, be it what another run has left: all but the
/// ConfigMap that it has now.
pub(crate) async fn remove_unused_of(cluster: &Cluster, uid: &str, now: Option<&str>) -> Result<()> {
    let maps = match cluster.config_maps_of_ours().await {
        Ok(maps) => maps,
        Err(failure) if failure.may_pass() => {
            return Err(failure.about("configmaps of ours may be left behind"));
        }
        Err(failure) => {
            say(&format!("warning: configmaps of ours may be left behind: {}", failure.message()));
            return Ok(());
        }
    };
    let is_old = |map: &&Value| {
        let mut owners = list(map, "/metadata/ownerReferences").iter();
        owners.any(|owner| text(owner, "/uid") == uid) && Some(text(map, "/metadata/name")) != now
    };
    let plugin =
        |map: &'_ Value| map.pointer("/metadata/annotations").and_then(|all| all.get(PLUGIN)).cloned();
    let old: Vec<&Value> = maps.iter().filter(is_old).collect();
    let plugins: Vec<Value> = old.iter().filter_map(|map| plugin(map)).collect();
    let plugins = plugins.iter().filter_map(Value::as_str);
    let names: Vec<&str> = plugins.chain(old.iter().map(|map| text(map, "/metadata/name"))).collect();
    remove_unused(cluster, &names, "").await
}

/// Whether somebody uses a ConfigMap.
pub(crate) async fn is_used(cluster: &Cluster, config_map: &str) -> Result<bool> {
    Ok(used(cluster, "").await?.contains(config_map))
}

/// The ConfigMaps that anybody but the pod `except` uses.
async fn used(cluster: &Cluster, except: &str) -> Result<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    for kind in &KINDS {
        let objects = cluster.objects(&Resource::of(kind), None).await?;
        let users =
            objects.iter().filter(|object| !kind.is_pod() || text(object, "/metadata/name") != except);
        used.extend(
            users.filter(|object| makes_pods(object)).flat_map(|object| mounted(object, kind.template)),
        );
    }
    Ok(used)
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
    mounted(object, template).any(|name| name == config_map)
}

fn mounted(object: &Value, template: &str) -> impl Iterator<Item = String> {
    let volumes = list(object, &format!("{template}/spec/volumes")).iter();
    let names = volumes.map(|volume| text(volume, "/configMap/name")).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect::<Vec<_>>().into_iter()
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
