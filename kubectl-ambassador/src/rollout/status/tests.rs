//! What is told of rollouts on their way.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::cluster::Resource;

#[track_caller]
fn check(kind: &str, spec: &Value, status: &Value, expected: &Expect) {
    let object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "generation": 2}, "spec": spec, "status": status,
    });
    let told = match super::status(&object) {
        Status::Going(text) => text,
        Status::Done(text) => format!("done: {text}"),
        Status::Stuck(text) => format!("stuck: {text}"),
        Status::Unknown => "unknown".to_owned(),
    };
    expected.assert_eq(&told);
}

#[test]
fn a_deployment_is_told_of_in_kubectls_words() {
    let three = json!({"replicas": 3});
    let check = |status: Value, expected: Expect| check("Deployment", &three, &status, &expected);
    check(json!({"observedGeneration": 1}), expect!["Waiting for deployment spec update to be observed..."]);
    check(
        json!({"observedGeneration": 2, "updatedReplicas": 1}),
        expect![[
            r#"Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated..."#
        ]],
    );
    check(
        json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 5}),
        expect![[
            r#"Waiting for deployment "web" rollout to finish: 2 old replicas are pending termination..."#
        ]],
    );
    check(
        json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}),
        expect![[
            r#"Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available..."#
        ]],
    );
    check(
        json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}),
        expect![[r#"done: deployment "web" successfully rolled out"#]],
    );
    let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    check(
        json!({"observedGeneration": 2, "conditions": late}),
        expect![[r#"stuck: deployment "web" exceeded its progress deadline"#]],
    );
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q"}]);
    check(
        json!({"observedGeneration": 2, "conditions": refused}),
        expect![[
            r#"Waiting for deployment "web" rollout to finish: 0 out of 3 new replicas have been updated (no pod could be made: exceeded quota: q)..."#
        ]],
    );
}

#[test]
fn a_daemon_set_is_told_of_in_kubectls_words() {
    let check = |status: Value, expected: Expect| check("DaemonSet", &json!({}), &status, &expected);
    check(json!({"observedGeneration": 1}), expect!["Waiting for daemon set spec update to be observed..."]);
    check(
        json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1}),
        expect![[
            r#"Waiting for daemon set "web" rollout to finish: 1 out of 2 new pods have been updated..."#
        ]],
    );
    check(
        json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}),
        expect![[r#"Waiting for daemon set "web" rollout to finish: 1 of 2 updated pods are available..."#]],
    );
    check(
        json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}),
        expect![[r#"done: daemon set "web" successfully rolled out"#]],
    );
}

#[test]
fn a_stateful_set_is_told_of_in_kubectls_words() {
    let two = json!({"replicas": 2});
    let whole = |status: Value, expected: Expect| check("StatefulSet", &two, &status, &expected);
    whole(json!({"observedGeneration": 1}), expect!["Waiting for statefulset spec update to be observed..."]);
    whole(json!({"observedGeneration": 2, "readyReplicas": 1}), expect!["Waiting for 1 pods to be ready..."]);
    whole(
        json!({"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"}),
        expect!["waiting for statefulset rolling update to complete 1 pods at revision b..."],
    );
    whole(
        json!({"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 2, "currentReplicas": 2, "updateRevision": "b", "currentRevision": "b"}),
        expect!["done: statefulset rolling update complete 2 pods at revision b..."],
    );
    let part = json!({"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}});
    let part = |status: Value, expected: Expect| check("StatefulSet", &part, &status, &expected);
    part(
        json!({"observedGeneration": 2, "readyReplicas": 2}),
        expect!["Waiting for partitioned roll out to finish: 0 out of 1 new pods have been updated..."],
    );
    part(
        json!({"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 1}),
        expect!["done: partitioned roll out complete: 1 new pods have been updated..."],
    );
}

#[test]
fn other_kinds_are_told_of_by_the_fields_that_most_have() {
    let check = |status: Value, expected: Expect| {
        check("Rollout", &json!({"replicas": 2}), &status, &expected);
    };
    check(json!({}), expect!["unknown"]);
    check(json!({"observedGeneration": "1"}), expect!["Waiting for rollout spec update to be observed..."]);
    check(
        json!({"observedGeneration": "2", "updatedReplicas": 1}),
        expect![[r#"Waiting for rollout "web" rollout to finish: 1 of 2 replicas are updated..."#]],
    );
    check(
        json!({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2}),
        expect![[r#"done: rollout "web" successfully rolled out"#]],
    );
}

#[track_caller]
fn check_course(word: &str, spec: &Value, expected: &Expect) {
    let kind = Kind::named(word).unwrap();
    let workload = Workload {
        resource: Resource::of(kind),
        object: json!({"kind": kind.name, "metadata": {"name": "web"}, "spec": spec}),
        template: kind.template.to_owned(),
        update: kind.update,
    };
    expected.assert_eq(&match course(&workload) {
        Course::Rollout => "rollout".to_owned(),
        Course::Later(why) => why,
    });
}

#[test]
fn what_does_not_happen_by_itself_is_said() {
    let selector = json!({"selector": {"matchLabels": {"app": "web"}}});
    check_course("deploy", &selector, &expect!["rollout"]);
    check_course(
        "deploy",
        &json!({"paused": true}),
        &expect![
            "deployment/web is paused: it replaces its pods when it is resumed, kubectl rollout resume deployment/web"
        ],
    );
    let on_delete =
        json!({"selector": {"matchLabels": {"app": "web"}}, "updateStrategy": {"type": "OnDelete"}});
    check_course(
        "ds",
        &on_delete,
        &expect![
            "daemonset/web has the strategy OnDelete: a pod stays as it is until you delete it, one after the other (kubectl get pods -l app=web lists them)"
        ],
    );
    check_course(
        "rs",
        &selector,
        &expect![
            "replicaset/web gives the change to new pods alone; those that run stay as they are until they are deleted, one after the other (kubectl get pods -l app=web lists them)"
        ],
    );
    check_course(
        "rc",
        &json!({"selector": {"app": "web"}}),
        &expect![
            "replicationcontroller/web gives the change to new pods alone; those that run stay as they are until they are deleted, one after the other (kubectl get pods -l app=web lists them)"
        ],
    );
    check_course(
        "cj",
        &json!({}),
        &expect!["cronjob/web: its next Job has the change; those that run stay as they are"],
    );
}
