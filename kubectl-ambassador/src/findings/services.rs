//! Services in front of the pods: which of their ports lead to a mapped port, and how they follow.

use serde_json::Value;

use super::{Code, Finding, Subject, World, ports, selector};
use crate::annotation::Injected;
use crate::plan::{list, port_of, text};
use crate::rollout::services::{is_running, selects};

/// A port of a Service, and where in the pod it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lead {
    /// The Service's name.
    pub(crate) service: String,
    /// The port that clients ask.
    pub(crate) port: u16,
    /// The name it asks the pod for, if it asks by name.
    pub(crate) by_name: Option<String>,
    /// The pod's port.
    pub(crate) target: u16,
}

/// Where the ports of Services lead in a pod that they select.
pub(crate) fn leads(services: &[Value], pod: &Value) -> Vec<Lead> {
    let of_pod = services.iter().filter(|service| selects(service, pod));
    of_pod
        .flat_map(|service| list(service, "/spec/ports").iter().filter_map(|port| lead(service, port, pod)))
        .collect()
}

fn lead(service: &Value, port: &Value, pod: &Value) -> Option<Lead> {
    if !matches!(text(port, "/protocol"), "" | "TCP") {
        return None;
    }
    let number = |value: Option<&Value>| u16::try_from(value?.as_u64()?).ok();
    let asked = number(port.get("port"))?;
    let by_name = port.get("targetPort").and_then(Value::as_str).map(str::to_owned);
    let target = match &by_name {
        Some(name) => ports::named(pod, name)?,
        // Without a targetPort it is the port itself.
        None => number(port.get("targetPort")).unwrap_or(asked),
    };
    Some(Lead { service: text(service, "/metadata/name").to_owned(), port: asked, by_name, target })
}

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let (Some(map), Some(planned)) = (subject.ports(), subject.planned()) else { return Vec::new() };
    let mut found = Vec::new();
    for lead in leads(&world.services, subject.original()) {
        let Some(ours) = port_of(map, lead.target) else { continue };
        let (service, listen) = (format!("service/{}", lead.service), ours.listen);
        let port = format!("port {} of {service}", lead.port);
        match &lead.by_name {
            Some(name) if ports::named(planned, name) == Some(listen) => {
                let message = format!("{port} follows the name {name} to the ambassador's port {listen}");
                found.push(subject.info(Code::ServiceByName, message));
            }
            _ if subject.permissions.keep_services => {
                let message = format!(
                    "{port} leads to port {}, past the ambassador's port {listen}, and stays so",
                    lead.target
                );
                let hint = format!("give it targetPort: {listen} once all pods are injected");
                found.push(subject.warning(Code::ServicePast, message).hint(hint));
            }
            by_name => {
                let target = by_name.clone().unwrap_or_else(|| lead.target.to_string());
                let message =
                    format!("{port} has the targetPort {target}: it becomes {listen} once all pods have it");
                found.push(subject.info(Code::ServiceLed, message));
                let shared = shared(subject, world, &lead.service, listen);
                found.extend(shared.filter(|shared| !found.contains(shared)));
            }
        }
    }
    found
}

/// A Service is led to the ambassador when all pods that it leads to have it.
fn shared(subject: &Subject<'_>, world: &World, service: &str, listen: u16) -> Option<Finding> {
    let object = world.services.iter().find(|other| text(other, "/metadata/name") == service)?;
    let own = |pod: &&Value| {
        if subject.is_pod() {
            return text(pod, "/metadata/name") == text(subject.object, "/metadata/name");
        }
        subject.object.pointer("/spec/selector").is_some_and(|wanted| selector::matches(wanted, pod))
    };
    let listens = |pod: &&Value| {
        let injected = Injected::of(pod).ok().flatten();
        injected.is_some_and(|injected| injected.listens.contains(&listen))
    };
    let strangers = world.pods.iter().filter(|pod| is_running(pod) && selects(object, pod) && !own(pod));
    let stranger = strangers.filter(|pod| !listens(pod)).map(|pod| text(pod, "/metadata/name")).next()?;
    let message = format!(
        "service/{service} leads to pod/{stranger} too, which is not part of {} and has no ambassador with port {listen}: it cannot be led there",
        subject.name()
    );
    Some(
        subject
            .warning(Code::ServiceShared, message)
            .hint("inject that as well, or give each a Service of its own"),
    )
}
