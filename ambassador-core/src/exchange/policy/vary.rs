//! Vary (RFC 9110, section 12.5.5): where rules choose by headers of the request, the answer depends on those.

use crate::exchange::{Edit, Head};

/// The change of an answer's Vary so that it has these names, which are in lower case.
pub(in crate::exchange) fn answer(head: Head<'_>, names: &[String]) -> Option<Edit> {
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !head.lists("vary", name) && !head.lists("vary", "*"))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut value = head.all("vary").collect::<Vec<_>>().join(&b", "[..]);
    for name in missing {
        if !value.is_empty() {
            value.extend_from_slice(b", ");
        }
        value.extend_from_slice(name.as_bytes());
    }
    Some(Edit::Set("vary".into(), value))
}
