//! A real one-node Kubernetes cluster on one Linux machine, as root, without a container engine: etcd, the control
//! plane, kubelet, containerd and CNI, all inside a network namespace of its own.
//!
//! Beside it, API servers of other versions, without nodes.
//!
//! For development and tests. Whoever has a cluster uses that instead (`--context`).

mod control_planes;
mod kubernetes;
mod node;
mod programs;
mod relay;
mod templates;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

pub(crate) use control_planes::{CONTROL_PLANES, up as control_planes_up};
pub(crate) use relay::run as relay;

use crate::images::Image;
use crate::{debian, envoy, paths, progress};
use kubernetes::Release;
use node::Node;

/// Debian's packages that the node is made of, with a program of each.
const PACKAGES: [(&str, &str); 8] = [
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("etcd-server", "etcd"),
    ("iptables", "iptables"),
    ("iproute2", "ip"),
    ("openssl", "openssl"),
    ("util-linux", "nsenter"),
    ("procps", "sysctl"),
];
/// The admin's context in the kubeconfig.
pub(crate) const CONTEXT: &str = "ambassador";
/// The port on this machine's loopback that leads to the API server.
const RELAY_PORT: u16 = 16443;

/// A cluster that is up.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// Kubeconfig of a user who may do everything.
    pub(crate) kubeconfig: PathBuf,
    /// Kubeconfig of a user who may do nothing.
    pub(crate) dev_kubeconfig: PathBuf,
}

/// What keeps a cluster from running here, in words; nothing if it can.
pub(crate) fn unsupported() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("a cluster of our own needs Linux".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        return Some("a cluster of our own needs root (network namespace, cgroups, mounts)".to_owned());
    }
    if Release::of_the_cluster().is_missing() && paths::on_path("go").is_none() {
        return Some("building the Kubernetes programs needs Go, which is not on PATH".to_owned());
    }
    let missing = missing_packages();
    if !missing.is_empty() && !debian::can_install() {
        return Some(format!("it needs {}, and there is no apt-get to install them", missing.join(", ")));
    }
    None
}

/// Gets all that a cluster is made of.
pub(crate) fn dependencies() -> anyhow::Result<()> {
    if let Some(why) = unsupported() {
        bail!("{why}\nhint: use a cluster that you have (--context NAME), or none (--local)");
    }
    let missing = missing_packages();
    if missing.is_empty() {
        progress::ready("containerd, runc, etcd and what else the node is made of");
    } else {
        progress::step("installing what the node is made of", |step| debian::install(step, &missing))?;
    }
    Release::of_the_cluster().ensure()
}

fn missing_packages() -> Vec<&'static str> {
    let there = |program: &str| {
        ["/usr/sbin", "/sbin"].iter().any(|dir| Path::new(dir).join(program).is_file())
            || paths::on_path(program).is_some()
    };
    let mut missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, program)| !there(program)).map(|(package, _)| *package).collect();
    if !Path::new("/usr/lib/cni/bridge").is_file() {
        missing.push("containernetworking-plugins");
    }
    missing
}

/// Starts the cluster, or finds it running; of these images, those that changed are imported in either case.
pub(crate) fn up(images: impl FnOnce(&Path) -> anyhow::Result<Vec<Image>>) -> anyhow::Result<Cluster> {
    dependencies()?;
    let envoy = envoy::ensure()?;
    let images = images(&envoy.path)?;
    let node = Node::new()?;
    if is_healthy(&node) {
        progress::ready("the cluster is up");
        node.import(&images)?;
        return Ok(node.cluster());
    }
    progress::step("starting the cluster", |step| {
        node.down()?;
        node.start(step, &images)
    })?;
    Ok(node.cluster())
}

/// Gets the API servers of other versions too.
pub(crate) fn control_planes() -> anyhow::Result<()> {
    control_planes::ensure()
}

/// Stops the cluster and removes all of its state, and the API servers of other versions.
pub(crate) fn down() -> anyhow::Result<()> {
    let node = Node::new()?;
    progress::step("stopping the cluster", |_| {
        control_planes::down()?;
        node.down()
    })
}

/// Says whether the cluster is up, and how to use it.
pub(crate) fn status() -> anyhow::Result<()> {
    let node = Node::new()?;
    if is_healthy(&node) {
        println!("up: export KUBECONFIG={}", node.cluster().kubeconfig.display());
    } else {
        println!("down: cargo xtask cluster up");
    }
    Ok(())
}

/// Where the admin's kubeconfig is, whether or not the cluster is up.
pub(crate) fn kubeconfig() -> anyhow::Result<PathBuf> {
    Ok(Node::new()?.cluster().kubeconfig)
}

/// Whether the node is ready, asked the way that users ask: from this machine's own network.
fn is_healthy(node: &Node) -> bool {
    let kubeconfig = node.cluster().kubeconfig;
    kubeconfig.is_file()
        && node.all_run()
        && kubectl(&kubeconfig, &["get", "node", "node"]).is_ok_and(|text| text.contains(" Ready"))
}

/// PATH as it is if kubectl is on it, else with the one that was built here.
pub(crate) fn path_with_kubectl() -> anyhow::Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if paths::on_path("kubectl").is_some() {
        return Ok(path);
    }
    Ok(paths::path_with(kubernetes::kubectl()?.parent(), &path))
}

/// The output of kubectl.
pub(crate) fn kubectl(kubeconfig: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(kubernetes::kubectl()?)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--request-timeout=5s")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("cannot run kubectl")?;
    if !output.status.success() {
        bail!("kubectl {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tries until it works or the time is up.
fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    while !done() {
        if Instant::now() > deadline {
            bail!("{what} did not come up within {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
