//! Plans, purely: an object with a pod template and a config in, the objects to be sent out. `--dry-run` prints the very
//! plan that would be carried out.
//!
//! A *pod* in here is whatever has a pod's `metadata` and `spec`: a pod, or the pod template of a workload.

mod clean;
mod port_names;
mod refuse;
mod replaced;
mod resources;
mod sidecar;

use serde_json::{Map, Value, json};

pub(crate) use clean::{without_server_fields, without_what_the_server_sets};
pub(crate) use port_names::{ASKED_BY, port_of};
pub(crate) use refuse::{
    Permissions, declared_ports, refuse_newer, refuse_taken_ports, refuse_template, taken_by,
};
pub(crate) use replaced::Removed;
pub(crate) use resources::{Asked, Class, Flags as ResourceFlags};
pub(crate) use sidecar::{CONTAINER, Mode, VOLUMES};

use crate::annotation::{self, Injected};
use crate::envoy::HEALTH_PORT;
use crate::failure::Result;
use crate::plugin::Plugin;
use crate::source::Source;
use crate::workload;

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
    /// Whether the pods have IPv6 addresses: where the kernel has none, Envoy could not listen on `::`.
    pub(crate) ipv6: bool,
    /// Whether Services find the ports of our container by name, so that the names of ports can move to it.
    pub(crate) named_ports: bool,
    /// The form that our container takes.
    pub(crate) mode: Mode,
    /// What a person wants it to ask for.
    pub(crate) resources: Asked,
    /// Whether the pods are known to be Guaranteed, by what the cluster adds to what the object says.
    pub(crate) is_guaranteed: bool,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The object as it was before any injection.
    pub(crate) original: Value,
    /// The same without the container that ours takes the place of, if it does.
    pub(crate) beside: Option<Value>,
    /// The object with the ambassador.
    pub(crate) injected: Value,
    /// JSON pointer of the pod in both.
    pub(crate) template: String,
    /// The ConfigMap with the config and what is rendered from it.
    pub(crate) config_map: Value,
    /// The ConfigMap with the module.
    pub(crate) plugin: Value,
}

impl Plan {
    /// Whether `live` is what this plan would make of it. The server fills in what an object leaves open, so the bodies
    /// themselves cannot be compared.
    pub(crate) fn is_done(&self, live: &Value) -> bool {
        let pod = |object: &'_ Value| object.pointer(&self.template).cloned().unwrap_or_default();
        let annotation = |pod: &Value| {
            let injected = Injected::of(pod).ok().flatten();
            injected.map(Injected::anywhere)
        };
        let (live, planned) = (pod(live), pod(&self.injected));
        let (there, meant) = (sidecar::ours(&live), sidecar::ours(&planned));
        annotation(&live) == annotation(&planned)
            && text(there, "/image") == text(meant, "/image")
            && resources::are_same(there, meant)
            && Mode::of(&live) == Mode::of(&planned)
    }

    /// Whether our container is a native sidecar.
    pub(crate) fn is_native(&self) -> bool {
        self.injected.pointer(&self.template).and_then(Mode::of) == Some(Mode::Native)
    }

    /// What is kept for our container, where that is all that it may use: `500m CPU and 512Mi memory`.
    pub(crate) fn kept(&self) -> Option<String> {
        let ours = sidecar::ours(self.injected.pointer(&self.template)?);
        let kept = |resource: &str| {
            let [request, limit] =
                ["requests", "limits"].map(|kind| text(ours, &format!("/resources/{kind}/{resource}")));
            (request == limit && !request.is_empty()).then_some(request)
        };
        Some(format!("{} CPU and {} memory", kept("cpu")?, kept("memory")?))
    }

    /// Whether all but our container is in `live` as it is planned: a template is as the server has filled it in before,
    /// so what differs has been changed since by others, such as a port's name that an apply has put back.
    pub(crate) fn leaves_the_rest(&self, live: &Value) -> bool {
        let rest = |object: &Value| {
            let mut pod = object.pointer(&self.template).cloned().unwrap_or_default();
            sidecar::remove(&mut pod);
            pod
        };
        rest(live) == rest(&self.injected)
    }

