//! The head of an answer: which rule is for it, and whether its body is passed, held, or reshaped as it passes.

use std::rc::Rc;

use super::held::Held;
use super::policy::etag::{self, Conditions};
use super::policy::vary;
use super::stream::Streaming;
use super::{Edit, Failure, Head, HeaderList, LocalReply, Outcome, Reason, Report, Side, policy, variables};
use crate::Ambassador;
use crate::matcher::content_type;
use crate::ports::Target;
use crate::rules::{Known, OnError, Reshaper, ResponsePart, Rule, Taken};
use crate::way_back::{self, Client};

/// A request has been sent on; its answer is awaited.
#[derive(Debug)]
pub struct Asked {
    pub(super) ambassador: Rc<Ambassador>,
    pub(super) target: Rc<Target>,
    pub(super) candidates: Vec<usize>,
    pub(super) is_head: bool,
    /// Whether one of the candidates has a program.
    pub(super) reshapes: bool,
    pub(super) known: Known,
    pub(super) vary: Vec<String>,
    pub(super) conditions: Conditions,
    pub(super) client: Option<Client>,
}

/// What to do with an answer, once its head is known.
#[derive(Debug)]
pub enum Decision {
    /// Make these changes to its head and send it on as it comes.
    Pass {
        /// The changes of the head.
        edits: Vec<Edit>,
        /// What became of the answer, if a rule matched it.
        report: Option<Report>,
    },
    /// Keep it back until its body is known.
    Hold(Box<Held>),
    /// Make these changes to its head, send it on, and its body in the pieces that come of it.
    Stream {
        /// The changes of the head.
        edits: Vec<Edit>,
        /// What takes the body.
        streaming: Box<Streaming>,
    },
    /// Send this in its place.
    Replace {
        /// The answer.
        reply: LocalReply,
        /// What became of the legacy program's.
        report: Report,
    },
}

impl Asked {
    /// Whether nothing can happen to the answer, whatever it will be: its head need not be read.
    pub fn is_settled(&self) -> bool {
        self.candidates.is_empty() && self.client.is_none() && self.vary.is_empty()
    }

    /// Reads the head of the answer; `ends` says that no body follows. `from_legacy` tells whether it came from
    /// the legacy program and not from Envoy itself; it is asked only when something would be done.
    pub fn answered(
        mut self,
        headers: &HeaderList,
        ends: bool,
        from_legacy: impl FnOnce() -> bool,
    ) -> Decision {
        let head = Head(headers);
        let edits = self.edits_of_any(head);
        let ambassador = Rc::clone(&self.ambassador);
        let found = self.rule_of_not_modified(head).map(|index| (index, true)).or_else(|| {
            let mut indices = self.candidates.iter().copied();
            let matches = |index: &usize| {
                ambassador.rules.get(*index).is_some_and(|rule| rule.matches_answer(head).is_ok())
            };
            indices.find(matches).map(|index| (index, false))
        });
        if found.is_none() && edits.is_empty() || !from_legacy() {
            return Decision::Pass { edits: Vec::new(), report: None };
        }
        let rule =
            found.and_then(|(index, not_modified)| Some((index, ambassador.rules.get(index)?, not_modified)));
        match rule {
            None => Decision::Pass { edits, report: None },
            Some((index, rule, true)) => not_modified(head, index, rule, edits),
            Some((index, rule, false)) => self.decide(index, rule, head, ends, edits),
        }
    }

    /// What changes in every head: addresses, and what rules that may apply owe to caches and clients.
    fn edits_of_any(&self, head: Head<'_>) -> Vec<Edit> {
        let client = self.client.as_ref();
        let way_back =
            client.map(|client| way_back::edits(head, &self.ambassador.ports, &self.target, client));
        let mut edits = way_back.unwrap_or_default();
        edits.extend(vary::answer(head, &self.vary));
        if self.reshapes {
            // Nobody gets a part here: Range is taken from requests.
            edits.extend(head.removals(&["accept-ranges"]));
        }
        edits
    }

    /// The rule that reshaped what the client holds a copy of, if the answer says that it is still good.
    fn rule_of_not_modified(&self, head: Head<'_>) -> Option<usize> {
        let tag = head.get("etag");
        let mut conditions = self.conditions.iter().filter(|_| head.status() == 304);
        let (index, _) = conditions.find(|(_, original)| tag.is_none_or(|tag| tag == original))?;
        Some(*index)
    }

