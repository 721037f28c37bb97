//! How servers are found to be down, and up again.

use super::address::Address;
use crate::config::{self, OneOrMany, Scalar};
use crate::limits;
use crate::matcher::status::Statuses;
use crate::problem::{Path, Problem};
use crate::rules;

/// The methods by which a server may be asked how it is: they change nothing.
const METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// What makes a server up or down may take this many answers.
const MOST_IN_A_ROW: u32 = 1_000;

/// How the servers of a target are looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked by HTTP; without, that a connection can be made is enough.
    pub http: Option<HttpCheck>,
    /// Milliseconds between an answer and the next question.
    pub interval: u64,
    /// Milliseconds that an answer may take.
    pub timeout: u64,
    /// Good answers in a row that make a server up.
    pub rise: u32,
    /// Failures in a row that make a server down.
    pub fall: u32,
}

/// A question by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// The path, with a query or without.
    pub path: String,
    /// The method.
    pub method: String,
    /// The Host; `None` for the address of the server that is asked.
    pub host: Option<String>,
    /// The statuses of a server that is up.
    pub statuses: Statuses,
}

impl HttpCheck {
    /// The Host that this server is asked with.
    pub fn host_for(&self, server: &Address) -> String {
        self.host.clone().unwrap_or_else(|| server.authority())
    }
}

impl HealthCheck {
    /// `host` is the one that the target's servers see, if it is a name of its own.
    pub(super) fn new(
        written: &config::HealthCheck,
        host: Option<&str>,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let interval = limits::time(written.interval.as_ref(), 2_000, false, &path.key("interval"), problems);
        let mut count = |name: &str, value: Option<u32>, default: u32| {
            if value.is_some_and(|value| !(1..=MOST_IN_A_ROW).contains(&value)) {
                let message = format!("must be from 1 to {MOST_IN_A_ROW}");
                problems.push(Problem::new(&path.key(name), message));
            }
            value.unwrap_or(default)
        };
        let (rise, fall) = (count("rise", written.rise, 2), count("fall", written.fall, 3));
        Self {
            http: http(written, host, path, problems),
            interval,
            timeout: limits::time(written.timeout.as_ref(), interval, false, &path.key("timeout"), problems),
            rise,
            fall,
        }
    }
}

fn http(
    written: &config::HealthCheck,
    host: Option<&str>,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Option<HttpCheck> {
    let Some(asked) = &written.path else {
        let vain = [
            ("method", written.method.is_some()),
            ("host", written.host.is_some()),
            ("status", written.status.is_some()),
        ];
        for (name, _) in vain.into_iter().filter(|(_, is_written)| *is_written) {
            let message = format!("`{name}` has no effect without `path`");
            problems.push(Problem::new(&path.key(name), message).hint("add path: / to ask by HTTP"));
        }
        return None;
    };
    let printable = |byte: u8| (0x21..=0x7e).contains(&byte) && byte != b'#';
    if !asked.starts_with('/') || !asked.bytes().all(printable) {
        let problem = Problem::new(&path.key("path"), format!("`{}` is not a path", asked.escape_debug()));
        problems.push(problem.hint("write /health, or with a query /health?quick=1"));
    }
    let method = written.method.as_deref().unwrap_or("GET");
    if !METHODS.contains(&method) {
        let message = format!("a server cannot be asked by `{}`", method.escape_debug());
        problems.push(Problem::new(&path.key("method"), message).hint("expected GET, HEAD or OPTIONS"));
    }
    if let Some(host) = &written.host {
        rules::check_host(host, "write a name as stock.example.com:8080", &path.key("host"), problems);
    }
    let host = written.host.as_deref().or(host);
    let good = OneOrMany(vec![Scalar("200-399".to_owned())]);
    let statuses = Statuses::new(written.status.as_ref().unwrap_or(&good), &path.key("status"), problems);
    Some(HttpCheck {
        path: asked.clone(),
        method: method.to_owned(),
        host: host.map(str::to_owned),
        statuses,
    })
}
