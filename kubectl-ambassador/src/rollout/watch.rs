//! Stays with a rollout until it is done, and finds out early that it will not be.

use std::time::{Duration, Instant};

use ambassador_core::ports::PortMap;
use serde_json::Value;

use super::Workload;
use super::services::is_running;
use super::status::{Status, status};
use crate::annotation;
use crate::cluster::{Cluster, Resource};
use crate::output::say;
use crate::plan::{self, list, text};
use crate::verify;
use crate::workload::Kind;

/// How often the server is asked.
const PERIOD: Duration = Duration::from_millis(500);

/// What a rollout is watched for.
pub(super) struct Watch<'a> {
    /// Whether a pod is one of those that it makes.
    pub(super) is_new: &'a dyn Fn(&Value) -> bool,
    /// What a new pod has to answer on, as one that has the ambassador.
    pub(super) answers: Option<&'a PortMap>,
    /// How long it may take from one step to the next.
    pub(super) timeout: Duration,
}

/// Why a rollout was not waited for to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// What is wrong.
    Wrong(String),
    /// Somebody else has injected or uninjected the workload: it is about theirs now.
    Replaced,
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl Watch<'_> {
    /// Until all pods are new ones, and one of them has answered.
    pub(super) async fn finished(&self, cluster: &Cluster, workload: &Workload) -> Result<(), Trouble> {
        let mut told = String::new();
        let patience = self.timeout + own_time(&workload.object, &workload.template);
        let mut deadline = Instant::now() + patience;
        let mut checked = self.answers.is_none();
        loop {
            let mut pods = Vec::new();
            // An answer that is lost is no reason to give up.
            if let (Ok(now), Ok(new)) =
                (workload.again(cluster).await, new_pods(cluster, workload, self.is_new).await)
            {
                if injection(&now) != injection(workload) {
                    return Err(Trouble::Replaced);
                }
                pods = new;
                match status(&now.object) {
                    Status::Going(step) if step != told => {
                        say(&step);
                        told = step;
                        deadline = Instant::now() + patience;
                    }
                    Status::Stuck(why) => return Err(with_wait(&why, &pods).into()),
                    Status::Done(end) if checked || pods.is_empty() => {
                        say(&end);
                        return Ok(());
                    }
                    Status::Unknown if checked || pods.is_empty() => {
                        let shown = workload.shown();
                        say(&format!(
                            "{shown} does not tell how far its rollout is, so it is not waited for"
                        ));
                        return Ok(());
                    }
                    Status::Going(_) | Status::Done(_) | Status::Unknown => {}
                }
            }
            if let Some(why) = pods.iter().find_map(verify::hopeless) {
                return Err(why.into());
            }
            // As early as there is one: what does not answer should not replace all that does.
            if let Some(pod) = pods.iter().find(|pod| !checked && verify::is_ready(pod)) {
                self.check(cluster, pod).await?;
                checked = true;
                continue;
            }
            if Instant::now() > deadline {
                let why =
                    format!("no progress within {} s: {}", patience.as_secs(), told.trim_end_matches('.'));
                return Err(with_wait(&why, &pods).into());
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn check(&self, cluster: &Cluster, pod: &Value) -> Result<(), String> {
        let Some(ports) = self.answers else { return Ok(()) };
        if !plan::runs_beside(pod) {
            return Err(format!("admission has taken the container {} out of the pods", plan::CONTAINER));
        }
        verify::answers(cluster, text(pod, "/metadata/name"), ports, self.timeout).await
    }
}

/// With what new pods wait for, if that can be seen.
fn with_wait(why: &str, pods: &[Value]) -> String {
    let waits = pods.iter().find_map(verify::waits_for).map(|what| format!(" ({what})"));
    format!("{why}{}", waits.unwrap_or_default())
}

/// What each step takes by the workload's own word: an old pod may take so long to end, and a new one has to be ready
/// for so long to count.
fn own_time(object: &Value, template: &str) -> Duration {
    let seconds = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let end = seconds(&format!("{template}/spec/terminationGracePeriodSeconds"));
    Duration::from_secs(end + seconds("/spec/minReadySeconds"))
}

/// What a workload says of the ambassador in its pods; other changes, such as `kubectl rollout restart`, may come.
fn injection(workload: &Workload) -> &str {
    workload.pod().map(|pod| text(pod, &annotation::pointer())).unwrap_or_default()
}

async fn new_pods(
    cluster: &Cluster,
    workload: &Workload,
    is_new: &dyn Fn(&Value) -> bool,
) -> crate::failure::Result<Vec<Value>> {
    let pods = pods(cluster, workload).await?;
    Ok(pods.into_iter().filter(|pod| is_running(pod) && is_new(pod)).collect())
}

/// The pods of a workload: those that it controls, or that a ReplicaSet of its controls.
pub(crate) async fn pods(cluster: &Cluster, workload: &Workload) -> crate::failure::Result<Vec<Value>> {
    let Some(selector) = workload.selector() else { return Ok(Vec::new()) };
    let mut owners = vec![text(&workload.object, "/metadata/uid").to_owned()];
    if let Some(kind) = Kind::named("replicaset")
        && workload.kind() != "replicaset"
    {
        let sets = cluster.objects(&Resource::of(kind), Some(&selector)).await?;
        let own =
            sets.iter().filter(|set| is_owned(set, &owners)).map(|set| text(set, "/metadata/uid").to_owned());
        let own: Vec<String> = own.collect();
        owners.extend(own);
    }
    let pods = cluster.objects(&Resource::pods(), Some(&selector)).await?;
    Ok(pods.into_iter().filter(|pod| is_owned(pod, &owners)).collect())
}

fn is_owned(object: &Value, owners: &[String]) -> bool {
    let mut references = list(object, "/metadata/ownerReferences").iter();
    references.any(|owner| owners.iter().any(|uid| uid == text(owner, "/uid")))
}
