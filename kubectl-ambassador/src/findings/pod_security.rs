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

/// Types of `seLinuxOptions` that `baseline` knows; none is one of them.
const SELINUX_TYPES: [&str; 5] =
    ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
/// Where a container may have kubelet ask somebody: since 1.34, nobody but the pod itself.
const HOSTS: [&str; 5] =
    ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/preStop", "/lifecycle/postStart"];

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
    if let Some(context) = pod.pointer("/spec/securityContext") {
        found.extend(context_of_either(context, restricted).into_iter().map(|why| format!("the pod: {why}")));
    }
    for kind in ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"] {
        for container in list(pod, kind) {
            let name = text(container, "/name");
            let mut why = baseline_container(container, restricted);
            if restricted {
                why.extend(left_open(pod, container));
            }
            found.extend(why.into_iter().map(|why| format!("container {name}: {why}")));
        }
    }
    found
}

/// What may be wrong with the security context of a pod and with that of a container alike: what a container says does
/// not make good what its pod says.
fn context_of_either(context: &Value, restricted: bool) -> Vec<String> {
    let mut found = Vec::new();
    for profile in ["seccompProfile", "appArmorProfile"] {
        if text(context, &format!("/{profile}/type")) == "Unconfined" {
            found.push(format!("{profile} Unconfined"));
        }
    }
    let selinux = |field: &str| text(context, &format!("/seLinuxOptions/{field}"));
    if !SELINUX_TYPES.contains(&selinux("type")) || !selinux("user").is_empty() || !selinux("role").is_empty()
    {
        found.push("seLinuxOptions".to_owned());
    }
    if context.pointer("/windowsOptions/hostProcess") == Some(&Value::Bool(true)) {
        found.push("hostProcess".to_owned());
    }
    if restricted && context.pointer("/runAsNonRoot") == Some(&Value::Bool(false)) {
        found.push("runAsNonRoot is not true".to_owned());
    }
    if restricted && context.pointer("/runAsUser").and_then(Value::as_u64) == Some(0) {
        found.push("runAsUser is 0".to_owned());
    }
    found
}

fn baseline_container(container: &Value, restricted: bool) -> Vec<String> {
    let empty = Value::Null;
    let context = container.pointer("/securityContext").unwrap_or(&empty);
    let mut found = context_of_either(context, restricted);
    if context.pointer("/privileged") == Some(&Value::Bool(true)) {
        found.push("privileged".to_owned());
    }
    for capability in list(context, "/capabilities/add").iter().filter_map(Value::as_str) {
        let allowed =
            if restricted { capability == "NET_BIND_SERVICE" } else { BASELINE.contains(&capability) };
        if !allowed {
            found.push(format!("capability {capability}"));
        }
    }
    for port in list(container, "/ports").iter().filter_map(|port| port.get("hostPort")?.as_u64()) {
        if port > 0 {
            found.push(format!("hostPort {port}"));
        }
    }
    if !matches!(text(context, "/procMount"), "" | "Default") {
        found.push("procMount".to_owned());
    }
    let hosts = HOSTS.iter().flat_map(|place| {
        ["httpGet", "tcpSocket"].map(|how| text(container, &format!("{place}/{how}/host")))
    });
    found.extend(
        hosts.filter(|host| !host.is_empty()).map(|host| format!("a probe or hook asks host {host}")),
    );
    found
}

/// What `restricted` wants to be said, by the container or by the pod for it.
fn left_open(pod: &Value, container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
        found.push("allowPrivilegeEscalation is not false".to_owned());
    }
    if !list(container, "/securityContext/capabilities/drop").iter().any(|dropped| dropped == "ALL") {
        found.push("capabilities are not dropped".to_owned());
    }
    if either(pod, container, "/runAsNonRoot").is_none() {
        found.push("runAsNonRoot is not true".to_owned());
    }
    if either(pod, container, "/seccompProfile/type").is_none() {
        found.push("seccompProfile is not set".to_owned());
    }
    found
}

/// A field of the container's security context, else of the pod's.
fn either<'a>(pod: &'a Value, container: &'a Value, field: &str) -> Option<&'a Value> {
    let own = container.pointer(&format!("/securityContext{field}"));
    own.or_else(|| pod.pointer(&format!("/spec/securityContext{field}")))
}
