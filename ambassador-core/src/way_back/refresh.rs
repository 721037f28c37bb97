//! Refresh (WHATWG HTML, section 7.4): seconds, then `url=` and a URL that may be quoted.

use super::WayBack;
use super::location::{self, strip_prefix_ignoring_case};

pub(super) fn map(value: &[u8], way_back: &WayBack<'_>) -> Option<Vec<u8>> {
    let separator = value.iter().position(|byte| b";,".contains(byte))?;
    let rest = value.get(separator.saturating_add(1)..)?.trim_ascii_start();
    let rest = match strip_prefix_ignoring_case(rest, b"url") {
        Some(rest) => rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start(),
        None => rest,
    };
    let (quote, url) = match rest.split_first() {
        Some((quote @ (b'"' | b'\''), rest)) => (Some(*quote), rest),
        _ => (None, rest),
    };
    let end = quote.and_then(|quote| url.iter().position(|&byte| byte == quote)).unwrap_or(url.len());
    let (url, after) = url.split_at_checked(end)?;
    let mapped = location::map(url, way_back)?;
    let before = value.get(..value.len().saturating_sub(url.len().saturating_add(after.len())))?;
    Some([before, &mapped, after].concat())
}
