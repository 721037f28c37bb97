//! What a rule does to a request.

use super::{HeaderEdits, OnError, Reshaper, Written};
use crate::config;
use crate::matcher::content_type::is_token_byte;
use crate::problem::{Path, Problem};

/// Which Host the legacy program sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Host {
    /// What the port map says: the client's, but for targets elsewhere.
    #[default]
    OfPort,
    /// The client's.
    Keep,
    /// The address of the target.
    Upstream,
    /// This one.
    Named(String),
}

/// The path that the legacy program is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPath {
    path: String,
    has_query: bool,
}

impl NewPath {
    /// The new target: this path, with the query of the old target if it has none of its own.
    pub fn of(&self, target: &[u8]) -> Vec<u8> {
        let mut new = self.path.clone().into_bytes();
        if let Some(at) = target.iter().position(|&byte| byte == b'?').filter(|_| !self.has_query) {
            new.extend_from_slice(target.get(at..).unwrap_or_default());
        }
        new
    }
}

/// What a rule does to a request, compiled.
#[derive(Debug)]
pub struct RequestPart {
    /// What makes the new body; without, the body is not touched.
    pub body: Option<Reshaper>,
    /// The new path.
    pub path: Option<NewPath>,
    /// The new method.
    pub method: Option<String>,
    /// The Host.
    pub host: Host,
    /// Headers set and removed.
    pub headers: HeaderEdits,
    /// What happens when the body cannot be reshaped.
    pub on_error: OnError,
}

impl RequestPart {
    pub(super) fn new(written: &config::Request, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let body = Written {
            jq: written.jq.as_deref(),
            from: written.from.as_ref(),
            to: written.to.as_ref(),
            outputs: written.outputs.as_deref(),
        };
        Self {
            body: Reshaper::new(&body, path, problems),
            path: written.path.as_deref().and_then(|text| new_path(text, &path.key("path"), problems)),
            method: written.method.as_deref().and_then(|text| method(text, &path.key("method"), problems)),
            host: Host::new(written.host.as_deref(), &path.key("host"), problems),
            headers: HeaderEdits::new(&written.headers, &path.key("headers"), problems),
            on_error: OnError::new(written.on_error.as_deref(), &path.key("onError"), problems),
        }
    }
}

fn new_path(written: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<NewPath> {
    // What a request line can hold (RFC 9112, section 3.2.1): anything else would end it early.
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if !written.starts_with('/') {
        problems.push(Problem::new(path, "a path begins with `/`"));
    } else if !written.bytes().all(fits) {
        let problem = Problem::new(path, "a path has no spaces, no fragment and only ASCII characters");
        problems.push(problem.hint("write others in percent-encoding, `%20` for a space"));
    } else {
        return Some(NewPath { path: written.to_owned(), has_query: written.contains('?') });
    }
    None
}

fn method(written: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    if written.is_empty() || !written.bytes().all(is_token_byte) {
        problems.push(Problem::new(path, "not a method"));
    } else if written.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let upper = written.to_ascii_uppercase();
        problems.push(Problem::new(path, "methods are case-sensitive").hint(format!("write {upper}")));
    } else if ["CONNECT", "HEAD"].contains(&written) {
        problems.push(Problem::new(path, format!("a request cannot become {written}")));
    } else {
        return Some(written.to_owned());
    }
    None
}

/// The characters of a host with a port (RFC 3986, section 3.2), without user information.
pub(crate) fn check_host(name: &str, hint: &str, path: &Path, problems: &mut Vec<Problem>) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte);
    if name.is_empty() || !name.bytes().all(fits) {
        problems.push(Problem::new(path, format!("`{}` is not a host", name.escape_debug())).hint(hint));
    }
}

impl Host {
    pub(crate) fn new(written: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> Self {
        match written {
            None => Self::OfPort,
            Some("keep") => Self::Keep,
            Some("upstream") => Self::Upstream,
            Some(name) => {
                check_host(name, "write keep, upstream, or a name as stock.example.com:8080", path, problems);
                Self::Named(name.to_owned())
            }
        }
    }
}
