//! Reads, creates and deletes pods, so that each end of a call can be told from the others: done, refused, or unclear.

use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, PostParams, Preconditions};
use serde_json::Value;
use tokio::time::Instant;

use super::error::{attempting, is_not_found, may_pass};
use super::{Cluster, Mode, NotCreated, NotDeleted, value};
use crate::failure::Result;
use crate::plan::text;

/// How long a call may be without an answer before it counts as unclear.
const ANSWER: Duration = Duration::from_secs(30);
/// How often a pod that is on its way out is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl Cluster {
    /// Reads a pod; `None` if there is none of that name.
    pub(crate) async fn pod(&self, name: &str) -> Result<Option<Value>> {
        let found = self.pods_as_values().get_opt(name).await;
        found.map_err(attempting(format!("cannot read pod/{name}"))).map(|pod| pod.map(value))
    }

    /// The same, asked again until `deadline` while the server cannot be reached or is busy.
    pub(crate) async fn pod_patiently(&self, name: &str, deadline: Instant) -> Result<Option<Value>> {
        let mut pause = LOOK;
        loop {
            let found = tokio::time::timeout(ANSWER, self.pods_as_values().get_opt(name)).await;
            match found {
                Ok(Ok(pod)) => return Ok(pod.map(value)),
                Ok(Err(error)) if !may_pass(&error) || Instant::now() > deadline => {
                    return Err(attempting(format!("cannot read pod/{name}"))(error));
                }
                Err(_) if Instant::now() > deadline => return self.pod(name).await,
                Ok(Err(_)) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(4));
        }
    }

    /// Creates a pod. A refusal says what the server says.
    pub(crate) async fn create_pod(&self, pod: &Value, mode: Mode) -> std::result::Result<(), NotCreated> {
        self.created_pod(pod, mode).await.map(drop)
    }

    /// Creates a pod, and gives it as the server has it then.
    pub(crate) async fn created_pod(
        &self,
        pod: &Value,
        mode: Mode,
    ) -> std::result::Result<Value, NotCreated> {
        let object: DynamicObject =
            serde_json::from_value(pod.clone()).map_err(|error| NotCreated::Refused(error.to_string()))?;
        let params =
            PostParams { dry_run: mode == Mode::DryRun, field_manager: Some(self.field_manager.clone()) };
        match tokio::time::timeout(ANSWER, self.pods_as_values().create(&params, &object)).await {
            Ok(created) => Ok(created.map(value)?),
            Err(_) => Err(NotCreated::Unclear(no_answer())),
        }
    }

    /// Deletes exactly the pod that was read as `seen`: another one of its name stays, and so does the same one if it has
    /// changed since, unless `seen` has no `resourceVersion`.
    /// That there is none any more is as good.
    pub(crate) async fn delete_pod(&self, seen: &Value) -> std::result::Result<(), NotDeleted> {
        let field = |pointer: &str| Some(text(seen, pointer).to_owned()).filter(|text| !text.is_empty());
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: field("/metadata/uid"),
                resource_version: field("/metadata/resourceVersion"),
            }),
            ..DeleteParams::default()
        };
        let pods = self.pods_as_values();
        match tokio::time::timeout(ANSWER, pods.delete(text(seen, "/metadata/name"), &params)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if is_not_found(&error) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(NotDeleted::Unclear(no_answer())),
        }
    }

    /// Waits until there is no pod of this uid; `false` if it is still there at the deadline. A server that cannot be
    /// reached is tried for as long as `patience`.
    pub(crate) async fn wait_until_gone(
        &self,
        name: &str,
        uid: &str,
        deadline: Instant,
        patience: Duration,
    ) -> Result<bool> {
        loop {
            match self.pod_patiently(name, Instant::now() + patience).await? {
                Some(pod) if text(&pod, "/metadata/uid") == uid => {
                    if Instant::now() > deadline {
                        return Ok(false);
                    }
                    tokio::time::sleep(LOOK).await;
                }
                _ => return Ok(true),
            }
        }
    }
}

/// Whether an object was created by this manager: the server notes who did.
pub(crate) fn is_created_by(object: &Value, manager: &str) -> bool {
    let managers = crate::plan::list(object, "/metadata/managedFields");
    managers.iter().any(|entry| {
        text(entry, "/manager") == manager
            && text(entry, "/operation") == "Update"
            && text(entry, "/subresource").is_empty()
    })
}

fn no_answer() -> String {
    format!("no answer within {} s", ANSWER.as_secs())
}
