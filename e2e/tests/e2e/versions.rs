//! What API servers of other Kubernetes versions admit, and keep, of what is injected.

use std::path::Path;
use std::process::Command;

use e2e::process::{Output, run};
use e2e::provided;

/// The name of the namespace that each of these servers gets.
const NAMESPACE: &str = "e2e-versions";

/// A pod in a server of its own; the servers have no nodes, so it is never started.
struct Server {
    variable: &'static str,
    home: tempfile::TempDir,
}

impl Server {
    fn with_pod(variable: &'static str, pod: &str) -> Self {
        let server = Self { variable, home: tempfile::tempdir().expect("a folder can be made") };
        // Another test may have made it.
        server.run(Path::new("kubectl"), &["create", "namespace", NAMESPACE]);
        for _ in 0..60 {
            if server.run(Path::new("kubectl"), &["get", "serviceaccount", "default", "-n", NAMESPACE]).code
                == 0
            {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        server.run(Path::new("kubectl"), &["run", pod, "--image=legacy:1", "-n", NAMESPACE]).ok();
        server
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", provided(self.variable)).env("HOME", self.home.path());
        run(command.env_remove("XDG_STATE_HOME").args(args))
    }

    fn inject(&self, pod: &str, args: &[&str]) -> Output {
        let cli = provided("AMBASSADOR_CLI");
        let inject = ["inject", pod, "--port", "80:8775", "--dry-run=server", "-o", "yaml", "-n", NAMESPACE];
        self.run(&cli, &[&inject, args].concat())
    }

    fn delete(&self, pod: &str) {
        self.run(Path::new("kubectl"), &["delete", "pod", pod, "--now", "-n", NAMESPACE]).ok();
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
