//! A container that ours takes the place of: taken out with the volumes that nothing else mounts, and put back as it was.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sidecar::{CONTAINER, VOLUMES};
use super::{Mode, Options, list, text};
use crate::failure::{Failure, Result};
use crate::replace::LISTS;

/// An item of a list of the pod's spec that was taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Removed {
    /// `containers`, `initContainers` or `volumes`.
    list: String,
    /// Where it stood.
    index: usize,
    value: Value,
}

impl Removed {
    /// Its name, if it is a container.
    pub(crate) fn container(&self) -> Option<&str> {
        self.is_container().then(|| text(&self.value, "/name"))
    }

    /// Its name, if it is a volume.
    pub(crate) fn volume(&self) -> Option<&str> {
        (!self.is_container()).then(|| text(&self.value, "/name"))
    }

    fn is_container(&self) -> bool {
        LISTS.contains(&self.list.as_str())
    }
}

/// Takes a container out of a pod, and what only it used.
pub(super) fn take_out(pod: &mut Value, name: &str) -> Result<Vec<Removed>> {
    let mut removed: Vec<Removed> =
        LISTS.iter().flat_map(|kind| cut(pod, kind, |container| text(container, "/name") == name)).collect();
    let Some(container) = removed.first().map(|container| container.value.clone()) else {
        return Err(Failure::usage(format!("there is no container {name} to be replaced")));
    };
    if list(pod, "/spec/containers").is_empty() {
        return Err(Failure::usage(format!(
            "{name} is the only container, and an ambassador stands beside one"
        )));
    }
    let kinds = ["/spec/containers", "/spec/initContainers", "/spec/ephemeralContainers"];
    let others: Vec<String> =
        kinds.iter().flat_map(|kind| list(pod, kind)).flat_map(mounted).map(str::to_owned).collect();
    let own: Vec<&str> = mounted(&container).collect();
    removed.extend(cut(pod, "volumes", |volume| {
        let name = text(volume, "/name");
        own.contains(&name) && !others.iter().any(|other| other == name)
    }));
    Ok(removed)
}

/// The names of the volumes that a container uses.
fn mounted(container: &Value) -> impl Iterator<Item = &str> {
    let lists = ["/volumeMounts", "/volumeDevices"].into_iter();
    lists.flat_map(move |at| list(container, at)).map(|mount| text(mount, "/name"))
}

/// Takes items out of a list, which stays even if nothing is left in it but ours will be.
fn cut(pod: &mut Value, kind: &str, goes: impl Fn(&Value) -> bool) -> Vec<Removed> {
    let items = list(pod, &format!("/spec/{kind}")).iter().enumerate();
    let removed: Vec<Removed> = items
        .filter(|(_, item)| goes(item))
        .map(|(index, value)| Removed { list: kind.to_owned(), index, value: value.clone() })
        .collect();
    if !removed.is_empty() {
        super::clean::retain(pod, "/spec", kind, |item| !goes(item));
    }
    removed
}

