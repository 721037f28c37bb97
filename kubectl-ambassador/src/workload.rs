//! The kinds of objects that make pods, and where in them the pod is described.

#![allow(dead_code, reason = "live workloads, which come next, use the rest")]

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::plan::text;

/// What it takes until a changed pod template is what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// The object is the pod, most of whose spec cannot be changed: it is recreated.
    Recreate,
    /// Its controller replaces the pods, a few at a time.
    Rollout,
    /// Pods that run stay as they are; those made from now on are changed.
    NewPods,
    /// Its template cannot be changed once it exists.
    Never,
}

/// A kind of object that makes pods.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its API group; empty for the core.
    pub(crate) group: &'static str,
    /// The version of the group.
    pub(crate) version: &'static str,
    /// As `kind:` has it.
    pub(crate) name: &'static str,
    /// As URLs and kubectl have it.
    pub(crate) plural: &'static str,
    /// Short names of kubectl.
    pub(crate) short: &'static [&'static str],
    /// JSON pointer of what has the pod's `metadata` and `spec`; empty for a pod itself.
    pub(crate) template: &'static str,
    /// What happens when that is changed.
    pub(crate) update: Update,
}

/// All kinds that Kubernetes brings, in the order in which a bare name is looked for.
pub(crate) const KINDS: [Kind; 8] = [
    kind("", "v1", "Pod", "pods", &["po"], "", Update::Recreate),
    kind("apps", "v1", "Deployment", "deployments", &["deploy"], "/spec/template", Update::Rollout),
    kind("apps", "v1", "StatefulSet", "statefulsets", &["sts"], "/spec/template", Update::Rollout),
    kind("apps", "v1", "DaemonSet", "daemonsets", &["ds"], "/spec/template", Update::Rollout),
    kind("apps", "v1", "ReplicaSet", "replicasets", &["rs"], "/spec/template", Update::NewPods),
    kind(
        "",
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        &["rc"],
        "/spec/template",
        Update::NewPods,
    ),
    kind("batch", "v1", "Job", "jobs", &[], "/spec/template", Update::Never),
    kind("batch", "v1", "CronJob", "cronjobs", &["cj"], "/spec/jobTemplate/spec/template", Update::NewPods),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    template: &'static str,
    update: Update,
) -> Kind {
    Kind { group, version, name, plural, short, template, update }
}

impl Kind {
    /// The kind of an object, by its `apiVersion` and `kind`; older versions of a group count too.
    pub(crate) fn of(object: &Value) -> Option<&'static Self> {
        let group = text(object, "/apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
        KINDS.iter().find(|kind| kind.name == text(object, "/kind") && kind.group == group)
    }

    /// The kind that a person means by `deploy`, `Deployment`, `deployments` or `deployments.apps`.
    pub(crate) fn named(word: &str) -> Option<&'static Self> {
        let word = word.to_ascii_lowercase();
        let (name, group) = match word.split_once('.') {
            Some((name, group)) => (name, Some(group)),
            None => (word.as_str(), None),
        };
        KINDS.iter().find(|kind| {
            let named =
                kind.name.eq_ignore_ascii_case(name) || kind.plural == name || kind.short.contains(&name);
            // kubectl takes the version too, as in deployments.v1.apps.
            let of_group = |group: &str| {
                group == kind.group
                    || group.strip_prefix(kind.version).and_then(|rest| rest.strip_prefix('.'))
                        == Some(kind.group)
            };
            named && group.is_none_or(of_group)
        })
    }

    /// As people are told: `deployment.apps`, and `pod` where there is no group, as kubectl prints names.
    pub(crate) fn printed(&self) -> String {
        let kind = self.name.to_ascii_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// Whether it is the pod itself.
    pub(crate) fn is_pod(&self) -> bool {
        self.template.is_empty()
    }
}

/// `deployment/web`: what messages call an object.
pub(crate) fn name_of(object: &Value) -> String {
    format!("{}/{}", text(object, "/kind").to_ascii_lowercase(), text(object, "/metadata/name"))
}

/// What has the pod's `metadata` and `spec` in an object.
pub(crate) fn template<'a>(object: &'a Value, pointer: &str) -> Result<&'a Value> {
    object.pointer(pointer).filter(|template| template.get("spec").is_some_and(Value::is_object)).ok_or_else(
        || {
            Failure::usage(format!("{} has no pod template at {pointer}", name_of(object)))
                .hint("say where it is: --pod-template-path KIND=/spec/template")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn knows_kinds_by_all_that_kubectl_calls_them() {
        let named = |word: &str| Kind::named(word).map(Kind::printed);
        for word in ["deploy", "deployment", "Deployments", "deployments.apps", "deployments.v1.apps"] {
            assert_eq!(named(word).as_deref(), Some("deployment.apps"), "{word}");
        }
        for word in ["po", "pod", "PODS", "pods.v1."] {
            assert_eq!(named(word).as_deref(), Some("pod"), "{word}");
        }
        assert_eq!(named("cj").as_deref(), Some("cronjob.batch"));
        for word in ["", "deployments.batch", "service", "deployments."] {
            assert_eq!(named(word), None, "{word}");
        }
    }

    #[test]
    fn knows_kinds_by_what_an_object_says() {
        let of = |version: &str, kind: &str| {
            Kind::of(&json!({"apiVersion": version, "kind": kind})).map(|kind| kind.plural)
        };
        assert_eq!(of("apps/v1", "Deployment"), Some("deployments"));
        assert_eq!(of("apps/v1beta2", "Deployment"), Some("deployments"));
        assert_eq!(of("v1", "Pod"), Some("pods"));
        assert_eq!(of("example.com/v1", "Deployment"), None);
        assert_eq!(of("v1", "Service"), None);
    }
}
