//! A namespace of a real cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::{Output, run};
use crate::{keep, provided};

/// A namespace of its own; deleted when dropped.
#[derive(Debug)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// A home for the programs that the test runs.
    pub home: tempfile::TempDir,
}

impl Namespace {
    /// Makes one, with its service account.
    ///
    /// # Panics
    ///
    /// If the cluster does not let it.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("e2e-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let home = tempfile::tempdir().expect("a folder can be made");
        let namespace = Self { name, home };
        namespace.kubectl(&["create", "namespace", &namespace.name]).ok();
        namespace.wait_until("its service account is there", || {
            namespace.kubectl(&["get", "serviceaccount", "default"]).code == 0
        });
        namespace
    }

    /// Runs kubectl in it.
    pub fn kubectl(&self, args: &[&str]) -> Output {
        run(self.command(Path::new("kubectl")).args(["--namespace", &self.name]).args(args))
    }

    /// Runs `kubectl ambassador` in it.
    pub fn ambassador(&self, args: &[&str]) -> Output {
        run(self.command(&provided("AMBASSADOR_CLI")).args(args).args(["--namespace", &self.name]))
    }

    /// A command that finds the cluster and nothing else of the user's.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", provided("AMBASSADOR_KUBECONFIG"))
            .env("HOME", self.home.path())
            .env_remove("XDG_STATE_HOME");
        command
    }

    /// Creates what a manifest of the repository holds, and waits until its pods are ready.
    #[track_caller]
    pub fn create(&self, manifest: &str) {
        self.kubectl(&["create", "-f", &repository(manifest).to_string_lossy()]).ok();
        self.wait_ready("--all");
    }

    /// Waits until a pod is ready.
    #[track_caller]
    pub fn wait_ready(&self, pod: &str) {
        self.kubectl(&["wait", "--for=condition=Ready", "pod", pod, "--timeout=60s"]).ok();
    }

    /// Tries for a minute.
    ///
    /// # Panics
    ///
    /// If it is not done by then.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for _ in 0..120 {
            if done() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        panic!("{what}: not within a minute in namespace {}", self.name);
    }

    /// The lab's check: asks a port of fruit-service from the pod busybox.
    #[track_caller]
    pub fn lab_check(&self, port: u16) -> String {
        let ip = self
            .kubectl(&["get", "pod", "fruit-service", "-o=custom-columns=IP:.status.podIP", "--no-headers"])
            .ok();
        let url = format!("{}:{port}", ip.trim());
        self.kubectl(&["exec", "busybox", "--", "curl", "--silent", "--max-time", "10", &url]).ok()
    }

    /// A field of an object, by kubectl's jsonpath.
    #[track_caller]
    pub fn field(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, "-o", &format!("jsonpath={path}")]).ok()
    }

    /// The names of the ConfigMaps in it but Kubernetes' own.
    #[track_caller]
    pub fn config_maps(&self) -> Vec<String> {
        let names = self.kubectl(&["get", "configmaps", "-o", "name"]).ok();
        names.lines().filter(|name| !name.contains("kube-root-ca")).map(str::to_owned).collect()
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let pods = self.kubectl(&["get", "pods,configmaps,events", "-o", "wide"]);
            eprintln!("namespace {}:\n{}", self.name, pods.stdout);
        }
        if !keep() {
            self.kubectl(&["delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false"]);
            self.kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
        }
    }
}

/// A file of the repository.
pub fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}
