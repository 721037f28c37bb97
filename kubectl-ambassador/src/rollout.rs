//! Changes the pod template of a live workload, and stays until its pods are what it says: old pods go only as new ones
//! are ready, and what does not come up is taken back.
//!
//! There is no journal: the workload itself says all that there is to know, so that whoever was killed midway runs the
//! same command again.

mod owner;
pub(crate) mod services;
mod status;
mod steps;
mod switching;
mod watch;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(crate) use owner::{Led, Target, lead};
pub(crate) use status::{Course, Status, course, status};
pub(crate) use steps::{Change, End};
pub(crate) use switching::{back_to_program, pending, prove, services_unless, switch, to_ambassador};
pub(crate) use watch::pods;

use crate::cluster::{Cluster, Mode, NotPatched, Resource};
use crate::failure::{Exit, Failure, Result};
use crate::plan::text;
use crate::workload::{self, Update};

/// How often a change is tried that others get in the way of.
pub(crate) const TRIES: u32 = 5;

/// A workload of a cluster, as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    /// Where the server has it.
    pub(crate) resource: Resource,
    /// The object.
    pub(crate) object: Value,
    /// JSON pointer of its pod template.
    pub(crate) template: String,
    /// What happens when that is changed.
    pub(crate) update: Update,
}

impl Workload {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        text(&self.object, "/metadata/name")
    }

    /// `deployment`
    pub(crate) fn kind(&self) -> String {
        text(&self.object, "/kind").to_ascii_lowercase()
    }

    /// `deployment/web`: what messages call it.
    pub(crate) fn shown(&self) -> String {
        workload::name_of(&self.object)
    }

    /// `deployment.apps/web`: what kubectl calls it.
    pub(crate) fn printed(&self) -> String {
        format!("{}/{}", self.resource.printed(), self.name())
    }

    /// Its pod template.
    pub(crate) fn pod(&self) -> Result<&Value> {
        workload::template(&self.object, &self.template)
    }

    /// Selects its pods, as kubectl's `-l` takes it.
    pub(crate) fn selector(&self) -> Option<String> {
        let selector = self.object.pointer("/spec/selector")?;
        let labels = selector.get("matchLabels").unwrap_or(selector).as_object()?;
        let equal = labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
        let selector = equal.collect::<Vec<_>>().join(",");
        (!selector.is_empty()).then_some(selector)
    }

    /// Reads it again.
    pub(crate) async fn again(&self, cluster: &Cluster) -> Result<Self> {
        match cluster.object(&self.resource, self.name()).await? {
            Some(object) => Ok(Self { object, ..self.clone() }),
            None => Err(self.gone()),
        }
    }

    /// Puts another pod template into it, if nobody has changed that since it was read. `None`: somebody has.
    pub(crate) async fn put(&self, cluster: &Cluster, pod: &Value, mode: Mode) -> Result<Option<Self>> {
        let before = self.pod()?;
        // The whole template is tested: a change of any part of it may be one that the plan should have known. Not the
        // resourceVersion, which changes with every pod that becomes ready.
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": text(&self.object, "/metadata/uid")},
            {"op": "test", "path": self.template, "value": before},
            {"op": "replace", "path": self.template, "value": pod},
        ]);
        let mut tries = 1..TRIES;
        loop {
            let (failure, is_clear) =
                match cluster.patch(&self.resource, self.name(), &operations, mode).await {
                    Ok(object) => return Ok(Some(Self { object, ..self.clone() })),
                    Err(NotPatched::Gone) => return Err(self.gone()),
                    Err(NotPatched::Refused(why)) => (refused(&why), true),
                    Err(NotPatched::Conflict(why)) => (refused(&why).passing(tries.next().is_some()), true),
                    Err(NotPatched::Failed(failure)) => (failure, false),
                };
            if !is_clear && (mode == Mode::DryRun || !failure.may_pass()) {
                return Err(failure);
            }
            // Whatever the answer was, or if there was none, the workload itself decides.
            let now = match self.again(cluster).await {
                Ok(now) => now,
                Err(_) if !is_clear => return Err(self.unclear(failure)),
                Err(unread) => return Err(unread),
            };
            let is_same_object = text(&now.object, "/metadata/uid") == text(&self.object, "/metadata/uid");
            if !is_same_object || now.pod()? != before {
                return Ok((is_same_object && is_filled_in(pod, now.pod()?)).then_some(now));
            }
            if !(is_clear && failure.may_pass()) {
                return Err(failure);
            }
        }
    }

    fn gone(&self) -> Failure {
        Failure::unchanged(format!("{} has gone", self.shown()))
    }

    fn unclear(&self, failure: Failure) -> Failure {
        failure
            .within(Exit::LeftHalfDone, format!("{} may be changed or not", self.shown()))
            .hint("once the cluster answers again, run the same command again")
    }

    /// The uids of the pods that it has now.
    pub(crate) async fn present(&self, cluster: &Cluster) -> Result<BTreeSet<String>> {
        let pods = watch::pods(cluster, self).await?;
        Ok(pods.iter().map(|pod| text(pod, "/metadata/uid").to_owned()).collect())
    }

    /// As an owner of a ConfigMap, which then goes when the workload is deleted.
    pub(crate) fn as_owner(&self) -> Value {
        let field = |pointer: &str| self.object.pointer(pointer).cloned().unwrap_or_default();
        json!({
            "apiVersion": field("/apiVersion"),
            "kind": field("/kind"),
            "name": field("/metadata/name"),
            "uid": field("/metadata/uid"),
        })
    }
}

fn refused(why: &str) -> Failure {
    Failure::unchanged(format!("the cluster refuses the change: {why}"))
}

/// Whether `there` is what was meant, with what the server fills in.
fn is_filled_in(meant: &Value, there: &Value) -> bool {
    match (meant, there) {
        (Value::Object(meant), Value::Object(there)) => meant.iter().all(|(key, value)| {
            value.is_null() || there.get(key).is_some_and(|there| is_filled_in(value, there))
        }),
        (Value::Array(meant), Value::Array(there)) => {
            meant.len() == there.len()
                && meant.iter().zip(there).all(|(meant, there)| is_filled_in(meant, there))
        }
        (meant, there) => meant == there,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_known_whatever_the_server_fills_in() {
        let there = json!({"a": [{"name": "x", "policy": "Always"}], "b": {}});
        let check =
            |meant: Value, expected: bool| assert_eq!(is_filled_in(&meant, &there), expected, "{meant}");
        check(json!({"a": [{"name": "x"}]}), true);
        check(json!({"a": [{"name": "x"}], "none": null}), true);
        check(json!({"a": [{"name": "y"}]}), false);
        check(json!({"a": []}), false);
        check(json!({"a": [{"name": "x"}], "c": 1}), false);
    }
}
