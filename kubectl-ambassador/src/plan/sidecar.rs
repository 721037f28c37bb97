//! Our container and its volumes: put into a pod, and taken out again.

use ambassador_core::config::yaml::Loaded;
use ambassador_core::ports::Port;
use serde_json::{Value, json};

use super::clean::retain;
use super::port_names::Names;
use super::resources::{self, Class};
use super::{Options, entry, list, text};
use crate::annotation::Injected;
use crate::envoy::HEALTH_PORT;

/// The container's name.
pub(crate) const CONTAINER: &str = "envoy-ambassador";
/// The volumes' names: config, module, sockets.
pub(crate) const VOLUMES: [&str; 3] = ["ambassador-config", "ambassador-plugin", "ambassador-run"];
/// The user that Envoy runs as: `nonroot` of distroless images, nobody's in most others.
const USER: u32 = 65532;

/// The form that our container takes in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A native sidecar: starts before the others, ends after them, and no Job waits for it.
    Native,
    /// A container like the others: starts beside them, in the order of the list; ends beside them, some seconds later.
    Container,
}

impl Mode {
    /// The list that it stands in.
    fn list(self) -> &'static str {
        match self {
            Self::Native => "initContainers",
            Self::Container => "containers",
        }
    }

    /// The field that only a container of this form has.
    fn field(self) -> (&'static str, Value) {
        match self {
            // That is all it takes to lose no request when pods are replaced, as tests under load show: kubelet sends
            // Envoy its SIGTERM, which ends it at once, only when the legacy program has ended, and that one serves on
            // by its own preStop or its own way to drain until nobody comes any more. A preStop or a drain of ours could
            // not make the program live longer.
            Self::Native => ("restartPolicy", Value::from("Always")),
            // Keeps it for some seconds when the pod is ended, so that it is there for the program's last answers. The
            // image has no shell to sleep with, and older kubelets know no `sleep`: Envoy takes its time to answer.
            Self::Container => (
                "lifecycle",
                json!({"preStop": {"httpGet": {"path": "/linger", "port": HEALTH_PORT, "scheme": "HTTP"}}}),
            ),
        }
    }

    /// The form that our container has in a pod, if it is in it in either.
    pub(super) fn of(pod: &Value) -> Option<Self> {
        let ours = |mode: &Self| {
            let containers = list(pod, &format!("/spec/{}", mode.list()));
            let mut ours = containers.iter().filter(|container| text(container, "/name") == CONTAINER);
            ours.any(|container| *mode == Self::Container || text(container, "/restartPolicy") == "Always")
        };
        [Self::Native, Self::Container].into_iter().find(ours)
    }
}

/// Our container in a pod; null if there is none.
pub(super) fn ours(pod: &Value) -> &Value {
    let kinds = ["/spec/initContainers", "/spec/containers"];
    let mut containers = kinds.iter().flat_map(|kind| list(pod, kind));
    containers.find(|container| text(container, "/name") == CONTAINER).unwrap_or(&Value::Null)
}

/// Adds the container and its volumes.
pub(super) fn add(pod: &mut Value, loaded: &Loaded, injected: &Injected, options: &Options, names: &Names) {
    let is_guaranteed = options.is_guaranteed || Class::of(pod) == Class::Guaranteed;
    let resources = resources::of_ours(pod, &options.resources, is_guaranteed);
    let spec = entry(pod, "spec");
    push(spec, options.mode.list(), container(loaded, options, names, &resources));
    let [config, plugin, run] = VOLUMES;
    push(spec, "volumes", json!({"name": config, "configMap": {"name": injected.config_map}}));
    push(spec, "volumes", json!({"name": plugin, "configMap": {"name": injected.plugin}}));
    push(spec, "volumes", json!({"name": run, "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}));
}

/// Takes both out again.
pub(super) fn remove(pod: &mut Value) {
    for kind in ["initContainers", "containers"] {
        retain(pod, "/spec", kind, |container| text(container, "/name") != CONTAINER);
    }
    retain(pod, "/spec", "volumes", |volume| !VOLUMES.contains(&text(volume, "/name")));
}

/// Lets a process without root listen on ports below 1024. Pod Security's `restricted` allows this sysctl, and it
/// concerns the pod's own network alone.
pub(super) fn allow_low_ports(pod: &mut Value) {
    const NAME: &str = "net.ipv4.ip_unprivileged_port_start";
    let context = entry(entry(pod, "spec"), "securityContext");
    retain(context, "", "sysctls", |sysctl| text(sysctl, "/name") != NAME);
    push(context, "sysctls", json!({"name": NAME, "value": "0"}));
}

fn container(loaded: &Loaded, options: &Options, names: &Names, resources: &Value) -> Value {
    let [config, plugin, run] = VOLUMES;
    // What listens on one address, such as the pod's loopback, is not for others.
    let ports = loaded.ambassador.ports.iter().filter(|port| port.listener.is_open());
    let ports = ports.map(|port| container_port(port, names));
    let (key, value) = options.mode.field();
    json!({
        "name": CONTAINER,
        "image": options.image,
        key: value,
        // Named, since the entry point of the stock image wants to change its user.
        "command": ["envoy"],
        "args": [
            "--config-path", "/etc/ambassador/config/bootstrap.yaml",
            "--concurrency", "1",
            "--disable-hot-restart",
            "--log-level", "warning",
            // How long a line of the access log may be on its way.
            "--file-flush-interval-msec", "1000",
        ],
        "ports": ports.collect::<Vec<_>>(),
        "startupProbe": probe(1, 60),
        "readinessProbe": probe(5, 3),
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsGroup": USER,
            "runAsNonRoot": true,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            // Whole directories: kubelet updates a mount by subPath never.
            {"name": config, "mountPath": "/etc/ambassador/config", "readOnly": true},
            {"name": plugin, "mountPath": "/etc/ambassador/plugin", "readOnly": true},
            {"name": run, "mountPath": "/run/ambassador"},
            // An empty directory where admission would mount a service account token: ours needs none.
            {"name": run, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "subPath": "no-token", "readOnly": true},
        ],
    })
}

/// With the name by which Services may ask for it: one of its own, or that of the port it leads to.
fn container_port(port: &Port, names: &Names) -> Value {
    match own_name(port).or_else(|| names.get(&port.listen).map(String::as_str)) {
        Some(name) => json!({"name": name, "containerPort": port.listen, "protocol": "TCP"}),
        None => json!({"containerPort": port.listen, "protocol": "TCP"}),
    }
}

/// The name that a person gave the port, if it is one in Kubernetes too: an IANA service name (RFC 6335, section 5.1).
/// A name of ours is that, if it is short, has a letter, and its hyphens stand between others.
pub(super) fn own_name(port: &Port) -> Option<&str> {
    let name = port.name.as_str();
    let is_service_name = name.len() <= 15
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    (port.has_own_name() && is_service_name).then_some(name)
}

fn probe(period: u32, failures: u32) -> Value {
    json!({
        "httpGet": {"path": "/ready", "port": HEALTH_PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 2,
    })
}

fn push(object: &mut Value, key: &str, item: Value) {
    match object.get_mut(key).and_then(Value::as_array_mut) {
        Some(items) => items.push(item),
        None => object[key] = json!([item]),
    }
}
