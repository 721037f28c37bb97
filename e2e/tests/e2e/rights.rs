//! Each right of `manifests/rbac.yaml` is needed: without it some command fails, or warns, and names it.
//!
//! That no other is needed is shown by all other tests: they run as a user that has these, and no others.

use e2e::kube::{Namespace, kubeconfig_of, repository};
use e2e::process::{Output, run};
use e2e::provided;
use serde_json::{Value, json};

/// A right, as verb and resource, and the command that needs it.
const NEEDED: &[(&str, &str, &str)] = &[
    ("get", "pods", "inject pod/fruit-service --dry-run=client"),
    ("list", "pods", "inject pods --all --dry-run=client"),
    ("create", "pods", "inject pod/fruit-service --dry-run=server"),
    ("delete", "pods", "inject pod/fruit-service --dry-run=server"),
    ("get", "pods/exec", "inject pod/fruit-service --dry-run=client"),
    ("create", "pods/exec", "inject pod/fruit-service --dry-run=client"),
    ("get", "pods/portforward", "inject pod/forwarded --port 8080:8775"),
    ("create", "pods/portforward", "inject pod/forwarded --port 8080:8775 --jq ."),
    ("get", "configmaps", "inject pod/fruit-service --dry-run=client"),
    ("list", "configmaps", "uninject deployment/web"),
    ("create", "configmaps", "inject pod/fruit-service --dry-run=server"),
    ("patch", "configmaps", "inject pod/fruit-service --dry-run=server"),
    ("delete", "configmaps", "inject deployment/web --port 8080:8775 --dry-run=server"),
    ("get", "deployments.apps", "inject deployment/web --port 8080:8775 --dry-run=client"),
    ("list", "deployments.apps", "inject deployments --all --dry-run=client"),
    ("patch", "deployments.apps", "inject deployment/web --port 8080:8775 --dry-run=server"),
    ("get", "statefulsets.apps", "inject statefulset/db --port 8080:8775 --dry-run=client"),
    ("list", "statefulsets.apps", "inject statefulsets --all --dry-run=client"),
    ("patch", "statefulsets.apps", "inject statefulset/db --port 8080:8775 --dry-run=server"),
    ("get", "daemonsets.apps", "inject daemonset/agent --port 8080:8775 --dry-run=client"),
    ("list", "daemonsets.apps", "inject daemonsets --all --dry-run=client"),
    ("patch", "daemonsets.apps", "inject daemonset/agent --port 8080:8775 --dry-run=server"),
    ("get", "replicasets.apps", "inject replicaset/old --port 8080:8775 --dry-run=client"),
    ("list", "replicasets.apps", "inject replicasets --all --dry-run=client"),
    ("patch", "replicasets.apps", "inject replicaset/old --port 8080:8775 --dry-run=server"),
    ("get", "replicationcontrollers", "inject rc/older --port 8080:8775 --dry-run=client"),
    ("list", "replicationcontrollers", "inject rc --all --dry-run=client"),
    ("patch", "replicationcontrollers", "inject rc/older --port 8080:8775 --dry-run=server"),
    ("get", "jobs.batch", "inject job/once --port 8080:8775 --dry-run=client"),
    ("list", "jobs.batch", "inject jobs --all --dry-run=client"),
    ("get", "cronjobs.batch", "inject cronjob/night --port 8080:8775 --dry-run=client"),
    ("list", "cronjobs.batch", "inject cronjobs --all --dry-run=client"),
    ("patch", "cronjobs.batch", "inject cronjob/night --port 8080:8775 --dry-run=server"),
    ("list", "services", "inject deployment/web --port 8080:8775 --dry-run=client"),
    ("patch", "services", "inject deployment/web --port 8080:8775 --dry-run=server"),
    ("list", "endpointslices.discovery.k8s.io", "inject deployment/web --port 8080:8775 --dry-run=server"),
    ("list", "resourcequotas", "inject deployment/web --port 8080:8775 --dry-run=client"),
    ("list", "limitranges", "inject deployment/web --port 8080:8775 --dry-run=client"),
    ("list", "networkpolicies.networking.k8s.io", "inject deployment/web --port 8080:8775 --dry-run=client"),
    (
        "list",
        "horizontalpodautoscalers.autoscaling",
        "inject deployment/web --port 8080:8775 --dry-run=client",
    ),
    ("list", "poddisruptionbudgets.policy", "inject deployment/web --port 8080:8775 --dry-run=client"),
];

/// All rights of the manifest, one by one.
fn rights() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository("manifests/rbac.yaml")).expect("a manifest");
    let roles: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut rights = Vec::new();
    for rule in roles.iter().flat_map(|role| role["rules"].as_array().expect("rules")) {
        let group = rule["apiGroups"][0].as_str().expect("one group");
        for resource in texts(&rule["resources"]) {
            let resource = if group.is_empty() { resource } else { format!("{resource}.{group}") };
            rights.extend(texts(&rule["verbs"]).into_iter().map(|verb| (verb, resource.clone())));
        }
    }
    rights
}

/// A user with all rights but one.
fn without(index: usize) -> String {
    format!("without-{index}")
}

