//! The Services in front of a workload: which of their ports lead past the ambassador, and how they are led to it and
//! back. Purely; a *switch* is a JSON Patch of one Service.

use std::collections::BTreeMap;

use ambassador_core::ports::PortMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::annotation::Injected;
use crate::plan::{self, CONTAINER, list, text};

/// The annotation of a Service that remembers where its ports led.
pub(crate) const ANNOTATION: &str = "kubectl-ambassador.dev/original-target-ports";

/// By the Service's port.
type Record = BTreeMap<String, Led>;

/// Where a port of a Service led, and where it was led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Led {
    original: Value,
    now: Value,
}

/// What the pods of a workload are, for Services: before any injection, and with the ambassador.
pub(crate) struct Pods<'a> {
    /// The template before any injection.
    pub(crate) original: &'a Value,
    /// The template with the ambassador.
    pub(crate) injected: &'a Value,
    /// What it maps.
    pub(crate) ports: &'a PortMap,
}

/// A Service that is to lead elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Switch {
    /// The Service's name.
    pub(crate) service: String,
    /// The name of its port; empty if it has none.
    pub(crate) port: String,
    /// Where it leads.
    pub(crate) from: Value,
    /// Where it is to lead.
    pub(crate) to: Value,
    /// The number that `to` is in the pods.
    pub(crate) number: u16,
    /// Whether only pods with the ambassador serve that.
    pub(crate) is_ours: bool,
    /// The JSON Patch; it tests that the Service is as it was read.
    pub(crate) operations: Value,
}

impl Switch {
    /// Makes the change in the Service as it was read; others of its ports may have been changed by then.
    pub(crate) fn apply(&self, service: &mut Value) {
        let mut others = record(service);
        let Ok(operations) = serde_json::from_value::<json_patch::Patch>(self.operations.clone()) else {
            return;
        };
        if json_patch::patch(service, &operations).is_err() {
            return;
        }
        // Each switch remembers what it knew of.
        others.extend(record(service));
        if let Some(annotations) = service.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
            && annotations.contains_key(ANNOTATION)
        {
            let text = serde_json::to_string(&others).unwrap_or_default();
            annotations.insert(ANNOTATION.to_owned(), text.into());
        }
    }

    /// `service/web port 80: targetPort 8775 -> 80`
    pub(crate) fn shown(&self) -> String {
        let plain = |port: &Value| port.as_str().map_or_else(|| port.to_string(), str::to_owned);
        let port = if self.port.is_empty() { String::new() } else { format!(" port {}", self.port) };
        format!("service/{}{port}: targetPort {} -> {}", self.service, plain(&self.from), plain(&self.to))
    }
}

/// What is to become of Services when a workload is injected.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Switches {
    /// Before the rollout: back to a port that all pods serve, since the new ones do not serve the present one.
    pub(crate) before: Vec<Switch>,
    /// After it: to a port that only new pods serve.
    pub(crate) after: Vec<Switch>,
    /// Ports of the old ambassador that clients use until the switch, and that the new one has not: with where they
    /// led to in the pod.
    pub(crate) missing_meanwhile: Vec<(u16, u16)>,
}

/// What is to become of the Services that select these pods.
pub(crate) fn forward(services: &[Value], pods: &Pods) -> Switches {
    let mut switches = Switches::default();
    for service in services.iter().filter(|service| selects(service, pods.original)) {
        for index in 0..list(service, "/spec/ports").len() {
            let Some((switch, legacy)) = forward_port(service, index, pods) else { continue };
            if !switch.is_ours {
                switches.before.push(switch);
                continue;
            }
            let from = switch.from.as_u64().and_then(|from| u16::try_from(from).ok());
            let served = |from: u16| from == legacy || pods.ports.iter().any(|port| port.listen == from);
            if let Some(from) = from.filter(|&from| !served(from)) {
                switches.missing_meanwhile.push((from, legacy));
            }
            switches.after.push(switch);
        }
    }
    switches
}

/// The switch of one port, with the number of the legacy program's port that it is about.
fn forward_port(service: &Value, index: usize, pods: &Pods) -> Option<(Switch, u16)> {
    let port = list(service, "/spec/ports").get(index)?;
    if !is_tcp(port) {
        return None;
    }
    let (now, original) = (target(port), original(service, port));
    let legacy = number_of(&original, pods.original)?;
    let to = match plan::port_of(pods.ports, legacy) {
        Some(ours) => {
            // The name goes with the pods.
            let moved = original.as_str().is_some_and(|name| is_named(pods.injected, name, ours.listen));
            if moved { original.clone() } else { ours.listen.into() }
        }
        None => original.clone(),
    };
    (to != now).then(|| {
        (switch(service, index, &to, &original, number_of(&to, pods.original).unwrap_or(legacy)), legacy)
    })
}

/// How the Services that select these pods are led back to where they led before any injection.
pub(crate) fn back(services: &[Value], original_pod: &Value) -> Vec<Switch> {
    let mut switches = Vec::new();
    for service in services.iter().filter(|service| selects(service, original_pod)) {
        for (index, port) in list(service, "/spec/ports").iter().enumerate() {
            let original = original(service, port);
            if is_tcp(port) && original != target(port) {
                let number = number_of(&original, original_pod).unwrap_or_default();
                switches.push(switch(service, index, &original, &original, number));
            }
        }
    }
    switches
}

