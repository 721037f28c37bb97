//! Strings.

use super::{Context, Entry, json_text, take};
use crate::arithmetic;
use crate::fault::{Fault, Raised, one, plain};
use crate::fuel::Fuel;
use crate::json::Document;
use crate::value::{ITEM, Type, Value};

pub(super) const TABLE: &[Entry] = &[
    ("utf8bytelength", 0, byte_length),
    ("ascii_downcase", 0, |cx, v| {
        case(cx, v, "ascii_downcase input must be a string", str::to_ascii_lowercase)
    }),
    ("ascii_upcase", 0, |cx, v| case(cx, v, "ascii_upcase input must be a string", str::to_ascii_uppercase)),
    ("explode", 0, explode),
    ("implode", 0, implode),
    ("startswith", 1, |cx, v| {
        both(cx, v, "startswith() requires string inputs", |text, part| text.starts_with(part))
    }),
    ("endswith", 1, |cx, v| {
        both(cx, v, "endswith() requires string inputs", |text, part| text.ends_with(part))
    }),
    ("_ltrimstr", 1, |cx, v| {
        trim_by(cx, v, "startswith() requires string inputs", |text, part| text.strip_prefix(part))
    }),
    ("_rtrimstr", 1, |cx, v| {
        trim_by(cx, v, "endswith() requires string inputs", |text, part| text.strip_suffix(part))
    }),
    ("trim", 0, |cx, v| trim(cx, v, str::trim_matches)),
    ("ltrim", 0, |cx, v| trim(cx, v, str::trim_start_matches)),
    ("rtrim", 0, |cx, v| trim(cx, v, |text, blank| text.trim_end_matches(blank))),
    ("split", 1, split),
    ("_join", 1, join),
    ("_gaps", 1, gaps),
];

fn text_of<'v>(
    cx: &mut Context,
    value: &'v Value,
    wanted: &'static str,
) -> Result<std::borrow::Cow<'v, str>, Fault>
where
{
    match value.as_str(cx.input) {
        Some(text) => {
            cx.fuel.charge(text.len() / 16)?;
            // The text is the value's own or was made here; that of the input is copied, as it is about to be changed.
            Ok(std::borrow::Cow::Owned(text.into_owned()))
        }
        None => Err(one(value, wanted)),
    }
}

fn byte_length(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    match value.as_str(cx.input) {
        Some(text) => Ok(Value::count(text.len())),
        None => Err(one(&value, "only strings have UTF-8 byte length")),
    }
}

fn case(
    cx: &mut Context,
    values: &mut [Value],
    wanted: &'static str,
    change: impl Fn(&str) -> String,
) -> Result<Value, Fault> {
    let value = take(values, 0);
    match value.as_str(cx.input) {
        Some(text) => {
            cx.fuel.charge(text.len() / 16)?;
            cx.fuel.reserve(text.len())?;
            Ok(Value::string(change(&text)))
        }
        None => Err(plain(wanted)),
    }
}

fn explode(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let text = text_of(cx, &value, "cannot be exploded")?;
    cx.fuel.charge(text.len())?;
    cx.fuel.reserve(text.len() * ITEM)?;
    Ok(Value::array(text.chars().map(|c| Value::Number(f64::from(u32::from(c)))).collect()))
}

fn implode(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let Some(items) = value.as_items(cx.input) else {
        return Err(one(&value, "cannot be imploded, must be an array of codepoints"));
    };
    cx.fuel.charge(items.len())?;
    cx.fuel.reserve(items.len() * 4)?;
    let mut text = String::new();
    for item in items.iter() {
        let Some(number) = item.as_number(cx.input) else {
            return Err(plain("Unicode codepoint must be numeric"));
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating")]
        let code = number as u32;
        let c = char::from_u32(code).filter(|_| number > -1.0);
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(Value::string(text))
}

fn both(
    cx: &mut Context,
    values: &mut [Value],
    wanted: &'static str,
    holds: impl Fn(&str, &str) -> bool,
) -> Result<Value, Fault> {
    let (value, part) = (take(values, 0), take(values, 1));
    match (value.as_str(cx.input), part.as_str(cx.input)) {
        (Some(text), Some(part)) => {
            cx.fuel.charge(part.len() / 32)?;
            Ok(Value::Bool(holds(&text, &part)))
        }
        _ => Err(plain(wanted)),
    }
}

fn trim_by(
    cx: &mut Context,
    values: &mut [Value],
    wanted: &'static str,
    cut: impl for<'t> Fn(&'t str, &str) -> Option<&'t str>,
) -> Result<Value, Fault> {
    let (value, part) = (take(values, 0), take(values, 1));
    let trimmed = match (value.as_str(cx.input), part.as_str(cx.input)) {
        (Some(text), Some(part)) => cut(&text, &part).map(ToOwned::to_owned),
        _ => return Err(plain(wanted)),
    };
    Ok(trimmed.map_or(value, Value::string))
}

fn trim(
    cx: &mut Context,
    values: &mut [Value],
    cut: impl for<'t> Fn(&'t str, fn(char) -> bool) -> &'t str,
) -> Result<Value, Fault> {
    let value = take(values, 0);
    let Some(text) = value.as_str(cx.input) else { return Err(plain("trim input must be a string")) };
    cx.fuel.charge(text.len() / 16)?;
    let trimmed = cut(&text, char::is_whitespace);
    if trimmed.len() == text.len() {
        drop(text);
        return Ok(value);
    }
    Ok(Value::string(trimmed))
}

