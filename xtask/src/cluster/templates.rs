//! The files and arguments that the programs of a cluster are configured by.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::progress::quietly;

/// Users by token: who may do everything, the kubelet, and who may do nothing.
const TOKENS: &str = "admintoken,admin,admin,system:masters\nkubelettoken,system:node:node,node,system:nodes\n\
    devtoken,dev,dev,devs\n";

/// The ports of an etcd.
pub(super) struct Etcd {
    /// For the API server.
    pub(super) clients: u16,
    /// For its like, of which there are none.
    pub(super) peers: u16,
}

/// The arguments of etcd, whose state is in `dir`.
pub(super) fn etcd(dir: &Path, ports: &Etcd) -> Vec<String> {
    let clients = format!("http://127.0.0.1:{}", ports.clients);
    let peers = format!("http://127.0.0.1:{}", ports.peers);
    vec![
        format!("--data-dir={}/etcd", dir.display()),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        "--log-level=error".to_owned(),
        // The state is thrown away with the cluster.
        "--unsafe-no-fsync".to_owned(),
    ]
}

/// The arguments of an API server, but for where it listens.
pub(super) fn api_server(dir: &Path, etcd: &Etcd) -> Vec<String> {
    let dir = dir.display();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{}", etcd.clients),
        format!("--cert-dir={dir}/pki/api"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={dir}/pki/sa.key"),
        format!("--service-account-signing-key-file={dir}/pki/sa.key"),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        format!("--token-auth-file={dir}/pki/tokens.csv"),
        "--allow-privileged=true".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
    ]
}

/// The arguments of a controller manager.
pub(super) fn controller_manager(dir: &Path, kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--service-account-private-key-file={}/pki/sa.key", dir.display()),
        "--use-service-account-credentials".to_owned(),
        "--controllers=*,-nodeipam".to_owned(),
        "--leader-elect=false".to_owned(),
    ]
}

/// The key by which tokens of service accounts are signed, and the users' tokens.
pub(super) fn write_keys(dir: &Path) -> anyhow::Result<()> {
    let pki = dir.join("pki");
    std::fs::create_dir_all(&pki)?;
    let key = pki.join("sa.key");
    if !key.is_file() {
        quietly(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"))?;
    }
    write(&pki.join("tokens.csv"), TOKENS)
}

/// Writes a file.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

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
