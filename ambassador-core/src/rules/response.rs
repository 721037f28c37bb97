//! What a rule does to an answer.

use super::{HeaderEdits, OnError, Reshaper, Written};
use crate::config;
use crate::matcher::content_type;
use crate::problem::{Path, Problem};

/// How a body is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Taken {
    /// As a whole: the head of the answer is held until all of it is there.
    #[default]
    Whole,
    /// Line by line, as it passes.
    PerLine,
    /// Event by event, as it passes.
    PerEvent,
}

/// What a rule does to an answer, compiled.
#[derive(Debug, Default)]
pub struct ResponsePart {
    /// What makes the new body; without, the body is not touched.
    pub body: Option<Reshaper>,
    /// How the body is taken.
    pub taken: Taken,
    /// Whether `no-transform` is passed over.
    pub even_if_no_transform: bool,
    /// Headers set and removed.
    pub headers: HeaderEdits,
    /// The status the client sees, if not the legacy program's.
    pub status: Option<u16>,
    /// What happens when the body cannot be reshaped.
    pub on_error: OnError,
}

impl ResponsePart {
    pub(super) fn new(written: &config::Response, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let body = Written {
            jq: written.jq.as_deref(),
            from: written.from.as_ref(),
            to: written.to.as_ref(),
            outputs: written.outputs.as_deref(),
        };
        Self {
            body: Reshaper::new(&body, path, problems),
            taken: taken(written, path, problems),
            even_if_no_transform: written.even_if_no_transform,
            headers: HeaderEdits::new(&written.headers, &path.key("headers"), problems),
            status: status(written.status, &path.key("status"), problems),
            on_error: OnError::new(written.on_error.as_deref(), &path.key("onError"), problems),
        }
    }

    /// Whether an answer of this Content-Type is for the program, where the rule does not name types.
    pub(super) fn reads(&self, content_type: Option<&[u8]>) -> bool {
        match (&self.body, self.taken) {
            (None, _) => true,
            (Some(body), Taken::Whole) => body.reads(content_type),
            (Some(_), Taken::PerLine) => content_type.is_some_and(content_type::is_ndjson),
            (Some(_), Taken::PerEvent) => content_type.is_some_and(content_type::is_event_stream),
        }
    }

    /// The Content-Type of what is written; `None` if it stays.
    pub fn content_type(&self) -> Option<&'static str> {
        let body = self.body.as_ref()?;
        match self.taken {
            Taken::Whole => Some(body.content_type()),
            Taken::PerLine => Some("application/x-ndjson"),
            Taken::PerEvent => None,
        }
    }
}

fn taken(written: &config::Response, path: &Path, problems: &mut Vec<Problem>) -> Taken {
    let (field, taken) = match (written.per_line, written.per_event) {
        (false, false) => return Taken::Whole,
        (true, true) => {
            problems.push(Problem::new(&path.key("perEvent"), "`perLine` and `perEvent` exclude each other"));
            return Taken::Whole;
        }
        (true, false) => ("perLine", Taken::PerLine),
        (false, true) => ("perEvent", Taken::PerEvent),
    };
    if written.jq.is_none() {
        problems.push(Problem::new(&path.key(field), format!("`{field}` has no effect without `jq`")));
    }
    for (name, is_there) in [
        ("from", written.from.is_some()),
        ("to", written.to.is_some()),
        ("outputs", written.outputs.is_some()),
    ] {
        if is_there {
            let problem = Problem::new(&path.key(name), format!("`{name}` does not go with `{field}`"));
            problems.push(problem.hint("what is reshaped as it passes is JSON, in and out"));
        }
    }
    taken
}

fn status(written: Option<u16>, path: &Path, problems: &mut Vec<Problem>) -> Option<u16> {
    let status = written?;
    if !(200..=599).contains(&status) || [204, 205, 304].contains(&status) {
        problems.push(
            Problem::new(path, format!("an answer with a body cannot have status {status}"))
                .hint("from 200 to 599, without 204, 205 and 304"),
        );
    }
    Some(status)
}
