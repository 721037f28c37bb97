//! What is wrong with a file, and where.

use crate::failure::{Exit, Failure};

/// Something wrong at a byte of a text.
#[derive(Debug)]
pub(super) struct Problem {
    at: usize,
    message: String,
    hint: Option<String>,
}

impl Problem {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    /// Why the planner refused what stands there.
    pub(super) fn refused(at: usize, failure: &Failure) -> Self {
        Self { at, message: failure.message().to_owned(), hint: failure.hint_text().map(str::to_owned) }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says of tabs what the parser does not, if there is one in the line.
    pub(super) fn hint_about_tabs(self, text: &str, at: usize) -> Self {
        let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        if line.contains('\t') || self.message.ends_with("a tab") {
            self.hint("YAML indents with spaces, not tabs")
        } else {
            self
        }
    }

    /// As a command ends by it. Lines and columns count from 1, columns in characters.
    pub(super) fn failure(&self, name: &str, text: &str) -> Failure {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column =
            before.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').chars().count() + 1;
        let failure = Failure::new(Exit::Usage, format!("{name}:{line}:{column}: {}", self.message));
        match &self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// All that is wrong with a file as one failure: the command says each, and writes nothing.
pub(super) fn all(name: &str, text: &str, problems: &[Problem]) -> Failure {
    if let [one] = problems {
        return one.failure(name, text);
    }
    problems.iter().for_each(|problem| problem.failure(name, text).say());
    Failure::usage(format!("{name} has {} problems, so nothing was written", problems.len()))
}
