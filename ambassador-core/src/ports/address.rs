//! Addresses as a config writes them: where to listen, and what to connect to.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

use crate::problem::{Path, Problem};

/// Where the ambassador listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The only address it listens on; `None` for all there are.
    pub address: Option<IpAddr>,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// What is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host; 127.0.0.1 where only a port was written.
    pub host: Host,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// A host by its address or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address, which needs no look-up.
    Ip(IpAddr),
    /// A name (RFC 1123, section 2.1) in lower case, which Envoy looks up; with a final dot if it is absolute.
    Name(String),
}

impl Listen {
    /// Reads `80`, `127.0.0.1:80` or `[::1]:80`.
    pub(super) fn new(text: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let parts = Parts::new(text, path, problems)?;
        let Some(host) = parts.host else { return Some(Self { address: None, port: parts.port }) };
        let Some(address) = address(host) else {
            let message = format!("`{}` is not an address to listen on", host.escape_debug());
            problems.push(Problem::new(path, message).hint(listen_hint(host, parts.port)));
            return None;
        };
        Some(Self { address: Some(address), port: parts.port })
    }

    /// Whether other machines, and other containers by the pod's address, can reach it whatever address it has.
    pub fn is_open(&self) -> bool {
        self.address.is_none_or(|address| address.is_unspecified())
    }

    /// Whether both cannot be had at a time. `::` takes IPv4 as well, as it does by default on Linux.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.port == other.port && (self.covers(other.address) || other.covers(self.address))
    }

    fn covers(&self, address: Option<IpAddr>) -> bool {
        match (self.address, address) {
            (None | Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), _) => true,
            (Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), Some(other)) => other.is_ipv4(),
            (Some(own), other) => Some(own) == other,
        }
    }
}

impl Address {
    /// Reads `8775`, `redis.data.svc:6379`, `10.0.0.7:80` or `[fd00::7]:80`.
    pub(super) fn new(text: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let parts = Parts::new(text, path, problems)?;
        let host = match parts.host {
            None => Host::Ip(Ipv4Addr::LOCALHOST.into()),
            Some(host) => match Host::new(host) {
                Ok(host) => host,
                Err(hint) => {
                    let message = format!("`{}` is not a host", host.escape_debug());
                    problems.push(Problem::new(path, message).hint(hint));
                    return None;
                }
            },
        };
        Some(Self { host, port: parts.port })
    }

    /// Whether this is a port of the pod itself: the legacy program, or the ambassador.
    pub fn is_local(&self) -> bool {
        match &self.host {
            Host::Ip(address) => address.is_loopback(),
            Host::Name(name) => name.trim_end_matches('.') == "localhost",
        }
    }

    /// Whether connecting to it reaches who listens so.
    pub(super) fn leads_to(&self, listen: &Listen) -> bool {
        let reaches = match (&self.host, listen.address) {
            (Host::Ip(own), Some(other)) if !other.is_unspecified() => *own == other,
            (Host::Name(_), Some(other)) if !other.is_unspecified() => self.is_local() && other.is_loopback(),
            (Host::Ip(IpAddr::V6(_)), Some(IpAddr::V4(_))) => false,
            _ => self.is_local(),
        };
        reaches && self.port == listen.port
    }

    /// What HTTP calls this host (RFC 9110, section 7.2): without the port if that is the default.
    pub fn authority(&self) -> String {
        // A final dot is for the look-up only: servers do not know themselves by it.
        let host = self.host.in_address();
        let host = host.trim_end_matches('.');
        if self.port == 80 { host.to_owned() } else { format!("{host}:{}", self.port) }
    }
}

