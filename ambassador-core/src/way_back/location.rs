//! A URL as the whole value: Location, Content-Location (RFC 9110, sections 10.2.2 and 8.7), and the origin of
//! Access-Control-Allow-Origin.

use super::WayBack;
use super::authority::Authority;

/// The URL with the address that the client knows, if it is one of the legacy program.
pub(super) fn map(url: &[u8], way_back: &WayBack<'_>) -> Option<Vec<u8>> {
    let (has_scheme, rest) = match strip_prefix_ignoring_case(url, b"http://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix(b"//")?),
    };
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, after) = rest.split_at_checked(end)?;
    let parsed = Authority::parse(authority)?;
    let known = way_back.known_as(parsed.host, parsed.port.unwrap_or(80))?;
    let scheme: &[u8] = if has_scheme { way_back.scheme() } else { b"" };
    let colon: &[u8] = if has_scheme { b"://" } else { b"//" };
    Some([scheme, colon, &known, after].concat()).filter(|new| new != url)
}

pub(super) fn strip_prefix_ignoring_case<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