/// Puts all back where it stood, or as near to that as there still is.
pub(super) fn put_back(pod: &mut Value, removed: &[Removed]) {
    for item in removed {
        let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
        let items = spec.entry(item.list.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(items) = items.as_array_mut() {
            items.insert(item.index.min(items.len()), item.value.clone());
        }
    }
}

/// Gives our container the names and the node's ports that the ports of the old one had.
pub(super) fn take_over_ports(pod: &mut Value, removed: &[Removed], options: &Options) -> Result<()> {
    let old = removed.iter().filter(|item| item.is_container());
    let old: Vec<&Value> = old.flat_map(|container| list(&container.value, "/ports")).collect();
    let kind = if options.mode == Mode::Native { "initContainers" } else { "containers" };
    let ours = pod.pointer_mut(&format!("/spec/{kind}")).and_then(Value::as_array_mut).into_iter().flatten();
    let ours = ours.filter(|container| text(container, "/name") == CONTAINER);
    let ports =
        ours.filter_map(|container| container.get_mut("ports")).filter_map(Value::as_array_mut).flatten();
    for port in ports {
        let same = |old: &&&Value| {
            matches!(text(old, "/protocol"), "" | "TCP")
                && old.get("containerPort") == port.get("containerPort")
        };
        let Some(old) = old.iter().find(same).copied() else { continue };
        for field in ["name", "hostPort", "hostIP"] {
            let Some(value) = old.get(field) else { continue };
            if field == "name" && options.mode == Mode::Native && !options.named_ports {
                return Err(Failure::unchanged(format!(
                    "before Kubernetes 1.33 Services do not find ports of native sidecars by their names, such as {value}"
                ))
                .hint("--sidecar=container, or let Services ask for the number"));
            }
            port[field] = value.clone();
        }
    }
    Ok(())
}

/// The name of a ConfigMap that the pod does not mount itself: hand-made ambassadors have the name that ours would.
pub(super) fn free_name(object: &Value, name: String) -> String {
    let volumes = list(object, "/spec/volumes").iter();
    let mut theirs = volumes.filter(|volume| !VOLUMES.contains(&text(volume, "/name")));
    if theirs.any(|volume| text(volume, "/configMap/name") == name) {
        return format!("{}-envoy", name.strip_suffix("-config").unwrap_or(&name));
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{bare, live, replacing};
    use super::super::{original, text};
    use super::*;

    /// A pod with a proxy before and a program behind it.
    fn with_proxy() -> Value {
        let mut pod = live();
        let mut proxy = json!({
            "name": "proxy",
            "image": "haproxy:1.7",
            "ports": [{"name": "front", "containerPort": 80, "hostPort": 8080}, {"containerPort": 80, "protocol": "UDP"}],
        });
        proxy["volumeMounts"] =
            json!([{"name": "config", "mountPath": "/c"}, {"name": "shared", "mountPath": "/s"}]);
        pod["spec"]["containers"].as_array_mut().unwrap().insert(0, proxy);
        pod["spec"]["containers"][1]["volumeMounts"] = json!([{"name": "shared", "mountPath": "/s"}]);
        pod["spec"]["volumes"] = json!([
            {"name": "config", "configMap": {"name": "fruit-service-ambassador-config"}},
            {"name": "shared", "emptyDir": {}},
            {"name": "other", "emptyDir": {}},
        ]);
        pod["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "proxy"});
        pod
    }

    #[test]
    fn what_is_replaced_goes_with_what_only_it_used_and_comes_back() {
        let pod = with_proxy();
        let plan = replacing(&pod, "{listen: 80, target: 8775}", Some("proxy")).unwrap();
        let names = |list_at: &str| -> Vec<String> {
            list(&plan.injected, list_at).iter().map(|item| text(item, "/name").to_owned()).collect()
        };
        assert_eq!(names("/spec/containers"), ["legacy-fruit-service"]);
        assert_eq!(names("/spec/volumes")[..2], ["shared", "other"]);
        assert_eq!(
            plan.injected.pointer("/spec/initContainers/0/ports").unwrap(),
            &json!([{"containerPort": 80, "protocol": "TCP", "name": "front", "hostPort": 8080}])
        );
        let default = "/metadata/annotations/kubectl.kubernetes.io~1default-container";
        assert_eq!(text(&plan.injected, default), "legacy-fruit-service");
        assert_eq!(list(plan.beside().unwrap(), "/spec/containers").len(), 1);
        assert_eq!(original(&plan.injected, "").unwrap(), bare(&pod));
    }

    #[test]
    fn what_others_have_added_since_stays() {
        let pod = with_proxy();
        let mut injected = replacing(&pod, "{listen: 80, target: 8775}", Some("proxy")).unwrap().injected;
        injected["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "new"}));
        injected["spec"]["containers"][0]["image"] = "legacy:2".into();
        let mut expected = bare(&pod);
        expected["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "new"}));
        expected["spec"]["containers"][1]["image"] = "legacy:2".into();
        assert_eq!(original(&injected, "").unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_replaced_is_refused() {
        let ports = "{listen: 80, target: 8775}";
        assert!(
            replacing(&with_proxy(), ports, Some("none"))
                .unwrap_err()
                .message()
                .contains("no container none")
        );
        let alone = replacing(&live(), ports, Some("legacy-fruit-service")).unwrap_err();
        assert!(alone.message().contains("the only container"), "{}", alone.message());
    }

    #[test]
    fn a_config_map_of_the_pods_own_keeps_its_name() {
        let name = || "fruit-service-ambassador-config".to_owned();
        assert_eq!(free_name(&with_proxy(), name()), "fruit-service-ambassador-envoy");
        assert_eq!(free_name(&live(), name()), name());
    }
}
