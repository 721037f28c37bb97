//! The port map: which port the ambassador listens on, and where each leads.

use crate::config::{self, Scalar};
use crate::problem::{Path, Problem};

/// One line of the port map, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// What rules call it; unique.
    pub name: String,
    /// The port the ambassador listens on; unique.
    pub listen: u16,
    /// The port of the legacy program on 127.0.0.1.
    pub target: u16,
    /// The name of Envoy's cluster that leads to `target`; ports with one target share it.
    pub cluster: String,
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
            let listen = number(&port.listen, &path.key("listen"), "listen addresses", problems);
            let target = number(&port.target, &path.key("target"), "targets on other hosts", problems);
            check_protocol(port, &path, problems);
            let name = port.name.clone().unwrap_or_else(|| format!("port-{}", port.listen));
            if port.name.is_some() {
                check_name(&name, &path, problems);
            }
            let (Some(listen), Some(target)) = (listen, target) else { continue };
            if ports.iter().any(|other| other.listen == listen) {
                problems.push(Problem::new(&path.key("listen"), format!("port {listen} is mapped twice")));
            }
            if ports.iter().any(|other| other.name == name) {
                problems.push(Problem::new(&path.key("name"), format!("the name `{name}` is used twice")));
            }
            if problems.len() == before {
                ports.push(Port { name, listen, target, cluster: format!("legacy_{target}") });
            }
        }
        check_loops(written, &ports, path, problems);
        Self(ports)
    }

    /// The ports, in the order they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Port> {
        self.0.iter()
    }

    /// The line of the map for the port that a client asked.
    pub fn listening_on(&self, listen: u16) -> Option<&Port> {
        self.0.iter().find(|port| port.listen == listen)
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

fn number(text: &Scalar, path: &Path, planned: &str, problems: &mut Vec<Problem>) -> Option<u16> {
    let all_digits = !text.0.is_empty() && text.0.bytes().all(|byte| byte.is_ascii_digit());
    match text.0.parse::<u16>() {
        Ok(port @ 1..) if all_digits => Some(port),
        _ if text.0.contains(':') => {
            problems.push(Problem::new(path, format!("{planned} are not supported by this version")));
            None
        }
        _ => {
            problems.push(
                Problem::new(path, format!("`{text}` is not a port")).hint("a port is from 1 to 65535"),
            );
            None
        }
    }
}

fn check_protocol(port: &config::Port, path: &Path, problems: &mut Vec<Problem>) {
    let path = path.key("protocol");
    match port.protocol.as_deref() {
        None | Some("http") => {}
        Some("tcp") => problems.push(Problem::new(&path, "protocol tcp is not supported by this version")),
        Some(other) => {
            problems.push(Problem::new(&path, format!("unknown protocol `{other}`")).hint("expected http"));
        }
    }
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

/// A port that leads to a port of the ambassador's own would ask itself for ever.
fn check_loops(written: &[config::Port], ports: &[Port], path: &Path, problems: &mut Vec<Problem>) {
    for (index, port) in written.iter().enumerate() {
        let looping = ports.iter().find(|other| other.listen.to_string() == port.target.0);
        if let Some(other) = looping {
            problems.push(
                Problem::new(
                    &path.index(index).key("target"),
                    format!("port {} is the ambassador's own", other.listen),
                )
                .hint("target is the port that the legacy program listens on"),
            );
        }
    }
}
