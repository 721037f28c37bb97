//! What a rule is matched by, one file a kind.

pub mod content_type;
pub mod host;
pub mod method;
pub mod path;
pub mod query;
pub mod request;
pub mod status;
pub mod text;

use crate::config;
use crate::exchange::Head;
use crate::ports::{Port, PortMap};
use crate::problem::{Path, Problem};
use content_type::ContentTypePattern;
use request::RequestMatcher;
use status::Statuses;
use text::Wanted;

/// Which exchanges a rule is for, compiled. All that is named must hold.
#[derive(Debug)]
pub struct Matcher {
    port: Option<u16>,
    target: Option<String>,
    request: RequestMatcher,
    statuses: Statuses,
    content_types: Vec<ContentTypePattern>,
}

/// The first thing that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch<'a> {
    /// The request came in on another port.
    Port,
    /// It leads to another target.
    Target,
    /// It asks another host.
    Host,
    /// It has another method.
    Method,
    /// It asks for another path.
    Path,
    /// A parameter of its query has another value, or is there or missing.
    Query(&'a Wanted),
    /// A header of it has another value, or is there or missing.
    Header(&'a Wanted),
    /// The answer has another status.
    Status,
    /// The answer has another Content-Type.
    ContentType,
    /// The answer's Content-Type is none that the rule's program can read.
    Format,
}

impl Matcher {
    pub(crate) fn new(
        written: &config::Match,
        ports: &PortMap,
        targets: &[config::Target],
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let types = written.content_type.iter().flat_map(|types| &types.0);
        let content_types = types
            .filter_map(|text| ContentTypePattern::new(&text.0, &path.key("contentType"), problems))
            .collect();
        let statuses = written.status.as_ref();
        let methods = written.methods.as_deref();
        Self {
            port: port(written.port.as_deref(), ports, &path.key("port"), problems),
            target: target(written.target.as_deref(), targets, &path.key("target"), problems),
            request: RequestMatcher::new(
                methods,
                written.path.as_deref(),
                &written.query,
                &written.headers,
                path,
                problems,
            ),
            statuses: statuses
                .map(|status| Statuses::new(status, &path.key("status"), problems))
                .unwrap_or_default(),
            content_types,
        }
    }

    /// Whether the request, which came in on `port` and leads to the target of this name, is one that is meant; if not,
    /// why. Headers come last: where only those do not match, a cache has to know that the answer depends on them.
    pub fn request(&self, port: u16, target: Option<&str>, head: Head<'_>) -> Result<(), Mismatch<'_>> {
        if self.port.is_some_and(|wanted| wanted != port) {
            return Err(Mismatch::Port);
        }
        if self.target.is_some() && self.target.as_deref() != target {
            return Err(Mismatch::Target);
        }
        self.request.matches(head)
    }

    /// Whether the answer is one that is meant, given that the request is. `reads` tells whether a Content-Type is
    /// one for the rule's program; it is asked where the rule names none.
    pub fn answer(
        &self,
        head: Head<'_>,
        reads: impl FnOnce(Option<&[u8]>) -> bool,
    ) -> Result<(), Mismatch<'_>> {
        if !self.statuses.matches(head.status()) {
            return Err(Mismatch::Status);
        }
        let found = head.get("content-type");
        if self.content_types.is_empty() {
            return if reads(found) { Ok(()) } else { Err(Mismatch::Format) };
        }
        let matches = |found| self.content_types.iter().any(|pattern| pattern.matches(found));
        if found.is_some_and(matches) { Ok(()) } else { Err(Mismatch::ContentType) }
    }

    /// The names of request headers that decide, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.request.header_names()
    }
}

fn port(written: Option<&str>, ports: &PortMap, path: &Path, problems: &mut Vec<Problem>) -> Option<u16> {
    let name = written?;
    let found = ports.named(name);
    if found.is_none() {
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        let problem = Problem::new(path, format!("no port is named `{}`", name.escape_debug()));
        problems.push(problem.hint(format!("spec.ports has: {}", names.join(", "))));
    }
    if found.is_some_and(Port::is_tcp) {
        problems.push(
            Problem::new(path, format!("`{name}` is a tcp port, and rules are for http"))
                .hint("leave out protocol: tcp if HTTP is spoken on it"),
        );
    }
    found.map(|port| port.listen)
}

fn target(
    written: Option<&str>,
    targets: &[config::Target],
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let name = written?;
    if targets.iter().all(|target| target.name != name) {
        let problem = Problem::new(path, format!("no target is named `{}`", name.escape_debug()));
        problems.push(problem.hint(crate::ports::names(targets)));
    }
    Some(name.to_owned())
}
