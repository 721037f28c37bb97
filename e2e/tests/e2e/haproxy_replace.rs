//! The hand-made HAProxy of the lab swapped for an ambassador, and put back.

use std::io::Write as _;
use std::process::{Command, Stdio};

use e2e::kube::{Namespace, repository};
use e2e::provided;
use serde_json::{Value, json};

use crate::workloads_load::{Load, web};

const LIST: &str = "[\"apple\",\"banana\",\"pear\"]\n";
const RESHAPED: &str = "{\"count\":3}";

/// What a person wrote of a pod, or a tool changed.
fn written(namespace: &Namespace) -> Value {
    let text = namespace.kubectl(&["get", "pod", "fruit-service", "-o", "json"]).ok();
    let mut pod: Value = serde_json::from_str(&text).expect("JSON");
    // The token's volume has a random name.
    let is_token =
        |item: &Value| item["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access"));
    let mut lists = vec!["/spec/volumes".to_owned()];
    lists.extend((0..2).map(|index| format!("/spec/containers/{index}/volumeMounts")));
    for list in lists {
        if let Some(items) = pod.pointer_mut(&list).and_then(Value::as_array_mut) {
            items.retain(|item| !is_token(item));
        }
    }
    json!({"spec": pod["spec"], "annotations": pod["metadata"]["annotations"]})
}

#[test]
fn the_labs_haproxy_is_converted_replaced_and_put_back() {
    let namespace = Namespace::new();
    namespace.create("manifests/lab/haproxy.yaml");
    namespace.create("manifests/busybox.yaml");
    namespace.wait_ready("fruit-service");
    assert_eq!(namespace.lab_check(80), LIST);
    let before = written(&namespace);

    let converted = namespace.ambassador(&["convert", "pod/fruit-service"]);
    assert!(
        converted.stderr.contains("taken: container haproxy-ambassador, whose image is haproxy:1.7"),
        "{}",
        converted.stderr
    );
    let named = ["convert", "pod/fruit-service", "--container", "haproxy-ambassador"];
    assert_eq!(namespace.ambassador(&named).ok(), converted.stdout);
    for line in [
        "listen: 80 ",
        "target: 8775 ",
        "connections: 256 ",
        "upstreamConnections: 32 ",
        "connectTimeout: 5s ",
        "idleTimeout: 50s ",
    ] {
        assert!(converted.stdout.contains(line), "{line}: {}", converted.stdout);
    }

    let replace = ["inject", "fruit-service", "--replace", "haproxy-ambassador"];
    let dry = namespace.ambassador(&[&replace[..], &["--dry-run=server"]].concat());
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(
        dry.stderr.contains(
            "in place of the container haproxy-ambassador, which goes, and with it the volume config-volume"
        ),
        "{}",
        dry.stderr
    );
    assert_eq!(written(&namespace), before, "a dry run changes nothing");
    let check =
        namespace.ambassador(&["check", "fruit-service", "--replace", "haproxy-ambassador", "-o", "name"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    assert!(check.stdout.contains("AMB095"), "{}", check.stdout);
    let diff = namespace.ambassador(&["diff", "fruit-service", "--replace", "haproxy-ambassador"]);
    assert!(diff.stdout.contains("haproxy:1.7"), "{}{}", diff.stdout, diff.stderr);

    let done = namespace.ambassador(&replace);
    assert_eq!((done.code, done.stdout.as_str()), (0, "pod/fruit-service injected\n"), "{}", done.stderr);
    assert_eq!(namespace.lab_check(80), LIST);
    assert_eq!(namespace.field("pod/fruit-service", "{.spec.containers[*].name}"), "legacy-fruit-service");
    assert_eq!(namespace.ambassador(&replace).ok(), "pod/fruit-service unchanged\n");
    // It stays replaced whatever is changed later.
    namespace.ambassador(&["inject", "fruit-service", "--jq", "{count: length}"]).ok();
    assert_eq!(namespace.lab_check(80).trim_end(), RESHAPED);
    assert_eq!(namespace.field("pod/fruit-service", "{.spec.containers[*].name}"), "legacy-fruit-service");

    namespace.ambassador(&["uninject", "fruit-service"]).ok();
    assert_eq!(written(&namespace), before);
    assert_eq!(
        namespace.config_maps(),
        ["configmap/fruit-service-ambassador-config"],
        "HAProxy's, and none of ours"
    );
    namespace.wait_ready("fruit-service");
    assert_eq!(namespace.lab_check(80), LIST);
}

#[test]
fn what_has_no_equivalent_is_not_replaced_unless_that_is_allowed() {
    let namespace = Namespace::new();
    let lab = std::fs::read_to_string(repository("manifests/lab/haproxy.yaml")).expect("the lab's manifest");
    let file = namespace.home.path().join("lossy.yaml");
    std::fs::write(
        &file,
        lab.replace("bind *:80", "bind *:80\n        http-request deny if { path /admin }"),
    )
    .expect("written");
    namespace.create(&file.to_string_lossy());
    namespace.create("manifests/busybox.yaml");
    namespace.wait_ready("fruit-service");
    let replace = ["inject", "fruit-service", "--replace", "haproxy-ambassador"];
    let refused = namespace.ambassador(&replace);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("haproxy.cfg:13: `http-request deny if { path /admin }` has no equivalent"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("[AMB095]"), "{}", refused.stderr);
    let dry = [&replace[..], &["--allow-loss", "--dry-run=server"]].concat();
    assert_eq!(namespace.ambassador(&dry).code, 0);
    let missing = namespace.ambassador(&["inject", "fruit-service", "--replace", "nginx"]);
    assert_eq!(missing.code, 2, "{}", missing.stderr);
    assert!(missing.stderr.contains("it has legacy-fruit-service, haproxy-ambassador"), "{}", missing.stderr);
}

#[test]
fn a_deployment_is_swapped_under_load_and_no_request_is_lost() {
    let mut web = web();
    let haproxy = json!({
        "name": "haproxy-ambassador",
        "image": "haproxy:1.7",
        "ports": [{"name": "front", "containerPort": 80}],
        "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "volumeMounts": [{"name": "config-volume", "mountPath": "/usr/local/etc/haproxy"}],
    });
    let pod = &mut web["spec"]["template"]["spec"];
    pod["containers"].as_array_mut().expect("containers").push(haproxy);
    pod["volumes"] = json!([{"name": "config-volume", "configMap": {"name": "haproxy"}}]);
    let lab = std::fs::read_to_string(repository("kubectl-ambassador/src/haproxy/tests/lab.cfg"))
        .expect("a config");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "haproxy"}, "data": {"haproxy.cfg": lab}});
    let load = Load::of(&[map, web], &json!("front"));
    let template = || load.namespace.field("deployment/web", "{.spec.template}");
    let before = template();
    load.ambassador(&["inject", "deploy/web", "--replace", "haproxy-ambassador"]);
    assert_eq!(load.namespace.field("deployment/web", "{.spec.template.spec.containers[*].name}"), "legacy");
    load.leads_to("front", LIST);
    load.ambassador(&["uninject", "deploy/web"]);
    load.leads_to("front", LIST);
    assert_eq!(template(), before);
}

