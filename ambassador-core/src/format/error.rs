//! What can be wrong with a body or with an output, and where. Never a piece of it.

use std::borrow::Cow;
use std::fmt;

/// A place in a body, as it is after its charset was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
}

impl Place {
    pub(super) fn new(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at.saturating_add(1));
        let line = before.split(|&byte| byte == b'\n').count();
        // A byte that goes on with a character does not count.
        let column = before.iter().skip(start).filter(|&&byte| byte & 0xC0 != 0x80).count();
        Self { offset, line, column: column.saturating_add(1) }
    }
}

/// Why a body could not be read, or an output not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatError {
    /// The body is not in the format.
    Unreadable {
        /// The name of the format.
        format: &'static str,
        /// Where, if there is one place.
        place: Option<Place>,
        /// What is wrong: lower case, one line, no final dot.
        what: Cow<'static, str>,
    },
    /// The format has no way to say what the program gave.
    Unwritable {
        /// The name of the format.
        format: &'static str,
        /// What it cannot say, and where in the output: lower case, one line, no final dot.
        what: Cow<'static, str>,
    },
    /// What was read or written is larger than it may be.
    TooLarge {
        /// The name of the format.
        format: &'static str,
        /// Bytes that it may have.
        limit: usize,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { format, place: Some(place), what } => {
                let Place { line, column, .. } = place;
                write!(f, "the body cannot be read as {format} at line {line}, column {column}: {what}")
            }
            Self::Unreadable { format, place: None, what } => {
                write!(f, "the body cannot be read as {format}: {what}")
            }
            Self::Unwritable { format, what } => {
                write!(f, "what the program gave cannot be written as {format}: {what}")
            }
            Self::TooLarge { format, limit } => {
                write!(f, "what is read or written as {format} is larger than {limit} bytes")
            }
        }
    }
}

impl std::error::Error for FormatError {}

/// A [`FormatError`] before its format and its text are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Wrong at a byte of the text, or in all of it.
    Wrong(Option<usize>, Cow<'static, str>),
    TooLarge,
}

impl Fault {
    pub(super) fn at(offset: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self::Wrong(Some(offset), what.into())
    }

    pub(super) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Wrong(None, what.into())
    }

    /// Of a body with this text.
    pub(super) fn unreadable(self, format: &'static str, text: &[u8], limit: usize) -> FormatError {
        match self {
            Self::Wrong(offset, what) => {
                let place = offset.map(|offset| Place::new(text, offset));
                FormatError::Unreadable { format, place, what }
            }
            Self::TooLarge => FormatError::TooLarge { format, limit },
        }
    }

    /// Of an output.
    pub(super) fn unwritable(self, format: &'static str, limit: usize) -> FormatError {
        match self {
            Self::Wrong(_, what) => FormatError::Unwritable { format, what },
            Self::TooLarge => FormatError::TooLarge { format, limit },
        }
    }
}
