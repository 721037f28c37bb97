//! Directives that are not carried over, and what is then: one line each.

use super::Refusal;
use super::file::{Line, Section};
use super::notes::{Kind, Notes};
use Kind::{Anyway, Different, Lost};

/// A beginning of directives, what they are here, and what is then. The first that fits counts; a final `*` stands for any
/// end of the word.
type Entry = (&'static str, Kind, &'static str);

const GLOBAL: &[Entry] = &[
    ("daemon", Anyway, "a container's program runs in the foreground"),
    (
        "log",
        Anyway,
        "with `option httplog` or `tcplog`, the access log goes to the container's standard output",
    ),
    ("log-*", Anyway, "logs go to the container's standard output"),
    ("user", Anyway, "the container runs as nobody in particular, and not as root"),
    ("group", Anyway, "the container runs as nobody in particular, and not as root"),
    ("uid", Anyway, "the container runs as nobody in particular, and not as root"),
    ("gid", Anyway, "the container runs as nobody in particular, and not as root"),
    ("chroot", Anyway, "the container's root is read-only"),
    ("pidfile", Anyway, "the container's only process is Envoy"),
    ("master-worker", Anyway, "an edit of the config is taken up without a restart"),
    ("nbproc", Anyway, "Envoy runs with one worker"),
    ("nbthread", Anyway, "Envoy runs with one worker"),
    ("cpu-map", Anyway, "Envoy runs with one worker"),
    ("thread-group*", Anyway, "Envoy runs with one worker"),
    ("ulimit-n", Anyway, "the runtime of the containers sets it"),
    ("maxpipes", Anyway, "Envoy has no such limit"),
    ("no*", Anyway, "it is about how HAProxy works within"),
    ("tune.*", Anyway, "it is about how HAProxy works within"),
    ("spread-checks", Anyway, "Envoy spreads its checks by itself"),
    ("max-spread-checks", Anyway, "Envoy spreads its checks by itself"),
    ("hard-stop-after", Anyway, "the pod's terminationGracePeriodSeconds says it"),
    ("grace", Anyway, "the pod's terminationGracePeriodSeconds says it"),
    ("node", Anyway, "pods have names"),
    ("description", Anyway, "it is for people"),
    ("stats", Lost, "there is no such socket; /stats/prometheus on port 19901 has the counters"),
    ("ssl-*", Lost, "the ambassador speaks no TLS"),
    ("ca-base", Lost, "the ambassador speaks no TLS"),
    ("crt-base", Lost, "the ambassador speaks no TLS"),
    ("maxsslconn", Lost, "the ambassador speaks no TLS"),
    ("maxsslrate", Lost, "the ambassador speaks no TLS"),
    ("maxconnrate", Lost, "the rate of new connections is not limited"),
    ("maxsessrate", Lost, "the rate of new connections is not limited"),
    ("maxcomp*", Lost, "answers are not compressed"),
    ("lua-*", Lost, "Lua is not run; what changes bodies may be a jq rule"),
    ("setenv", Lost, "variables of the config are not known: write their values out"),
    ("presetenv", Lost, "variables of the config are not known: write their values out"),
    ("resetenv", Anyway, "the ambassador reads no environment"),
    ("unsetenv", Anyway, "the ambassador reads no environment"),
    ("default-path", Anyway, "the config names no files"),
    ("localpeer", Lost, "there are no peers"),
    ("server-state-*", Lost, "the state of servers is not kept over restarts"),
];

