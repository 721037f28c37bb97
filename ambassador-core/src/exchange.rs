//! One HTTP exchange as a state machine: events in, steps out, no I/O.
//!
//! Each phase is a type of its own, made by the phase before it and consumed by the next, so that a step in the
//! wrong phase does not compile: [`begin`] reads the request and gives [`Asked`]; [`Asked::answered`] reads the
//! head of the answer and decides to pass it on or to hold it as [`Held`]; [`Held::finish`] reshapes the body.

mod failure;
mod head;
mod variables;

use ambassador_jq::Run;
use std::borrow::Cow;
use std::rc::Rc;

pub use failure::{Failure, LocalReply, PROBLEM_TYPE};
pub use head::{Head, HeaderList};

use crate::Ambassador;
use crate::matcher::content_type;
use crate::rules::{OnError, Rule, Transform};

/// The header that tells Envoy's router the cluster. Only the filter may set it.
pub const UPSTREAM_HEADER: &str = "x-ambassador-upstream";

/// Headers of a request by which a client could steer the ambassador (`x-ambassador-`) or Envoy's router
/// (`x-envoy-`: timeouts, retries, statistics), which trusts every client of a cluster.
const STEERING: [&str; 2] = ["x-ambassador-", "x-envoy-"];

/// Headers of an answer that describe the bytes of its original body.
const DESCRIBES_THE_BODY: [&str; 14] = [
    "accept-ranges",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-md5",
    "digest",
    "etag",
    "last-modified",
    "repr-digest",
    "signature",
    "signature-input",
    "sourcemap",
    "want-digest",
    "x-sourcemap",
];

/// Headers of a request that ask for something we could not reshape: a coding, a part, a `304` for a copy
/// that may be older than the rule.
const ASKS_FOR_THE_ORIGINAL: [&str; 5] =
    ["accept-encoding", "range", "if-range", "if-none-match", "if-modified-since"];

/// A change of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets a header, in place of all of that name.
    Set(Cow<'static, str>, Vec<u8>),
    /// Removes all headers of that name.
    Remove(Cow<'static, str>),
}

/// Reads the head of a request that came in on `port`. Gives the changes to it and what is to be remembered;
/// `None` if the port is not one of ours.
pub fn begin(ambassador: Rc<Ambassador>, port: u16, headers: &HeaderList) -> Option<(Vec<Edit>, Asked)> {
    let head = Head(headers);
    let entry = ambassador.ports.listening_on(port)?;
    let mut edits = strip_steering(head);
    edits.push(Edit::Set(UPSTREAM_HEADER.into(), entry.cluster.clone().into_bytes()));
    let (method, target) = (head.get(":method").unwrap_or_default(), head.get(":path").unwrap_or_default());
    let upgrade = method == b"CONNECT" || head.get("upgrade").is_some();
    let candidates: Vec<usize> = ambassador
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| !upgrade && rule.matches_request(port, method, target))
        .map(|(index, _)| index)
        .collect();
    let transforms =
        || candidates.iter().filter_map(|&index| ambassador.rules.get(index)?.transform.as_ref());
    if transforms().next().is_some() {
        edits.extend(head.removals(&ASKS_FOR_THE_ORIGINAL));
    }
    let request =
        transforms().any(|transform| transform.program.uses(0)).then(|| variables::request(port, head));
    let is_head = method == b"HEAD";
    Some((edits, Asked { ambassador, candidates, is_head, request }))
}

fn strip_steering(head: Head<'_>) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (name, _) in head.0 {
        let remove = Edit::Remove(name.clone().into());
        if STEERING.iter().any(|prefix| name.starts_with(prefix)) && !edits.contains(&remove) {
            edits.push(remove);
        }
    }
    edits
}

/// A request has been sent on; its answer is awaited.
#[derive(Debug)]
pub struct Asked {
    ambassador: Rc<Ambassador>,
    candidates: Vec<usize>,
    is_head: bool,
    request: Option<Vec<u8>>,
}

/// What to do with an answer, once its head is known.
#[derive(Debug)]
pub enum Decision {
    /// Make these changes to its head and send it on as it comes.
    Pass(Vec<Edit>),
    /// Keep it back until its body is known.
    Hold(Box<Held>),
    /// Send this in its place.
    Replace(LocalReply),
}

