//! Why a body could not be reshaped, and what the client is told.

use std::fmt;

use ambassador_jq::RunError;
use serde_json::json;

/// The `type` of our problem documents (RFC 9457, section 3.1.1).
pub const PROBLEM_TYPE: &str = "urn:kubectl-ambassador:problem:rule-failed";

/// Why a body could not be reshaped. Never holds a piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The answer has no body.
    Empty,
    /// The body is larger than `limits.body`.
    TooLarge {
        /// Bytes that would have been taken.
        limit: usize,
    },
    /// The body came in a coding although none was asked for.
    Encoded,
    /// The program failed.
    Program(RunError),
    /// The program gave no output, or several.
    Outputs {
        /// How many it gave.
        count: usize,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the body is empty"),
            Self::TooLarge { limit } => write!(f, "the body is larger than {limit} bytes"),
            Self::Encoded => f.write_str("the body has a content coding that cannot be decoded"),
            Self::Program(error) => error.fmt(f),
            Self::Outputs { count } => write!(f, "the program gave {count} values where one is needed"),
        }
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
    /// 502, since the fault is in what the legacy program sent or in the rule, never in what the client asked.
    pub(super) fn reply(&self, rule: &str) -> LocalReply {
        let problem = json!({
            "type": PROBLEM_TYPE,
            "title": "The answer could not be reshaped",
            "status": 502,
            "detail": self.to_string(),
            "rule": rule,
        });
        LocalReply {
            status: 502,
            content_type: "application/problem+json",
            body: problem.to_string().into_bytes(),
            log: format!("rule {rule}: {self}"),
        }
    }
}