impl Host {
    /// A host as it stands before `:port`, or what to do instead.
    fn new(text: &str) -> Result<Self, String> {
        if let Some(address) = address(text) {
            if address.is_unspecified() {
                return Err("nobody can be reached at it; 127.0.0.1 is this pod itself".to_owned());
            }
            return Ok(Self::Ip(address));
        }
        let name = text.to_ascii_lowercase();
        let relative = name.strip_suffix('.').unwrap_or(&name);
        let last = relative.rsplit('.').next().unwrap_or_default();
        if relative.len() > 253 || !relative.split('.').all(is_label) {
            return Err(
                "write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7]".to_owned()
            );
        }
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("it looks like an address, but is none: four numbers from 0 to 255".to_owned());
        }
        Ok(Self::Name(name))
    }

    /// As it stands in an address with a port.
    fn in_address(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// `80`, `127.0.0.1:80`, `[::1]:80`.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{}:{}", Host::Ip(address).in_address(), self.port),
            None => self.port.fmt(f),
        }
    }
}

/// `8775` where that was written, else `host:port`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host == Host::Ip(Ipv4Addr::LOCALHOST.into()) {
            self.port.fmt(f)
        } else {
            write!(f, "{}:{}", self.host.in_address(), self.port)
        }
    }
}

/// `port` or `host:port`, with the port read.
struct Parts<'a> {
    host: Option<&'a str>,
    port: u16,
}

impl<'a> Parts<'a> {
    fn new(text: &'a str, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let (host, number) = match text.rsplit_once(':') {
            Some((host, number)) => (Some(host), number),
            None => (None, text),
        };
        let all_digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let port = number.parse().ok().filter(|&port: &u16| all_digits && port != 0);
        let unclear = host.is_some_and(|host| host.contains(':') && !host.starts_with('['));
        let problem = if text.contains("://") {
            Problem::new(path, format!("`{}` is a URL", text.escape_debug()))
                .hint("write host:port, without scheme and path")
        } else if unclear || (text.starts_with('[') && text.ends_with(']')) {
            Problem::new(path, format!("`{}` is not clear: which part is the port?", text.escape_debug()))
                .hint("write an IPv6 address with its port as \"[::1]:80\"")
        } else if let Some(port) = port {
            return Some(Self { host, port });
        } else if host.is_none() && text.contains(|c: char| c.is_ascii_alphabetic() || c == '.') {
            Problem::new(path, format!("`{}` has no port", text.escape_debug())).hint("write host:port")
        } else {
            Problem::new(path, format!("`{}` is not a port", number.escape_debug()))
                .hint("a port is from 1 to 65535")
        };
        problems.push(problem);
        None
    }
}

