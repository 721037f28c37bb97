//! Replaces a bare pod by another of its name, so that it cannot be lost: noted on disk first, both bodies proven
//! admissible before anything is deleted, the old one put back if the new one does not come up.
//!
//! What is true is asked of the cluster at each step; the journal says what was meant. So a run that was cut off anywhere
//! is taken up by [`resume`](Work::resume), from whatever it finds.

mod resume;

pub(crate) use resume::Resumed;

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::{self, Cluster, Mode, NotCreated, NotDeleted};
use crate::failure::{Exit, Failure, Result};
use crate::findings;
use crate::journal::{Journal, Step};
use crate::leftovers::remove_unused;
use crate::output::say;
use crate::plan::{list, text};
use crate::signals::Interrupt;
use crate::{admission, annotation, plan, source, verify};

/// How often a call is tried that did not get a clear answer.
const TRIES: u32 = 5;
/// How long a server that cannot be reached is tried, once the old pod may be gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Kubernetes' own default for a pod that says nothing.
const GRACE: u64 = 30;

/// Asks the server, without changing anything, whether it would admit the bodies of both pods.
pub(crate) async fn prove(cluster: &Cluster, old: &Value, new: &Value) -> Result<()> {
    for (what, pod) in [("the new pod", new), ("the original pod, should it be needed again", old)] {
        let asked = admission::ask(cluster, pod).await;
        asked.map_err(|why| findings::failure(&findings::refused("", what, &why)))?;
    }
    Ok(())
}

/// A replacement under way.
pub(crate) struct Work<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) journal: Journal,
    /// How long the new pod may take to be ready, and the old one to be gone beyond its own grace period.
    pub(crate) timeout: Duration,
    /// Whether the old pod is put back if the new one does not come up.
    pub(crate) rollback: bool,
    /// Whether the new pod is waited for.
    pub(crate) wait: bool,
    pub(crate) interrupt: Interrupt,
}

/// Why a step did not do what it should.
enum Stopped {
    /// The old pod stands as it was.
    Untouched(String),
    /// The server does not want the pod.
    Refused(String),
    /// Nobody knows, or somebody else's pod has the name: a person has to look, then `resume`.
    Open(Failure),
}

