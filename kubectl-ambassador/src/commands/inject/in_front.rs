//! The Services in front of what is injected: said beforehand, led to the ambassador when its pods have it.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::failure::{Exit, Failure, Result};
use crate::output::say;
use crate::plan::Plan;
use crate::rollout;
use crate::rollout::services::{Pods, Switch, Switches, forward};
use crate::signals::Interrupt;
use crate::source::Source;

/// What is to become of them.
pub(super) struct InFront {
    pub(super) services: Vec<Value>,
    pub(super) switches: Switches,
    is_kept: bool,
}

/// The pods of a plan as Services see them.
fn pods<'a>(plan: &'a Plan, source: &'a Source) -> Pods<'a> {
    let pod = |object: &'a Value| object.pointer(&plan.template).unwrap_or(&Value::Null);
    Pods {
        original: pod(&plan.original),
        injected: pod(&plan.injected),
        ports: &source.loaded.ambassador.ports,
    }
}

impl InFront {
    /// Looks at all Services of the namespace, unless they are to be left alone.
    pub(super) async fn look(cluster: &Cluster, is_kept: bool) -> Result<Self> {
        let services = rollout::services_unless(cluster, is_kept).await?;
        let is_kept = services.is_none();
        Ok(Self { services: services.unwrap_or_default(), switches: Switches::default(), is_kept })
    }

    /// Finds out which of them lead past the ambassador of a plan.
    pub(super) fn plan(&mut self, plan: &Plan, source: &Source) {
        self.switches = forward(&self.services, &pods(plan, source));
    }

    /// Whether there is anything to be changed.
    pub(super) fn is_concerned(&self) -> bool {
        !(self.switches.before.is_empty() && self.switches.after.is_empty())
    }

    /// Whether one of them could lead to the ambassador now and does not.
    pub(super) async fn has_to_switch(&self, cluster: &Cluster) -> Result<bool> {
        let after = self.switches.after.clone();
        Ok(!rollout::pending(cluster, after, &self.services).await?.is_empty())
    }

    /// What is to be changed, in the order in which it is.
    pub(super) fn all(&self) -> Vec<Switch> {
        [self.switches.before.clone(), self.switches.after.clone()].concat()
    }

    pub(super) fn explain(&self) {
        for switch in &self.switches.before {
            say(&format!("  {}, before pods are replaced", switch.shown()));
        }
        for switch in &self.switches.after {
            say(&format!("  {}, once all pods have it", switch.shown()));
        }
    }

    /// Says what is left to do, and when, where nobody waits for the pods.
    pub(super) fn remind(&self, when: &str) {
        for switch in &self.switches.after {
            say(&format!(
                "service/{} still leads past the ambassador: once {when}, run this again",
                switch.service
            ));
        }
    }

    /// Leads those back whose present port the new pods do not serve.
    pub(super) async fn prepare(&self, cluster: &Cluster, plan: &Plan, source: &Source) -> Result<()> {
        if self.switches.before.is_empty() {
            return Ok(());
        }
        let left = "its Services may lead past the ambassador";
        Interrupt::listen().at(
            "leading its Services back first",
            left,
            "the same command again goes on with it",
        );
        rollout::switch(cluster, |services| forward(services, &pods(plan, source)).before).await
    }

    /// Leads them to the ambassador of `shown`, which is injected.
    pub(super) async fn lead(
        &self,
        cluster: &Cluster,
        plan: &Plan,
        source: &Source,
        shown: &str,
    ) -> Result<()> {
        if self.is_kept {
            return Ok(());
        }
        let left = format!("{shown} is injected, but not all Services may lead to it");
        Interrupt::listen().at("leading its Services first", left, "the same command again goes on with it");
        rollout::to_ambassador(cluster, &pods(plan, source)).await
    }
}

/// What is injected stays, though not all Services could be led to it.
pub(super) fn not_all_led(shown: &str, failure: Failure) -> Failure {
    failure
        .within(Exit::LeftHalfDone, format!("{shown} is injected, but not all Services lead to it"))
        .hint("run the same command again")
}
