//! Which pods a `ResourceQuota` counts: all, or those of its scopes.

use serde_json::Value;

use crate::plan::{list, text};

/// Whether the quota counts this pod. All of its scopes have to hold; one that is not about pods holds for none.
pub(super) fn counts(quota: &Value, pod: &Value) -> bool {
    let scopes = list(quota, "/spec/scopes").iter().filter_map(Value::as_str);
    let selected = list(quota, "/spec/scopeSelector/matchExpressions");
    scopes.into_iter().all(|scope| holds(scope, "Exists", &[], pod))
        && selected
            .iter()
            .all(|one| holds(text(one, "/scopeName"), text(one, "/operator"), list(one, "/values"), pod))
}

fn holds(scope: &str, operator: &str, values: &[Value], pod: &Value) -> bool {
    let ends = pod.pointer("/spec/activeDeadlineSeconds").is_some_and(|seconds| !seconds.is_null());
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => {
            let class = text(pod, "/spec/priorityClassName");
            let is_one = !class.is_empty() && values.iter().any(|value| value == class);
            match operator {
                "In" => is_one,
                "NotIn" => !is_one,
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        "CrossNamespacePodAffinity" => leads_to_other_namespaces(pod),
        _ => false,
    }
}

/// Kubernetes' class of quality for pods that ask for no CPU and no memory: "Pod Quality of Service Classes" in its
/// documentation.
fn is_best_effort(pod: &Value) -> bool {
    let asks = |resources: Option<&Value>| {
        ["requests", "limits"].iter().any(|kind| {
            let amounts = resources.and_then(|resources| resources.get(kind)).and_then(Value::as_object);
            amounts.is_some_and(|amounts| ["cpu", "memory"].iter().any(|name| amounts.contains_key(*name)))
        })
    };
    let kinds = ["/spec/initContainers", "/spec/containers"];
    let mut containers = kinds.iter().flat_map(|kind| list(pod, kind));
    !asks(pod.pointer("/spec/resources")) && !containers.any(|container| asks(container.get("resources")))
}

fn leads_to_other_namespaces(pod: &Value) -> bool {
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let terms = |when: &str| {
            list(pod, &format!("/spec/affinity/{kind}/{when}DuringSchedulingIgnoredDuringExecution"))
        };
        let preferred = terms("preferred").iter().filter_map(|term| term.get("podAffinityTerm"));
        let mut all = terms("required").iter().chain(preferred);
        all.any(|term| !list(term, "/namespaces").is_empty() || term.get("namespaceSelector").is_some())
    })
}
