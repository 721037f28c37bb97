//! Waits until a pod is ready and answers, and says why it does not.

use std::time::{Duration, Instant};

use ambassador_core::exchange::PROBLEM_TYPE;
use ambassador_core::ports::{Port, PortMap, Protocol};
use serde_json::Value;

use crate::cluster::{Answer, Cluster};
use crate::output::say;
use crate::plan::{list, text};

/// Reasons of waiting that do not go away by waiting.
const HOPELESS: [&str; 6] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
];

/// How long a target outside of the pod is tried.
const OUTSIDE: Duration = Duration::from_secs(3);
/// A connection that stands for so long has found its target, or waits for one that does not say no: kubelet tells of
/// an end only a second after it.
const HOLD: Duration = Duration::from_secs(3);

/// Waits until the pod is ready; an error says what it waits for.
pub(crate) async fn ready(cluster: &Cluster, name: &str, timeout: Duration) -> Result<Value, String> {
    let deadline = Instant::now() + timeout;
    loop {
        // One answer that is lost is no reason to give a pod up.
        let pod = cluster.pod_patiently(name, deadline.into()).await;
        let pod = pod.map_err(|failure| failure.message().to_owned())?;
        let Some(pod) = pod else { return Err(format!("pod/{name} has gone")) };
        if is_ready(&pod) {
            return Ok(pod);
        }
        if let Some(why) = hopeless(&pod) {
            return Err(why);
        }
        if Instant::now() > deadline {
            let waiting = waits_for(&pod).map(|what| format!(": {what}")).unwrap_or_default();
            return Err(format!("not ready within {} s{waiting}", timeout.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Whether Services may lead to a pod.
pub(crate) fn is_ready(pod: &Value) -> bool {
    let mut conditions = list(pod, "/status/conditions").iter();
    conditions.any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True")
}

/// Why a pod will not come up, if that can be seen.
pub(crate) fn hopeless(pod: &Value) -> Option<String> {
    let (container, reason, message) = waiting_reason(pod)?;
    HOPELESS
        .contains(&reason.as_str())
        .then(|| format!("container {container} cannot start: {reason}: {message}"))
}

/// What a pod that is not ready waits for, if that can be seen.
pub(crate) fn waits_for(pod: &Value) -> Option<String> {
    if let Some((container, reason, _)) = waiting_reason(pod) {
        return Some(format!("container {container} is waiting: {reason}"));
    }
    let scheduled =
        list(pod, "/status/conditions").iter().find(|condition| text(condition, "/type") == "PodScheduled");
    scheduled
        .filter(|condition| text(condition, "/status") == "False")
        .map(|condition| format!("not scheduled: {}", text(condition, "/message").trim_end_matches('.')))
}

/// The first container that waits, with reason and message.
fn waiting_reason(pod: &Value) -> Option<(String, String, String)> {
    let statuses =
        list(pod, "/status/initContainerStatuses").iter().chain(list(pod, "/status/containerStatuses"));
    let mut waiting = statuses.filter(|status| status.pointer("/state/waiting").is_some());
    waiting.next().map(|status| {
        let field = |pointer: &str| text(status, pointer).to_owned();
        (field("/name"), field("/state/waiting/reason"), field("/state/waiting/message"))
    })
}

/// Asks every mapped port until it answers no worse than the legacy program itself does. A port that leads out of the
/// pod is asked too, but what is wrong there is only told: the pod is as good as before.
pub(crate) async fn answers(
    cluster: &Cluster,
    name: &str,
    ports: &PortMap,
    timeout: Duration,
) -> Result<(), String> {
    let deadline = Instant::now() + timeout;
    for port in ports.iter().filter(|port| can_be_asked(port)) {
        let deadline = if port.leads_out() { deadline.min(Instant::now() + OUTSIDE) } else { deadline };
        match until(deadline, || one(cluster, name, port)).await {
            Verdict::Good => {}
            Verdict::Unknown(why) => {
                let listen = port.listener;
                say(&format!("warning: cannot ask port {listen} ({why}); the pod is ready, which must do"));
                return Ok(());
            }
            Verdict::Broken(why) | Verdict::NotYet(why) if port.leads_out() => {
                say(&format!(
                    "warning: {why}; {} is not part of the pod, so the ambassador stays",
                    port.shown()
                ));
            }
            Verdict::Broken(why) | Verdict::NotYet(why) => return Err(why),
        }
    }
    Ok(())
}

/// A port-forward reaches what listens on the pod's loopback, or on all addresses.
fn can_be_asked(port: &Port) -> bool {
    port.listener.address.is_none_or(|address| address.is_loopback() || address.is_unspecified())
}

/// Tries until it is not too early any more, or too late.
async fn until<F: Future<Output = Verdict>>(deadline: Instant, mut attempt: impl FnMut() -> F) -> Verdict {
    loop {
        match attempt().await {
            Verdict::NotYet(_) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            verdict => return verdict,
        }
    }
}

enum Verdict {
    Good,
    NotYet(String),
    Broken(String),
    Unknown(String),
}

async fn one(cluster: &Cluster, name: &str, port: &Port) -> Verdict {
    if port.is_tcp() { tcp(cluster, name, port).await } else { http(cluster, name, port).await }
}

/// Envoy takes every connection, and closes it when its target cannot be reached.
async fn tcp(cluster: &Cluster, name: &str, port: &Port) -> Verdict {
    match cluster.holds(name, port.listen, HOLD).await {
        Err(failure) => Verdict::Unknown(failure.message().to_owned()),
        Ok(true) => Verdict::Good,
        Ok(false) => Verdict::NotYet(format!(
            "port {} closes connections: {} cannot be reached behind it",
            port.listener,
            port.shown()
        )),
    }
}

async fn http(cluster: &Cluster, name: &str, port: &Port) -> Verdict {
    let listen = port.listener;
    let through = match cluster.ask(name, port.listen).await {
        Ok(through) => through,
        Err(failure) => return Verdict::Unknown(failure.message().to_owned()),
    };
    let Some(through) = through else { return Verdict::NotYet(format!("port {listen} does not answer")) };
    if let Some(detail) = rule_failure(&through) {
        return Verdict::Broken(format!("GET / on port {listen} answers 502: {detail}"));
    }
    if through.status < 500 {
        return Verdict::Good;
    }
    // Only where one program answers can it be asked itself.
    let mut local = port.local_ports();
    let (Some(target), None, Protocol::Http) = (local.next(), local.next(), port.protocol) else {
        return Verdict::NotYet(format!("GET / on port {listen} answers {}", through.status));
    };
    // An error may be the legacy program's own way to answer `GET /`.
    match cluster.ask(name, target).await {
        Ok(Some(direct)) if direct.status == through.status => Verdict::Good,
        Ok(Some(direct)) => Verdict::NotYet(format!(
            "GET / on port {listen} answers {}, where port {target} itself answers {}",
            through.status, direct.status
        )),
        _ => Verdict::NotYet(format!("port {target} does not answer behind port {listen}")),
    }
}

/// What our problem document says, if the answer is one.
fn rule_failure(answer: &Answer) -> Option<String> {
    let (_, body) = answer.text.split_once("\r\n\r\n")?;
    let start = body.find('{')?;
    let end = body.rfind('}')?;
    let problem: Value = serde_json::from_str(body.get(start..=end)?).ok()?;
    (text(&problem, "/type") == PROBLEM_TYPE)
        .then(|| format!("rule {}: {}", text(&problem, "/rule"), text(&problem, "/detail")))
}
