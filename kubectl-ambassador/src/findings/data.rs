//! What is lost or away when pods are replaced.

use serde_json::Value;

use super::{Code, Finding, Subject, World};
use crate::plan::{self, list, text};
use crate::workload::{Kind, Update};

pub(super) fn find(subject: &Subject<'_>, _: &World) -> Vec<Finding> {
    if subject.is_pod() {
        // What is only in a manifest has no data yet, and is nowhere to be missed.
        let runs = subject.object.pointer("/metadata/uid").is_some();
        return if runs {
            [empty_dir(subject), Some(away(subject))].into_iter().flatten().collect()
        } else {
            Vec::new()
        };
    }
    [all_at_once(subject), not_replaced(subject)].into_iter().flatten().collect()
}

fn empty_dir(subject: &Subject<'_>) -> Option<Finding> {
    let scratch =
        |volume: &&Value| volume.get("emptyDir").is_some() && !plan::VOLUMES.contains(&text(volume, "/name"));
    let volumes: Vec<&str> = list(subject.object, "/spec/volumes")
        .iter()
        .filter(scratch)
        .map(|volume| text(volume, "/name"))
        .collect();
    let which = match volumes.as_slice() {
        [] => return None,
        [one] => format!("the emptyDir volume {one}"),
        several => format!("the emptyDir volumes {}", several.join(", ")),
    };
    let message = format!("{} has data in {which}, which recreating it would delete", subject.name());
    Some(if subject.permissions.delete_emptydir_data {
        subject.info(Code::EmptyDir, message)
    } else {
        subject.error(Code::EmptyDir, message).hint("allow that with --delete-emptydir-data")
    })
}

fn away(subject: &Subject<'_>) -> Finding {
    let grace =
        subject.object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(30);
    let message = format!(
        "{} is recreated: it is away for the up to {grace} s that its programs take to end, and until the new one is ready",
        subject.name()
    );
    subject.info(Code::Away, message)
}

fn all_at_once(subject: &Subject<'_>) -> Option<Finding> {
    let recreate = text(subject.object, "/spec/strategy/type") == "Recreate";
    let message = format!(
        "{} has the strategy Recreate: no pod of it runs until the new ones are ready",
        subject.name()
    );
    recreate.then(|| subject.warning(Code::AllAtOnce, message))
}

fn not_replaced(subject: &Subject<'_>) -> Option<Finding> {
    let (name, object) = (subject.name(), subject.object);
    let (why, what) = if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        ("has the strategy OnDelete", "delete its pods one by one")
    } else if let Some(partition) = object
        .pointer("/spec/updateStrategy/rollingUpdate/partition")
        .and_then(Value::as_u64)
        .filter(|&from| from > 0)
    {
        let message =
            format!("{name} has the partition {partition}: its pods below that number stay as they are");
        return Some(
            subject.warning(Code::NotReplaced, message).hint("lower the partition, then run this again"),
        );
    } else if object.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        ("is paused", "resume its rollout")
    } else if object.pointer("/metadata/uid").is_some()
        && Kind::of(object).is_some_and(|kind| kind.update == Update::NewPods)
    {
        if text(object, "/kind") == "CronJob" {
            let message =
                format!("{name} gets the ambassador with its next run; jobs that run stay as they are");
            return Some(subject.info(Code::NotReplaced, message));
        }
        ("does not replace its pods", "delete its pods one by one")
    } else {
        return None;
    };
    let message = format!("{name} {why}: pods that run stay as they are");
    Some(subject.warning(Code::NotReplaced, message).hint(what))
}
