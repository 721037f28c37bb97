//! What is wrong with a file, and where.

use std::cell::OnceCell;

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

    #[cfg(test)]
    pub(super) fn at(&self) -> usize {
        self.at
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
}

/// A text that was read.
#[derive(Debug)]
pub(super) struct Text<'t> {
    /// What people know it as.
    pub(super) name: &'t str,
    pub(super) content: &'t str,
    /// Where its lines begin, once somebody asks: a large file can have much to be told of.
    lines: OnceCell<Vec<usize>>,
}

impl<'t> Text<'t> {
    pub(super) fn new(name: &'t str, content: &'t str) -> Self {
        Self { name, content, lines: OnceCell::new() }
    }

    /// `FILE:LINE:COLUMN` of a byte; both count from 1, columns in characters.
    pub(super) fn place(&self, at: usize) -> String {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.content.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        });
        let line = lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or_default();
        let before = self.content.get(start..at).unwrap_or_default();
        let column = before.trim_start_matches('\u{feff}').chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    /// As a command ends by a problem.
    pub(super) fn failure(&self, problem: &Problem) -> Failure {
        let failure = Failure::new(Exit::Usage, format!("{}: {}", self.place(problem.at), problem.message));
        match &problem.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// All that is wrong with it as one failure: the command says each, and writes nothing.
    pub(super) fn refused(&self, problems: &[Problem]) -> Failure {
        if let [one] = problems {
            return self.failure(one);
        }
        problems.iter().for_each(|problem| self.failure(problem).say());
        Failure::usage(format!("{} has {} problems, so nothing was written", self.name, problems.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text = "\u{feff}a: é\r\nb:\n\n- c";
        let found = |part: &str| Text::new("f", text).place(text.find(part).unwrap());
        assert_eq!(["a:", "é", "b", "\n\n", "c"].map(found), ["f:1:1", "f:1:4", "f:2:1", "f:2:3", "f:4:3"]);
        assert_eq!(Text::new("f", "").place(0), "f:1:1");
    }
}
