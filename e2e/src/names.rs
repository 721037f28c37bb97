//! The cluster of the tests has no DNS, so a namespace may have a real name server of its own, which knows what the DNS of a
//! cluster would: the Services in it.

use serde_json::{Value, json};

use crate::kube::Namespace;

/// A pod that runs dnsmasq.
#[derive(Debug)]
pub struct NameServer<'a> {
    namespace: &'a Namespace,
    address: String,
}

impl<'a> NameServer<'a> {
    /// Starts it in a namespace, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[track_caller]
    pub fn start(namespace: &'a Namespace) -> Self {
        let run = "mkdir /hosts && exec /usr/sbin/dnsmasq --keep-in-foreground --log-facility=- --no-resolv --no-hosts \
            --user=root --local=/cluster.local/ --hostsdir=/hosts";
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "names"},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                "name": "dnsmasq", "image": "docker.io/local/dnsmasq:1", "command": ["/bin/sh", "-c", run],
                "readinessProbe": {"tcpSocket": {"port": 53}, "periodSeconds": 1},
            }]},
        });
        let file = namespace.home.path().join("names.json");
        std::fs::write(&file, pod.to_string()).expect("the home can be written");
        namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
        namespace.wait_ready("names");
        Self { namespace, address: namespace.field("pod/names", "{.status.podIP}") }
    }

    /// Makes the Services known that are there now.
    ///
    /// # Panics
    ///
    /// If the pod is gone.
    #[track_caller]
    pub fn publish(&self) {
        let name = &self.namespace.name;
        let lines = format!(
            "{{range .items[*]}}{{.spec.clusterIP}} {{.metadata.name}}.{name}.svc.cluster.local\\n{{end}}"
        )
        .replace("\\n", "{\"\\n\"}");
        let hosts = self.namespace.field("services", &lines);
        // dnsmasq reads a file when its writer closes it.
        let write = format!("echo '{hosts}' > /hosts/services");
        self.namespace.kubectl(&["exec", "names", "--", "/bin/sh", "-c", &write]).ok();
    }

    /// Has a pod ask it, by what a kubelet writes into resolv.conf where a cluster has DNS.
    pub fn serve(&self, pod_spec: &mut Value) {
        let domain = format!("{}.svc.cluster.local", self.namespace.name);
        pod_spec["dnsPolicy"] = "None".into();
        pod_spec["dnsConfig"] = json!({
            "nameservers": [self.address], "searches": [domain, "svc.cluster.local", "cluster.local"],
            "options": [{"name": "ndots", "value": "5"}],
        });
    }
}
