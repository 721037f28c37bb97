//! Plain scalars by the core schema (YAML 1.2.2, section 10.3.2), and numbers as JSON writes them.

use std::borrow::Cow;

/// What a plain scalar stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain<'a> {
    Null,
    Bool(bool),
    /// An integer as JSON text.
    Integer(Cow<'a, str>),
    /// Another number as JSON text.
    Float(Cow<'a, str>),
    String,
    /// An integer beyond what is converted.
    TooLarge,
}

pub(super) fn resolve(text: &str) -> Plain<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        // JSON has neither: as in jq, what is no number is null, and what is beyond all is the largest double.
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(Cow::Borrowed("null")),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(rest, ".inf" | ".Inf" | ".INF") {
        return Plain::Float([sign, "1.7976931348623157e+308"].concat().into());
    }
    decimal(text, sign, rest).unwrap_or(Plain::String)
}

fn radix(digits: &str, radix: u32) -> Plain<'_> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Plain::String;
    }
    match u128::from_str_radix(digits, radix) {
        Ok(number) => Plain::Integer(number.to_string().into()),
        Err(_) => Plain::TooLarge,
    }
}

/// A number of decimal digits; what JSON would not read becomes what it does: no plus sign, no zeros in front, digits on
/// both sides of a point. All other digits stay as they are.
fn decimal<'a>(text: &'a str, sign: &str, rest: &'a str) -> Option<Plain<'a>> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => {
            let (mantissa, exponent) = rest.split_at_checked(at)?;
            let digits = exponent.get(1..)?;
            let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
            if digits.is_empty() || !is_digits(digits) {
                return None;
            }
            (mantissa, exponent)
        }
        None => (rest, ""),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    if !is_digits(whole) || !fraction.is_none_or(is_digits) {
        return None;
    }
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    let trimmed = whole.trim_start_matches('0');
    let whole_json = if trimmed.is_empty() { "0" } else { trimmed };
    let is_json = !text.starts_with('+') && whole == whole_json && fraction != Some("");
    let json = if is_json {
        Cow::Borrowed(text)
    } else {
        let (point, fraction) = match fraction {
            Some("") => (".", "0"),
            Some(fraction) => (".", fraction),
            None => ("", ""),
        };
        Cow::Owned([sign, whole_json, point, fraction, exponent].concat())
    };
    Some(if fraction.is_none() && exponent.is_empty() { Plain::Integer(json) } else { Plain::Float(json) })
}

/// Words that some reader of YAML 1.1 or 1.2 takes for something else than a string.
pub(super) fn is_reserved(word: &str) -> bool {
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|reserved| word.eq_ignore_ascii_case(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_core_schema() {
        let integer = |text: &'static str| Plain::Integer(Cow::Borrowed(text));
        let float = |text: &'static str| Plain::Float(Cow::Borrowed(text));
        for (text, expected) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("NULL", Plain::Null),
            ("nULL", Plain::String),
            ("True", Plain::Bool(true)),
            ("yes", Plain::String),
            ("on", Plain::String),
            ("0", integer("0")),
            ("-0", integer("-0")),
            ("+12", integer("12")),
            ("007", integer("7")),
            ("-000", integer("-0")),
            ("0o17", integer("15")),
            ("0x1F", integer("31")),
            ("-0x1F", Plain::String),
            ("0x", Plain::String),
            ("0o8", Plain::String),
            ("0xffffffffffffffffffffffffffffffff", integer("340282366920938463463374607431768211455")),
            ("0x100000000000000000000000000000000", Plain::TooLarge),
            ("1_000", Plain::String),
            ("12345678901234567890123", integer("12345678901234567890123")),
            ("1.10", float("1.10")),
            (".5", float("0.5")),
            ("-.5", float("-0.5")),
            ("5.", float("5.0")),
            ("+05.e3", float("5.0e3")),
            ("1e5", float("1e5")),
            ("1E+400", float("1E+400")),
            (".", Plain::String),
            ("-", Plain::String),
            ("+", Plain::String),
            ("e5", Plain::String),
            ("1e", Plain::String),
            ("1e+", Plain::String),
            ("1.2.3", Plain::String),
            ("12:30", Plain::String),
            ("2001-01-01", Plain::String),
            (".inf", float("1.7976931348623157e+308")),
            ("-.INF", float("-1.7976931348623157e+308")),
            (".NaN", float("null")),
            (".nAN", Plain::String),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
