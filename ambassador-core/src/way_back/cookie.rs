//! Set-Cookie (RFC 6265, section 4.1): its Domain and Path. One line is one cookie.
//!
//! `Secure` stays: a program that sets it over plain HTTP counts on a front with TLS, which we cannot judge.

use super::WayBack;
use super::authority::Authority;

pub(super) fn map(line: &[u8], way_back: &WayBack<'_>) -> Option<Vec<u8>> {
    let mut parts = line.split(|&byte| byte == b';');
    let mut new = parts.next()?.to_vec();
    let mut changed = false;
    for part in parts {
        match attribute(part, way_back) {
            Becomes::Same => {
                new.push(b';');
                new.extend_from_slice(part);
            }
            Becomes::Gone => changed = true,
            Becomes::Other(attribute) => {
                changed = true;
                new.extend_from_slice(b"; ");
                new.extend_from_slice(&attribute);
            }
        }
    }
    changed.then_some(new)
}

/// What becomes of an attribute.
enum Becomes {
    Same,
    Gone,
    Other(Vec<u8>),
}

fn attribute(part: &[u8], way_back: &WayBack<'_>) -> Becomes {
    let at = part.iter().position(|&byte| byte == b'=').unwrap_or(part.len());
    let (name, value) = part.split_at_checked(at).unwrap_or((part, b""));
    let value = value.strip_prefix(b"=").unwrap_or_default().trim_ascii();
    let name = name.trim_ascii();
    if name.eq_ignore_ascii_case(b"domain") {
        domain(value, way_back)
    } else if name.eq_ignore_ascii_case(b"path") {
        path(value, way_back)
    } else {
        Becomes::Same
    }
}

fn domain(value: &[u8], way_back: &WayBack<'_>) -> Becomes {
    let host = value.strip_prefix(b".").unwrap_or(value);
    let asked: Authority<'_> = way_back.asked;
    if host.eq_ignore_ascii_case(asked.host) || !way_back.is_own_host(host) {
        return Becomes::Same;
    }
    // An address, or a name without a dot, is no domain: the cookie is then for the host alone that was asked.
    if asked.host.contains(&b'.') && !asked.is_address() {
        Becomes::Other([b"Domain=", asked.host].concat())
    } else {
        Becomes::Gone
    }
}

fn path(value: &[u8], way_back: &WayBack<'_>) -> Becomes {
    match &way_back.client.paths {
        Some((client, legacy)) if value == legacy.as_slice() && value != b"/" => {
            Becomes::Other([b"Path=", client.as_slice()].concat())
        }
        _ => Becomes::Same,
    }
}
