//! The port map: where the ambassador listens, and where each port leads.

mod address;
#[cfg(feature = "yaml")]
mod health;
mod route;
mod target;

pub use address::{Address, Host, Listen};
#[cfg(feature = "yaml")]
pub use health::{HealthCheck, HttpCheck};
pub use route::Route;
pub use target::{Balance, Server, Target, names};

use std::rc::Rc;

use crate::config;
use crate::exchange::Head;
use crate::limits::Limits;
use crate::problem::{Path, Problem};
use target::{Found, Targets};

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
    /// Where requests lead that no route is for, and all else; none only where there are routes.
    pub target: Option<Rc<Target>>,
    /// Where requests lead by what they ask for; the first that matches is used.
    pub routes: Vec<Route>,
    /// What is spoken.
    pub protocol: Protocol,
    /// The config's limits, with those of this port in their place.
    pub limits: Limits,
}

impl Port {
    /// Whether its bytes are passed on unread.
    pub fn is_tcp(&self) -> bool {
        self.protocol == Protocol::Tcp
    }

    /// All that it leads to, in order.
    pub fn targets(&self) -> impl Iterator<Item = &Rc<Target>> {
        self.routes.iter().map(|route| &route.target).chain(&self.target)
    }

    /// The addresses of all servers that it leads to.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.targets().flat_map(|target| &target.servers).map(|server| &server.address)
    }

    /// The ports of the pod itself that it leads to.
    pub fn local_ports(&self) -> impl Iterator<Item = u16> {
        self.addresses().filter(|address| address.is_local()).map(|address| address.port)
    }

    /// What people call that to which it leads.
    pub fn shown(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for target in self.targets() {
            let name = target.shown();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }

    /// Where a request leads; `None` if no route is for it and there is nothing else.
    pub fn choose(&self, head: Head<'_>) -> Option<&Rc<Target>> {
        let route = self.routes.iter().find(|route| route.matches(head).is_ok());
        route.map(|route| &route.target).or(self.target.as_ref())
    }

    /// Whether some of what it leads to is not part of the pod.
    pub fn leads_out(&self) -> bool {
        self.addresses().any(|address| !address.is_local())
    }

    /// Whether it leads out of the pod only: the legacy program asks, and others answer.
    pub fn is_outward(&self) -> bool {
        self.targets().all(|target| target.is_outward())
    }

    /// Whether its name says more than its number.
    pub fn has_own_name(&self) -> bool {
        self.name != default_name(self.listen)
    }
}

/// Which port leads where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortMap(Vec<Port>);

impl PortMap {
    pub(crate) fn new(
        spec: &config::Spec,
        limits: &Limits,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let targets = Targets::new(&spec.targets, limits, &path.key("targets"), problems);
        let path = path.key("ports");
        if spec.ports.is_empty() {
            problems.push(
                Problem::new(&path, "no port is mapped")
                    .hint("map at least one: - {listen: 80, target: 8775}"),
            );
        }
        let mut ports: Vec<Port> = Vec::new();
        for (index, port) in spec.ports.iter().enumerate() {
            let path = path.index(index);
            let before = problems.len();
            if let Some(port) = Port::new(port, &targets, limits, &path, problems) {
                check_against(&port, &ports, &path, problems);
                if problems.len() == before {
                    ports.push(port);
                }
            }
        }
        check_loops(spec, &ports, &path, problems);
        targets.check_loops(&ports, problems);
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

impl Port {
    fn new(
        written: &config::Port,
        targets: &Targets,
        limits: &Limits,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let listener = Listen::new(&written.listen.0, &path.key("listen"), problems);
        let protocol = protocol(written, path, problems);
        let found = Found { targets, protocol, limits };
        let at = path.key("target");
        let target = written.target.as_ref().map(|text| found.target(&text.0, &at, problems));
        let routes = route::all(written, &found, path, problems);
        if written.name.is_some() {
            check_name(written.name.as_deref().unwrap_or_default(), path, problems);
        }
        let limits = port_limits(written, protocol, limits, &path.key("limits"), problems);
        if target.is_none() && written.routes.is_empty() {
            let problem = Problem::new(path, "`target` is missing");
            problems.push(problem.hint("it is the port that the legacy program listens on, such as 8775"));
        }
        let (listener, target) = (listener?, target.map_or(Some(None), |target| target.map(Some))?);
        let name = written.name.clone().unwrap_or_else(|| default_name(listener.port));
        Some(Self { name, listen: listener.port, listener, target, routes, protocol, limits })
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

/// The limits of a port, those that mean nothing for its protocol refused.
fn port_limits(
    port: &config::Port,
    protocol: Protocol,
    limits: &Limits,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Limits {
    let written = &port.limits;
    let vain = if protocol == Protocol::Tcp {
        vec![
            ("idleTimeout", written.idle_timeout.is_some(), "tcpIdleTimeout is for tcp ports"),
            ("requestTimeout", written.request_timeout.is_some(), "requests are of HTTP"),
        ]
    } else {
        vec![("tcpIdleTimeout", written.tcp_idle_timeout.is_some(), "idleTimeout is for http ports")]
    };
    for (name, _, hint) in vain.into_iter().filter(|(_, is_written, _)| *is_written) {
        let message = format!("`{name}` has no effect on this port");
        problems.push(Problem::new(&path.key(name), message).hint(hint));
    }
    limits.of_port(written, path, problems)
}

/// Names go into those of Envoy's listeners, clusters and statistics: what Kubernetes takes as names is safe there.
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
fn check_loops(spec: &config::Spec, ports: &[Port], path: &Path, problems: &mut Vec<Problem>) {
    for (index, port) in spec.ports.iter().enumerate() {
        let path = path.index(index);
        if let Some(target) = &port.target {
            check_loop(&target.0, ports, &path.key("target"), problems);
        }
        for (index, route) in port.routes.iter().enumerate() {
            check_loop(&route.target.0, ports, &path.key("routes").index(index).key("target"), problems);
        }
    }
}

fn check_loop(written: &str, ports: &[Port], path: &Path, problems: &mut Vec<Problem>) {
    // What is wrong with it otherwise has been said.
    let Some(address) = Address::new(written, path, &mut Vec::new()) else { return };
    if let Some(own) = ports.iter().find(|own| address.leads_to(&own.listener)) {
        problems.push(
            Problem::new(path, format!("port {} is the ambassador's own", own.listener))
                .hint("target is the port that the legacy program listens on"),
        );
    }
}
