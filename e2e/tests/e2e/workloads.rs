//! inject and uninject of what makes pods, on a real cluster.

use e2e::kube::Namespace;
use serde_json::{Value, json};

pub(crate) const LIST: &str = "[\"apple\",\"banana\",\"pear\"]\n";
const IMAGE: &str = "linuxacademycontent/legacy-fruit-service:1";

/// A pod template around the legacy program, as one is written that loses no request when it is replaced.
pub(crate) fn template(app: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": app}},
        "spec": {
            "terminationGracePeriodSeconds": 10,
            "containers": [{
                "name": "legacy", "image": IMAGE,
                "ports": [{"name": "http", "containerPort": 8775}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
            }],
        },
    })
}

/// A workload with that template; what its kind needs beside it.
pub(crate) fn workload(kind: &str, name: &str) -> Value {
    let selector = json!({"matchLabels": {"app": name}});
    let template = template(name);
    let (version, spec) = match kind {
        "Deployment" | "ReplicaSet" => {
            ("apps/v1", json!({"replicas": 1, "selector": selector, "template": template}))
        }
        "StatefulSet" => (
            "apps/v1",
            json!({"replicas": 1, "selector": selector, "template": template, "serviceName": name}),
        ),
        "DaemonSet" => ("apps/v1", json!({"selector": selector, "template": template})),
        "ReplicationController" => {
            ("v1", json!({"replicas": 1, "selector": {"app": name}, "template": template}))
        }
        "CronJob" => {
            let mut template = template;
            template["spec"]["restartPolicy"] = "Never".into();
            let job = json!({"spec": {"template": template}});
            ("batch/v1", json!({"schedule": "0 0 1 1 *", "jobTemplate": job}))
        }
        "Job" => {
            let mut template = template;
            template["spec"]["restartPolicy"] = "Never".into();
            ("batch/v1", json!({"template": template}))
        }
        other => panic!("{other}?"),
    };
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

pub(crate) fn create(namespace: &Namespace, object: &Value) {
    let file = namespace.home.path().join("object.json");
    std::fs::write(&file, object.to_string()).expect("written");
    namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
}

pub(crate) fn created(namespace: &Namespace, kind: &str, name: &str) {
    create(namespace, &workload(kind, name));
    if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet") {
        rolled_out(namespace, &format!("{kind}/{name}"));
    }
}

pub(crate) fn rolled_out(namespace: &Namespace, object: &str) {
    namespace.kubectl(&["rollout", "status", object, "--timeout=90s"]).ok();
}

/// All of an object but what the server keeps.
pub(crate) fn object(namespace: &Namespace, object: &str) -> Value {
    let text = namespace.kubectl(&["get", object, "-o", "json"]).ok();
    let object: Value = serde_json::from_str(&text).expect("JSON");
    let mut annotations = object["metadata"]["annotations"].clone();
    // They count the rollouts.
    for counter in ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"] {
        annotations.as_object_mut().map(|all| all.remove(counter));
    }
    json!({"spec": object["spec"], "annotations": annotations, "labels": object["metadata"]["labels"]})
}

/// Asks a port of the first running pod with the label `app` that is not on its way out.
pub(crate) fn ask(namespace: &Namespace, app: &str, port: u16) -> String {
    let pods = namespace
        .kubectl(&[
            "get",
            "pods",
            "-l",
            &format!("app={app}"),
            "--field-selector=status.phase=Running",
            "-o=jsonpath={range .items[*]}{.metadata.deletionTimestamp}|{.status.podIP}{\"\\n\"}{end}",
        ])
        .ok();
    let ip = pods.lines().find_map(|line| line.strip_prefix('|')).expect("a pod that stays");
    let url = format!("{ip}:{port}");
    namespace.kubectl(&["exec", "busybox", "--", "curl", "--silent", "--max-time", "10", &url]).ok()
}

