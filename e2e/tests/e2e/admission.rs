//! Webhooks and policies that drop what makes our container a sidecar, on a real API server.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::versions::Server;

/// Another test has an old kubelet in that cluster for a moment.
const NATIVE: &[&str] = &["--sidecar=native"];

/// A pod and a deployment that only this test's webhooks see, by their label; a server without nodes starts neither.
struct Bench {
    server: Server,
    name: &'static str,
    /// What is in the cluster as a whole.
    made: Vec<(&'static str, String)>,
}

impl Bench {
    fn new(name: &'static str) -> Self {
        let server = Server::with_pod("AMBASSADOR_KUBECONFIG_NEWEST", name);
        let mut bench = Self { server, name, made: Vec::new() };
        let pod = json!({
            "metadata": {"labels": {"run": name}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "legacy", "image": "legacy:1"}]},
        });
        bench.create(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"run": name}}, "template": pod},
        }));
        bench
    }

    fn create(&mut self, object: &Value) {
        self.server.create(object);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match object["kind"].as_str() {
            Some("MutatingWebhookConfiguration") => self.made.push(("mutatingwebhookconfiguration", name)),
            Some("MutatingAdmissionPolicy") => self.made.push(("mutatingadmissionpolicy", name)),
            Some("MutatingAdmissionPolicyBinding") => {
                self.made.push(("mutatingadmissionpolicybinding", name));
            }
            _ => {}
        }
    }

    /// Servers take up such objects a moment after they are there.
    fn wait_until_it_is_asked(&self, dry_run: &str) {
        // Others in this cluster have probes of their own.
        let name = format!("probe-{}", self.name);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"run": self.name}},
            "spec": {
                "initContainers": [{"name": "a", "image": "a", "restartPolicy": "Always"}],
                "containers": [{"name": "b", "image": "b"}],
            },
        });
        let file = self.server.home.path().join("probe.json");
        std::fs::write(&file, pod.to_string()).expect("written");
        for _ in 0..60 {
            let create = ["create", dry_run, "-o=jsonpath={.spec.initContainers[0].restartPolicy}", "-f"];
            let policy = self.server.kubectl(&[&create[..], &[&file.to_string_lossy()]].concat()).ok();
            if dry_run == "--dry-run=none" {
                self.server.kubectl(&["delete", "pod", &name, "--now"]).ok();
            }
            if policy.is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        panic!("it is not asked");
    }

    fn uids(&self) -> Vec<String> {
        let uid = |object: String| {
            self.server.kubectl(&["get", &object, "-o=jsonpath={.metadata.uid} {.metadata.generation}"]).ok()
        };
        vec![uid(format!("pod/{}", self.name)), uid(format!("deploy/{}", self.name))]
    }

    #[track_caller]
    fn check(&self, kind: &str, args: &[&str], expected: &Expect) {
        let target = format!("{kind}/{}", self.name);
        let inject = ["inject", &target, "--port=8080:8775", "--timeout=1s"];
        let output = self.server.ambassador(&[&inject, args].concat());
        let matters = |line: &&str| line.starts_with("error") || line.starts_with("hint");
        let lines: Vec<&str> = output.stderr.lines().filter(matters).collect();
        expected.assert_eq(&format!("exit {}\n{}\n", output.code, lines.join("\n")));
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for (kind, name) in &self.made {
            self.server.kubectl(&["delete", kind, name]);
        }
        self.server.kubectl(&["delete", "deploy", self.name]);
        self.server.kubectl(&["delete", "pod", self.name, "--now"]);
    }
}

