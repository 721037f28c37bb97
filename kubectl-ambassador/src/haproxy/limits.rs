//! Connections and times.

use super::model::{From, Global};
use super::notes::Notes;
use super::proxy::{Proxy, Set};
use super::time::written;

/// What HAProxy takes where nobody says how many; later versions go by the file descriptors that they may have.
const MAXCONN: u32 = 2000;

/// What stands under `limits`, of the whole, of a port, or of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) connections: Option<From<u32>>,
    pub(super) upstream_connections: Option<From<u32>>,
    pub(super) connect_timeout: Option<From<u64>>,
    pub(super) idle_timeout: Option<From<u64>>,
    pub(super) tcp_idle_timeout: Option<From<u64>>,
}

impl Limits {
    /// What of it is not as in `common`.
    pub(super) fn without(self, common: &Self) -> Self {
        fn other<T: PartialEq>(own: Option<From<T>>, common: Option<&From<T>>) -> Option<From<T>> {
            own.filter(|own| common.is_none_or(|common| common.value != own.value))
        }
        Self {
            connections: other(self.connections, common.connections.as_ref()),
            upstream_connections: other(self.upstream_connections, common.upstream_connections.as_ref()),
            connect_timeout: other(self.connect_timeout, common.connect_timeout.as_ref()),
            idle_timeout: other(self.idle_timeout, common.idle_timeout.as_ref()),
            tcp_idle_timeout: other(self.tcp_idle_timeout, common.tcp_idle_timeout.as_ref()),
        }
    }

    /// Names, values and lines, as they are written.
    pub(super) fn entries(&self) -> Vec<(&'static str, String, Vec<usize>)> {
        let mut entries = Vec::new();
        for (name, count) in
            [("connections", &self.connections), ("upstreamConnections", &self.upstream_connections)]
        {
            entries.extend(count.iter().map(|count| (name, count.value.to_string(), count.lines.clone())));
        }
        for (name, time) in [
            ("connectTimeout", &self.connect_timeout),
            ("idleTimeout", &self.idle_timeout),
            ("tcpIdleTimeout", &self.tcp_idle_timeout),
        ] {
            entries.extend(time.iter().map(|time| (name, written(time.value), time.lines.clone())));
        }
        entries
    }
}

/// What most have: that of the first proxy, and for each kind of time the first that says it. `count` ports are made.
pub(super) fn common<'p>(
    proxies: &(impl Iterator<Item = (&'p Proxy<'p>, Option<&'p Proxy<'p>>)> + Clone),
    global: &Global,
    notes: &mut Notes,
    count: usize,
) -> Limits {
    let mut common = Limits::default();
    for (proxy, backend) in proxies.clone() {
        let port = of_port(proxy, backend, global, None);
        let target = backend.map(|backend| of_target(backend, proxy, global)).unwrap_or_default();
        common.connections = common.connections.or(port.connections);
        common.idle_timeout = common.idle_timeout.or(port.idle_timeout);
        common.tcp_idle_timeout = common.tcp_idle_timeout.or(port.tcp_idle_timeout);
        common.upstream_connections = common.upstream_connections.or(target.upstream_connections);
        common.connect_timeout = common.connect_timeout.or(target.connect_timeout);
    }
    if let (Some(_), Some((proxy, _))) = (global.maxconn, proxies.clone().nth(1).or(proxies.clone().next()))
        && count > 1
    {
        notes.different(
            proxy.head,
            "the connections of `global` are counted at each port, and not of all together",
        );
    }
    common
}

/// Of a port, and what is said about it once.
pub(super) fn of_port(
    proxy: &Proxy<'_>,
    backend: Option<&Proxy<'_>>,
    global: &Global,
    notes: Option<&mut Notes>,
) -> Limits {
    let server = backend.unwrap_or(proxy);
    let silence = silence(proxy, server);
    if let Some(notes) = notes {
        note(proxy, server, global, &silence, notes);
    }
    let (idle_timeout, tcp_idle_timeout) =
        if proxy.is_tcp() { (None, Some(silence)) } else { (Some(silence), None) };
    Limits {
        connections: Some(connections(proxy, global)),
        idle_timeout,
        tcp_idle_timeout,
        ..Limits::default()
    }
}

