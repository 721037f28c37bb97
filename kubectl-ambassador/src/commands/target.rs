//! Finds what a person means by NAME or TYPE/NAME.

use serde_json::Value;

use crate::cluster::{Cluster, Resource};
use crate::failure::{Failure, Result};
use crate::journal;
use crate::plan::text;
use crate::rollout::{Target, lead};
use crate::workload::{KINDS, Kind};

/// What is meant, led to its owner, or an error that says what there is instead.
pub(super) async fn find(cluster: &Cluster, target: &str, templates: &[(String, String)]) -> Result<Target> {
    let (kind, name) = match target.split_once('/') {
        Some((kind, name)) => (Some(kind), name),
        None => (None, target),
    };
    if !is_name(name) {
        return Err(Failure::usage(format!("`{}` is not the name of an object", target.escape_debug()))
            .hint("name a pod or a workload: NAME or TYPE/NAME"));
    }
    let resource = match kind {
        None => return by_name(cluster, name, templates).await,
        Some(word) => match Kind::named(word) {
            Some(kind) => Resource::of(kind),
            None => cluster.discover(word).await?.ok_or_else(|| unknown(word))?,
        },
    };
    match cluster.object(&resource, name).await? {
        Some(object) => lead(cluster, resource, object, templates).await,
        None if resource == Resource::pods() => Err(no_pod(cluster, name).await),
        None => Err(Failure::unchanged(format!(
            "{} \"{name}\" not found in namespace {}",
            resource.printed(),
            cluster.namespace
        ))
        .hint("-n NAME chooses another namespace")),
    }
}

fn unknown(word: &str) -> Failure {
    let kinds: Vec<String> = KINDS.iter().map(|kind| kind.name.to_lowercase()).collect();
    Failure::usage(format!("`{}` is not a kind that makes pods", word.escape_debug())).hint(format!(
        "one of {}; or another one with its group, such as rollouts.argoproj.io/NAME, and --pod-template-path",
        kinds.join(", ")
    ))
}

/// The pod of that name, else the one workload of that name.
async fn by_name(cluster: &Cluster, name: &str, templates: &[(String, String)]) -> Result<Target> {
    if let Some(pod) = cluster.object(&Resource::pods(), name).await? {
        return lead(cluster, Resource::pods(), pod, templates).await;
    }
    match cluster.workloads(name).await?.as_slice() {
        [] => Err(no_pod(cluster, name).await),
        [one] => Box::pin(find(cluster, one, templates)).await,
        several => Err(Failure::unchanged(format!(
            "{name} is ambiguous in namespace {}: {}",
            cluster.namespace,
            several.join(", ")
        ))
        .hint("say which one, as TYPE/NAME")),
    }
}

async fn no_pod(cluster: &Cluster, name: &str) -> Failure {
    let namespace = &cluster.namespace;
    // It may be missing because a change of it was cut off.
    if let Err(unfinished) = journal::refuse_unfinished(&cluster.server, namespace, name) {
        return unfinished;
    }
    let failure = Failure::unchanged(format!("pod \"{name}\" not found in namespace {namespace}"));
    // Without the right to list there are no suggestions, and the error is as true.
    let pods = cluster.pods().await.unwrap_or_default();
    let names: Vec<&str> = pods.iter().map(|pod: &Value| text(pod, "/metadata/name")).collect();
    let similar: Vec<&str> =
        names.iter().copied().filter(|other| other.contains(name) || name.contains(other)).take(5).collect();
    match (similar.as_slice(), names.as_slice()) {
        ([], []) => {
            failure.hint(format!("there are no pods in namespace {namespace}; -n NAME chooses another one"))
        }
        ([], names) => failure
            .hint(format!("pods there: {}", names.iter().copied().take(10).collect::<Vec<_>>().join(", "))),
        (similar, _) => failure.hint(format!("did you mean {}?", similar.join(" or "))),
    }
}

/// Names of pods are DNS subdomains (RFC 1123), so nothing else needs to be asked for.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.len() <= 253 && name.chars().all(plain)
}
