//! What a proxy says, its `defaults` included: the latest word counts, and lists add up.

use std::collections::BTreeMap;

use super::Refusal;
use super::file::{File, Kind, Line, Section};
use super::keywords;
use super::notes::Notes;
use super::server::{self, Options, Server};
use super::time::milliseconds;

/// Times that HAProxy knows, but for `tunnel`.
const TIMEOUTS: [&str; 11] = [
    "check",
    "client",
    "client-fin",
    "client-hs",
    "connect",
    "http-keep-alive",
    "http-request",
    "queue",
    "server",
    "server-fin",
    "tarpit",
];

/// Ways to choose a server that HAProxy knows.
const BALANCES: [&str; 13] = [
    "first",
    "hash",
    "hdr",
    "hdr_ip",
    "leastconn",
    "log-hash",
    "random",
    "rdp-cookie",
    "roundrobin",
    "source",
    "static-rr",
    "uri",
    "url_param",
];

/// A value, and the line that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// What is asked of servers to see whether they are up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) host: Option<String>,
    pub(super) status: Option<Vec<String>>,
    pub(super) lines: Vec<usize>,
}

/// A frontend, a backend, or both.
#[derive(Debug, Clone)]
pub(super) struct Proxy<'f> {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) head: &'f Line,
    pub(super) own: &'f [Line],
    /// Those of its `defaults`.
    pub(super) defaults: Vec<&'f Line>,
    pub(super) disabled: bool,
    pub(super) tcp: Option<Set<bool>>,
    pub(super) binds: Vec<&'f Line>,
    pub(super) maxconn: Option<Set<u32>>,
    pub(super) timeouts: BTreeMap<String, Set<u64>>,
    pub(super) balance: Option<&'f Line>,
    pub(super) servers: Vec<Server>,
    pub(super) check: Option<Check>,
    pub(super) use_backends: Vec<&'f Line>,
    pub(super) default_backend: Option<&'f Line>,
    pub(super) acls: Vec<&'f Line>,
    /// `http-request` and its kin, in order.
    pub(super) rules: Vec<&'f Line>,
    pub(super) forwards_for: bool,
    pub(super) httplog: Option<usize>,
    pub(super) log: Option<usize>,
}

impl<'f> Proxy<'f> {
    pub(super) fn is_tcp(&self) -> bool {
        self.tcp.is_none_or(|tcp| tcp.value)
    }

    pub(super) fn takes_connections(&self) -> bool {
        matches!(self.kind, Kind::Frontend | Kind::Listen) && !self.disabled
    }

    pub(super) fn has_servers(&self) -> bool {
        matches!(self.kind, Kind::Backend | Kind::Listen) && !self.disabled
    }

    pub(super) fn timeout(&self, name: &str) -> Option<Set<u64>> {
        self.timeouts.get(name).copied()
    }

    /// A line of it, or of its defaults.
    pub(super) fn line(&self, number: usize) -> Option<&'f Line> {
        self.defaults.iter().copied().chain(self.own).find(|line| line.number == number)
    }

    fn new(section: &'f Section) -> Self {
        Self {
            kind: section.kind,
            name: section.name.clone(),
            head: &section.head,
            own: &section.lines,
            defaults: Vec::new(),
            disabled: false,
            tcp: None,
            binds: Vec::new(),
            maxconn: None,
            timeouts: BTreeMap::new(),
            balance: None,
            servers: Vec::new(),
            check: None,
            use_backends: Vec::new(),
            default_backend: None,
            acls: Vec::new(),
            rules: Vec::new(),
            forwards_for: false,
            httplog: None,
            log: None,
        }
    }
}

/// All proxies of a file.
pub(super) fn all<'f>(file: &'f File, notes: &mut Notes) -> Result<Vec<Proxy<'f>>, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut proxies = Vec::new();
    for section in &file.sections {
        match section.kind {
            Kind::Frontend | Kind::Backend | Kind::Listen => {
                let mut reader = Reader {
                    proxy: Proxy::new(section),
                    options: Options::default(),
                    notes,
                    refusals: &mut refusals,
                };
                reader.defaults(file, section.defaults);
                section.lines.iter().for_each(|line| reader.line(line));
                let proxy = reader.proxy;
                proxies.push(proxy);
            }
            Kind::Defaults => {
                // What is wrong in there is so even if nobody has it.
                let mut reader = Reader {
                    proxy: Proxy::new(section),
                    options: Options::default(),
                    notes,
                    refusals: &mut refusals,
                };
                section.lines.iter().for_each(|line| reader.line(line));
            }
            Kind::Global => {}
            Kind::Other => keywords::other_section(section, notes),
        }
    }
    refusals.sort_by_key(|refusal| (refusal.line, refusal.column));
    refusals.dedup();
    if refusals.is_empty() { Ok(proxies) } else { Err(refusals) }
}

