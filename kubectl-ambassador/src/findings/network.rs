//! NetworkPolicies: whether clients that may ask the program may ask the ambassador.

use ambassador_core::ports::Port;
use serde_json::Value;

use super::{Code, Finding, Subject, World, ports, selector};
use crate::plan::{list, text};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let (Some(map), Some(planned)) = (subject.ports(), subject.planned()) else { return Vec::new() };
    let policies: Vec<&Value> =
        world.network_policies.iter().filter(|policy| is_about(policy, planned)).collect();
    if policies.is_empty() {
        return Vec::new();
    }
    let open = map.iter().filter(|port| port.listener.is_open() && !port.is_outward());
    let closed = open.filter(|port| !policies.iter().any(|policy| lets_in(policy, port.listen, planned)));
    closed.map(|port| shut_out(subject, port, &policies)).collect()
}

/// Whether anybody is let in to this port of the pod; all are where no policy is about it.
pub(super) fn is_open(world: &World, pod: &Value, port: u16) -> bool {
    let mut policies = world.network_policies.iter().filter(|policy| is_about(policy, pod)).peekable();
    policies.peek().is_none() || policies.any(|policy| lets_in(policy, port, pod))
}

fn shut_out(subject: &Subject<'_>, port: &Port, policies: &[&Value]) -> Finding {
    let names: Vec<String> =
        policies.iter().map(|policy| format!("networkpolicy/{}", text(policy, "/metadata/name"))).collect();
    let (listen, target) = (port.listen, port.target.port);
    let message = if policies.iter().any(|policy| lets_in(policy, target, subject.original())) {
        format!(
            "{} lets clients in to port {target}, but not to the ambassador's port {listen}",
            names.join(", ")
        )
    } else {
        format!("{} does not let clients in to the ambassador's port {listen}", names.join(", "))
    };
    subject.warning(Code::NetworkPolicy, message).hint(format!("add port {listen} to its ingress"))
}

/// Whether a policy selects the pod and is about what comes in, which all are that do not say otherwise.
fn is_about(policy: &Value, pod: &Value) -> bool {
    let types = list(policy, "/spec/policyTypes");
    let ingress = types.is_empty() || types.iter().any(|kind| kind == "Ingress");
    let selector = policy.pointer("/spec/podSelector");
    ingress && selector.is_none_or(|wanted| selector::matches(wanted, pod))
}

/// Whether some rule of the policy lets somebody in to this TCP port.
fn lets_in(policy: &Value, port: u16, pod: &Value) -> bool {
    list(policy, "/spec/ingress").iter().any(|rule| {
        let allowed = list(rule, "/ports");
        allowed.is_empty() || allowed.iter().any(|one| covers(one, port, pod))
    })
}

fn covers(allowed: &Value, port: u16, pod: &Value) -> bool {
    if !matches!(text(allowed, "/protocol"), "" | "TCP") {
        return false;
    }
    let number = |key: &str| allowed.get(key).and_then(Value::as_u64);
    match allowed.get("port") {
        None => true,
        Some(Value::String(name)) => ports::named(pod, name) == Some(port),
        Some(_) => {
            let first = number("port").unwrap_or_default();
            (first..=number("endPort").unwrap_or(first)).contains(&u64::from(port))
        }
    }
}
