//! What is said about directives that are not carried over as they were.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::file::{File, Line};

/// What became of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// There is no equivalent: something that HAProxy did is not done.
    Lost,
    /// It was carried over, or nearly, and something about it is not as it was.
    Different,
    /// It is what the ambassador does anyway, or it has no effect.
    Anyway,
}

impl Kind {
    /// For programs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Different => "different",
            Self::Anyway => "anyway",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Lost => "has no equivalent",
            Self::Different => "with a difference",
            Self::Anyway => "needs nothing",
        }
    }
}

/// A directive, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    /// The line, from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    /// The directive as it stands there.
    pub(crate) directive: String,
    /// What then; lower case, one line.
    pub(crate) message: String,
}

impl Note {
    /// For programs.
    pub(crate) fn to_json(&self, file: &str) -> Value {
        json!({
            "file": file,
            "line": self.line,
            "kind": self.kind.name(),
            "directive": self.directive,
            "message": self.message,
        })
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeSet<Note>);

impl Notes {
    pub(super) fn lost(&mut self, line: &Line, message: impl Into<String>) {
        self.add(Kind::Lost, line, message);
    }

    pub(super) fn different(&mut self, line: &Line, message: impl Into<String>) {
        self.add(Kind::Different, line, message);
    }

    pub(super) fn anyway(&mut self, line: &Line, message: impl Into<String>) {
        self.add(Kind::Anyway, line, message);
    }

    pub(super) fn add(&mut self, kind: Kind, line: &Line, message: impl Into<String>) {
        let directive = line.shown();
        self.0.insert(Note { line: line.number, kind, directive, message: message.into() });
    }

    /// The same of a line about which nothing is said yet.
    pub(super) fn lost_if_silent(&mut self, line: &Line, message: impl Into<String>) {
        if !self.0.iter().any(|note| note.line == line.number) {
            self.lost(line, message);
        }
    }

    /// With a note on each line that is named neither in the output nor in another note: what is left is what others
    /// have said in its place.
    pub(super) fn finish(mut self, file: &File, named: &BTreeSet<usize>) -> Vec<Note> {
        let noted: BTreeSet<usize> = self.0.iter().map(|note| note.line).collect();
        for line in file.lines() {
            let says_nothing = matches!(line.word(0), "global" | "defaults");
            if says_nothing || named.contains(&line.number) || noted.contains(&line.number) {
                continue;
            }
            let message = match line.word(0) {
                "mode" => "ports speak HTTP unless they are tcp ports",
                _ => "nothing uses it: it is said again elsewhere, or is for what is not carried over",
            };
            self.anyway(line, message);
        }
        self.0.into_iter().collect()
    }
}
