//! `@base64` and its kin.

use std::fmt::Write as _;

use super::{Context, Native, json_text, take};
use crate::fault::{Fault, one};
use crate::value::{Type, Value};

/// All formats.
pub(crate) const FORMATS: [&str; 12] = [
    "@text", "@json", "@html", "@uri", "@urid", "@csv", "@tsv", "@sh", "@base64", "@base64d", "@base32",
    "@base32d",
];

/// The function of a format.
pub(crate) fn format(name: &str) -> Option<Native> {
    Some(match name {
        "@text" => |cx, v| Ok(Value::string(text(&take(v, 0), cx)?)),
        "@json" => |cx, v| Ok(Value::string(json_text(&take(v, 0), cx)?)),
        "@html" => |cx, v| Ok(Value::string(html(&text(&take(v, 0), cx)?))),
        "@uri" => |cx, v| Ok(Value::string(uri(&text(&take(v, 0), cx)?))),
        "@urid" => unescape_uri,
        "@csv" => |cx, v| row(cx, v, ",", "cannot be csv-formatted, only array", csv),
        "@tsv" => |cx, v| row(cx, v, "\t", "cannot be tsv-formatted, only array", tsv),
        "@sh" => sh,
        "@base64" => |cx, v| Ok(Value::string(encode(text(&take(v, 0), cx)?.as_bytes(), BASE64, 6, 4))),
        "@base64d" => {
            |cx, v| decode(cx, v, BASE64, 6, "is not valid base64 data", "trailing base64 byte found")
        }
        "@base32" => |cx, v| Ok(Value::string(encode(text(&take(v, 0), cx)?.as_bytes(), BASE32, 5, 8))),
        "@base32d" => {
            |cx, v| decode(cx, v, BASE32, 5, "is not valid base32 data", "trailing base32 byte found")
        }
        _ => return None,
    })
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A string as it is, all else as JSON. Charges for what is made of it, at most six bytes for one.
fn text(value: &Value, cx: &mut Context) -> Result<String, Fault> {
    let text = match value.as_str(cx.input) {
        Some(text) => text.into_owned(),
        None => json_text(value, cx)?,
    };
    cx.fuel.charge(text.len() / 8)?;
    cx.fuel.reserve(text.len() * 6)?;
    Ok(text)
}

fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\'' => escaped.push_str("&apos;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn uri(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn unescape_uri(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let text = text(&value, cx)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Err(one(&value, "is not a valid uri encoding"));
        };
        bytes.push(byte);
        rest = behind.get(2..).unwrap_or_default();
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::string(text)),
        Err(_) => Err(one(&value, "is not a valid uri encoding")),
    }
}

fn row(
    cx: &mut Context,
    values: &mut [Value],
    separator: &str,
    wanted: &'static str,
    cell: fn(&str, &mut String),
) -> Result<Value, Fault> {
    let value = take(values, 0);
    let Some(items) = value.as_items(cx.input) else { return Err(one(&value, wanted)) };
    let mut line = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            line.push_str(separator);
        }
        match item.kind(cx.input) {
            Type::Null => {}
            Type::String => cell(&text(item, cx)?, &mut line),
            Type::Array | Type::Object => return Err(one(item, "is not valid in a csv row")),
            _ => line.push_str(&text(item, cx)?),
        }
    }
    cx.fuel.reserve(line.len())?;
    Ok(Value::string(line))
}

fn csv(text: &str, line: &mut String) {
    line.push('"');
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}

fn tsv(text: &str, line: &mut String) {
    for c in text.chars() {
        match c {
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\\' => line.push_str("\\\\"),
            c => line.push(c),
        }
    }
}

fn sh(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let items = match value.as_items(cx.input) {
        Some(items) => items.into_owned(),
        None => vec![value],
    };
    let mut line = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            line.push(' ');
        }
        match item.kind(cx.input) {
            Type::String => {
                line.push('\'');
                line.push_str(&text(item, cx)?.replace('\'', "'\\''"));
                line.push('\'');
            }
            Type::Array | Type::Object => return Err(one(item, "can not be escaped for shell")),
            _ => line.push_str(&text(item, cx)?),
        }
    }
    Ok(Value::string(line))
}

/// Of `bits` bits a letter (RFC 4648), filled up to a multiple of `block` letters.
fn encode(bytes: &[u8], alphabet: &[u8], bits: u32, block: usize) -> String {
    let (mut buffer, mut held, mut letters) = (0_u32, 0, 0_usize);
    let mut encoded = String::new();
    let mut push = |index: u32, encoded: &mut String| {
        encoded.push(alphabet.get(index as usize).map_or('=', |&letter| char::from(letter)));
        letters += 1;
    };
    let mask = (1 << bits) - 1;
    for &byte in bytes {
        buffer = (buffer << 8 | u32::from(byte)) & 0xFFFF;
        held += 8;
        while held >= bits {
            held -= bits;
            push(buffer >> held & mask, &mut encoded);
        }
    }
    if held > 0 {
        push(buffer << (bits - held) & mask, &mut encoded);
    }
    while letters % block != 0 {
        encoded.push('=');
        letters += 1;
    }
    encoded
}

fn decode(
    cx: &mut Context,
    values: &mut [Value],
    alphabet: &[u8],
    bits: u32,
    wrong: &'static str,
    trailing: &'static str,
) -> Result<Value, Fault> {
    let value = take(values, 0);
    let text = text(&value, cx)?;
    let text = text.trim_end_matches('=');
    let (mut buffer, mut held) = (0_u32, 0);
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.bytes() {
        let index = alphabet.iter().position(|&known| known == letter).and_then(|at| u32::try_from(at).ok());
        let Some(index) = index else { return Err(one(&value, wrong)) };
        buffer = (buffer << bits | index) & 0xFFFF;
        held += bits;
        if held >= 8 {
            held -= 8;
            bytes.extend(u8::try_from(buffer >> held & 0xFF));
        }
    }
    // A letter of which not a bit was used.
    if held >= bits {
        return Err(one(&value, trailing));
    }
    Ok(Value::string(String::from_utf8_lossy(&bytes)))
}
