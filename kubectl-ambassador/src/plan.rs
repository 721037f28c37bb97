//! Plans, purely: a live pod and a config in, the objects to be sent out. `--dry-run` prints the very plan that
//! would be carried out.

mod clean;
mod refuse;
mod sidecar;

use ambassador_core::config::yaml::Loaded;
use serde_json::{Map, Value, json};

pub(crate) use clean::{without_server_fields_of_config_map, without_what_the_server_sets};
pub(crate) use refuse::{Permissions, declared_ports, refuse, refuse_taken_ports};
pub(crate) use sidecar::CONTAINER;

use crate::annotation::{self, Injected};
use crate::envoy::{self, HEALTH_PORT, Layout};
use crate::failure::Result;
use crate::plugin::Plugin;
use crate::source::Source;

/// Label of all objects that we make.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubectl-ambassador");
/// `kubectl logs` and `exec` mean this container; Kubernetes' own annotation.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// What a person chose, beside the config.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The Envoy image.
    pub(crate) image: String,
    /// The name of the ConfigMap with the config.
    pub(crate) config_map: String,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The pod as it was before any injection, as it can be created.
    pub(crate) original: Value,
    /// The pod with the ambassador.
    pub(crate) injected: Value,
    /// The ConfigMap with the config and what is rendered from it.
    pub(crate) config_map: Value,
    /// The ConfigMap with the module.
    pub(crate) plugin: Value,
}

impl Plan {
    /// Whether `live` is what this plan would make of it. The server fills in what a pod leaves open, so the bodies
    /// themselves cannot be compared.
    pub(crate) fn is_done(&self, live: &Value) -> bool {
        let annotation = |pod: &Value| {
            pod.pointer("/metadata/annotations").and_then(|all| all.get(annotation::NAME)).cloned()
        };
        let image = |pod: &Value| {
            let ours = list(pod, "/spec/initContainers")
                .iter()
                .find(|container| text(container, "/name") == CONTAINER);
            ours.map(|container| text(container, "/image").to_owned())
        };
        annotation(live) == annotation(&self.injected) && image(live) == image(&self.injected)
    }

    /// The objects, in the order in which they are sent.
    pub(crate) fn objects(&self) -> [&Value; 3] {
        [&self.plugin, &self.config_map, &self.injected]
    }
}

/// Plans the injection of `live`, which may be injected already.
pub(crate) fn inject(live: &Value, source: &Source, plugin: &Plugin, options: &Options) -> Result<Plan> {
    let original = original(live)?;
    let namespace = text(&original, "/metadata/namespace").to_owned();
    let ports = &source.loaded.ambassador.ports;
    let mut injected =
        Injected::new(ports, HEALTH_PORT, &source.text, &options.config_map, &plugin.config_map());
    let mut pod = original.clone();
    sidecar::add(&mut pod, &source.loaded, &injected, &options.image);
    let originals = &mut injected.originals;
    if ports.iter().any(|port| port.listen < 1024) {
        remember(&original, "/spec/securityContext/sysctls", originals);
        sidecar::allow_low_ports(&mut pod);
    }
    choose_default_container(&original, &mut pod, originals);
    let text = serde_json::to_string(&injected).unwrap_or_default();
    entry(entry(&mut pod, "metadata"), "annotations")[annotation::NAME] = Value::from(text);
    Ok(Plan {
        original,
        injected: pod,
        config_map: config_map(&namespace, source, &options.config_map, has_ipv6(live))?,
        plugin: plugin_map(&namespace, plugin),
    })
}

/// The pod as it was before any injection, as it can be created.
pub(crate) fn original(live: &Value) -> Result<Value> {
    let mut pod = without_what_the_server_sets(live);
    let Some(injected) = Injected::of(live)? else { return Ok(pod) };
    sidecar::remove(&mut pod);
    if let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(annotation::NAME);
    }
    for (pointer, value) in &injected.originals {
        restore(&mut pod, pointer, value);
    }
    remove_if_empty(&mut pod, "/metadata", "annotations");
    Ok(pod)
}

/// `kubectl logs` and `exec` would mean our container no more than before, but tools that take the first container of
/// a list should find the legacy one: said only where nobody said it.
fn choose_default_container(original: &Value, pod: &mut Value, originals: &mut Map<String, Value>) {
    let first = original.pointer("/spec/containers/0/name").cloned().unwrap_or_default();
    let annotations = entry(entry(pod, "metadata"), "annotations");
    let said = annotations.get(DEFAULT_CONTAINER).is_some();
    if !said && first.is_string() {
        annotations[DEFAULT_CONTAINER] = first;
        let key = DEFAULT_CONTAINER.replace('/', "~1");
        remember(original, &format!("/metadata/annotations/{key}"), originals);
    }
}

/// A value that stood at `pointer` before we changed it.
fn remember(original: &Value, pointer: &str, originals: &mut Map<String, Value>) {
    let value = original.pointer(pointer).cloned().unwrap_or_default();
    originals.insert(pointer.to_owned(), value);
}

fn restore(pod: &mut Value, pointer: &str, value: &Value) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    let Some(parent) = pod.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    if value.is_null() {
        parent.shift_remove(&key);
    } else {
        parent.insert(key, value.clone());
    }
}

fn remove_if_empty(value: &mut Value, parent: &str, key: &str) {
    let Some(parent) = value.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    let empty = parent.get(key).and_then(Value::as_object).is_some_and(Map::is_empty);
    if empty {
        parent.shift_remove(key);
    }
}

/// The object called `key`, made if it is not there.
fn entry<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    let field = &mut value[key];
    if !field.is_object() {
        *field = json!({});
    }
    field
}

fn config_map(namespace: &str, source: &Source, name: &str, has_ipv6: bool) -> Result<Value> {
    let mut data = Map::from_iter([("ambassador.yaml".to_owned(), Value::from(source.text.as_str()))]);
    for (file, text) in rendered(&source.loaded, has_ipv6)? {
        data.insert(file.to_owned(), Value::from(text));
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY.0: MANAGED_BY.1}},
        "data": data,
    }))
}

fn rendered(loaded: &Loaded, has_ipv6: bool) -> Result<envoy::Files> {
    envoy::render(loaded, &Layout::in_pod(has_ipv6))
}

/// Whether a pod has an IPv6 address: a node without IPv6 gives it none. The new pod is made in the same cluster.
fn has_ipv6(live: &Value) -> bool {
    list(live, "/status/podIPs").iter().any(|address| text(address, "/ip").contains(':'))
}

fn plugin_map(namespace: &str, plugin: &Plugin) -> Value {
    let module = k8s_openapi::ByteString(plugin.module.clone());
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": plugin.config_map(), "namespace": namespace, "labels": {MANAGED_BY.0: MANAGED_BY.1}},
        "immutable": true,
        "binaryData": {"plugin.wasm": module},
    })
}

/// The text at a JSON pointer, empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer, empty if there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
