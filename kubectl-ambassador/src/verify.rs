//! Waits until a pod is ready and answers, and says why it does not.

use std::time::{Duration, Instant};

use ambassador_core::exchange::PROBLEM_TYPE;
use ambassador_core::ports::PortMap;
use serde_json::Value;

use crate::cluster::{Answer, Cluster};
use crate::output::say;
use crate::plan::{CONTAINER, list, text};

/// Reasons of waiting that do not go away by waiting.
const HOPELESS: [&str; 6] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
];

/// Waits until the pod is ready; an error says what it waits for.
pub(crate) async fn ready(cluster: &Cluster, name: &str, timeout: Duration) -> Result<Value, String> {
    let deadline = Instant::now() + timeout;
    loop {
        let pod = cluster.pod(name).await.map_err(|failure| failure.message().to_owned())?;
        let Some(pod) = pod else { return Err(format!("pod/{name} has gone")) };
        let ready = list(&pod, "/status/conditions")
            .iter()
            .any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True");
        if ready {
            return Ok(pod);
        }
        let reason = waiting_reason(&pod);
        if let Some((container, reason, message)) = &reason
            && HOPELESS.contains(&reason.as_str())
        {
            return Err(format!("container {container} cannot start: {reason}: {message}"));
        }
        if Instant::now() > deadline {
            let waiting =
                reason.map(|(container, reason, _)| format!(": container {container} is waiting: {reason}"));
            return Err(format!("not ready within {} s{}", timeout.as_secs(), waiting.unwrap_or_default()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
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

/// Whether admission left our container what it must be: an old webhook may drop the field that makes it a sidecar.
pub(crate) fn is_native_sidecar(pod: &Value) -> bool {
    let containers = list(pod, "/spec/initContainers");
    containers.iter().any(|container| {
        text(container, "/name") == CONTAINER && text(container, "/restartPolicy") == "Always"
    })
}

/// Asks every mapped port for `GET /` until it answers no worse than the legacy program itself does.
pub(crate) async fn answers(
    cluster: &Cluster,
    name: &str,
    ports: &PortMap,
    timeout: Duration,
) -> Result<(), String> {
    let deadline = Instant::now() + timeout;
    for port in ports {
        loop {
            match one(cluster, name, port.listen, port.target).await {
                Verdict::Good => break,
                Verdict::Unknown(why) => {
                    say(&format!(
                        "warning: cannot ask port {} ({why}); the pod is ready, which must do",
                        port.listen
                    ));
                    return Ok(());
                }
                Verdict::Broken(why) => return Err(why),
                Verdict::NotYet(why) if Instant::now() > deadline => return Err(why),
                Verdict::NotYet(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }
    Ok(())
}

enum Verdict {
    Good,
    NotYet(String),
    Broken(String),
    Unknown(String),
}

async fn one(cluster: &Cluster, name: &str, listen: u16, target: u16) -> Verdict {
    let through = match cluster.ask(name, listen).await {
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
