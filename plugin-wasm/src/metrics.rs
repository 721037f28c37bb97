//! Counters of what rules do, one set a rule and side of the exchange.
//!
//! All are defined when the config is taken up, so that there are as many as the config says, each from 0 on. The parts
//! of a name become labels by `stats_tags` of the bootstrap.

use ambassador_core::exchange::{FailureKind, Outcome, Reason, Report, Side};
use ambassador_core::rules::{Rule, RuleSet};

use crate::host::Counter;

/// The counters of all rules.
pub(crate) struct Metrics(Vec<[Option<Sides>; 2]>);

/// The counters of one side of one rule.
struct Sides {
    matched: Counter,
    reshaped: Counter,
    passed: [Counter; Reason::ALL.len()],
    failed: [Counter; FailureKind::ALL.len()],
    bytes_in: Counter,
    bytes_out: Counter,
    steps: Counter,
}

impl Metrics {
    /// Defines them; only in the configure phase.
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let sides = |rule: &Rule| {
            [
                rule.decides_requests().then(|| Sides::new(&rule.name, "request")),
                rule.decides_answers().then(|| Sides::new(&rule.name, "response")),
            ]
        };
        Self(rules.iter().map(sides).collect())
    }

    /// Counts what became of one side of an exchange.
    pub(crate) fn count(&self, report: &Report) {
        let Some([request, response]) = self.0.get(report.rule) else { return };
        let side = match report.side {
            Side::Request => request,
            Side::Answer => response,
        };
        if let Some(side) = side {
            side.count(report);
        }
    }
}

impl Sides {
    fn new(rule: &str, side: &str) -> Self {
        let define = |what: &str, label: &str| {
            Counter::define(&format!("ambassador_{what}_total.rule={rule};side={side};{label}"))
        };
        Self {
            matched: define("matched", ""),
            reshaped: define("reshaped", ""),
            passed: Reason::ALL.map(|reason| define("passed", &format!("reason={};", reason.name()))),
            failed: FailureKind::ALL.map(|kind| define("failed", &format!("kind={};", kind.name()))),
            bytes_in: define("bytes_in", ""),
            bytes_out: define("bytes_out", ""),
            steps: define("steps", ""),
        }
    }

    fn count(&self, report: &Report) {
        self.matched.add(1);
        match report.outcome {
            Outcome::Reshaped => self.reshaped.add(1),
            Outcome::Passed(reason) => {
                if let Some((_, counter)) =
                    Reason::ALL.iter().zip(&self.passed).find(|(one, _)| **one == reason)
                {
                    counter.add(1);
                }
            }
            Outcome::Headers | Outcome::Failed(_) => {}
        }
        if let Some(kind) = report.failure
            && let Some((_, counter)) =
                FailureKind::ALL.iter().zip(&self.failed).find(|(one, _)| **one == kind)
        {
            counter.add(1);
        }
        for (counter, number) in [
            (&self.bytes_in, report.bytes_in),
            (&self.bytes_out, report.bytes_out),
            (&self.steps, report.steps),
        ] {
            if number > 0 {
                counter.add(number);
            }
        }
    }
}
