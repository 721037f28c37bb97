//! Deletes and creates pods so that it is known what became of them: after an unclear answer, what stands there decides.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Stopped, Work};
use crate::cluster::{self, Mode, NotCreated, NotDeleted};
use crate::failure::Failure;
use crate::output::say;
use crate::plan::{list, text};
use crate::{annotation, plan};

/// How long a server that cannot be reached is tried, once the old pod may be gone, at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon a call is tried again that was answered.
const QUICK: Duration = Duration::from_millis(100);
/// Kubernetes' own default for a pod that says nothing.
const GRACE: u64 = 30;

impl Work<'_> {
    /// Deletes the pod that was read as `seen` and waits until it is gone. Its status changes by itself, and so does its
    /// version: it is the same as long as what can be created of it is `body`.
    pub(super) async fn delete(&self, seen: &Value, body: &Value) -> std::result::Result<(), Stopped> {
        let (name, uid) = (self.name(), text(seen, "/metadata/uid"));
        let mut seen = seen.clone();
        let mut unclear = None;
        let deadline = self.patience();
        for attempt in 0.. {
            if attempt > 1 && Instant::now() > deadline {
                break;
            }
            let deleted = self.cluster.delete_pod(&seen).await;
            if deleted.is_ok() {
                return self.wait_until_gone(&seen).await;
            }
            if let Err(NotDeleted::Unclear(why)) = &deleted {
                say(&format!("deleting pod/{name} failed ({why}), trying again"));
                unclear = Some(why.clone());
                tokio::time::sleep(pause(attempt)).await;
            }
            // Whatever the answer was, the pod itself decides.
            let there = self
                .cluster
                .pod_patiently(name, self.patience())
                .await
                .map_err(|failure| self.open(failure))?;
            let there = there.filter(|pod| text(pod, "/metadata/uid") == uid);
            let Some(there) = there else {
                return if unclear.is_some() {
                    Ok(())
                } else {
                    Err(Stopped::Untouched("somebody else has deleted it meanwhile".to_owned()))
                };
            };
            if there.pointer("/metadata/deletionTimestamp").is_some() {
                return self.wait_until_gone(&there).await;
            }
            match deleted {
                Err(NotDeleted::Refused(why)) if unclear.is_none() => return Err(Stopped::Untouched(why)),
                Err(NotDeleted::Changed) if plan::without_what_the_server_sets(&there) != *body => {
                    return Err(Stopped::Untouched(
                        "somebody else has changed it meanwhile; try again".to_owned(),
                    ));
                }
                _ => tokio::time::sleep(QUICK).await,
            }
            seen = there;
        }
        let why = unclear.unwrap_or_else(|| "its status changes too fast".to_owned());
        Err(self.open(Failure::unchanged(format!("cannot delete pod/{name}: {why}"))))
    }

    pub(super) async fn wait_until_gone(&self, seen: &Value) -> std::result::Result<(), Stopped> {
        let grace = seen
            .pointer("/metadata/deletionGracePeriodSeconds")
            .or_else(|| seen.pointer("/spec/terminationGracePeriodSeconds"));
        let grace = Duration::from_secs(grace.and_then(Value::as_u64).unwrap_or(GRACE));
        let deadline = Instant::now() + grace + self.timeout.max(PATIENCE);
        let uid = text(seen, "/metadata/uid");
        match self.cluster.wait_until_gone(self.name(), uid, deadline, self.timeout.min(PATIENCE)).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(self.open(Failure::unchanged(format!("pod/{} is still terminating", self.name()))))
            }
            Err(failure) => Err(self.open(failure)),
        }
    }

    /// Creates a pod. After an answer that was lost, whatever stands there decides.
    pub(super) async fn create(&self, pod: &Value) -> std::result::Result<(), Stopped> {
        let name = self.name();
        let mut last = String::new();
        let deadline = self.patience();
        for attempt in 0.. {
            match self.cluster.create_pod(pod, Mode::Real).await {
                Ok(()) => return Ok(()),
                Err(NotCreated::Refused(why)) => return Err(Stopped::Refused(why)),
                Err(NotCreated::NameInUse) => {
                    let there = self.cluster.pod_patiently(name, self.patience()).await;
                    match there.map_err(|failure| self.open(failure))? {
                        Some(there) if self.is_same(&there, pod) => return Ok(()),
                        Some(_) => return Err(Stopped::Open(self.foreign())),
                        None => {}
                    }
                }
                Err(NotCreated::Unclear(why)) => {
                    say(&format!("creating pod/{name} failed ({why}), trying again"));
                    last = why;
                }
            }
            if attempt > 0 && Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(pause(attempt)).await;
        }
        Err(self.open(Failure::unchanged(format!("cannot create pod/{name}: {last}"))))
    }

    /// Whether a pod that stands there is one that this program meant to create.
    pub(super) fn is_same(&self, there: &Value, meant: &Value) -> bool {
        cluster::is_created_by(there, &self.journal.entry.manager) && is_alike(there, meant)
    }

    /// Until when a server is tried that cannot be reached.
    pub(super) fn patience(&self) -> Instant {
        Instant::now() + self.timeout.min(PATIENCE)
    }
}

fn pause(attempt: u32) -> Duration {
    Duration::from_millis(500 << attempt.min(3))
}

/// Whether a pod is the one that was meant. What injects says in its annotation whose place it takes, and no other pod says
/// that. An original must stay as it was, without a mark: it is known by its containers, as far as admission leaves them.
fn is_alike(there: &Value, meant: &Value) -> bool {
    let injected = |pod: &Value| pod.pointer(&annotation::pointer()).cloned();
    if injected(meant).is_some() || injected(there).is_some() {
        return injected(there) == injected(meant);
    }
    let containers = |pod: &Value| -> Vec<Value> {
        let kinds = ["/spec/initContainers", "/spec/containers"];
        let all = kinds.iter().flat_map(|kind| list(pod, kind));
        all.map(|container| {
            let field = |name: &str| container.get(name).cloned().unwrap_or_default();
            Value::from(["name", "image", "command", "args"].map(field).to_vec())
        })
        .collect()
    };
    containers(there) == containers(meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::Injected;
    use serde_json::json;

    fn pod(image: &str) -> Value {
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "legacy", "image": image}]}})
    }

    fn injected(replaces: &str) -> Value {
        let annotation =
            r#"{"version":"1","config":"","configMap":"","plugin":"","listens":[],"originals":{}}"#;
        let mut pod = pod("a");
        pod["metadata"]["annotations"] = json!({annotation::NAME: annotation});
        Injected::note_replaced(&mut pod, replaces).unwrap();
        pod
    }

    #[test]
    fn a_pod_is_known_by_whose_place_it_takes() {
        assert!(is_alike(&injected("1"), &injected("1")));
        assert!(!is_alike(&injected("2"), &injected("1")));
        assert!(!is_alike(&pod("a"), &injected("1")));
        assert!(!is_alike(&injected("1"), &pod("a")));
    }

    #[test]
    fn an_original_is_known_by_its_containers() {
        let mut filled_in = pod("a");
        filled_in["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
        assert!(is_alike(&filled_in, &pod("a")));
        assert!(!is_alike(&pod("b"), &pod("a")));
    }
}
