//! The port map: where the ambassador listens, and where each port leads.

mod address;

pub use address::{Host, Listen, Target};

use crate::config;
use crate::problem::{Path, Problem};

/// The `appProtocol` of a program that speaks HTTP/2 without TLS; Kubernetes' word in a Service.
const H2C: &str = "kubernetes.io/h2c";

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP from clients of any version, HTTP/1.1 to the target.
    #[default]
    Http,
    /// HTTP from clients of any version, HTTP/2 without TLS to the target.
    H2c,
    /// Anything over TCP, passed on byte for byte. Rules are not for it.
    Tcp,
}

/// One line of the port map, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// What rules call it; unique.
    pub name: String,
    /// The port the ambassador listens on; unique among those that speak HTTP.
    pub listen: u16,
    /// Where it listens, with the address.
    pub listener: Listen,
    /// Where it leads.
    pub target: Target,
    /// What is spoken.
    pub protocol: Protocol,
    /// The name of Envoy's cluster that leads to `target`; ports of one target and protocol share it.
    pub cluster: String,
}

impl Port {
    /// Whether its bytes are passed on unread.
    pub fn is_tcp(&self) -> bool {
        self.protocol == Protocol::Tcp
    }

    /// Whether it leads out of the pod: the legacy program asks, and others answer.
    pub fn is_outward(&self) -> bool {
        !self.target.is_local()
    }

    /// Whether its name says more than its number.
    pub fn has_own_name(&self) -> bool {
        self.name != default_name(self.listen)
    }

    /// The Host that requests are sent with, if not the one they came with: servers elsewhere know themselves by
    /// their own names, not by that of a port on this pod's loopback.
    pub fn upstream_host(&self) -> Option<String> {
        self.is_outward().then(|| self.target.authority())
    }
}

/// Which port leads where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortMap(Vec<Port>);

impl PortMap {
    pub(crate) fn new(written: &[config::Port], path: &Path, problems: &mut Vec<Problem>) -> Self {
        if written.is_empty() {
            problems.push(
                Problem::new(path, "no port is mapped")
                    .hint("map at least one: - {listen: 80, target: 8775}"),
            );
        }
        let mut ports: Vec<Port> = Vec::new();
        for (index, port) in written.iter().enumerate() {
            let path = path.index(index);
            let before = problems.len();
            let listener = Listen::new(&port.listen.0, &path.key("listen"), problems);
            let target = Target::new(&port.target.0, &path.key("target"), problems);
            let protocol = protocol(port, &path, problems);
            if port.name.is_some() {
                check_name(port.name.as_deref().unwrap_or_default(), &path, problems);
            }
            let (Some(listener), Some(target)) = (listener, target) else { continue };
            let name = port.name.clone().unwrap_or_else(|| default_name(listener.port));
            let cluster = cluster(&target, protocol);
            let port = Port { name, listen: listener.port, listener, target, protocol, cluster };
            check_against(&port, &ports, &path, problems);
            if problems.len() == before {
                ports.push(port);
            }
        }
        check_loops(written, &ports, path, problems);
        Self(ports)
    }

    /// The ports, in the order they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Port> {
        self.0.iter()
    }

    /// The line of the map for the HTTP port that a client asked.
    pub fn listening_on(&self, listen: u16) -> Option<&Port> {
        self.0.iter().find(|port| port.listen == listen && !port.is_tcp())
    }

    /// The line of the map of this name.
    pub fn named(&self, name: &str) -> Option<&Port> {
        self.0.iter().find(|port| port.name == name)
    }
}

impl<'a> IntoIterator for &'a PortMap {
    type Item = &'a Port;
    type IntoIter = std::slice::Iter<'a, Port>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn default_name(listen: u16) -> String {
    format!("port-{listen}")
}

