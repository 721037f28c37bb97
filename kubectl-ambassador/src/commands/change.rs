//! What all commands that change pods have in common: their flags, the check of rights, leftovers.

use std::time::Duration;

use crate::cluster::{Cluster, Right};
use crate::failure::{Failure, Result};
use crate::output::{Format, say};
use crate::plan::{list, text};

/// The flags of a command that changes a pod.
#[derive(clap::Args)]
pub(super) struct Flags {
    /// Print what would be sent (client), or have the server check it too (server); nothing is changed
    #[arg(long, value_enum, value_name = "MODE", default_value = "none", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub(super) dry_run: DryRun,

    /// Print the objects
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<Format>,

    /// How long the pod may take to be ready and to answer, such as 90s
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub(super) timeout: Duration,

    /// Recreate the pod even though that deletes the data in its emptyDir volumes
    #[arg(long)]
    pub(super) delete_emptydir_data: bool,
}

/// How far a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DryRun {
    None,
    Client,
    Server,
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let bad = || format!("`{text}` is not a time; write 30s or 5m");
    let (number, factor) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(seconds), _) => (seconds, 1),
        (_, Some(minutes)) => (minutes, 60),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    if number == 0 || number > 86_400 { Err(bad()) } else { Ok(Duration::from_secs(number * factor)) }
}

/// Names all rights that are missing, at once.
pub(super) async fn refuse_missing_rights(cluster: &Cluster, rights: &[Right]) -> Result<()> {
    let missing = cluster.missing_rights(rights).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing.iter().map(|(verb, resource)| format!("{verb} {resource}")).collect();
    let message = format!("in namespace {} you may not: {}", cluster.namespace, list.join(", "));
    Err(Failure::unchanged(message).hint("ask for a role that has these rights"))
}

/// Removes a ConfigMap of ours unless a pod other than `pod` mounts it. What cannot be removed is told, and no failure:
/// the pod is as it should be.
pub(super) async fn remove_unused(cluster: &Cluster, config_map: &str, pod: &str) {
    let removed = match is_used(cluster, config_map, pod).await {
        Ok(true) => return,
        Ok(false) => cluster.delete_config_map(config_map).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = removed {
        say(&format!("warning: configmap/{config_map} is left behind: {}", failure.message()));
    }
}

async fn is_used(cluster: &Cluster, config_map: &str, except: &str) -> Result<bool> {
    let pods = cluster.pods().await?;
    let mut others = pods.iter().filter(|pod| text(pod, "/metadata/name") != except);
    Ok(others.any(|pod| {
        list(pod, "/spec/volumes").iter().any(|volume| text(volume, "/configMap/name") == config_map)
    }))
}