    /// Mounts the module from an image volume instead of a ConfigMap.
    pub(crate) fn take_plugin_from_image(&mut self, reference: &str) {
        let volumes = self.injected.pointer_mut(&format!("{}/spec/volumes", self.template));
        let volumes = volumes.and_then(Value::as_array_mut).into_iter().flatten();
        for volume in volumes.filter(|volume| text(volume, "/name") == sidecar::VOLUMES[1]) {
            *volume = json!({
                "name": sidecar::VOLUMES[1],
                "image": {"reference": reference, "pullPolicy": "IfNotPresent"},
            });
        }
    }

    /// Whether the pods need the ConfigMap with the module.
    pub(crate) fn mounts_plugin(&self) -> bool {
        let name = text(&self.plugin, "/metadata/name");
        let volumes = list(&self.injected, &format!("{}/spec/volumes", self.template)).iter();
        volumes.into_iter().any(|volume| text(volume, "/configMap/name") == name)
    }

    /// The pod that ours stands beside.
    pub(crate) fn beside(&self) -> Option<&Value> {
        self.beside.as_ref().unwrap_or(&self.original).pointer(&self.template)
    }

    /// What ours takes the place of.
    pub(crate) fn removed(&self) -> Vec<Removed> {
        let pod = self.injected.pointer(&self.template).unwrap_or(&Value::Null);
        Injected::of(pod).ok().flatten().map(|injected| injected.removed).unwrap_or_default()
    }

    /// The objects, in the order in which they are sent.
    pub(crate) fn objects(&self) -> [&Value; 3] {
        [&self.plugin, &self.config_map, &self.injected]
    }
}

/// What most tests are about: nothing is replaced.
#[cfg(test)]
pub(crate) fn inject(
    original: &Value,
    template: &str,
    source: &Source,
    plugin: &Plugin,
    options: &Options,
) -> Result<Plan> {
    replace(original, template, source, plugin, options, None)
}

/// Plans the injection of an object that is not injected; `template` is the JSON pointer of the pod in it. The ambassador
/// takes the place of a container, if one is named.
pub(crate) fn replace(
    original: &Value,
    template: &str,
    source: &Source,
    plugin: &Plugin,
    options: &Options,
    container: Option<&str>,
) -> Result<Plan> {
    let namespace = text(original, "/metadata/namespace");
    let ports = &source.loaded.ambassador.ports;
    let mut injected =
        Injected::new(ports, HEALTH_PORT, &source.text, &options.config_map, &plugin.config_map());
    injected.resources = options.resources.clone();
    let whole = workload::template(original, template)?;
    let mut object = original.clone();
    let mut nothing = Value::Null;
    let pod = object.pointer_mut(template).unwrap_or(&mut nothing);
    if let Some(name) = container {
        injected.removed = replaced::take_out(pod, name)?;
    }
    let rest = container.map(|_| pod.clone());
    let before = rest.as_ref().unwrap_or(whole);
    let names = if options.named_ports {
        port_names::take(before, pod, ports, &mut injected.originals)
    } else {
        port_names::Names::new()
    };
    sidecar::add(pod, &source.loaded, &injected, options, &names);
    replaced::take_over_ports(pod, &injected.removed, options)?;
    let originals = &mut injected.originals;
    if ports.iter().any(|port| port.listen < 1024) {
        remember(before, "/spec/securityContext/sysctls", originals);
        if before.pointer("/spec/securityContext").is_none() {
            remember(before, "/spec/securityContext", originals);
        }
        sidecar::allow_low_ports(pod);
    }
    choose_default_container(before, pod, container, originals);
    let text = serde_json::to_string(&injected).unwrap_or_default();
    entry(entry(pod, "metadata"), "annotations")[annotation::NAME] = Value::from(text);
    let beside = rest.map(|rest| {
        let mut beside = original.clone();
        if let Some(pod) = beside.pointer_mut(template) {
            *pod = rest;
        }
        beside
    });
    Ok(Plan {
        original: original.clone(),
        beside,
        injected: object,
        template: template.to_owned(),
        config_map: config_map(namespace, source, options)?,
        plugin: plugin_map(namespace, plugin),
    })
}

