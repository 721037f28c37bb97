//! Workloads whose pods change later than their template, or in their own time.

use e2e::kube::Namespace;
use e2e::process::Output;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::workloads::{create, created, rolled_out, workload};

const NO_IMAGE: &str = "--image=127.0.0.1:1/no-such-envoy:1";

/// How a command ended and what it said, without what the plan says.
#[track_caller]
fn check(output: &Output, expected: &Expect) {
    let plan = ["Waiting ", "waiting ", "  ", "warning: port "];
    let said = output.stderr.lines().filter(|line| !plan.iter().any(|start| line.starts_with(start)));
    let said: Vec<&str> = said.filter(|line| !line.ends_with("-v1.40.0:")).collect();
    let text = format!("exit {}\n{}{}\n", output.code, output.stdout, said.join("\n"));
    let changing =
        regex_lite::Regex::new("web-ambassador-config-[0-9a-f]{8}|web-[0-9a-z]{5,10}(-[0-9a-z]{5})?\\b")
            .expect("a pattern");
    expected.assert_eq(&changing.replace_all(&text, "NAME"));
}

fn service(namespace: &Namespace) {
    let spec = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8775}]});
    create(
        namespace,
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}),
    );
}

fn target_port(namespace: &Namespace) -> String {
    namespace.field("service/web", "{.spec.ports[0].targetPort}")
}

/// The init containers of the pods that stay, one word a pod.
fn sidecars(namespace: &Namespace) -> String {
    let path = "jsonpath={range .items[*]}{.spec.initContainers[*].name}{.metadata.deletionTimestamp} {end}";
    let words = namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", path]).ok();
    words.trim().to_owned()
}

