//! Pod Security on a real cluster: what keeps to a level is injected where it is enforced, and what does not keep to it is
//! refused with the ambassador as it was without, for the same reasons.

use std::collections::BTreeMap;

use e2e::kube::Namespace;
use expect_test::expect;
use serde_json::{Value, json};

use crate::workloads::{LIST, ask, create, object, rolled_out, template, workload};

fn enforce(namespace: &Namespace, level: &str) {
    let label = format!("pod-security.kubernetes.io/enforce={level}");
    namespace.kubectl(&["label", "--overwrite", "namespace", &namespace.name, &label]).ok();
}

/// A pod template that keeps to `restricted`: half by the pod's security context, half by the container's.
fn restricted(app: &str) -> Value {
    let mut pod = template(app);
    // Nobody asks while it is replaced.
    pod["spec"]["terminationGracePeriodSeconds"] = 1.into();
    pod["spec"]["securityContext"] =
        json!({"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}});
    pod["spec"]["containers"][0]["securityContext"] =
        json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    pod
}

fn pod(name: &str, template: &Value) -> Value {
    let mut pod = template.clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = name.into();
    pod
}

/// A pod and a deployment that keep to `restricted`, through both forms of the ambassador and back.
#[track_caller]
fn there_and_back(level: &str, forms: [&str; 2]) {
    let namespace = Namespace::new();
    namespace
        .kubectl(&["create", "-f", &e2e::kube::repository("manifests/busybox.yaml").to_string_lossy()])
        .ok();
    enforce(&namespace, level);
    let mut web = workload("Deployment", "web");
    web["spec"]["template"] = restricted("web");
    create(&namespace, &web);
    create(&namespace, &pod("bare", &restricted("bare")));
    rolled_out(&namespace, "deploy/web");
    namespace.wait_ready("bare");
    namespace.wait_ready("busybox");
    let spec = |name| {
        let mut pod = object(&namespace, name);
        // The token's volume has a random name.
        pod["spec"]["volumes"].take();
        pod["spec"]["containers"][0]["volumeMounts"].take();
        pod
    };
    let before = (spec("pod/bare"), object(&namespace, "deploy/web"));
    for form in forms {
        let sidecar = format!("--sidecar={form}");
        for (target, app) in [("pod/bare", "bare"), ("deploy/web", "web")] {
            let output = namespace.ambassador(&["inject", target, &sidecar]);
            assert_eq!(output.code, 0, "{target} {form}: {}", output.stderr);
            assert_eq!(ask(&namespace, app, 80), LIST, "{target} {form}");
        }
    }
    for target in ["pod/bare", "deploy/web"] {
        namespace.ambassador(&["uninject", target]).ok();
    }
    assert_eq!((spec("pod/bare"), object(&namespace, "deploy/web")), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn what_keeps_to_restricted_is_injected_there() {
    there_and_back("restricted", ["native", "container"]);
}

#[test]
fn what_keeps_to_restricted_is_injected_under_baseline() {
    there_and_back("baseline", ["container", "native"]);
}

/// What stands at which JSON pointer.
type Changes = Vec<(&'static str, Value)>;

/// What can be wrong with a pod by the Pod Security Standards, and whether already `baseline` says so: JSON pointers
/// into a pod that keeps to `restricted`, and what stands there instead; null takes it away.
fn violations() -> Vec<(&'static str, bool, Changes)> {
    const POD: &str = "/spec/securityContext";
    const CONTAINER: &str = "/spec/containers/0/securityContext";
    let unconfined = json!({"type": "Unconfined"});
    let of = |pointer: &'static str, value: Value| vec![(pointer, value)];
    let init = |context: Value| {
        of("/spec/initContainers", json!([{"name": "init", "image": "init:1", "securityContext": context}]))
    };
    vec![
        ("host-pid", true, of("/spec/hostPID", json!(true))),
        ("host-ipc", true, of("/spec/hostIPC", json!(true))),
        ("host-path", true, of("/spec/volumes", json!([{"name": "x", "hostPath": {"path": "/"}}]))),
        ("host-port", true, of("/spec/containers/0/ports/0/hostPort", json!(8775))),
        ("host-of-probe", true, of("/spec/containers/0/readinessProbe/httpGet/host", json!("10.0.0.1"))),
        (
            "host-of-hook",
            true,
            of(
                "/spec/containers/0/lifecycle",
                json!({"preStop": {"httpGet": {"port": "http", "host": "10.0.0.1"}}}),
            ),
        ),
        ("privileged", true, of(CONTAINER, json!({"privileged": true, "capabilities": {"drop": ["ALL"]}}))),
        ("privileged-init", true, init(json!({"privileged": true}))),
        ("capability", true, of("/spec/containers/0/securityContext/capabilities/add", json!(["SYS_ADMIN"]))),
        (
            "proc-mount",
            true,
            vec![
                ("/spec/containers/0/securityContext/procMount", json!("Unmasked")),
                ("/spec/hostUsers", json!(false)),
            ],
        ),
        (
            "sysctl",
            true,
            of("/spec/securityContext/sysctls", json!([{"name": "kernel.msgmax", "value": "1"}])),
        ),
        ("seccomp-of-pod", true, of("/spec/securityContext/seccompProfile", unconfined.clone())),
        (
            "seccomp-of-container",
            true,
            of("/spec/containers/0/securityContext/seccompProfile", unconfined.clone()),
        ),
        ("apparmor-of-pod", true, of("/spec/securityContext/appArmorProfile", unconfined.clone())),
        ("apparmor-of-container", true, of("/spec/containers/0/securityContext/appArmorProfile", unconfined)),
        ("selinux-of-pod", true, of("/spec/securityContext/seLinuxOptions", json!({"type": "spc_t"}))),
        (
            "selinux-of-container",
            true,
            of("/spec/containers/0/securityContext/seLinuxOptions", json!({"role": "r"})),
        ),
        ("no-context-of-pod", false, of(POD, Value::Null)),
        ("empty-context-of-pod", false, of(POD, json!({}))),
        ("no-context-of-container", false, of(CONTAINER, Value::Null)),
        ("escalation", false, of("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true))),
        (
            "escalation-left-open",
            false,
            of("/spec/containers/0/securityContext/allowPrivilegeEscalation", Value::Null),
        ),
        ("root-of-pod", false, of("/spec/securityContext/runAsUser", json!(0))),
        ("root-of-container", false, of("/spec/containers/0/securityContext/runAsUser", json!(0))),
        ("may-be-root-of-pod", false, of("/spec/securityContext/runAsNonRoot", json!(false))),
        (
            "may-be-root-of-container",
            false,
            of("/spec/containers/0/securityContext/runAsNonRoot", json!(false)),
        ),
        ("may-be-root-left-open", false, of("/spec/securityContext/runAsNonRoot", Value::Null)),
        ("no-seccomp", false, of("/spec/securityContext/seccompProfile", Value::Null)),
        ("capabilities-kept", false, of("/spec/containers/0/securityContext/capabilities", Value::Null)),
        (
            "capabilities-dropped-in-part",
            false,
            of("/spec/containers/0/securityContext/capabilities/drop", json!(["KILL"])),
        ),
        (
            "capability-of-baseline",
            false,
            of("/spec/containers/0/securityContext/capabilities/add", json!(["CHOWN"])),
        ),
        (
            "volume",
            false,
            of("/spec/volumes", json!([{"name": "x", "nfs": {"server": "10.0.0.1", "path": "/"}}])),
        ),
        ("init", false, init(json!({"runAsNonRoot": true}))),
    ]
}

fn set(pod: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = pod.pointer_mut(parent).and_then(Value::as_object_mut).expect("a parent");
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
}

/// What the API server says against pods that are created, by their names.
fn refusals(namespace: &Namespace, pods: &[Value]) -> BTreeMap<String, String> {
    let file = namespace.home.path().join("pods.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": pods});
    std::fs::write(&file, list.to_string()).expect("written");
    let output = namespace.kubectl(&["create", "--dry-run=server", "-o=name", "-f", &file.to_string_lossy()]);
    let said = output.stderr.lines().filter(|line| line.starts_with("Error from server"));
    let refused: BTreeMap<String, String> = said
        .map(|line| {
            let why = line.split_once(": pods \"").expect("a refusal of Pod Security").1;
            let (name, why) = why.split_once('"').expect("a name");
            assert!(why.contains("violates PodSecurity"), "{line}");
            (name.to_owned(), why.to_owned())
        })
        .collect();
    assert_eq!(output.stdout.lines().count() + refused.len(), pods.len(), "{}", output.stderr);
    refused
}

/// What `inject -f` makes of pods; as the templates of deployments, if so wanted.
fn injected(namespace: &Namespace, pods: &[Value], as_templates: bool, args: &[&str]) -> Vec<Value> {
    let objects = pods.iter().map(|pod| {
        if !as_templates {
            return pod.clone();
        }
        let mut deployment = workload("Deployment", pod["metadata"]["name"].as_str().expect("a name"));
        deployment["spec"]["template"] = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
        deployment
    });
    let file = namespace.home.path().join("before.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects.collect::<Vec<_>>()});
    std::fs::write(&file, list.to_string()).expect("written");
    let output = namespace.ambassador(&[&["inject", "-f", &file.to_string_lossy()], args].concat()).ok();
    // The ConfigMaps follow the list.
    let list = serde_json::Deserializer::from_str(&output).into_iter::<Value>().next();
    let list = list.expect("a list").expect("JSON");
    let items = list["items"].as_array().expect("a list").iter();
    let workloads = items.filter(|item| item["kind"] != "ConfigMap").map(|item| {
        if as_templates {
            pod(item["metadata"]["name"].as_str().expect("a name"), &item["spec"]["template"])
        } else {
            item.clone()
        }
    });
    workloads.collect()
}

/// The pods of which `check` knows, without a server, that the level would refuse them.
fn known(namespace: &Namespace, pods: &[Value], level: &str) -> Vec<String> {
    let labels = json!({"pod-security.kubernetes.io/enforce": level});
    let items = [
        &[json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "labels": labels}})],
        pods,
    ]
    .concat();
    let file = namespace.home.path().join("known.json");
    std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
        .expect("written");
    let output = namespace.ambassador(&["check", "-f", &file.to_string_lossy(), "--port=80:8775", "-o=name"]);
    let lines = output.stdout.lines().filter_map(|line| line.strip_prefix("AMB072 pod/"));
    let mut known: Vec<String> = lines.map(str::to_owned).collect();
    known.sort_unstable();
    known
}

#[test]
fn what_was_refused_is_refused_for_the_same_reasons() {
    let namespace = Namespace::new();
    let mut pods = vec![pod("good", &restricted("web"))];
    for (name, _, changes) in violations() {
        let mut bad = pod(name, &restricted("web"));
        changes.into_iter().for_each(|(pointer, value)| set(&mut bad, pointer, value));
        pods.push(bad);
    }
    let forms: Vec<Vec<Value>> = [
        (false, ["--port=80:8775", "--sidecar=native"]),
        (false, ["--port=80:8775", "--sidecar=container"]),
        (false, ["--port=8080:8775", "--sidecar=native"]),
        (true, ["--port=80:8775", "--sidecar=native"]),
        (true, ["--port=8080:8775", "--sidecar=container"]),
    ]
    .iter()
    .map(|(as_templates, args)| injected(&namespace, &pods, *as_templates, args))
    .collect();
    for level in ["baseline", "restricted"] {
        enforce(&namespace, level);
        let before = refusals(&namespace, &pods);
        let expected = violations().into_iter().filter(|(_, baseline, _)| *baseline || level == "restricted");
        let mut expected: Vec<&str> = expected.map(|(name, ..)| name).collect();
        expected.sort_unstable();
        assert_eq!(before.keys().collect::<Vec<_>>(), expected, "{level}");
        assert_eq!(known(&namespace, &pods, level), expected, "{level}");
        for form in &forms {
            assert_eq!(form.len(), pods.len());
            let after = refusals(&namespace, form);
            for name in before.keys().chain(after.keys()) {
                assert_eq!(after.get(name), before.get(name), "{name} under {level}");
            }
        }
    }
}

#[test]
fn pods_that_a_level_would_refuse_are_left_as_they_are() {
    let namespace = Namespace::new();
    create(&namespace, &workload("Deployment", "web"));
    create(&namespace, &pod("bare", &template("bare")));
    rolled_out(&namespace, "deploy/web");
    namespace.wait_ready("bare");
    // From now on: the pods that run may stay, and a template that breaks it is only warned of.
    enforce(&namespace, "restricted");
    let state = || {
        ["deploy/web", "pod/bare"].map(|name| namespace.field(name, "{.metadata.uid} {.metadata.generation}"))
    };
    let before = state();
    let said = ["deploy/web", "pod/bare"].map(|target| {
        ["native", "container"].map(|form| {
            let output = namespace.ambassador(&["inject", target, &format!("--sidecar={form}")]);
            let ends = |line: &&str| line.starts_with("error") || line.starts_with("hint");
            let lines: Vec<&str> = output.stderr.lines().filter(ends).collect();
            format!("exit {} {form}\n{}\n", output.code, lines.join("\n"))
        })
    });
    expect![[r#"
        exit 1 native
        error: the cluster would refuse the new pods: pods "web-ambassador" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") [AMB074]
        hint: the ambassador keeps to all levels; change the rest of the pod, or the level
        exit 1 container
        error: the cluster would refuse the new pods: pods "web-ambassador" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") [AMB074]
        hint: the ambassador keeps to all levels; change the rest of the pod, or the level
        exit 1 native
        error: the cluster would refuse the new pod: pods "bare" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") [AMB074]
        hint: the ambassador keeps to all levels; change the rest of the pod, or the level
        exit 1 container
        error: the cluster would refuse the new pod: pods "bare" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") [AMB074]
        hint: the ambassador keeps to all levels; change the rest of the pod, or the level
    "#]].assert_eq(&said.concat().concat());
    assert_eq!(state(), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}
