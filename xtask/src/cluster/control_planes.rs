//! API servers of other versions than the cluster's, each with an etcd and controllers of its own, on this machine's
//! loopback. They have no nodes: what they show is what a server of that version admits, keeps of an object, and makes
//! of it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::kubernetes::Release;
use super::programs::Programs;
use super::{kubectl, templates, wait_for};
use crate::{paths, progress};

/// An API server that tests are run against.
pub(crate) struct ControlPlane {
    /// The variable that tells tests where its kubeconfig is.
    pub(crate) variable: &'static str,
    name: &'static str,
    version: &'static str,
    /// Feature gates, as `--feature-gates` has them.
    gates: &'static str,
    /// On loopback; etcd has the ports 100 and 200 above it.
    port: u16,
}

/// Two versions are built for them: about four minutes each on two cores, once.
pub(crate) const CONTROL_PLANES: [ControlPlane; 3] = [
    // The last one without native sidecars.
    ControlPlane {
        variable: "AMBASSADOR_KUBECONFIG_OLDEST",
        name: "oldest",
        version: "1.28.15",
        gates: "",
        port: 16444,
    },
    // The same programs with native sidecars switched on are the first ones that have them: Services do not see their
    // named ports, as until 1.32.
    ControlPlane {
        variable: "AMBASSADOR_KUBECONFIG_FIRST_SIDECARS",
        name: "first-sidecars",
        version: "1.28.15",
        gates: "SidecarContainers=true",
        port: 16445,
    },
    ControlPlane {
        variable: "AMBASSADOR_KUBECONFIG_NEWEST",
        name: "newest",
        version: "1.37.2",
        gates: "",
        port: 16446,
    },
];

/// In the order in which they are ended.
const PROGRAMS: [&str; 3] = ["kube-controller-manager", "kube-apiserver", "etcd"];

/// Builds what is not there.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let mut versions: Vec<&str> = CONTROL_PLANES.iter().map(|plane| plane.version).collect();
    versions.dedup();
    versions.into_iter().try_for_each(|version| Release::control_plane(version).ensure())
}

/// Starts all of them, or finds them running.
pub(crate) fn up() -> anyhow::Result<()> {
    ensure()?;
    let mut waiting = Vec::new();
    for plane in &CONTROL_PLANES {
        if plane.is_healthy()? {
            progress::ready(&plane.to_string());
        } else {
            waiting.push(plane);
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    progress::step("starting API servers of other versions", |step| {
        for plane in &waiting {
            step.say(&plane.to_string());
            plane.down()?;
            plane.start()?;
        }
        waiting.iter().try_for_each(|plane| plane.wait())
    })
}

/// Stops them and removes their state.
pub(crate) fn down() -> anyhow::Result<()> {
    CONTROL_PLANES.iter().try_for_each(ControlPlane::down)
}

impl ControlPlane {
    fn dir(&self) -> anyhow::Result<PathBuf> {
        Ok(paths::cache()?.join("control-planes").join(self.name))
    }

    fn programs(&self) -> anyhow::Result<Programs> {
        Programs::new(self.dir()?)
    }

    /// Kubeconfig of a user who may do everything.
    pub(crate) fn kubeconfig(&self) -> anyhow::Result<PathBuf> {
        Ok(self.dir()?.join("admin.kubeconfig"))
    }

    fn start(&self) -> anyhow::Result<()> {
        let (dir, programs) = (self.dir()?, self.programs()?);
        templates::write_keys(&dir)?;
        templates::write(&self.kubeconfig()?, &templates::kubeconfig(self.name, self.port, "admintoken"))?;
        let etcd = templates::Etcd { clients: self.port + 100, peers: self.port + 200 };
        programs.spawn("etcd", Command::new("etcd").args(templates::etcd(&dir, &etcd)))?;
        let release = Release::control_plane(self.version);
        let gates = format!("--feature-gates={}", self.gates);
        let mut command = Command::new(release.program("kube-apiserver")?);
        command.args(templates::api_server(&dir, &etcd)).arg(&gates);
        command.arg(format!("--secure-port={}", self.port)).arg("--bind-address=127.0.0.1");
        // Nobody inside of the cluster asks it: there is no inside. The address is one of those kept for examples.
        command.args(["--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none"]);
        programs.spawn("kube-apiserver", &command)
    }

    /// Waits until it answers; its controllers are started then, and have made the default service account.
    fn wait(&self) -> anyhow::Result<()> {
        let (dir, kubeconfig) = (self.dir()?, self.kubeconfig()?);
        let logs = || format!("logs are in {}", dir.display());
        let asked = |args: &[&str]| kubectl(&kubeconfig, args).is_ok();
        wait_for(&self.to_string(), Duration::from_secs(120), || asked(&["get", "--raw", "/readyz"]))
            .with_context(logs)?;
        let release = Release::control_plane(self.version);
        let mut command = Command::new(release.program("kube-controller-manager")?);
        command.args(templates::controller_manager(&dir, &kubeconfig));
        command.arg(format!("--feature-gates={}", self.gates)).arg("--secure-port=0");
        self.programs()?.spawn("kube-controller-manager", &command)?;
        let account = ["get", "serviceaccount", "default", "--namespace", "default"];
        wait_for(&format!("the controllers of {self}"), Duration::from_secs(90), || asked(&account))
            .with_context(logs)
    }

    /// Whether its programs run, are of this version, and answer.
    fn is_healthy(&self) -> anyhow::Result<bool> {
        let kubeconfig = self.kubeconfig()?;
        let version = format!("\"gitVersion\": \"v{}\"", self.version);
        Ok(kubeconfig.is_file()
            && self.programs()?.all_run(&PROGRAMS)
            && kubectl(&kubeconfig, &["get", "--raw", "/version"]).is_ok_and(|text| text.contains(&version)))
    }

    fn down(&self) -> anyhow::Result<()> {
        let dir = self.dir()?;
        if !dir.exists() {
            return Ok(());
        }
        self.programs()?.end(&PROGRAMS);
        std::thread::sleep(Duration::from_millis(200));
        std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))
    }
}

impl std::fmt::Display for ControlPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the API server of Kubernetes {} ({})", self.version, self.name)
    }
}
