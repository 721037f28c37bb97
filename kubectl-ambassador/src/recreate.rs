//! Replaces a bare pod by another of its name, so that it cannot be lost: backed up first, both bodies proven
//! admissible before anything is deleted, the old one put back if the new one does not come up.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cluster, Mode, NotCreated};
use crate::failure::{Exit, Failure, Result};
use crate::output::say;
use crate::plan::text;
use crate::verify;

/// How often a creation is tried that did not get a clear answer.
const TRIES: u32 = 5;

/// A pod and what takes its place.
pub(crate) struct Replacement<'a> {
    /// The pod as it was read.
    pub(crate) live: &'a Value,
    /// The same as it can be created again.
    pub(crate) old: &'a Value,
    /// What takes its place.
    pub(crate) new: &'a Value,
}

impl Replacement<'_> {
    /// Asks the server, without changing anything, whether it would admit both bodies.
    pub(crate) async fn prove(&self, cluster: &Cluster) -> Result<()> {
        for (what, pod) in
            [("the new pod", self.new), ("the original pod, should it be needed again", self.old)]
        {
            match cluster.create_pod(pod, Mode::DryRun).await {
                // In use by the pod itself.
                Ok(()) | Err(NotCreated::NameInUse) => {}
                Err(NotCreated::Refused(why) | NotCreated::Unclear(why)) => {
                    return Err(Failure::unchanged(format!("the cluster would refuse {what}: {why}")));
                }
            }
        }
        Ok(())
    }

    /// Deletes the old pod and creates the new one; `Err` says what was put back.
    pub(crate) async fn carry_out(&self, cluster: &Cluster) -> Result<()> {
        let backup = Backup::write(self.old)?;
        cluster.delete_pod(self.live).await?;
        cluster.wait_until_gone(self.live).await.map_err(|failure| backup.left_half_done(failure))?;
        match create(cluster, self.new).await {
            Ok(()) => {
                backup.remove();
                Ok(())
            }
            Err(refused) => {
                create(cluster, self.old).await.map_err(|failure| backup.left_half_done(failure))?;
                backup.remove();
                Err(refused.within(Exit::RolledBack, "the new pod was refused, the original one is back"))
            }
        }
    }

    /// Puts the old pod in the place of the new one, and waits until it is ready. Says how it ended.
    pub(crate) async fn undo(&self, cluster: &Cluster, timeout: Duration, why: &str) -> Failure {
        match self.try_undo(cluster).await {
            Ok(()) => {}
            Err(failure) => return failure,
        }
        let name = text(self.old, "/metadata/name");
        let rolled_back = Failure::new(Exit::RolledBack, format!("pod/{name} was not injected: {why}"));
        match verify::ready(cluster, name, timeout).await {
            Ok(_) => rolled_back.hint("the original pod is back and ready"),
            Err(waiting) => {
                rolled_back.hint(format!("the original pod is back, but not ready yet: {waiting}"))
            }
        }
    }

    async fn try_undo(&self, cluster: &Cluster) -> Result<()> {
        let name = text(self.old, "/metadata/name");
        let backup = Backup::write(self.old)?;
        let current = cluster.pod(name).await.map_err(|failure| backup.left_half_done(failure))?;
        if let Some(current) = current {
            cluster.delete_pod(&current).await.map_err(|failure| backup.left_half_done(failure))?;
            cluster.wait_until_gone(&current).await.map_err(|failure| backup.left_half_done(failure))?;
        }
        create(cluster, self.old).await.map_err(|failure| backup.left_half_done(failure))?;
        backup.remove();
        Ok(())
    }
}

/// Creates a pod. After an answer that was lost, whatever stands there decides: ours means that it went through.
async fn create(cluster: &Cluster, pod: &Value) -> Result<()> {
    let name = text(pod, "/metadata/name");
    let mut last = String::new();
    for attempt in 0..TRIES {
        match cluster.create_pod(pod, Mode::Real).await {
            Ok(()) => return Ok(()),
            Err(NotCreated::NameInUse) => {
                let there = cluster.pod(name).await?;
                return match there {
                    Some(there) if attempt > 0 && is_same(&there, pod) => Ok(()),
                    _ => Err(Failure::unchanged(format!("another pod/{name} has taken the name meanwhile"))),
                };
            }
            Err(NotCreated::Refused(why)) => return Err(Failure::unchanged(why)),
            Err(NotCreated::Unclear(why)) => last = why,
        }
        say(&format!("creating pod/{name} failed ({last}), trying again"));
        tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
    }
    Err(Failure::unchanged(format!("cannot create pod/{name}: {last}")))
}

/// Whether the pod that stands there is the one that we meant to create: its containers and its annotations.
fn is_same(there: &Value, meant: &Value) -> bool {
    let names = |pod: &Value| -> Vec<String> {
        let kinds = ["/spec/initContainers", "/spec/containers"];
        let all = kinds.iter().flat_map(|kind| crate::plan::list(pod, kind).to_vec());
        all.map(|container| format!("{} {}", text(&container, "/name"), text(&container, "/image"))).collect()
    };
    let injected = |pod: &Value| {
        pod.pointer("/metadata/annotations").and_then(|all| all.get(crate::annotation::NAME)).cloned()
    };
    names(there) == names(meant) && injected(there) == injected(meant)
}

/// The old pod in a private file, for as long as it may be nowhere else.
struct Backup(PathBuf);

impl Backup {
    /// No backup, no go.
    fn write(pod: &Value) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::unchanged(format!("cannot write a backup of the pod: {error}"))
        };
        let dir = state_dir().ok_or_else(|| failed(&"neither XDG_STATE_HOME nor HOME is set"))?;
        std::fs::create_dir_all(&dir).map_err(|error| failed(&error))?;
        let file = format!("{}.{}.json", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        let path = dir.join(file);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| {
            file.write_all(format!("{pod:#}\n").as_bytes()).and_then(|()| file.sync_all())
        });
        written.map_err(|error| failed(&error))?;
        Ok(Self(path))
    }

    fn left_half_done(&self, failure: Failure) -> Failure {
        failure
            .within(Exit::LeftHalfDone, "the pod may be missing")
            .hint(format!("once the cluster answers again: kubectl create -f {}", self.0.display()))
    }

    fn remove(self) {
        let _ = std::fs::remove_file(self.0);
    }
}

fn state_dir() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    Some(state.or_else(home)?.join("kubectl-ambassador/backups"))
}
