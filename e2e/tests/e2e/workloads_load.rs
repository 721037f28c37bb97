//! No request is lost while pods are replaced: under constant load, from inside the cluster, through a Service.

use std::time::Instant;

use e2e::kube::Namespace;
use serde_json::{Value, json};

use crate::workloads::{LIST, create, rolled_out, workload};

/// Four clients that open a connection for each request and say how each ended. They begin when the Service is known to
/// the node.
const CLIENTS: &str = r#"
ask() {
    while true; do
        curl --silent --output /dev/null --max-time 30 --rate 60/s --header 'Connection: close' \
            --write-out '%{http_code} %{exitcode} %{errormsg}\n' "http://$ADDRESS/?[1-60]"
    done
}
until curl --silent --output /dev/null --max-time 1 "http://$ADDRESS/"; do sleep 1; done
sleep 2
ask & ask & ask & ask & wait
"#;
const GOOD: &str = "200 0 ";

/// A deployment that loses nothing when it is rolled out as it is: a pod that is to go serves on until nobody comes any
/// more.
pub(crate) fn web() -> Value {
    let mut web = workload("Deployment", "web");
    web["spec"]["replicas"] = 2.into();
    web["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    let container = &mut web["spec"]["template"]["spec"]["containers"][0];
    container["lifecycle"] = json!({"preStop": {"exec": {"command": ["sleep", "5"]}}});
    web
}

pub(crate) struct Load {
    pub(crate) namespace: Namespace,
    address: String,
}

impl Load {
    fn start(target_port: &Value) -> Self {
        Self::of(&[web()], target_port)
    }

    /// The same of these objects, the deployment `web` among them.
    pub(crate) fn of(objects: &[Value], target_port: &Value) -> Self {
        let namespace = Namespace::new();
        objects.iter().for_each(|object| create(&namespace, object));
        create(
            &namespace,
            &json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": target_port}]},
            }),
        );
        rolled_out(&namespace, "deployment/web");
        let address = namespace.field("service/web", "{.spec.clusterIP}");
        create(
            &namespace,
            &json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "clients"},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                    "name": "clients", "image": "radial/busyboxplus:curl",
                    "command": ["sh", "-c", CLIENTS], "env": [{"name": "ADDRESS", "value": address}],
                }]},
            }),
        );
        namespace.wait_ready("clients");
        let load = Self { namespace, address };
        load.namespace.wait_until("requests are answered", || load.told().contains(GOOD));
        load
    }

    fn told(&self) -> String {
        self.namespace.kubectl(&["logs", "clients"]).ok()
    }

    /// How many requests there were; all of them were answered well.
    #[track_caller]
    fn count(&self, after: &str) -> usize {
        let told = self.told();
        let bad = told.lines().enumerate().filter(|(_, line)| *line != GOOD);
        let bad: Vec<(usize, &str)> = bad.take(20).collect();
        assert!(bad.is_empty(), "lost by {after}: {bad:?} of {}", told.lines().count());
        told.lines().count()
    }

    /// One answer through the Service.
    #[track_caller]
    fn answer(&self) -> String {
        let curl = ["exec", "clients", "--", "curl", "--silent", "--max-time", "5", &self.address];
        self.namespace.kubectl(&curl).ok()
    }

    #[track_caller]
    fn restart(&self, what: &str) {
        self.namespace.kubectl(&["rollout", "restart", "deployment/web"]).ok();
        rolled_out(&self.namespace, "deployment/web");
        self.count(what);
    }

    #[track_caller]
    pub(crate) fn ambassador(&self, args: &[&str]) {
        let output = self.namespace.ambassador(args);
        eprintln!("{args:?}\n{}", output.stderr);
        output.ok();
        self.count(&args.join(" "));
    }

    /// The Service leads to this port, and clients get this answer: a moment later, since nodes may still lead to a pod
    /// that is leaving.
    #[track_caller]
    pub(crate) fn leads_to(&self, target_port: &str, answer: &str) {
        assert_eq!(self.namespace.field("service/web", "{.spec.ports[0].targetPort}"), target_port);
        self.namespace.wait_until(&format!("the answer is {answer}"), || self.answer() == answer);
    }

    /// The end: after so many requests, the last old pods have gone.
    #[track_caller]
    fn end(&self, since: Instant, enough: usize) {
        while self.count("what came before") < enough {
            self.restart("one more restart");
        }
        let pods = || self.namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]).ok();
        self.namespace.wait_until("the last old pods have gone", || pods().lines().count() == 2);
        let count = self.count("the last of it");
        eprintln!("{count} requests in {} s", since.elapsed().as_secs());
    }
}

#[test]
fn no_request_is_lost_through_a_named_port() {
    let since = Instant::now();
    let load = Load::start(&json!("http"));
    load.restart("a rollout without us: the deployment itself loses requests");
    load.ambassador(&["inject", "deploy/web"]);
    load.leads_to("http", LIST);
    load.ambassador(&["inject", "deploy/web", "--jq", "length"]);
    load.leads_to("http", "3");
    load.restart("the first restart");
    load.restart("the second restart");
    load.ambassador(&["uninject", "deploy/web"]);
    load.leads_to("http", LIST);
    load.end(since, 10_000);
}

#[test]
fn no_request_is_lost_through_a_numeric_port() {
    let since = Instant::now();
    let load = Load::start(&json!(8775));
    load.restart("a rollout without us: the deployment itself loses requests");
    load.ambassador(&["inject", "deploy/web", "--jq", "."]);
    load.leads_to("80", LIST.trim_end());
    load.ambassador(&["inject", "deploy/web", "--jq", "length"]);
    load.leads_to("80", "3");
    load.restart("the first restart");
    load.restart("the second restart");
    load.ambassador(&["uninject", "deploy/web"]);
    load.leads_to("8775", LIST);
    assert_eq!(load.namespace.field("service/web", "{.metadata.annotations}"), "");
    load.end(since, 10_000);
}

#[test]
fn no_request_is_lost_when_the_port_map_changes() {
    let since = Instant::now();
    let load = Load::start(&json!(8775));
    load.ambassador(&["inject", "deploy/web", "--port", "8080:8775", "--jq", "length"]);
    load.leads_to("8080", "3");
    load.ambassador(&["inject", "deploy/web", "--port", "8081:8775", "--jq", "length + 1"]);
    load.leads_to("8081", "4");
    load.ambassador(&["uninject", "deploy/web"]);
    load.leads_to("8775", LIST);
    load.end(since, 4_000);
}

#[test]
fn no_request_is_lost_around_a_plain_container() {
    let since = Instant::now();
    let load = Load::start(&json!("http"));
    load.ambassador(&["inject", "deploy/web", "--jq", "length", "--sidecar=native"]);
    load.ambassador(&["inject", "deploy/web", "--sidecar=container"]);
    load.leads_to("http", "3");
    load.restart("a restart");
    load.ambassador(&["uninject", "deploy/web"]);
    load.end(since, 4_000);
}
