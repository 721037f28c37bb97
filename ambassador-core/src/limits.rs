//! The limits of a config, with their defaults and bounds.

use crate::config::{self, Scalar};
use crate::problem::{Path, Problem};

/// Connections, timeouts and sizes, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Client connections to each port at a time.
    pub connections: u32,
    /// Connections to each server of an HTTP target at a time.
    pub upstream_connections: u32,
    /// Connections to each server of the target of a tcp port at a time.
    pub tcp_upstream_connections: u32,
    /// Milliseconds that connecting to a target may take.
    pub connect_timeout: u64,
    /// Milliseconds that a connection or an exchange of HTTP may be silent; 0 for ever.
    pub idle_timeout: u64,
    /// Milliseconds that a connection to a tcp port may be silent; 0 for ever.
    pub tcp_idle_timeout: u64,
    /// Milliseconds that a whole answer may take; 0 for ever.
    pub request_timeout: u64,
    /// Bytes of the largest body that is reshaped.
    pub body: u32,
}

/// A body of this size is held once by Envoy and a few times over by the filter while it runs.
const LARGEST_BODY: u64 = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            upstream_connections: 32,
            // A client of a tcp port cannot wait for a connection of another, so the clients' limit is enough.
            tcp_upstream_connections: u32::MAX,
            connect_timeout: 5_000,
            idle_timeout: 50_000,
            tcp_idle_timeout: 3_600_000,
            request_timeout: 0,
            body: 4 << 20,
        }
    }
}

impl Limits {
    /// The same with what is written in their place.
    pub(crate) fn with(mut self, written: &config::Limits, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let mut count = |field: &str, value: Option<u32>, limit: &mut u32| match value {
            Some(0) => problems.push(Problem::new(&path.key(field), "must be at least 1")),
            Some(value) => *limit = value,
            None => {}
        };
        count("connections", written.connections, &mut self.connections);
        count("upstreamConnections", written.upstream_connections, &mut self.upstream_connections);
        if let Some(connections) = written.upstream_connections {
            self.tcp_upstream_connections = connections;
        }
        let mut set = |field: &str, value: &Option<Scalar>, limit: &mut u64, zero: bool| {
            *limit = time(value.as_ref(), *limit, zero, &path.key(field), problems);
        };
        set("connectTimeout", &written.connect_timeout, &mut self.connect_timeout, false);
        set("idleTimeout", &written.idle_timeout, &mut self.idle_timeout, true);
        set("tcpIdleTimeout", &written.tcp_idle_timeout, &mut self.tcp_idle_timeout, true);
        set("requestTimeout", &written.request_timeout, &mut self.request_timeout, true);
        self.body = body(written.body.as_ref(), self.body, &path.key("body"), problems);
        self
    }

    /// The same for one port.
    pub(crate) fn of_port(
        self,
        written: &config::PortLimits,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let written = config::Limits {
            connections: written.connections,
            idle_timeout: written.idle_timeout.clone(),
            tcp_idle_timeout: written.tcp_idle_timeout.clone(),
            request_timeout: written.request_timeout.clone(),
            ..config::Limits::default()
        };
        self.with(&written, path, problems)
    }

    /// The same for one target.
    pub(crate) fn of_target(
        self,
        written: &config::TargetLimits,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let written = config::Limits {
            upstream_connections: written.upstream_connections,
            connect_timeout: written.connect_timeout.clone(),
            ..config::Limits::default()
        };
        self.with(&written, path, problems)
    }
}

/// Milliseconds, or `default` where none are written or they make no sense.
pub(crate) fn time(
    written: Option<&Scalar>,
    default: u64,
    zero: bool,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> u64 {
    let Some(text) = written else { return default };
    let problem = match milliseconds(&text.0) {
        Some(time) if time > 0 || zero => return time,
        Some(_) => Problem::new(path, "must be more than 0s"),
        None => Problem::new(path, format!("`{text}` is not a time")).hint("write 500ms, 5s, 1m30s or 1h"),
    };
    problems.push(problem);
    default
}

fn body(written: Option<&Scalar>, default: u32, path: &Path, problems: &mut Vec<Problem>) -> u32 {
    let Some(text) = written else { return default };
    match bytes(&text.0) {
        Some(size @ 1..=LARGEST_BODY) => u32::try_from(size).unwrap_or(default),
        Some(_) => {
            problems.push(Problem::new(path, "must be from 1 to 64MiB"));
            default
        }
        None => {
            let message = format!("`{text}` is not a size");
            problems.push(Problem::new(path, message).hint("write 64KiB, 4MiB or a number of bytes"));
            default
        }
    }
}

/// Parts of a number and a unit, as `1m30s`; at most a year, so that no sum overflows.
fn milliseconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(end)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = next;
    }
    (!text.is_empty() && total <= 366 * 86_400_000).then_some(total)
}

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text)?;
    let factor = match unit {
        "" | "B" => 1,
        "KiB" | "Ki" => 1 << 10,
        "MiB" | "Mi" => 1 << 20,
        "GiB" | "Gi" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("5s", Some(5_000)),
            ("1m30s", Some(90_000)),
            ("0s", Some(0)),
            ("2h", Some(7_200_000)),
            ("", None),
            ("5", None),
            ("s", None),
            ("5 s", None),
            ("-5s", None),
            ("5d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, expected) in [
            ("4MiB", Some(4 << 20)),
            ("64KiB", Some(64 << 10)),
            ("1000", Some(1000)),
            ("4MB", None),
            ("", None),
            ("1.5MiB", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