struct Reader<'r, 'f> {
    proxy: Proxy<'f>,
    /// Of `default-server`.
    options: Options,
    notes: &'r mut Notes,
    refusals: &'r mut Vec<Refusal>,
}

impl<'f> Reader<'_, 'f> {
    fn defaults(&mut self, file: &'f File, at: Option<usize>) {
        let Some(section) = at.and_then(|at| file.sections.get(at)) else { return };
        if section.head.words.iter().any(|word| word.text == "from") {
            self.defaults(file, section.defaults);
        }
        self.proxy.defaults.extend(&section.lines);
        section.lines.iter().for_each(|line| self.line(line));
    }

    fn line(&mut self, line: &'f Line) {
        if let Some(variable) = line.unknown() {
            let message = format!(
                "the value of the environment variable {variable} is not known; write it out in its place"
            );
            return self.notes.lost(line, message);
        }
        if let Err(refusal) = self.directive(line) {
            self.refusals.push(refusal);
        }
    }

    fn directive(&mut self, line: &'f Line) -> Result<(), Refusal> {
        match line.word(0) {
            "mode" => self.mode(line)?,
            "disabled" => self.proxy.disabled = true,
            "enabled" => self.proxy.disabled = false,
            "bind" => self.proxy.binds.push(line),
            "maxconn" => self.proxy.maxconn = Some(Set { value: number(line, 1)?, line: line.number }),
            "timeout" | "contimeout" | "clitimeout" | "srvtimeout" => self.timeout(line)?,
            "balance" => self.balance(line)?,
            "server" => {
                let options = self.options.clone();
                self.proxy.servers.extend(server::server(line, &options, self.notes)?);
            }
            "default-server" => {
                server::read_options(line, 1, &mut self.options, self.notes)?;
                self.options.lines.push(line.number);
            }
            "option" => self.option(line, false)?,
            "no" if line.word(1) == "option" => self.option(line, true)?,
            "no" if line.word(1) == "log" => self.proxy.log = None,
            "http-check" => self.http_check(line)?,
            "use_backend" => self.proxy.use_backends.push(line),
            "default_backend" => self.proxy.default_backend = Some(line),
            "acl" => self.acl(line)?,
            "http-request" | "http-response" | "reqadd" | "rspadd" | "redirect" | "block" => {
                self.proxy.rules.push(line);
            }
            "log" => self.proxy.log = Some(line.number),
            _ => keywords::proxy(line, self.notes),
        }
        Ok(())
    }

    fn mode(&mut self, line: &'f Line) -> Result<(), Refusal> {
        let tcp = match line.word(1) {
            "http" => false,
            "tcp" => true,
            "health" => {
                self.proxy.disabled = true;
                self.notes.lost(line, "nothing answers there; the ambassador's own /ready is on port 19901");
                return Ok(());
            }
            other => return Err(line.refuse(1, format!("unknown proxy mode '{other}'"))),
        };
        self.proxy.tcp = Some(Set { value: tcp, line: line.number });
        Ok(())
    }

    fn timeout(&mut self, line: &'f Line) -> Result<(), Refusal> {
        let (name, at) = match line.word(0) {
            "contimeout" => ("connect", 1),
            "clitimeout" => ("client", 1),
            "srvtimeout" => ("server", 1),
            _ => (line.word(1), 2),
        };
        if !TIMEOUTS.contains(&name) && name != "tunnel" {
            return Err(line.refuse(1, format!("'timeout' does not support '{name}'")));
        }
        let time = milliseconds(line.word(at));
        let time =
            time.ok_or_else(|| line.refuse(at, format!("'timeout {name}' expects a time, such as 5s")))?;
        self.proxy.timeouts.insert(name.to_owned(), Set { value: time, line: line.number });
        Ok(())
    }

    fn balance(&mut self, line: &'f Line) -> Result<(), Refusal> {
        let name = line.word(1).split('(').next().unwrap_or_default();
        if !BALANCES.contains(&name) {
            return Err(line.refuse(1, format!("unknown balance algorithm '{name}'")));
        }
        self.proxy.balance = Some(line);
        Ok(())
    }

    fn acl(&mut self, line: &'f Line) -> Result<(), Refusal> {
        if line.words.len() < 3 {
            return Err(line.refuse(line.words.len(), "'acl' expects a name and a criterion"));
        }
        self.proxy.acls.push(line);
        Ok(())
    }

    fn option(&mut self, line: &'f Line, is_off: bool) -> Result<(), Refusal> {
        let at = if is_off { 2 } else { 1 };
        match line.word(at) {
            "httpchk" if is_off => self.proxy.check = None,
            "httpchk" => self.httpchk(line),
            "forwardfor" => self.forwardfor(line, is_off),
            "httplog" | "tcplog" | "httpslog" if !is_off => self.proxy.httplog = Some(line.number),
            _ => keywords::option(line, at, is_off, self.notes)?,
        }
        Ok(())
    }

    fn forwardfor(&mut self, line: &'f Line, is_off: bool) {
        self.proxy.forwards_for = !is_off;
        if line.words.iter().any(|word| word.text == "header") {
            let message = "the client's address is in X-Forwarded-For, and in no other header";
            self.notes.lost(line, message);
        } else if line.words.iter().any(|word| matches!(word.text.as_str(), "except" | "if-none")) {
            self.notes.different(line, "the client's address is always added to X-Forwarded-For");
        } else if !is_off {
            self.notes.anyway(line, "the program in the pod sees the client's address in X-Forwarded-For");
        }
    }

    /// `option httpchk`, `… URI`, `… METHOD URI`, `… METHOD URI VERSION`; HTTP/1.0 and OPTIONS unless it is said.
    fn httpchk(&mut self, line: &'f Line) {
        let words = line.from(2);
        let (method, path, version) = match words.as_slice() {
            [] => ("OPTIONS", "/", ""),
            [path] => ("OPTIONS", *path, ""),
            [method, path] => (*method, *path, ""),
            [method, path, version, ..] => (*method, *path, *version),
        };
        let headers = version.split_once("\r\n").map_or("", |(_, headers)| headers);
        let host = headers.lines().find_map(|header| {
            let (name, value) = header.split_once(':')?;
            name.trim().eq_ignore_ascii_case("host").then(|| value.trim().to_owned())
        });
        let check = self.proxy.check.get_or_insert_default();
        check.method = Some(method.to_owned());
        check.path = Some(path.to_owned());
        check.host = host;
        check.lines.push(line.number);
    }

    fn http_check(&mut self, line: &'f Line) -> Result<(), Refusal> {
        let is_sent = match line.word(1) {
            "send" => true,
            "expect" => false,
            "connect" | "comment" | "disable-on-404" | "send-state" | "set-var" | "set-var-fmt"
            | "unset-var" => {
                self.notes.lost(line, "the check asks once, as `http-check send` says");
                return Ok(());
            }
            other => return Err(line.refuse(1, format!("'http-check' does not support '{other}'"))),
        };
        let mut check = self.proxy.check.clone().unwrap_or_default();
        let said = if is_sent { sent(line, &mut check) } else { expected(line, &mut check) };
        match said {
            Ok(()) => check.lines.push(line.number),
            Err(why) => self.notes.lost(line, why),
        }
        self.proxy.check = Some(check);
        Ok(())
    }
}