#[test]
fn a_webhook_that_drops_restart_policies_is_found_out_beforehand() {
    let mut bench = Bench::new("found-out");
    let webhook = e2e::webhook::Old::start(bench.server.home.path());
    bench.create(&webhook.configuration("found-out", "found-out", "always"));
    bench.wait_until_it_is_asked("--dry-run=server");
    let before = bench.uids();
    bench.check("pod", NATIVE, &expect![[r#"
        exit 1
        error: the cluster would refuse the new pod: mutatingwebhookconfiguration/found-out takes restartPolicy: Always from the container envoy-ambassador, which makes it a sidecar [AMB074]
        hint: have that leave init containers as they are, or use --sidecar=container
    "#]]);
    bench.check("deploy", NATIVE, &expect![[r#"
        exit 1
        error: the cluster would refuse the new pods: mutatingwebhookconfiguration/found-out takes restartPolicy: Always from the container envoy-ambassador, which makes it a sidecar [AMB074]
        hint: have that leave init containers as they are, or use --sidecar=container
    "#]]);
    let check =
        bench.server.ambassador(&["check", "pod/found-out", "--port=8080:8775", "-o=name", NATIVE[0]]);
    assert!(check.code == 1 && check.stdout.starts_with("AMB074 pod/found-out\n"), "{}", check.stdout);
    assert_eq!(bench.uids(), before);
    // It does not know what to do to a plain container.
    let dry_run = ["--sidecar=container", "--dry-run=server"];
    bench.check(
        "pod",
        &dry_run,
        &expect![[r#"
        exit 0

    "#]],
    );
    bench.check(
        "deploy",
        &dry_run,
        &expect![[r#"
        exit 0

    "#]],
    );
}

#[test]
fn a_policy_that_drops_restart_policies_is_found_out_beforehand() {
    let mut bench = Bench::new("by-policy");
    let kind = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "by-policy"}, "spec": spec,
        })
    };
    bench.create(&kind(
        "MutatingAdmissionPolicy",
        json!({
            "matchConstraints": {
                "objectSelector": {"matchLabels": {"run": "by-policy"}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            },
            "matchConditions": [{"name": "sidecar", "expression": "has(object.spec.initContainers)"}],
            "reinvocationPolicy": "Never",
            "mutations": [{
                "patchType": "JSONPatch",
                "jsonPatch": {"expression": "[JSONPatch{op: \"remove\", path: \"/spec/initContainers/0/restartPolicy\"}]"},
            }],
        }),
    ));
    bench.create(&kind("MutatingAdmissionPolicyBinding", json!({"policyName": "by-policy"})));
    bench.wait_until_it_is_asked("--dry-run=server");
    let before = bench.uids();
    bench.check("pod", NATIVE, &expect![[r#"
        exit 1
        error: the cluster would refuse the new pod: mutatingadmissionpolicy/by-policy takes restartPolicy: Always from the container envoy-ambassador, which makes it a sidecar [AMB074]
        hint: have that leave init containers as they are, or use --sidecar=container
    "#]]);
    bench.check("deploy", NATIVE, &expect![[r#"
        exit 1
        error: the cluster would refuse the new pods: mutatingadmissionpolicy/by-policy takes restartPolicy: Always from the container envoy-ambassador, which makes it a sidecar [AMB074]
        hint: have that leave init containers as they are, or use --sidecar=container
    "#]]);
    assert_eq!(bench.uids(), before);
}

#[test]
fn a_webhook_that_leaves_dry_runs_alone_is_found_out_and_undone() {
    let mut bench = Bench::new("undone");
    let webhook = e2e::webhook::Old::start(bench.server.home.path());
    bench.create(&webhook.configuration("undone", "undone", "real"));
    bench.wait_until_it_is_asked("--dry-run=none");
    bench.check("pod", NATIVE, &expect![[r#"
        exit 3
        error: pod/undone was not injected: the new pod is refused: mutatingwebhookconfiguration/undone takes restartPolicy: Always from the container envoy-ambassador, which makes it a sidecar
        hint: the original pod is back, but not ready yet: not ready within 1 s
    "#]]);
    let inject = ["inject", "deploy/undone", "--port=8080:8775", "--timeout=1s", NATIVE[0]];
    let deployment = bench.server.ambassador(&inject);
    let why = "(no pod could be made: ";
    assert!(deployment.code == 3 && deployment.stderr.contains(why), "{}", deployment.stderr);
    for pointer in ["pod/undone", "deploy/undone"] {
        let left = bench.server.kubectl(&["get", pointer, "-o=yaml"]).ok();
        assert!(!left.contains("envoy-ambassador"), "{left}");
    }
}
