//! Forms: `application/x-www-form-urlencoded`, as browsers send it (the URL standard of WHATWG, section 5).
//!
//! Values are strings. A percent sign without two digits behind it stands for itself, as that standard has it; bytes
//! that are no UTF-8 are an error, where it would put U+FFFD.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ambassador_jq::json::{Value, View};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::error::Fault;
use super::options::{Choice, choose};
use super::output::Output;
use crate::config;
use crate::problem::{Path, Problem};

/// More fields than this are no form.
const MOST_FIELDS: usize = 1 << 16;
/// What is written as `%XX`; a blank is among it, and becomes a plus.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Which keys have a list of values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Lists {
    #[default]
    Repeated,
    Always,
    Never,
}

/// Reads forms.
#[derive(Debug, Default)]
pub(super) struct Reader {
    lists: Lists,
}

impl Reader {
    pub(super) fn new(written: &config::Form, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let choices: [Choice<Lists>; 3] =
            [("repeated", Lists::Repeated), ("always", Lists::Always), ("never", Lists::Never)];
        Self { lists: choose(written.lists.as_deref(), &choices, &path.key("lists"), problems) }
    }

    pub(super) fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        let mut fields: Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> = Vec::new();
        let mut places: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
        let (mut start, mut count) = (0_usize, 0_usize);
        for pair in text.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value_start = start.saturating_add(key.len()).saturating_add(1);
            if !pair.is_empty() {
                count = count.saturating_add(1);
                if count > MOST_FIELDS {
                    return Err(Fault::at(start, "it has more than 65536 fields"));
                }
                let (key, value) = (decode(key, start)?, decode(value, value_start)?);
                let next = fields.len();
                let place = *places.entry(key.clone()).or_insert(next);
                match fields.get_mut(place) {
                    Some((_, values)) if self.lists == Lists::Never => *values = vec![value],
                    Some((_, values)) => values.push(value),
                    None => fields.push((key, vec![value])),
                }
            }
            start = start.saturating_add(pair.len()).saturating_add(1);
        }
        output.raw("{")?;
        for (at, (key, values)) in fields.iter().enumerate() {
            if at > 0 {
                output.raw(",")?;
            }
            output.string(key)?;
            output.raw(":")?;
            self.values(values, output)?;
        }
        output.raw("}")
    }

    fn values(&self, values: &[Cow<'_, str>], output: &mut Output) -> Result<(), Fault> {
        let list = self.lists == Lists::Always || values.len() > 1;
        for (at, value) in values.iter().enumerate() {
            output.raw(match (list, at) {
                (false, _) => "",
                (true, 0) => "[",
                (true, _) => ",",
            })?;
            output.string(value)?;
        }
        output.raw(if list { "]" } else { "" })
    }
}

fn decode(text: &str, start: usize) -> Result<Cow<'_, str>, Fault> {
    if !text.contains(['+', '%']) {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded
        .map(|text| Cow::Owned(text.into_owned()))
        .map_err(|_| Fault::at(start, "the escapes of this field are no UTF-8"))
}

/// An object of scalars and arrays of scalars; the items of an array are fields of the same key.
pub(super) fn write(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    let Value::Object(entries) = value.value() else {
        return Err(Fault::new("a form is an object"));
    };
    for (at, (key, value)) in entries.enumerate() {
        match value.value() {
            Value::Array(items) => {
                for item in items {
                    field(&key, item, at, output)?;
                }
            }
            _ => field(&key, value, at, output)?,
        }
    }
    Ok(())
}

fn field(key: &str, value: View<'_>, at: usize, output: &mut Output) -> Result<(), Fault> {
    if output.len() > 0 {
        output.raw("&")?;
    }
    encode(key, output)?;
    output.raw("=")?;
    match value.value() {
        Value::Null => Ok(()),
        Value::Bool(_) | Value::Number(_) => encode(&String::from_utf8_lossy(value.text()), output),
        Value::String(text) => encode(&text, output),
        Value::Array(_) | Value::Object(_) => Err(Fault::new(format!(
            "the value of field {} is neither a scalar nor a list of scalars: use tojson",
            at.saturating_add(1)
        ))),
    }
}

fn encode(text: &str, output: &mut Output) -> Result<(), Fault> {
    for piece in percent_encode(text.as_bytes(), ESCAPED) {
        output.raw(if piece == "%20" { "+" } else { piece })?;
    }
    Ok(())
}
