//! Admission webhooks that see the new pods: they may change them, and old ones drop fields they do not know.

use serde_json::Value;

use super::{Code, Finding, Subject, World, selector};
use crate::plan::{list, text};
use crate::workload::name_of;

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let pod = subject.planned().unwrap_or_else(|| subject.pod());
    let name = subject.namespace();
    let namespace = world.namespaces.iter().find(|namespace| text(namespace, "/metadata/name") == name);
    let seen = world.webhooks.iter().filter_map(|configuration| {
        let webhook = webhooks(configuration).find(|webhook| sees(webhook, namespace, pod))?;
        Some(subject.info(Code::Webhook, message(configuration, webhook)))
    });
    seen.collect()
}

/// Which of these configurations and policies see a new pod in a namespace, as `mutatingwebhookconfiguration/x`.
pub(crate) fn see_new_pods(all: &[Value], namespace: Option<&Value>, pod: &Value) -> Vec<String> {
    let seeing = all
        .iter()
        .filter(|configuration| webhooks(configuration).any(|webhook| sees(webhook, namespace, pod)));
    seeing.map(name_of).collect()
}

/// What a configuration has several of, and a policy is one.
fn webhooks(configuration: &Value) -> impl Iterator<Item = &Value> {
    list(configuration, "/webhooks").iter().chain(configuration.pointer("/spec/matchConstraints"))
}

fn sees(webhook: &Value, namespace: Option<&Value>, pod: &Value) -> bool {
    let all = |pointer: &str, object: Option<&Value>| match (webhook.pointer(pointer), object) {
        (Some(wanted), Some(object)) => selector::matches(wanted, object),
        // Whom it would not see cannot be told.
        _ => true,
    };
    list(webhook, "/rules").iter().chain(list(webhook, "/resourceRules")).any(sees_new_pods)
        && all("/namespaceSelector", namespace)
        && all("/objectSelector", Some(pod))
}

fn message(configuration: &Value, webhook: &Value) -> String {
    let what = if text(configuration, "/kind").starts_with("Mutating") {
        "changes new pods here: it must leave restartPolicy of the ambassador as it is"
    } else {
        "may refuse new pods here"
    };
    let fail =
        if text(webhook, "/failurePolicy") == "Ignore" { "" } else { ", and none are made while it is down" };
    format!("{} {what}{fail}", name_of(configuration))
}

fn sees_new_pods(rule: &Value) -> bool {
    let has = |key: &str, wanted: &[&str]| {
        list(rule, key).iter().filter_map(Value::as_str).any(|one| wanted.contains(&one))
    };
    has("/apiGroups", &["", "*"])
        && has("/resources", &["pods", "*", "*/*"])
        && has("/operations", &["CREATE", "*"])
}
