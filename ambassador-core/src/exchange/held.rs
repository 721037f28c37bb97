//! An answer that is held until its body is known.

use std::rc::Rc;

use super::{Edit, Failure, LocalReply, Outcome, Report, Side};
use crate::Ambassador;
use crate::rules::{Known, OnError, Rule, Wrapping};

/// An answer whose head is kept back until its body is known.
#[derive(Debug)]
pub struct Held {
    pub(super) ambassador: Rc<Ambassador>,
    pub(super) index: usize,
    pub(super) wrapping: Wrapping,
    pub(super) known: Known,
    /// What changes in the head if the original passes.
    pub(super) edits: Vec<Edit>,
    /// What changes in the head if the body does, but for its length.
    pub(super) reshaped: Vec<Edit>,
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
        /// What became of it.
        report: Report,
    },
    /// With its own body.
    Untouched {
        /// The changes of the head.
        edits: Vec<Edit>,
        /// What became of it.
        report: Report,
    },
    /// Not at all: this in its place.
    Replace {
        /// The answer.
        reply: LocalReply,
        /// What became of it.
        report: Report,
    },
}

impl Held {
    /// Whether a body of this many bytes, with or without more to come, is too large to be reshaped.
    pub fn is_too_large(&self, size: usize) -> bool {
        size > self.limit()
    }

    /// Releases an answer whose body [is too large](Self::is_too_large).
    pub fn give_up(self) -> Release {
        let limit = self.limit();
        self.fail(&Failure::TooLarge { limit }, 0)
    }

    /// Reshapes the whole body.
    ///
    /// `clock` gives the seconds since 1970-01-01 in UTC; it is asked only for rules that may want to know.
    pub fn finish(mut self, body: &[u8], clock: impl FnOnce() -> f64) -> Release {
        let limit = self.limit();
        let reshaper = self.rule().and_then(Rule::reshaper).ok_or(Failure::Empty);
        match reshaper.and_then(|reshaper| reshaper.run(body, &self.wrapping, &self.known, limit, clock)) {
            Err(failure) => self.fail(&failure, body.len()),
            Ok(new) => {
                let length = new.body.len();
                let report = Report {
                    bytes_in: body.len(),
                    bytes_out: length,
                    steps: new.steps,
                    ..Report::new(self.index, Side::Answer, Outcome::Reshaped)
                };
                let mut edits = std::mem::take(&mut self.reshaped);
                edits.push(Edit::Set("content-length".into(), length.to_string().into_bytes()));
                Release::Reshaped { body: new.body, edits, report }
            }
        }
    }

    fn fail(self, failure: &Failure, bytes_in: usize) -> Release {
        let rule = self.rule();
        let part = rule.and_then(|rule| rule.response.as_ref());
        let passes = part.is_some_and(|part| part.on_error == OnError::Pass);
        let report = Report::failed(self.index, Side::Answer, failure, passes, bytes_in);
        if passes {
            return Release::Untouched { edits: self.edits, report };
        }
        let name = rule.map_or("", |rule| &rule.name);
        Release::Replace { reply: failure.reply(name, Side::Answer), report }
    }

    fn rule(&self) -> Option<&Rule> {
        self.ambassador.rules.get(self.index)
    }

    fn limit(&self) -> usize {
        self.ambassador.limits.body as usize
    }
}
