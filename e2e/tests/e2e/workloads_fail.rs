//! Live workloads that cannot be injected, that do not come up, or that others have a hand in.

use std::process::{Child, Stdio};

use e2e::kube::{Namespace, OPERATOR};
use e2e::process::{Output, end, signal};
use e2e::provided;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::workloads::{LIST, ask, create, created, object, rolled_out, template, workload};

/// A registry on a port that nobody listens on: refused at once.
const NO_IMAGE: &str = "--image=127.0.0.1:1/no-such-envoy:1";

/// How a command ended, and what it said, without progress and what differs from time to time.
#[track_caller]
fn check(output: &Output, expected: &Expect) {
    let progress =
        ["Waiting for ", "waiting for ", "  port ", "  configmaps ", "  no rules", "  the port name "];
    let said = output.stderr.lines().filter(|line| !progress.iter().any(|start| line.starts_with(start)));
    // What follows is the runtime's, or is another one each time.
    let cut = |line: &str| match line.find(": Back-off").or_else(|| line.find(" at revision ")) {
        Some(end) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    };
    let said: Vec<String> = said.map(cut).collect();
    expected.assert_eq(&format!("exit {}\n{}{}\n", output.code, output.stdout, said.join("\n")));
}

fn uids(namespace: &Namespace) -> Vec<String> {
    let uids =
        namespace.kubectl(&["get", "pods", "-l", "app=web", "-o=jsonpath={.items[*].metadata.uid}"]).ok();
    let mut uids: Vec<String> = uids.split_whitespace().map(str::to_owned).collect();
    uids.sort();
    uids
}

