//! What a cluster refuses is refused before anything is changed, in its own words.

use e2e::bench::Bench;
use e2e::faults::Fault;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::recreate::{bench, pod, what_stands};
use crate::workloads::workload;

/// The injection of the pod is refused so, and nothing is changed.
#[track_caller]
fn refused(bench: &Bench, expected: &Expect) {
    let uid = bench.field("pods/p", "/metadata/uid");
    let told = bench.told(&bench.run(&["inject", "p", "--port", "80:8775"]));
    let said: Vec<&str> = told.lines().filter(|line| !line.contains("will be recreated")).collect();
    expected.assert_eq(&(said.join("\n") + "\n"));
    assert_eq!(bench.field("pods/p", "/metadata/uid"), uid);
    assert_eq!(bench.config_maps(), Vec::<String>::new());
    assert_eq!(bench.run(&["resume"]).stdout, "");
}

#[test]
fn a_pod_with_finalizers() {
    let bench = bench();
    let finalizers = |value: Value| bench.patch("pods/p", &json!({"metadata": {"finalizers": value}}));
    finalizers(json!(["example.com/wait"]));
    refused(
        &bench,
        &expect![[r#"
        exit 1
        error: pod/p has the finalizer example.com/wait, so it cannot be recreated at once [AMB004]
        hint: what has set the finalizer must let go of the pod first
    "#]],
    );
    bench.delete("pods/p");
    refused(
        &bench,
        &expect![[r#"
        exit 1
        error: pod/p is being deleted [AMB003]
        error: pod/p has the finalizer example.com/wait, so it cannot be recreated at once [AMB004]
        hint: what has set the finalizer must let go of the pod first
    "#]],
    );
    finalizers(Value::Null);
}

#[test]
fn a_full_quota() {
    let bench = bench();
    let quota =
        json!({"kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "1"}}});
    bench.create(&quota);
    bench.wait_until("the quota is counted", || {
        bench.field("resourcequotas/full", "/status/used/pods") == "1"
    });
    refused(
        &bench,
        &expect![[r#"
            exit 1
            error: resourcequota/full has no room for the old pod and the new one: 1 more pods are needed, and 1 of 1 are in use [AMB070]
            hint: the old pod is not taken out before the new one is known to fit, so there must be room for both
        "#]],
    );
}

#[test]
fn a_limit_range() {
    let bench = bench();
    let limits = json!({"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]});
    bench.create(&json!({"kind": "LimitRange", "metadata": {"name": "small"}, "spec": limits}));
    refused(
        &bench,
        &expect![[r#"
            exit 1
            error: limitrange/small does not allow what the ambassador needs: limits.memory is 512Mi, and at most 64Mi is allowed [AMB071]
            hint: --memory-limit chooses less
        "#]],
    );
}

#[test]
fn pod_security_that_was_tightened_since() {
    let bench = bench();
    bench.label("pod-security.kubernetes.io/enforce", &"restricted".into());
    refused(
        &bench,
        &expect![[r#"
            exit 1
            error: the cluster would refuse the new pod: pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") [AMB074]
            hint: the ambassador keeps to all levels; change the rest of the pod, or the level
        "#]],
    );
}

/// Something of the cluster as a whole, for as long as it is needed.
struct OfCluster<'a>(&'a Bench, Vec<String>);

impl<'a> OfCluster<'a> {
    fn new(bench: &'a Bench, plurals: &[&str], spec: impl Fn(&str) -> Value) -> Self {
        let group = "/apis/admissionregistration.k8s.io/v1";
        let paths = plurals.iter().map(|plural| {
            let mut object = spec(plural);
            object["metadata"]["name"] = format!("{}.example.com", bench.namespace).into();
            let (status, answer) = bench.api.server.ask("POST", &format!("{group}/{plural}"), Some(&object));
            assert_eq!(status, 201, "{answer}");
            format!("{group}/{plural}/{}.example.com", bench.namespace)
        });
        Self(bench, paths.collect())
    }
}

impl Drop for OfCluster<'_> {
    fn drop(&mut self) {
        for path in &self.1 {
            self.0.api.server.ask("DELETE", path, None);
        }
    }
}

fn here(bench: &Bench) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": bench.namespace}})
}

/// Admission that says no to what does not hold: a policy, as webhooks do it, but without a server of its own.
fn policy<'a>(bench: &'a Bench, resource: &str, holds: &str) -> OfCluster<'a> {
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource]});
    OfCluster::new(bench, &["validatingadmissionpolicies", "validatingadmissionpolicybindings"], |plural| {
        if plural.ends_with("bindings") {
            let name = format!("{}.example.com", bench.namespace);
            return json!({"spec": {
                "policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here(bench)},
            }});
        }
        json!({"spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": holds, "message": "not in this house"}],
        }})
    })
}

#[test]
fn admission_that_denies() {
    let bench = bench();
    let _policy = policy(&bench, "pods", "!object.spec.?initContainers.hasValue()");
    let mut probe = pod("probe");
    probe["metadata"]["name"] = "probe".into();
    probe["spec"]["initContainers"] = json!([{"name": "a", "image": "a"}]);
    bench.wait_until("the policy holds", || bench.would_refuse(&probe));
    refused(
        &bench,
        &expect![[r#"
        exit 1
        error: the cluster would refuse the new pod: pods "p" is forbidden: ValidatingAdmissionPolicy 'NAMESPACE.example.com' with binding 'NAMESPACE.example.com' denied request: not in this house [AMB074]
    "#]],
    );
}

#[test]
fn a_webhook_that_is_down() {
    let bench = bench();
    let _webhook = OfCluster::new(&bench, &["validatingwebhookconfigurations"], |_| {
        let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
        json!({"webhooks": [{
            "name": "dead.example.com", "clientConfig": {"url": "https://127.0.0.1:1/"}, "rules": [rule],
            "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
            "namespaceSelector": here(&bench),
        }]})
    });
    let mut probe = pod("probe");
    probe["metadata"]["name"] = "probe".into();
    bench.wait_until("the webhook is asked", || bench.would_refuse(&probe));
    refused(
        &bench,
        &expect![[r#"
            exit 1
            error: the cluster would refuse the new pod: Internal error occurred: failed calling webhook "dead.example.com": failed to call webhook: Post "https://127.0.0.1:1/?timeout=1s": dial tcp 127.0.0.1:1: connect: connection refused [AMB074]
        "#]],
    );
}

#[test]
fn an_image_that_is_not_there_brings_the_original_back() {
    let bench = bench();
    bench.wait_ready("p");
    let told = bench.told(&bench.run(&["inject", "p", "--port", "80:8775", "--image", NO_IMAGE]));
    let told = told.split_once(": Back-off").map_or(told.as_str(), |(start, _)| start);
    expect![[r#"
        exit 3
        pod/p will be recreated with the container envoy-ambassador, 127.0.0.1:1/no-such-envoy:1:
        replacing pod/p ...
        pod/p did not come up, putting the original back ...
        error: pod/p was not injected: container envoy-ambassador cannot start: ImagePullBackOff"#]]
    .assert_eq(told);
    assert_eq!(what_stands(&bench), "original");
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}

#[test]
fn a_pod_whose_node_is_gone_is_put_back_in_the_words_of_the_scheduler() {
    let bench = Bench::new();
    let nodes = bench.api.server.ask("GET", "/api/v1/nodes", None).1;
    let node = format!("/api/v1/nodes/{}", nodes["items"][0]["metadata"]["name"].as_str().expect("a node"));
    let label = |value: Value| {
        let labels = json!({"metadata": {"labels": {bench.namespace.as_str(): value}}});
        bench.api.server.ask("PATCH", &node, Some(&labels));
    };
    let mut pinned = pod("original");
    pinned["spec"]["nodeSelector"] = json!({bench.namespace.as_str(): "here"});
    label("here".into());
    bench.create(&pinned);
    bench.wait_ready("p");
    // No other node has it.
    label(Value::Null);
    let told = bench.told(&bench.run(&["inject", "p", "--port", "80:8775", "--timeout", "2s"]));
    expect![[r#"
        exit 3
        pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        replacing pod/p ...
        pod/p did not come up, putting the original back ...
        error: pod/p was not injected: not ready within 2 s: not scheduled: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling
        hint: the original pod is back, but not ready yet: not ready within 2 s: not scheduled: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling
    "#]].assert_eq(&told);
    assert_eq!(what_stands(&bench), "original");
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}

/// A registry on a port that nobody listens on: refused at once.
const NO_IMAGE: &str = "127.0.0.1:1/no-such-envoy:1";

fn with_service() -> Bench {
    let bench = Bench::new();
    let mut web = workload("Deployment", "web");
    web["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1.into();
    bench.create(&web);
    bench.create(&json!({
        "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8775}]},
    }));
    bench.wait_until("it is rolled out", || bench.field("deployments/web", "/status/readyReplicas") == 1);
    bench
}

/// The Deployment and its Service are as they were, with nothing of ours.
#[track_caller]
fn is_as_before(bench: &Bench, before: &Value) {
    assert_eq!(&bench.field("deployments/web", "/spec/template"), before);
    assert_eq!(bench.field("services/web", "/spec/ports/0/targetPort"), 8775);
    assert_eq!(bench.field("services/web", "/metadata/annotations"), Value::Null);
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}

#[test]
fn a_service_that_must_not_be_changed_is_seen_before() {
    let bench = with_service();
    let before = bench.field("deployments/web", "/spec/template");
    let _policy = policy(&bench, "services", "false");
    bench.wait_until("the policy holds", || {
        bench.would_refuse(&json!({
            "kind": "Service", "metadata": {"name": "probe"}, "spec": {"ports": [{"port": 1}]},
        }))
    });
    let told = bench.told(&bench.run(&["inject", "deploy/web"]));
    expect![[r#"
        exit 1
        deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        error: cannot change service/web: services "web" is forbidden: ValidatingAdmissionPolicy 'NAMESPACE.example.com' with binding 'NAMESPACE.example.com' denied request: not in this house [AMB074]
    "#]].assert_eq(&told);
    is_as_before(&bench, &before);
}

#[test]
fn a_service_that_cannot_be_switched_after_all_brings_the_pods_back() {
    let bench = with_service();
    let before = bench.field("deployments/web", "/spec/template");
    bench
        .api
        .fail_all(Fault::Answer(403), |request| request.is_change && request.path.contains("/services/"));
    let told = bench.told(&bench.run(&["inject", "deploy/web"]));
    expect![[r#"
        exit 3
        deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        deployment "web" successfully rolled out
        rolling deployment/web back ...
        deployment "web" successfully rolled out
        error: deployment/web was not injected: cannot patch service/web: refused by the test
        hint: its pods are as they were
    "#]]
    .assert_eq(&told);
    is_as_before(&bench, &before);
}
