//! What may stand at a place of the command line: flags and their values from clap, names from the kubeconfig and the
//! cluster. Shells ask by the scripts of `completion`, kubectl asks by running `kubectl_complete-ambassador`.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use clap_complete::{CompleteEnv, engine};

use crate::cluster::{self, Cluster, Named};
use crate::failure::{Failure, Result};
use crate::output;
use crate::workload::{KINDS, Kind};

/// By this variable the scripts ask: those of shells, and the one by which kubectl asks where the program has no second name.
pub(crate) const VARIABLE: &str = "AMBASSADOR_COMPLETE";
/// By this name kubectl looks for what completes `kubectl ambassador`.
const FOR_KUBECTL: &str = "kubectl_complete-ambassador";
/// Nobody waits longer for a name.
const PATIENCE: Duration = Duration::from_secs(3);
/// Cobra's directive that no space is to follow the word.
const NO_SPACE: u8 = 2;
/// Cobra's directive that names of files are not wanted.
const NO_FILES: u8 = 4;

/// Answers if this was run to complete something; true if it was.
pub(crate) fn answer(command: fn() -> clap::Command) -> bool {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let by_name = Path::new(&name).file_stem() == Some(OsStr::new(FOR_KUBECTL));
    if by_name || std::env::var_os(VARIABLE).is_some_and(|shell| shell == "kubectl") {
        let answer = for_kubectl(&mut command(), words.collect());
        // Whoever asked has gone: nobody is left to be told.
        let _ = output::print(&answer);
        return true;
    }
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
    false
}

/// One candidate a line, with what it is for behind a tab, and cobra's directive at the end.
fn for_kubectl(command: &mut clap::Command, words: Vec<OsString>) -> String {
    let current = words.last().cloned().unwrap_or_default();
    let at = words.len();
    let args = std::iter::once(OsString::from(FOR_KUBECTL)).chain(words).collect();
    let found = engine::complete(command, args, at, None).unwrap_or_default();
    let is_flag = |text: &OsStr| text.as_encoded_bytes().starts_with(b"-");
    // As in kubectl, flags are offered to those who have begun one.
    let wanted =
        |one: &&CompletionCandidate| !one.is_hide_set() && (is_flag(&current) || !is_flag(one.get_value()));
    let (mut text, mut directive) = (String::new(), 0);
    for one in found.iter().filter(wanted) {
        let value = one.get_value().to_string_lossy();
        directive |= NO_FILES | if value.ends_with(['/', '=']) { NO_SPACE } else { 0 };
        let help = one.get_help().map(ToString::to_string).unwrap_or_default();
        match help.lines().next().filter(|line| !line.is_empty()) {
            // Writing to a String cannot fail.
            Some(line) => _ = writeln!(text, "{value}\t{line}"),
            None => _ = writeln!(text, "{value}"),
        }
    }
    _ = writeln!(text, ":{directive}");
    text
}

/// The names of all namespaces.
pub(crate) fn namespaces() -> ArgValueCandidates {
    ArgValueCandidates::new(|| live(async |cluster: &Cluster| cluster.namespaces().await))
}

/// The names of that sort in the kubeconfig.
pub(crate) fn of_kubeconfig(sort: Named) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let names = connection(&words()).and_then(|args| args.names(sort));
        names.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Pods, and all that makes pods: `NAME`, `TYPE/NAME`, or `TYPE NAME`.
pub(crate) fn targets() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let current = current.to_string_lossy();
        let mut found = match current.split_once('/') {
            Some((word, _)) => match Kind::named(word) {
                Some(kind) => names(kind, &format!("{word}/")),
                None => Vec::new(),
            },
            None => {
                match words().iter().rev().skip(1).find_map(|word| Kind::named(&word.to_string_lossy())) {
                    Some(kind) => names(kind, ""),
                    None => kinds_and_pods(),
                }
            }
        };
        found.retain(|one| one.get_value().as_encoded_bytes().starts_with(current.as_bytes()));
        found
    })
}

fn kinds_and_pods() -> Vec<CompletionCandidate> {
    let kinds = KINDS.iter().filter(|kind| !kind.is_pod());
    let kinds = kinds.map(|kind| CompletionCandidate::new(format!("{}/", kind.name.to_ascii_lowercase())));
    let pods = KINDS.iter().find(|kind| kind.is_pod()).map(|kind| names(kind, "")).unwrap_or_default();
    pods.into_iter().chain(kinds).collect()
}

fn names(kind: &'static Kind, prefix: &str) -> Vec<CompletionCandidate> {
    let found = live(async |cluster: &Cluster| cluster.names(kind).await);
    found.into_iter().map(|one| one.add_prefix(prefix)).collect()
}

/// Asks the cluster that the words before lead to. Without an answer there is nothing to offer, and nobody to tell.
fn live(ask: impl AsyncFnOnce(&Cluster) -> Result<Vec<String>>) -> Vec<CompletionCandidate> {
    let names = cluster::block_on(async {
        let asked = async {
            let cluster = connection(&words())?.connect().await?;
            ask(&cluster).await
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(names) => names,
            Err(_) => Err(Failure::unchanged("the cluster does not answer")),
        }
    });
    names.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
}

/// The command line so far: what a script passes stands behind `--`.
fn words() -> Vec<OsString> {
    let all: Vec<OsString> = std::env::args_os().skip(1).collect();
    let start = all.iter().position(|word| word == "--").map_or(0, |at| at + 1);
    all.into_iter().skip(start).collect()
}

/// The flags about the cluster among words of which others may be unknown, or unfinished.
fn connection(words: &[OsString]) -> Result<cluster::Args> {
    let command = cluster::Args::augment_args(clap::Command::new("flags")).no_binary_name(true);
    let takes_value = |name: &str| {
        let mut args = command.get_arguments();
        args.find(|arg| {
            let short = arg.get_short().is_some_and(|short| name == format!("-{short}"));
            short || arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
        })
        .map(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
    };
    let mut known = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let name = text.split_once('=').map_or(&*text, |(name, _)| name);
        match takes_value(name) {
            // The word at which completion is asked for may be a flag without its value.
            Some(true) if name.len() == text.len() && words.peek().is_some() => {
                known.extend([word.clone()]);
                known.extend(words.next().cloned());
            }
            Some(true) if name.len() == text.len() => {}
            Some(_) => known.push(word.clone()),
            None => {}
        }
    }
    let matches = command.try_get_matches_from(known);
    let args = matches.and_then(|matches| cluster::Args::from_arg_matches(&matches));
    args.map_err(Failure::usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_flags_about_the_cluster_among_others() {
        let check = |line: &str, expected: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let args = connection(&words).map(|args| format!("{:?} {:?}", args.namespace(), args.context()));
            assert_eq!(args.unwrap_or_else(|failure| failure.message().to_owned()), expected, "{line}");
        };
        check("inject -n a --jq . web", r#"Some("a") None"#);
        check("inject --namespace=a -c f --context", r#"Some("a") None"#);
        check("inject --context b --insecure-skip-tls-verify -o yaml -n a w", r#"Some("a") Some("b")"#);
        check("inject web", "None None");
    }
}