#[test]
fn what_is_not_waited_for_is_left_to_be_finished_by_the_same_command() {
    let namespace = Namespace::new();
    created(&namespace, "Deployment", "web");
    service(&namespace);
    let ambassador = |args: &[&str]| namespace.ambassador(&[args, &["deploy/web", "--wait=false"]].concat());
    check(
        &ambassador(&["inject"]),
        &expect![[r#"
        exit 0
        deployment.apps/web injected
        the rollout of deployment/web is not waited for: kubectl rollout status deployment/web
        service/web still leads past the ambassador: once all pods of deployment/web have it, run this again
    "#]],
    );
    assert_eq!(target_port(&namespace), "8775");
    rolled_out(&namespace, "deploy/web");
    check(
        &ambassador(&["inject"]),
        &expect![[r#"
        exit 0
        deployment.apps/web injected
        deployment/web has it in its pod template already:
        deployment "web" successfully rolled out
        service/web: targetPort 8775 -> 80
    "#]],
    );
    assert_eq!(target_port(&namespace), "80");
    check(
        &ambassador(&["inject", "--port", "8080:8775"]),
        &expect![[r#"
        exit 1
        error: Services lead to port 80 of deployment/web, which the new port map has not: that takes two rollouts, and the first has to be waited for
        hint: leave out --wait=false, or keep the port in the port map
    "#]],
    );
    check(
        &ambassador(&["uninject"]),
        &expect![[r#"
            exit 0
            deployment.apps/web uninjected
            deployment/web loses the container envoy-ambassador
            service/web: targetPort 80 -> 8775
            the rollout of deployment/web is not waited for: kubectl rollout status deployment/web
            configmap/NAME stays while pods use it; run this again afterwards
        "#]],
    );
    assert_eq!(target_port(&namespace), "8775");
    rolled_out(&namespace, "deploy/web");
    namespace.wait_until("the injected pod has gone", || sidecars(&namespace).is_empty());
    check(
        &ambassador(&["uninject"]),
        &expect![[r#"
        exit 0
        deployment.apps/web unchanged

    "#]],
    );
    // Nobody knows whether others are to use the module, which somebody may have installed.
    let left = namespace.config_maps();
    assert!(left.iter().all(|name| name.contains("ambassador-plugin-")), "{left:?}");
    // What does not come up is not taken back.
    check(
        &ambassador(&["inject", NO_IMAGE]),
        &expect![[r#"
        exit 0
        deployment.apps/web injected
        deployment/web gets the container envoy-ambassador, 127.0.0.1:1/no-such-envoy:1:
        the rollout of deployment/web is not waited for: kubectl rollout status deployment/web
        service/web still leads past the ambassador: once all pods of deployment/web have it, run this again
    "#]],
    );
    let image = namespace.field("deploy/web", "{.spec.template.spec.initContainers[0].image}");
    assert!(NO_IMAGE.ends_with(&image), "{image}");
}

#[test]
fn a_bare_pod_that_is_not_waited_for_is_not_put_back() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    namespace.kubectl(&["label", "pod", "fruit-service", "app=web"]).ok();
    service(&namespace);
    let ambassador =
        |args: &[&str]| namespace.ambassador(&[args, &["fruit-service", "--wait=false"]].concat());
    check(
        &ambassador(&["inject", NO_IMAGE]),
        &expect![[r#"
        exit 0
        pod/fruit-service injected
        pod/fruit-service will be recreated with the container envoy-ambassador, 127.0.0.1:1/no-such-envoy:1:
        replacing pod/fruit-service ...
        not waited for: kubectl wait --for=condition=Ready pod/fruit-service
        service/web still leads past the ambassador: once pod/fruit-service is ready, run this again
    "#]],
    );
    assert_eq!(
        (sidecars(&namespace).as_str(), target_port(&namespace).as_str()),
        ("envoy-ambassador", "8775")
    );
    check(
        &ambassador(&["uninject"]),
        &expect![[r#"
        exit 0
        pod/fruit-service uninjected
        replacing pod/fruit-service ...
        not waited for: kubectl wait --for=condition=Ready pod/fruit-service
    "#]],
    );
    assert_eq!((sidecars(&namespace).as_str(), namespace.config_maps()), ("", Vec::new()));
    assert_eq!(namespace.ambassador(&["resume"]).stdout, "");
}

/// A workload that leaves it to a person to delete its pods.
#[track_caller]
fn pods_are_deleted_by_hand(kind: &str, inject: &Expect, uninject: &Expect) {
    let namespace = Namespace::new();
    let mut web = workload(kind, "web");
    if matches!(kind, "StatefulSet" | "DaemonSet") {
        web["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    }
    create(&namespace, &web);
    service(&namespace);
    let target = format!("{kind}/web");
    namespace.wait_until("a pod", || !namespace.kubectl(&["get", "pods", "-o", "name"]).ok().is_empty());
    namespace.wait_ready("--all");
    let renew = |sidecar: &str| {
        namespace.kubectl(&["delete", "pod", "-l", "app=web", "--grace-period=1"]).ok();
        namespace.wait_until("another pod", || {
            let pods = namespace.kubectl(&["get", "pods", "-o", "name"]).ok();
            pods.lines().count() == 1 && sidecars(&namespace) == sidecar
        });
        namespace.wait_ready("--all");
    };
    check(&namespace.ambassador(&["inject", &target]), inject);
    assert_eq!((sidecars(&namespace).as_str(), target_port(&namespace).as_str()), ("", "8775"));
    renew("envoy-ambassador");
    namespace.ambassador(&["inject", &target]).ok();
    assert_eq!(target_port(&namespace), "80");
    check(&namespace.ambassador(&["uninject", &target]), uninject);
    assert_eq!(
        (sidecars(&namespace).as_str(), target_port(&namespace).as_str()),
        ("envoy-ambassador", "8775")
    );
    renew("");
    namespace.ambassador(&["uninject", &target]).ok();
    let left = namespace.config_maps();
    assert!(left.iter().all(|name| name.contains("ambassador-plugin-")), "{left:?}");
}

#[test]
fn a_stateful_set_that_replaces_pods_on_delete() {
    pods_are_deleted_by_hand(
        "StatefulSet",
        &expect![[r#"
        exit 0
        statefulset.apps/web injected
        warning: statefulset/web has the strategy OnDelete: pods that run stay as they are [AMB023]
        statefulset/web has the strategy OnDelete: a pod stays as it is until you delete it, one after the other (kubectl get pods -l app=web lists them)
        service/web still leads past the ambassador, since pod/web-0 is without it; once no such pod is left, run this again
    "#]],
        &expect![[r#"
            exit 0
            statefulset.apps/web uninjected
            warning: statefulset/web has the strategy OnDelete: pods that run stay as they are [AMB023]
            statefulset/web loses the container envoy-ambassador
            service/web: targetPort 80 -> 8775
            statefulset/web has the strategy OnDelete: a pod stays as it is until you delete it, one after the other (kubectl get pods -l app=web lists them)
            configmap/NAME stays while pods use it; run this again afterwards
        "#]],
    );
}

#[test]
fn a_daemon_set_that_replaces_pods_on_delete() {
    pods_are_deleted_by_hand(
        "DaemonSet",
        &expect![[r#"
        exit 0
        daemonset.apps/web injected
        warning: daemonset/web has the strategy OnDelete: pods that run stay as they are [AMB023]
        daemonset/web has the strategy OnDelete: a pod stays as it is until you delete it, one after the other (kubectl get pods -l app=web lists them)
        service/web still leads past the ambassador, since pod/NAME is without it; once no such pod is left, run this again
    "#]],
        &expect![[r#"
            exit 0
            daemonset.apps/web uninjected
            warning: daemonset/web has the strategy OnDelete: pods that run stay as they are [AMB023]
            daemonset/web loses the container envoy-ambassador
            service/web: targetPort 80 -> 8775
            daemonset/web has the strategy OnDelete: a pod stays as it is until you delete it, one after the other (kubectl get pods -l app=web lists them)
            configmap/NAME stays while pods use it; run this again afterwards
        "#]],
    );
}

#[test]
fn a_replica_set_of_its_own_does_not_replace_pods() {
    pods_are_deleted_by_hand(
        "ReplicaSet",
        &expect![[r#"
        exit 0
        replicaset.apps/web injected
        warning: replicaset/web does not replace its pods: pods that run stay as they are [AMB023]
        replicaset/web gives the change to new pods alone; those that run stay as they are until they are deleted, one after the other (kubectl get pods -l app=web lists them)
        service/web still leads past the ambassador, since pod/NAME is without it; once no such pod is left, run this again
    "#]],
        &expect![[r#"
            exit 0
            replicaset.apps/web uninjected
            warning: replicaset/web does not replace its pods: pods that run stay as they are [AMB023]
            replicaset/web loses the container envoy-ambassador
            service/web: targetPort 80 -> 8775
            replicaset/web gives the change to new pods alone; those that run stay as they are until they are deleted, one after the other (kubectl get pods -l app=web lists them)
            configmap/NAME stays while pods use it; run this again afterwards
        "#]],
    );
}

#[test]
fn a_partition_keeps_pods_as_they_are() {
    let namespace = Namespace::new();
    let mut web = workload("StatefulSet", "web");
    web["spec"]["replicas"] = 2.into();
    web["spec"]["podManagementPolicy"] = "Parallel".into();
    web["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 1}});
    create(&namespace, &web);
    service(&namespace);
    namespace.wait_until("two pods", || namespace.field("sts/web", "{.status.readyReplicas}") == "2");
    check(
        &namespace.ambassador(&["inject", "sts/web"]),
        &expect![[r#"
        exit 0
        statefulset.apps/web injected
        warning: statefulset/web has the partition 1: its pods below that number stay as they are [AMB023]
        partitioned roll out complete: 1 new pods have been updated...
        service/web still leads past the ambassador, since pod/web-0 is without it; once no such pod is left, run this again
    "#]],
    );
    let of = |pod: &str| namespace.field(pod, "{.spec.initContainers[*].name}");
    assert_eq!((of("pod/web-0").as_str(), of("pod/web-1").as_str()), ("", "envoy-ambassador"));
    let patch = |spec: &Value| {
        let patch = json!({"spec": spec}).to_string();
        namespace.kubectl(&["patch", "sts", "web", "--patch", &patch]).ok();
    };
    patch(&json!({"updateStrategy": {"rollingUpdate": {"partition": 0}}}));
    check(
        &namespace.ambassador(&["inject", "sts/web"]),
        &expect![[r#"
            exit 0
            statefulset.apps/web injected
            statefulset/web has it in its pod template already:
            statefulset rolling update complete 2 pods at revision NAME...
            service/web: targetPort 8775 -> 80
        "#]],
    );
    assert_eq!((of("pod/web-0").as_str(), target_port(&namespace).as_str()), ("envoy-ambassador", "80"));
    // Nothing runs, so there is nothing to wait for.
    patch(&json!({"replicas": 0}));
    namespace.wait_until("no pods", || namespace.kubectl(&["get", "pods", "-o", "name"]).ok().is_empty());
    check(
        &namespace.ambassador(&["uninject", "sts/web"]),
        &expect![[r#"
            exit 0
            statefulset.apps/web uninjected
            statefulset/web loses the container envoy-ambassador
            service/web: targetPort 80 -> 8775
            statefulset rolling update complete 0 pods at revision NAME...
        "#]],
    );
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn a_rollout_goes_by_the_deployments_own_numbers() {
    let namespace = Namespace::new();
    let mut web = workload("Deployment", "web");
    // Two pods with one port of the node do not fit on the one node, so the new one waits for the old one.
    let port = e2e::free_port();
    web["spec"]["template"]["spec"]["containers"][0]["ports"][0]["hostPort"] = port.into();
    web["spec"]["progressDeadlineSeconds"] = 3.into();
    create(&namespace, &web);
    namespace.wait_until("its pod", || namespace.field("deploy/web", "{.status.readyReplicas}") == "1");
    check(
        &namespace.ambassador(&["inject", "deploy/web"]),
        &expect![[r#"
        exit 3
        rolling deployment/web back ...
        deployment "web" successfully rolled out
        error: deployment/web was not injected: deployment "web" exceeded its progress deadline (not scheduled: 0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod)
        hint: its pods are as they were
    "#]],
    );
    assert_eq!(namespace.field("deploy/web", "{.spec.template.spec.initContainers}"), "");
    let room = json!({"spec": {
        "progressDeadlineSeconds": 60, "minReadySeconds": 4,
        "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    }});
    namespace.kubectl(&["patch", "deploy", "web", "--patch", &room.to_string()]).ok();
    check(
        &namespace.ambassador(&["inject", "deploy/web"]),
        &expect![[r#"
        exit 0
        deployment.apps/web injected
        deployment "web" successfully rolled out
    "#]],
    );
    assert_eq!(namespace.field("deploy/web", "{.status.availableReplicas}"), "1");
}
