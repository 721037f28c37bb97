//! Rules tried on one exchange without Envoy, and what is to be known of it: for `kubectl ambassador test` and for the
//! playground, which so say the same.

pub mod message;

use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::Ambassador;
use crate::exchange::whole::{self, Message, Told};
use crate::exchange::{FailureKind, Head, Outcome, Report, Side, UPSTREAM_HEADER};
use crate::ports::Target;
use crate::problem::{Path, Problem};
use crate::rules::{Rule, Verdict};

/// An exchange that has been run.
#[derive(Debug)]
pub struct Trial {
    /// What became of it.
    pub told: Told,
    port: u16,
    original: Message,
    answered: Message,
}

/// The number of the HTTP port that is asked: of the one of this name, else of the one that the request's Host names,
/// else of the first.
pub fn port(ambassador: &Ambassador, name: Option<&str>, request: &Message) -> Result<u16, Problem> {
    let listens = |number: u16| ambassador.ports.listening_on(number).map(|port| port.listen);
    if let Some(name) = name {
        let found = ambassador.ports.named(name).and_then(|port| listens(port.listen));
        return found.ok_or_else(|| {
            problem(format!("no http port is named `{}`", name.escape_debug())).hint(names(ambassador))
        });
    }
    let host = Head(&request.headers).get(":authority").map(String::from_utf8_lossy).unwrap_or_default();
    let named = match host.rsplit_once(':') {
        Some((_, number)) => number.parse().ok(),
        None => Some(80),
    };
    let first = || ambassador.ports.iter().find_map(|port| listens(port.listen));
    named.and_then(listens).or_else(first).ok_or_else(|| problem("this config maps no http port"))
}

fn problem(message: impl Into<String>) -> Problem {
    Problem::new(&Path::root(), message)
}

fn names(ambassador: &Ambassador) -> String {
    let names: Vec<&str> = ambassador.ports.iter().map(|port| port.name.as_str()).collect();
    format!("spec.ports has: {}", names.join(", "))
}

impl Trial {
    /// Runs it; `answer` is what the legacy program says if it is asked, at the time `now`.
    pub fn run(ambassador: &Rc<Ambassador>, port: u16, request: Message, answer: Message, now: f64) -> Self {
        let original = request.clone();
        let answered = answer.clone();
        let mut told = whole::run(ambassador, port, request, |_| answer, now).unwrap_or_default();
        if let Some(request) = &mut told.request {
            // For Envoy's router, which takes it away.
            request.headers.retain(|(name, _)| name != UPSTREAM_HEADER);
        }
        Self { told, port, original, answered }
    }

    /// Whether a rule failed, and the client sees that.
    pub fn failed(&self) -> bool {
        self.told.cut || self.told.reports.iter().any(|report| matches!(report.outcome, Outcome::Failed(_)))
    }

    /// Lines for a person: what each rule did or why not. It took so long, as who has a clock knows.
    pub fn told(&self, ambassador: &Ambassador, took: Duration) -> Vec<String> {
        let name = ambassador.ports.listening_on(self.port).map_or("", |port| &port.name);
        let milliseconds = took.as_secs_f64() * 1000.0;
        let mut lines = vec![format!("port {name} ({}), {milliseconds:.3} ms", self.port)];
        let has_routes = ambassador.ports.listening_on(self.port).is_some_and(|port| !port.routes.is_empty());
        let says_more = |target: &&Target| has_routes || target.name.is_some();
        lines.extend(self.target(ambassador).filter(says_more).map(leads));
        for (side, rule, verdict) in self.verdicts(ambassador) {
            let is_its = |report: &&Report| {
                report.side == side && ambassador.rules.get(report.rule).is_some_and(|used| used.name == rule)
            };
            let what = self.told.reports.iter().find(is_its).map_or(verdict, numbers);
            lines.push(format!("{} rule {rule}: {what}", side_name(side)));
        }
        lines.extend(self.asked());
        lines.extend(self.told.log.iter().cloned());
        if self.told.cut {
            lines.push("the answer is cut off there".to_owned());
        }
        lines
    }

