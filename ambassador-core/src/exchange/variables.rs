//! The values of `$request` and `$response`, as JSON texts.

use std::collections::BTreeMap;

use ambassador_jq::json::escape;

use super::Head;
use crate::matcher::query;

/// `$request`: method, path, query, headers, port.
pub(super) fn request(port: u16, head: Head<'_>) -> Vec<u8> {
    let target = head.get(":path").unwrap_or_default();
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let mut json = b"{\"method\":".to_vec();
    text(head.get(":method").unwrap_or_default(), &mut json);
    json.extend_from_slice(b",\"path\":");
    text(path, &mut json);
    json.extend_from_slice(b",\"query\":");
    // The last of a name wins, as for every reader of ours.
    let query = query::parameters(target);
    object(query, &mut json);
    json.extend_from_slice(b",\"headers\":");
    headers(head, &mut json);
    json.extend_from_slice(format!(",\"port\":{port}}}").as_bytes());
    json
}

/// `$response`: status, headers.
pub(super) fn response(head: Head<'_>) -> Vec<u8> {
    let mut json = format!("{{\"status\":{},\"headers\":", head.status()).into_bytes();
    headers(head, &mut json);
    json.push(b'}');
    json
}

/// Header names in lower case with their values; those of one name are joined by a comma (RFC 9110, section 5.3).
fn headers(head: Head<'_>, json: &mut Vec<u8>) {
    let mut all: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut places = BTreeMap::new();
    for (name, value) in head.0.iter().filter(|(name, _)| !name.starts_with(':')) {
        let place = *places.entry(name.as_str()).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, joined)) => {
                joined.extend_from_slice(b", ");
                joined.extend_from_slice(value);
            }
            None => all.push((name, value.clone())),
        }
    }
    let all = all.into_iter().map(|(name, value)| (name.as_bytes(), value));
    object(all, json);
}

fn object<N: AsRef<[u8]>, V: AsRef<[u8]>>(entries: impl Iterator<Item = (N, V)>, json: &mut Vec<u8>) {
    json.push(b'{');
    for (index, (name, value)) in entries.enumerate() {
        if index > 0 {
            json.push(b',');
        }
        text(name.as_ref(), json);
        json.push(b':');
        text(value.as_ref(), json);
    }
    json.push(b'}');
}

/// Bytes may be anything; what is no UTF-8 shows as U+FFFD.
fn text(bytes: &[u8], json: &mut Vec<u8>) {
    json.push(b'"');
    escape(&String::from_utf8_lossy(bytes), json);
    json.push(b'"');
}
