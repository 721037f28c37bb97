//! Link (RFC 8288): each `<URL>` in it.

use super::{WayBack, location};

pub(super) fn map(value: &[u8], way_back: &WayBack<'_>) -> Option<Vec<u8>> {
    let mut new = Vec::with_capacity(value.len());
    let (mut rest, mut changed, mut quoted) = (value, false, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        new.push(byte);
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                if let Some((&escaped, after)) = rest.split_first() {
                    new.push(escaped);
                    rest = after;
                }
            }
            b'<' if !quoted => {
                let end = rest.iter().position(|&byte| byte == b'>').unwrap_or(rest.len());
                let (url, after) = rest.split_at_checked(end)?;
                match location::map(url, way_back) {
                    Some(mapped) => {
                        changed = true;
                        new.extend_from_slice(&mapped);
                    }
                    None => new.extend_from_slice(url),
                }
                rest = after;
            }
            _ => {}
        }
    }
    changed.then_some(new)
}
