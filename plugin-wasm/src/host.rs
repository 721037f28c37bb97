//! The only file that calls the Proxy-Wasm host.
//!
//! Header values may be any bytes, so the host's text getters, which panic on what is no UTF-8, are never used;
//! nor is any call made in a phase in which the host would refuse it, since the SDK panics on that.

use ambassador_core::exchange::{Edit, LocalReply};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType};

/// All headers of the request, in the request headers phase.
pub(crate) fn request_headers() -> Vec<(String, Vec<u8>)> {
    hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default()
}

/// All headers of the answer, from the response headers phase on until they are sent.
pub(crate) fn response_headers() -> Vec<(String, Vec<u8>)> {
    hostcalls::get_map_bytes(MapType::HttpResponseHeaders).unwrap_or_default()
}

/// Changes the headers of the request.
pub(crate) fn edit_request_headers(edits: &[Edit]) {
    edit(MapType::HttpRequestHeaders, edits);
}

/// Changes the headers of the answer, which are not yet sent.
pub(crate) fn edit_response_headers(edits: &[Edit]) {
    edit(MapType::HttpResponseHeaders, edits);
}

fn edit(map: MapType, edits: &[Edit]) {
    for edit in edits {
        let (name, value) = match edit {
            Edit::Set(name, value) => (name, Some(value.as_slice())),
            Edit::Remove(name) => (name, None),
        };
        // The host refuses nothing here but what is not there.
        let _ = hostcalls::set_map_value_bytes(map, name, value);
    }
}

/// Seconds since 1970-01-01 in UTC.
pub(crate) fn now() -> f64 {
    let now = hostcalls::get_current_time().ok();
    let since = now.and_then(|now| now.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The port on which the request came in.
pub(crate) fn destination_port() -> Option<u16> {
    let bytes = hostcalls::get_property(vec!["destination", "port"]).ok()??;
    let number = i64::from_le_bytes(bytes.try_into().ok()?);
    u16::try_from(number).ok()
}

/// Whether the answer came from upstream, and not from Envoy itself.
pub(crate) fn answer_is_from_upstream() -> bool {
    let details = hostcalls::get_property(vec!["response", "code_details"]);
    matches!(details, Ok(Some(details)) if details == b"via_upstream")
}

/// The first `size` bytes that are held of the answer's body.
pub(crate) fn response_body(size: usize) -> Vec<u8> {
    hostcalls::get_buffer(BufferType::HttpResponseBody, 0, size).ok().flatten().unwrap_or_default()
}

/// Replaces the `size` bytes that are held of the answer's body.
pub(crate) fn replace_response_body(size: usize, body: &[u8]) {
    let _ = hostcalls::set_buffer(BufferType::HttpResponseBody, 0, size, body);
}

/// Sends an answer of our own in place of the one that is held.
pub(crate) fn reply(reply: &LocalReply) {
    warn(&reply.log);
    let headers = vec![("content-type", reply.content_type)];
    let _ = hostcalls::send_http_response(u32::from(reply.status), headers, Some(&reply.body));
}

/// The plugin's configuration, in the configure phase.
pub(crate) fn configuration() -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten().unwrap_or_default()
}

/// Writes a line to Envoy's log.
pub(crate) fn warn(message: &str) {
    let _ = hostcalls::log(LogLevel::Warn, message);
}

/// Writes a line of alarm to Envoy's log.
pub(crate) fn error(message: &str) {
    let _ = hostcalls::log(LogLevel::Error, message);
}
