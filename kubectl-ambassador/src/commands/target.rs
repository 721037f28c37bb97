//! Finds what a person means by NAME or TYPE/NAME.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::failure::{Failure, Result};
use crate::plan::text;

/// The pod that is meant, or an error that says what there is instead.
pub(super) async fn find_pod(cluster: &Cluster, target: &str) -> Result<Value> {
    let (kind, name) = match target.split_once('/') {
        Some((kind, name)) => (Some(kind), name),
        None => (None, target),
    };
    if !is_name(name) {
        return Err(Failure::usage(format!("`{}` is not the name of a pod", target.escape_debug()))
            .hint("name a pod: NAME or pod/NAME"));
    }
    match kind.map(str::to_lowercase).as_deref() {
        None | Some("pod" | "pods" | "po") => {}
        Some(_) => {
            return Err(Failure::usage(format!("{target}: this version works on bare pods only"))
                .hint("name a pod: NAME or pod/NAME"));
        }
    }
    if let Some(pod) = cluster.pod(name).await? {
        return Ok(pod);
    }
    let namespace = &cluster.namespace;
    if kind.is_none() {
        match cluster.workloads(name).await?.as_slice() {
            [] => {}
            [one] => {
                return Err(Failure::unchanged(format!(
                    "{name} is {one}, and this version works on bare pods only"
                ))
                .hint("its pods are made anew by it, so they cannot be injected one by one"));
            }
            several => {
                return Err(Failure::unchanged(format!(
                    "{name} is ambiguous in namespace {namespace}: {}",
                    several.join(", ")
                ))
                .hint("say which one, as TYPE/NAME"));
            }
        }
    }
    let failure = Failure::unchanged(format!("pod \"{name}\" not found in namespace {namespace}"));
    // Without the right to list there are no suggestions, and the error is as true.
    let pods = cluster.pods().await.unwrap_or_default();
    let names: Vec<&str> = pods.iter().map(|pod| text(pod, "/metadata/name")).collect();
    let similar: Vec<&str> =
        names.iter().copied().filter(|other| other.contains(name) || name.contains(other)).take(5).collect();
    Err(match (similar.as_slice(), names.as_slice()) {
        ([], []) => {
            failure.hint(format!("there are no pods in namespace {namespace}; -n NAME chooses another one"))
        }
        ([], names) => failure
            .hint(format!("pods there: {}", names.iter().copied().take(10).collect::<Vec<_>>().join(", "))),
        (similar, _) => failure.hint(format!("did you mean {}?", similar.join(" or "))),
    })
}

/// Names of pods are DNS subdomains (RFC 1123), so nothing else needs to be asked for.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.len() <= 253 && name.chars().all(plain)
}
