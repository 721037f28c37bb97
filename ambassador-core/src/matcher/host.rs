//! Hosts that are asked (RFC 9110, section 7.2): by their names, or all below one.

use crate::problem::{Path, Problem};

/// The hosts that are meant; without any, all. Case does not count, nor does the port that was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(written: &[String], path: &Path, problems: &mut Vec<Problem>) -> Self {
        for (index, host) in written.iter().enumerate() {
            let Err(hint) = check(host) else { continue };
            let message = format!("`{}` is not a host", host.escape_debug());
            problems.push(Problem::new(&path.index(index), message).hint(hint));
        }
        Self(written.to_vec())
    }

    /// Whether a request for this authority is meant.
    pub fn matches(&self, authority: &[u8]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let host = without_port(authority);
        self.0.iter().any(|wanted| match wanted.strip_prefix('*') {
            Some(below) => {
                let cut = host.len().checked_sub(below.len()).filter(|&cut| cut > 0);
                let end = cut.and_then(|cut| host.get(cut..));
                end.is_some_and(|end| end.eq_ignore_ascii_case(below.as_bytes()))
            }
            None => host.eq_ignore_ascii_case(wanted.as_bytes()),
        })
    }
}

/// Without the port, and without the dot that makes a name absolute.
fn without_port(authority: &[u8]) -> &[u8] {
    let colon = authority.iter().rposition(|&byte| byte == b':');
    let host = match colon.and_then(|at| authority.split_at_checked(at)) {
        // A colon within brackets is part of an IPv6 address.
        Some((host, port)) if !port.contains(&b']') => host,
        _ => authority,
    };
    host.strip_suffix(b".").unwrap_or(host)
}

/// What to do instead, where it is no host.
fn check(host: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| !label.is_empty() && label.bytes().all(plain);
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let name = host.strip_prefix("*.").unwrap_or(host);
    if address.is_some_and(|address| address.parse::<core::net::Ipv6Addr>().is_ok())
        || name.split('.').all(label)
    {
        return Ok(());
    }
    Err(if host == "*" {
        "leave out hosts for any"
    } else if host.contains('/') {
        "write the host alone, without scheme and path"
    } else if host.contains('*') {
        "`*.` stands at the beginning: *.example.org is all names below that one"
    } else if host.contains(':') {
        "write it without its port: requests to any port of it are meant"
    } else {
        "write a name such as api.example.org, or *.example.org for all below that one"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_as_names_are() {
        for (wanted, yes, no) in [
            (
                "api.example.org",
                vec!["api.example.org", "API.Example.org:8080", "api.example.org."],
                vec!["example.org", "x.api.example.org", "api.example.orgx", "", ":80"],
            ),
            (
                "*.example.org",
                vec!["a.example.org", "a.b.EXAMPLE.org:80", "a.example.org.:80"],
                vec!["example.org", ".example.org", "aexample.org", "a.example.org.evil.net"],
            ),
            ("[::1]", vec!["[::1]", "[::1]:80"], vec!["::1", "[::2]:80"]),
            ("10.0.0.1", vec!["10.0.0.1:80"], vec!["10.0.0.10"]),
        ] {
            let mut problems = Vec::new();
            let hosts = Hosts::new(&[wanted.to_owned()], &Path::root(), &mut problems);
            assert!(problems.is_empty(), "{problems:?}");
            for authority in yes {
                assert!(hosts.matches(authority.as_bytes()), "{wanted} should match {authority:?}");
            }
            for authority in no {
                assert!(!hosts.matches(authority.as_bytes()), "{wanted} should not match {authority:?}");
            }
        }
        assert!(Hosts::default().matches(b""));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in ["", "*", "a.*", "*a.b", "a:80", "http://a", "a..b", "a b", "[x]", "*.", "[::1]:80"] {
            assert!(check(host).is_err(), "{host}");
        }
    }
}
