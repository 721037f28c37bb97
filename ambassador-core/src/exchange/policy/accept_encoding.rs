//! Accept-Encoding (RFC 9110, section 12.5.3): the legacy program may use what both the client and we can decode, since
//! what is not reshaped after all is sent on as it came.

use crate::coding::ACCEPTED;
use crate::exchange::{Edit, Head};

/// The change of a request's Accept-Encoding. With `plain`, for what is not decoded, there must be no coding at all.
pub(in crate::exchange) fn ask(head: Head<'_>, plain: bool) -> Option<Edit> {
    const NAME: &str = "accept-encoding";
    let first = head.get(NAME)?;
    let members = head.all(NAME).flat_map(|value| value.split(|&byte| byte == b','));
    let kept: Vec<&[u8]> =
        members.map(<[u8]>::trim_ascii).filter(|member| !plain && is_ours(member)).collect();
    if kept.is_empty() {
        return Some(Edit::Remove(NAME.into()));
    }
    let value = kept.join(&b", "[..]);
    (value != first || head.all(NAME).nth(1).is_some()).then(|| Edit::Set(NAME.into(), value))
}

/// Whether a member, with its weight, names a coding that we decode, or `identity`.
fn is_ours(member: &[u8]) -> bool {
    let coding = member.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let mut known = ACCEPTED.split(", ").chain(["identity", "x-gzip"]);
    known.any(|known| coding.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let headers = [("accept-encoding".to_owned(), value.as_bytes().to_vec())];
        let found = match ask(Head(&headers), false) {
            Some(Edit::Set(_, value)) => String::from_utf8(value).unwrap(),
            Some(_) => "removed".to_owned(),
            None => "kept".to_owned(),
        };
        assert_eq!(found, expected, "{value}");
        assert_eq!(ask(Head(&headers), true), Some(Edit::Remove("accept-encoding".into())));
    }

    #[test]
    fn asks_for_what_both_can_decode() {
        check("gzip, br", "kept");
        check("gzip;q=1.0, compress, dcb, identity;q=0.5", "gzip;q=1.0, identity;q=0.5");
        check("*", "removed");
        check("", "removed");
        check("compress", "removed");
    }
}
