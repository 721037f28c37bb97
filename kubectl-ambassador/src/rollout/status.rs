//! How far a rollout is, as `kubectl rollout status` words it; purely, from the object alone.

use serde_json::Value;

use super::Workload;
use crate::plan::{list, text};
use crate::workload::{Kind, Update};

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    /// On its way, and what it waits for.
    Going(String),
    /// All that there is to say.
    Done(String),
    /// It will not go on by itself.
    Stuck(String),
    /// Its controller tells nothing that we could read.
    Unknown,
}

/// How a changed template gets to the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Course {
    /// Its controller replaces the pods, and tells how far it is.
    Rollout,
    /// Not now, or not by itself: what is to be said, and to be done.
    Later(String),
}

/// How the change of a workload's template will get to its pods.
pub(crate) fn course(workload: &Workload) -> Course {
    let (object, shown) = (&workload.object, workload.shown());
    let later = |text: String| Course::Later(text);
    if workload.update == Update::NewPods {
        if text(object, "/kind") == "CronJob" {
            return later(format!("{shown}: its next Job has the change; those that run stay as they are"));
        }
        return later(format!(
            "{shown} gives the change to new pods alone; those that run stay as they are until they are deleted, one \
             after the other{}",
            listed_by(workload)
        ));
    }
    if object.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        let name = workload.name();
        return later(format!(
            "{shown} is paused: it replaces its pods when it is resumed, kubectl rollout resume {}/{name}",
            workload.kind()
        ));
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return later(format!(
            "{shown} has the strategy OnDelete: a pod stays as it is until you delete it, one after the other{}",
            listed_by(workload)
        ));
    }
    Course::Rollout
}

/// Not a command that deletes them: it would delete all of them at once.
fn listed_by(workload: &Workload) -> String {
    workload
        .selector()
        .map_or(String::new(), |selector| format!(" (kubectl get pods -l {selector} lists them)"))
}

/// How far the rollout of the latest template is.
pub(crate) fn status(object: &Value) -> Status {
    let observed = object.pointer("/status/observedGeneration").map(number_or_text);
    match Kind::of(object).map(|kind| kind.name) {
        Some(kind @ ("Deployment" | "DaemonSet" | "StatefulSet")) => {
            let words = match kind {
                "Deployment" => "deployment",
                "DaemonSet" => "daemon set",
                _ => "statefulset",
            };
            if observed.unwrap_or_default() < number(object, "/metadata/generation") {
                return Status::Going(format!("Waiting for {words} spec update to be observed..."));
            }
            match kind {
                "Deployment" => deployment(object),
                "DaemonSet" => daemon_set(object),
                _ => stateful_set(object),
            }
        }
        Some(_) => Status::Unknown,
        None => other(object, observed),
    }
}

fn deployment(object: &Value) -> Status {
    let name = text(object, "/metadata/name");
    let condition = |kind: &str| {
        list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
    };
    if condition("Progressing").is_some_and(|of| text(of, "/reason") == "ProgressDeadlineExceeded") {
        return Status::Stuck(format!("deployment \"{name}\" exceeded its progress deadline"));
    }
    // Quota, Pod Security or a webhook: no pod was even made. When an old one has gone, there may be room.
    let refused = condition("ReplicaFailure").filter(|of| text(of, "/status") == "True");
    let refused =
        refused.map(|of| format!(" (no pod could be made: {})", text(of, "/message"))).unwrap_or_default();
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let [replicas, updated, available] = ["replicas", "updatedReplicas", "availableReplicas"]
        .map(|of| number(object, &format!("/status/{of}")));
    let waiting = |what: String| {
        Status::Going(format!("Waiting for deployment \"{name}\" rollout to finish: {what}{refused}..."))
    };
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new replicas have been updated"));
    }
    if replicas > updated {
        return waiting(format!("{} old replicas are pending termination", replicas - updated));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    Status::Done(format!("deployment \"{name}\" successfully rolled out"))
}

fn daemon_set(object: &Value) -> Status {
    let name = text(object, "/metadata/name");
    let [wanted, updated, available] =
        ["desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"]
            .map(|of| number(object, &format!("/status/{of}")));
    let waiting = |what: String| {
        Status::Going(format!("Waiting for daemon set \"{name}\" rollout to finish: {what}..."))
    };
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new pods have been updated"));
    }
    if available < wanted {
        return waiting(format!("{available} of {wanted} updated pods are available"));
    }
    Status::Done(format!("daemon set \"{name}\" successfully rolled out"))
}

fn stateful_set(object: &Value) -> Status {
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let [ready, updated] =
        ["readyReplicas", "updatedReplicas"].map(|of| number(object, &format!("/status/{of}")));
    if ready < wanted {
        return Status::Going(format!("Waiting for {} pods to be ready...", wanted - ready));
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    if partition > 0 {
        let part = (wanted - partition).max(0);
        return if updated < part {
            Status::Going(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {part} new pods have been updated..."
            ))
        } else {
            Status::Done(format!("partitioned roll out complete: {updated} new pods have been updated..."))
        };
    }
    let revision = text(object, "/status/updateRevision");
    if revision != text(object, "/status/currentRevision") {
        return Status::Going(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {revision}..."
        ));
    }
    let current = number(object, "/status/currentReplicas");
    Status::Done(format!("statefulset rolling update complete {current} pods at revision {revision}..."))
}

/// A kind that we do not know, by the fields that most controllers keep.
fn other(object: &Value, observed: Option<i64>) -> Status {
    let (kind, name) = (text(object, "/kind").to_ascii_lowercase(), text(object, "/metadata/name"));
    let count = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let (Some(observed), Some(wanted)) = (observed, count("/spec/replicas")) else { return Status::Unknown };
    if observed < number(object, "/metadata/generation") {
        return Status::Going(format!("Waiting for {kind} spec update to be observed..."));
    }
    for (field, what) in [("updatedReplicas", "updated"), ("availableReplicas", "available")] {
        let now = count(&format!("/status/{field}")).unwrap_or_default();
        if now < wanted {
            return Status::Going(format!(
                "Waiting for {kind} \"{name}\" rollout to finish: {now} of {wanted} replicas are {what}..."
            ));
        }
    }
    Status::Done(format!("{kind} \"{name}\" successfully rolled out"))
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// Some controllers write numbers as text.
fn number_or_text(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
