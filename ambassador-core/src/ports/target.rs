//! What requests and connections lead to: one server, or several that are alike.

use std::rc::Rc;

use super::address::Address;
#[cfg(feature = "yaml")]
use super::health::HealthCheck;
use super::{Host, Port, Protocol, check_loop, check_name};
use crate::config::{self, Scalar};
use crate::limits::Limits;
use crate::problem::{Path, Problem};
use crate::rules;

/// More servers of a target, or more targets, than this are a mistake.
const MOST: usize = 1_000;
/// The largest share of a server beside others.
const HEAVIEST: u32 = 256;

/// How a server is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Balance {
    /// By turns.
    #[default]
    RoundRobin,
    /// The one with the least to do.
    LeastConnections,
    /// Any.
    Random,
    /// The same one for the same client's address.
    ClientAddress,
    /// The same one for the same path.
    Path,
}

/// One server of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub address: Address,
    /// Its share beside the others.
    pub weight: u32,
    /// Whether it is asked only while all others are down.
    pub backup: bool,
}

/// Something to lead to, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What the config calls it; `None` where a port or a route has an address.
    pub name: Option<String>,
    /// At least one.
    pub servers: Vec<Server>,
    /// How one of them is chosen.
    pub balance: Balance,
    /// The Host they see.
    pub host: rules::Host,
    /// How they are looked after: for those who render, since that is Envoy's work.
    #[cfg(feature = "yaml")]
    pub health_check: Option<HealthCheck>,
    /// The config's limits, with those of this target in their place.
    pub limits: Limits,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// The name of Envoy's cluster that leads there; what leads to one target by one protocol shares it.
    pub cluster: String,
}

impl Target {
    /// Whether all of it is outside of the pod.
    pub fn is_outward(&self) -> bool {
        self.servers.iter().all(|server| !server.address.is_local())
    }

    /// Its only server, if it has one.
    pub fn only_server(&self) -> Option<&Address> {
        match &*self.servers {
            [server] => Some(&server.address),
            _ => None,
        }
    }

    /// The Host that requests are sent with, if not the one they came with. Servers elsewhere know themselves by
    /// their own names, not by that of a port on this pod's loopback; several are asked for what the client wants.
    pub fn upstream_host(&self) -> Option<String> {
        match &self.host {
            rules::Host::Keep => None,
            rules::Host::Named(name) => Some(name.clone()),
            rules::Host::Upstream => self.authority(),
            rules::Host::OfPort => self.authority().filter(|_| self.is_outward()),
        }
    }

    /// What HTTP calls its only server.
    pub fn authority(&self) -> Option<String> {
        self.only_server().map(Address::authority)
    }

    /// Most connections to one of its servers at a time.
    pub fn connections(&self) -> u32 {
        match self.protocol {
            Protocol::Tcp => self.limits.tcp_upstream_connections,
            Protocol::Http | Protocol::H2c => self.limits.upstream_connections,
        }
    }

    /// What people call it: its name, or its address as it was written.
    pub fn shown(&self) -> String {
        let address = || self.only_server().map(ToString::to_string).unwrap_or_default();
        self.name.clone().unwrap_or_else(address)
    }
}

/// For hints: which names there are.
pub fn names(targets: &[config::Target]) -> String {
    if targets.is_empty() {
        return "spec.targets is where targets get names".to_owned();
    }
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    format!("spec.targets has: {}", names.join(", "))
}

/// All that have names, checked; those with problems are there too, without what makes none of them useful.
pub(super) struct Targets<'a> {
    written: &'a [config::Target],
    checked: Vec<Target>,
    path: Path,
}

/// What decides what a text names.
pub(super) struct Found<'a> {
    pub(super) targets: &'a Targets<'a>,
    pub(super) protocol: Protocol,
    pub(super) limits: &'a Limits,
}

impl<'a> Targets<'a> {
    pub(super) fn new(
        written: &'a [config::Target],
        limits: &Limits,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        if written.len() > MOST {
            problems.push(Problem::new(path, format!("more than {MOST} targets")));
        }
        let mut checked: Vec<Target> = Vec::new();
        for (index, target) in written.iter().take(MOST).enumerate() {
            let path = path.index(index);
            check_target_name(&target.name, &path, problems);
            if checked.iter().any(|other| other.name.as_ref() == Some(&target.name)) {
                let message = format!("the name `{}` is used twice", target.name);
                problems.push(Problem::new(&path.key("name"), message));
            }
            checked.push(Target::new(target, limits, &path, problems));
        }
        Self { written, checked, path: path.clone() }
    }

