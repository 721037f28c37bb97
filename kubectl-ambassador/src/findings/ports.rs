//! Ports: clashes, privileges, and ways past the ambassador.

use ambassador_core::ports::Port;
use serde_json::Value;

use super::{Code, Finding, Subject, World, network};
use crate::envoy::HEALTH_PORT;
use crate::plan::{list, port_of, taken_by, text};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let mut found = taken(subject);
    found.extend(low(subject));
    found.extend(host_ports(subject));
    found.extend(raw(subject, world));
    found.extend(nobody_listens(subject));
    found
}

fn taken(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(ports) = subject.ports() else { return Vec::new() };
    let listening = subject.listening.unwrap_or_default();
    let by = |port: u16| taken_by(subject.beside(), port, listening);
    let mut found: Vec<Finding> = ports
        .iter()
        .filter_map(|port| Some((port.listen, by(port.listen)?)))
        .map(|(port, (by, hint))| {
            subject.error(Code::PortTaken, format!("port {port} is taken: it is {by}")).hint(hint)
        })
        .collect();
    if let Some((by, _)) = by(HEALTH_PORT) {
        let message =
            format!("port {HEALTH_PORT} is taken: it is {by}, and the ambassador needs it for its health");
        found.push(subject.error(Code::HealthPort, message));
    }
    found
}

fn low(subject: &Subject<'_>) -> Option<Finding> {
    let low: Vec<String> = subject
        .ports()?
        .iter()
        .filter(|port| port.listen < 1024)
        .map(|port| port.listen.to_string())
        .collect();
    let message = format!(
        "port {} is below 1024: the pod gets the sysctl net.ipv4.ip_unprivileged_port_start=0, which Pod Security allows",
        low.join(" and ")
    );
    (!low.is_empty()).then(|| subject.info(Code::LowPort, message))
}

fn host_ports(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(ports) = subject.ports() else { return Vec::new() };
    let containers = list(subject.beside(), "/spec/containers").iter();
    let declared = containers.flat_map(|container| list(container, "/ports"));
    let leads = declared.filter_map(|port| {
        let number =
            |key: &str| port.get(key).and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok());
        let (host, container) = (number("hostPort").filter(|&host| host > 0)?, number("containerPort")?);
        port_of(ports, container).map(|ours| (host, container, ours.listen))
    });
    leads
        .map(|(host, container, ours)| {
            let message = format!(
                "port {host} of the node leads to port {container} of {}, past the ambassador's port {ours}",
                subject.name()
            );
            subject.warning(Code::HostPort, message).hint(format!(
                "clients of the node's port get no rules; give hostPort {host} to port {ours} if they should"
            ))
        })
        .collect()
}

/// A rule that can be gone around may be a surprise; a port that is mapped only is there twice, and does no harm.
fn raw(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let Some(source) = subject.source else { return Vec::new() };
    let rules = source.loaded.ambassador.rules.len();
    let mut targets: Vec<u16> = source
        .loaded
        .ambassador
        .ports
        .iter()
        .filter(|port| port.listener.is_open())
        .flat_map(Port::local_ports)
        .filter(|&target| network::is_open(world, subject.original(), target))
        .collect();
    targets.sort_unstable();
    targets.dedup();
    targets
        .into_iter()
        .map(|target| {
            let what = format!("port {target} of {} stays reachable beside the ambassador", subject.name());
            if rules == 0 {
                subject.info(Code::RawPort, what)
            } else {
                subject
                    .warning(Code::RawPort, format!("{what}, without its rules"))
                    .hint("if that matters, close the port by a NetworkPolicy")
            }
        })
        .collect()
}

fn nobody_listens(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(ports), Some(listening)) = (subject.ports(), subject.listening) else { return Vec::new() };
    let mut found: Vec<Finding> = ports
        .iter()
        .flat_map(|port| port.local_ports().map(move |target| (port, target)))
        .filter(|(_, target)| !listening.contains(target))
        .map(|(port, target)| {
            let message =
                format!("port {} leads to port {target}, where nothing listens at the moment", port.listener);
            let seen: Vec<String> = listening.iter().map(u16::to_string).collect();
            let finding = subject.warning(Code::NobodyListens, message);
            if seen.is_empty() {
                finding
            } else {
                finding.hint(format!("listened on in the pod: {}", seen.join(", ")))
            }
        })
        .collect();
    found.dedup_by(|one, other| one.message == other.message);
    found
}

/// The number of a port that a container of the pod declares by this name, TCP only.
pub(super) fn named(pod: &Value, name: &str) -> Option<u16> {
    // A native sidecar's ports count too.
    let containers = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    let mut ports = containers.flat_map(|container| list(container, "/ports"));
    let port =
        ports.find(|port| text(port, "/name") == name && matches!(text(port, "/protocol"), "" | "TCP"))?;
    u16::try_from(port.get("containerPort")?.as_u64()?).ok()
}
