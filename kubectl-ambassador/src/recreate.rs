//! Replaces a bare pod by another of its name, so that it cannot be lost: noted on disk first, both bodies proven
//! admissible before anything is deleted, the old one put back if the new one does not come up.
//!
//! What is true is asked of the cluster at each step; the journal says what was meant. So a run that was cut off anywhere
//! is taken up by [`resume`](Work::resume), from whatever it finds.

mod calls;
mod resume;

pub(crate) use resume::Resumed;

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cluster, Mode};
use crate::failure::{Exit, Failure, Result};
use crate::journal::{Journal, Step};
use crate::leftovers::remove_unused;
use crate::output::say;
use crate::signals::Interrupt;
use crate::{admission, findings, plan, source, verify};

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
        self.at(Step::Prepared);
        for map in needs {
            if let Err(failure) = self.cluster.apply_config_map(map, Mode::Real).await {
                return Err(self.give_up(failure.message()).await);
            }
        }
        if self.interrupt.is_wanted() {
            return Err(self.give_up("interrupted").await);
        }
        say(&format!("replacing pod/{} ...", self.name()));
        self.at(Step::Deleting);
        match self.delete(live, &self.journal.entry.old.clone()).await {
            Ok(()) => {}
            Err(Stopped::Untouched(why) | Stopped::Refused(why)) => return Err(self.give_up(&why).await),
            Err(Stopped::Open(failure)) => return Err(failure),
        }
        self.create_new().await
    }

    /// The old pod is gone.
    async fn create_new(mut self) -> Result<()> {
        self.at(Step::Creating);
        match self.create(&self.journal.entry.new.clone()).await {
            Ok(()) if !self.wait => {
                say(&format!("not waited for: kubectl wait --for=condition=Ready pod/{}", self.name()));
                self.finish().await
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
        self.at(Step::Verifying);
        let mut interrupt = self.interrupt.clone();
        let result = tokio::select! {
            result = self.is_up() => result,
            () = interrupt.wanted() => Err("interrupted".to_owned()),
        };
        let name = self.name().to_owned();
        match result {
            Ok(()) => return self.finish().await,
            // What takes its place is what was there before any injection: there is nothing better to put back.
            Err(why) if self.journal.entry.config.is_none() => {
                say(&format!("warning: the original pod is back, but not ready: {why}"));
                self.finish().await
            }
            Err(why) if !self.rollback => {
                let command = self.journal.entry.resume_command();
                Err(Failure::new(Exit::LeftHalfDone, format!("pod/{name} is injected, but: {why}"))
                    .hint(format!("to keep it: {command}; to put the original back: {command} --back")))
            }
            Err(why) => {
                say(&format!("pod/{name} did not come up, putting the original back ..."));
                self.put_back(&why).await
            }
        }
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
        self.at(Step::PuttingBack);
        let current = self.cluster.pod_patiently(self.name(), self.patience()).await;
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
        self.at(Step::PuttingBack);
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
        let entry = &self.journal.entry;
        let rolled_back =
            Failure::new(Exit::RolledBack, format!("pod/{} was not {}: {why}", entry.pod, entry.done));
        if let Err(left) = self.restore_config_maps().await {
            return Err(self.left_behind(&rolled_back, &left));
        }
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
    async fn finish(self) -> Result<()> {
        let entry = &self.journal.entry;
        let command = entry.resume_command();
        let left =
            format!("pod/{0} is {1}, but not all may be removed that it used before", entry.pod, entry.done);
        self.interrupt.at(format!("finishing with pod/{} first", entry.pod), left, command);
        let leftovers: Vec<&str> = entry.leftovers.iter().map(String::as_str).collect();
        if let Err(left) = remove_unused(self.cluster, &leftovers, self.name()).await {
            let done = Failure::unchanged(format!("pod/{} is {}", entry.pod, entry.done));
            return Err(self.left_behind(&done, &left));
        }
        self.journal.finish();
        Ok(())
    }

    /// The old pod was never touched.
    async fn give_up(self, why: &str) -> Failure {
        let entry = &self.journal.entry;
        let failure = Failure::unchanged(format!("pod/{} was not {}: {why}", entry.pod, entry.done));
        if let Err(left) = self.restore_config_maps().await {
            return self.left_behind(&failure, &left);
        }
        self.journal.finish();
        failure.hint("the original pod was not touched")
    }

    /// As they were before: the content, or none at all. An error is one that may be gone the next time.
    async fn restore_config_maps(&self) -> Result<()> {
        let needed = &self.journal.entry.needed;
        let made = needed.iter().filter(|needed| needed.before.is_none());
        let made: Vec<&str> = made.map(|needed| needed.name.as_str()).collect();
        remove_unused(self.cluster, &made, self.name()).await?;
        for before in needed.iter().filter_map(|needed| needed.before.as_ref()) {
            let before = plan::without_server_fields(before);
            match self.cluster.apply_config_map(&before, Mode::Real).await {
                Err(failure) if failure.may_pass() => return Err(failure),
                Err(failure) => say(&format!("warning: {}", failure.message())),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Notes how far it is, for another run of this program and for who interrupts this one.
    fn at(&mut self, step: Step) {
        self.journal.at(step);
        let (name, command) = (self.name(), self.journal.entry.resume_command());
        let then = match step {
            Step::Prepared => "stopping before anything is changed".to_owned(),
            Step::Deleting | Step::Creating => {
                format!("waiting until pod/{name} stands, to put the original back")
            }
            Step::Verifying | Step::PuttingBack => format!("putting the original of pod/{name} back"),
        };
        let hint = format!("to finish it: {command}; to put the original back: {command} --back");
        self.interrupt.at(then, format!("pod/{name} may be missing"), hint);
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

    /// The pod is as it should be, but what is around it is not, until the cluster answers again.
    fn left_behind(&self, pod: &Failure, left: &Failure) -> Failure {
        let command = self.journal.entry.resume_command();
        Failure::new(Exit::LeftHalfDone, format!("{}, and {}", pod.message(), left.message()))
            .hint(format!("once the cluster answers again: {command}"))
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
