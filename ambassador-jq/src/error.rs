//! What can be wrong with the text of a program.

use std::fmt;
use std::ops::Range;

/// One problem of a program text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the program text that are wrong; empty, at a position, where something is missing.
    pub range: Range<usize>,
    /// What is wrong: lower case, one line, no final dot.
    pub message: String,
}

/// All problems of a program text, in the order of their positions. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.range.start, problem.range.end));
        problems.dedup();
        if problems.is_empty() {
            problems.push(Problem { range: 0..0, message: "this program cannot be compiled".to_owned() });
        }
        Self(problems)
    }

    /// The problems, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{} at byte {}", problem.message, problem.range.start)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
