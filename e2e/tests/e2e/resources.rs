//! What the ambassador asks for, on a real cluster: classes of quality of service, flags, quotas and LimitRanges.

use e2e::kube::Namespace;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::workloads::{LIST, ask, create, object, rolled_out, template, workload};

fn even(amounts: [&str; 2]) -> Value {
    let [cpu, memory] = amounts;
    json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}})
}

fn pod(name: &str, resources: &Value) -> Value {
    let mut pod = template(name);
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = name.into();
    pod["spec"]["terminationGracePeriodSeconds"] = 1.into();
    pod["spec"]["containers"][0]["resources"] = resources.clone();
    pod
}

#[test]
fn the_class_of_quality_of_service_stays() {
    let namespace = Namespace::new();
    let guaranteed = pod("guaranteed", &even(["100m", "64Mi"]));
    let mut with_init = guaranteed.clone();
    with_init["metadata"]["name"] = "with-init".into();
    with_init["spec"]["initContainers"] =
        json!([{"name": "init", "image": "init:1", "resources": even(["1", "1Gi"])}]);
    let mut by_pod = pod("by-pod", &json!({}));
    by_pod["spec"]["resources"] = even(["1", "1Gi"]);
    let mut with_bare_init = with_init.clone();
    with_bare_init["metadata"]["name"] = "with-bare-init".into();
    with_bare_init["spec"]["initContainers"][0]["resources"] = json!({});
    let pods = [
        guaranteed,
        with_init,
        by_pod,
        with_bare_init,
        pod("limits-alone", &json!({"limits": {"cpu": "100m", "memory": "64Mi"}})),
        pod("burstable", &json!({"requests": {"cpu": "100m"}})),
        pod("best-effort", &json!({})),
    ];
    let (before, after) =
        (namespace.home.path().join("pods.json"), namespace.home.path().join("injected.json"));
    std::fs::write(&before, json!({"apiVersion": "v1", "kind": "List", "items": pods}).to_string())
        .expect("written");
    let classes = |file: &std::path::Path| {
        let columns = r#"jsonpath={.metadata.name} {.status.qosClass}{"\n"}"#;
        let create = ["create", "--dry-run=server", "-o", columns, "-f", &file.to_string_lossy()];
        let lines = namespace.kubectl(&create).ok();
        let pods = lines.lines().filter(|line| !line.contains("ambassador"));
        pods.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let expected = [
        "guaranteed Guaranteed",
        "with-init Guaranteed",
        "by-pod Guaranteed",
        "with-bare-init Burstable",
        "limits-alone Guaranteed",
        "burstable Burstable",
        "best-effort BestEffort",
    ]
    .join("\n");
    assert_eq!(classes(&before), expected);
    for form in ["native", "container"] {
        let inject = ["inject", "-f", &before.to_string_lossy(), &format!("--sidecar={form}")];
        std::fs::write(&after, namespace.ambassador(&inject).ok()).expect("written");
        let injected = expected.replace("BestEffort", "Burstable");
        assert_eq!(classes(&after), injected, "{form}");
    }
}

#[test]
fn guaranteed_pods_run_as_such() {
    let namespace = Namespace::new();
    namespace
        .kubectl(&["create", "-f", &e2e::kube::repository("manifests/busybox.yaml").to_string_lossy()])
        .ok();
    // What makes its pods Guaranteed is not in the template.
    create(
        &namespace,
        &json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "even"},
            "spec": {"limits": [{"type": "Container", "default": {"cpu": "100m", "memory": "64Mi"}}]},
        }),
    );
    create(&namespace, &workload("Deployment", "web"));
    create(&namespace, &pod("bare", &even(["100m", "64Mi"])));
    rolled_out(&namespace, "deploy/web");
    namespace.wait_ready("bare");
    let classes = || {
        let columns = "-o=jsonpath={.items[*].status.qosClass}";
        namespace
            .kubectl(&[
                "get",
                "pods",
                "-l",
                "app in (web, bare)",
                "--field-selector=status.phase=Running",
                columns,
            ])
            .ok()
    };
    let all = |classes: &str| classes.split_whitespace().all(|class| class == "Guaranteed");
    assert!(all(&classes()));
    for target in ["pod/bare", "deploy/web"] {
        let output = namespace.ambassador(&["inject", target]);
        let kept = "  500m CPU and 512Mi memory are kept for it, which is all that it may use\n";
        assert!(output.code == 0 && output.stderr.contains(kept), "{}", output.stderr);
        assert!(namespace.ambassador(&["inject", target]).stdout.ends_with(" unchanged\n"));
    }
    assert!(all(&classes()), "{}", classes());
    namespace.wait_ready("busybox");
    assert_eq!((ask(&namespace, "bare", 80).as_str(), ask(&namespace, "web", 80).as_str()), (LIST, LIST));
    let lost = namespace.ambassador(&["check", "pod/bare", "--cpu-request=100m", "--cpu-limit=1"]);
    let line = "  AMB062  pod/bare: the pod is Guaranteed and becomes Burstable\n";
    assert!(lost.stdout.contains(line), "{}", lost.stdout);
}

