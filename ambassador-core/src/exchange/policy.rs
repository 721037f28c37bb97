//! What becomes of the headers that describe a body, or ask for one, where a rule reshapes it. One file a kind.

pub(super) mod accept_encoding;
pub(super) mod etag;
pub(super) mod vary;

use super::Head;
use super::edit::Edit;
use crate::rules::{OnError, Rule, Taken};
use etag::Conditions;

/// Headers that hold a digest or a signature of the bytes of a body (RFC 9530, RFC 9421, and their forerunners), in a
/// head or in trailers.
pub const DIGESTS: [&str; 8] = [
    "content-digest",
    "content-md5",
    "digest",
    "repr-digest",
    "signature",
    "signature-input",
    "unencoded-digest",
    "x-content-digest",
];

/// Headers of a message that describe the bytes of its body in another way.
const DESCRIBES_THE_BODY: [&str; 5] =
    ["accept-ranges", "content-encoding", "content-length", "sourcemap", "x-sourcemap"];

/// Headers of a request that ask for a part of a body (RFC 9110, section 14.2): what is reshaped is the whole.
const ASKS_FOR_A_PART: [&str; 2] = ["range", "if-range"];

/// The changes of a request's head whose answer one of `rules` may reshape, so that the legacy program answers with a
/// body that can be.
pub(super) fn ask<'a>(
    head: Head<'_>,
    rules: &(impl Iterator<Item = (usize, &'a Rule)> + Clone),
    edits: &mut Vec<Edit>,
) -> Conditions {
    // What is reshaped as it passes is not decoded.
    let streams =
        rules.clone().any(|(_, rule)| rule.response.as_ref().is_some_and(|part| part.taken != Taken::Whole));
    edits.extend(accept_encoding::ask(head, streams));
    edits.extend(head.removals(&ASKS_FOR_A_PART));
    etag::ask(head, rules, edits)
}

/// The changes of the head of an answer that is reshaped, but for its Content-Length.
pub(super) fn reshaped(head: Head<'_>, rule: &Rule, edits: &mut Vec<Edit>) {
    edits.extend(head.removals(&DIGESTS));
    edits.extend(head.removals(&DESCRIBES_THE_BODY));
    etag::answer(head, rule, edits);
    let Some(part) = &rule.response else { return };
    if let Some(content_type) = part.content_type() {
        edits.push(Edit::Set("content-type".into(), content_type.as_bytes().to_vec()));
    }
    part.headers.apply(head, edits);
    edits.extend(part.status.map(set_status));
}

/// The changes of the head of a request whose body is reshaped, but for its Content-Length.
pub(super) fn reshaped_request(head: Head<'_>, content_type: &'static str, edits: &mut Vec<Edit>) {
    edits.extend(head.removals(&DIGESTS));
    edits.extend(head.removals(&["content-encoding"]));
    edits.push(Edit::Set("content-type".into(), content_type.as_bytes().to_vec()));
}

/// The changes of the head of an answer to HEAD: that of GET, without what only its body could tell.
pub(super) fn reshaped_head(head: Head<'_>, rule: &Rule, edits: &mut Vec<Edit>) {
    reshaped(head, rule, edits);
    let may_pass = rule.response.as_ref().is_some_and(|part| part.on_error == OnError::Pass);
    if may_pass {
        // GET may give the original with its own tag: unknown is right, one of both may be wrong.
        etag::forget(edits);
    }
}

pub(super) fn set_status(status: u16) -> Edit {
    Edit::Set(":status".into(), status.to_string().into_bytes())
}

/// Whether an answer forbids to change it (RFC 9111, section 5.2.2.6).
pub(super) fn forbids_transform(head: Head<'_>) -> bool {
    head.lists("cache-control", "no-transform")
}