    /// Servers that are the ambassador's own ports.
    pub(super) fn check_loops(&self, ports: &[Port], problems: &mut Vec<Problem>) {
        for (index, target) in self.written.iter().enumerate() {
            for (at, server) in target.servers.iter().enumerate() {
                let path = self.path.index(index).key("servers").index(at);
                match server {
                    config::Server::Address(address) => check_loop(&address.0, ports, &path, problems),
                    config::Server::Options(options) => {
                        check_loop(&options.address.0, ports, &path.key("address"), problems);
                    }
                }
            }
        }
    }
}

impl Found<'_> {
    /// What a port or a route leads to: a target by its name, or an address.
    pub(super) fn target(&self, text: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Rc<Target>> {
        let named = self.targets.checked.iter().find(|target| target.name.as_deref() == Some(text));
        if let Some(target) = named {
            if self.protocol == Protocol::Tcp && target.balance == Balance::Path {
                let problem = Problem::new(path, format!("`{text}` is balanced by path, and tcp has none"));
                problems.push(problem.hint("balance it by clientAddress"));
            }
            let cluster = format!("target_{text}{}", suffix(self.protocol));
            return Some(Rc::new(Target { protocol: self.protocol, cluster, ..target.clone() }));
        }
        if !self.targets.checked.is_empty() && is_name(text) {
            let message = format!("no target is named `{text}`");
            let hint = format!("{}; an address is written as host:port", names(self.targets.written));
            problems.push(Problem::new(path, message).hint(hint));
            return None;
        }
        let address = Address::new(text, path, problems)?;
        let cluster = cluster(&address, self.protocol);
        let target = Target { protocol: self.protocol, cluster, ..Target::of(address, *self.limits) };
        Some(Rc::new(target))
    }
}

impl Target {
    /// One server, by its address.
    fn of(address: Address, limits: Limits) -> Self {
        Self {
            name: None,
            servers: vec![Server { address, weight: 1, backup: false }],
            balance: Balance::RoundRobin,
            host: rules::Host::OfPort,
            #[cfg(feature = "yaml")]
            health_check: None,
            limits,
            protocol: Protocol::Http,
            cluster: String::new(),
        }
    }

    fn new(written: &config::Target, limits: &Limits, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let balance = balance(written.balance.as_deref(), &path.key("balance"), problems);
        let mut limits = limits.of_target(&written.limits, &path.key("limits"), problems);
        let servers = servers(written, balance, &mut limits, path, problems);
        let host = rules::Host::new(written.host.as_deref(), &path.key("host"), problems);
        if host == rules::Host::Upstream && servers.len() > 1 {
            problems.push(
                Problem::new(&path.key("host"), "several servers have no one address")
                    .hint("write keep for the client's Host, or the name that all of them know"),
            );
        }
        #[cfg(feature = "yaml")]
        let health_check = health_check(written, &host, path, problems);
        Self {
            name: Some(written.name.clone()),
            servers,
            balance,
            host,
            #[cfg(feature = "yaml")]
            health_check,
            limits,
            protocol: Protocol::Http,
            cluster: String::new(),
        }
    }
}