fn split(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, by) = (take(values, 0), take(values, 1));
    if value.kind(cx.input) != Type::String || by.kind(cx.input) != Type::String {
        return Err(plain("split input and separator must be strings"));
    }
    arithmetic::split(&value, &by, cx.input, cx.fuel)
}

fn join(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, by) = (take(values, 0), take(values, 1));
    let items = match value.kind(cx.input) {
        Type::Object => {
            let object = value.as_object(cx.input).unwrap_or_default();
            object.entries().iter().map(|(_, value)| value.clone()).collect()
        }
        Type::Array => value.into_items(cx.input).unwrap_or_default(),
        _ => return Err(Raised::Iterate(value).into()),
    };
    if items.is_empty() {
        return Ok(Value::string(""));
    }
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        cx.fuel.charge(1)?;
        if at > 0 {
            match by.as_str(cx.input) {
                Some(by) => text.push_str(&by),
                None if by.kind(cx.input) == Type::Null => {}
                None => return Err(Raised::Two(Value::string(text), by, "cannot be added").into()),
            }
        }
        match item.kind(cx.input) {
            Type::Null => {}
            Type::String => text.push_str(&item.as_str(cx.input).unwrap_or_default()),
            Type::Array | Type::Object => {
                return Err(Raised::Two(Value::string(text), item.clone(), "cannot be added").into());
            }
            _ => text.push_str(&json_text(item, cx)?),
        }
        if at % 64 == 0 {
            cx.fuel.reserve(text.len() * 2)?;
        }
    }
    cx.fuel.charge(text.len() / 16)?;
    Ok(Value::string(text))
}

/// Where a string occurs in another one, counted in code points.
pub(super) fn indices(
    value: &Value,
    wanted: &Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<Value, Fault> {
    let (text, wanted) = (value.as_str(input).unwrap_or_default(), wanted.as_str(input).unwrap_or_default());
    let mut found = Vec::new();
    if wanted.is_empty() {
        return Ok(Value::array(found));
    }
    let (mut start, mut chars) = (0, 0);
    while let Some(at) = text.get(start..).and_then(|rest| rest.find(wanted.as_ref())) {
        let before = text.get(start..start + at).unwrap_or_default();
        chars += before.chars().count();
        found.push(Value::count(chars));
        // Occurrences may overlap.
        let here = start + at;
        start = here + text.get(here..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        chars += 1;
        fuel.charge(1 + before.len() / 16 + wanted.len() / 16)?;
    }
    fuel.charge(text.len() / 16)?;
    Ok(Value::array(found))
}

/// The parts of a string before, between and behind matches, which come in order.
fn gaps(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, matches) = (take(values, 0), take(values, 1));
    let text = value.as_str(cx.input).unwrap_or_default();
    let matches = matches.as_items(cx.input).unwrap_or_default();
    cx.fuel.charge(text.len() / 4 + matches.len() * 4)?;
    let mut parts = Vec::with_capacity(matches.len() + 1);
    let mut rest = text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).enumerate();
    let (mut chars, mut at) = rest.next().unwrap_or((0, 0));
    let mut go_to = |wanted: f64| -> usize {
        loop {
            let here = Value::count(chars);
            if matches!(here, Value::Number(here) if here >= wanted) {
                return at;
            }
            match rest.next() {
                Some(next) => (chars, at) = next,
                None => return text.len(),
            }
        }
    };
    let mut start = 0;
    for found in matches.iter() {
        let field = |name: &str| {
            let object = found.as_object(cx.input)?;
            object.get(name, cx.input)?.as_number(cx.input)
        };
        let (offset, length) = (field("offset").unwrap_or(0.0), field("length").unwrap_or(0.0));
        let end = go_to(offset);
        parts.push(Value::string(text.get(start..end).unwrap_or_default()));
        start = go_to(offset + length);
    }
    parts.push(Value::string(text.get(start..).unwrap_or_default()));
    cx.fuel.reserve(0)?;
    Ok(Value::array(parts))
}
