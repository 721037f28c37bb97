//! Takes up what another run has left, from what the cluster shows.

use super::Work;
use crate::failure::{Failure, Result};
use crate::journal::Step;
use crate::output::say;
use crate::plan::text;

/// How it ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// The new pod stands, and answers.
    Done,
    /// The old pod stands, and was never touched or is back.
    Original,
}

impl Work<'_> {
    /// Finishes the change, or with `back` undoes it.
    pub(crate) async fn resume(mut self, back: bool) -> Result<Resumed> {
        let there = self.cluster.pod_patiently(self.name(), self.patience()).await?;
        let back = back || self.journal.entry.step == Step::PuttingBack;
        let Some(there) = there else {
            return if back { self.back().await } else { self.forward().await };
        };
        let entry = &self.journal.entry;
        if text(&there, "/metadata/uid") == entry.uid {
            if there.pointer("/metadata/deletionTimestamp").is_none() {
                let failure = self.give_up("it was left before anything was done").await;
                return if failure.is_half_done() { Err(failure) } else { Ok(Resumed::Original) };
            }
            say(&format!("pod/{} is terminating ...", self.name()));
            if let Err(super::Stopped::Open(failure)) = self.wait_until_gone(&there).await {
                return Err(failure);
            }
            return if back { self.back().await } else { self.forward().await };
        }
        if self.is_same(&there, &entry.new) {
            if back {
                return undone(self.put_back("it was put back").await);
            }
            return self.see_it_up().await.map(|()| Resumed::Done);
        }
        if self.is_same(&there, &entry.old) {
            self.at(Step::PuttingBack);
            return undone(self.old_stands("it was put back").await);
        }
        Err(self.foreign())
    }

    async fn forward(self) -> Result<Resumed> {
        say(&format!("pod/{} is missing, creating it ...", self.name()));
        self.create_new().await.map(|()| Resumed::Done)
    }

    async fn back(self) -> Result<Resumed> {
        say(&format!("pod/{} is missing, creating the original ...", self.name()));
        undone(self.create_old("it was put back").await)
    }
}

/// To put the old pod back was what was wanted: that end is a good one here.
fn undone(result: Result<()>) -> Result<Resumed> {
    match result {
        Ok(()) => Ok(Resumed::Original),
        Err(failure) if Failure::is_rolled_back(&failure) => Ok(Resumed::Original),
        Err(failure) => Err(failure),
    }
}
