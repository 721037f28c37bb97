//! The values of `$request` and `$response`, as JSON texts.

use serde_json::{Map, Value, json};

use super::Head;

/// `$request`: method, path, query, headers, port.
pub(super) fn request(port: u16, head: Head<'_>) -> Vec<u8> {
    let target = text(head.get(":path").unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let value = json!({
        "method": text(head.get(":method").unwrap_or_default()),
        "path": path,
        "query": parameters(query),
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

/// The parameters of a query, decoded as forms are (WHATWG URL, application/x-www-form-urlencoded); the last of a
/// name wins.
fn parameters(query: &str) -> Value {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), Value::String(decode(value)))
    });
    Value::Object(decoded.collect())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = if first == b'%' { hex_byte(after) } else { None };
        match (first, escaped) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', None) => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, None) => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    if digits.starts_with('+') { None } else { u8::from_str_radix(digits, 16).ok() }
}

/// Header bytes may be anything; what is no UTF-8 shows as U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