fn protocol(port: &config::Port, path: &Path, problems: &mut Vec<Problem>) -> Protocol {
    let is_tcp = match port.protocol.as_deref() {
        None | Some("http") => false,
        Some("tcp") => true,
        Some(other) => {
            let hint = if other == "https" {
                "expected http or tcp; TLS passes through tcp unread"
            } else {
                "expected http or tcp"
            };
            let message = format!("unknown protocol `{}`", other.escape_debug());
            problems.push(Problem::new(&path.key("protocol"), message).hint(hint));
            false
        }
    };
    let path = path.key("appProtocol");
    match port.app_protocol.as_deref() {
        None if is_tcp => Protocol::Tcp,
        None => Protocol::Http,
        Some(_) if is_tcp => {
            problems.push(Problem::new(&path, "`appProtocol` has no effect with protocol tcp"));
            Protocol::Tcp
        }
        Some(H2C) => Protocol::H2c,
        Some(other) => {
            let message = format!("unknown appProtocol `{}`", other.escape_debug());
            problems.push(
                Problem::new(&path, message).hint(format!(
                    "{H2C} is a target that speaks HTTP/2 without TLS; HTTP/1.1 is the default"
                )),
            );
            Protocol::Http
        }
    }
}

/// Names that can be told apart in Envoy's statistics, where dots and colons mean something else.
fn cluster(target: &Target, protocol: Protocol) -> String {
    let plain = |host: String| host.replace(['.', ':'], "_");
    let host = match &target.host {
        Host::Ip(address) if *address == core::net::Ipv4Addr::LOCALHOST => "legacy".to_owned(),
        Host::Ip(address) => format!("ip_{}", plain(address.to_string())),
        Host::Name(name) => format!("host_{}", plain(name.clone())),
    };
    let kind = match protocol {
        Protocol::Http => "",
        Protocol::H2c => "_h2c",
        Protocol::Tcp => "_tcp",
    };
    format!("{host}_{}{kind}", target.port)
}

/// Port names go into the names of Envoy's listeners and statistics: those of Kubernetes are safe there.
fn check_name(name: &str, path: &Path, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        problems.push(
            Problem::new(&path.key("name"), format!("`{}` is not a name", name.escape_debug()))
                .hint("use lower case letters, digits and -, at most 63 of them"),
        );
    }
}

/// What one line cannot have because another has it.
fn check_against(port: &Port, others: &[Port], path: &Path, problems: &mut Vec<Problem>) {
    if let Some(other) = others.iter().find(|other| other.listener.overlaps(&port.listener)) {
        let listen = path.key("listen");
        problems.push(if other.listener == port.listener {
            Problem::new(&listen, format!("port {} is mapped twice", port.listener))
        } else {
            Problem::new(
                &listen,
                format!("port {} is mapped twice: as {} too", port.listener, other.listener),
            )
        });
    } else if !port.is_tcp() && others.iter().any(|other| other.listen == port.listen && !other.is_tcp()) {
        // The filter knows a port by its number.
        problems.push(
            Problem::new(&path.key("listen"), format!("two http ports have the number {}", port.listen))
                .hint("choose another number, whatever the address; tcp ports may share one"),
        );
    }
    if others.iter().any(|other| other.name == port.name) {
        let problem = Problem::new(&path.key("name"), format!("the name `{}` is used twice", port.name));
        problems.push(problem.hint("give each port a name of its own"));
    }
}

/// A port that leads to a port of the ambassador's own would ask itself for ever.
fn check_loops(written: &[config::Port], ports: &[Port], path: &Path, problems: &mut Vec<Problem>) {
    for (index, port) in written.iter().enumerate() {
        let path = path.index(index).key("target");
        // What is wrong with it otherwise has been said.
        let Some(target) = Target::new(&port.target.0, &path, &mut Vec::new()) else { continue };
        if let Some(own) = ports.iter().find(|own| target.leads_to(&own.listener)) {
            problems.push(
                Problem::new(&path, format!("port {} is the ambassador's own", own.listener))
                    .hint("target is the port that the legacy program listens on"),
            );
        }
    }
}