    /// What the request leads to.
    fn target<'a>(&self, ambassador: &'a Ambassador) -> Option<&'a Target> {
        let port = ambassador.ports.listening_on(self.port)?;
        port.choose(Head(&self.original.headers)).map(Rc::as_ref)
    }

    /// What the program is asked, where that is not what the client asked.
    fn asked(&self) -> Vec<String> {
        let Some(request) = self.told.request.as_ref().filter(|request| **request != self.original) else {
            return Vec::new();
        };
        let body = std::str::from_utf8(&request.body).map_or_else(
            |_| format!("({} bytes)", request.body.len()),
            |text| text.trim_end_matches('\n').to_owned(),
        );
        let text = message::head(request) + &body;
        let lines = text.trim_end().lines().map(|line| format!("> {line}").trim_end().to_owned());
        std::iter::once("the program is asked:".to_owned()).chain(lines).collect()
    }

    /// What each rule that speaks about a side has to do with it, as words.
    fn verdicts<'a>(&self, ambassador: &'a Ambassador) -> Vec<(Side, &'a str, String)> {
        let rules = &ambassador.rules;
        let request = Head(&self.original.headers);
        let Some(target) = self.target(ambassador) else { return Vec::new() };
        let target = target.name.as_deref();
        let mut all = Vec::new();
        let mut add = |side, speaks: fn(&Rule) -> bool, verdicts: Vec<Verdict<'_>>| {
            let speaking = rules.iter().zip(verdicts).filter(|(rule, _)| speaks(rule));
            all.extend(speaking.map(|(rule, verdict)| (side, rule.name.as_str(), verdict.to_string())));
        };
        add(Side::Request, Rule::decides_requests, rules.explain_request(self.port, target, request));
        if self.told.request.is_some() {
            let verdicts = rules.explain_answer(self.port, target, request, Head(&self.answered.headers));
            add(Side::Answer, Rule::decides_answers, verdicts);
        }
        all
    }

    /// All of it, for programs.
    pub fn to_json(&self, ambassador: &Ambassador, took: Duration) -> Value {
        let verdicts = self
            .verdicts(ambassador)
            .into_iter()
            .map(|(side, rule, verdict)| json!({"rule": rule, "side": side_name(side), "verdict": verdict}));
        let reports = self.told.reports.iter().map(|report| {
            json!({
                "rule": ambassador.rules.get(report.rule).map(|rule| &rule.name),
                "side": side_name(report.side),
                "outcome": report.outcome.name(),
                "failure": report.failure.map(FailureKind::name),
                "bytesIn": report.bytes_in,
                "bytesOut": report.bytes_out,
                "steps": report.steps,
            })
        });
        json!({
            "port": self.port,
            "target": self.target(ambassador).map(Target::shown),
            "milliseconds": took.as_secs_f64() * 1000.0,
            "request": self.told.request.as_ref().map(message_json),
            "answer": message_json(&self.told.answer),
            "cut": self.told.cut,
            "rules": verdicts.collect::<Vec<_>>(),
            "outcomes": reports.collect::<Vec<_>>(),
            "log": self.told.log,
        })
    }
}

/// A target in words: an address as it was written, or a name with the servers behind it.
fn leads(target: &Target) -> String {
    if target.name.is_none() {
        return format!("target {}", target.shown());
    }
    let servers: Vec<String> = target.servers.iter().map(|server| server.address.to_string()).collect();
    format!("target {} ({})", target.shown(), servers.join(", "))
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Request => "request",
        Side::Answer => "answer",
    }
}

fn numbers(report: &Report) -> String {
    let name = report.outcome.name();
    match (report.outcome, report.failure) {
        (Outcome::Reshaped, _) => {
            format!("{name}, {} bytes from {}, {} steps", report.bytes_out, report.bytes_in, report.steps)
        }
        (Outcome::Passed(_), Some(failure)) => format!("{name}, {}", failure.name()),
        _ => name.to_owned(),
    }
}

fn message_json(message: &Message) -> Value {
    let headers = message.headers.iter().map(|(name, value)| json!([name, String::from_utf8_lossy(value)]));
    let (key, body) = body_json(&message.body);
    Value::Object(Map::from_iter([("headers".to_owned(), headers.collect()), (key.to_owned(), body)]))
}

/// A body as JSON can hold it.
fn body_json(body: &[u8]) -> (&'static str, Value) {
    match std::str::from_utf8(body) {
        Ok(text) => ("body", Value::from(text)),
        Err(_) => ("bodyBase64", Value::from(STANDARD.encode(body))),
    }
}
