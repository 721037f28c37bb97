//! What is led to: servers, how one is chosen, how they are checked.

use super::file::{Kind, Line};
use super::limits::{self, Limits};
use super::model::{From, Global, plain_name};
use super::notes::Notes;
use super::proxy::{Check, Proxy};
use super::server::Server;
use super::time::written;

/// One of `targets`, or what a port leads to without a name.
#[derive(Debug)]
pub(super) struct Target {
    /// Empty until it gets one.
    pub(super) name: From<String>,
    pub(super) servers: Vec<From<Address>>,
    pub(super) balance: Option<From<&'static str>>,
    /// Whether the client's Host has to be kept by a word of its own.
    pub(super) keeps_host: bool,
    pub(super) check: Option<From<Vec<(&'static str, String)>>>,
    pub(super) limits: Limits,
}

/// A server, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) text: String,
    pub(super) weight: Option<u32>,
    pub(super) backup: bool,
}

/// All of them, by the backends that they are made of.
#[derive(Debug)]
pub(super) struct Targets<'p> {
    all: Vec<(&'p Proxy<'p>, Target)>,
    global: &'p Global,
}

impl<'p> Targets<'p> {
    pub(super) fn new(global: &'p Global) -> Self {
        Self { all: Vec::new(), global }
    }

    /// Takes a backend in that `proxy` leads to; clients ask for this port.
    pub(super) fn add(
        &mut self,
        backend: &'p Proxy<'p>,
        proxy: &Proxy<'_>,
        asked: u16,
        by_name: bool,
        notes: &mut Notes,
    ) {
        if let Some((_, known)) = self.all.iter_mut().find(|(known, _)| known.name == backend.name) {
            if by_name {
                known.name.value.clone_from(&backend.name);
            }
            return;
        }
        if backend.servers.is_empty() {
            notes.lost(backend.head, "it has no server that is carried over, so nothing leads there");
            return;
        }
        if backend.servers.iter().any(|server| server.address.port.is_none()) {
            notes.different(backend.head, format!("servers without a port are asked at {asked}"));
        }
        let is_tcp = proxy.is_tcp();
        let outward = backend.servers.iter().any(|server| !server.address.is_local());
        let balance = balance(backend, is_tcp, notes);
        let target = Target {
            name: From::new(
                if by_name { backend.name.clone() } else { String::new() },
                vec![backend.head.number],
            ),
            servers: servers(backend, asked, balance.as_ref(), notes),
            balance,
            keeps_host: !is_tcp && outward && backend.servers.len() == 1,
            check: check(backend, is_tcp, notes),
            limits: limits::of_target(backend, proxy, self.global),
        };
        self.all.push((backend, target));
    }

    /// Whether this backend is one of them.
    pub(super) fn has(&self, backend: &Proxy<'_>) -> bool {
        self.find(backend).is_some()
    }

    /// Gives names to all that an address alone cannot say, and takes from their limits what is common.
    pub(super) fn name(&mut self, common: &Limits) {
        for (backend, target) in &mut self.all {
            target.limits = std::mem::take(&mut target.limits).without(common);
            let is_plain = target.servers.len() == 1
                && target.check.is_none()
                && !target.keeps_host
                && target.limits == Limits::default();
            if !is_plain {
                target.name.value.clone_from(&backend.name);
            }
        }
        let mut names: Vec<String> = Vec::new();
        for (_, target) in &mut self.all {
            if !target.name.value.is_empty() {
                // A number would be a port.
                let name = plain_name(&target.name.value, |name| names.iter().any(|known| known == name));
                let name = if name.bytes().all(|byte| byte.is_ascii_digit()) {
                    format!("target-{name}")
                } else {
                    name
                };
                names.push(name.clone());
                target.name.value = name;
            }
        }
    }

    fn find(&self, backend: &Proxy<'_>) -> Option<&Target> {
        self.all.iter().find(|(known, _)| known.name == backend.name).map(|(_, target)| target)
    }

    /// As a port's or a route's `target`.
    pub(super) fn leads_to(&self, backend: &Proxy<'_>) -> Option<From<String>> {
        let target = self.find(backend)?;
        if target.name.value.is_empty() {
            let server = target.servers.first()?;
            let head = (backend.kind == Kind::Backend).then_some(backend.head.number);
            let lines = head.into_iter().chain(server.lines.iter().copied()).collect();
            return Some(From::new(server.value.text.clone(), lines));
        }
        Some(From::new(target.name.value.clone(), target.name.lines.clone()))
    }

    /// Those that stand under `targets`.
    pub(super) fn into_named(self) -> Vec<Target> {
        self.all
            .into_iter()
            .map(|(_, target)| target)
            .filter(|target| !target.name.value.is_empty())
            .collect()
    }
}

