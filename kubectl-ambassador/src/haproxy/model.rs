//! What an ambassador does in place of the proxies, each part of it with the lines that say so.

use super::Refusal;
use super::file::{File, Kind, Line};
use super::keywords;
use super::limits::{self, Limits};
use super::notes::Notes;
use super::proxy::{Proxy, Set, number};
use super::routes::{self, Leads};
use super::rules;
use super::targets;

/// A value, and where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct From<T> {
    pub(super) value: T,
    pub(super) lines: Vec<usize>,
}

impl<T> From<T> {
    pub(super) fn new(value: T, lines: Vec<usize>) -> Self {
        Self { value, lines }
    }
}

/// The `spec` of an ambassador.yaml.
#[derive(Debug, Default)]
pub(super) struct Spec {
    pub(super) ports: Vec<Port>,
    pub(super) targets: Vec<targets::Target>,
    pub(super) limits: Limits,
    /// The lines that ask for it.
    pub(super) access_log: Option<Vec<usize>>,
    pub(super) has_http: bool,
    pub(super) rules: Vec<rules::Rule>,
}

/// One of `ports`.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) name: From<String>,
    pub(super) listen: From<String>,
    /// The number that is listened on.
    pub(super) number: u16,
    pub(super) target: Option<From<String>>,
    pub(super) routes: Vec<routes::Route>,
    pub(super) tcp: Option<Vec<usize>>,
    pub(super) limits: Limits,
}

/// What is known of the process as a whole.
#[derive(Debug, Default)]
pub(super) struct Global {
    pub(super) maxconn: Option<Set<u32>>,
}

