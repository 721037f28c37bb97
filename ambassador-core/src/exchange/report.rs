//! What became of an exchange, for counters and logs.

use super::{Failure, FailureKind};

/// Which side of the exchange is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The request.
    Request,
    /// The answer.
    Answer,
}

/// Why a body passed as it came although a rule with a program matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no body: HEAD, 204, 205, 304, a request without one.
    NoBody,
    /// `Cache-Control: no-transform`.
    NoTransform,
    /// A part of a body (206).
    Partial,
    /// A stream that the rule does not take piece by piece.
    Stream,
    /// It could not be reshaped, and the rule says `onError: pass`.
    Failed,
}

impl Reason {
    /// All there are, for counters.
    pub const ALL: [Self; 5] = [Self::NoBody, Self::NoTransform, Self::Partial, Self::Stream, Self::Failed];

    /// As counters and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoBody => "no_body",
            Self::NoTransform => "no_transform",
            Self::Partial => "partial",
            Self::Stream => "stream",
            Self::Failed => "failed",
        }
    }
}

/// What became of one side of an exchange that a rule matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The body was reshaped.
    Reshaped,
    /// The rule has no program: its changes of the head were made.
    Headers,
    /// The body passed as it came.
    Passed(Reason),
    /// The body could not be reshaped.
    Failed(FailureKind),
}

impl Outcome {
    /// As logs name it: `reshaped`, `headers`, `passed:` or `failed:` with the reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reshaped => "reshaped",
            Self::Headers => "headers",
            Self::Passed(Reason::NoBody) => "passed:no_body",
            Self::Passed(Reason::NoTransform) => "passed:no_transform",
            Self::Passed(Reason::Partial) => "passed:partial",
            Self::Passed(Reason::Stream) => "passed:stream",
            Self::Passed(Reason::Failed) => "passed:failed",
            Self::Failed(kind) => kind.outcome(),
        }
    }
}

/// What became of one side of an exchange that a rule matched, with the numbers of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The rule, by its place.
    pub rule: usize,
    /// The side.
    pub side: Side,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed, where it did; also where the original passed then.
    pub failure: Option<FailureKind>,
    /// Bytes of the body as it came.
    pub bytes_in: usize,
    /// Bytes of the new body.
    pub bytes_out: usize,
    /// Steps of the program.
    pub steps: usize,
}

impl Report {
    pub(super) fn new(rule: usize, side: Side, outcome: Outcome) -> Self {
        Self { rule, side, outcome, failure: None, bytes_in: 0, bytes_out: 0, steps: 0 }
    }

    /// Of a body that could not be reshaped; `passes` if the original goes on then.
    pub(super) fn failed(rule: usize, side: Side, failure: &Failure, passes: bool, bytes_in: usize) -> Self {
        let kind = failure.kind();
        let outcome = if passes { Outcome::Passed(Reason::Failed) } else { Outcome::Failed(kind) };
        Self { failure: Some(kind), bytes_in, ..Self::new(rule, side, outcome) }
    }
}
