//! The values of `$request` and `$response`, as JSON texts.

use serde_json::{Map, Value, json};

use super::Head;
use crate::matcher::query;

/// `$request`: method, path, query, headers, port.
pub(super) fn request(port: u16, head: Head<'_>) -> Vec<u8> {
    let target = head.get(":path").unwrap_or_default();
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let value = json!({
        "method": text(head.get(":method").unwrap_or_default()),
        "path": text(path),
        "query": parameters(target),
        "headers": headers(head),
        "port": port,
    });
    value.to_string().into_bytes()
}

/// `$response`: status, headers.
pub(super) fn response(head: Head<'_>) -> Vec<u8> {
    json!({"status": head.status(), "headers": headers(head)}).to_string().into_bytes()
}

/// Header names in lower case with their values; those of one name are joined by a comma (RFC 9110, section 5.3).
fn headers(head: Head<'_>) -> Value {
    let mut all = Map::new();
    for (name, value) in head.0.iter().filter(|(name, _)| !name.starts_with(':')) {
        match all.get_mut(name) {
            Some(Value::String(joined)) => {
                joined.push_str(", ");
                joined.push_str(&text(value));
            }
            _ => {
                all.insert(name.clone(), Value::String(text(value)));
            }
        }
    }
    Value::Object(all)
}

/// The parameters of a query, decoded; the last of a name wins.
fn parameters(target: &[u8]) -> Value {
    let decoded = query::parameters(target).map(|(name, value)| (text(&name), Value::String(text(&value))));
    Value::Object(decoded.collect())
}

/// Header bytes may be anything; what is no UTF-8 shows as U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