/// What makes those users what they are.
fn users(all: &[(String, String)]) -> Value {
    let rule = |(verb, resource): &(String, String)| {
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]})
    };
    let mut items = Vec::new();
    for (index, (verb, resource, _)) in NEEDED.iter().enumerate() {
        let others = all.iter().filter(|right| (right.0.as_str(), right.1.as_str()) != (*verb, *resource));
        let (name, group) = (without(index), "rbac.authorization.k8s.io");
        let kind = |kind: &str| json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": name}});
        let (mut rights, mut binding) = (kind("Role"), kind("RoleBinding"));
        rights["rules"] = others.map(rule).collect();
        binding["roleRef"] = json!({"apiGroup": group, "kind": "Role", "name": name});
        binding["subjects"] = json!([{"apiGroup": group, "kind": "User", "name": name}]);
        items.extend([rights, binding]);
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// One of each kind, without pods wherever that can be, and a Service that leads past the ambassador.
fn workloads() -> Value {
    let pod = |restart: &str| {
        json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "restartPolicy": restart,
                "nodeSelector": {"no-such": "node"},
                "containers": [{"name": "program", "image": "radial/busyboxplus:curl", "command": ["sleep", "9"]}],
            },
        })
    };
    let labels = json!({"app": "web"});
    let object = |version: &str, kind: &str, name: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec});
    let apps = |kind: &str, name: &str| {
        let mut spec = json!({"selector": {"matchLabels": labels}, "template": pod("Always")});
        if kind != "DaemonSet" {
            spec["replicas"] = 0.into();
        }
        object("apps/v1", kind, name, spec)
    };
    let job = json!({"suspend": true, "template": pod("Never")});
    let items = json!([
        apps("Deployment", "web"),
        apps("StatefulSet", "db"),
        apps("DaemonSet", "agent"),
        apps("ReplicaSet", "old"),
        object(
            "v1",
            "ReplicationController",
            "older",
            json!({"replicas": 0, "selector": labels, "template": pod("Always")})
        ),
        object("batch/v1", "Job", "once", job.clone()),
        object(
            "batch/v1",
            "CronJob",
            "night",
            json!({"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": job}})
        ),
        object(
            "v1",
            "Service",
            "web",
            json!({"selector": labels, "ports": [{"port": 80, "targetPort": 8775}]})
        ),
    ]);
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn create(namespace: &Namespace, objects: &Value) {
    let file = namespace.home.path().join("objects.json");
    std::fs::write(&file, objects.to_string()).expect("written");
    namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
}

/// As our own check of rights, or the server, names it.
fn names(output: &Output, verb: &str, resource: &str) -> bool {
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let by_server = format!("cannot {verb} resource \"{plural}\" in API group \"{group}\"");
    let may_not = |line: &str| {
        let rights = line.split_once("you may not: ").map_or("", |(_, rights)| rights);
        // Behind them stands the number of the finding.
        let rights = rights.split(" [AMB").next().unwrap_or_default();
        rights.split(", ").any(|right| right == format!("{verb} {resource}"))
    };
    let warned = format!("you may not {verb} {resource},");
    output.stderr.contains(&by_server)
        || output.stderr.contains(&warned)
        || output.stderr.lines().any(may_not)
}

#[test]
fn each_right_is_needed_and_named_where_it_is_missing() {
    let namespace = Namespace::new();
    let all = rights();
    for (verb, resource) in &all {
        let is_there = NEEDED.iter().any(|needed| (needed.0, needed.1) == (verb, resource));
        assert!(is_there, "manifests/rbac.yaml: what needs {verb} {resource}?");
    }
    for (verb, resource, command) in NEEDED {
        let is_there = all.iter().any(|right| (right.0.as_str(), right.1.as_str()) == (*verb, *resource));
        assert!(is_there, "manifests/rbac.yaml does not have {verb} {resource}, which {command} needs");
    }
    create(&namespace, &users(&all));
    create(&namespace, &workloads());
    for name in ["fruit-service", "forwarded"] {
        let image = "--image=linuxacademycontent/legacy-fruit-service:1";
        namespace.kubectl(&["run", name, image]).ok();
    }
    namespace.wait_ready("fruit-service");
    namespace.wait_ready("forwarded");
    let file = namespace.home.path().join("kubeconfig");
    let version = namespace.kubectl(&["get", "--raw", "/version"]).ok();
    let version: Value = serde_json::from_str(&version).expect("JSON");
    let minor: u32 = version["minor"].as_str().and_then(|minor| minor.parse().ok()).expect("a number");
    for (index, (verb, resource, command)) in NEEDED.iter().enumerate() {
        // Older servers let WebSockets pass by `get` alone.
        if *verb == "create" && resource.contains('/') && minor < 35 {
            continue;
        }
        std::fs::write(&file, kubeconfig_of(&without(index)).to_string()).expect("written");
        let mut ours = namespace.command(&provided("AMBASSADOR_CLI"));
        let output = run(ours
            .env("KUBECONFIG", &file)
            .args(command.split(' '))
            .args(["--namespace", &namespace.name]));
        assert!(
            names(&output, verb, resource),
            "without {verb} {resource}: {command}\nexit {}\n{}{}",
            output.code,
            output.stdout,
            output.stderr
        );
    }
}
