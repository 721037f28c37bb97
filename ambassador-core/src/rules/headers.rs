//! Headers that a rule sets and removes, and those that no rule may touch.

use crate::config;
use crate::exchange::{Edit, Head};
use crate::matcher::content_type::is_token_byte;
use crate::problem::{Path, Problem};

/// Headers that frame the message or belong to one hop (RFC 9110, sections 7.6 and 8; RFC 9112, section 6): with
/// them wrong, client and proxy would disagree where an answer ends.
const UNTOUCHABLE: [&str; 11] = [
    "connection",
    "content-encoding",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Whether no rule may set or remove a header, by its name in lower case: what frames a message, belongs to one hop, or is
/// the ambassador's own.
#[must_use]
pub fn is_untouchable(lower: &str) -> bool {
    UNTOUCHABLE.contains(&lower) || lower.starts_with("x-ambassador-")
}

/// Headers set and removed, with lower-case names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Names and their new values.
    pub set: Vec<(String, String)>,
    /// Names of what is removed.
    pub remove: Vec<String>,
}

impl HeaderEdits {
    pub(super) fn new(written: &config::HeaderEdits, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let mut edits = Self::default();
        for (name, value) in &written.set.0 {
            let path = path.key("set").key(name);
            let name = checked_name(name, &path, problems);
            let value = checked_value(value.as_deref(), &path, problems);
            edits.set.extend(name.zip(value));
        }
        for (index, name) in written.remove.iter().enumerate() {
            let name = checked_name(name, &path.key("remove").index(index), problems);
            edits.remove.extend(name);
        }
        edits
    }

    /// The changes that these are to a head.
    pub(crate) fn apply(&self, head: Head<'_>, edits: &mut Vec<Edit>) {
        for name in &self.remove {
            if head.get(name).is_some() {
                edits.push(Edit::Remove(name.clone().into()));
            }
        }
        for (name, value) in &self.set {
            edits.push(Edit::Set(name.clone().into(), value.clone().into_bytes()));
        }
    }
}

fn checked_name(name: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() || !lower.bytes().all(is_token_byte) {
        problems.push(Problem::new(path, "not a header name").at_key());
    } else if is_untouchable(&lower) {
        let problem = Problem::new(path, format!("a rule cannot touch `{lower}`")).at_key();
        problems.push(match lower.as_str() {
            "host" => problem.hint("request.host says which Host the legacy program sees"),
            _ => problem,
        });
    } else {
        return Some(lower);
    }
    None
}

fn checked_value(value: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(text) = value else {
        problems.push(Problem::new(path, "a header's value is a text"));
        return None;
    };
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        problems.push(Problem::new(path, "a header's value has no line breaks and no control characters"));
        return None;
    }
    Some(text.to_owned())
}
