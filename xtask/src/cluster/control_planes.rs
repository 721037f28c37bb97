//! API servers of other versions than the cluster's, each with an etcd of its own, on this machine's loopback. They have no
//! nodes, and most no controllers: what they show is what a server of that version admits, keeps of an object, and makes of it.

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
    /// Whether Deployments are taken up by anybody.
    has_controllers: bool,
}

/// Three versions are built for them: about three minutes each on two cores, once.
pub(crate) const CONTROL_PLANES: [ControlPlane; 3] = [
    // The first one that its published modules make whole: those before lack the generated OpenAPI, and some of those after
    // have modules that cannot be had.
    ControlPlane {
        variable: "AMBASSADOR_KUBECONFIG_OLDEST",
        name: "oldest",
        version: "1.24.17",
        gates: "",
        port: 16444,
        has_controllers: false,
    },
    // With native sidecars switched on, the first one that has them: Services do not see their named ports, as until 1.32.
    ControlPlane {
        variable: "AMBASSADOR_KUBECONFIG_FIRST_SIDECARS",
        name: "first-sidecars",
        version: "1.28.15",
        gates: "SidecarContainers=true",
        port: 16445,
        has_controllers: false,
    },
    ControlPlane {
        variable: "AMBASSADOR_KUBECONFIG_NEWEST",
        name: "newest",
        version: "1.37.2",
        gates: "",
        port: 16446,
        has_controllers: true,
    },
];

/// Builds what is not there.
pub(crate) fn ensure() -> anyhow::Result<()> {
    CONTROL_PLANES.iter().try_for_each(|plane| plane.release().ensure())
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

    fn release(&self) -> Release {
        let controllers = self.has_controllers.then_some("kube-controller-manager");
        Release::of(self.version, ["kube-apiserver"].into_iter().chain(controllers))
    }

    /// All that runs, in the order in which it is ended.
    fn running(&self) -> Vec<&'static str> {
        let controllers = self.has_controllers.then_some("kube-controller-manager");
        controllers.into_iter().chain(["kube-apiserver", "etcd"]).collect()
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
        let gates = format!("--feature-gates={}", self.gates);
        let mut command = Command::new(self.release().program("kube-apiserver")?);
        command.args(templates::api_server(&dir, &etcd)).arg(&gates);
        command.arg(format!("--secure-port={}", self.port)).arg("--bind-address=127.0.0.1");
        // Nobody inside of the cluster asks it: there is no inside. The address is one of those kept for examples.
        command.args(["--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none"]);
        programs.spawn("kube-apiserver", &command)
    }

    /// Waits until it answers, and starts its controllers.
    fn wait(&self) -> anyhow::Result<()> {
        let (dir, kubeconfig) = (self.dir()?, self.kubeconfig()?);
        wait_for(&self.to_string(), Duration::from_secs(120), || {
            kubectl(&kubeconfig, &["get", "--raw", "/readyz"]).is_ok()
        })
        .with_context(|| format!("logs are in {}", dir.display()))?;
        if !self.has_controllers {
            return Ok(());
        }
        let mut command = Command::new(self.release().program("kube-controller-manager")?);
        command.args(templates::controller_manager(&dir, &kubeconfig));
        command.arg(format!("--feature-gates={}", self.gates)).arg("--secure-port=0");
        self.programs()?.spawn("kube-controller-manager", &command)
    }

    /// Whether its programs run, are of this version, and answer.
    fn is_healthy(&self) -> anyhow::Result<bool> {
        let kubeconfig = self.kubeconfig()?;
        let version = format!("\"gitVersion\": \"v{}\"", self.version);
        Ok(kubeconfig.is_file()
            && self.programs()?.all_run(&self.running())
            && kubectl(&kubeconfig, &["get", "--raw", "/version"]).is_ok_and(|text| text.contains(&version)))
    }

    fn down(&self) -> anyhow::Result<()> {
        let dir = self.dir()?;
        if !dir.exists() {
            return Ok(());
        }
        self.programs()?.end(&self.running());
        std::thread::sleep(Duration::from_millis(200));
        std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))
    }
}

impl std::fmt::Display for ControlPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the API server of Kubernetes {} ({})", self.version, self.name)
    }
}