    fn decide(
        &mut self,
        index: usize,
        rule: &Rule,
        head: Head<'_>,
        ends: bool,
        mut edits: Vec<Edit>,
    ) -> Decision {
        let report = |outcome| Some(Report::new(index, Side::Answer, outcome));
        let Some(part) = &rule.response else {
            return Decision::Pass { edits, report: report(Outcome::Headers) };
        };
        let bodyless = [204, 205, 304].contains(&head.status());
        let Some(body) = &part.body else {
            part.headers.apply(head, &mut edits);
            edits.extend(part.status.filter(|_| head.status() != 304).map(policy::set_status));
            return Decision::Pass { edits, report: report(Outcome::Headers) };
        };
        if let Some(reason) = untouched(head, part) {
            return Decision::Pass { edits, report: report(Outcome::Passed(reason)) };
        }
        if bodyless {
            part.headers.apply(head, &mut edits);
            return Decision::Pass { edits, report: report(Outcome::Passed(Reason::NoBody)) };
        }
        if self.is_head {
            policy::reshaped_head(head, rule, &mut edits);
            return Decision::Pass { edits, report: report(Outcome::Passed(Reason::NoBody)) };
        }
        match self.obstacle(head, part, ends) {
            Some(failure) if part.on_error == OnError::Error => Decision::Replace {
                reply: failure.reply(&rule.name, Side::Answer),
                report: Report::failed(index, Side::Answer, &failure, false, 0),
            },
            Some(failure) => {
                Decision::Pass { edits, report: Some(Report::failed(index, Side::Answer, &failure, true, 0)) }
            }
            None => self.take(index, rule, part, body, head, edits),
        }
    }

    /// Why the body cannot be reshaped, as far as its head tells.
    fn obstacle(&self, head: Head<'_>, part: &ResponsePart, ends: bool) -> Option<Failure> {
        let limit = self.ambassador.limits.body as usize;
        let whole = part.taken == Taken::Whole;
        match head.codings() {
            None => return Some(Failure::UnknownCoding),
            // What passes in pieces is not decoded: the request asked for none.
            Some(codings) if !whole && !codings.is_empty() => return Some(Failure::UnknownCoding),
            Some(_) => {}
        }
        match head.content_length() {
            Some(length) if whole && length > limit as u64 => Some(Failure::TooLarge { limit }),
            _ if ends && whole => Some(Failure::Empty),
            _ => None,
        }
    }

    fn take(
        &mut self,
        index: usize,
        rule: &Rule,
        part: &ResponsePart,
        body: &Reshaper,
        head: Head<'_>,
        edits: Vec<Edit>,
    ) -> Decision {
        let mut reshaped = edits.clone();
        policy::reshaped(head, rule, &mut reshaped);
        let mut known = std::mem::take(&mut self.known);
        if body.uses_response() {
            known.response = variables::response(head);
        }
        let ambassador = Rc::clone(&self.ambassador);
        match part.taken {
            Taken::Whole => {
                let wrapping = head.wrapping().unwrap_or_default();
                Decision::Hold(Box::new(Held { ambassador, index, wrapping, known, edits, reshaped }))
            }
            taken => Decision::Stream {
                edits: reshaped,
                streaming: Box::new(Streaming::new(ambassador, index, taken, known)),
            },
        }
    }
}

/// The head of a 304: that of the 200 it stands for, as far as it is there (RFC 9110, section 15.4.5).
fn not_modified(head: Head<'_>, index: usize, rule: &Rule, mut edits: Vec<Edit>) -> Decision {
    edits.extend(head.removals(&policy::DIGESTS));
    edits.extend(head.removals(&["content-length", "content-encoding", "content-type"]));
    etag::answer(head, rule, &mut edits);
    if let Some(part) = &rule.response {
        part.headers.apply(head, &mut edits);
    }
    let report = Report::new(index, Side::Answer, Outcome::Passed(Reason::NoBody));
    Decision::Pass { edits, report: Some(report) }
}

/// Why a body with this head is not reshaped, and that is no failure.
fn untouched(head: Head<'_>, part: &ResponsePart) -> Option<Reason> {
    let media = head.get("content-type");
    let is_event_stream = media.is_some_and(content_type::is_event_stream);
    if head.status() == 206 {
        Some(Reason::Partial)
    } else if !part.even_if_no_transform && policy::forbids_transform(head) {
        Some(Reason::NoTransform)
    } else if media.is_some_and(content_type::is_stream)
        && !(is_event_stream && part.taken == Taken::PerEvent)
    {
        Some(Reason::Stream)
    } else {
        None
    }
}
