//! inject and uninject on a real cluster.

use e2e::kube::Namespace;
use e2e::provided;

const LIST: &str = "[\"apple\",\"banana\",\"pear\"]\n";
const RESHAPED: &str = r#"{"fruits":[{"name":"apple"},{"name":"banana"},{"name":"pear"}],"count":3}"#;

fn lab() -> Namespace {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    namespace.create("manifests/busybox.yaml");
    namespace
}

/// The pod as far as a person wrote it or a tool changed it.
fn spec(namespace: &Namespace) -> serde_json::Value {
    let text = namespace.kubectl(&["get", "pod", "fruit-service", "-o", "json"]).ok();
    let mut pod: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for pointer in ["/spec/volumes", "/spec/containers/0/volumeMounts"] {
        // The token's volume has a random name.
        if let Some(value) = pod.pointer_mut(pointer) {
            *value = serde_json::Value::Null;
        }
    }
    serde_json::json!({"spec": pod["spec"], "annotations": pod["metadata"]["annotations"], "labels": pod["metadata"]["labels"]})
}

#[test]
fn the_lab_in_one_command_and_back() {
    let namespace = lab();
    let before = spec(&namespace);
    assert_eq!(namespace.lab_check(8775), LIST);

    let output = namespace.ambassador(&["inject", "fruit-service"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout, "pod/fruit-service injected\n");
    assert!(output.stderr.contains("port 80 -> 8775 (found listening)"), "{}", output.stderr);
    assert_eq!(namespace.lab_check(80), LIST);
    assert_eq!(namespace.field("pod/fruit-service", "{.spec.initContainers[0].name}"), "envoy-ambassador");
    let mounts = namespace.field("pod/fruit-service", "{.spec.initContainers[0].volumeMounts[*].name}");
    assert!(!mounts.contains("kube-api-access"), "no token inside: {mounts}");

    let again = namespace.ambassador(&["inject", "fruit-service"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "pod/fruit-service unchanged\n"));

    let rule =
        namespace.ambassador(&["inject", "fruit-service", "--jq", "{fruits: map({name: .}), count: length}"]);
    assert_eq!(rule.code, 0, "{}", rule.stderr);
    assert_eq!(namespace.lab_check(80), RESHAPED);

    namespace.ambassador(&["uninject", "fruit-service"]).ok();
    assert_eq!(spec(&namespace), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
    assert_eq!(namespace.lab_check(8775), LIST);
    let again = namespace.ambassador(&["uninject", "fruit-service"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "pod/fruit-service unchanged\n"));
    let journal = namespace.home.path().join(".local/state/kubectl-ambassador/journal");
    assert_eq!(
        std::fs::read_dir(journal).map_or(0, Iterator::count),
        0,
        "the journal is empty once the pod is safe"
    );
}

#[test]
fn two_ports_with_rules_of_their_own() {
    let namespace = lab();
    let config = e2e::kube::repository("manifests/ambassador.yaml");
    namespace.ambassador(&["inject", "pod/fruit-service", "-c", &config.to_string_lossy()]).ok();
    assert_eq!(namespace.lab_check(80), RESHAPED);
    assert_eq!(namespace.lab_check(9102), LIST);
    // The same by flags, on ports that need no sysctl.
    namespace.ambassador(&["inject", "fruit-service", "--port", "8080:8775", "--port", "9102:8775"]).ok();
    assert_eq!(namespace.lab_check(8080), LIST);
    assert_eq!(namespace.lab_check(9102), LIST);
    assert_eq!(namespace.field("pod/fruit-service", "{.spec.securityContext}"), "{}");
}

#[test]
fn an_edit_of_the_config_map_needs_no_restart() {
    let namespace = lab();
    namespace.ambassador(&["inject", "fruit-service", "--jq", "1"]).ok();
    assert_eq!(namespace.lab_check(80), "1");
    let uid = namespace.field("pod/fruit-service", "{.metadata.uid}");
    let filter = namespace.field("configmap/fruit-service-ambassador-config", "{.data.filter\\.yaml}");
    let changed = filter.replace(r#"\"jq\":\"1\""#, r#"\"jq\":\"2\""#);
    assert_ne!(filter, changed);
    let patch = serde_json::json!({"data": {"filter.yaml": changed}}).to_string();
    namespace.kubectl(&["patch", "configmap", "fruit-service-ambassador-config", "--patch", &patch]).ok();
    namespace.wait_until("the edit has reached the filter", || namespace.lab_check(80) == "2");
    assert_eq!(namespace.field("pod/fruit-service", "{.metadata.uid}"), uid);
}

#[test]
fn a_sidecar_that_cannot_start_is_rolled_back() {
    let namespace = lab();
    let before = spec(&namespace);
    // A registry on a port that nobody listens on: refused at once.
    let output = namespace.ambassador(&["inject", "fruit-service", "--image", "127.0.0.1:1/no-such-envoy:1"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(output.stderr.contains("error: pod/fruit-service was not injected: container envoy-ambassador cannot start: ImagePullBackOff"), "{}", output.stderr);
    assert!(output.stderr.contains("hint: the original pod is back and ready"), "{}", output.stderr);
    assert_eq!(spec(&namespace), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
    assert_eq!(namespace.lab_check(8775), LIST);
}

#[test]
fn an_interrupt_puts_the_original_back() {
    let namespace = lab();
    let before = spec(&namespace);
    // Its port never answers, so there is time.
    let args =
        ["inject", "fruit-service", "--port", "80:1", "--timeout", "60s", "--namespace", &namespace.name];
    let mut command = namespace.command(&provided("AMBASSADOR_CLI"));
    let child = command.args(args).stderr(std::process::Stdio::piped()).spawn().expect("started");
    namespace.wait_until("the new pod is ready", || {
        let ready = namespace.kubectl(&[
            "get",
            "pod",
            "fruit-service",
            "-o",
            "jsonpath={.spec.initContainers[0].name} {.status.containerStatuses[0].ready}",
        ]);
        ready.stdout == "envoy-ambassador true"
    });
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.expect("kill").success());
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("error: pod/fruit-service was not injected: interrupted"), "{stderr}");
    assert_eq!(spec(&namespace), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn a_rule_that_fails_on_the_real_answer_is_rolled_back() {
    let namespace = lab();
    let output = namespace.ambassador(&["inject", "fruit-service", "--jq", ".name"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(
        output.stderr.contains(
            "GET / on port 80 answers 502: rule jq: cannot index an array with a string, at line 1, column 1"
        ),
        "{}",
        output.stderr
    );
    assert_eq!(namespace.lab_check(8775), LIST);
    // Over an injection that works, a bad one puts the good one back, its config included.
    namespace.ambassador(&["inject", "fruit-service", "--jq", "length"]).ok();
    assert_eq!(namespace.ambassador(&["inject", "fruit-service", "--jq", ".name"]).code, 3);
    assert_eq!(namespace.lab_check(80), "3");
}

#[test]
fn a_dry_run_changes_nothing() {
    let namespace = lab();
    let uid = namespace.field("pod/fruit-service", "{.metadata.uid}");
    for mode in ["--dry-run", "--dry-run=client", "--dry-run=server"] {
        let output = namespace.ambassador(&["inject", "fruit-service", mode, "-o", "yaml"]);
        assert_eq!(output.code, 0, "{}", output.stderr);
        for part in ["kind: List", "kind: ConfigMap", "name: envoy-ambassador", "plugin.wasm: "] {
            assert!(output.stdout.contains(part), "{mode} prints no `{part}`");
        }
    }
    assert_eq!(namespace.field("pod/fruit-service", "{.metadata.uid}"), uid);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn what_a_dry_run_prints_is_what_kubectl_can_create() {
    let namespace = lab();
    let printed = namespace.ambassador(&["inject", "fruit-service", "--dry-run=client", "-o", "json"]).ok();
    let file = namespace.home.path().join("objects.json");
    std::fs::write(&file, printed).expect("written");
    namespace.kubectl(&["delete", "pod", "fruit-service"]).ok();
    namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
    namespace.wait_ready("fruit-service");
    assert_eq!(namespace.lab_check(80), LIST);
}

#[test]
fn the_labs_own_solution_works_here_too() {
    let namespace = Namespace::new();
    namespace.create("manifests/lab/haproxy.yaml");
    namespace.create("manifests/busybox.yaml");
    assert_eq!(namespace.lab_check(80), LIST);
    // Its ConfigMap has the name that ours would have, and its port is the one that ours would map.
    let inject = ["inject", "fruit-service", "--port", "8080:8775"];
    let beside = namespace.ambassador(&[&inject[..], &["--dry-run=server"]].concat());
    assert!(beside.ok().contains("injected (server dry run)"));
    let name = ["--config-map", "fruit-service-ambassador-config"];
    let output = namespace.ambassador(&[&inject[..], &name].concat());
    assert_eq!(output.code, 1);
    assert!(
        output
            .stderr
            .contains("configmap/fruit-service-ambassador-config is there and was not made by this tool"),
        "{}",
        output.stderr
    );
    let output = namespace.ambassador(&["inject", "fruit-service", "--port", "80:8775"]);
    assert!(
        output.stderr.contains("port 80 is taken: it is declared by container haproxy-ambassador")
            && output.stderr.contains("--replace haproxy-ambassador puts the ambassador in its place"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_restricted_pod_stays_admissible() {
    let namespace = Namespace::new();
    namespace
        .kubectl(&["label", "namespace", &namespace.name, "pod-security.kubernetes.io/enforce=restricted"])
        .ok();
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fruit-service"},
        "spec": {"containers": [{
            "name": "legacy", "image": "linuxacademycontent/legacy-fruit-service:1",
            "securityContext": {
                "allowPrivilegeEscalation": false, "runAsNonRoot": true, "runAsUser": 1000,
                "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
            },
        }]},
    });
    let file = namespace.home.path().join("pod.json");
    std::fs::write(&file, pod.to_string()).expect("written");
    namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
    namespace.wait_ready("fruit-service");
    namespace.ambassador(&["inject", "fruit-service"]).ok();
    assert_eq!(namespace.field("pod/fruit-service", "{.status.containerStatuses[0].ready}"), "true");
}

#[test]
fn kubectl_finds_the_plugin() {
    let namespace = Namespace::new();
    let cli = provided("AMBASSADOR_CLI");
    let path = format!(
        "{}:{}",
        cli.parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = e2e::process::run(
        namespace.command(std::path::Path::new("kubectl")).env("PATH", path).args(["ambassador", "--help"]),
    );
    assert!(output.ok().contains("kubectl ambassador"));
}
