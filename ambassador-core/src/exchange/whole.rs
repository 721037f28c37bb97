//! A whole exchange at once, for those that have all of it: tests, and commands that try rules on files.

use std::rc::Rc;

use super::edit::apply;
use super::{Begun, Decision, Edit, LocalReply, Release, Report, RequestRelease, StreamStep, begin};
use crate::Ambassador;

/// A head in order, and a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The head, with `:method` and its like, or `:status`.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Message {
    fn edit(&mut self, edits: &[Edit]) {
        apply(&mut self.headers, edits);
    }

    fn of_reply(reply: &LocalReply) -> Self {
        let headers = vec![
            (":status".to_owned(), reply.status.to_string().into_bytes()),
            ("content-length".to_owned(), reply.body.len().to_string().into_bytes()),
            ("content-type".to_owned(), reply.content_type.as_bytes().to_vec()),
        ];
        Self { headers, body: reply.body.clone() }
    }
}

/// What became of an exchange.
#[derive(Debug, Default)]
pub struct Told {
    /// The request as the legacy program sees it; `None` if it is not asked.
    pub request: Option<Message>,
    /// The answer as the client sees it.
    pub answer: Message,
    /// Whether the answer is cut off behind that.
    pub cut: bool,
    /// What rules did.
    pub reports: Vec<Report>,
    /// Lines for the log.
    pub log: Vec<String>,
}

/// Runs a request that comes in on `port` and, if the legacy program is asked, the answer that `answer` gives to what
/// it is asked. `now` is the time, in seconds since 1970-01-01 in UTC. `None` if the port is not mapped to HTTP.
pub fn run(
    ambassador: &Rc<Ambassador>,
    port: u16,
    mut request: Message,
    answer: impl FnOnce(&Message) -> Message,
    now: f64,
) -> Option<Told> {
    let mut told = Told::default();
    let begun = begin(ambassador, port, &request.headers, request.body.is_empty())?;
    let waiting = match begun {
        Begun::Forward { edits, asked, report } => {
            request.edit(&edits);
            told.reports.extend(report);
            asked
        }
        Begun::Hold { edits, held } => {
            request.edit(&edits);
            let too_large = held.is_too_large(request.body.len());
            match if too_large { held.give_up() } else { held.finish(&request.body, || now) } {
                RequestRelease::Forward { body, edits, asked, report } => {
                    request.edit(&edits);
                    request.body = body.unwrap_or(request.body);
                    told.reports.push(report);
                    asked
                }
                RequestRelease::Reply { reply, report } => return Some(told.replaced(&reply, Some(report))),
            }
        }
        Begun::Reply { reply, report } => return Some(told.replaced(&reply, report)),
    };
    let mut answer = answer(&request);
    told.request = Some(request);
    match waiting.answered(&answer.headers, answer.body.is_empty(), || true) {
        Decision::Pass { edits, report } => {
            answer.edit(&edits);
            told.reports.extend(report);
        }
        Decision::Replace { reply, report } => return Some(told.replaced(&reply, Some(report))),
        Decision::Stream { edits, mut streaming } => {
            answer.edit(&edits);
            let body = std::mem::take(&mut answer.body);
            for step in [streaming.push(&body, || now), streaming.finish(|| now)] {
                match step {
                    StreamStep::Send(bytes) => answer.body.extend(bytes),
                    StreamStep::Cut { log, report } => {
                        told.cut = true;
                        told.log.push(log);
                        told.reports.push(report);
                        break;
                    }
                }
            }
            if !told.cut {
                told.reports.push(streaming.report());
            }
        }
        Decision::Hold(held) => {
            let too_large = held.is_too_large(answer.body.len());
            match if too_large { held.give_up() } else { held.finish(&answer.body, || now) } {
                Release::Reshaped { body, edits, report } => {
                    answer.edit(&edits);
                    answer.body = body;
                    told.reports.push(report);
                }
                Release::Untouched { edits, report } => {
                    answer.edit(&edits);
                    told.reports.push(report);
                }
                Release::Replace { reply, report } => return Some(told.replaced(&reply, Some(report))),
            }
        }
    }
    told.answer = answer;
    Some(told)
}

impl Told {
    fn replaced(mut self, reply: &LocalReply, report: Option<Report>) -> Self {
        self.answer = Message::of_reply(reply);
        self.reports.extend(report);
        self.log.push(reply.log.clone());
        self
    }
}
