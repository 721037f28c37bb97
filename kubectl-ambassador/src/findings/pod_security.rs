//! Pod Security Standards: whether the level that the namespace enforces lets the new pods in. What we add passes all
//! levels, so it is always the rest of the pod that is refused: it was there before the level was.

use serde_json::Value;

use super::{Code, Finding, Subject, World};
use crate::plan::{list, text};

/// Capabilities that `baseline` lets a container add.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// Sysctls that are safe at all levels.
const SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];
/// Kinds of volumes that `restricted` knows.
const VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let name = subject.namespace();
    let mut namespaces = world.namespaces.iter();
    let namespace = namespaces.find(|namespace| name.is_empty() || text(namespace, "/metadata/name") == name);
    let level =
        namespace.map(|namespace| text(namespace, "/metadata/labels/pod-security.kubernetes.io~1enforce"));
    let restricted = match level {
        Some("restricted") => true,
        Some("baseline") => false,
        _ => return Vec::new(),
    };
    if world.is_asked {
        return Vec::new();
    }
    let level = level.unwrap_or_default();
    let why = violations(subject.planned().unwrap_or_else(|| subject.pod()), restricted);
    if why.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "the namespace enforces the Pod Security level {level}, which {} does not keep to: {}",
        subject.name(),
        why.join("; ")
    );
    vec![
        subject
            .error(Code::PodSecurity, message)
            .hint("the ambassador keeps to it; change the rest of the pod, or the level"),
    ]
}

/// What the level does not allow, in a few words each.
fn violations(pod: &Value, restricted: bool) -> Vec<String> {
    let mut found = Vec::new();
    for namespace in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod.pointer(&format!("/spec/{namespace}")) == Some(&Value::Bool(true)) {
            found.push(namespace.to_owned());
        }
    }
    for sysctl in list(pod, "/spec/securityContext/sysctls") {
        let name = text(sysctl, "/name");
        if !SYSCTLS.contains(&name) {
            found.push(format!("sysctl {name}"));
        }
    }
    for volume in list(pod, "/spec/volumes") {
        let kinds =
            volume.as_object().into_iter().flat_map(serde_json::Map::keys).filter(|key| *key != "name");
        for kind in kinds {
            if kind == "hostPath" || (restricted && !VOLUMES.contains(&kind.as_str())) {
                found.push(format!("volume {} is a {kind}", text(volume, "/name")));
            }
        }
    }
    for kind in ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"] {
        for container in list(pod, kind) {
            let name = text(container, "/name");
            let why = if restricted {
                restricted_container(pod, container)
            } else {
                baseline_container(pod, container)
            };
            found.extend(why.into_iter().map(|why| format!("container {name}: {why}")));
        }
    }
    found
}

fn baseline_container(pod: &Value, container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
        found.push("privileged".to_owned());
    }
    for capability in list(container, "/securityContext/capabilities/add").iter().filter_map(Value::as_str) {
        if !BASELINE.contains(&capability) {
            found.push(format!("capability {capability}"));
        }
    }
    for port in list(container, "/ports").iter().filter_map(|port| port.get("hostPort")?.as_u64()) {
        if port > 0 {
            found.push(format!("hostPort {port}"));
        }
    }
    if !matches!(text(container, "/securityContext/procMount"), "" | "Default") {
        found.push("procMount".to_owned());
    }
    if either(pod, container, "/seccompProfile/type").and_then(Value::as_str) == Some("Unconfined") {
        found.push("seccompProfile Unconfined".to_owned());
    }
    found
}

fn restricted_container(pod: &Value, container: &Value) -> Vec<String> {
    let mut found = baseline_container(pod, container);
    // What baseline says of capabilities, restricted says more narrowly.
    found.retain(|why| !why.starts_with("capability "));
    if container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
        found.push("allowPrivilegeEscalation is not false".to_owned());
    }
    if !list(container, "/securityContext/capabilities/drop").iter().any(|dropped| dropped == "ALL") {
        found.push("capabilities are not dropped".to_owned());
    }
    for capability in list(container, "/securityContext/capabilities/add").iter().filter_map(Value::as_str) {
        if capability != "NET_BIND_SERVICE" {
            found.push(format!("capability {capability}"));
        }
    }
    if either(pod, container, "/runAsNonRoot") != Some(&Value::Bool(true)) {
        found.push("runAsNonRoot is not true".to_owned());
    }
    if either(pod, container, "/runAsUser").and_then(Value::as_u64) == Some(0) {
        found.push("runAsUser is 0".to_owned());
    }
    let seccomp = either(pod, container, "/seccompProfile/type").and_then(Value::as_str);
    if seccomp.is_none() {
        found.push("seccompProfile is not set".to_owned());
    }
    found
}

/// A field of the container's security context, else of the pod's.
fn either<'a>(pod: &'a Value, container: &'a Value, field: &str) -> Option<&'a Value> {
    let own = container.pointer(&format!("/securityContext{field}"));
    own.or_else(|| pod.pointer(&format!("/spec/securityContext{field}")))
}
