//! Tools that put objects into the cluster from a source of their own, and would undo a change made here: Argo CD, Flux,
//! Helm.

use serde_json::Value;

use super::{Code, Finding, Subject, World};
use crate::plan::{list, text};

/// A tool that manages an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    ArgoCd,
    Flux,
    Helm,
}

/// The tool, and what it calls its part: an application, a kustomization, a release.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Manager {
    tool: Tool,
    /// As in `application shop`; empty where it is not told.
    part: String,
}

pub(super) fn find(subject: &Subject<'_>, _: &World) -> Vec<Finding> {
    let exists = subject.object.pointer("/metadata/uid").is_some();
    // In a manifest the marks say only where it goes: it is the tool's own source.
    let Some(manager) = manager(subject.object).filter(|_| exists) else { return Vec::new() };
    let message = format!(
        "{} is managed by {}, which would undo the change, or find it in its way",
        subject.name(),
        manager.shown()
    );
    vec![if subject.permissions.force {
        subject.warning(Code::GitOps, message)
    } else {
        subject.error(Code::GitOps, message).hint(manager.way_out())
    }]
}

/// The tool that manages an object, by the marks that it leaves.
fn manager(object: &Value) -> Option<Manager> {
    argo(object).or_else(|| flux(object)).or_else(|| helm(object))
}

fn argo(object: &Value) -> Option<Manager> {
    let tracking = mark(object, "annotations", "argocd.argoproj.io/tracking-id");
    // `APPLICATION:GROUP/KIND:NAMESPACE/NAME`
    let application = match tracking.and_then(|id| id.split(':').next()) {
        Some(application) => application,
        None => match mark(object, "labels", "argocd.argoproj.io/instance") {
            Some(application) => application,
            None if is_manager(object, "argocd") => {
                mark(object, "labels", "app.kubernetes.io/instance").unwrap_or_default()
            }
            None => return None,
        },
    };
    Some(Manager { tool: Tool::ArgoCd, part: part("application", application) })
}

fn flux(object: &Value) -> Option<Manager> {
    for (label, what) in [
        ("kustomize.toolkit.fluxcd.io/name", "kustomization"),
        ("helm.toolkit.fluxcd.io/name", "helmrelease"),
    ] {
        if let Some(name) = mark(object, "labels", label) {
            return Some(Manager { tool: Tool::Flux, part: part(what, name) });
        }
    }
    let by_flux = ["kustomize-controller", "helm-controller"].iter().any(|name| is_manager(object, name));
    by_flux.then(|| Manager { tool: Tool::Flux, part: String::new() })
}

fn helm(object: &Value) -> Option<Manager> {
    let release = mark(object, "annotations", "meta.helm.sh/release-name");
    let says_so = mark(object, "labels", "app.kubernetes.io/managed-by") == Some("Helm");
    match release {
        Some(release) if says_so => Some(Manager { tool: Tool::Helm, part: part("release", release) }),
        _ if is_manager(object, "helm") => {
            Some(Manager { tool: Tool::Helm, part: part("release", release.unwrap_or_default()) })
        }
        _ => None,
    }
}

fn mark<'a>(object: &'a Value, kind: &str, key: &str) -> Option<&'a str> {
    object.pointer(&format!("/metadata/{kind}"))?.get(key)?.as_str().filter(|value| !value.is_empty())
}

/// Whether fields of the object belong to a manager of this name, or of one that it begins.
fn is_manager(object: &Value, name: &str) -> bool {
    let begins = |manager: &str| {
        manager.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    list(object, "/metadata/managedFields").iter().any(|entry| begins(text(entry, "/manager")))
}

fn part(what: &str, name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{what} {name}") }
}

impl Manager {
    fn shown(&self) -> String {
        let tool = match self.tool {
            Tool::ArgoCd => "Argo CD",
            Tool::Flux => "Flux",
            Tool::Helm => "Helm",
        };
        if self.part.is_empty() { tool.to_owned() } else { format!("{tool} ({})", self.part) }
    }

    /// The pipe to use instead.
    fn way_out(&self) -> String {
        match self.tool {
            Tool::ArgoCd | Tool::Flux => {
                "change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force".to_owned()
            }
            Tool::Helm => {
                "change its source: let kubectl ambassador inject -f - be the post-renderer of helm upgrade; or change it here all the same with --force".to_owned()
            }
        }
    }
}
