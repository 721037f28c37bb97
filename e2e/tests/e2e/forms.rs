//! The two forms of the ambassador's container on a real cluster: from one to the other and back, and what ends.

use e2e::kube::Namespace;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::workloads::{create, created, object, workload};

#[test]
fn from_one_form_to_the_other_and_back() {
    let namespace = Namespace::new();
    let mut web = workload("ReplicaSet", "web");
    web["spec"]["replicas"] = 0.into();
    create(&namespace, &web);
    let before = object(&namespace, "rs/web");
    let mut seen: Vec<(&str, Value)> = Vec::new();
    for form in ["container", "native", "container", "native"] {
        let inject = ["inject", "rs/web", &format!("--sidecar={form}")];
        assert_eq!(namespace.ambassador(&inject).ok(), "replicaset.apps/web injected\n");
        assert_eq!(namespace.ambassador(&inject).ok(), "replicaset.apps/web unchanged\n");
        let now = object(&namespace, "rs/web");
        let spec = &now["spec"]["template"]["spec"];
        let ours = |list: &Value| {
            list.as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "envoy-ambassador"))
        };
        assert_eq!(
            (ours(&spec["containers"]), ours(&spec["initContainers"])),
            (form == "container", form == "native")
        );
        if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == form) {
            assert_eq!(now, *first, "{form} again");
        }
        seen.push((form, now));
    }
    // What the cluster can do is what counts where nothing else is said.
    assert_eq!(namespace.ambassador(&["inject", "rs/web"]).ok(), "replicaset.apps/web unchanged\n");
    namespace.ambassador(&["inject", "rs/web", "--sidecar=container"]).ok();
    namespace.ambassador(&["uninject", "rs/web"]).ok();
    assert_eq!(object(&namespace, "rs/web"), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[track_caller]
fn refused(namespace: &Namespace, args: &[&str], expected: &Expect) {
    let output = namespace.ambassador(args);
    expected.assert_eq(&format!("exit {}\n{}", output.code, output.stderr));
}

#[test]
fn what_ends_gets_no_plain_container() {
    let namespace = Namespace::new();
    created(&namespace, "CronJob", "nightly");
    let job = namespace.home.path().join("job.json");
    std::fs::write(&job, workload("Job", "once").to_string()).expect("written");
    let before = object(&namespace, "cronjob/nightly");
    refused(
        &namespace,
        &["inject", "cronjob/nightly", "--sidecar=container"],
        &expect![[r#"
            exit 1
            error: cronjob/nightly would never end: the ambassador in it would be a plain container, since --sidecar=container asks for it [AMB081]
            hint: what ends by itself needs a native sidecar: Kubernetes 1.29 or newer, without --sidecar=container
        "#]],
    );
    assert_eq!(object(&namespace, "cronjob/nightly"), before);
    let name = job.to_string_lossy();
    let file = |args: &[&str]| {
        let output = namespace.ambassador(&[&["inject", "-f", &name], args].concat());
        format!("exit {}\n{}", output.code, output.stderr.replace(&*name, "job.json"))
    };
    expect![[r#"
        exit 2
        error: job.json:1:1: job/once would never end: the ambassador in it would be a plain container, since --sidecar=container asks for it [AMB081]
        hint: what ends by itself needs a native sidecar: Kubernetes 1.29 or newer, without --sidecar=container
    "#]].assert_eq(&file(&["--sidecar=container"]));
    expect![[r#"
        exit 2
        error: job.json:1:1: job/once would never end: the ambassador in it would be a plain container, since Kubernetes 1.28 has no native sidecars [AMB081]
        hint: what ends by itself needs a native sidecar: Kubernetes 1.29 or newer, without --sidecar=container
    "#]].assert_eq(&file(&["--kubernetes-version=1.28"]));
    // What is checked is what would be done.
    let check = |args: &[&str]| {
        let output = namespace.ambassador(&[&["check", "-f", &name, "-o=name"], args].concat());
        format!("exit {}\n{}", output.code, output.stdout)
    };
    expect![[r#"
        exit 1
        AMB081 job/once
    "#]]
    .assert_eq(&check(&["--kubernetes-version=1.28"]));
    expect![[r#"
        exit 1
        AMB081 job/once
    "#]]
    .assert_eq(&check(&["--sidecar=container"]));
    expect![[r#"
        exit 0
        AMB032 job/once
        AMB034 job/once
        AMB056 job/once
    "#]]
    .assert_eq(&check(&[]));
}

#[test]
fn a_job_with_the_sidecar_ends() {
    let namespace = Namespace::new();
    let mut job = workload("Job", "once");
    let container = &mut job["spec"]["template"]["spec"]["containers"][0];
    container["image"] = "radial/busyboxplus:curl".into();
    // Somebody has to have asked through it: its answer is that nobody listens behind it.
    let ask = "curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:80/ | grep 503";
    container["command"] = json!(["sh", "-c", ask]);
    container.as_object_mut().map(|fields| fields.remove("readinessProbe"));
    let (before, after) =
        (namespace.home.path().join("job.json"), namespace.home.path().join("injected.json"));
    std::fs::write(&before, job.to_string()).expect("written");
    let injected = namespace.ambassador(&["inject", "-f", &before.to_string_lossy()]).ok();
    std::fs::write(&after, injected).expect("written");
    namespace.ambassador(&["plugin", "install"]).ok();
    namespace.kubectl(&["create", "-f", &after.to_string_lossy()]).ok();
    namespace.kubectl(&["wait", "--for=condition=complete", "job/once", "--timeout=60s"]).ok();
    let ended =
        "{.items[0].status.initContainerStatuses[0].state.terminated.reason} {.items[0].status.phase}";
    let pods = ["get", "pods", "-l", "app=once", "-o", &format!("jsonpath={ended}")];
    assert_eq!(namespace.kubectl(&pods).ok(), "Completed Succeeded");
}
