//! One change of a pod template, from the patch to the end of the rollout, or back.

use std::time::{Duration, Instant};

use ambassador_core::ports::PortMap;
use serde_json::{Value, json};

use super::Workload;
use super::status::{Course, Status, course, status};
use super::watch::{Trouble, Watch, pods};
use crate::cluster::{Cluster, Mode};
use crate::failure::{Exit, Failure, Result};
use crate::output::say;
use crate::plan::text;
use crate::signals::Interrupt;
use crate::verify;

/// How long a server that does not answer is tried when a template is to be put back, at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two tries.
const AGAIN: Duration = Duration::from_secs(2);

/// What is to be changed, and how one sees that it is.
pub(crate) struct Change<'a> {
    /// The workload as it was read.
    pub(crate) workload: &'a Workload,
    /// The pod template that it is to have.
    pub(crate) pod: &'a Value,
    /// `injected` or `uninjected`.
    pub(crate) what: &'static str,
    /// Whether a pod is made of the new template.
    pub(crate) is_new: &'a dyn Fn(&Value) -> bool,
    /// The ConfigMaps that new pods mount.
    pub(crate) config_maps: &'a [&'a Value],
    /// What a new pod has to answer on.
    pub(crate) answers: Option<&'a PortMap>,
    /// How long the rollout may take from one step to the next.
    pub(crate) timeout: Duration,
    /// Whether what does not come up is taken back.
    pub(crate) rollback: bool,
    /// Whether the rollout is watched at all.
    pub(crate) wait: bool,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All pods are new.
    Done,
    /// The template is changed, and pods will be when somebody does something.
    Later,
    /// Somebody else has changed the template in between: nothing was done.
    Contested,
}