#[test]
fn amounts_are_chosen_by_flag_and_kept() {
    let namespace = Namespace::new();
    let mut web = workload("ReplicaSet", "web");
    web["spec"]["replicas"] = 0.into();
    create(&namespace, &web);
    let before = object(&namespace, "rs/web");
    let check = |args: &[&str], expected: &Expect| {
        let output = namespace.ambassador(&[&["inject", "rs/web"], args].concat());
        let said = output.stderr.lines().filter(|line| line.starts_with("error") || line.starts_with("hint"));
        let said: Vec<&str> = said.collect();
        let amounts = namespace.field("rs/web", "{.spec.template.spec.initContainers[0].resources}");
        expected.assert_eq(&format!("{}{}\n{amounts}\n", output.stdout, said.join("\n")));
    };
    check(
        &[],
        &expect![[r#"
        replicaset.apps/web injected

        {"limits":{"cpu":"2","memory":"512Mi"},"requests":{"cpu":"20m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--cpu-request=0.1", "--memory-limit=1Gi"],
        &expect![[r#"
        replicaset.apps/web injected

        {"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"100m","memory":"64Mi"}}
    "#]],
    );
    check(
        &[],
        &expect![[r#"
        replicaset.apps/web unchanged

        {"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"100m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--cpu-limit=50m"],
        &expect![[r#"
        error: --cpu-limit 50m is below --cpu-request 0.1
        hint: a container may always use what is kept for it: raise the limit, or lower the request
        {"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"100m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--memory-limit=default", "--cpu-limit=1000m"],
        &expect![[r#"
        replicaset.apps/web injected

        {"limits":{"cpu":"1","memory":"512Mi"},"requests":{"cpu":"100m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--cpu-request=default", "--cpu-limit=default"],
        &expect![[r#"
        replicaset.apps/web injected

        {"limits":{"cpu":"2","memory":"512Mi"},"requests":{"cpu":"20m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--cpu-limit=500"],
        &expect![[r#"
        error: invalid value '500' for '--cpu-limit <AMOUNT>': that is 500 CPUs; did you mean 500m?
        {"limits":{"cpu":"2","memory":"512Mi"},"requests":{"cpu":"20m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--memory-request=512"],
        &expect![[r#"
        error: invalid value '512' for '--memory-request <AMOUNT>': that is 512 bytes, and Envoy does not start with less than 16Mi
        {"limits":{"cpu":"2","memory":"512Mi"},"requests":{"cpu":"20m","memory":"64Mi"}}
    "#]],
    );
    check(
        &["--memory-limit=64MB"],
        &expect![[r#"
        error: invalid value '64MB' for '--memory-limit <AMOUNT>': expected an amount as Kubernetes writes it, such as 100m CPUs or 64Mi bytes
        {"limits":{"cpu":"2","memory":"512Mi"},"requests":{"cpu":"20m","memory":"64Mi"}}
    "#]],
    );
    namespace.ambassador(&["uninject", "rs/web"]).ok();
    assert_eq!(object(&namespace, "rs/web"), before);
    let file = namespace.home.path().join("web.json");
    std::fs::write(&file, web.to_string()).expect("written");
    let inject = ["inject", "-f", &file.to_string_lossy(), "--memory-request=100Mi", "--cpu-limit=10m"];
    let made = namespace.ambassador(&inject).ok();
    let made: Value =
        serde_json::Deserializer::from_str(&made).into_iter().next().expect("one").expect("JSON");
    let ours = &made["spec"]["template"]["spec"]["initContainers"][0]["resources"];
    let meant =
        json!({"requests": {"cpu": "10m", "memory": "100Mi"}, "limits": {"cpu": "10m", "memory": "512Mi"}});
    assert_eq!(*ours, meant);
}

/// A quota that has been counted.
fn quota(namespace: &Namespace, hard: &str) {
    namespace.kubectl(&["delete", "quota", "tight", "--ignore-not-found"]).ok();
    namespace.kubectl(&["create", "quota", "tight", &format!("--hard={hard}")]).ok();
    namespace
        .wait_until("the quota is counted", || namespace.field("quota/tight", "{.status.used}").len() > 2);
}

/// How it ended, and what was in the way.
fn ended(output: &e2e::process::Output) -> String {
    let said = output
        .stderr
        .lines()
        .filter(|line| ["error", "hint", "warning"].iter().any(|start| line.starts_with(start)));
    format!("exit {}\n{}\n", output.code, said.collect::<Vec<_>>().join("\n"))
}

#[test]
fn quotas_without_room_are_seen_before_anything_is_touched() {
    let namespace = Namespace::new();
    let resources =
        json!({"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}});
    let mut web = workload("Deployment", "web");
    web["spec"]["template"] = pod("web", &resources);
    for field in ["apiVersion", "kind"] {
        web["spec"]["template"].as_object_mut().map(|pod| pod.remove(field));
    }
    create(&namespace, &web);
    create(&namespace, &pod("bare", &resources));
    rolled_out(&namespace, "deploy/web");
    namespace.wait_ready("bare");
    let state = || {
        ["deploy/web", "pod/bare"].map(|one| namespace.field(one, "{.metadata.uid} {.metadata.generation}"))
    };
    let before = state();
    let refused = |hard: &str, expected: &Expect| {
        quota(&namespace, hard);
        let said = ["deploy/web", "pod/bare"].map(|one| ended(&namespace.ambassador(&["inject", one])));
        expected.assert_eq(&said.concat());
        assert_eq!(state(), before);
        assert_eq!(namespace.config_maps(), Vec::<String>::new());
        let check = namespace.ambassador(&["check", "pod/bare", "-o=name"]).stdout;
        assert!(check.starts_with("AMB070 pod/bare\n") && !check.contains("AMB074"), "{check}");
    };
    refused(
        "pods=2",
        &expect![[r#"
        exit 1
        error: resourcequota/tight has no room for one pod more, which the rollout begins with: 1 more pods are needed, and 2 of 2 are in use [AMB070]
        hint: strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without
        exit 1
        error: resourcequota/tight has no room for the old pod and the new one: 1 more pods are needed, and 2 of 2 are in use [AMB070]
        hint: the old pod is not taken out before the new one is known to fit, so there must be room for both
    "#]],
    );
    refused(
        "requests.cpu=49m,limits.memory=1Gi",
        &expect![[r#"
        exit 1
        error: resourcequota/tight has no room for one pod more, which the rollout begins with: 30m more requests.cpu are needed, and 20m of 49m are in use [AMB070]
        hint: strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without
        exit 1
        error: resourcequota/tight has no room for the old pod and the new one: 30m more requests.cpu are needed, and 20m of 49m are in use [AMB070]
        hint: the old pod is not taken out before the new one is known to fit, so there must be room for both
    "#]],
    );
    // One that has just enough room, for the pod that comes while the old one is there.
    quota(&namespace, "requests.cpu=50m,pods=3");
    assert_eq!(namespace.ambassador(&["inject", "deploy/web"]).ok(), "deployment.apps/web injected\n");
    namespace
        .wait_until("the old pod has gone", || namespace.field("quota/tight", "{.status.used.pods}") == "2");
    assert_eq!(namespace.ambassador(&["inject", "deploy/web"]).ok(), "deployment.apps/web unchanged\n");
    quota(&namespace, "requests.cpu=70m,pods=3");
    assert_eq!(namespace.ambassador(&["inject", "bare"]).ok(), "pod/bare injected\n");
    // A full one keeps nobody from what is there already, and a Deployment may do without one pod more.
    quota(&namespace, "pods=2");
    for (one, unchanged) in
        [("deploy/web", "deployment.apps/web unchanged\n"), ("bare", "pod/bare unchanged\n")]
    {
        assert_eq!(namespace.ambassador(&["inject", one]).ok(), unchanged);
    }
    let strategy =
        json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}}).to_string();
    namespace.kubectl(&["patch", "deploy", "web", "--patch", &strategy]).ok();
    let output = namespace.ambassador(&["inject", "deploy/web", "--jq", "length"]);
    expect![[r#"
        exit 0
        warning: port 8775 of deployment/web stays reachable beside the ambassador, without its rules [AMB034]
    "#]]
    .assert_eq(&ended(&output));
}

#[test]
fn limit_ranges_are_kept_to_by_flag() {
    let namespace = Namespace::new();
    let mut web = workload("ReplicaSet", "web");
    web["spec"]["replicas"] = 0.into();
    create(&namespace, &web);
    create(
        &namespace,
        &json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "narrow"},
            "spec": {"limits": [{
                "type": "Container", "min": {"cpu": "50m"}, "max": {"cpu": "1", "memory": "256Mi"},
                "maxLimitRequestRatio": {"memory": "4"},
            }]},
        }),
    );
    expect![[r#"
        exit 1
        error: limitrange/narrow does not allow what the ambassador needs: limits.cpu is 2, and at most 1 is allowed [AMB071]
        hint: --cpu-limit chooses less
        error: limitrange/narrow does not allow what the ambassador needs: requests.cpu is 20m, and at least 50m is asked for [AMB071]
        hint: --cpu-request chooses more
        error: limitrange/narrow does not allow what the ambassador needs: limits.memory is 512Mi, and at most 256Mi is allowed [AMB071]
        hint: --memory-limit chooses less
        error: limitrange/narrow does not allow what the ambassador needs: limits.memory is 8 times its request, and at most 4 times is allowed [AMB071]
        hint: --memory-request and --memory-limit choose others
    "#]].assert_eq(&ended(&namespace.ambassador(&["inject", "rs/web"])));
    let file = namespace.home.path().join("all.json");
    let range = namespace.kubectl(&["get", "limitrange", "narrow", "-o", "json"]).ok();
    let range: Value = serde_json::from_str(&range).expect("JSON");
    web["metadata"]["namespace"] = namespace.name.as_str().into();
    std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": [range, web]}).to_string())
        .expect("written");
    let fits = ["--cpu-request=50m", "--cpu-limit=1", "--memory-limit=256Mi"];
    for (args, code) in [(&[][..], 1), (&fits, 0)] {
        let check = ["check", "-f", &file.to_string_lossy()];
        assert_eq!(namespace.ambassador(&[&check, args].concat()).code, code, "{args:?}");
    }
    expect![[r#"
        exit 0
        warning: replicaset/web does not replace its pods: pods that run stay as they are [AMB023]
    "#]]
    .assert_eq(&ended(&namespace.ambassador(&[&["inject", "rs/web"][..], &fits].concat())));
}
