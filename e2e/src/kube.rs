//! A namespace of a real cluster, and a user in it with no rights but those of `manifests/rbac.yaml`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Output, run};
use crate::{keep, provided};

/// The user that `kubectl ambassador` is run as.
pub const OPERATOR: &str = "operator";

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
        let name = unique_name();
        let home = tempfile::tempdir().expect("a folder can be made");
        let namespace = Self { name, home };
        namespace.create_with_rights();
        namespace.wait_until("its service account is there", || {
            namespace.kubectl(&["get", "serviceaccount", "default"]).code == 0
        });
        namespace
    }

    /// By one command, since all tests begin with it. The operator may do here what `manifests/rbac.yaml` says, and nothing
    /// else anywhere.
    fn create_with_rights(&self) {
        let binding = |role: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": role},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR}],
            })
        };
        let roles = ["kubectl-ambassador-view", "kubectl-ambassador-edit"];
        let write = |name: &str, object: &Value| {
            let file = self.home.path().join(name);
            std::fs::write(&file, object.to_string()).expect("the home can be written");
            file.to_string_lossy().into_owned()
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}});
        let namespace = write("namespace.json", &namespace);
        let bindings = json!({"apiVersion": "v1", "kind": "List", "items": roles.map(binding)});
        let bindings = write("bindings.json", &bindings);
        let roles = repository("manifests/rbac.yaml");
        self.kubectl(&["create", "-f", &namespace, "-f", &roles.to_string_lossy(), "-f", &bindings]).ok();
        std::fs::write(self.operator(), kubeconfig_of(OPERATOR).to_string())
            .expect("the home can be written");
    }

    /// The kubeconfig of the operator.
    pub fn operator(&self) -> PathBuf {
        self.home.path().join("operator.kubeconfig")
    }

    /// Runs kubectl in it.
    pub fn kubectl(&self, args: &[&str]) -> Output {
        run(self.command(Path::new("kubectl")).args(["--namespace", &self.name]).args(args))
    }

    /// Runs `kubectl ambassador` in it, as the operator.
    pub fn ambassador(&self, args: &[&str]) -> Output {
        run(self.command(&provided("AMBASSADOR_CLI")).args(args).args(["--namespace", &self.name]))
    }

    /// A command that finds the cluster and nothing else of the user's. What is tested runs as the operator, what sets up
    /// the test as an admin.
    pub fn command(&self, program: &Path) -> Command {
        let is_tested = std::env::var_os("AMBASSADOR_CLI").is_some_and(|cli| program == Path::new(&cli));
        let kubeconfig = if is_tested { self.operator() } else { provided("AMBASSADOR_KUBECONFIG") };
        let mut command = Command::new(program);
        command.env("KUBECONFIG", kubeconfig).env("HOME", self.home.path()).env_remove("XDG_STATE_HOME");
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

    /// Tries for a minute, often at first: most of what is waited for is a matter of a moment.
    ///
    /// # Panics
    ///
    /// If it is not done by then.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for attempt in 0..128 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(if attempt < 10 { 100 } else { 500 }));
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

/// Of a namespace that no other test has.
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("e2e-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The kubeconfig of a user that the API server takes the admin's word for, with all that follows for rights.
///
/// # Panics
///
/// If the admin's kubeconfig is not JSON.
pub fn kubeconfig_of(user: &str) -> Value {
    let text = std::fs::read_to_string(provided("AMBASSADOR_KUBECONFIG")).expect("a kubeconfig");
    let mut kubeconfig: Value = serde_json::from_str(&text).expect("JSON");
    kubeconfig["users"][0]["user"]["as"] = user.into();
    kubeconfig
}

/// A file of the repository.
pub fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}
