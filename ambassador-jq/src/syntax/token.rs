//! The words of a program.

use std::ops::Range;

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name or a keyword: `map`, `if`, `a::b`.
    Name(String),
    /// A name or keyword after a dot, without it: `.a`.
    Field(String),
    /// A name or keyword after a dollar sign, without it: `$x`.
    Variable(String),
    /// A name after an at sign, with it: `@base64`.
    Format(String),
    /// A number, as it is written.
    Number(String),
    /// `"`, at the beginning of a string.
    Quote,
    /// A piece of a string, its escapes resolved.
    Text(String),
    /// `\(` in a string; its end is a `)`.
    Interpolation,
    /// `"`, at the end of a string.
    Unquote,
    /// Any other word: an operator or a bracket.
    Sign(&'static str),
    /// The end of the program.
    End,
}

/// Signs, longer ones before those that they begin with.
pub(super) const SIGNS: [&str; 38] = [
    "?//=", "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", "|", ",",
    "=", "<", ">", "+", "-", "*", "/", "%", "?", ";", ":", ".", "(", ")", "[", "]", "{", "}", "$", "@", "!",
];

impl Kind {
    /// How the word is called in an error.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Field(name) => format!("`.{name}`"),
            Self::Variable(name) => format!("`${name}`"),
            Self::Name(name) | Self::Format(name) => format!("`{name}`"),
            Self::Number(_) => "a number".to_owned(),
            Self::Quote | Self::Text(_) | Self::Interpolation | Self::Unquote => "a string".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the program".to_owned(),
        }
    }
}
