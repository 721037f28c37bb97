//! The charset of a body: whatever it is, UTF-8 comes out.
//!
//! A byte order mark says it, else the `charset` of Content-Type, else an XML declaration; else it is UTF-8. There are
//! UTF-8, UTF-16 in both orders, and windows-1252, of which ISO 8859-1 and ASCII are read as parts, as browsers do. Their
//! tables are small enough to stand here: a library for all charsets would be a third of the module that runs in Envoy.

use std::borrow::Cow;

use super::error::Fault;

/// What windows-1252 has from 0x80 to 0x9F; the five that it has nothing for are the control characters there.
const WINDOWS_1252: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{0192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{02C6}',
    '\u{2030}', '\u{0160}', '\u{2039}', '\u{0152}', '\u{8D}', '\u{017D}', '\u{8F}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201C}', '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{02DC}', '\u{2122}',
    '\u{0161}', '\u{203A}', '\u{0153}', '\u{9D}', '\u{017E}', '\u{0178}',
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Utf16 { big_endian: bool },
    Windows1252,
}

/// The body in UTF-8, which is only promised, not proven, where it was said to be that. `xml` looks at its declaration.
pub(super) fn decode<'a>(
    body: &'a [u8],
    content_type: Option<&[u8]>,
    xml: bool,
) -> Result<Cow<'a, [u8]>, Fault> {
    let (charset, rest) = match body {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (Charset::Utf8, rest),
        [0xFF, 0xFE, rest @ ..] => (Charset::Utf16 { big_endian: false }, rest),
        [0xFE, 0xFF, rest @ ..] => (Charset::Utf16 { big_endian: true }, rest),
        _ => (said(body, content_type, xml)?, body),
    };
    match charset {
        Charset::Utf8 => Ok(Cow::Borrowed(rest)),
        Charset::Utf16 { big_endian } => utf16(rest, big_endian).map(Cow::Owned),
        Charset::Windows1252 => Ok(Cow::Owned(windows_1252(rest))),
    }
}

