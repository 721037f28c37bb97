//! What API servers of other Kubernetes versions admit, and keep, of what is injected.

use std::path::Path;
use std::process::Command;

use e2e::process::{Output, run};
use e2e::provided;

/// The name of the namespace that each of these servers gets.
const NAMESPACE: &str = "e2e-versions";

/// A pod in a server of its own; the servers have no nodes, so it is never started.
pub(crate) struct Server {
    variable: &'static str,
    /// A home for the programs that the test runs.
    pub(crate) home: tempfile::TempDir,
}

impl Server {
    pub(crate) fn new(variable: &'static str) -> Self {
        let server = Self { variable, home: tempfile::tempdir().expect("a folder can be made") };
        // Another test may have made it.
        server.run(Path::new("kubectl"), &["create", "namespace", NAMESPACE]);
        for _ in 0..60 {
            if server.kubectl(&["get", "serviceaccount", "default"]).code == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        server
    }

    pub(crate) fn with_pod(variable: &'static str, pod: &str) -> Self {
        let server = Self::new(variable);
        server.kubectl(&["run", pod, "--image=legacy:1"]).ok();
        server
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", provided(self.variable)).env("HOME", self.home.path());
        run(command.env_remove("XDG_STATE_HOME").args(args))
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.run(Path::new("kubectl"), &[&["-n", NAMESPACE], args].concat())
    }

    pub(crate) fn ambassador(&self, args: &[&str]) -> Output {
        self.run(&provided("AMBASSADOR_CLI"), &[args, &["-n", NAMESPACE]].concat())
    }

    fn inject(&self, target: &str, args: &[&str]) -> Output {
        let inject = ["inject", target, "--port", "80:8775", "--dry-run=server", "-o", "yaml"];
        self.ambassador(&[&inject, args].concat())
    }

    fn delete(&self, pod: &str) {
        self.kubectl(&["delete", "pod", pod, "--now"]).ok();
    }
}

#[test]
fn the_oldest_server_takes_a_plain_container() {
    let server = Server::with_pod("AMBASSADOR_KUBECONFIG_OLDEST", "plain");
    let output = server.inject("plain", &[]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(
        output.stderr.contains("a plain container, since Kubernetes 1.28 has no native sidecars"),
        "{}",
        output.stderr
    );
    assert!(output.stdout.contains("path: /linger"), "{}", output.stdout);
    assert!(!output.stdout.contains("initContainers"), "{}", output.stdout);
    server.delete("plain");
}

#[test]
fn the_oldest_server_refuses_what_it_does_not_know() {
    let server = Server::with_pod("AMBASSADOR_KUBECONFIG_OLDEST", "native");
    let output = server.inject("native", &["--sidecar=native"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    server.delete("native");
}

#[test]
fn the_newest_server_takes_both_forms() {
    let server = Server::with_pod("AMBASSADOR_KUBECONFIG_NEWEST", "both");
    for (form, list) in [("auto", true), ("native", true), ("container", false)] {
        let output = server.inject("both", &[&format!("--sidecar={form}")]);
        assert_eq!(output.code, 0, "{form}: {}", output.stderr);
        assert_eq!(output.stdout.contains("initContainers"), list, "{form}: {}", output.stdout);
    }
    server.delete("both");
}

#[test]
fn the_first_sidecars_are_taken_by_who_asks_for_them() {
    let server = Server::with_pod("AMBASSADOR_KUBECONFIG_FIRST_SIDECARS", "first");
    let output = server.inject("first", &["--sidecar=native"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stderr.contains("it is native all the same, by --sidecar=native"), "{}", output.stderr);
    server.delete("first");
}
