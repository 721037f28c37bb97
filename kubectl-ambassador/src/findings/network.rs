//! NetworkPolicies: whether clients that may ask the program may ask the ambassador, and whether that reaches its targets
//! outside of the pod.

use std::net::IpAddr;

use ambassador_core::ports::{Address, Host, Port};
use serde_json::Value;

use super::{Code, Finding, Subject, World, ports, selector};
use crate::plan::{list, text};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let (Some(map), Some(planned)) = (subject.ports(), subject.planned()) else { return Vec::new() };
    let policies = about(world, planned, "Ingress");
    let open = map.iter().filter(|port| port.listener.is_open() && !port.is_outward());
    let closed = open.filter(|port| !admits(&policies, |policy| lets_in(policy, port.listen, planned)));
    let shut_out = closed.map(|port| shut_out(subject, port, &policies));

    let policies = about(world, planned, "Egress");
    let mut outward: Vec<(&Port, &Address)> = Vec::new();
    for (port, address) in map.iter().flat_map(|port| port.addresses().map(move |address| (port, address))) {
        let is_known = |(other, known): &(&Port, &Address)| other.listen == port.listen && *known == address;
        if !address.is_local() && !outward.iter().any(is_known) {
            outward.push((port, address));
        }
    }
    let shut_in =
        outward.into_iter().filter_map(|(port, address)| shut_in(subject, port, address, &policies));
    shut_out.chain(shut_in).collect()
}

/// Whether anybody is let in to this port of the pod.
pub(super) fn is_open(world: &World, pod: &Value, port: u16) -> bool {
    admits(&about(world, pod, "Ingress"), |policy| lets_in(policy, port, pod))
}

/// The policies that select the pod and are about what comes in, or what goes out. Those that do not say which are about
/// what comes in, and about what goes out if they have rules for it.
fn about<'a>(world: &'a World, pod: &Value, direction: &str) -> Vec<&'a Value> {
    let is_about = |policy: &&Value| {
        let types = list(policy, "/spec/policyTypes");
        let meant = if types.is_empty() {
            direction == "Ingress" || policy.pointer("/spec/egress").is_some()
        } else {
            types.iter().any(|kind| kind == direction)
        };
        let selector = policy.pointer("/spec/podSelector");
        meant && selector.is_none_or(|wanted| selector::matches(wanted, pod))
    };
    world.network_policies.iter().filter(is_about).collect()
}

/// All is allowed where no policy is about it, and else what one of them allows.
fn admits(policies: &[&Value], allows: impl Fn(&Value) -> bool) -> bool {
    policies.is_empty() || policies.iter().any(|policy| allows(policy))
}

fn names(policies: &[&Value]) -> String {
    let names = policies.iter().map(|policy| format!("networkpolicy/{}", text(policy, "/metadata/name")));
    names.collect::<Vec<_>>().join(", ")
}

fn shut_out(subject: &Subject<'_>, port: &Port, policies: &[&Value]) -> Finding {
    let listen = port.listen;
    let let_in = |target: &u16| policies.iter().any(|policy| lets_in(policy, *target, subject.original()));
    let message = if let Some(target) = port.local_ports().find(let_in) {
        format!(
            "{} lets clients in to port {target}, but not to the ambassador's port {listen}",
            names(policies)
        )
    } else {
        format!("{} does not let clients in to the ambassador's port {listen}", names(policies))
    };
    subject.warning(Code::NetworkPolicy, message).hint(format!("add port {listen} to its ingress"))
}

/// What keeps the ambassador from a target outside of the pod, or from finding it.
fn shut_in(subject: &Subject<'_>, port: &Port, target: &Address, policies: &[&Value]) -> Option<Finding> {
    let host = &target.host;
    let (what, needed) = if !admits(policies, |policy| lets_out(policy, "TCP", target.port, host)) {
        (format!("{target}, where port {} leads", port.listener), format!("port {}", target.port))
    } else if matches!(host, Host::Name(_)) && !admits(policies, |policy| lets_out(policy, "UDP", 53, host)) {
        (format!("DNS, by which {target} is found"), "port 53, UDP and TCP,".to_owned())
    } else {
        return None;
    };
    let message = format!("{} does not let the ambassador out to {what}", names(policies));
    let service = "if it is a Service, the port of its pods counts";
    Some(subject.warning(Code::Egress, message).hint(format!("add {needed} to its egress; {service}")))
}

/// Whether some rule of the policy lets somebody in to this TCP port.
fn lets_in(policy: &Value, port: u16, pod: &Value) -> bool {
    list(policy, "/spec/ingress").iter().any(|rule| {
        let named = |name: &str| ports::named(pod, name) == Some(port);
        covers(rule, "TCP", port, named)
    })
}

/// Whether some rule of the policy may let the pod out to this port. What stands behind a name, or what a port of
/// another pod is called, cannot be seen from here: that counts as let out.
fn lets_out(policy: &Value, protocol: &str, port: u16, host: &Host) -> bool {
    let reaches = |peer: &Value| match (host, peer.get("ipBlock")) {
        (Host::Ip(address), Some(block)) => {
            let within = |cidr: &Value| cidr.as_str().is_none_or(|cidr| contains(cidr, *address));
            block.get("cidr").is_none_or(within) && !list(block, "/except").iter().any(within)
        }
        _ => true,
    };
    list(policy, "/spec/egress").iter().any(|rule| {
        let peers = list(rule, "/to");
        covers(rule, protocol, port, |_| true) && (peers.is_empty() || peers.iter().any(reaches))
    })
}

/// Whether an address is one of a block such as `10.0.0.0/8`; what cannot be read is no block.
fn contains(cidr: &str, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(four.to_bits()) << 96, 32),
        IpAddr::V6(six) => (six.to_bits(), 128),
    };
    let block = cidr
        .split_once('/')
        .and_then(|(first, length)| Some((first.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?)));
    let Some((first, length)) = block else { return false };
    let ((first, size), (address, other)) = (bits(first), bits(address));
    size == other && length <= size && (first ^ address).checked_shr(128 - length).unwrap_or_default() == 0
}

/// Whether a rule is about this port.
fn covers(rule: &Value, protocol: &str, port: u16, named: impl Fn(&str) -> bool) -> bool {
    let allowed = list(rule, "/ports");
    allowed.is_empty() || allowed.iter().any(|one| covers_port(one, protocol, port, &named))
}

fn covers_port(allowed: &Value, protocol: &str, port: u16, named: impl Fn(&str) -> bool) -> bool {
    let own = Some(text(allowed, "/protocol")).filter(|own| !own.is_empty()).unwrap_or("TCP");
    let number = |key: &str| allowed.get(key).and_then(Value::as_u64);
    own == protocol
        && match allowed.get("port") {
            None => true,
            Some(Value::String(name)) => named(name),
            Some(_) => {
                let first = number("port").unwrap_or_default();
                (first..=number("endPort").unwrap_or(first)).contains(&u64::from(port))
            }
        }
}
