//! What can go wrong when a program is compiled and when it is run.

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

/// A resource that [`Limits`](crate::Limits) bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Bytes of input.
    Input,
    /// Steps of the program.
    Steps,
    /// Bytes of memory.
    Bytes,
    /// Nesting of values.
    Depth,
    /// Characters of one number.
    Digits,
    /// Bytes of output.
    Output,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "bytes of input",
            Self::Steps => "steps of the program",
            Self::Bytes => "bytes of memory",
            Self::Depth => "levels of nesting",
            Self::Digits => "characters in a number",
            Self::Output => "bytes of output",
        })
    }
}

/// Why a run gave no outputs. Says what happened and where, never a piece of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The input is not one JSON value as RFC 8259 defines it.
    Input {
        /// Byte of the input where it stops being JSON.
        offset: usize,
    },
    /// The program raised an error: its own `error`, or an operation on a value of the wrong type.
    Raised {
        /// The bytes of the program text that failed; empty at 0 if they are not known.
        range: Range<usize>,
        /// The line where they begin, from 1.
        line: usize,
        /// The column where they begin, from 1, in characters.
        column: usize,
        /// What failed, in terms of types: one line, no data.
        message: String,
    },
    /// A limit was reached.
    Exhausted {
        /// What ran out.
        which: Resource,
        /// How much of it there was.
        limit: usize,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { offset } => write!(f, "the body is not valid JSON at byte {offset}"),
            Self::Raised { range, message, .. } if range.is_empty() => f.write_str(message),
            Self::Raised { line, column, message, .. } => {
                write!(f, "{message}, at line {line}, column {column} of the program")
            }
            Self::Exhausted { which, limit } => write!(f, "more than {limit} {which}"),
        }
    }
}

impl std::error::Error for RunError {}
