//! Paths of requests: exact, with `*` for one segment, with `**` at the end for the rest.

use crate::problem::{Path as ConfigPath, Problem};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Exact(String),
    /// `*`: one segment that is not empty.
    Any,
    /// `**`: any number of segments, none included.
    Rest,
}

/// A path pattern, compared with the path as the client sent it: percent-encoding is not undone, case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(Vec<Segment>);

impl PathPattern {
    pub(crate) fn new(written: &str, path: &ConfigPath, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(segments) = written.strip_prefix('/') else {
            problems.push(Problem::new(path, "a path begins with `/`"));
            return None;
        };
        if written.contains(['?', '#']) {
            problems.push(Problem::new(path, "a path has no query and no fragment"));
            return None;
        }
        let segments: Vec<Segment> = segments.split('/').map(segment).collect();
        if segments.iter().rev().skip(1).any(|segment| *segment == Segment::Rest) {
            problems
                .push(Problem::new(path, "`**` stands at the end of a path").hint("use `*` for one segment"));
            return None;
        }
        let half = |segment: &Segment| matches!(segment, Segment::Exact(text) if text.contains('*'));
        if segments.iter().any(half) {
            problems.push(
                Problem::new(path, "`*` stands for a whole segment").hint("write /stock/* or /stock/**"),
            );
            return None;
        }
        Some(Self(segments))
    }

    /// Whether a request for `target` is meant: its `:path`, of which the query is not looked at.
    pub fn matches(&self, target: &[u8]) -> bool {
        let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
        let Some(path) = path.strip_prefix(b"/") else { return false };
        let mut segments = path.split(|&byte| byte == b'/');
        for wanted in &self.0 {
            match (wanted, segments.next()) {
                (Segment::Rest, _) => return true,
                (Segment::Any, Some(found)) if !found.is_empty() => {}
                (Segment::Exact(text), Some(found)) if text.as_bytes() == found => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

fn segment(text: &str) -> Segment {
    match text {
        "*" => Segment::Any,
        "**" => Segment::Rest,
        text => Segment::Exact(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = PathPattern::new(pattern, &ConfigPath::root(), &mut Vec::new()).expect(pattern);
        for path in yes {
            assert!(compiled.matches(path.as_bytes()), "{pattern} should match {path}");
        }
        for path in no {
            assert!(!compiled.matches(path.as_bytes()), "{pattern} should not match {path}");
        }
    }

    #[test]
    fn matches_exactly() {
        check("/", &["/", "/?q=1"], &["/a", "", "*"]);
        check(
            "/stock/7",
            &["/stock/7", "/stock/7?x=/y"],
            &["/stock/", "/stock/7/", "/Stock/7", "/stock/%37"],
        );
    }

    #[test]
    fn matches_one_segment() {
        check("/stock/*", &["/stock/7", "/stock/a.b"], &["/stock/", "/stock", "/stock/7/8"]);
        check("/*/price", &["/7/price"], &["//price", "/price"]);
    }

    #[test]
    fn matches_the_rest() {
        check("/stock/**", &["/stock/7", "/stock/7/8", "/stock/", "/stock"], &["/stocks", "/"]);
        check("/**", &["/", "/a", "/a/b"], &["*"]);
    }

    #[test]
    fn refuses_what_it_cannot_mean() {
        for pattern in ["", "stock", "/a?b", "/**/a", "/a*", "/a/b#c"] {
            let mut problems = Vec::new();
            assert!(PathPattern::new(pattern, &ConfigPath::root(), &mut problems).is_none(), "{pattern}");
            assert_eq!(problems.len(), 1, "{pattern}");
        }
    }
}
