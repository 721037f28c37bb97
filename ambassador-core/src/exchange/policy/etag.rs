//! Entity tags (RFC 9110, section 8.8.3): those of reshaped answers, and the way back of them in conditions.
//!
//! A reshaped answer with the tag `"7"` has `W/"7;HASH"`, where HASH stands for the rule and all that it says; one with
//! `W/"7"` has `W/"7;wHASH"`, so that the legacy program gets its tag back to the byte. A tag without the hash of a rule
//! that may apply is of a copy that was not reshaped, or by another rule: it must not bring a 304.

use crate::exchange::{Edit, Head};
use crate::rules::Rule;

/// The tags of a request's If-None-Match that are of reshaped answers: the rule, and the tag of the original.
pub(in crate::exchange) type Conditions = Vec<(usize, Vec<u8>)>;

/// Changes the conditions of a request whose answer one of `rules` may reshape, and gives those that are ours.
///
/// If-Match is left alone: a derived tag is weak, and never matches there (section 13.1.1).
pub(in crate::exchange) fn ask<'a>(
    head: Head<'_>,
    rules: &(impl Iterator<Item = (usize, &'a Rule)> + Clone),
    edits: &mut Vec<Edit>,
) -> Conditions {
    const NAME: &str = "if-none-match";
    // Only these bring a 304 (section 13.1.2); with others it guards a change, which goes on as it came.
    let reads = matches!(head.get(":method"), Some(b"GET" | b"HEAD"));
    if !reads {
        return Vec::new();
    }
    edits.extend(head.removals(&["if-modified-since"]));
    if head.get(NAME).is_none() {
        return Vec::new();
    }
    let ours = |tag| {
        let (original, hash) = split(tag)?;
        let (index, _) = rules.clone().find(|(_, rule)| rule.hash.as_bytes() == hash)?;
        Some((index, original))
    };
    let conditions: Conditions = head.all(NAME).flat_map(tags).filter_map(ours).collect();
    if conditions.is_empty() {
        edits.push(Edit::Remove(NAME.into()));
    } else {
        let originals: Vec<&[u8]> = conditions.iter().map(|(_, tag)| tag.as_slice()).collect();
        edits.push(Edit::Set(NAME.into(), originals.join(&b", "[..])));
    }
    conditions
}

/// Changes `ETag` and Last-Modified of an answer that `rule` reshapes. Without a tag the date goes: it says nothing of
/// when the rule changed.
pub(in crate::exchange) fn answer(head: Head<'_>, rule: &Rule, edits: &mut Vec<Edit>) {
    let keeps_still = rule.reshaper().is_none_or(|body| !body.uses_now());
    match head.get("etag").filter(|_| keeps_still).and_then(|tag| derive(tag, &rule.hash)) {
        Some(tag) => edits.push(Edit::Set("etag".into(), tag)),
        None => edits.extend(head.removals(&["etag", "last-modified"])),
    }
}

/// Takes back what [`answer`] said.
pub(in crate::exchange) fn forget(edits: &mut Vec<Edit>) {
    for edit in edits {
        if matches!(edit, Edit::Set(name, _) if name == "etag") {
            *edit = Edit::Remove("etag".into());
        }
    }
}

fn derive(tag: &[u8], hash: &str) -> Option<Vec<u8>> {
    let (weak, opaque) = parts(tag)?;
    let mark: &[u8] = if weak { b"w" } else { b"" };
    Some([b"W/\"", opaque, b";", mark, hash.as_bytes(), b"\""].concat())
}

/// The original tag and the hash of a derived one.
fn split(tag: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (_, opaque) = parts(tag)?;
    let at = opaque.iter().rposition(|&byte| byte == b';')?;
    let (original, rest) = opaque.split_at_checked(at)?;
    let rest = rest.get(1..)?;
    let (prefix, hash): (&[u8], _) = match rest.strip_prefix(b"w") {
        Some(hash) => (b"W/\"", hash),
        None => (b"\"", rest),
    };
    Some(([prefix, original, b"\""].concat(), hash))
}

/// Whether a tag is weak, and what stands between its quotes.
fn parts(tag: &[u8]) -> Option<(bool, &[u8])> {
    let (weak, quoted) = match tag.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, tag),
    };
    let opaque = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (!opaque.contains(&b'"')).then_some((weak, opaque))
}

/// The tags of a list; it ends where it is malformed.
fn tags(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        while let Some(after) = rest.strip_prefix(b",").or_else(|| rest.strip_prefix(b" ")) {
            rest = after;
        }
        let start = if rest.starts_with(b"W/") { 3_usize } else { 1 };
        let quote = rest.get(start.saturating_sub(1)).filter(|&&byte| byte == b'"');
        let end = rest.get(start..)?.iter().position(|&byte| byte == b'"')?;
        let (tag, after) = rest.split_at_checked(start.saturating_add(end).saturating_add(1))?;
        rest = after;
        quote.map(|_| tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_tags_lead_back_to_the_byte() {
        for tag in ["\"7\"", "W/\"7\"", "\"\"", "\"a;b\"", "\"a,b \"", "\"w1\"", "\"\u{e9}\""] {
            let derived = derive(tag.as_bytes(), "0123456789abcdef").unwrap();
            assert!(derived.starts_with(b"W/\""), "{tag}");
            let (original, hash) = split(&derived).unwrap();
            assert_eq!((original.as_slice(), hash), (tag.as_bytes(), &b"0123456789abcdef"[..]));
        }
        for tag in ["7", "\"7", "w/\"7\"", "\"a\"b\"", ""] {
            assert_eq!(derive(tag.as_bytes(), "0"), None, "{tag}");
        }
    }

    #[test]
    fn reads_lists_of_tags() {
        let read = |text: &'static str| -> Vec<&str> {
            tags(text.as_bytes()).map(|tag| std::str::from_utf8(tag).unwrap()).collect()
        };
        assert_eq!(read("\"a\", W/\"b,c\" ,\"\""), ["\"a\"", "W/\"b,c\"", "\"\""]);
        for none in ["*", "", "a", "\"a", "W/", "W/\""] {
            assert!(read(none).is_empty(), "{none}");
        }
    }
}