/// Of a target that `proxy` leads to.
pub(super) fn of_target(backend: &Proxy<'_>, proxy: &Proxy<'_>, global: &Global) -> Limits {
    let mut counts = backend.servers.iter().filter_map(|server| Some((server.options.maxconn?, server)));
    let smallest = counts.by_ref().min_by_key(|(count, _)| *count);
    let upstream_connections = match smallest {
        Some((count, server)) => Some(From::new(count, [&server.options.lines[..], &[server.line]].concat())),
        // HAProxy has no limit then: as many as there are clients.
        None if proxy.is_tcp() => None,
        None => Some(connections(proxy, global)),
    };
    let connect = backend.timeout("connect").filter(|connect| connect.value > 0);
    let connect_timeout = connect.map(|connect| From::new(connect.value, vec![connect.line]));
    Limits { upstream_connections, connect_timeout, ..Limits::default() }
}

fn connections(proxy: &Proxy<'_>, global: &Global) -> From<u32> {
    let said = [proxy.maxconn, global.maxconn].into_iter().flatten().filter(|maxconn| maxconn.value > 0);
    match said.min_by_key(|maxconn| maxconn.value) {
        Some(Set { value, line }) => From::new(value, vec![line]),
        None => From::new(MAXCONN, vec![proxy.head.number]),
    }
}

/// How long nothing may come: HAProxy counts for client and server by themselves, and for ever where it is not said.
fn silence(proxy: &Proxy<'_>, server: &Proxy<'_>) -> From<u64> {
    let (ours, theirs) = (proxy.timeout("client"), server.timeout("server"));
    let tunnel = server.timeout("tunnel").filter(|_| proxy.is_tcp());
    let lines = |times: &[Option<Set<u64>>]| {
        let mut lines: Vec<usize> = times.iter().flatten().map(|time| time.line).collect();
        lines.dedup();
        lines
    };
    match (tunnel, ours, theirs) {
        (Some(tunnel), ..) => From::new(tunnel.value, vec![tunnel.line]),
        (None, Some(client), Some(server)) if client.value == server.value => {
            From::new(client.value, lines(&[ours, theirs]))
        }
        (None, Some(client), Some(server)) if proxy.is_tcp() => {
            let shorter = if client.value < server.value { client } else { server };
            From::new(shorter.value, vec![shorter.line])
        }
        (None, _, Some(server)) => From::new(server.value, vec![server.line]),
        (None, Some(client), None) => From::new(client.value, vec![client.line]),
        (None, None, None) => From::new(0, vec![proxy.head.number]),
    }
}

fn note(proxy: &Proxy<'_>, server: &Proxy<'_>, global: &Global, silence: &From<u64>, notes: &mut Notes) {
    if proxy.maxconn.is_none() && global.maxconn.is_none() {
        let message = format!(
            "nothing says how many connections it takes: {MAXCONN}, as HAProxy 1.7; later ones go by their file descriptors"
        );
        notes.different(proxy.head, message);
    }
    let is_tunnel = proxy.is_tcp() && server.timeout("tunnel").is_some();
    let timeouts = proxy.timeouts.iter().chain(&server.timeouts);
    for (name, time) in timeouts {
        let Some(line) = proxy.line(time.line).or_else(|| server.line(time.line)) else { continue };
        let is_used = silence.lines.contains(&time.line);
        let silent = written(silence.value);
        match name.as_str() {
            "client" | "server" if !is_used && silence.value != time.value && !is_tunnel => {
                notes.different(
                    line,
                    format!("client and server may both be silent for {silent}: there is one time for both"),
                );
            }
            "http-request" => notes.different(
                line,
                format!("the head of a request may take as long as a connection may be silent, {silent}"),
            ),
            "http-keep-alive" => notes.different(
                line,
                format!("a connection may wait for its next request as long as it may be silent, {silent}"),
            ),
            "queue" => notes.different(
                line,
                format!("a request may wait for a connection as long as it may be silent, {silent}"),
            ),
            "tunnel" if !proxy.is_tcp() => {
                notes.different(line, format!("a WebSocket may be silent for {silent}, as all else"));
            }
            "client-fin" | "server-fin" => notes.different(
                line,
                format!("a connection that is half closed may be silent for {silent}, as all others"),
            ),
            "tarpit" | "client-hs" => notes.anyway(line, "nothing waits for it"),
            _ => {}
        }
    }
    if server.timeout("connect").is_none_or(|connect| connect.value == 0) {
        notes.different(server.head, "nothing says how long connecting may take: 5s at most");
    }
    let mut counts = server.servers.iter().map(|server| server.options.maxconn);
    if let Some(first) = counts.next()
        && counts.any(|other| other != first)
    {
        notes.different(server.head, "the smallest maxconn of its servers is that of each");
    }
    if proxy.is_tcp() && server.servers.iter().any(|server| server.options.maxconn.is_some()) {
        notes.different(server.head, "a connection beyond maxconn of a server is closed, and does not wait");
    }
}
