//! A body that is reshaped as it passes: line by line, or event by event.
//!
//! Nothing is held but the beginning of a piece whose end has not come yet. A piece that cannot be reshaped passes as it
//! came if the rule says `onError: pass`; otherwise the answer is cut off there, so that no client takes it for whole.

mod events;

use std::rc::Rc;

use super::{Failure, Outcome, Report, Side};
use crate::Ambassador;
use crate::format::Lines;
use crate::rules::{Known, OnError, Taken, lines};
use events::Events;

/// Takes a body piece by piece.
#[derive(Debug)]
pub struct Streaming {
    pieces: Pieces,
    run: Run,
    report: Report,
}

#[derive(Debug)]
enum Pieces {
    Lines(Lines),
    Events(Events),
}

/// What comes of a part of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum StreamStep {
    /// Send this in its place; it may be empty.
    Send(Vec<u8>),
    /// Cut the answer off.
    Cut {
        /// Why, for the log: one line.
        log: String,
        /// What became of the answer.
        report: Report,
    },
}

impl Streaming {
    pub(super) fn new(ambassador: Rc<Ambassador>, index: usize, taken: Taken, known: Known) -> Self {
        let limit = ambassador.limits.body as usize;
        let pieces = match taken {
            Taken::PerEvent => Pieces::Events(Events::new(limit)),
            Taken::Whole | Taken::PerLine => Pieces::Lines(Lines::default()),
        };
        let report = Report::new(index, Side::Answer, Outcome::Reshaped);
        let run = Run { ambassador, index, known, limit, steps: 0, failure: None, output: Vec::new() };
        Self { pieces, run, report }
    }

    /// Takes the next part of the body. `clock` gives the seconds since 1970-01-01 in UTC.
    pub fn push(&mut self, part: &[u8], clock: impl Fn() -> f64) -> StreamStep {
        self.report.bytes_in = self.report.bytes_in.saturating_add(part.len());
        let run = &mut self.run;
        let pushed = match &mut self.pieces {
            Pieces::Lines(lines) => lines.push(part, |line| run.line(line, &clock)).map_err(Failure::from),
            Pieces::Events(events) => events.push(part, |event| run.event(event, &clock)),
        };
        if let Err(failure) = pushed {
            // What of the line has come is not kept: it cannot pass either.
            run.failure.get_or_insert(failure);
        }
        self.step()
    }

    /// The body has ended: takes what had no end of its own. An event without one is none, as its readers say.
    pub fn finish(&mut self, clock: impl Fn() -> f64) -> StreamStep {
        if let Pieces::Lines(lines) = &mut self.pieces {
            let run = &mut self.run;
            std::mem::take(lines).finish(|line| run.line(line, &clock));
        }
        self.step()
    }

    /// Whether something waits for its end, that [`finish`](Self::finish) would give.
    pub fn is_pending(&self) -> bool {
        matches!(&self.pieces, Pieces::Lines(lines) if lines.pending() > 0)
    }

    /// Cuts off an answer whose last line came without a line break, and with trailers behind which nothing can be sent.
    pub fn cut(&mut self) -> StreamStep {
        self.run.failure.get_or_insert(Failure::Empty);
        self.step()
    }

    /// What became of the answer so far.
    pub fn report(&self) -> Report {
        Report { steps: self.run.steps, ..self.report }
    }

    fn step(&mut self) -> StreamStep {
        let output = std::mem::take(&mut self.run.output);
        if let Some(failure) = &self.run.failure {
            let report = Report {
                outcome: Outcome::Failed(failure.kind()),
                failure: Some(failure.kind()),
                ..self.report()
            };
            let log = format!("rule {}: answer cut off: {failure}", self.run.rule_name());
            return StreamStep::Cut { log, report };
        }
        self.report.bytes_out = self.report.bytes_out.saturating_add(output.len());
        StreamStep::Send(output)
    }
}

/// Runs the rule's program on pieces.
#[derive(Debug)]
struct Run {
    ambassador: Rc<Ambassador>,
    index: usize,
    known: Known,
    limit: usize,
    steps: usize,
    /// What ended it.
    failure: Option<Failure>,
    output: Vec<u8>,
}

impl Run {
    fn line(&mut self, line: &[u8], clock: &impl Fn() -> f64) {
        if self.failure.is_some() {
            return;
        }
        match self.outputs(line, clock) {
            Ok(outputs) => match lines(&outputs, self.limit) {
                Ok(text) => self.output.extend_from_slice(&text),
                Err(failure) => self.failure = Some(failure),
            },
            Err(_) if self.passes() => {
                self.output.extend_from_slice(line);
                self.output.push(b'\n');
            }
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn event(&mut self, event: &events::Event<'_>, clock: &impl Fn() -> f64) {
        if self.failure.is_some() {
            return;
        }
        let Some(data) = event.data() else {
            event.write_as_it_came(&mut self.output);
            return;
        };
        match self.outputs(&data, clock) {
            Ok(outputs) => {
                for output in outputs.iter() {
                    event.write_with(output, &mut self.output);
                }
            }
            Err(_) if self.passes() => event.write_as_it_came(&mut self.output),
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn outputs(&mut self, json: &[u8], clock: &impl Fn() -> f64) -> Result<ambassador_jq::Outputs, Failure> {
        let rule = self.ambassador.rules.get(self.index).and_then(|rule| rule.reshaper());
        let reshaper = rule.ok_or(Failure::Empty)?;
        let outputs = reshaper.outputs(json, &self.known, self.limit, clock)?;
        self.steps = self.steps.saturating_add(outputs.steps());
        Ok(outputs)
    }

    fn passes(&self) -> bool {
        let rule = self.ambassador.rules.get(self.index).and_then(|rule| rule.response.as_ref());
        rule.is_some_and(|part| part.on_error == OnError::Pass)
    }

    fn rule_name(&self) -> &str {
        self.ambassador.rules.get(self.index).map_or("", |rule| &rule.name)
    }
}
