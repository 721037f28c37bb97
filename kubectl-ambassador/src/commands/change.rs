//! What all commands that change pods have in common: their flags, the check of rights, leftovers.

use std::time::Duration;

use crate::cluster::{Cluster, FIELD_MANAGER};
use crate::failure::Result;
use crate::findings;
use crate::output;
use crate::plan::Permissions;

/// The flags of a command that changes a pod.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Flags {
    /// Print what would be sent (client), or have the server check it too (server); nothing is changed
    #[arg(long, value_enum, value_name = "MODE", default_value = "none", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub(super) dry_run: DryRun,

    #[command(flatten)]
    pub(super) output: output::Args,

    /// How long a pod may take to be ready and to answer, and a rollout from one step to the next, such as 90s or 1m30s
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = crate::duration::to_wait)]
    pub(super) timeout: Duration,

    /// Stay until it is done; `false` returns when the change is sent, which is neither watched nor taken back
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, default_missing_value = "true",
          require_equals = true, action = clap::ArgAction::Set)]
    pub(super) wait: bool,

    /// Leave Services as they are, even where their targetPort leads past the ambassador
    #[arg(long)]
    pub(super) keep_services: bool,

    /// Where kinds that Kubernetes does not bring have their pod template, such as
    /// rollouts.argoproj.io=/spec/template (repeatable)
    #[arg(long = "pod-template-path", value_name = "KIND=POINTER", value_parser = template_path)]
    pub(super) templates: Vec<(String, String)>,

    /// Leave what does not come up, or does not answer, as it is
    #[arg(long)]
    pub(super) no_rollback: bool,

    /// Name under which the server records what is changed
    #[arg(long, value_name = "NAME", default_value = FIELD_MANAGER, hide_short_help = true)]
    pub(super) field_manager: String,

    /// Recreate the pod even though that deletes the data in its emptyDir volumes
    #[arg(long)]
    pub(super) delete_emptydir_data: bool,

    /// Change also what Argo CD, Flux or Helm manages
    #[arg(long)]
    pub(super) force: bool,
}

/// How far a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DryRun {
    None,
    Client,
    Server,
}

fn template_path(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((kind, pointer)) if kind.contains('.') && pointer.starts_with('/') => {
            Ok((kind.to_owned(), pointer.to_owned()))
        }
        _ => Err("expected KIND.GROUP=POINTER, such as rollouts.argoproj.io=/spec/template".to_owned()),
    }
}

impl Flags {
    /// What they allow.
    pub(super) fn permissions(&self) -> Permissions {
        Permissions {
            delete_emptydir_data: self.delete_emptydir_data,
            downgrade: false,
            loss: false,
            force: self.force,
            keep_services: self.keep_services,
        }
    }
}

/// Names all rights that are missing, at once.
pub(super) async fn refuse_missing_rights(
    cluster: &Cluster,
    rights: &[(&str, impl AsRef<str>)],
) -> Result<()> {
    let missing = missing_rights(cluster, rights).await?;
    findings::rights("", &cluster.namespace, &missing)
        .map_or(Ok(()), |finding| Err(findings::failure(&finding)))
}

/// Those of these rights that the user lacks, as `create pods`.
pub(super) async fn missing_rights(
    cluster: &Cluster,
    rights: &[(&str, impl AsRef<str>)],
) -> Result<Vec<String>> {
    let rights: Vec<(&str, &str)> =
        rights.iter().map(|(verb, resource)| (*verb, resource.as_ref())).collect();
    let missing = cluster.missing_rights(&rights).await?;
    Ok(missing.iter().map(|(verb, resource)| format!("{verb} {resource}")).collect())
}