/// As they are written: each once, and backups only where they would ever be asked.
fn servers(
    backend: &Proxy<'_>,
    asked: u16,
    balance: Option<&From<&'static str>>,
    notes: &mut Notes,
) -> Vec<From<Address>> {
    let is_checked = backend.servers.iter().any(|server| server.options.check);
    let all_are_backups = backend.servers.iter().all(|server| server.options.backup);
    if backend.servers.iter().filter(|server| server.options.backup).count() > 1 {
        notes.different(backend.head, "its backups share the work, as with `option allbackups`");
    }
    let mut servers: Vec<From<Address>> = Vec::new();
    for server in &backend.servers {
        let lines = [&server.options.lines[..], &[server.line]].concat();
        let Some(line) = backend.line(server.line) else { continue };
        if server.options.backup && !all_are_backups && !is_checked {
            notes.anyway(
                line,
                "it is left out: servers are not checked, so HAProxy never asks a backup either",
            );
            continue;
        }
        let text = server.address.written(asked);
        if let Some(known) = servers.iter_mut().find(|known| known.value.text == text) {
            notes.different(line, "it is the same address as another server's, and asked as one");
            known.lines.extend(lines);
            continue;
        }
        let mut weight = server.options.weight.filter(|&weight| weight != 1);
        if weight.is_some() && balance.is_some_and(|balance| balance.value == "random") {
            notes.lost(line, "weights mean nothing with balance random");
            weight = None;
        }
        let backup = server.options.backup && !all_are_backups;
        servers
            .push(From::new(Address { text, weight: weight.map(|weight| weight.min(256)), backup }, lines));
    }
    if let [one] = servers.as_mut_slice() {
        // Beside no other it means nothing.
        one.value.weight = None;
    }
    servers
}

fn balance(backend: &Proxy<'_>, is_tcp: bool, notes: &mut Notes) -> Option<From<&'static str>> {
    let line = backend.balance?;
    if backend.servers.len() < 2 {
        notes.anyway(line, "there is one server");
        return None;
    }
    let said = |name| Some(From::new(name, vec![line.number]));
    match line.word(1).split('(').next().unwrap_or_default() {
        "roundrobin" | "static-rr" => said("roundRobin"),
        "leastconn" => said("leastConnections"),
        "random" => said("random"),
        "source" => {
            notes.different(
                line,
                "another server than HAProxy's may be a client's: addresses are hashed in another way",
            );
            said("clientAddress")
        }
        "uri" if !is_tcp => {
            notes.different(line, "another server than HAProxy's may be a path's: paths are hashed in another way, as a whole and without the query");
            said("path")
        }
        _ => {
            notes.lost(line, "servers are asked by turns");
            None
        }
    }
}

fn check(backend: &Proxy<'_>, is_tcp: bool, notes: &mut Notes) -> Option<From<Vec<(&'static str, String)>>> {
    let checked: Vec<&Server> = backend.servers.iter().filter(|server| server.options.check).collect();
    let asked = backend.check.as_ref();
    let find = |number: usize| backend.line(number);
    let Some(first) = checked.first() else {
        for line in asked.iter().flat_map(|check| &check.lines).filter_map(|&number| find(number)) {
            notes.anyway(line, "no server has `check`, so HAProxy does not check either");
        }
        return None;
    };
    if checked.len() < backend.servers.len() {
        notes.different(backend.head, "all its servers are checked, or none");
    }
    let mut lines: Vec<usize> = checked.iter().map(|server| server.line).collect();
    let mut fields = asked.map(|asked| of_http(asked, backend.head, notes)).unwrap_or_default();
    lines.extend(asked.iter().flat_map(|asked| &asked.lines));
    if is_tcp && !fields.is_empty() {
        notes.different(backend.head, "its servers are checked by HTTP, as `option httpchk` says");
    }
    let options = &first.options;
    if let Some(other) = checked.iter().find(|server| {
        (server.options.interval, server.options.rise, server.options.fall)
            != (options.interval, options.rise, options.fall)
    }) && let Some(line) = find(other.line)
    {
        notes.different(line, "it is checked as the first server is");
    }
    fields.extend(options.interval.map(|interval| ("interval", written(interval.max(1)))));
    if let Some(timeout) = backend.timeout("check") {
        fields.push(("timeout", written(timeout.value.max(1))));
        lines.push(timeout.line);
    }
    fields.extend(options.rise.map(|rise| ("rise", rise.max(1).to_string())));
    fields.extend(options.fall.map(|fall| ("fall", fall.max(1).to_string())));
    lines.extend(&options.lines);
    lines.sort_unstable();
    lines.dedup();
    Some(From::new(fields, lines))
}

fn of_http(asked: &Check, head: &Line, notes: &mut Notes) -> Vec<(&'static str, String)> {
    let method = asked.method.as_deref().unwrap_or("OPTIONS");
    let path = asked.path.as_deref().unwrap_or("/");
    if !matches!(method, "GET" | "HEAD" | "OPTIONS") || !path.starts_with('/') {
        notes.lost(
            head,
            format!(
                "its servers are not asked for `{method} {path}`: that a connection can be made is enough"
            ),
        );
        return Vec::new();
    }
    let mut fields = vec![("path", path.to_owned()), ("method", method.to_owned())];
    fields.extend(asked.host.iter().map(|host| ("host", host.clone())));
    fields.extend(asked.status.iter().map(|status| ("status", status.join(","))));
    fields
}
