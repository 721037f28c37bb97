//! Envoy's events, handed to the exchange.

use std::rc::Rc;

use ambassador_core::Ambassador;
use ambassador_core::exchange::{
    self, Asked, Begun, Decision, Held, HeldRequest, LocalReply, Release, Report, RequestRelease, StreamStep,
    Streaming,
};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::host;
use crate::metrics::Metrics;

/// One configured plugin: the config that its exchanges run by.
#[derive(Default)]
pub(crate) struct Root {
    plugin: Option<Rc<Plugin>>,
}

struct Plugin {
    ambassador: Rc<Ambassador>,
    metrics: Metrics,
}

impl Context for Root {}

impl RootContext for Root {
    /// Refuses a config that has a problem: Envoy then keeps the last good one.
    fn on_configure(&mut self, _size: usize) -> bool {
        match Ambassador::from_json(&host::configuration()) {
            Ok(ambassador) => {
                let metrics = Metrics::new(&ambassador.rules);
                self.plugin = Some(Rc::new(Plugin { ambassador: Rc::new(ambassador), metrics }));
                true
            }
            Err(problems) => {
                for problem in problems {
                    host::error(&format!("config refused: {problem}"));
                }
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { plugin: self.plugin.clone(), phase: Phase::Settled }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One exchange.
struct Stream {
    plugin: Option<Rc<Plugin>>,
    phase: Phase,
}

/// What an exchange waits for.
enum Phase {
    /// Nothing: no rule is for it, or it is done.
    Settled,
    /// The rest of the request's body, of which so many bytes have come.
    HeldRequest(Box<HeldRequest>, usize),
    /// The head of the answer.
    Asked(Box<Asked>),
    /// The rest of the answer's body, of which so many bytes have come.
    Held(Box<Held>, usize),
    /// The next part of the answer's body.
    Streaming(Box<Streaming>),
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        let request = host::RequestHead::new();
        let begun = self
            .plugin
            .as_ref()
            .zip(host::destination_port())
            .and_then(|(plugin, port)| exchange::begin(&plugin.ambassador, port, &request.read(), end));
        match begun {
            Some(Begun::Forward { edits, asked, report }) => {
                request.edit(&edits);
                self.forward(asked, report)
            }
            Some(Begun::Hold { edits, held }) => {
                request.edit(&edits);
                self.phase = Phase::HeldRequest(held, 0);
                Action::Pause
            }
            Some(Begun::Reply { reply, report }) => self.reply(&reply, report),
            None => self.reply(&not_mapped(), None),
        }
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        let Phase::HeldRequest(held, seen) = &mut self.phase else { return Action::Continue };
        // What was held back is counted in `size` again each time, until the end.
        *seen = size;
        if !end && !held.is_too_large(size) {
            return Action::Pause;
        }
        self.release_request(size)
    }

    /// A request with trailers never shows its end with its body.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        match self.phase {
            Phase::HeldRequest(_, size) => self.release_request(size),
            _ => Action::Continue,
        }
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        let Phase::Asked(asked) = std::mem::replace(&mut self.phase, Phase::Settled) else {
            return Action::Continue;
        };
        let answer = host::AnswerHead::new();
        match asked.answered(&answer.read(), end, host::answer_is_from_upstream) {
            Decision::Pass { edits, report } => {
                answer.edit(&edits);
                self.report(report);
                Action::Continue
            }
            Decision::Hold(held) => {
                self.phase = Phase::Held(held, 0);
                Action::Pause
            }
            Decision::Stream { edits, streaming } => {
                answer.edit(&edits);
                self.phase = Phase::Streaming(streaming);
                Action::Continue
            }
            Decision::Replace { reply, report } => self.reply(&reply, Some(report)),
        }
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        match &mut self.phase {
            Phase::Streaming(streaming) => {
                let body = host::AnswerBody::new(size);
                let part = streaming.push(&body.read(), host::now);
                let rest = if end { Some(streaming.finish(host::now)) } else { None };
                self.pass(&body, part, rest)
            }
            Phase::Held(held, seen) => {
                *seen = size;
                if !end && !held.is_too_large(size) {
                    return Action::Pause;
                }
                self.release(size, None)
            }
            _ => Action::Continue,
        }
    }

    /// An answer with trailers never shows its end with its body.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        match &mut self.phase {
            Phase::Held(_, size) => {
                let size = *size;
                self.release(size, Some(host::AnswerTrailers::new()))
            }
            Phase::Streaming(streaming) => {
                host::AnswerTrailers::new().remove(&exchange::DIGESTS);
                if streaming.is_pending() {
                    let step = streaming.cut();
                    return self.cut(step);
                }
                let report = streaming.report();
                self.phase = Phase::Settled;
                self.report(Some(report));
                Action::Continue
            }
            _ => Action::Continue,
        }
    }
}

