//! A live pod as it can be created again: without what the API server and its admission plugins set.

use serde_json::{Map, Value};

use super::{list, text};

/// Fields of `metadata` that only the server sets.
const METADATA: [&str; 7] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
];
/// Fields of `spec` that scheduling and admission set; a new pod gets its own.
const SPEC: [&str; 3] = ["ephemeralContainers", "nodeName", "priority"];
/// Where the `ServiceAccount` admission plugin mounts its token into every container.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How it names the volume.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// The pod as it can be created.
pub(crate) fn without_what_the_server_sets(live: &Value) -> Value {
    let mut pod = live.clone();
    remove(&mut pod, "", &["status"]);
    remove(&mut pod, "/metadata", &METADATA);
    remove(&mut pod, "/spec", &SPEC);
    // The old name of serviceAccountName; the server fills it in.
    if live.pointer("/spec/serviceAccount") == live.pointer("/spec/serviceAccountName") {
        remove(&mut pod, "/spec", &["serviceAccount"]);
    }
    remove_token(&mut pod);
    pod
}

fn remove_token(pod: &mut Value) {
    let is_token =
        |volume: &Value| text(volume, "/name").starts_with(TOKEN_VOLUME) && volume.get("projected").is_some();
    let tokens: Vec<String> = list(pod, "/spec/volumes")
        .iter()
        .filter(|volume| is_token(volume))
        .map(|volume| text(volume, "/name").to_owned())
        .collect();
    retain(pod, "/spec", "volumes", |volume| !tokens.iter().any(|token| token == text(volume, "/name")));
    for kind in ["containers", "initContainers"] {
        for index in 0..list(pod, &format!("/spec/{kind}")).len() {
            let container = format!("/spec/{kind}/{index}");
            retain(pod, &container, "volumeMounts", |mount| {
                text(mount, "/mountPath") != TOKEN_PATH
                    || !tokens.iter().any(|token| token == text(mount, "/name"))
            });
        }
    }
}

fn remove(value: &mut Value, parent: &str, names: &[&str]) {
    let fields: Option<&mut Map<String, Value>> = value.pointer_mut(parent).and_then(Value::as_object_mut);
    if let Some(fields) = fields {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// Keeps some items of the list `key` of an object, and drops the list when that empties it.
pub(super) fn retain(value: &mut Value, parent: &str, key: &str, keep: impl Fn(&Value) -> bool) {
    let Some(parent) = value.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    let Some(items) = parent.get_mut(key).and_then(Value::as_array_mut) else { return };
    let before = items.len();
    items.retain(keep);
    if items.is_empty() && before > 0 {
        parent.shift_remove(key);
    }
}

/// An object that is no pod, as it can be applied again.
pub(crate) fn without_server_fields(live: &Value) -> Value {
    let mut object = live.clone();
    remove(&mut object, "", &["status"]);
    remove(&mut object, "/metadata", &METADATA);
    object
}
