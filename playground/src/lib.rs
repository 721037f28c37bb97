//! The core in a browser: one exchange through the rules, as text in and JSON out, and the command that injects them.
//!
//! The page does the rest. What is tried here is tried by the code of `kubectl ambassador test`
//! ([`ambassador_core::trial`]), so both say the same.

mod command;
mod problems;
#[cfg(target_arch = "wasm32")]
mod web;

use std::time::Duration;

use ambassador_core::config::yaml;
use ambassador_core::trial::{self, Trial, message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What is tried.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// An `ambassador.yaml`.
    pub config: String,
    /// The request, as it goes over the wire.
    pub request: String,
    /// The legacy program's answer, as `curl -i` shows it.
    pub answer: String,
    /// Its body in Base64, where it is no text; it then stands behind `answer`.
    pub body_base64: Option<String>,
    /// What the command is to inject.
    pub workload: String,
}

impl Asked {
    /// Of the JSON that the page sends; what is not there is empty.
    pub fn from_json(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            config: field("config"),
            request: field("request"),
            answer: field("answer"),
            body_base64: value["bodyBase64"].as_str().map(str::to_owned),
            workload: field("workload"),
        }
    }
}

/// Tries it. `now` is the time in seconds since 1970-01-01 in UTC; `clock` gives milliseconds since whenever.
///
/// The answer has `problems` of the config, each with its place; or a `problem` of the request or the answer, with `in`;
/// or what `kubectl ambassador test -o json` says, with `warnings`. With a good config there is also the `command` that
/// injects it, and `failed` says whether a rule failed.
pub fn run(asked: &Asked, now: f64, clock: impl Fn() -> f64) -> Value {
    let loaded = match yaml::load(&asked.config) {
        Ok(loaded) => loaded,
        Err(problems) => return json!({"problems": problems::shown(&asked.config, &problems)}),
    };
    let command = command::inject(&asked.config, &loaded.config, &asked.workload);
    let refused = |place: &str, why: String| json!({"command": command, "problem": why, "in": place});
    let request = match message::request(asked.request.as_bytes()) {
        Ok(request) => request,
        Err(why) => return refused("request", why),
    };
    let mut answer = asked.answer.clone().into_bytes();
    if let Some(body) = &asked.body_base64 {
        answer.extend(STANDARD.decode(body).unwrap_or_default());
    }
    let answer = match message::answer(&answer, 200, None) {
        Ok(answer) => answer,
        Err(why) => return refused("answer", why),
    };
    let port = match trial::port(&loaded.ambassador, None, &request) {
        Ok(port) => port,
        Err(problem) => return refused("config", problem.message),
    };
    let started = clock();
    let trial = Trial::run(&loaded.ambassador, port, request, answer.message, now);
    let took = Duration::try_from_secs_f64((clock() - started) / 1000.0).unwrap_or_default();
    let mut told = trial.to_json(&loaded.ambassador, took);
    if let Value::Object(fields) = &mut told {
        fields.insert("failed".to_owned(), trial.failed().into());
        fields.insert("warnings".to_owned(), answer.warnings.into());
        fields.insert("command".to_owned(), command.into());
    }
    told
}

#[cfg(test)]
mod tests;
