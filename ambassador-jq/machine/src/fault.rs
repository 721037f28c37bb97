//! Errors while a program runs: those it can catch, and those that end it.

use std::borrow::Cow;

use crate::fuel::{Exhausted, Fuel};
use crate::json::Document;
use crate::value::{Value, print};

/// Why a step failed.
#[derive(Debug)]
pub enum Fault {
    /// A limit was reached: no program can catch that.
    Exhausted(Exhausted),
    /// An error of the language.
    Raised(Box<Raised>),
}

/// An error of the language. What it says is put into words only when somebody asks: most are swallowed by `?`.
#[derive(Debug)]
pub enum Raised {
    /// Of `error(…)`.
    Value(Value),
    /// `string ("a") …`
    One(Value, &'static str),
    /// `string ("a") and number (1) …`
    Two(Value, Value, &'static str),
    /// The second cannot be a key of the first.
    Index(Value, Value),
    /// `Cannot iterate over number (5)`
    Iterate(Value),
    /// `Cannot use null (null) as object key`
    Key(Value),
    /// Words without data.
    Plain(Cow<'static, str>),
    /// Words with data, and others without.
    Private(String, &'static str),
}

impl From<Exhausted> for Fault {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

impl From<Raised> for Fault {
    #[cold]
    fn from(raised: Raised) -> Self {
        Self::Raised(Box::new(raised))
    }
}

/// An error in plain words.
pub fn plain(text: impl Into<Cow<'static, str>>) -> Fault {
    Raised::Plain(text.into()).into()
}

/// An error about a value.
pub fn one(value: &Value, text: &'static str) -> Fault {
    Raised::One(value.clone(), text).into()
}

/// As much of a value as jq shows in an error.
#[cfg_attr(ambassador_small, optimize(size))]
fn shown(value: &Value, input: &Document, fuel: &mut Fuel) -> String {
    const LONGEST: usize = 29;
    let mut text = Vec::new();
    // What cannot be written within the limits is not shown either.
    let _ = print::write(value, input, fuel, &mut text);
    let mut text = String::from_utf8(text).unwrap_or_default();
    if text.len() > LONGEST {
        let end = match text.as_bytes().first() {
            Some(b'"') => "...\"",
            Some(b'[') => "...]",
            Some(b'{') => "...}",
            _ => "...",
        };
        let mut cut = LONGEST - end.len();
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.truncate(cut);
        text.push_str(end);
    }
    text
}

impl Raised {
    /// The value that `catch` is given: jq's own words.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn into_value(self, input: &Document, fuel: &mut Fuel) -> Value {
        let mut described =
            |value: &Value| format!("{} ({})", value.kind(input).name(), shown(value, input, fuel));
        Value::string(match self {
            Self::Value(value) => return value,
            Self::One(value, text) => format!("{} {text}", described(&value)),
            Self::Two(a, b, text) => format!("{} and {} {text}", described(&a), described(&b)),
            Self::Index(value, key) => {
                let key = if key.as_str(input).is_some() || key.as_number(input).is_some() {
                    described(&key)
                } else {
                    key.kind(input).name().to_owned()
                };
                format!("Cannot index {} with {key}", value.kind(input).name())
            }
            Self::Iterate(value) => format!("Cannot iterate over {}", described(&value)),
            Self::Key(key) => format!("Cannot use {} as object key", described(&key)),
            Self::Plain(text) => text.into_owned(),
            Self::Private(text, _) => text,
        })
    }

    /// The same without data.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn public(&self, input: &Document) -> String {
        let name = |value: &Value| value.kind(input).name();
        match self {
            Self::Value(value) => format!("the program called `error` with {}", article(name(value))),
            Self::One(value, text) => format!("{} {text}", article(name(value))),
            Self::Two(a, b, text) => format!("{} and {} {text}", article(name(a)), article(name(b))),
            Self::Index(value, key) => {
                format!("cannot index {} with {}", article(name(value)), article(name(key)))
            }
            Self::Iterate(value) => format!("cannot iterate over {}", article(name(value))),
            Self::Key(key) => format!("cannot use {} as a key of an object", article(name(key))),
            Self::Plain(text) => text.to_string(),
            Self::Private(_, text) => (*text).to_owned(),
        }
    }
}

#[cfg_attr(ambassador_small, optimize(size))]
fn article(name: &str) -> String {
    match name {
        "null" => name.to_owned(),
        "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}