/// Makes a spec of all proxies.
pub(super) fn spec(file: &File, proxies: &[Proxy<'_>], notes: &mut Notes) -> Result<Spec, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let global = global(file, notes, &mut refusals);
    let mut spec = Spec::default();
    let mut plans = Vec::new();
    for proxy in proxies.iter().filter(|proxy| proxy.takes_connections()) {
        let leads = routes::leads(proxy, proxies, notes).map_err(|refusal| refusals.push(refusal));
        let binds = binds(proxy, notes).map_err(|refusal| refusals.push(refusal));
        if let (Ok(leads), Ok(binds)) = (leads, binds) {
            plans.push((proxy, leads, binds));
        }
    }
    note_the_unused(proxies, &plans, notes);
    let rules: Vec<_> = plans
        .iter()
        .map(|(proxy, leads, _)| {
            rules::Read::new(proxy, leads, notes).map_err(|refusal| refusals.push(refusal))
        })
        .collect();
    if !refusals.is_empty() {
        refusals.sort_by_key(|refusal| (refusal.line, refusal.column));
        refusals.dedup();
        return Err(refusals);
    }
    let rules: Vec<rules::Read<'_>> = rules.into_iter().flatten().collect();
    let mut targets = targets::Targets::new(&global);
    for ((proxy, leads, binds), rules) in plans.iter().zip(&rules) {
        let asked = binds.first().map_or(0, |bind| bind.port);
        for backend in leads.backends() {
            targets.add(backend, proxy, asked, rules.names(backend), notes);
        }
    }
    let used = plans.iter().filter(|(_, leads, _)| leads.backends().any(|backend| targets.has(backend)));
    let count = used.clone().map(|(_, _, binds)| binds.len()).sum::<usize>();
    spec.limits =
        limits::common(&used.clone().map(|(proxy, leads, _)| (*proxy, leads.default)), &global, notes, count);
    targets.name(&spec.limits);
    for (proxy, leads, binds) in &plans {
        ports(&mut spec, proxy, leads, binds, &targets, &global, notes);
    }
    spec.has_http = spec.ports.iter().any(|port| port.tcp.is_none());
    for ((proxy, ..), read) in plans.iter().zip(&rules) {
        rules::write(&mut spec, proxy, read, &targets, notes);
    }
    spec.access_log = access_log(plans.iter().map(|(proxy, ..)| *proxy), notes, file);
    spec.targets = targets.into_named();
    if spec.ports.is_empty() {
        let line = file.lines().next();
        let refusal = Refusal {
            line: line.map_or(1, |line| line.number),
            column: 1,
            message:
                "no proxy in it can be carried over: none has a port and a server that an ambassador can have"
                    .to_owned(),
        };
        return Err(vec![refusal]);
    }
    Ok(spec)
}

fn global(file: &File, notes: &mut Notes, refusals: &mut Vec<Refusal>) -> Global {
    let mut global = Global::default();
    let lines = file.sections.iter().filter(|section| section.kind == Kind::Global);
    for line in lines.flat_map(|section| &section.lines) {
        if line.word(0) != "maxconn" {
            keywords::global(line, notes);
        } else if let Some(variable) = line.unknown() {
            notes.lost(
                line,
                format!(
                    "the value of the environment variable {variable} is not known; write it out in its place"
                ),
            );
        } else {
            match number(line, 1) {
                Ok(value) => global.maxconn = Some(Set { value, line: line.number }),
                Err(refusal) => refusals.push(refusal),
            }
        }
    }
    global
}

/// Proxies that nobody can ask.
fn note_the_unused(proxies: &[Proxy<'_>], plans: &[(&Proxy<'_>, Leads<'_>, Vec<Bind>)], notes: &mut Notes) {
    for proxy in proxies {
        let is_led_to = plans.iter().any(|(_, leads, _)| {
            leads.backends().any(|backend| backend.name == proxy.name && backend.has_servers())
        });
        if proxy.disabled {
            notes.anyway(proxy.head, "it is disabled");
        } else if proxy.kind == Kind::Backend && !is_led_to {
            notes.anyway(proxy.head, "no frontend that is carried over leads to it");
        } else {
            continue;
        }
        for line in proxy.own {
            notes.anyway(
                line,
                format!("it is part of the section of line {}, which is not used", proxy.head.number),
            );
        }
    }
}

/// Where a proxy listens.
#[derive(Debug, Clone)]
pub(super) struct Bind {
    listen: String,
    pub(super) port: u16,
    line: usize,
}

/// `bind *:80,[::]:81-83 OPTIONS`
fn binds(proxy: &Proxy<'_>, notes: &mut Notes) -> Result<Vec<Bind>, Refusal> {
    let mut binds = Vec::new();
    for line in &proxy.binds {
        if line.words.len() < 2 {
            return Err(line.refuse(
                1,
                "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments",
            ));
        }
        let options = line.from(2);
        if options.iter().any(|option| matches!(*option, "ssl" | "crt" | "crt-list")) {
            notes.lost(line, "the ambassador takes no TLS off, so it does not listen there");
            continue;
        }
        if options.contains(&"accept-proxy") {
            notes.lost(
                line,
                "the ambassador does not understand the PROXY protocol, so it does not listen there",
            );
            continue;
        }
        for address in line.word(1).split(',') {
            one_bind(line, address, &mut binds, notes)?;
        }
        let harmless = [
            "name",
            "id",
            "v4v6",
            "v6only",
            "backlog",
            "nice",
            "thread",
            "process",
            "tfo",
            "defer-accept",
            "shards",
        ];
        let mut rest = options.iter().copied();
        while let Some(option) = rest.next() {
            match option {
                "v4v6" | "v6only" | "tfo" | "defer-accept" => {}
                known if harmless.contains(&known) => {
                    rest.next();
                }
                "transparent" | "strict-sni" | "allow-0rtt" | "no-alpn" => {
                    notes.lost(line, format!("of it, `{option}` is not done"));
                }
                other => {
                    rest.next();
                    notes.lost(line, format!("of it, `{other}` is not done"));
                }
            }
        }
    }
    Ok(binds)
}

fn one_bind(line: &Line, address: &str, binds: &mut Vec<Bind>, notes: &mut Notes) -> Result<(), Refusal> {
    let address = ["ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"]
        .iter()
        .find_map(|family| address.strip_prefix(family))
        .unwrap_or(address);
    if address.contains('@') || address.starts_with('/') {
        notes
            .lost(line, format!("`{address}` is no address of TCP, so the ambassador does not listen there"));
        return Ok(());
    }
    let Some((host, range)) = address.rsplit_once(':') else {
        return Err(line.refuse(1, format!("'bind' : missing port specification in '{address}'")));
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let port = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0);
    let (Some(first), Some(last)) = (port(first), port(last)) else {
        return Err(line.refuse(1, format!("'bind' : invalid port '{range}'")));
    };
    if first > last || last - first >= 100 {
        return Err(line.refuse(1, format!("'bind' : {range} is no range of at most 100 ports")));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let v6_only = line.from(2).contains(&"v6only");
    if v6_only {
        notes.different(line, "it listens on IPv4 too");
    }
    if !matches!(host, "" | "*" | "0.0.0.0" | "::")
        && host.parse::<std::net::IpAddr>().is_err()
        && host != "localhost"
    {
        notes.lost(line, format!("`{host}` is no address, so the ambassador does not listen there"));
        return Ok(());
    }
    for port in first..=last {
        let listen = match host {
            "" | "*" => port.to_string(),
            "localhost" => format!("127.0.0.1:{port}"),
            host if host.contains(':') => format!("[{host}]:{port}"),
            host => format!("{host}:{port}"),
        };
        binds.push(Bind { listen, port, line: line.number });
    }
    Ok(())
}

fn ports(
    spec: &mut Spec,
    proxy: &Proxy<'_>,
    leads: &Leads<'_>,
    binds: &[Bind],
    targets: &targets::Targets<'_>,
    global: &Global,
    notes: &mut Notes,
) {
    let routes = routes::routes(leads, targets);
    let default = leads.default.and_then(|backend| {
        let mut target = targets.leads_to(backend)?;
        target.lines.extend(&leads.default_lines);
        target.lines.sort_unstable();
        target.lines.dedup();
        Some(target)
    });
    if binds.is_empty() || (routes.is_empty() && default.is_none()) {
        let why = if binds.is_empty() {
            "it listens nowhere that is carried over"
        } else {
            "it leads to no server that is carried over"
        };
        notes.lost(proxy.head, format!("{why}, so there is no port for it"));
        for line in proxy.own {
            notes.lost_if_silent(
                line,
                format!(
                    "it is part of the section of line {}, for which there is no port",
                    proxy.head.number
                ),
            );
        }
        return;
    }
    if !proxy.is_tcp() {
        let headers = "the program in the pod sees X-Forwarded-Proto and X-Request-Id";
        let forwards = proxy.forwards_for || leads.backends().all(|backend| backend.forwards_for);
        let more = if forwards { "" } else { ", and the client's address in X-Forwarded-For" };
        notes.different(proxy.head, format!("{headers}{more}"));
    }
    for (index, bind) in binds.iter().enumerate() {
        let base = if binds.len() > 1 { format!("{}-{}", proxy.name, bind.port) } else { proxy.name.clone() };
        let taken = |name: &str| spec.ports.iter().any(|port| port.name.value == name);
        let name = plain_name(&base, taken);
        let clash = spec
            .ports
            .iter()
            .any(|port| port.number == bind.port && (port.listen.value == bind.listen || !proxy.is_tcp()));
        if clash {
            if let Some(line) = proxy.binds.iter().find(|line| line.number == bind.line) {
                notes.lost(
                    line,
                    format!(
                        "port {} is another one's already, so the ambassador does not listen there again",
                        bind.port
                    ),
                );
            }
            continue;
        }
        let own =
            limits::of_port(proxy, leads.default, global, if index == 0 { Some(&mut *notes) } else { None });
        spec.ports.push(Port {
            name: From::new(name, vec![proxy.head.number]),
            listen: From::new(bind.listen.clone(), vec![bind.line]),
            number: bind.port,
            target: default.clone(),
            routes: routes.clone(),
            tcp: proxy.is_tcp().then(|| proxy.tcp.iter().map(|tcp| tcp.line).collect()),
            limits: own.without(&spec.limits),
        });
    }
}

/// A name as ports and targets may have it, which nothing else has.
pub(super) fn plain_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(plain).take(55).collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "proxy" } else { name };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// Written if some proxy logs its exchanges.
fn access_log<'p>(
    proxies: impl Iterator<Item = &'p Proxy<'p>>,
    notes: &mut Notes,
    file: &File,
) -> Option<Vec<usize>> {
    let mut lines = Vec::new();
    for proxy in proxies {
        if let Some(log) = proxy.log {
            lines.push(log);
            lines.extend(proxy.httplog);
        }
    }
    lines.sort_unstable();
    lines.dedup();
    for line in lines.iter().filter_map(|&number| file.line(number)) {
        notes.different(line, "all ports have an access log, of JSON and on the container's standard output");
    }
    (!lines.is_empty()).then_some(lines)
}