fn sent(line: &Line, check: &mut Check) -> Result<(), String> {
    let mut words = line.from(2).into_iter();
    let mut lost = Vec::new();
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_default().to_owned();
        match word {
            "meth" => check.method = Some(next()),
            "uri" => check.path = Some(next()),
            "ver" | "comment" => drop(next()),
            "hdr" => {
                let (name, value) = (next(), next());
                if name.eq_ignore_ascii_case("host") && !value.contains('%') {
                    check.host = Some(value);
                } else {
                    lost.push(format!("the header {name}"));
                }
            }
            other => {
                drop(next());
                lost.push(format!("`{other}`"));
            }
        }
    }
    if lost.is_empty() { Ok(()) } else { Err(format!("the check is sent without {}", lost.join(" and "))) }
}

fn expected(line: &Line, check: &mut Check) -> Result<(), String> {
    let words = line.from(2);
    let status = |text: &str| -> Option<Vec<String>> {
        let ranges = text.split(',').map(|range| {
            let whole = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            (whole(first) && whole(last)).then(|| range.to_owned())
        });
        ranges.collect()
    };
    match words.as_slice() {
        ["status", text] => match status(text) {
            Some(ranges) => {
                check.status = Some(ranges);
                Ok(())
            }
            None => Err(format!("`{text}` is no status, so any from 200 to 399 is as good")),
        },
        _ => Err("only the status of the answer is looked at: any from 200 to 399 is good".to_owned()),
    }
}

/// A number that a directive must have.
pub(super) fn number(line: &Line, at: usize) -> Result<u32, Refusal> {
    let digits = line.word(at);
    digits
        .parse()
        .map_err(|_| line.refuse(at, format!("'{}' expects an integer argument", line.word(at - 1))))
}
