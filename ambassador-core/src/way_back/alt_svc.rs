//! Alt-Svc (RFC 7838, section 3): the quoted authority of each alternative, whose host may be left out.

use super::WayBack;
use super::authority::Authority;

pub(super) fn map(value: &[u8], way_back: &WayBack<'_>) -> Option<Vec<u8>> {
    let mut new = Vec::with_capacity(value.len());
    let (mut changed, mut follows_equals) = (false, false);
    for (at, part) in value.split(|&byte| byte == b'"').enumerate() {
        if at > 0 {
            new.push(b'"');
        }
        // Odd parts are within quotes; of those the first of an alternative is its authority.
        let is_authority = at % 2 == 1 && follows_equals;
        let mapped = if is_authority { authority(part, way_back) } else { None };
        changed |= mapped.is_some();
        new.extend_from_slice(mapped.as_deref().unwrap_or(part));
        follows_equals = part.ends_with(b"=") && !part.ends_with(b"ma=") && !part.ends_with(b"persist=");
    }
    changed.then_some(new)
}

fn authority(text: &[u8], way_back: &WayBack<'_>) -> Option<Vec<u8>> {
    let (host, port) = if let Some(digits) = text.strip_prefix(b":") {
        (None, std::str::from_utf8(digits).ok()?.parse().ok()?)
    } else {
        let parsed = Authority::parse(text)?;
        (Some(parsed.host), parsed.port?)
    };
    if !way_back.target.servers.iter().any(|server| server.address.port == port)
        || host.is_some_and(|host| !way_back.is_own_host(host))
    {
        return None;
    }
    let mapped = format!(":{}", way_back.client.port()).into_bytes();
    (mapped != text).then_some(mapped)
}
