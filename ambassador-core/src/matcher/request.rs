//! What rules and routes say alike of the head of a request.

use super::Mismatch;
use super::content_type;
use super::method::Methods;
use super::path::PathPattern;
use super::query;
use super::text::Wanted;
use crate::config::Texts;
use crate::exchange::Head;
use crate::problem::{Path, Problem};

/// Which requests are meant, by method, path, query and headers. All that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestMatcher {
    methods: Methods,
    path: Option<PathPattern>,
    query: Vec<Wanted>,
    headers: Vec<Wanted>,
}

impl RequestMatcher {
    pub(crate) fn new(
        methods: Option<&[String]>,
        written: Option<&str>,
        query: &Texts,
        headers: &Texts,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        Self {
            methods: Methods::new(methods.unwrap_or_default(), &path.key("methods"), problems),
            path: written.and_then(|text| PathPattern::new(text, &path.key("path"), problems)),
            query: Wanted::all(query, &path.key("query"), problems, |name| Ok(name.to_owned())),
            headers: Wanted::all(headers, &path.key("headers"), problems, header_name),
        }
    }

    /// Whether the request is one that is meant; if not, why. Headers come last.
    pub fn matches(&self, head: Head<'_>) -> Result<(), Mismatch<'_>> {
        let target = head.get(":path").unwrap_or_default();
        if !self.methods.matches(head.get(":method").unwrap_or_default()) {
            return Err(Mismatch::Method);
        }
        if self.path.as_ref().is_some_and(|pattern| !pattern.matches(target)) {
            return Err(Mismatch::Path);
        }
        for wanted in &self.query {
            let values = query::parameters(target).filter(|(name, _)| **name == *wanted.name.as_bytes());
            let values: Vec<_> = values.map(|(_, value)| value).collect();
            if !wanted.holds(values.iter().map(|value| &**value)) {
                return Err(Mismatch::Query(wanted));
            }
        }
        match self.headers.iter().find(|wanted| !wanted.holds(head.all(&wanted.name))) {
            Some(wanted) => Err(Mismatch::Header(wanted)),
            None => Ok(()),
        }
    }

    /// The names of headers that decide, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|wanted| wanted.name.as_str())
    }
}

fn header_name(name: &str) -> Result<String, &'static str> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "" => Err("not a header name"),
        "host" => Ok(":authority".to_owned()),
        _ if lower.bytes().all(content_type::is_token_byte) => Ok(lower),
        _ => Err("not a header name"),
    }
}
