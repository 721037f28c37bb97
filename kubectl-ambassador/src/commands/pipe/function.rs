//! `inject -f -` as a KRM function: what is to be done stands in the list that comes in.

use clap::{Args as _, FromArgMatches as _};
use serde_json::Value;

use super::injected;
use crate::commands::inject;
use crate::failure::{Failure, Result};
use crate::offline::{self, Manifests};
use crate::output::print;
use crate::source;

/// Flags that a function's config may have, as `data` or `spec` names them.
const FLAGS: [&str; 11] = [
    "allow-downgrade",
    "config-map",
    "image",
    "ipv6",
    "jq",
    "kubernetes-version",
    "plugin-file",
    "plugin-image",
    "pod-template-path",
    "port",
    "with-plugin",
];

/// Writes the list with its objects injected; if that fails, as it came, with the reason among its results.
pub(super) fn run(args: &inject::Args, text: &str) -> Result<()> {
    let outcome = list(args, text);
    match &outcome {
        Ok(text) => print(text),
        Err(failure) => {
            print(&offline::report(text, failure))?;
            outcome.map(drop)
        }
    }
}

fn list(args: &inject::Args, text: &str) -> Result<String> {
    let request = offline::request(text)?;
    let parsed = if request.flags.is_empty() { None } else { Some(parse(&request.flags)?) };
    let args = parsed.as_ref().unwrap_or(args);
    let source = match request.config {
        Some(config) => Some(source::load("functionConfig", config)?),
        None => args.source.read()?,
    };
    let source = source.map(inject::checked).transpose()?;
    let (outcomes, mut findings) = injected(args, vec![Manifests::read("stdin", text)?], source.as_ref())?;
    let mut new = String::new();
    for outcome in outcomes {
        findings.extend(outcome.findings);
        new = outcome.text;
    }
    offline::with_results(&new, &findings)
}

/// The same flags as on a command line, read by the same code.
fn parse(flags: &serde_json::Map<String, Value>) -> Result<inject::Args> {
    let mut words = vec!["inject".to_owned(), "--filename=-".to_owned()];
    for (name, value) in flags {
        if !FLAGS.contains(&name.as_str()) {
            return Err(Failure::usage(format!("functionConfig: unknown field `{}`", name.escape_debug()))
                .hint(format!("config, or one of {}", FLAGS.join(", "))));
        }
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            match value {
                Value::Bool(false) | Value::Null => {}
                Value::String(text) if text == "false" => {}
                Value::Bool(true) => words.push(format!("--{name}")),
                // A ConfigMap's data has texts only.
                Value::String(text) if text == "true" => words.push(format!("--{name}")),
                Value::String(text) => words.push(format!("--{name}={text}")),
                other => words.push(format!("--{name}={other}")),
            }
        }
    }
    let command = inject::Args::augment_args(clap::Command::new("inject"));
    let matches = command.try_get_matches_from(words);
    matches.and_then(|matches| inject::Args::from_arg_matches(&matches)).map_err(|error| {
        let message = error.to_string();
        let line = message.lines().next().unwrap_or_default();
        Failure::usage(format!("functionConfig: {}", line.trim_start_matches("error: ")))
    })
}
