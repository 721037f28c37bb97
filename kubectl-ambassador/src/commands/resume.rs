//! `kubectl ambassador resume`: finishes what another run was cut off in.

use std::time::Duration;

use super::uninject::in_front::lead_again;
use crate::cluster;
use crate::failure::{Exit, Failure, Result};
use crate::journal::{self, Entry, Journal};
use crate::output::{print, print_done, say};
use crate::recreate::{Resumed, Work};
use crate::signals::Interrupt;

/// Finish a change of a bare pod that was cut off, or put the original back
#[derive(clap::Args)]
#[command(
    after_help = "A bare pod is replaced by deleting it and creating another of its name. If this program is killed \
meanwhile, or the cluster stops answering, both bodies are kept on this machine until one of them stands again.

Examples:
  # What was left unfinished, by whatever run, on this machine
  kubectl ambassador resume

  # Go on with it
  kubectl ambassador resume pod/fruit-service

  # Or back to what was there before
  kubectl ambassador resume pod/fruit-service --back"
)]
pub(crate) struct Args {
    /// The pod: NAME or pod/NAME; without it, all that was left unfinished is listed
    #[arg(value_name = "TYPE/NAME")]
    target: Option<String>,

    /// Put the original pod back
    #[arg(long, requires = "target")]
    back: bool,

    /// Print the original pod, and keep it no longer; the cluster is not touched
    #[arg(long, requires = "target", conflicts_with = "back")]
    forget: bool,

    /// How long the pod may take to be ready and to answer, such as 90s
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = crate::duration::to_wait)]
    timeout: Duration,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let Some(target) = &args.target else { return list() };
    let cluster = args.cluster.connect().await?;
    let name = target.strip_prefix("pod/").or_else(|| target.strip_prefix("pods/")).unwrap_or(target);
    let unfinished = journal::all()?.into_iter().find(|(_, entry)| {
        entry.pod == name && entry.namespace == cluster.namespace && entry.server == cluster.server
    });
    let Some((path, _)) = unfinished else {
        let namespace = &cluster.namespace;
        return Err(Failure::unchanged(format!("nothing to resume for pod/{name} in namespace {namespace}"))
            .hint("`kubectl ambassador resume` lists what there is, in all namespaces and clusters"));
    };
    let journal = Journal::open(&path)?;
    let cluster = cluster.writing_as(&journal.entry.manager);
    if args.forget {
        print(&format!("{:#}\n", journal.entry.old))?;
        journal.finish();
        return Ok(());
    }
    let (entry, interrupt) = (journal.entry.clone(), Interrupt::listen());
    let work =
        Work { cluster: &cluster, journal, timeout: args.timeout, rollback: true, wait: true, interrupt };
    let resumed = work.resume(args.back).await?;
    let stands = if resumed == Resumed::Done { &entry.new } else { &entry.old };
    if !entry.keeps_services {
        let led = lead_again(&cluster, stands).await;
        led.map_err(|failure| {
            let message = format!("pod/{name} stands, but not all Services lead to its ambassador");
            let hint = format!(
                "kubectl ambassador inject pod/{name} --namespace {}{}",
                entry.namespace, entry.flags
            );
            failure.within(Exit::LeftHalfDone, message).hint(hint)
        })?;
    }
    let done = &entry.done;
    match resumed {
        Resumed::Done => print_done(&format!("pod/{name} {done}\n")),
        Resumed::Original => print_done(&format!("pod/{name} is as it was\n")),
    }
}

fn list() -> Result<()> {
    let all = journal::all()?;
    if all.is_empty() {
        say("nothing was left unfinished");
    }
    let lines = all.iter().map(|(_, entry)| {
        let Entry { pod, namespace, server, done, .. } = entry;
        format!(
            "pod/{pod} in namespace {namespace} of {server}, not {done} yet: {}\n",
            entry.resume_command()
        )
    });
    print(&lines.collect::<String>())
}