fn said(body: &[u8], content_type: Option<&[u8]>, xml: bool) -> Result<Charset, Fault> {
    let label = content_type.and_then(parameter);
    let label = match label {
        Some(label) => label,
        None if !xml => return Ok(Charset::Utf8),
        None => match body {
            [b'<', 0, ..] => return Ok(Charset::Utf16 { big_endian: false }),
            [0, b'<', ..] => return Ok(Charset::Utf16 { big_endian: true }),
            _ => match declared(body) {
                Some(label) => label,
                None => return Ok(Charset::Utf8),
            },
        },
    };
    let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name.as_bytes()));
    if is(&["utf-8", "utf8"]) {
        Ok(Charset::Utf8)
    } else if is(&["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "us-ascii", "ascii"])
        || is(&["windows-1252", "cp1252", "x-cp1252"])
    {
        Ok(Charset::Windows1252)
    } else if is(&["utf-16be"]) {
        Ok(Charset::Utf16 { big_endian: true })
    } else if is(&["utf-16le"]) {
        Ok(Charset::Utf16 { big_endian: false })
    } else if is(&["utf-16"]) {
        // Without a mark: every text that we read begins in ASCII.
        Ok(Charset::Utf16 { big_endian: body.first() == Some(&0) })
    } else {
        Err(Fault::new("its charset is none of utf-8, utf-16, iso-8859-1 and windows-1252"))
    }
}

/// The value of the parameter `charset` (RFC 9110, section 8.3.1).
fn parameter(content_type: &[u8]) -> Option<&[u8]> {
    content_type.split(|&byte| byte == b';').skip(1).find_map(|parameter| {
        let equals = parameter.iter().position(|&byte| byte == b'=')?;
        let (name, value) = parameter.split_at_checked(equals)?;
        let value = value.get(1..)?.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        name.trim_ascii().eq_ignore_ascii_case(b"charset").then_some(value)
    })
}

/// What `<?xml version="1.0" encoding="..."?>` says.
fn declared(body: &[u8]) -> Option<&[u8]> {
    let start = body.strip_prefix(b"<?xml")?;
    let end = start.iter().take(256).position(|&byte| byte == b'>')?;
    let declaration = start.get(..end)?;
    let at = declaration.windows(8).position(|window| window == b"encoding")?;
    let rest = declaration.get(at.saturating_add(8)..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    rest.split(|byte| byte == quote).next()
}

fn utf16(body: &[u8], big_endian: bool) -> Result<Vec<u8>, Fault> {
    let (units, odd) = body.as_chunks::<2>();
    let units = units
        .iter()
        .map(|&unit| if big_endian { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) });
    let mut output = Vec::with_capacity(body.len());
    let mut buffer = [0; 4];
    for decoded in char::decode_utf16(units) {
        let c = decoded.map_err(|_| Fault::new("it is UTF-16 with half of a surrogate pair"))?;
        output.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }
    if odd.is_empty() { Ok(output) } else { Err(Fault::new("it is UTF-16 of an odd number of bytes")) }
}

fn windows_1252(body: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(body.len());
    let mut buffer = [0; 4];
    for &byte in body {
        let c = match byte {
            0x80..0xA0 => {
                WINDOWS_1252.get(usize::from(byte & 0x1F)).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            byte => char::from(byte),
        };
        output.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], content_type: &str, xml: bool, expected: Result<&str, &str>) {
        let content_type = (!content_type.is_empty()).then_some(content_type.as_bytes());
        let found = decode(body, content_type, xml);
        match (&found, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(String::from_utf8_lossy(text), expected),
            (Err(Fault::Wrong(_, what)), Err(expected)) => assert_eq!(what, expected),
            _ => panic!("{found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_mark_says_most() {
        check(b"\xEF\xBB\xBFa", "text/plain; charset=utf-16", false, Ok("a"));
        check(b"\xFF\xFEa\0\x3D\xD8\x00\xDE", "text/plain; charset=utf-8", false, Ok("a😀"));
        check(b"\xFE\xFF\0a\x20\xAC", "", false, Ok("a€"));
        check(b"\xFE\xFF", "", false, Ok(""));
    }

    #[test]
    fn then_content_type_then_the_declaration() {
        check(b"caf\xE9 \x80\x81", "text/plain;charset=ISO-8859-1", false, Ok("café €\u{81}"));
        check(b"caf\xE9", "text/plain; x=y ; Charset=\"Windows-1252\"", false, Ok("café"));
        check("é".as_bytes(), "application/json; charset=UTF-8", false, Ok("é"));
        check(b"a\0", "text/plain; charset=utf-16", false, Ok("a"));
        check(b"\0a", "text/plain; charset=utf-16", false, Ok("a"));
        check(b"\0a", "text/plain; charset=utf-16be", false, Ok("a"));
        let latin = b"<?xml version='1.0' encoding = 'iso-8859-1' ?><a>\xE9</a>";
        check(latin, "", true, Ok("<?xml version='1.0' encoding = 'iso-8859-1' ?><a>é</a>"));
        check(b"<\0a\0/\0>\0", "", true, Ok("<a/>"));
        check(b"\0<\0a\0/\0>", "", true, Ok("<a/>"));
        check("<a>é</a>".as_bytes(), "text/xml", true, Ok("<a>é</a>"));
    }

    #[test]
    fn what_is_none_is_refused() {
        check(b"\xFF\xFEa", "", false, Err("it is UTF-16 of an odd number of bytes"));
        check(b"\xFF\xFE\x3D\xD8a\0", "", false, Err("it is UTF-16 with half of a surrogate pair"));
        let unknown = Err("its charset is none of utf-8, utf-16, iso-8859-1 and windows-1252");
        check(b"a", "text/plain; charset=shift_jis", false, unknown);
        check(b"<?xml version='1.0' encoding='EBCDIC'?>", "", true, unknown);
    }
}