impl Work<'_> {
    /// Applies what the new pod needs, takes the pod that was read as `live` out and puts the new one in its place, waits
    /// until it is ready and answers, and puts the old one back if it does not.
    pub(crate) async fn replace(mut self, live: &Value, needs: &[&Value]) -> Result<()> {
        for map in needs {
            if let Err(failure) = self.cluster.apply_config_map(map, Mode::Real).await {
                return Err(self.give_up(failure.message()).await);
            }
        }
        if self.interrupt.is_wanted() {
            return Err(self.give_up("interrupted").await);
        }
        say(&format!("replacing pod/{} ...", self.name()));
        self.journal.at(Step::Deleting);
        match self.delete(live, &self.journal.entry.old.clone()).await {
            Ok(()) => {}
            Err(Stopped::Untouched(why) | Stopped::Refused(why)) => return Err(self.give_up(&why).await),
            Err(Stopped::Open(failure)) => return Err(failure),
        }
        self.create_new().await
    }

    /// The old pod is gone.
    async fn create_new(mut self) -> Result<()> {
        self.journal.at(Step::Creating);
        match self.create(&self.journal.entry.new.clone()).await {
            Ok(()) if !self.wait => {
                say(&format!("not waited for: kubectl wait --for=condition=Ready pod/{}", self.name()));
                self.finish().await;
                Ok(())
            }
            Ok(()) => self.see_it_up().await,
            Err(Stopped::Open(failure)) => Err(failure),
            Err(Stopped::Refused(why) | Stopped::Untouched(why)) => {
                say("the new pod is refused, putting the original back ...");
                let why = admission::explained(self.cluster, &self.journal.entry.new, why).await;
                self.create_old(&format!("the new pod is refused: {why}")).await
            }
        }
    }

    /// The new pod is there.
    async fn see_it_up(mut self) -> Result<()> {
        self.journal.at(Step::Verifying);
        let mut interrupt = self.interrupt.clone();
        let result = tokio::select! {
            result = self.is_up() => result,
            () = interrupt.wanted() => Err("interrupted".to_owned()),
        };
        let name = self.name().to_owned();
        match result {
            Ok(()) => self.finish().await,
            // What takes its place is what was there before any injection: there is nothing better to put back.
            Err(why) if self.journal.entry.config.is_none() => {
                say(&format!("warning: the original pod is back, but not ready: {why}"));
                self.finish().await;
            }
            Err(why) if !self.rollback => {
                let command = self.journal.entry.resume_command();
                return Err(Failure::new(Exit::LeftHalfDone, format!("pod/{name} is injected, but: {why}"))
                    .hint(format!("to keep it: {command}; to put the original back: {command} --back")));
            }
            Err(why) => {
                say(&format!("pod/{name} did not come up, putting the original back ..."));
                return self.put_back(&why).await;
            }
        }
        Ok(())
    }

    async fn is_up(&self) -> std::result::Result<(), String> {
        let (cluster, name) = (self.cluster, self.name());
        let pod = verify::ready(cluster, name, self.timeout).await?;
        let Some(config) = &self.journal.entry.config else { return Ok(()) };
        if !plan::runs_beside(&pod) {
            return Err(format!("admission has taken the container {} out of the pod", plan::CONTAINER));
        }
        let config = source::load("the config in the journal", config.clone());
        let config = config.map_err(|failure| failure.message().to_owned())?;
        verify::answers(cluster, name, &config.loaded.ambassador.ports, self.timeout).await
    }

    /// The new pod, if it is there, gives way to the old one. Says how it ended, which is never well.
    async fn put_back(mut self, why: &str) -> Result<()> {
        self.journal.at(Step::PuttingBack);
        let current = self.cluster.pod_patiently(self.name(), patience()).await;
        let current = match current {
            Ok(current) => current,
            Err(failure) => return Err(self.left_open(failure)),
        };
        let Some(current) = current else { return self.create_old(why).await };
        if self.is_same(&current, &self.journal.entry.new) {
            let new = plan::without_what_the_server_sets(&current);
            match self.delete(&current, &new).await {
                Ok(()) => return self.create_old(why).await,
                Err(Stopped::Open(failure)) => return Err(failure),
                Err(Stopped::Untouched(reason) | Stopped::Refused(reason)) => {
                    let failure = Failure::unchanged(format!("cannot delete pod/{}: {reason}", self.name()));
                    return Err(self.left_open(failure));
                }
            }
        }
        if self.is_same(&current, &self.journal.entry.old) {
            return self.old_stands(why).await;
        }
        Err(self.foreign())
    }

    /// The name is free.
    async fn create_old(mut self, why: &str) -> Result<()> {
        self.journal.at(Step::PuttingBack);
        match self.create(&self.journal.entry.old.clone()).await {
            Ok(()) => self.old_stands(why).await,
            Err(Stopped::Open(failure)) => Err(failure),
            Err(Stopped::Refused(reason) | Stopped::Untouched(reason)) => {
                Err(self.left_open(Failure::unchanged(format!("the original pod is refused: {reason}"))))
            }
        }
    }

    /// The old pod stands again.
    async fn old_stands(self, why: &str) -> Result<()> {
        self.restore_config_maps().await;
        let entry = &self.journal.entry;
        let rolled_back =
            Failure::new(Exit::RolledBack, format!("pod/{} was not {}: {why}", entry.pod, entry.done));
        let ready = verify::ready(self.cluster, self.name(), self.timeout).await;
        self.journal.finish();
        Err(match ready {
            Ok(_) => rolled_back.hint("the original pod is back and ready"),
            Err(waiting) => {
                rolled_back.hint(format!("the original pod is back, but not ready yet: {waiting}"))
            }
        })
    }

    /// The new pod is there to stay.
    async fn finish(self) {
        for name in &self.journal.entry.leftovers {
            remove_unused(self.cluster, name, self.name()).await;
        }
        self.journal.finish();
    }

    /// The old pod was never touched.
    async fn give_up(self, why: &str) -> Failure {
        self.restore_config_maps().await;
        let entry = &self.journal.entry;
        let failure = Failure::unchanged(format!("pod/{} was not {}: {why}", entry.pod, entry.done))
            .hint("the original pod was not touched");
        self.journal.finish();
        failure
    }

    /// Deletes the pod that was read as `seen` and waits until it is gone. Its status changes by itself, and so does its
    /// version: it is the same as long as what can be created of it is `body`.
    async fn delete(&self, seen: &Value, body: &Value) -> std::result::Result<(), Stopped> {
        let (name, uid) = (self.name(), text(seen, "/metadata/uid"));
        let mut seen = seen.clone();
        let mut unclear = None;
        for attempt in 0..TRIES {
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
            let there =
                self.cluster.pod_patiently(name, patience()).await.map_err(|failure| self.open(failure))?;
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
                _ => {}
            }
            seen = there;
        }
        let why = unclear.unwrap_or_else(|| "its status changes too fast".to_owned());
        Err(self.open(Failure::unchanged(format!("cannot delete pod/{name}: {why}"))))
    }

    async fn wait_until_gone(&self, seen: &Value) -> std::result::Result<(), Stopped> {
        let grace = seen
            .pointer("/metadata/deletionGracePeriodSeconds")
            .or_else(|| seen.pointer("/spec/terminationGracePeriodSeconds"));
        let grace = Duration::from_secs(grace.and_then(Value::as_u64).unwrap_or(GRACE));
        let deadline = Instant::now() + grace + self.timeout.max(PATIENCE);
        let uid = text(seen, "/metadata/uid");
        match self.cluster.wait_until_gone(self.name(), uid, deadline).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(self.open(Failure::unchanged(format!("pod/{} is still terminating", self.name()))))
            }
            Err(failure) => Err(self.open(failure)),
        }
    }

    /// Creates a pod. After an answer that was lost, whatever stands there decides.
    async fn create(&self, pod: &Value) -> std::result::Result<(), Stopped> {
        let name = self.name();
        let mut last = String::new();
        for attempt in 0..TRIES {
            match self.cluster.create_pod(pod, Mode::Real).await {
                Ok(()) => return Ok(()),
                Err(NotCreated::Refused(why)) => return Err(Stopped::Refused(why)),
                Err(NotCreated::NameInUse) => {
                    let there = self.cluster.pod_patiently(name, patience()).await;
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
            tokio::time::sleep(pause(attempt)).await;
        }
        Err(self.open(Failure::unchanged(format!("cannot create pod/{name}: {last}"))))
    }

    /// As they were before: the content, or none at all.
    async fn restore_config_maps(&self) {
        for needed in &self.journal.entry.needed {
            let Some(before) = &needed.before else {
                remove_unused(self.cluster, &needed.name, self.name()).await;
                continue;
            };
            let before = plan::without_server_fields(before);
            if let Err(failure) = self.cluster.apply_config_map(&before, Mode::Real).await {
                say(&format!("warning: {}", failure.message()));
            }
        }
    }

    /// Whether a pod that stands there is one that this program meant to create.
    fn is_same(&self, there: &Value, meant: &Value) -> bool {
        cluster::is_created_by(there, &self.journal.entry.manager) && is_alike(there, meant)
    }

    fn name(&self) -> &str {
        &self.journal.entry.pod
    }

    fn open(&self, failure: Failure) -> Stopped {
        Stopped::Open(self.left_open(failure))
    }

    fn left_open(&self, failure: Failure) -> Failure {
        failure.within(Exit::LeftHalfDone, "the pod may be missing").hint(format!(
            "once the cluster answers again: {}; the pod's body is in {}",
            self.journal.entry.resume_command(),
            self.journal.path().display()
        ))
    }

    fn foreign(&self) -> Failure {
        let (pod, command) = (self.name(), self.journal.entry.resume_command());
        Failure::new(
            Exit::LeftHalfDone,
            format!("another pod/{pod} has taken the name meanwhile, and is left alone"),
        )
        .hint(format!(
            "the original is in {}; once the name is free: {command}; to forget it: {command} --forget",
            self.journal.path().display(),
        ))
    }
}

fn patience() -> Instant {
    Instant::now() + PATIENCE
}

fn pause(attempt: u32) -> Duration {
    Duration::from_millis(500 << attempt)
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