const PROXY: &[Entry] = &[
    ("description", Anyway, "it is for people"),
    ("id", Anyway, "it is for people"),
    ("no log", Anyway, "there is no access log unless it is asked for"),
    ("log-format*", Lost, "lines of the access log are JSON, with fields of their own"),
    ("log-tag", Lost, "lines of the access log are JSON, with fields of their own"),
    ("log-steps", Lost, "lines of the access log are JSON, with fields of their own"),
    ("error-log-format", Lost, "lines of the access log are JSON, with fields of their own"),
    ("unique-id-*", Lost, "requests that come in without one get an X-Request-Id"),
    ("capture", Lost, "no header's value is in the access log"),
    ("declare", Lost, "no header's value is in the access log"),
    ("bind-process", Anyway, "Envoy runs with one worker"),
    ("backlog", Anyway, "Envoy's own is used"),
    ("fullconn", Anyway, "it only counts with `minconn`, which is not carried over"),
    ("grace", Anyway, "the pod's terminationGracePeriodSeconds says it"),
    ("http-reuse", Anyway, "connections to servers are kept, and used for requests of any client"),
    ("max-keep-alive-queue", Anyway, "connections to servers are kept, and used for requests of any client"),
    (
        "retries",
        Different,
        "a connection that fails is not made again to the same server; where there are several, another one is asked",
    ),
    ("retry-on", Lost, "only a connection that fails is made again"),
    ("hash-type", Anyway, "Envoy's hashing is consistent, whatever this says"),
    ("hash-*", Anyway, "Envoy's hashing is consistent, whatever this says"),
    ("errorfile", Lost, "errors of the ambassador's own have Envoy's short texts"),
    ("errorfiles", Lost, "errors of the ambassador's own have Envoy's short texts"),
    ("errorloc*", Lost, "errors of the ambassador's own have Envoy's short texts"),
    ("http-error", Lost, "errors of the ambassador's own have Envoy's short texts"),
    ("http-after-response", Lost, "answers of the ambassador's own are not changed"),
    ("stats", Lost, "there is no such page; /stats/prometheus on port 19901 has the counters"),
    ("monitor-uri", Lost, "the program is asked for it; the ambassador's own /ready is on port 19901"),
    ("monitor-net", Lost, "these clients are served like others"),
    ("monitor", Lost, "the ambassador's own /ready is on port 19901"),
    ("compression", Lost, "answers are not compressed; what the program compresses stays so"),
    ("cookie", Lost, "no client is kept with one server by a cookie"),
    ("appsession", Lost, "no client is kept with one server by a cookie"),
    ("dynamic-cookie-key", Lost, "no client is kept with one server by a cookie"),
    ("stick-table", Lost, "nothing is remembered of clients"),
    (
        "stick",
        Lost,
        "no client is kept with one server; `balance: clientAddress` does so by the client's address",
    ),
    ("use-server", Lost, "a server is chosen by `balance` alone"),
    ("server-template", Lost, "none of these servers is asked; list them as `server`"),
    ("dispatch", Lost, "nothing leads there; write it as `server`"),
    ("transparent", Lost, "clients are not led to where they wanted to go themselves"),
    ("source", Lost, "servers see the pod's own address"),
    ("usesrc", Lost, "servers see the pod's own address"),
    ("force-persist", Anyway, "no client is kept with one server"),
    ("ignore-persist", Anyway, "no client is kept with one server"),
    ("persist", Lost, "no client is kept with one server"),
    ("tcp-request", Lost, "connections are not looked at before they are taken"),
    ("tcp-response", Lost, "answers of tcp ports pass unread"),
    ("tcp-check", Lost, "that a connection can be made is enough for the check"),
    ("external-check", Lost, "no program is run to check servers"),
    ("email-alert", Lost, "nobody is told by mail"),
    ("rate-limit", Lost, "the rate of new connections is not limited"),
    ("filter", Lost, "there is no such filter; what changes bodies may be a jq rule"),
    ("use-fcgi-app", Lost, "FastCGI is not spoken"),
    ("load-server-state-from-file", Lost, "the state of servers is not kept over restarts"),
    ("server-state-file-name", Lost, "the state of servers is not kept over restarts"),
    ("clitcpka-*", Lost, "the kernel's times for keep-alive are used"),
    ("srvtcpka-*", Lost, "the kernel's times for keep-alive are used"),
    (
        "req*",
        Lost,
        "expressions for headers are not carried over; `request.headers` of a rule sets and removes them",
    ),
    (
        "rsp*",
        Lost,
        "expressions for headers are not carried over; `response.headers` of a rule sets and removes them",
    ),
];