/// An address as it stands before a port: IPv6 in brackets.
fn address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().map(IpAddr::V4),
    }
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn listen_hint(host: &str, port: u16) -> String {
    match host {
        "" | "*" => format!("write {port} alone for all addresses"),
        "localhost" => format!("write \"127.0.0.1:{port}\""),
        _ => "write an address of this pod, such as \"127.0.0.1:6379\", or a port alone for all of them"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check<T: fmt::Display>(
        read: impl Fn(&str, &Path, &mut Vec<Problem>) -> Option<T>,
        texts: &[&str],
        expected: &Expect,
    ) {
        let lines = texts.iter().map(|text| {
            let mut problems = Vec::new();
            let value = read(text, &Path::root(), &mut problems).map(|value| value.to_string());
            let problem = problems
                .pop()
                .map(|problem| format!("{} ({})", problem.message, problem.hint.unwrap_or_default()));
            assert!(problems.is_empty() && value.is_some() != problem.is_some());
            format!("{text:?}: {}\n", value.or(problem).unwrap_or_default())
        });
        expected.assert_eq(&lines.collect::<String>());
    }

    #[test]
    fn reads_where_to_listen() {
        check(
            Listen::new,
            &["80", "65535", "127.0.0.1:6379", "0.0.0.0:80", "[::1]:80", "[::]:80", "[0:0::1]:080"],
            &expect![[r#"
                "80": 80
                "65535": 65535
                "127.0.0.1:6379": 127.0.0.1:6379
                "0.0.0.0:80": 0.0.0.0:80
                "[::1]:80": [::1]:80
                "[::]:80": [::]:80
                "[0:0::1]:080": [::1]:80
            "#]],
        );
    }

    #[test]
    fn refuses_where_nobody_can_listen() {
        check(
            Listen::new,
            &[
                "",
                "0",
                "65536",
                "-1",
                "+80",
                "8o",
                "80 ",
                ":80",
                "*:80",
                "localhost:80",
                "127.0.0.1",
                "127.0.0.1:",
                "127.0.0.1:0",
                "127.0.0.256:80",
                "::1:80",
                "::1",
                "[::1]",
                "[::1]80",
                "[127.0.0.1]:80",
                "[fe80::1%eth0]:80",
                "http://0.0.0.0:80",
                "a\n:80",
                "99999999999999999999",
            ],
            &expect![[r#"
                "": `` is not a port (a port is from 1 to 65535)
                "0": `0` is not a port (a port is from 1 to 65535)
                "65536": `65536` is not a port (a port is from 1 to 65535)
                "-1": `-1` is not a port (a port is from 1 to 65535)
                "+80": `+80` is not a port (a port is from 1 to 65535)
                "8o": `8o` has no port (write host:port)
                "80 ": `80 ` is not a port (a port is from 1 to 65535)
                ":80": `` is not an address to listen on (write 80 alone for all addresses)
                "*:80": `*` is not an address to listen on (write 80 alone for all addresses)
                "localhost:80": `localhost` is not an address to listen on (write "127.0.0.1:80")
                "127.0.0.1": `127.0.0.1` has no port (write host:port)
                "127.0.0.1:": `` is not a port (a port is from 1 to 65535)
                "127.0.0.1:0": `0` is not a port (a port is from 1 to 65535)
                "127.0.0.256:80": `127.0.0.256` is not an address to listen on (write an address of this pod, such as "127.0.0.1:6379", or a port alone for all of them)
                "::1:80": `::1:80` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
                "::1": `::1` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
                "[::1]": `[::1]` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
                "[::1]80": `1]80` is not a port (a port is from 1 to 65535)
                "[127.0.0.1]:80": `[127.0.0.1]` is not an address to listen on (write an address of this pod, such as "127.0.0.1:6379", or a port alone for all of them)
                "[fe80::1%eth0]:80": `[fe80::1%eth0]` is not an address to listen on (write an address of this pod, such as "127.0.0.1:6379", or a port alone for all of them)
                "http://0.0.0.0:80": `http://0.0.0.0:80` is a URL (write host:port, without scheme and path)
                "a\n:80": `a\n` is not an address to listen on (write an address of this pod, such as "127.0.0.1:6379", or a port alone for all of them)
                "99999999999999999999": `99999999999999999999` is not a port (a port is from 1 to 65535)
            "#]],
        );
    }

    #[test]
    fn reads_targets() {
        check(
            Address::new,
            &[
                "8775",
                "127.0.0.1:8775",
                "redis.data.svc:6379",
                "Redis:6379",
                "api.example.com.:80",
                "10.0.0.7:80",
                "[fd00::7]:80",
                "localhost:80",
                "xn--bcher-kva.example:80",
                "3com.com:80",
            ],
            &expect![[r#"
                "8775": 8775
                "127.0.0.1:8775": 8775
                "redis.data.svc:6379": redis.data.svc:6379
                "Redis:6379": redis:6379
                "api.example.com.:80": api.example.com.:80
                "10.0.0.7:80": 10.0.0.7:80
                "[fd00::7]:80": [fd00::7]:80
                "localhost:80": localhost:80
                "xn--bcher-kva.example:80": xn--bcher-kva.example:80
                "3com.com:80": 3com.com:80
            "#]],
        );
    }

    #[test]
    fn refuses_what_is_no_target() {
        let long = format!("{}:80", "a".repeat(64));
        let longest = format!("{}a:80", "abc.".repeat(64));
        check(
            Address::new,
            &[
                "0",
                "redis",
                ":80",
                "redis:0",
                "redis:http",
                "redis:65536",
                "-redis:80",
                "re_dis:80",
                "a..b:80",
                ".:80",
                "10.0.0.256:80",
                "1.2.3:80",
                "0.0.0.0:80",
                "[::]:80",
                "fd00::7:80",
                "http://redis:80",
                "redis:80/",
                "bücher.example:80",
                "%REQ(:path)%:80",
                "a b:80",
                &long,
                &longest,
            ],
            &expect![[r#"
                "0": `0` is not a port (a port is from 1 to 65535)
                "redis": `redis` has no port (write host:port)
                ":80": `` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "redis:0": `0` is not a port (a port is from 1 to 65535)
                "redis:http": `http` is not a port (a port is from 1 to 65535)
                "redis:65536": `65536` is not a port (a port is from 1 to 65535)
                "-redis:80": `-redis` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "re_dis:80": `re_dis` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "a..b:80": `a..b` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                ".:80": `.` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "10.0.0.256:80": `10.0.0.256` is not a host (it looks like an address, but is none: four numbers from 0 to 255)
                "1.2.3:80": `1.2.3` is not a host (it looks like an address, but is none: four numbers from 0 to 255)
                "0.0.0.0:80": `0.0.0.0` is not a host (nobody can be reached at it; 127.0.0.1 is this pod itself)
                "[::]:80": `[::]` is not a host (nobody can be reached at it; 127.0.0.1 is this pod itself)
                "fd00::7:80": `fd00::7:80` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
                "http://redis:80": `http://redis:80` is a URL (write host:port, without scheme and path)
                "redis:80/": `80/` is not a port (a port is from 1 to 65535)
                "bücher.example:80": `bücher.example` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "%REQ(:path)%:80": `%REQ(:path)%:80` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
                "a b:80": `a b` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80": `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
                "abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.a:80": `abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.a` is not a host (write a name such as redis.data.svc, or an address such as 10.0.0.7 or [fd00::7])
            "#]],
        );
    }

    #[test]
    fn knows_which_listeners_are_in_each_others_way() {
        let listen = |text| Listen::new(text, &Path::root(), &mut Vec::new()).unwrap();
        for (one, other, expected) in [
            ("80", "81", false),
            ("80", "80", true),
            ("80", "127.0.0.1:80", true),
            ("80", "[::1]:80", true),
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "[::1]:80", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "0.0.0.0:80", true),
        ] {
            assert_eq!(listen(one).overlaps(&listen(other)), expected, "{one} {other}");
            assert_eq!(listen(other).overlaps(&listen(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn knows_who_would_ask_himself() {
        let listen = |text| Listen::new(text, &Path::root(), &mut Vec::new()).unwrap();
        let target = |text| Address::new(text, &Path::root(), &mut Vec::new()).unwrap();
        for (from, to, expected) in [
            ("80", "80", true),
            ("80", "81", false),
            ("80", "127.0.0.9:80", true),
            ("80", "localhost:80", true),
            ("80", "[::1]:80", true),
            ("80", "api.example.com:80", false),
            ("80", "10.0.0.7:80", false),
            ("127.0.0.1:80", "80", true),
            ("127.0.0.1:80", "localhost:80", true),
            ("127.0.0.2:80", "80", false),
            ("10.0.0.7:80", "10.0.0.7:80", true),
            ("0.0.0.0:80", "80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("[::]:80", "80", true),
        ] {
            assert_eq!(target(to).leads_to(&listen(from)), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn names_a_target_as_http_does() {
        let authority = |text| Address::new(text, &Path::root(), &mut Vec::new()).unwrap().authority();
        assert_eq!(authority("api.example.com.:80"), "api.example.com");
        assert_eq!(authority("api.example.com:8080"), "api.example.com:8080");
        assert_eq!(authority("[fd00::7]:80"), "[fd00::7]");
        assert_eq!(authority("[fd00::7]:81"), "[fd00::7]:81");
        assert_eq!(authority("8775"), "127.0.0.1:8775");
    }
}