/// Whether our container is in a pod as what it must be.
pub(crate) fn runs_beside(pod: &Value) -> bool {
    Mode::of(pod).is_some()
}

/// The object as it was before any injection.
pub(crate) fn original(object: &Value, template: &str) -> Result<Value> {
    let Some(injected) = Injected::of(workload::template(object, template)?)? else {
        return Ok(object.clone());
    };
    let mut object = object.clone();
    let Some(pod) = object.pointer_mut(template) else { return Ok(object) };
    sidecar::remove(pod);
    if let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(annotation::NAME);
    }
    for (pointer, value) in &injected.originals {
        restore(pod, pointer, value);
    }
    replaced::put_back(pod, &injected.removed);
    remove_if_empty(pod, "/metadata", "annotations");
    Ok(object)
}

/// `kubectl logs` and `exec` would mean our container no more than before, but tools that take the first container of
/// a list should find the legacy one: said only where nobody said it.
fn choose_default_container(
    original: &Value,
    pod: &mut Value,
    replaced: Option<&str>,
    originals: &mut Map<String, Value>,
) {
    let first = original.pointer("/spec/containers/0/name").cloned().unwrap_or_default();
    let annotations = entry(entry(pod, "metadata"), "annotations");
    let said = annotations.get(DEFAULT_CONTAINER).is_some_and(|said| said.as_str() != replaced);
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
        // An object that we made, and that others have put something into, stays.
        let in_use = parent.get(&key).and_then(Value::as_object).is_some_and(|fields| !fields.is_empty());
        if !in_use {
            parent.shift_remove(&key);
        }
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

fn config_map(namespace: &str, source: &Source, options: &Options) -> Result<Value> {
    let mut data = Map::from_iter([("ambassador.yaml".to_owned(), Value::from(source.text.as_str()))]);
    for (file, text) in source.files(options.ipv6)? {
        data.insert(file.to_owned(), Value::from(text));
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(&options.config_map, namespace),
        "data": data,
    }))
}

/// The ConfigMap that holds the config of an object, unless a person names one. A bare pod is replaced as a whole, so it
/// keeps one name; a workload's old pods run on beside its new ones, and must not see the new config: there the name
/// has the hash of the config.
pub(crate) fn config_map_name(object: &Value, template: &str, source: &Source) -> String {
    let name = text(object, "/metadata/name");
    if template.is_empty() {
        return replaced::free_name(object, format!("{name}-ambassador-config"));
    }
    // What is rendered from the config depends on the version too.
    let hash = crate::plugin::hex(format!("{} {}", env!("CARGO_PKG_VERSION"), source.text).as_bytes());
    format!("{name}-ambassador-config-{}", hash.get(..8).unwrap_or_default())
}

/// Of an object of ours. A manifest may leave the namespace open.
fn metadata(name: &str, namespace: &str) -> Value {
    let labels = json!({MANAGED_BY.0: MANAGED_BY.1});
    if namespace.is_empty() {
        json!({"name": name, "labels": labels})
    } else {
        json!({"name": name, "namespace": namespace, "labels": labels})
    }
}

/// Whether an object carries our label.
pub(crate) fn is_ours(object: &Value) -> bool {
    let labels = object.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(MANAGED_BY.0)).and_then(Value::as_str) == Some(MANAGED_BY.1)
}

/// Whether a pod has an IPv6 address: a node without IPv6 gives it none. The new pod is made in the same cluster.
pub(crate) fn has_ipv6(live: &Value) -> bool {
    list(live, "/status/podIPs").iter().any(|address| text(address, "/ip").contains(':'))
}

/// The ConfigMap with the module.
pub(crate) fn plugin_map(namespace: &str, plugin: &Plugin) -> Value {
    let module = k8s_openapi::ByteString(plugin.module().into_owned());
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(&plugin.config_map(), namespace),
        "immutable": true,
        "binaryData": {"plugin.wasm": module},
    })
}

/// The text at a JSON pointer, empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer, empty if there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The value at a JSON pointer. `Value::pointer` makes two texts of each step, and a pipe follows very many.
fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return value.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(value, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
