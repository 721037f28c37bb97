//! Scalars: what a plain one means, and how a text is written so that every reader takes it for that text.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The value of a plain scalar by YAML 1.2's core schema (section 10.3.2).
pub(super) fn read(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.')) {
        return Value::from(text);
    }
    number(text).unwrap_or_else(|| Value::from(text))
}

fn number(text: &str) -> Option<Value> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
            return all.then(|| u64::from_str_radix(digits, radix).ok().map(Value::from)).flatten();
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let negative = text.starts_with('-');
        return match (negative, unsigned.parse::<u64>()) {
            (false, Ok(number)) => Some(Value::from(number)),
            _ => text.parse::<i64>().ok().map(Value::from).or_else(|| float(text)),
        };
    }
    let float_like = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if float_like { float(text) } else { None }
}

fn float(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

/// A scalar that is no text, or an empty collection: JSON's way of writing it is YAML's too.
pub(super) fn plain_json(value: &Value) -> String {
    value.to_string()
}

/// A text as YAML, in one line.
pub(super) fn write(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    // As kubectl does it, where nothing needs to be escaped.
    if text.chars().all(|character| is_simple(character) && !matches!(character, '"' | '\\')) {
        return format!("\"{text}\"");
    }
    if text.chars().all(is_simple) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    quoted(text)
}

/// A text in double quotes, as JSON and YAML both read it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_simple(character) || u32::from(character) > 0xffff => quoted.push(character),
            // Writing to a String cannot fail.
            _ => drop(write!(quoted, "\\u{:04x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether it stands for itself in quotes and in blocks, for all readers of YAML.
pub(super) fn is_simple(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Whether a text may stand without quotes, in brackets too, and means itself to readers of YAML 1.1 as of 1.2.
fn is_plain(text: &str) -> bool {
    let first = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        || text
            .strip_prefix("--")
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
    let inside =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'@');
    first
        && !text.ends_with(':')
        && !text.contains("::")
        && text.bytes().all(inside)
        && !means_something(text)
}

/// What YAML 1.1 (the types bool and null) takes for something else than text.
fn means_something(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_plain_scalars_as_the_core_schema_says() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("nUll", json!("nUll")),
            ("True", json!(true)),
            ("8775", json!(8775)),
            ("-1", json!(-1)),
            ("+1", json!(1)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("0x", json!("0x")),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            ("-", json!("-")),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.1", json!("10.0.0.1")),
            ("2001-01-01", json!("2001-01-01")),
            ("18446744073709551615", json!(u64::MAX)),
            (".inf", json!(".inf")),
            ("--flag", json!("--flag")),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn writes_texts_that_stay_texts() {
        for (text, written) in [
            ("web", "web"),
            ("docker.io/e/envoy:v1@sha256:0a", "docker.io/e/envoy:v1@sha256:0a"),
            ("--config-path", "--config-path"),
            ("1", "\"1\""),
            ("No", "\"No\""),
            ("it's", "\"it's\""),
            ("say \"it's\"", "'say \"it''s\"'"),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("a:", "\"a:\""),
            ("a\nb", r#""a\nb""#),
            ("\u{2028}\u{85}\u{feff}", r#""\u2028\u0085\ufeff""#),
            ("🍎", r#""🍎""#),
        ] {
            assert_eq!(write(text), written, "{text}");
        }
    }
}
