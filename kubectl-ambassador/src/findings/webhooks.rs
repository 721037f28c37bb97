//! Admission webhooks that see the new pods: they may change them, and old ones drop fields they do not know.

use serde_json::Value;

use super::{Code, Finding, Subject, World, selector};
use crate::plan::{list, text};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let pod = subject.planned().unwrap_or_else(|| subject.pod());
    let name = subject.namespace();
    let namespace = world.namespaces.iter().find(|namespace| text(namespace, "/metadata/name") == name);
    let mut found = Vec::new();
    for configuration in &world.webhooks {
        let sees = |webhook: &&Value| {
            let all = |pointer: &str, object: Option<&Value>| match (webhook.pointer(pointer), object) {
                (Some(wanted), Some(object)) => selector::matches(wanted, object),
                // Whom it would not see cannot be told.
                _ => true,
            };
            list(webhook, "/rules").iter().any(sees_new_pods)
                && all("/namespaceSelector", namespace)
                && all("/objectSelector", Some(pod))
        };
        let Some(webhook) = list(configuration, "/webhooks").iter().find(sees) else { continue };
        found.push(subject.info(Code::Webhook, message(configuration, webhook)));
    }
    found
}

fn message(configuration: &Value, webhook: &Value) -> String {
    let (kind, name) = (text(configuration, "/kind"), text(configuration, "/metadata/name"));
    let what = if kind.starts_with("Mutating") {
        "changes new pods here: it must leave restartPolicy of the ambassador as it is, which is looked at once the pod is there"
    } else {
        "may refuse new pods here"
    };
    let fail =
        if text(webhook, "/failurePolicy") == "Ignore" { "" } else { ", and none are made while it is down" };
    format!("{}/{name} {what}{fail}", kind.to_lowercase())
}

fn sees_new_pods(rule: &Value) -> bool {
    let has = |key: &str, wanted: &[&str]| {
        list(rule, key).iter().filter_map(Value::as_str).any(|one| wanted.contains(&one))
    };
    has("/apiGroups", &["", "*"])
        && has("/resources", &["pods", "*", "*/*"])
        && has("/operations", &["CREATE", "*"])
}