fn start(namespace: &Namespace, args: &[&str]) -> Child {
    let mut command = namespace.command(&provided("AMBASSADOR_CLI"));
    command.args(args).args(["--namespace", &namespace.name]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
}

fn is_patched(namespace: &Namespace, target: &str) -> bool {
    let names = namespace.field(target, "{.spec.template.spec.initContainers[*].name}");
    names == "envoy-ambassador"
}

#[test]
fn a_deployment_that_does_not_come_up_is_patched_back_and_its_pods_were_never_gone() {
    let namespace = Namespace::new();
    created(&namespace, "Deployment", "web");
    let (before, pods) = (object(&namespace, "deploy/web"), uids(&namespace));
    let output = namespace.ambassador(&["inject", "deploy/web", NO_IMAGE]);
    check(
        &output,
        &expect![[r#"
            exit 3
            deployment/web gets the container envoy-ambassador, 127.0.0.1:1/no-such-envoy:1:
            rolling deployment/web back ...
            deployment "web" successfully rolled out
            error: deployment/web was not injected: container envoy-ambassador cannot start: ImagePullBackOff...
            hint: its pods are as they were
        "#]],
    );
    assert_eq!(object(&namespace, "deploy/web"), before);
    namespace.wait_until("the broken pod has gone", || uids(&namespace) == pods);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn a_stateful_set_is_freed_from_the_pod_that_it_would_wait_for() {
    let namespace = Namespace::new();
    let mut web = workload("StatefulSet", "web");
    web["spec"]["replicas"] = 2.into();
    create(&namespace, &web);
    rolled_out(&namespace, "sts/web");
    let before = object(&namespace, "sts/web");
    let output = namespace.ambassador(&["inject", "sts/web", NO_IMAGE]);
    check(
        &output,
        &expect![[r#"
            exit 3
            statefulset/web gets the container envoy-ambassador, 127.0.0.1:1/no-such-envoy:1:
            rolling statefulset/web back ...
            deleting pod/web-1, which is not ready
            statefulset rolling update complete 2 pods...
            error: statefulset/web was not injected: container envoy-ambassador cannot start: ImagePullBackOff...
            hint: its pods are as they were
        "#]],
    );
    assert_eq!(object(&namespace, "sts/web"), before);
    let ready = namespace.field("sts/web", "{.status.readyReplicas} {.status.currentRevision}");
    assert_eq!(ready, format!("2 {}", namespace.field("sts/web", "{.status.updateRevision}")));
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn an_interrupt_takes_the_rollout_back() {
    let namespace = Namespace::new();
    created(&namespace, "Deployment", "web");
    let before = object(&namespace, "deploy/web");
    // Nobody listens on its target, so it is asked until the time is up.
    let child = start(&namespace, &["inject", "deploy/web", "--port", "80:1"]);
    namespace.wait_until("it is patched", || is_patched(&namespace, "deploy/web"));
    signal(&child, "-INT");
    check(
        &end(child),
        &expect![[r#"
            exit 3
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            warning: port 80 leads to port 1, where nothing listens at the moment [AMB035]
            interrupted: rolling deployment/web back; interrupt again to stop at once
            rolling deployment/web back ...
            deployment "web" successfully rolled out
            error: deployment/web was not injected: interrupted
            hint: its pods are as they were
        "#]],
    );
    assert_eq!(object(&namespace, "deploy/web"), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn without_rollback_it_stays_for_a_person_to_look_at() {
    let namespace = Namespace::new();
    created(&namespace, "Deployment", "web");
    let before = object(&namespace, "deploy/web");
    check(
        &namespace.ambassador(&["inject", "deploy/web", NO_IMAGE, "--no-rollback"]),
        &expect![[r#"
            exit 4
            deployment/web gets the container envoy-ambassador, 127.0.0.1:1/no-such-envoy:1:
            error: deployment/web is injected, but: container envoy-ambassador cannot start: ImagePullBackOff...
            hint: kubectl rollout undo deployment/web goes back to what was before
        "#]],
    );
    assert!(is_patched(&namespace, "deploy/web"));
    assert_eq!(namespace.config_maps().len(), 2);
    namespace.ambassador(&["uninject", "deploy/web"]).ok();
    assert_eq!(object(&namespace, "deploy/web"), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn pods_that_would_be_refused_are_seen_before() {
    let namespace = Namespace::new();
    let mut web = workload("Deployment", "web");
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": "64Mi"}});
    create(&namespace, &web);
    rolled_out(&namespace, "deploy/web");
    create(
        &namespace,
        &json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
            "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]},
        }),
    );
    let before = object(&namespace, "deploy/web");
    check(
        &namespace.ambassador(&["inject", "deploy/web"]),
        &expect![[r#"
            exit 1
            error: limitrange/small does not allow what the ambassador needs: limits.memory is 512Mi, and at most 64Mi is allowed [AMB071]
            hint: --memory-limit chooses less
        "#]],
    );
    assert_eq!(object(&namespace, "deploy/web"), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn without_replicas_there_is_nothing_to_wait_for() {
    let namespace = Namespace::new();
    let mut web = workload("Deployment", "web");
    web["spec"]["replicas"] = 0.into();
    create(&namespace, &web);
    check(
        &namespace.ambassador(&["inject", "deploy/web"]),
        &expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            deployment "web" successfully rolled out
        "#]],
    );
    namespace.kubectl(&["scale", "deploy/web", "--replicas=1"]).ok();
    rolled_out(&namespace, "deploy/web");
    assert_eq!(namespace.ambassador(&["inject", "deploy/web"]).stdout, "deployment.apps/web unchanged\n");
}

#[test]
fn what_a_newer_version_injected_stays() {
    let namespace = Namespace::new();
    created(&namespace, "ReplicaSet", "web");
    namespace.ambassador(&["inject", "rs/web"]).ok();
    let annotation = "/spec/template/metadata/annotations/kubectl-ambassador.dev~1injected";
    let injected =
        namespace.field("rs/web", "{.spec.template.metadata.annotations.kubectl-ambassador\\.dev/injected}");
    let newer = injected.replace("\"version\":\"0.1.0\"", "\"version\":\"99.0.1\"");
    let patch = json!([{"op": "replace", "path": annotation, "value": newer}]).to_string();
    namespace.kubectl(&["patch", "rs", "web", "--type=json", "--patch", &patch]).ok();
    let refused = namespace.ambassador(&["inject", "rs/web", "--jq", "."]);
    check(
        &refused,
        &expect![[r#"
            exit 1
            error: replicaset/web was injected by version 99.0.1, which is newer than this one, 0.1.0 [AMB009]
            hint: use that version, or replace its work by this one's with --allow-downgrade
        "#]],
    );
    namespace.ambassador(&["inject", "rs/web", "--jq", ".", "--allow-downgrade"]).ok();
    namespace.ambassador(&["uninject", "rs/web"]).ok();
}

#[test]
fn what_an_apply_has_put_back_is_taken_again() {
    let namespace = Namespace::new();
    created(&namespace, "ReplicaSet", "web");
    namespace.ambassador(&["inject", "rs/web"]).ok();
    let name = || namespace.field("rs/web", "{.spec.template.spec.containers[0].ports[0].name}");
    assert_eq!(name(), "");
    let add = r#"[{"op": "add", "path": "/spec/template/spec/containers/0/ports/0/name", "value": "http"}]"#;
    namespace.kubectl(&["patch", "rs", "web", "--type=json", "--patch", add]).ok();
    let output = namespace.ambassador(&["inject", "rs/web"]);
    assert_eq!((output.stdout.as_str(), name().as_str()), ("replicaset.apps/web injected\n", ""));
    namespace.ambassador(&["uninject", "rs/web"]).ok();
    assert_eq!(name(), "http");
}

#[test]
fn a_config_map_that_others_use_stays() {
    let namespace = Namespace::new();
    created(&namespace, "ReplicaSet", "web");
    created(&namespace, "CronJob", "nightly");
    let config = e2e::kube::repository("manifests/ambassador.yaml");
    let config = config.to_string_lossy();
    let shared = ["--config-map", "shared", "-c", &config];
    namespace.ambassador(&[&["inject", "rs/web"][..], &shared].concat()).ok();
    let other = namespace.ambassador(&["inject", "cj/nightly", "--config-map", "shared", "--jq", "."]);
    check(
        &other,
        &expect![[r#"
            exit 1
            error: configmap/shared is in use with another config, which running pods would take up at once
            hint: choose another name, or none: the name then goes with the config
        "#]],
    );
    namespace.ambassador(&[&["inject", "cj/nightly"][..], &shared].concat()).ok();
    assert_eq!(namespace.field("configmap/shared", "{.metadata.ownerReferences[*].name}"), "web nightly");
    namespace.ambassador(&["uninject", "rs/web"]).ok();
    assert_eq!(namespace.config_maps().len(), 2);
    namespace.ambassador(&["uninject", "cj/nightly"]).ok();
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn a_config_goes_with_its_workload() {
    let namespace = Namespace::new();
    created(&namespace, "CronJob", "nightly");
    namespace.ambassador(&["inject", "cj/nightly"]).ok();
    namespace.kubectl(&["delete", "cronjob", "nightly"]).ok();
    namespace.wait_until("the config has gone too", || {
        namespace.config_maps().iter().all(|name| name.contains("ambassador-plugin-"))
    });
}

#[test]
fn a_pod_leads_to_what_has_made_it() {
    let namespace = Namespace::new();
    created(&namespace, "Deployment", "web");
    let pod =
        namespace.kubectl(&["get", "pods", "-l", "app=web", "-o=jsonpath={.items[0].metadata.name}"]).ok();
    let output = namespace.ambassador(&["inject", &format!("pod/{pod}"), "--dry-run=server"]);
    let hidden = output.stderr.replace(&pod, "POD");
    check(
        &Output { stderr: hidden, ..output },
        &expect![[r#"
            exit 0
            deployment.apps/web injected (server dry run)
            pod/POD belongs to deployment/web, so this is about deployment/web
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        "#]],
    );
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn all_that_happens_is_said_before() {
    let namespace = Namespace::new();
    let mut web = workload("Deployment", "web");
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    create(&namespace, &web);
    create(&namespace, &service());
    rolled_out(&namespace, "deploy/web");
    let output = namespace.ambassador(&["inject", "deploy/web", "--dry-run", "--jq", "."]);
    // All but the line with hashes in it.
    let said: Vec<&str> = output.stderr.lines().filter(|line| !line.starts_with("  configmaps ")).collect();
    expect![[r#"
        exit 0
        deployment.apps/web injected (dry run)
        deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          port 80 -> 8775 (declared by container legacy)
          1 rule
          the port name http goes to the ambassador, and Services that ask for it with it
          service/web: targetPort 8775 -> 80, once all pods have it
        warning: deployment/web has the strategy Recreate: no pod of it runs until the new ones are ready [AMB022]
        warning: port 8775 of deployment/web stays reachable beside the ambassador, without its rules [AMB034]
    "#]]
    .assert_eq(&format!("exit {}\n{}{}\n", output.code, output.stdout, said.join("\n")));
    assert_eq!(namespace.field("deploy/web", "{.metadata.generation}"), "1");
}

#[test]
fn a_job_is_refused_with_the_way_out() {
    let namespace = Namespace::new();
    created(&namespace, "Job", "once");
    check(
        &namespace.ambassador(&["inject", "job/once"]),
        &expect![[r#"
            exit 1
            error: job/once exists, and the pod template of what exists cannot be changed [AMB013]
            hint: inject its manifest by `inject -f FILE`, and create it anew
        "#]],
    );
}

#[test]
fn a_paused_deployment_has_it_when_it_is_resumed() {
    let namespace = Namespace::new();
    created(&namespace, "Deployment", "web");
    create(&namespace, &service());
    namespace.kubectl(&["rollout", "pause", "deploy/web"]).ok();
    let output = namespace.ambassador(&["inject", "deploy/web"]);
    let pod =
        namespace.kubectl(&["get", "pods", "-l", "app=web", "-o=jsonpath={.items[0].metadata.name}"]).ok();
    let hidden = output.stderr.replace(&pod, "POD");
    check(
        &Output { stderr: hidden, ..output },
        &expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
              service/web: targetPort 8775 -> 80, once all pods have it
            warning: deployment/web is paused: pods that run stay as they are [AMB023]
            deployment/web is paused: it replaces its pods when it is resumed, kubectl rollout resume deployment/web
            service/web still leads past the ambassador, since pod/POD is without it; once no such pod is left, run this again
        "#]],
    );
    assert_eq!(namespace.field("service/web", "{.spec.ports[0].targetPort}"), "8775");
    namespace.kubectl(&["rollout", "resume", "deploy/web"]).ok();
    check(
        &namespace.ambassador(&["inject", "deploy/web"]),
        &expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web has it in its pod template already:
              service/web: targetPort 8775 -> 80, once all pods have it
            deployment "web" successfully rolled out
            service/web: targetPort 8775 -> 80
        "#]],
    );
    assert_eq!(namespace.field("service/web", "{.spec.ports[0].targetPort}"), "80");
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8775}]},
    })
}

#[test]
fn a_service_waits_for_all_that_it_leads_to() {
    let namespace = Namespace::new();
    namespace
        .kubectl(&["create", "-f", &e2e::kube::repository("manifests/busybox.yaml").to_string_lossy()])
        .ok();
    let mut canary = workload("Deployment", "canary");
    let labels = json!({"app": "web", "track": "canary"});
    canary["spec"]["template"]["metadata"]["labels"] = labels.clone();
    canary["spec"]["selector"]["matchLabels"] = labels;
    let mut stable = workload("Deployment", "stable");
    let labels = json!({"app": "web", "track": "stable"});
    stable["spec"]["template"]["metadata"]["labels"] = labels.clone();
    stable["spec"]["selector"]["matchLabels"] = labels;
    create(&namespace, &stable);
    create(&namespace, &canary);
    create(&namespace, &service());
    rolled_out(&namespace, "deploy/stable");
    rolled_out(&namespace, "deploy/canary");
    let output = namespace.ambassador(&["inject", "deploy/canary"]);
    let track = ["get", "pods", "-l", "track=stable", "-o=jsonpath={.items[0].metadata.name}"];
    let pod = namespace.kubectl(&track).ok();
    let held = format!(
        "service/web still leads past the ambassador, since pod/{pod} is without it; once no such pod is left, run this again\n"
    );
    assert!(output.code == 0 && output.stderr.contains(&held), "{}", output.stderr);
    assert_eq!(namespace.field("service/web", "{.spec.ports[0].targetPort}"), "8775");
    namespace.ambassador(&["inject", "deploy/stable"]).ok();
    assert_eq!(namespace.field("service/web", "{.spec.ports[0].targetPort}"), "80");
    namespace.wait_ready("busybox");
    assert_eq!(ask(&namespace, "web", 80), LIST);
    namespace.ambassador(&["uninject", "deploy/canary"]).ok();
    assert_eq!(namespace.field("service/web", "{.spec.ports[0].targetPort}"), "8775");
}

#[test]
fn other_kinds_are_injected_where_somebody_says() {
    let namespace = Namespace::new();
    let group = format!("{}.example.com", namespace.name);
    let name = format!("rollouts.{group}");
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version =
        json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    create(
        &namespace,
        &json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
            "spec": {
                "group": group, "scope": "Namespaced", "versions": [version],
                "names": {"kind": "Rollout", "plural": "rollouts", "singular": "rollout"},
            },
        }),
    );
    namespace.kubectl(&["wait", "--for=condition=Established", &format!("crd/{name}"), "--timeout=30s"]).ok();
    // What a person has to be given beside manifests/rbac.yaml.
    namespace
        .kubectl(&["create", "role", "rollouts", "--verb=get,patch", &format!("--resource={name}")])
        .ok();
    let user = format!("--user={OPERATOR}");
    namespace.kubectl(&["create", "rolebinding", "rollouts", "--role=rollouts", &user]).ok();
    let rollout = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template("web")},
    });
    create(&namespace, &rollout);
    let target = format!("{name}/web");
    let before = object(&namespace, &target);
    let shown = |output: Output| Output {
        stdout: output.stdout.replace(&group, "GROUP"),
        stderr: output.stderr.replace(&group, "GROUP"),
        ..output
    };
    check(
        &shown(namespace.ambassador(&["inject", &target])),
        &expect![[r#"
            exit 2
            error: rollout/web is of a kind whose pod template is not known
            hint: say where it is: --pod-template-path rollout.GROUP=/spec/template
        "#]],
    );
    let path = format!("--pod-template-path={name}=/spec/template");
    let bad = format!("--pod-template-path={name}=/spec/nothing");
    check(
        &shown(namespace.ambassador(&["inject", &target, &bad])),
        &expect![[r#"
            exit 2
            error: rollout/web has no pod template at /spec/nothing
            hint: say where it is: --pod-template-path KIND=/spec/template
        "#]],
    );
    check(
        &shown(namespace.ambassador(&["inject", &target, &path])),
        &expect![[r#"
            exit 0
            rollout.GROUP/web injected
            rollout/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            rollout/web does not tell how far its rollout is, so it is not waited for
        "#]],
    );
    assert!(is_patched(&namespace, &target));
    assert_eq!(namespace.ambassador(&["inject", &target, &path]).code, 0);
    namespace.ambassador(&["uninject", &target, &path]).ok();
    let after = object(&namespace, &target);
    namespace.kubectl(&["delete", "crd", &name, "--wait=false"]).ok();
    assert_eq!(after, before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}
