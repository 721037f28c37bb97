//! Why a body could not be reshaped, and what the client is told.

use std::fmt;

use ambassador_jq::{RunError, json};

use super::Side;
use crate::coding::CodingError;
use crate::format::FormatError;

/// The `type` of our problem documents (RFC 9457, section 3.1.1).
pub const PROBLEM_TYPE: &str = "urn:kubectl-ambassador:problem:rule-failed";

/// Why a body could not be reshaped. Never holds a piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// There is no body.
    Empty,
    /// The body is larger than `limits.body`.
    TooLarge {
        /// Bytes that would have been taken.
        limit: usize,
    },
    /// The new body would be larger than `limits.body`.
    OutputTooLarge {
        /// Bytes that would have been sent.
        limit: usize,
    },
    /// The body has a coding that we cannot take off.
    UnknownCoding,
    /// The body is not what its Content-Encoding says.
    Coding(CodingError),
    /// No format is for the body's Content-Type.
    UnknownFormat,
    /// The body is not in its format, or the new one cannot be written in its.
    Format(FormatError),
    /// The program failed.
    Program(RunError),
    /// The program gave no output, or several.
    Outputs {
        /// How many it gave.
        count: usize,
    },
    /// An event of a stream is larger than it may be.
    PieceTooLarge {
        /// Bytes that it may have.
        limit: usize,
    },
}

/// A kind of failure, of which there are few: a label of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// There is no body.
    Empty,
    /// A body is larger than `limits.body`, in one of its forms.
    TooLarge,
    /// The content coding is unknown, or the body is not in it.
    Coding,
    /// The body is not in its format.
    Input,
    /// The program raised an error.
    Program,
    /// The program reached a limit.
    Limit,
    /// The outputs are too many or too few, or cannot be written in their format.
    Output,
}

impl FailureKind {
    /// All there are, for counters.
    pub const ALL: [Self; 7] =
        [Self::Empty, Self::TooLarge, Self::Coding, Self::Input, Self::Program, Self::Limit, Self::Output];

    /// As counters name it.
    pub fn name(self) -> &'static str {
        self.outcome().split(':').nth(1).unwrap_or_default()
    }

    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::Empty => "failed:empty",
            Self::TooLarge => "failed:too_large",
            Self::Coding => "failed:coding",
            Self::Input => "failed:input",
            Self::Program => "failed:program",
            Self::Limit => "failed:limit",
            Self::Output => "failed:output",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the body is empty"),
            Self::TooLarge { limit } => write!(f, "the body is larger than {limit} bytes"),
            Self::OutputTooLarge { limit } => write!(f, "the new body is larger than {limit} bytes"),
            Self::UnknownCoding => f.write_str("the body has a content coding that cannot be decoded"),
            Self::Coding(error) => error.fmt(f),
            Self::UnknownFormat => f.write_str("the body has a Content-Type that cannot be read"),
            Self::Format(error) => error.fmt(f),
            Self::Program(error) => error.fmt(f),
            Self::Outputs { count } => write!(f, "the program gave {count} values where one is needed"),
            Self::PieceTooLarge { limit } => {
                write!(f, "a line or an event is larger than {limit} bytes")
            }
        }
    }
}

impl From<CodingError> for Failure {
    fn from(error: CodingError) -> Self {
        Self::Coding(error)
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Exhausted { which: ambassador_jq::Resource::Output, limit } => {
                Self::OutputTooLarge { limit }
            }
            error => Self::Program(error),
        }
    }
}

/// For a request that no route of its port is for, where there is nothing else (RFC 9110, section 15.5.5).
pub(super) fn no_route() -> LocalReply {
    let body = concat!(
        r#"{"type":"urn:kubectl-ambassador:problem:no-route","title":"No route is for this request","#,
        r#""status":404,"detail":"no route of this port is for this host, path, method and headers"}"#
    );
    LocalReply {
        status: 404,
        content_type: "application/problem+json",
        body: body.as_bytes().to_vec(),
        log: "no route is for the request".to_owned(),
    }
}

/// An answer of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// Its status.
    pub status: u16,
    /// Its Content-Type.
    pub content_type: &'static str,
    /// Its body.
    pub body: Vec<u8>,
    /// The same for the log: one line.
    pub log: String,
}

impl Failure {
    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Empty => FailureKind::Empty,
            Self::TooLarge { .. }
            | Self::OutputTooLarge { .. }
            | Self::PieceTooLarge { .. }
            | Self::Coding(CodingError::TooLarge { .. })
            | Self::Format(FormatError::TooLarge { .. }) => FailureKind::TooLarge,
            Self::UnknownCoding | Self::Coding(CodingError::Corrupt { .. }) => FailureKind::Coding,
            Self::UnknownFormat
            | Self::Format(FormatError::Unreadable { .. })
            | Self::Program(RunError::Input { .. }) => FailureKind::Input,
            Self::Program(RunError::Raised { .. }) => FailureKind::Program,
            Self::Program(RunError::Exhausted { .. }) => FailureKind::Limit,
            Self::Outputs { .. } | Self::Format(FormatError::Unwritable { .. }) => FailureKind::Output,
        }
    }

    /// The status that says it.
    ///
    /// What is wrong with an answer is 502: the fault is in what the legacy program sent or in the rule, never in what
    /// the client asked. What is wrong with a request is the client's fault where it can be (RFC 9110, section 15.5),
    /// and ours where the program gives what cannot be written.
    fn status(&self, side: Side) -> u16 {
        match (side, self) {
            (Side::Answer, _) => 502,
            (_, Self::UnknownCoding | Self::UnknownFormat) => 415,
            (
                _,
                Self::OutputTooLarge { .. }
                | Self::Outputs { .. }
                | Self::Format(FormatError::Unwritable { .. }),
            ) => 500,
            _ if self.kind() == FailureKind::TooLarge => 413,
            _ => 400,
        }
    }

    /// The problem document that says it (RFC 9457).
    pub(super) fn reply(&self, rule: &str, side: Side) -> LocalReply {
        let (title, what) = match side {
            Side::Request => ("The request could not be reshaped", "request"),
            Side::Answer => ("The answer could not be reshaped", "answer"),
        };
        let status = self.status(side);
        let head = format!(r#"{{"type":"{PROBLEM_TYPE}","title":"{title}","status":{status},"detail":""#);
        let mut body = head.into_bytes();
        json::escape(&self.to_string(), &mut body);
        body.extend_from_slice(b"\",\"rule\":\"");
        json::escape(rule, &mut body);
        body.extend_from_slice(b"\"}");
        LocalReply {
            status,
            content_type: "application/problem+json",
            body,
            log: format!("rule {rule}: {what}: {self}"),
        }
    }
}
