//! Media types of bodies (RFC 9110, section 8.3), compared without case and without parameters.

use crate::problem::{Path, Problem};

/// A media type pattern: `application/json`, `*/xml`, `text/*`. A subtype also matches as a suffix (RFC 6839):
/// `application/json` includes `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentTypePattern {
    kind: String,
    subtype: String,
}

impl ContentTypePattern {
    pub(crate) fn new(written: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let plain = |text: &str| {
            text == "*" || (!text.is_empty() && text.bytes().all(is_token_byte) && !text.contains('*'))
        };
        match written.split_once('/') {
            Some((kind, subtype)) if plain(kind) && plain(subtype) => {
                Some(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase() })
            }
            _ => {
                problems.push(
                    Problem::new(path, "not a media type")
                        .hint("write application/json, */xml or text/*, without parameters"),
                );
                None
            }
        }
    }

    /// Whether a body with this Content-Type is meant.
    pub fn matches(&self, content_type: &[u8]) -> bool {
        let Some((kind, subtype)) = parts(content_type) else { return false };
        (self.kind == "*" || self.kind.as_bytes().eq_ignore_ascii_case(kind))
            && (self.subtype == "*" || subtype_is(subtype, self.subtype.as_bytes()))
    }
}

/// Whether a Content-Type says JSON: `application/json`, `text/json`, `application/*+json`.
pub fn is_json(content_type: &[u8]) -> bool {
    parts(content_type).is_some_and(|(kind, subtype)| {
        subtype_is(subtype, b"json")
            && (kind.eq_ignore_ascii_case(b"application") || kind.eq_ignore_ascii_case(b"text"))
    })
}

/// Whether a Content-Type is of a stream of JSON values, one a line.
pub fn is_ndjson(content_type: &[u8]) -> bool {
    const NAMES: [&str; 8] =
        ["x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines", "stream+json"];
    parts(content_type).is_some_and(|(kind, subtype)| {
        kind.eq_ignore_ascii_case(b"application")
            && NAMES.iter().any(|name| subtype.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// Whether a Content-Type is an event stream (WHATWG HTML, section 9.2).
pub fn is_event_stream(content_type: &[u8]) -> bool {
    parts(content_type).is_some_and(|(kind, subtype)| {
        kind.eq_ignore_ascii_case(b"text") && subtype.eq_ignore_ascii_case(b"event-stream")
    })
}

/// Whether a Content-Type is gRPC's, whose messages have a framing of their own.
pub fn is_grpc(content_type: &[u8]) -> bool {
    parts(content_type).is_some_and(|(kind, subtype)| {
        kind.eq_ignore_ascii_case(b"application")
            && subtype.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"grpc"))
    })
}

/// Whether a Content-Type names a stream that has no end to wait for.
pub fn is_stream(content_type: &[u8]) -> bool {
    let multipart = || parts(content_type).is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(b"multipart"));
    is_event_stream(content_type) || is_grpc(content_type) || multipart()
}

pub(crate) fn parts(content_type: &[u8]) -> Option<(&[u8], &[u8])> {
    let media_type = content_type.split(|&byte| byte == b';').next()?.trim_ascii();
    let slash = media_type.iter().position(|&byte| byte == b'/')?;
    let (kind, rest) = media_type.split_at_checked(slash)?;
    Some((kind, rest.get(1..)?))
}

pub(crate) fn subtype_is(found: &[u8], wanted: &[u8]) -> bool {
    let suffix =
        found.iter().rposition(|&byte| byte == b'+').and_then(|plus| found.get(plus.saturating_add(1)..));
    found.eq_ignore_ascii_case(wanted) || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(wanted))
}

/// A byte of a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = ContentTypePattern::new(pattern, &Path::root(), &mut Vec::new()).expect(pattern);
        for found in yes {
            assert!(compiled.matches(found.as_bytes()), "{pattern} should match {found}");
        }
        for found in no {
            assert!(!compiled.matches(found.as_bytes()), "{pattern} should not match {found}");
        }
    }

    #[test]
    fn ignores_case_and_parameters_and_knows_suffixes() {
        check(
            "application/json",
            &["application/json", "Application/JSON; charset=utf-8", "application/problem+json"],
            &["text/json", "application/jsonp", "application/", "json", ""],
        );
        check("*/xml", &["text/xml", "application/xml", "application/soap+xml"], &["application/json"]);
        check("text/*", &["text/plain;x=y"], &["application/text"]);
    }

    #[test]
    fn knows_streams() {
        for stream in
            ["text/event-stream; charset=utf-8", "application/grpc+proto", "multipart/x-mixed-replace"]
        {
            assert!(is_stream(stream.as_bytes()), "{stream}");
        }
        assert!(!is_stream(b"application/json"));
    }
}
