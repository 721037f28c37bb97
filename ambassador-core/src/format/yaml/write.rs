//! JSON as YAML in block style that readers of YAML 1.2 and of 1.1 read the same.

use ambassador_jq::json::{Entries, Items, Value, View};

use super::super::error::Fault;
use super::super::output::Output;
use super::scalar::is_reserved;

/// Characters that a key may have where it stands before its colon (section 7.4.2 allows 1,024).
const LONGEST_KEY: usize = 1_000;

enum Frame<'a> {
    Mapping(Entries<'a>),
    Sequence(Items<'a>),
}

/// A container whose entries are being written, each at this indentation; the first may stand where we are.
struct Level<'a> {
    frame: Frame<'a>,
    indent: usize,
    is_inline: bool,
}

/// Writes a value.
pub(in super::super) fn write(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    let mut stack: Vec<Level<'_>> = Vec::new();
    if let Some(level) = open(value, 0, true) {
        stack.push(level);
    } else {
        scalar(value, output)?;
        output.raw("\n")?;
    }
    while let Some(level) = stack.last_mut() {
        let indent = level.indent;
        let is_inline = std::mem::replace(&mut level.is_inline, false);
        let (value, after_dash) = match &mut level.frame {
            Frame::Mapping(entries) => {
                let Some((key, value)) = entries.next() else {
                    stack.pop();
                    continue;
                };
                spaces(if is_inline { 0 } else { indent }, output)?;
                write_key(&key, indent, output)?;
                (value, false)
            }
            Frame::Sequence(items) => {
                let Some(item) = items.next() else {
                    stack.pop();
                    continue;
                };
                spaces(if is_inline { 0 } else { indent }, output)?;
                output.raw("-")?;
                (item, true)
            }
        };
        if let Some(level) = open(value, indent.saturating_add(2), after_dash) {
            output.raw(if after_dash { " " } else { "\n" })?;
            stack.push(level);
        } else {
            output.raw(" ")?;
            scalar(value, output)?;
            output.raw("\n")?;
        }
    }
    Ok(())
}

/// A container that is not empty.
fn open(value: View<'_>, indent: usize, is_inline: bool) -> Option<Level<'_>> {
    let frame = match value.value() {
        Value::Array(items) if items.clone().next().is_some() => Frame::Sequence(items),
        Value::Object(entries) if entries.clone().next().is_some() => Frame::Mapping(entries),
        _ => return None,
    };
    Some(Level { frame, indent, is_inline })
}

fn spaces(count: usize, output: &mut Output) -> Result<(), Fault> {
    const SPACES: &str = "                                                                ";
    let mut left = count;
    while left > 0 {
        let some = left.min(SPACES.len());
        output.raw(SPACES.get(..some).unwrap_or_default())?;
        left = left.saturating_sub(some);
    }
    Ok(())
}

fn write_key(key: &str, indent: usize, output: &mut Output) -> Result<(), Fault> {
    let start = output.len();
    string(key, output)?;
    if output.len().saturating_sub(start) > LONGEST_KEY {
        // Once more, as an explicit key.
        output.truncate(start);
        output.raw("? ")?;
        string(key, output)?;
        output.raw("\n")?;
        spaces(indent, output)?;
    }
    output.raw(":")
}

fn scalar(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    match value.value() {
        Value::String(text) => string(&text, output),
        Value::Number(text) => number(text, output),
        // Null, a boolean, or a container that is empty: YAML writes them as JSON does.
        Value::Array(_) => output.raw("[]"),
        Value::Object(_) => output.raw("{}"),
        Value::Null | Value::Bool(_) => output.raw(value.text()),
    }
}

/// A number as its text. With an exponent YAML 1.1 wants a point before it and a sign in it.
fn number(text: &str, output: &mut Output) -> Result<(), Fault> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return output.raw(text) };
    output.raw(mantissa)?;
    output.raw(if mantissa.contains('.') { "e" } else { ".0e" })?;
    output.raw(if exponent.starts_with(['+', '-']) { "" } else { "+" })?;
    output.raw(exponent)
}

fn string(text: &str, output: &mut Output) -> Result<(), Fault> {
    if is_plain(text) { output.raw(text) } else { quoted(text, output) }
}

/// Whether a string can stand as it is and be nothing but a string.
fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let ends = text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b' ');
    starts && ends && text.bytes().all(plain) && !is_reserved(text)
}

/// A string in double quotes (section 5.7).
fn quoted(text: &str, output: &mut Output) -> Result<(), Fault> {
    output.raw("\"")?;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if is_printable(c) => continue,
            c if u32::from(c) <= 0xFF => format!("\\x{:02x}", u32::from(c)),
            c if u32::from(c) <= 0xFFFF => format!("\\u{:04x}", u32::from(c)),
            c => format!("\\U{:08x}", u32::from(c)),
        };
        output.raw(text.get(start..at).unwrap_or_default())?;
        output.raw(escaped)?;
        start = at.saturating_add(c.len_utf8());
    }
    output.raw(text.get(start..).unwrap_or_default())?;
    output.raw("\"")
}

/// What may stand in a text (section 5.1), without line breaks and without the mark that begins a stream.
fn is_printable(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{7E}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}