#[cfg(feature = "yaml")]
fn health_check(
    written: &config::Target,
    host: &rules::Host,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Option<HealthCheck> {
    let named = match host {
        rules::Host::Named(name) => Some(name.as_str()),
        _ => None,
    };
    let check = written.health_check.as_ref()?;
    Some(HealthCheck::new(check, named, &path.key("healthCheck"), problems))
}

fn balance(written: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> Balance {
    match written {
        None | Some("roundRobin") => Balance::RoundRobin,
        Some("leastConnections") => Balance::LeastConnections,
        Some("random") => Balance::Random,
        Some("clientAddress") => Balance::ClientAddress,
        Some("path") => Balance::Path,
        Some(other) => {
            let message = format!("unknown balance `{}`", other.escape_debug());
            problems.push(
                Problem::new(path, message)
                    .hint("expected roundRobin, leastConnections, random, clientAddress or path"),
            );
            Balance::RoundRobin
        }
    }
}

/// The servers of a target. What they say of connections becomes its limit: Envoy has one for all servers of a cluster.
fn servers(
    written: &config::Target,
    balance: Balance,
    limits: &mut Limits,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Server> {
    let at = path.key("servers");
    if written.servers.is_empty() || written.servers.len() > MOST {
        let message =
            if written.servers.is_empty() { "no server is named" } else { "more than 1000 servers" };
        problems.push(Problem::new(&at, message).hint("name at least one: servers: [\"10.0.0.1:8080\"]"));
    }
    let mut servers: Vec<Server> = Vec::new();
    let mut connections = Vec::new();
    for (index, written) in written.servers.iter().take(MOST).enumerate() {
        let path = at.index(index);
        let (written, place) = match written {
            config::Server::Address(address) => (of_address(address), path.clone()),
            config::Server::Options(options) => (options.clone(), path.key("address")),
        };
        let weight = written.weight.unwrap_or(1);
        if !(1..=HEAVIEST).contains(&weight) {
            let message = format!("must be from 1 to {HEAVIEST}");
            problems.push(Problem::new(&path.key("weight"), message));
        }
        connections.push((path, written.connections));
        let Some(address) = Address::new(&written.address.0, &place, problems) else { continue };
        if servers.iter().any(|other| other.address == address) {
            problems.push(Problem::new(&place, format!("the server {address} is named twice")));
        }
        servers.push(Server { address, weight, backup: written.backup });
    }
    check_connections(&connections, limits, problems);
    check_backups(written, &at, problems);
    let heavier =
        servers.iter().position(|server| server.weight != servers.first().map_or(1, |it| it.weight));
    if let Some(index) = heavier.filter(|_| balance == Balance::Random) {
        problems.push(
            Problem::new(&at.index(index).key("weight"), "`weight` has no effect with balance random")
                .hint("roundRobin and leastConnections know weights"),
        );
    }
    servers
}

fn of_address(address: &Scalar) -> config::ServerOptions {
    config::ServerOptions { address: address.clone(), ..Default::default() }
}

fn check_connections(written: &[(Path, Option<u32>)], limits: &mut Limits, problems: &mut Vec<Problem>) {
    let Some((_, Some(first))) = written.iter().find(|(_, connections)| connections.is_some()) else {
        return;
    };
    for (path, connections) in written {
        let path = path.key("connections");
        if *connections == Some(0) {
            problems.push(Problem::new(&path, "must be at least 1"));
        } else if *connections != Some(*first) {
            problems.push(
                Problem::new(&path, "all servers of a target have the same number of connections")
                    .hint("write it for all of them, or upstreamConnections once under limits of the target"),
            );
        }
    }
    limits.upstream_connections = *first;
    limits.tcp_upstream_connections = *first;
}

fn check_backups(written: &config::Target, at: &Path, problems: &mut Vec<Problem>) {
    let is_backup = |server: &config::Server| matches!(server, config::Server::Options(it) if it.backup);
    let Some(first) = written.servers.iter().position(is_backup) else { return };
    let path = at.index(first).key("backup");
    if written.servers.iter().all(is_backup) {
        problems.push(
            Problem::new(&path, "all servers are backups")
                .hint("of what? leave `backup` out for one of them"),
        );
    } else if written.health_check.is_none() {
        problems.push(
            Problem::new(&path, "a backup is never asked without `healthCheck`")
                .hint("add healthCheck: {} to the target: a server is down when no connection can be made"),
        );
    }
}

fn check_target_name(name: &str, path: &Path, problems: &mut Vec<Problem>) {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        let problem = Problem::new(&path.key("name"), format!("`{name}` looks like a port"));
        problems.push(problem.hint("give it a letter: `target` may be a port or a name"));
    } else {
        check_name(name, path, problems);
    }
}

/// Whether this can only be meant as the name of a target.
fn is_name(text: &str) -> bool {
    !text.contains([':', '.', '/', '['])
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Names that can be told apart in Envoy's statistics, where dots and colons mean something else.
fn cluster(address: &Address, protocol: Protocol) -> String {
    let plain = |host: String| host.replace(['.', ':'], "_");
    let host = match &address.host {
        Host::Ip(ip) if *ip == core::net::Ipv4Addr::LOCALHOST => "legacy".to_owned(),
        Host::Ip(ip) => format!("ip_{}", plain(ip.to_string())),
        Host::Name(name) => format!("host_{}", plain(name.clone())),
    };
    format!("{host}_{}{}", address.port, suffix(protocol))
}

fn suffix(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "",
        Protocol::H2c => "_h2c",
        Protocol::Tcp => "_tcp",
    }
}