/// A pipe: text in, text out.
fn piped(args: &[&str], text: &str) -> e2e::process::Output {
    let mut command = Command::new(provided("AMBASSADOR_CLI"));
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    e2e::process::Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_manifest_is_swapped_in_a_pipe_and_comes_back_byte_for_byte() {
    let lab = std::fs::read_to_string(repository("manifests/lab/haproxy.yaml")).expect("the lab's manifest");
    let replace = ["inject", "-f", "-", "--replace", "haproxy-ambassador"];
    let swapped = piped(&replace, &lab);
    assert_eq!(swapped.code, 0, "{}", swapped.stderr);
    let is_there = swapped.stdout.lines().any(|line| line.trim_start().starts_with("image: haproxy:1.7"));
    assert!(!is_there, "{}", swapped.stdout);
    assert!(swapped.stdout.contains("envoy-ambassador"), "{}", swapped.stdout);
    assert_eq!(piped(&replace, &swapped.stdout).stdout, swapped.stdout, "twice is once");
    assert_eq!(piped(&["uninject", "-f", "-"], &swapped.stdout).stdout, lab);
    let check = piped(&["check", "-f", "-", "--replace", "haproxy-ambassador", "-o", "name"], &lab);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    let (_, alone) = lab.split_once("---\n").expect("a second document");
    let missing = piped(&replace, alone);
    assert_eq!(missing.code, 2, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("configmap/fruit-service-ambassador-config is not among the manifests"),
        "{}",
        missing.stderr
    );
}