impl Change<'_> {
    /// Changes the template, and stays until the pods are new; with the workload as it was changed. What does not come up
    /// is taken back: `Err` says so.
    pub(crate) async fn carry_out(&self, cluster: &Cluster) -> Result<(End, Workload)> {
        let shown = self.workload.shown();
        // From here to the end of the rollout, an interrupt takes it back.
        let mut interrupt = Interrupt::listen();
        if interrupt.is_wanted() {
            return Err(Failure::unchanged(format!("{shown} was not {}: interrupted", self.what)));
        }
        self.note(&interrupt, format!("rolling {shown} back"));
        let Some(now) = self.workload.put(cluster, self.pod, Mode::Real).await? else {
            return Ok((End::Contested, self.workload.clone()));
        };
        let finished = tokio::select! {
            finished = self.come_up(cluster, &now) => finished,
            () = interrupt.wanted() => Err("interrupted".to_owned().into()),
        };
        match finished {
            Ok(end) => Ok((end, now)),
            Err(Trouble::Wrong(why)) if !self.rollback => Err(self.left(&why)),
            Err(Trouble::Wrong(why)) => Err(self.take_back(cluster, &now, &why).await),
            Err(Trouble::Replaced) => Err(self.replaced()),
        }
    }

    async fn come_up(&self, cluster: &Cluster, now: &Workload) -> std::result::Result<End, Trouble> {
        self.keep_config_maps(cluster).await.map_err(|failure| failure.message().to_owned())?;
        if let Some(why) = self.later(now) {
            say(&why);
            return Ok(End::Later);
        }
        self.watch().finished(cluster, now).await.map(|()| End::Done)
    }

    /// Stays with a rollout that began before: somebody was killed, or has applied the very template.
    pub(crate) async fn follow(&self, cluster: &Cluster) -> Result<End> {
        if let Some(why) = self.later(self.workload) {
            say(&why);
            return Ok(End::Later);
        }
        let mut interrupt = Interrupt::listen();
        self.note(&interrupt, "leaving the rollout to itself".to_owned());
        let watch = self.watch();
        let finished = tokio::select! {
            finished = watch.finished(cluster, self.workload) => finished,
            () = interrupt.wanted() => Err("interrupted".to_owned().into()),
        };
        finished.map(|()| End::Done).map_err(|trouble| match trouble {
            Trouble::Replaced => self.replaced(),
            Trouble::Wrong(why) => {
                let (shown, what) = (self.workload.shown(), self.what);
                Failure::unchanged(format!("{shown} is {what}, but its pods do not come up: {why}"))
                    .hint("its rollout began before this command, which has changed nothing")
            }
        })
    }

    fn note(&self, interrupt: &Interrupt, then: String) {
        let shown = self.workload.shown();
        let left = format!("{shown} is {} or not, in whatever state its rollout is", self.what);
        interrupt.at(then, left, "the same command again goes on with it");
    }

    /// Why nobody stays until the pods of `now` are new, if nobody does.
    fn later(&self, now: &Workload) -> Option<String> {
        match (course(now), status(&now.object)) {
            (Course::Later(why), _) => Some(why),
            (Course::Rollout, Status::Done(_)) => None,
            (Course::Rollout, state) if !self.wait => {
                let shown = now.shown();
                let follow = match state {
                    Status::Unknown => String::new(),
                    _ => format!(": kubectl rollout status {shown}"),
                };
                Some(format!("the rollout of {shown} is not waited for{follow}"))
            }
            _ => None,
        }
    }

    fn left(&self, why: &str) -> Failure {
        let (shown, what) = (self.workload.shown(), self.what);
        Failure::new(Exit::LeftHalfDone, format!("{shown} is {what}, but: {why}"))
            .hint(format!("kubectl rollout undo {shown} goes back to what was before"))
    }

    fn replaced(&self) -> Failure {
        let (shown, what) = (self.workload.shown(), self.what);
        let message =
            format!("{shown} was {what}, but somebody else has changed that before its pods were new");
        Failure::new(Exit::LeftHalfDone, message).hint("agree with them, then run this again")
    }

    /// Another one of us may have found, before the template named them, that nobody uses them.
    async fn keep_config_maps(&self, cluster: &Cluster) -> Result<()> {
        for map in self.config_maps {
            if cluster.config_map(text(map, "/metadata/name")).await?.is_none() {
                cluster.apply_config_map(map, Mode::Real).await?;
            }
        }
        Ok(())
    }

    fn watch(&self) -> Watch<'_> {
        Watch { is_new: self.is_new, answers: self.answers, timeout: self.timeout }
    }

    /// Puts the old template back, and waits until its pods are all there. Says how it ended.
    pub(crate) async fn take_back(&self, cluster: &Cluster, now: &Workload, why: &str) -> Failure {
        let shown = self.workload.shown();
        let message = format!("{shown} was not {}: {why}", self.what);
        self.note(&Interrupt::listen(), format!("{shown} is being rolled back already"));
        say(&format!("rolling {shown} back ..."));
        match self.put_back(cluster, now).await {
            Ok(Some(back)) => match self.wait_for_old_pods(cluster, &back).await {
                Ok(()) => Failure::new(Exit::RolledBack, message).hint("its pods are as they were"),
                Err(Trouble::Wrong(waiting)) => Failure::new(Exit::RolledBack, message)
                    .hint(format!("its pod template is as it was, but not all of its pods yet: {waiting}")),
                Err(Trouble::Replaced) => {
                    Failure::new(Exit::RolledBack, message).hint("somebody else has changed it since")
                }
            },
            Ok(None) => Failure::new(Exit::LeftHalfDone, message).hint(format!(
                "somebody else has changed {shown} meanwhile, so it was left as it is; kubectl rollout history shows \
                 what there was"
            )),
            Err(failure) => failure
                .within(Exit::LeftHalfDone, format!("{message}; and it could not be put back"))
                .hint(format!("once the cluster answers again: kubectl rollout undo {shown}")),
        }
    }

    async fn put_back(&self, cluster: &Cluster, now: &Workload) -> Result<Option<Workload>> {
        let before = self.workload.pod()?;
        let deadline = Instant::now() + self.timeout.min(PATIENCE);
        loop {
            match now.put(cluster, before, Mode::Real).await {
                Err(failure) if !failure.may_pass() || Instant::now() > deadline => return Err(failure),
                Err(_) => tokio::time::sleep(AGAIN).await,
                done => return done,
            }
        }
    }

    async fn wait_for_old_pods(
        &self,
        cluster: &Cluster,
        back: &Workload,
    ) -> std::result::Result<(), Trouble> {
        if back.kind() == "statefulset" {
            self.delete_broken_pods(cluster, back).await;
        }
        let watch = Watch { is_new: &|_| false, answers: None, timeout: self.timeout };
        watch.finished(cluster, back).await
    }

    /// A StatefulSet waits for a pod to be ready before it goes on to replace it, even one that never will be: "forced
    /// rollback" in its documentation. The pod was made by us and serves nobody, so it is deleted for it.
    async fn delete_broken_pods(&self, cluster: &Cluster, back: &Workload) {
        let pods = pods(cluster, back).await.unwrap_or_default();
        for pod in pods.iter().filter(|pod| (self.is_new)(pod) && !verify::is_ready(pod)) {
            say(&format!("deleting pod/{}, which is not ready", text(pod, "/metadata/name")));
            // Whatever its status has become meanwhile.
            let seen = json!({"metadata": {"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}});
            if let Err(why) = cluster.delete_pod(&seen).await {
                say(&format!("warning: cannot delete pod/{}: {why}", text(pod, "/metadata/name")));
            }
        }
    }
}
