//! Carries out the injection of a workload: each step such that it can be done twice, and such that what fails is taken
//! back.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Planned, Step};
use crate::annotation;
use crate::cluster::Mode;
use crate::commands::inject::in_front::not_all_led;
use crate::commands::uninject::in_front::undone;
use crate::failure::{Exit, Failure, Result};
use crate::leftovers;
use crate::plan::{Options, text};
use crate::rollout::{self, Change, End, Workload};
use crate::signals::Interrupt;

impl Step<'_> {
    /// ConfigMaps, pods, Services. What goes wrong on the way is taken back.
    pub(super) async fn carry_out(&self, planned: &Planned, there: bool) -> Result<End> {
        let (cluster, plan) = (self.cluster, &planned.plan);
        // From here on, an interrupt is heeded where nothing is lost by it.
        let left = format!("{} is as it was, but ConfigMaps may be left behind", self.workload.shown());
        let hint = "uninject removes them; the same command again goes on with it";
        Interrupt::listen().at("stopping before anything is changed", left, hint);
        let changed = async {
            // That of the config first: it is what another run would know the other one by.
            cluster.apply_config_map(&plan.config_map, Mode::Real).await?;
            cluster.apply_config_map(&plan.plugin, Mode::Real).await?;
            self.change(planned, there).await
        };
        let failure = match changed.await {
            Err(failure) if !there => failure,
            done => return done,
        };
        let maps = [&plan.plugin, &plan.config_map].map(|map| text(map, "/metadata/name"));
        Err(match leftovers::remove_unused(cluster, &maps, "").await {
            Ok(()) => failure,
            Err(left) => failure.and(Exit::LeftHalfDone, left.message()).hint(
                "once the cluster answers again: the same command again goes on, and uninject removes it",
            ),
        })
    }

    async fn change(&self, planned: &Planned, there: bool) -> Result<End> {
        let (cluster, plan) = (self.cluster, &planned.plan);
        let annotation = text(planned.injected(), &annotation::pointer()).to_owned();
        let present = if there { BTreeSet::new() } else { self.workload.present(cluster).await? };
        let is_new = |pod: &Value| {
            text(pod, &annotation::pointer()) == annotation && !present.contains(text(pod, "/metadata/uid"))
        };
        let change = Change {
            workload: self.workload,
            pod: planned.injected(),
            what: "injected",
            is_new: &is_new,
            config_maps: &[&plan.config_map, &plan.plugin],
            answers: Some(&self.source.loaded.ambassador.ports),
            timeout: self.args.change.timeout,
            rollback: !self.args.change.no_rollback,
            wait: self.args.change.wait,
        };
        if there {
            let end = change.follow(cluster).await?;
            let led = self.lead_services(planned, end).await;
            return led.map(|()| end).map_err(|failure| not_all_led(&self.workload.shown(), failure));
        }
        let (end, now) = match self.prepared(planned, &change).await {
            Err(failure) if !planned.in_front.switches.before.is_empty() => {
                return Err(undone(cluster, self.workload.pod()?, failure).await);
            }
            done => done?,
        };
        if end == End::Contested {
            return Ok(end);
        }
        match self.lead_services(planned, end).await {
            Err(failure) if change.rollback => Err(self.take_back(planned, &change, &now, failure).await),
            led => led.map(|()| end).map_err(|failure| not_all_led(&self.workload.shown(), failure)),
        }
    }

    async fn prepared(&self, planned: &Planned, change: &Change<'_>) -> Result<(End, Workload)> {
        planned.in_front.prepare(self.cluster, &planned.plan, self.source).await?;
        change.carry_out(self.cluster).await
    }

    /// Its pods are new, but not all Services can be led to them: these go back first, then the pods.
    async fn take_back(
        &self,
        planned: &Planned,
        change: &Change<'_>,
        now: &Workload,
        failure: Failure,
    ) -> Failure {
        let original = planned.plan.original.pointer(&planned.plan.template).unwrap_or(&Value::Null);
        if rollout::back_to_program(self.cluster, original).await.is_err() {
            return not_all_led(&self.workload.shown(), failure);
        }
        let failure = change.take_back(self.cluster, now, failure.message()).await;
        match self.workload.pod() {
            Ok(before) if failure.is_rolled_back() => undone(self.cluster, before, failure).await,
            _ => failure,
        }
    }

    async fn lead_services(&self, planned: &Planned, end: End) -> Result<()> {
        let shown = self.workload.shown();
        if end == End::Later && !self.args.change.wait {
            planned.in_front.remind(&format!("all pods of {shown} have it"));
            return Ok(());
        }
        planned.in_front.lead(self.cluster, &planned.plan, self.source, &shown).await
    }

    pub(super) async fn remove_old_config_maps(&self, options: &Options) -> Result<()> {
        let (new, plugin) = (options.config_map.as_str(), self.plugin.config_map());
        let before = self.before.as_ref();
        let old = before.map(|before| [before.plugin.as_str(), before.config_map.as_str()]);
        let mut old: Vec<&str> = old.into_iter().flatten().collect();
        old.retain(|old| *old != new && *old != plugin);
        let mut removed = leftovers::remove_unused(self.cluster, &old, "").await;
        if removed.is_ok() {
            let uid = text(&self.workload.object, "/metadata/uid");
            removed = leftovers::remove_unused_of(self.cluster, uid, Some(new)).await;
        }
        removed.map_err(|failure| {
            failure
                .within(Exit::LeftHalfDone, format!("{} is injected, but", self.workload.shown()))
                .hint("once the cluster answers again, run the same command again")
        })
    }
}