const OPTION: &[Entry] = &[
    ("abortonclose", Anyway, "who goes away while waiting is forgotten"),
    ("allbackups", Anyway, "all servers that are backups share the work"),
    ("checkcache", Lost, "answers are not looked at for it"),
    ("clitcpka", Lost, "no keep-alive of TCP is asked for"),
    ("contstats", Anyway, "counters count as bytes pass"),
    ("dontlog-normal", Lost, "the access log has all exchanges"),
    ("dontlognull", Anyway, "a connection without a request has no line in the access log"),
    (
        "forceclose",
        Anyway,
        "connections are kept on both sides, which clients and servers see as HTTP has it",
    ),
    ("httpclose", Anyway, "connections are kept on both sides, which clients and servers see as HTTP has it"),
    ("http-server-close", Anyway, "connections to servers are kept, which they see as HTTP has it"),
    ("http-tunnel", Lost, "each request of a connection is looked at"),
    ("http-keep-alive", Anyway, "connections are kept on both sides"),
    ("http-pretend-keepalive", Anyway, "connections are kept on both sides"),
    ("http-buffer-request", Lost, "requests are sent on as they come, unless a rule reshapes their bodies"),
    ("http-ignore-probes", Anyway, "a connection without a request has no line in the access log"),
    ("http-no-delay", Anyway, "Envoy never waits for more"),
    ("http-use-proxy-header", Anyway, "Proxy-Connection is not looked at"),
    ("http-use-htx", Anyway, "it is about how HAProxy works within"),
    ("http-proxy", Lost, "requests in absolute form are not led to where they say"),
    ("idle-close-on-response", Anyway, "connections that are idle are closed as HTTP has it"),
    ("independent-streams", Anyway, "either direction counts for a timeout"),
    ("log-health-checks", Lost, "checks are not logged; /stats/prometheus on port 19901 counts them"),
    ("log-separate-errors", Anyway, "lines of the access log are JSON, with the status in them"),
    ("logasap", Anyway, "an exchange is logged when it is over"),
    ("nolinger", Lost, "connections are closed in the normal way"),
    ("originalto", Lost, "there is no X-Original-To"),
    ("persist", Anyway, "no client is kept with one server"),
    ("prefer-last-server", Anyway, "connections to servers are used for requests of any client"),
    ("redispatch", Anyway, "where there are several servers, another one is asked when a connection fails"),
    ("socket-stats", Anyway, "each port has counters of its own"),
    ("splice-*", Anyway, "it is about how HAProxy works within"),
    ("srvtcpka", Lost, "no keep-alive of TCP is asked for"),
    ("tcpka", Lost, "no keep-alive of TCP is asked for"),
    ("tcp-check", Anyway, "that a connection can be made is what the check looks at"),
    ("tcp-smart-*", Anyway, "it is about how HAProxy works within"),
    ("transparent", Lost, "clients are not led to where they wanted to go themselves"),
    ("accept-invalid-http-*", Lost, "what is no valid HTTP is refused"),
    ("accept-unsafe-*", Lost, "what is no valid HTTP is refused"),
    ("disable-h2-upgrade", Anyway, "clients may speak HTTP/2 without TLS"),
    ("h1-case-adjust-*", Lost, "names of headers are in lower case"),
    ("http-restrict-req-hdr-names", Different, "what a name of a header may have is Envoy's decision"),
    ("external-check", Lost, "no program is run to check servers; that a connection can be made is enough"),
    ("*-check", Lost, "that a connection can be made is enough for the check"),
    ("ssl-hello-chk", Lost, "that a connection can be made is enough for the check"),
    ("smtpchk", Lost, "that a connection can be made is enough for the check"),
    ("http_proxy", Lost, "requests in absolute form are not led to where they say"),
    ("httplog", Anyway, "there is no access log unless it is asked for"),
];

/// Whole sections.
const SECTIONS: &[Entry] = &[
    ("cache", Lost, "answers are not kept"),
    ("fcgi-app", Lost, "FastCGI is not spoken"),
    ("http-errors", Lost, "errors of the ambassador's own have Envoy's short texts"),
    ("log-*", Lost, "logs of others are not passed on"),
    ("mailers", Lost, "nobody is told by mail"),
    ("peers", Lost, "there are no peers"),
    ("program", Lost, "no other program is run: it needs a container of its own"),
    ("resolvers", Anyway, "names are looked up by Envoy, as the pod's resolv.conf says"),
    ("ring", Lost, "logs go to the container's standard output"),
    ("userlist", Lost, "nobody is asked for a password"),
    ("crt-*", Lost, "the ambassador speaks no TLS"),
];

fn fits(pattern: &str, words: &str) -> bool {
    if let Some(end) = pattern.strip_prefix('*') {
        return words.split(' ').next().is_some_and(|word| word.ends_with(end));
    }
    match pattern.strip_suffix('*') {
        Some(beginning) => words.starts_with(beginning),
        None => words.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')),
    }
}

/// Notes what the table says; `false` if it says nothing.
fn note(table: &[Entry], line: &Line, at: usize, notes: &mut Notes) -> bool {
    let words = line.from(at).join(" ");
    let found = table.iter().find(|(pattern, ..)| fits(pattern, &words));
    if let Some((_, kind, message)) = found {
        notes.add(*kind, line, *message);
    }
    found.is_some()
}

const UNKNOWN: &str = "it is not known here, so nothing is done about it";

/// A directive of `global`.
pub(super) fn global(line: &Line, notes: &mut Notes) {
    if !note(GLOBAL, line, 0, notes) {
        notes.lost(line, UNKNOWN);
    }
}

/// A directive of a proxy that nothing else knows.
pub(super) fn proxy(line: &Line, notes: &mut Notes) {
    if !note(PROXY, line, 0, notes) {
        notes.lost(line, UNKNOWN);
    }
}

/// An option, whose name is the word at this index.
pub(super) fn option(line: &Line, at: usize, is_off: bool, notes: &mut Notes) -> Result<(), Refusal> {
    if line.words.len() <= at {
        return Err(line.refuse(at, "'option' expects an option name"));
    }
    if is_off {
        notes.anyway(line, "what is off is not done");
    } else if !note(OPTION, line, at, notes) {
        notes.lost(line, UNKNOWN);
    }
    Ok(())
}

/// A section that is none of a proxy's.
pub(super) fn other_section(section: &Section, notes: &mut Notes) {
    if !note(SECTIONS, &section.head, 0, notes) {
        notes.lost(&section.head, UNKNOWN);
    }
    for line in &section.lines {
        notes.anyway(line, format!("it is part of the section of line {}", section.head.number));
    }
}
