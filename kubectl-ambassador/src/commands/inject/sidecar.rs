//! Which form our container takes in the pods of an object, and what people are told about it.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::failure::Result;
use crate::output::say;
use crate::plan::{Mode, Plan, Removed};
use crate::versions::{self, Choice, Decision, Ends, Kubelets, Versions};

/// The form, for the pods of one object.
pub(in crate::commands) struct Sidecar(Decision);

impl Sidecar {
    /// By what the cluster can do; `template` is the JSON pointer of the pod in `object`, which messages call
    /// `name`.
    pub(in crate::commands) async fn live(
        cluster: &Cluster,
        choice: Choice,
        (object, template, name): (&Value, &str, &str),
    ) -> Result<Self> {
        Self::choose(choice, &cluster.versions().await?, (object, template, name))
    }

    /// By the version that a person says manifests are for.
    pub(in crate::commands) fn offline(
        choice: Choice,
        server: u32,
        (object, template, name): (&Value, &str, &str),
    ) -> Result<Self> {
        let versions = Versions { server, kubelets: Kubelets::Oldest(None) };
        Self::choose(choice, &versions, (object, template, name))
    }

    fn choose(
        choice: Choice,
        versions: &Versions,
        (object, template, name): (&Value, &str, &str),
    ) -> Result<Self> {
        let decision = versions::decide(choice, versions);
        versions::refuse_endless(name, Ends::of(object, template), choice, &decision)?;
        Ok(Self(decision))
    }

    pub(in crate::commands) fn mode(&self) -> Mode {
        self.0.mode
    }

    /// Whether Services find its ports by name.
    pub(in crate::commands) fn named_ports(&self) -> bool {
        self.0.named_ports
    }

    /// Says what is not as in most clusters.
    pub(in crate::commands) fn explain(&self, plan: &Plan) {
        if let Some(reason) = &self.0.reason {
            say(&format!(
                "  a plain container, since {reason}: it starts beside the others, and ends 5 s after them"
            ));
        }
        let removed = plan.removed();
        if let Some(container) = removed.iter().find_map(Removed::container) {
            let volumes: Vec<&str> = removed.iter().filter_map(Removed::volume).collect();
            let with = match volumes.as_slice() {
                [] => String::new(),
                [one] => format!(", and with it the volume {one}"),
                several => format!(", and with it the volumes {}", several.join(", ")),
            };
            say(&format!("  in place of the container {container}, which goes{with}"));
        }
        if let Some(kept) = plan.kept() {
            say(&format!("  {kept} are kept for it, which is all that it may use"));
        }
        if let Some(warning) = &self.0.warning {
            say(&format!("warning: {warning}"));
        }
    }
}
