//! Why a rule was used for an exchange, and why others were not: a line for each.

use std::fmt;

use super::{Rule, RuleSet};
use crate::exchange::Head;
use crate::matcher::Mismatch;

/// What one rule has to do with an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is used.
    Used,
    /// It would match, but one before it does.
    Later,
    /// It matches, and has nothing to say on this side of the exchange.
    Silent,
    /// It does not match, for this reason.
    Mismatch(Mismatch<'a>),
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mismatch = match self {
            Self::Used => return f.write_str("used"),
            Self::Later => return f.write_str("not used: a rule before it matches"),
            Self::Silent => return f.write_str("not used: it says nothing about this side of the exchange"),
            Self::Mismatch(mismatch) => mismatch,
        };
        f.write_str("does not match: ")?;
        match mismatch {
            Mismatch::Port => f.write_str("the request came in on another port"),
            Mismatch::Target => f.write_str("the request leads to another target"),
            Mismatch::Host => f.write_str("the request is for another host"),
            Mismatch::Method => f.write_str("the request has another method"),
            Mismatch::Path => f.write_str("the request is for another path"),
            Mismatch::Query(wanted) if wanted.negated => {
                write!(f, "the parameter `{}` has a value that it must not have", wanted.name)
            }
            Mismatch::Query(wanted) => {
                write!(f, "the parameter `{}` is missing or has another value", wanted.name)
            }
            Mismatch::Header(wanted) if wanted.negated => {
                let name = shown(&wanted.name);
                write!(f, "the header `{name}` has a value that it must not have")
            }
            Mismatch::Header(wanted) => {
                let name = shown(&wanted.name);
                write!(f, "the header `{name}` is missing or has another value")
            }
            Mismatch::Status => f.write_str("the answer has another status"),
            Mismatch::ContentType => f.write_str("the answer has another Content-Type"),
            Mismatch::Format => f.write_str(
                "the answer's Content-Type is not of the format that the program reads; name it in match.contentType",
            ),
        }
    }
}

/// A header as people call it.
fn shown(name: &str) -> &str {
    if name == ":authority" { "host" } else { name }
}

impl RuleSet {
    /// What each rule, in order, has to do with a request that came in on `port` and leads to the target of this name.
    pub fn explain_request(&self, port: u16, target: Option<&str>, request: Head<'_>) -> Vec<Verdict<'_>> {
        self.verdicts(Rule::decides_requests, |rule| rule.matcher.request(port, target, request))
    }

    /// What each rule, in order, has to do with the answer to that request.
    pub fn explain_answer(
        &self,
        port: u16,
        target: Option<&str>,
        request: Head<'_>,
        answer: Head<'_>,
    ) -> Vec<Verdict<'_>> {
        self.verdicts(Rule::decides_answers, |rule| {
            rule.matcher.request(port, target, request)?;
            rule.matches_answer(answer)
        })
    }

    fn verdicts<'a>(
        &'a self,
        speaks: impl Fn(&Rule) -> bool,
        matches: impl Fn(&'a Rule) -> Result<(), Mismatch<'a>>,
    ) -> Vec<Verdict<'a>> {
        let mut used = false;
        let verdict = |rule: &'a Rule| match matches(rule) {
            Err(mismatch) => Verdict::Mismatch(mismatch),
            Ok(()) if !speaks(rule) => Verdict::Silent,
            Ok(()) if used => Verdict::Later,
            Ok(()) => {
                used = true;
                Verdict::Used
            }
        };
        self.iter().map(verdict).collect()
    }
}