impl Asked {
    /// Whether no rule can match, whatever the answer will be.
    pub fn is_settled(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Reads the head of the answer; `ends` says that no body follows. `from_legacy` tells whether it came from
    /// the legacy program and not from Envoy itself; it is asked only when a rule matches.
    pub fn answered(self, headers: &HeaderList, ends: bool, from_legacy: impl FnOnce() -> bool) -> Decision {
        let head = Head(headers);
        let status = head.status();
        let content_type = head.get("content-type");
        let found = self.candidates.iter().find_map(|&index| {
            let rule = self.ambassador.rules.get(index)?;
            rule.matches_response(status, content_type).then_some((index, rule))
        });
        match found {
            Some((index, rule)) if from_legacy() => self.decide(index, rule, head, ends),
            _ => Decision::Pass(Vec::new()),
        }
    }

    fn decide(&self, index: usize, rule: &Rule, head: Head<'_>, ends: bool) -> Decision {
        let Some(transform) = &rule.transform else {
            return Decision::Pass(edits_of_rule(rule, head, Vec::new()));
        };
        if !may_reshape(head) {
            return Decision::Pass(Vec::new());
        }
        if self.is_head || [204, 205, 304].contains(&head.status()) {
            // The lengths and tags of a body that was not sent are those of the original: unknown is right.
            let removals = head.removals(&DESCRIBES_THE_BODY);
            return Decision::Pass(edits_of_rule(rule, head, removals));
        }
        let limit = self.ambassador.limits.body as usize;
        let failure = match head.content_length() {
            _ if head.is_encoded() => Some(Failure::Encoded),
            Some(length) if length > limit as u64 => Some(Failure::TooLarge { limit }),
            _ if ends => Some(Failure::Empty),
            _ => None,
        };
        match (failure, rule.on_error) {
            (Some(failure), OnError::Error) => Decision::Replace(failure.reply(&rule.name)),
            (Some(_), OnError::Pass) => Decision::Pass(Vec::new()),
            (None, _) => Decision::Hold(Box::new(self.hold(index, rule, transform, head))),
        }
    }

    fn hold(&self, rule_index: usize, rule: &Rule, transform: &Transform, head: Head<'_>) -> Held {
        let mut edits = head.removals(&DESCRIBES_THE_BODY);
        edits.push(Edit::Set("content-type".into(), b"application/json".to_vec()));
        Held {
            ambassador: Rc::clone(&self.ambassador),
            rule_index,
            request: self.request.clone().unwrap_or_default(),
            response: if transform.program.uses(1) { variables::response(head) } else { Vec::new() },
            edits: edits_of_rule(rule, head, edits),
        }
    }
}

/// Parts (206), streams and what its origin forbids to change (`no-transform`) are never reshaped.
fn may_reshape(head: Head<'_>) -> bool {
    head.status() != 206
        && !head.get("content-type").is_some_and(content_type::is_stream)
        && !head.all("cache-control").any(forbids_transform)
}

fn forbids_transform(cache_control: &[u8]) -> bool {
    cache_control
        .split(|&byte| byte == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
}

fn edits_of_rule(rule: &Rule, head: Head<'_>, mut edits: Vec<Edit>) -> Vec<Edit> {
    for name in &rule.headers.remove {
        if head.get(name).is_some() {
            edits.push(Edit::Remove(name.clone().into()));
        }
    }
    for (name, value) in &rule.headers.set {
        edits.push(Edit::Set(name.clone().into(), value.clone().into_bytes()));
    }
    if let Some(status) = rule.status {
        edits.push(Edit::Set(":status".into(), status.to_string().into_bytes()));
    }
    edits
}

/// An answer whose head is kept back until its body is known.
#[derive(Debug)]
pub struct Held {
    ambassador: Rc<Ambassador>,
    rule_index: usize,
    request: Vec<u8>,
    response: Vec<u8>,
    edits: Vec<Edit>,
}

/// How an answer that was held is released.
#[derive(Debug, PartialEq, Eq)]
pub enum Release {
    /// With this body and these changes of its head.
    Reshaped {
        /// The new body.
        body: Vec<u8>,
        /// The changes of the head, an exact Content-Length among them.
        edits: Vec<Edit>,
    },
    /// As it came.
    Untouched,
    /// Not at all: this in its place.
    Replace(LocalReply),
}

impl Held {
    /// Whether a body of this many bytes, with or without more to come, is too large to be reshaped.
    pub fn is_too_large(&self, size: usize) -> bool {
        size > self.ambassador.limits.body as usize
    }

    /// Releases an answer whose body [is too large](Self::is_too_large).
    pub fn give_up(self) -> Release {
        let limit = self.ambassador.limits.body as usize;
        self.fail(&Failure::TooLarge { limit })
    }

    /// Reshapes the whole body.
    ///
    /// `clock` gives the seconds since 1970-01-01 in UTC; it is asked only for rules that may want to know.
    pub fn finish(mut self, body: &[u8], clock: impl FnOnce() -> f64) -> Release {
        match self.run(body, clock) {
            Ok(body) => {
                let length = body.len().to_string().into_bytes();
                let mut edits = std::mem::take(&mut self.edits);
                edits.push(Edit::Set("content-length".into(), length));
                Release::Reshaped { body, edits }
            }
            Err(failure) => self.fail(&failure),
        }
    }

    fn run(&self, body: &[u8], clock: impl FnOnce() -> f64) -> Result<Vec<u8>, Failure> {
        let transform = self.rule().and_then(|rule| rule.transform.as_ref()).ok_or(Failure::Empty)?;
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        if body.is_empty() {
            return Err(Failure::Empty);
        }
        let null: &[u8] = b"null";
        let value = |text: &'_ [u8]| if text.is_empty() { null.to_vec() } else { text.to_vec() };
        let (request, response) = (value(&self.request), value(&self.response));
        let now = if transform.program.uses_now() { clock() } else { 0.0 };
        let run = Run { variables: &[&request, &response], now, ..Run::default() };
        let outputs = transform.program.run(body, &run).map_err(Failure::Program)?;
        outputs.into_single().map_err(|outputs| Failure::Outputs { count: outputs.len() })
    }

    fn fail(&self, failure: &Failure) -> Release {
        match self.rule() {
            Some(rule) if rule.on_error == OnError::Pass => Release::Untouched,
            rule => Release::Replace(failure.reply(rule.map_or("", |rule| &rule.name))),
        }
    }

    fn rule(&self) -> Option<&Rule> {
        self.ambassador.rules.get(self.rule_index)
    }
}

#[cfg(test)]
mod tests;
