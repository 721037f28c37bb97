//! Strings as text.

use std::borrow::Cow;

/// What stands between the quotes of a JSON string, with its escapes resolved; borrowed where there are none. Half of a
/// surrogate pair, which RFC 8259 lets pass (section 8.2) but no Unicode text can hold, becomes U+FFFD.
pub fn unescape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('\\') else { return Cow::Borrowed(text) };
    let (plain, mut rest) = text.split_at(first);
    let mut output = String::with_capacity(text.len());
    output.push_str(plain);
    while let Some(escape) = rest.strip_prefix('\\') {
        let mut chars = escape.chars();
        let mut behind = match chars.next() {
            Some('u') => unicode(escape.get(1..).unwrap_or_default(), &mut output),
            Some(c) => {
                output.push(match c {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    c => c,
                });
                chars.as_str()
            }
            None => "",
        };
        let end = behind.find('\\').unwrap_or(behind.len());
        output.push_str(behind.get(..end).unwrap_or_default());
        behind = behind.get(end..).unwrap_or_default();
        rest = behind;
    }
    Cow::Owned(output)
}

/// Behind `\u`: resolves it, with the second half of a pair if that follows, and gives what is left.
fn unicode<'a>(text: &'a str, output: &mut String) -> &'a str {
    let hex = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let first = hex(text).unwrap_or(0xFFFD);
    let rest = text.get(4..).unwrap_or_default();
    if (0xD800..0xDC00).contains(&first) {
        let second =
            rest.strip_prefix("\\u").and_then(hex).filter(|second| (0xDC00..0xE000).contains(second));
        if let Some(second) = second {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            output.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            return rest.get(6..).unwrap_or_default();
        }
    }
    output.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

/// Appends a text as a JSON string, quotes included: control characters, DEL among them, quotes and backslashes are
/// escaped as jq does it, all else is written as it is.
pub fn write(text: &str, output: &mut Vec<u8>) {
    output.push(b'"');
    escape(text, output);
    output.push(b'"');
}

/// Appends a text as it stands between the quotes of a JSON string: at most six bytes for each of its own.
pub fn escape(text: &str, output: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0C => b"\\f",
            0..0x20 | 0x7F => b"",
            _ => continue,
        };
        super::append(output, bytes.get(start..at).unwrap_or_default());
        start = at + 1;
        if escape.is_empty() {
            let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
            output.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        } else {
            output.extend_from_slice(escape);
        }
    }
    super::append(output, bytes.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_escapes() {
        for (text, expected) in [
            ("plain é", "plain é"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"a\u00e9b\u0000c", "aéb\0c"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83dx", "\u{FFFD}x"),
            (r"\ud83d\n", "\u{FFFD}\n"),
            (r"\ud83d\ud83d\ude00", "\u{FFFD}😀"),
            (r"\ude00", "\u{FFFD}"),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
        assert!(matches!(unescape("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn writes_what_can_be_read_again() {
        for text in ["", "plain", "é😀\u{2028}", "\"\\\0\u{1f}\u{7f}\n\t\r\u{8}\u{c}/<>&'"] {
            let mut output = Vec::new();
            write(text, &mut output);
            let written = String::from_utf8(output).unwrap();
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            assert_eq!(unescape(&written[1..written.len() - 1]), text);
        }
        let mut output = Vec::new();
        write("\u{7f}\u{1}\"", &mut output);
        assert_eq!(output, br#""\u007f\u0001\"""#);
    }
}
