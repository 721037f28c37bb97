//! What admission says to a pod: asked of the server by a dry run, before anything is changed.
//!
//! Old webhooks drop fields that they do not know, such as `restartPolicy: Always`, which makes an init container a
//! sidecar. No such pod comes to be: the server refuses init containers that have probes, as ours has, and no such policy.

use serde_json::Value;

use crate::cluster::{Cluster, Mode, NotCreated, Resource};
use crate::findings;
use crate::plan;
use crate::versions::knows_sidecars;

/// How long a name may be, so that what is put behind it still fits.
const NAME: usize = 200;
/// What a server says to a sidecar that has lost its policy.
const POLICY_LOST: &str = "may not be set for init containers without restartPolicy=Always";

/// Asks for a pod; an error is what is said against it.
pub(crate) async fn ask(cluster: &Cluster, pod: &Value) -> Result<(), String> {
    match cluster.create_pod(pod, Mode::DryRun).await {
        // In use by the pod itself: that is found out last.
        Ok(()) | Err(NotCreated::NameInUse) => Ok(()),
        Err(NotCreated::Refused(why) | NotCreated::Unclear(why)) => Err(explained(cluster, pod, why).await),
    }
}

/// A name for a pod that is only asked about.
pub(crate) fn name_like(name: &str) -> String {
    let start = name.get(..NAME).unwrap_or(name).trim_end_matches(['-', '.']);
    format!("{start}-ambassador")
}

/// What the server says against a pod; or who is behind it, if it says that our container is no sidecar.
pub(crate) async fn explained(cluster: &Cluster, pod: &Value, why: String) -> String {
    if !(why.contains(POLICY_LOST) && cluster.minor_version().await.is_ok_and(knows_sidecars)) {
        return why;
    }
    let all = async |resource| cluster.objects_of_cluster(&resource).await.unwrap_or_default();
    let mutating =
        [all(Resource::mutating_webhooks()).await, all(Resource::mutating_policies()).await].concat();
    let namespace = cluster.object_of_cluster(&Resource::namespaces(), &cluster.namespace).await;
    let suspects = findings::see_new_pods(&mutating, namespace.ok().flatten().as_ref(), pod);
    let who = match suspects.as_slice() {
        [] => "an admission webhook or policy".to_owned(),
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    };
    format!(
        "{who} takes {} from the container {}, which makes it a sidecar",
        findings::POLICY,
        plan::CONTAINER
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_asked_for_is_one_that_pods_may_have() {
        assert_eq!(name_like("web"), "web-ambassador");
        let long = format!("{}.{}", "a".repeat(199), "b".repeat(53));
        assert_eq!(name_like(&long), format!("{}-ambassador", "a".repeat(199)));
    }
}