impl Stream {
    fn forward(&mut self, asked: Asked, report: Option<Report>) -> Action {
        self.report(report);
        if !asked.is_settled() {
            self.phase = Phase::Asked(Box::new(asked));
        }
        Action::Continue
    }

    fn release_request(&mut self, size: usize) -> Action {
        let Phase::HeldRequest(held, _) = std::mem::replace(&mut self.phase, Phase::Settled) else {
            return Action::Continue;
        };
        let body = host::RequestBody::new(size);
        let release =
            if held.is_too_large(size) { held.give_up() } else { held.finish(&body.read(), host::now) };
        match release {
            RequestRelease::Forward { body: new, edits, asked, report } => {
                body.edit_head(&edits);
                if let Some(new) = new {
                    body.replace(&new);
                }
                self.forward(asked, Some(report))
            }
            RequestRelease::Reply { reply, report } => self.reply(&reply, Some(report)),
        }
    }

    /// Releases an answer that was held; its end was seen in its `trailers`, if it has some.
    fn release(&mut self, size: usize, trailers: Option<host::AnswerTrailers>) -> Action {
        let Phase::Held(held, _) = std::mem::replace(&mut self.phase, Phase::Settled) else {
            return Action::Continue;
        };
        let body = host::AnswerBody::new(size);
        let release =
            if held.is_too_large(size) { held.give_up() } else { held.finish(&body.read(), host::now) };
        match release {
            Release::Reshaped { body: new, edits, report } => {
                body.edit_held_head(&edits);
                body.replace(&new);
                if let Some(trailers) = trailers {
                    trailers.remove(&exchange::DIGESTS);
                }
                self.report(Some(report));
                Action::Continue
            }
            Release::Untouched { edits, report } => {
                body.edit_held_head(&edits);
                self.report(Some(report));
                Action::Continue
            }
            Release::Replace { reply, report } => self.reply(&reply, Some(report)),
        }
    }

    /// Sends what came of a part of a stream on, and at its end what came of the rest.
    fn pass(&mut self, body: &host::AnswerBody, part: StreamStep, rest: Option<StreamStep>) -> Action {
        let StreamStep::Send(mut bytes) = part else { return self.cut(part) };
        let ended = rest.is_some();
        match rest {
            Some(StreamStep::Send(rest)) => bytes.extend_from_slice(&rest),
            Some(cut) => return self.cut(cut),
            None => {}
        }
        body.replace(&bytes);
        if ended && let Phase::Streaming(streaming) = std::mem::replace(&mut self.phase, Phase::Settled) {
            self.report(Some(streaming.report()));
        }
        Action::Continue
    }

    fn cut(&mut self, step: StreamStep) -> Action {
        self.phase = Phase::Settled;
        if let StreamStep::Cut { log, report } = step {
            host::warn(&log);
            self.report(Some(report));
        }
        host::cut_answer();
        Action::Pause
    }

    fn reply(&mut self, reply: &LocalReply, report: Option<Report>) -> Action {
        self.phase = Phase::Settled;
        self.report(report);
        host::reply(reply);
        Action::Pause
    }

    /// Counts what a rule did, and leaves it for the access log.
    fn report(&self, report: Option<Report>) {
        let Some((plugin, report)) = self.plugin.as_ref().zip(report) else { return };
        plugin.metrics.count(&report);
        if !plugin.ambassador.access_log {
            return;
        }
        let rule = plugin.ambassador.rules.get(report.rule).map_or("", |rule| &rule.name);
        host::note(report.side, rule, report.outcome.name());
    }
}

/// For a request on a port that the config does not map: only while a new port map is half there.
fn not_mapped() -> LocalReply {
    LocalReply {
        status: 503,
        content_type: "text/plain",
        body: b"this port is not mapped\n".to_vec(),
        log: "a request came in on a port that is not mapped".to_owned(),
    }
}
