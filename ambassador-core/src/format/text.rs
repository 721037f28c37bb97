//! Text: a body that is one string, or lines that a regular expression takes apart.

#[cfg_attr(not(feature = "library"), path = "text/no_lines.rs")]
mod lines;

use ambassador_jq::json::{Value, View};

use super::error::Fault;
use super::options::{Choice, choose};
use super::output::Output;
use crate::config;
use crate::problem::{Path, Problem};
use lines::Lines;

/// What happens to a line that the expression does not match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Unmatched {
    #[default]
    Error,
    Skip,
}

/// Reads text.
#[derive(Debug, Default)]
pub(super) struct Reader {
    lines: Option<Lines>,
}

impl Reader {
    pub(super) fn new(written: &config::Text, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let choices: [Choice<Unmatched>; 2] = [("error", Unmatched::Error), ("skip", Unmatched::Skip)];
        let unmatched_path = path.key("unmatched");
        let unmatched = choose(written.unmatched.as_deref(), &choices, &unmatched_path, problems);
        let Some(pattern) = &written.lines else {
            if written.unmatched.is_some() {
                problems.push(Problem::new(&unmatched_path, "`unmatched` has no effect without `lines`"));
            }
            return Some(Self::default());
        };
        let lines = Lines::new(pattern, unmatched, &path.key("lines"), problems)?;
        Some(Self { lines: Some(lines) })
    }

    pub(super) fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        match &self.lines {
            None => output.string(text),
            Some(lines) => lines.read(text, output),
        }
    }
}

/// A scalar as it is; of an array each item as a line.
pub(super) fn write(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    match value.value() {
        Value::Array(items) => {
            for (at, item) in items.enumerate() {
                let what = || format!("item {} is neither a string nor a number", at.saturating_add(1));
                scalar(item, output)?.ok_or_else(|| Fault::new(what()))?;
                output.raw("\n")?;
            }
            Ok(())
        }
        _ => scalar(value, output)?
            .ok_or_else(|| Fault::new("text is a string, a number, or a list of those: use tojson")),
    }
}

fn scalar(value: View<'_>, output: &mut Output) -> Result<Option<()>, Fault> {
    match value.value() {
        Value::String(text) => output.raw(text.as_bytes()).map(Some),
        Value::Number(_) | Value::Bool(_) => output.raw(value.text()).map(Some),
        Value::Null | Value::Array(_) | Value::Object(_) => Ok(None),
    }
}