/// Injects, asks, injects again, uninjects; everything is as before then.
#[track_caller]
fn there_and_back(kind: &str, steps: &[&str]) {
    let namespace = Namespace::new();
    namespace
        .kubectl(&["create", "-f", &e2e::kube::repository("manifests/busybox.yaml").to_string_lossy()])
        .ok();
    created(&namespace, kind, "web");
    namespace.wait_ready("busybox");
    let (target, printed) = (format!("{}/web", kind.to_lowercase()), printed(kind));
    let before = object(&namespace, &target);

    let output = namespace.ambassador(&["inject", &target]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout, format!("{printed}/web injected\n"));
    for step in steps {
        assert!(output.stderr.contains(step), "`{step}` is not in:\n{}", output.stderr);
    }
    let path = if kind == "CronJob" { "{.spec.jobTemplate.spec.template" } else { "{.spec.template" };
    let names = namespace.field(&target, &format!("{path}.spec.initContainers[*].name}}"));
    assert_eq!(names, "envoy-ambassador");
    if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet") {
        assert_eq!(ask(&namespace, "web", 80), LIST);
    }
    let maps = namespace.config_maps();
    assert_eq!(maps.len(), 2, "{maps:?}");
    let config =
        maps.iter().find(|name| name.contains("web-ambassador-config-")).expect("a name with a hash");
    assert_eq!(namespace.field(config, "{.metadata.ownerReferences[*].kind}"), kind);

    let version = namespace.field(&target, "{.metadata.generation}");
    let again = namespace.ambassador(&["inject", &target]);
    assert_eq!((again.code, again.stdout), (0, format!("{printed}/web unchanged\n")), "{}", again.stderr);
    assert_eq!(namespace.field(&target, "{.metadata.generation}"), version, "nothing was patched");

    let output = namespace.ambassador(&["uninject", &target]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout, format!("{printed}/web uninjected\n"));
    assert_eq!(object(&namespace, &target), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new(), "{}", output.stderr);
    let again = namespace.ambassador(&["uninject", &target]);
    assert_eq!((again.code, again.stdout), (0, format!("{printed}/web unchanged\n")), "{}", again.stderr);
}

fn printed(kind: &str) -> &'static str {
    match kind {
        "Deployment" => "deployment.apps",
        "StatefulSet" => "statefulset.apps",
        "DaemonSet" => "daemonset.apps",
        "ReplicaSet" => "replicaset.apps",
        "ReplicationController" => "replicationcontroller",
        _ => "cronjob.batch",
    }
}

#[test]
fn a_deployment_there_and_back() {
    there_and_back(
        "Deployment",
        &[
            "deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:\n  port 80 -> 8775 (declared by container legacy)\n",
            "  the port name http goes to the ambassador, and Services that ask for it with it\n",
            "Waiting for deployment \"web\" rollout to finish: ",
            "deployment \"web\" successfully rolled out\n",
        ],
    );
}

#[test]
fn a_stateful_set_there_and_back() {
    there_and_back("StatefulSet", &["statefulset rolling update complete 1 pods at revision web-"]);
}

#[test]
fn a_daemon_set_there_and_back() {
    there_and_back("DaemonSet", &["daemon set \"web\" successfully rolled out\n"]);
}

#[test]
fn a_replica_set_there_and_back() {
    there_and_back("ReplicaSet", &["replicaset/web gives the change to new pods alone"]);
}

#[test]
fn a_replication_controller_there_and_back() {
    there_and_back(
        "ReplicationController",
        &["one after the other (kubectl get pods -l app=web lists them)\n"],
    );
}

#[test]
fn a_cron_job_there_and_back() {
    there_and_back(
        "CronJob",
        &["cronjob/web: its next Job has the change; those that run stay as they are\n"],
    );
}

#[test]
fn a_service_in_front_of_a_bare_pod_follows_it() {
    let namespace = Namespace::new();
    let mut pod = template("web");
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "web".into();
    create(&namespace, &pod);
    create(
        &namespace,
        &json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [
                {"name": "number", "port": 80, "targetPort": 8775}, {"name": "name", "port": 81, "targetPort": "http"},
            ]},
        }),
    );
    namespace.wait_ready("web");
    let target_ports = || namespace.field("service/web", "{.spec.ports[*].targetPort}");
    let kept = namespace.ambassador(&["inject", "web", "--keep-services"]);
    assert_eq!((kept.code, target_ports().as_str()), (0, "8775 http"), "{}", kept.stderr);
    let led = namespace.ambassador(&["inject", "web"]);
    let line = "service/web port number: targetPort 8775 -> 80\n";
    assert!(led.code == 0 && led.stderr.contains(line), "{}", led.stderr);
    assert_eq!(target_ports(), "80 http");
    let again = namespace.ambassador(&["inject", "web"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "pod/web unchanged\n"), "{}", again.stderr);
    // Endpoints have both: the number by the Service, the name by the pod.
    let slices = ["get", "endpointslices", "-o=jsonpath={.items[*].ports[*].port}"];
    assert_eq!(namespace.kubectl(&slices).ok(), "80 80");
    let back = namespace.ambassador(&["uninject", "web"]);
    assert_eq!((back.code, target_ports().as_str()), (0, "8775 http"), "{}", back.stderr);
    assert_eq!(namespace.field("service/web", "{.metadata.annotations}"), "");
}