/// Why a Service cannot be led to a port yet: a pod that it selects too, and that does not serve the port.
pub(crate) fn held_by<'a>(switch: &Switch, services: &[Value], pods: &'a [Value]) -> Option<&'a Value> {
    let service = services.iter().find(|service| text(service, "/metadata/name") == switch.service)?;
    let to = switch.to.as_u64().filter(|_| switch.is_ours)?;
    pods.iter().filter(|pod| is_running(pod) && selects(service, pod)).find(|pod| {
        let injected = Injected::of(pod).ok().flatten();
        !injected.is_some_and(|injected| injected.listens.iter().any(|&port| u64::from(port) == to))
    })
}

/// Whether a pod is one that still takes part.
pub(crate) fn is_running(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_none()
        && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether a Service leads to pods with these labels.
pub(crate) fn selects(service: &Value, pod: &Value) -> bool {
    let Some(selector) = service.pointer("/spec/selector").and_then(Value::as_object) else { return false };
    let labels = pod.pointer("/metadata/labels");
    !selector.is_empty()
        && text(service, "/spec/type") != "ExternalName"
        && selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

fn switch(service: &Value, index: usize, to: &Value, original: &Value, number: u16) -> Switch {
    let port = service.pointer(&format!("/spec/ports/{index}")).cloned().unwrap_or_default();
    let mut record = record(service);
    if to == original {
        record.remove(&key(&port));
    } else {
        record.insert(key(&port), Led { original: original.clone(), now: to.clone() });
    }
    let annotation = format!("/metadata/annotations/{}", ANNOTATION.replace('/', "~1"));
    let mut operations = vec![
        // Also of two that switch the same Service one comes second, and reads again.
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": text(service, "/metadata/resourceVersion")}),
        json!({"op": "add", "path": format!("/spec/ports/{index}/targetPort"), "value": to}),
    ];
    if record.is_empty() {
        if service.pointer(&annotation).is_some() {
            operations.push(json!({"op": "remove", "path": annotation}));
        }
    } else {
        if service.pointer("/metadata/annotations").is_none() {
            operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        }
        let record = serde_json::to_string(&record).unwrap_or_default();
        operations.push(json!({"op": "add", "path": annotation, "value": record}));
    }
    Switch {
        service: text(service, "/metadata/name").to_owned(),
        port: text(&port, "/name").to_owned(),
        from: target(&port),
        to: to.clone(),
        number,
        is_ours: to != original,
        operations: Value::Array(operations),
    }
}

fn is_tcp(port: &Value) -> bool {
    matches!(text(port, "/protocol"), "" | "TCP")
}

/// Where a port of a Service leads; to its own number, if nothing is said.
fn target(port: &Value) -> Value {
    port.get("targetPort").or_else(|| port.get("port")).cloned().unwrap_or_default()
}

/// Where it led before we changed it. What somebody has changed since is theirs.
fn original(service: &Value, port: &Value) -> Value {
    let now = target(port);
    record(service).remove(&key(port)).filter(|led| led.now == now).map_or(now, |led| led.original)
}

fn record(service: &Value) -> Record {
    let annotation = service.pointer("/metadata/annotations").and_then(|all| all.get(ANNOTATION));
    annotation.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// A Service has each number once for each protocol, and ours are TCP.
fn key(port: &Value) -> String {
    port.get("port").map(Value::to_string).unwrap_or_default()
}

/// The number that a Service's target is in a pod without the ambassador.
fn number_of(target: &Value, pod: &Value) -> Option<u16> {
    if let Some(number) = target.as_u64() {
        return u16::try_from(number).ok();
    }
    let name = target.as_str()?;
    let mut ports = list(pod, "/spec/containers").iter().flat_map(|container| list(container, "/ports"));
    let port = ports.find(|port| text(port, "/name") == name && is_tcp(port))?;
    u16::try_from(port.get("containerPort")?.as_u64()?).ok()
}

/// Whether our container has this name for this port.
fn is_named(pod: &Value, name: &str, listen: u16) -> bool {
    let containers = list(pod, "/spec/initContainers").iter().chain(list(pod, "/spec/containers"));
    let mut ours = containers.filter(|container| text(container, "/name") == CONTAINER);
    ours.any(|container| {
        let mut ports = list(container, "/ports").iter();
        ports.any(|port| text(port, "/name") == name && port["containerPort"] == listen)
    })
}

/// Whether all endpoints of a Service are where a switch leads.
pub(crate) fn have_followed(slices: &[Value], switch: &Switch) -> bool {
    slices.iter().filter(|slice| !list(slice, "/endpoints").is_empty()).all(|slice| {
        let mut ports = list(slice, "/ports").iter();
        ports.any(|port| text(port, "/name") == switch.port && port["port"] == switch.number)
    })
}

#[cfg(test)]
mod tests;
