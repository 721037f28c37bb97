//! Why a run ends without outputs.

use std::fmt;
use std::ops::Range;

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
    #[cfg_attr(ambassador_small, optimize(size))]
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
    #[cfg_attr(ambassador_small, optimize(size))]
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
