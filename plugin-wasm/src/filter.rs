//! Envoy's events, handed to the exchange.

use std::rc::Rc;

use ambassador_core::Ambassador;
use ambassador_core::exchange::{self, Asked, Decision, Held, LocalReply, Release};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::host;

/// One configured plugin: the config that its exchanges run by.
#[derive(Default)]
pub(crate) struct Root {
    ambassador: Option<Rc<Ambassador>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Refuses a config that has a problem: Envoy then keeps the last good one.
    fn on_configure(&mut self, _size: usize) -> bool {
        match Ambassador::from_json(&host::configuration()) {
            Ok(ambassador) => {
                self.ambassador = Some(Rc::new(ambassador));
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
        Some(Box::new(Stream { ambassador: self.ambassador.clone(), phase: Phase::Settled }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One exchange.
struct Stream {
    ambassador: Option<Rc<Ambassador>>,
    phase: Phase,
}

/// What an exchange waits for.
enum Phase {
    /// Nothing: no rule is for it, or it is done.
    Settled,
    /// The head of the answer.
    Asked(Asked),
    /// The rest of the body, of which so many bytes have come.
    Held(Box<Held>, usize),
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let begun = self
            .ambassador
            .take()
            .zip(host::destination_port())
            .and_then(|(ambassador, port)| exchange::begin(ambassador, port, &host::request_headers()));
        let Some((edits, asked)) = begun else {
            host::reply(&not_mapped());
            return Action::Pause;
        };
        host::edit_request_headers(&edits);
        if !asked.is_settled() {
            self.phase = Phase::Asked(asked);
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        let Phase::Asked(asked) = std::mem::replace(&mut self.phase, Phase::Settled) else {
            return Action::Continue;
        };
        match asked.answered(&host::response_headers(), end, host::answer_is_from_upstream) {
            Decision::Pass(edits) => {
                host::edit_response_headers(&edits);
                Action::Continue
            }
            Decision::Hold(held) => {
                self.phase = Phase::Held(held, 0);
                Action::Pause
            }
            Decision::Replace(reply) => {
                host::reply(&reply);
                Action::Pause
            }
        }
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        let Phase::Held(held, seen) = &mut self.phase else { return Action::Continue };
        // What was held back is counted in `size` again each time, until the end.
        *seen = size;
        if !end && !held.is_too_large(size) {
            return Action::Pause;
        }
        self.release(size)
    }

    /// An answer with trailers never shows its end with its body.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        match self.phase {
            Phase::Held(_, size) => self.release(size),
            _ => Action::Continue,
        }
    }
}

impl Stream {
    fn release(&mut self, size: usize) -> Action {
        let Phase::Held(held, _) = std::mem::replace(&mut self.phase, Phase::Settled) else {
            return Action::Continue;
        };
        let release = if held.is_too_large(size) {
            held.give_up()
        } else {
            held.finish(&host::response_body(size), host::now)
        };
        match release {
            Release::Reshaped { body, edits } => {
                host::edit_response_headers(&edits);
                host::replace_response_body(size, &body);
                Action::Continue
            }
            Release::Untouched => Action::Continue,
            Release::Replace(reply) => {
                host::reply(&reply);
                Action::Pause
            }
        }
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
