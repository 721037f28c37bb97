//! What API servers of other Kubernetes versions admit, and keep, of what is injected.

use std::path::Path;
use std::process::Command;

use e2e::process::{Output, run};
use e2e::provided;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::workloads::{template, workload};

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
        // No controller makes it there.
        server.kubectl(&["create", "serviceaccount", "default"]);
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

    pub(crate) fn create(&self, object: &Value) {
        let file = self.home.path().join("object.json");
        std::fs::write(&file, object.to_string()).expect("written");
        self.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
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
        output.stderr.contains("a plain container, since Kubernetes 1.24 has no native sidecars"),
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
    // The oldest kubelet decides, if it could run the pod.
    let node = Node::new(&server, "v1.28.15");
    check(
        &server.inject("both", &[]),
        &expect![[r#"
        exit 0
        pod/both will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          a plain container, since node old has kubelet v1.28.15, which knows no native sidecars: it starts beside the others, and ends 5 s after them
    "#]],
    );
    check(
        &server.inject("both", &["--sidecar=native"]),
        &expect![[r#"
        exit 0
        pod/both will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
    "#]],
    );
    node.tell("operatingSystem", "windows");
    check(
        &server.inject("both", &[]),
        &expect![[r#"
        exit 0
        pod/both will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
    "#]],
    );
    drop(node);
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

/// How an injection ended, and what it said but progress and ports.
#[track_caller]
fn check(output: &Output, expected: &Expect) {
    let said = output.stderr.lines().filter(|line| {
        !["  port ", "  configmaps ", "  no rules", "warning: "].iter().any(|start| line.starts_with(start))
    });
    let said: Vec<&str> = said.collect();
    expected.assert_eq(&format!("exit {}\n{}\n", output.code, said.join("\n")));
}

#[test]
fn what_would_never_end_is_refused_by_the_oldest_server() {
    let server = Server::new("AMBASSADOR_KUBECONFIG_OLDEST");
    server.create(&workload("CronJob", "endless"));
    let mut pod = template("endless");
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "endless".into();
    pod["spec"]["restartPolicy"] = "Never".into();
    server.create(&pod);
    check(
        &server.inject("cronjob/endless", &[]),
        &expect![[r#"
            exit 1
            error: cronjob/endless would never end: the ambassador in it would be a plain container, since Kubernetes 1.24 has no native sidecars [AMB081]
            hint: what ends by itself needs a native sidecar: Kubernetes 1.29 or newer, without --sidecar=container
        "#]],
    );
    check(
        &server.inject("cronjob/endless", &["--sidecar=container"]),
        &expect![[r#"
            exit 1
            error: cronjob/endless would never end: the ambassador in it would be a plain container, since --sidecar=container asks for it [AMB081]
            hint: what ends by itself needs a native sidecar: Kubernetes 1.29 or newer, without --sidecar=container
        "#]],
    );
    check(
        &server.inject("pod/endless", &[]),
        &expect![[r#"
            exit 1
            error: pod/endless would never end: the ambassador in it would be a plain container, since Kubernetes 1.24 has no native sidecars [AMB081]
            hint: with --sidecar=container it is injected all the same, and somebody has to delete it when it is done
        "#]],
    );
    check(
        &server.inject("pod/endless", &["--sidecar=container"]),
        &expect![[r#"
        exit 0
        pod/endless will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          a plain container, since --sidecar=container asks for it: it starts beside the others, and ends 5 s after them
    "#]],
    );
    let codes = server.ambassador(&["check", "cronjob/endless", "--port=80:8775", "-o=name"]);
    assert!(codes.code == 1 && codes.stdout.starts_with("AMB081 cronjob/endless\n"), "{}", codes.stdout);
    server.kubectl(&["delete", "cronjob/endless", "pod/endless", "--now"]).ok();
}

#[test]
fn names_of_ports_stay_where_services_do_not_see_those_of_sidecars() {
    let server = Server::new("AMBASSADOR_KUBECONFIG_FIRST_SIDECARS");
    server.create(&workload("Deployment", "named"));
    server.create(&json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "named"},
        "spec": {"selector": {"app": "named"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }));
    let native = server.inject("deploy/named", &["--sidecar=native"]);
    check(
        &native,
        &expect![[r#"
        exit 0
        deployment/named gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          service/named: targetPort http -> 80, once all pods have it
    "#]],
    );
    assert_eq!(native.stdout.matches("name: http\n").count(), 1, "{}", native.stdout);
    check(
        &server.inject("deploy/named", &["--sidecar=container"]),
        &expect![[r#"
        exit 0
        deployment/named gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          a plain container, since --sidecar=container asks for it: it starts beside the others, and ends 5 s after them
          the port name http goes to the ambassador, and Services that ask for it with it
    "#]],
    );
    server.kubectl(&["delete", "deploy/named", "service/named"]).ok();
}

/// A node that only says which kubelet it has; gone when dropped.
struct Node<'a>(&'a Server);

impl<'a> Node<'a> {
    fn new(server: &'a Server, kubelet: &str) -> Self {
        server.create(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "old"}}));
        let node = Self(server);
        node.tell("kubeletVersion", kubelet);
        node
    }

    fn tell(&self, field: &str, value: &str) {
        let patch = json!({"status": {"nodeInfo": {field: value}}}).to_string();
        self.0.kubectl(&["patch", "node", "old", "--subresource=status", "--patch", &patch]).ok();
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["delete", "node", "old"]);
    }
}
