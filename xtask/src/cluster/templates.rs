//! The files that the node's programs are configured by.

use std::path::Path;

use serde_json::{Value, json};

/// Users by token: who may do everything, the kubelet, and who may do nothing.
pub(super) const TOKENS: &str = "admintoken,admin,admin,system:masters\nkubelettoken,system:node:node,node,system:nodes\n\
    devtoken,dev,dev,devs\n";

/// A kubeconfig. The API server's certificate is its own, made at its start, for loopback and inside the namespace
/// only: it is not checked.
pub(super) fn kubeconfig(context: &str, port: u16, token: &str) -> String {
    let value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "ambassador", "cluster": {"server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true}}],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": "ambassador", "user": context, "namespace": "default"}}],
        "current-context": context,
    });
    pretty(&value)
}

/// Pods get addresses of a bridge inside the namespace.
pub(super) fn cni() -> String {
    pretty(&json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
                "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]},
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    }))
}

pub(super) fn containerd(dir: &Path, socket: &Path) -> String {
    let (dir, socket) = (dir.display(), socket.display());
    format!(
        r#"version = 2
root = "{dir}/containerd/root"
state = "{dir}/containerd/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "local/pause:1"
  enable_unprivileged_ports = true
  # Some machines do not let even root lower the score below its own.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{dir}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"#
    )
}

/// Made for short lives: quick to see a changed ConfigMap, slow to evict.
pub(super) fn kubelet(socket: &Path) -> String {
    let config: Value = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "failSwapOn": false,
        "failCgroupV1": false,
        "containerRuntimeEndpoint": format!("unix://{}", socket.display()),
        "podCIDR": "10.244.0.0/24",
        "resolvConf": "",
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        "imageGCHighThresholdPercent": 100,
        "syncFrequency": "2s",
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
    });
    pretty(&config)
}

/// JSON is YAML.
fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
