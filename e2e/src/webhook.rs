//! An admission webhook that drops what makes a container a sidecar, answering for real; and its configuration.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Background, run};
use crate::{certificate, free_port, provided};

/// The running webhook; ended when dropped.
#[derive(Debug)]
pub struct Old {
    port: u16,
    /// In base64.
    authority: String,
    _process: Background,
}

impl Old {
    /// Starts it on loopback, where API servers of this machine reach it. `dir` is for its files.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(dir: &Path) -> Self {
        let (key, certificate) = certificate(dir, "webhook");
        let port = free_port();
        let mut command = Command::new(provided("AMBASSADOR_PYTHON"));
        command.args(["-c", include_str!("old_webhook.py"), &port.to_string(), &certificate, &key]);
        let mut process = Background::start(&mut command, &dir.join("webhook.log"));
        process.wait_until("a webhook", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let encoded = run(Command::new("openssl").args(["base64", "-A", "-in", &certificate]));
        Self { port, authority: encoded.ok(), _process: process }
    }

    /// The configuration that has an API server ask it about new pods with the label `run`: by the path `always` or, to
    /// leave dry runs alone, `real`.
    pub fn configuration(&self, name: &str, run: &str, path: &str) -> Value {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": "old.example.com",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": format!("https://127.0.0.1:{}/{path}", self.port), "caBundle": self.authority},
                "sideEffects": "NoneOnDryRun",
                "objectSelector": {"matchLabels": {"run": run}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            }],
        })
    }
}
