//! What counts the pods' use, and what guards their number.

use serde_json::Value;

use super::{Code, Finding, Subject, World, selector};
use crate::plan::{list, text};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let mut found = autoscalers(subject, world);
    found.extend(budgets(subject, world));
    found
}

fn autoscalers(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let is_target = |autoscaler: &&Value| {
        ["/kind", "/name"].iter().zip(["/kind", "/metadata/name"]).all(|(there, here)| {
            text(autoscaler, &format!("/spec/scaleTargetRef{there}")) == text(subject.object, here)
        })
    };
    let mut found = Vec::new();
    for autoscaler in world.autoscalers.iter().filter(is_target) {
        let name = text(autoscaler, "/metadata/name");
        for metric in list(autoscaler, "/spec/metrics") {
            if text(metric, "/type") != "Resource" {
                continue;
            }
            let resource = text(metric, "/resource/name");
            let message = format!(
                "horizontalpodautoscaler/{name} scales by the {resource} of whole pods, which the ambassador's will be part of"
            );
            let container = text(subject.original(), "/spec/containers/0/name");
            let hint =
                format!("to scale by the program alone: type: ContainerResource, container: {container}");
            found.push(subject.warning(Code::Autoscaler, message).hint(hint));
        }
    }
    found
}

/// A rollout keeps to its own bounds; a bare pod is deleted, which no budget hinders.
fn budgets(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let guards = |budget: &&Value| {
        let selector = budget.pointer("/spec/selector");
        selector.is_some_and(|wanted| selector::matches(wanted, subject.pod()))
            && budget.pointer("/status/disruptionsAllowed").and_then(Value::as_u64) == Some(0)
    };
    if !subject.is_pod() {
        return Vec::new();
    }
    world
        .budgets
        .iter()
        .filter(guards)
        .map(|budget| {
            let message = format!(
                "poddisruptionbudget/{} allows no disruption at the moment, and recreating {} is one",
                text(budget, "/metadata/name"),
                subject.name()
            );
            subject
                .warning(Code::Budget, message)
                .hint("it does not hinder a deletion; choose a time when the pod may be away")
        })
        .collect()
}
