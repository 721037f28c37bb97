//! The only file that calls the Proxy-Wasm host.
//!
//! What belongs to a phase of an exchange is a type, made in that phase by the filter, so that a call in another phase does
//! not compile by mistake. Header values may be any bytes, so the host's text getters, which panic on what is no UTF-8, are never used;
//! nor is any call made in a phase in which the host would refuse it, since the SDK panics on that.

use ambassador_core::exchange::{Edit, LocalReply, Side};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

/// The head of a request, in the phase of its headers.
pub(crate) struct RequestHead(MapType);

impl RequestHead {
    /// Only in that phase.
    pub(crate) fn new() -> Self {
        Self(MapType::HttpRequestHeaders)
    }

    /// All headers.
    pub(crate) fn read(&self) -> Vec<(String, Vec<u8>)> {
        hostcalls::get_map_bytes(self.0).unwrap_or_default()
    }

    /// Changes headers.
    pub(crate) fn edit(&self, edits: &[Edit]) {
        edit(self.0, edits);
    }
}

/// The body of a request whose head is held, in the phase of its body or of its trailers.
pub(crate) struct RequestBody {
    size: usize,
    head: MapType,
}

impl RequestBody {
    /// Only in those phases; `size` is how many bytes are held.
    pub(crate) fn new(size: usize) -> Self {
        Self { size, head: MapType::HttpRequestHeaders }
    }

    /// What is held.
    pub(crate) fn read(&self) -> Vec<u8> {
        hostcalls::get_buffer(BufferType::HttpRequestBody, 0, self.size).ok().flatten().unwrap_or_default()
    }

    /// Replaces what is held.
    pub(crate) fn replace(&self, body: &[u8]) {
        let _ = hostcalls::set_buffer(BufferType::HttpRequestBody, 0, self.size, body);
    }

    /// Changes headers of the head, which is held too.
    pub(crate) fn edit_head(&self, edits: &[Edit]) {
        edit(self.head, edits);
    }
}

/// The head of an answer, in the phase of its headers.
pub(crate) struct AnswerHead(MapType);

impl AnswerHead {
    /// Only in that phase.
    pub(crate) fn new() -> Self {
        Self(MapType::HttpResponseHeaders)
    }

    /// All headers.
    pub(crate) fn read(&self) -> Vec<(String, Vec<u8>)> {
        hostcalls::get_map_bytes(self.0).unwrap_or_default()
    }

    /// Changes headers.
    pub(crate) fn edit(&self, edits: &[Edit]) {
        edit(self.0, edits);
    }
}

/// The body of an answer, in the phase of its body or of its trailers.
pub(crate) struct AnswerBody {
    size: usize,
    head: MapType,
}

impl AnswerBody {
    /// Only in those phases; `size` is how many bytes are there.
    pub(crate) fn new(size: usize) -> Self {
        Self { size, head: MapType::HttpResponseHeaders }
    }

    /// What is there.
    pub(crate) fn read(&self) -> Vec<u8> {
        hostcalls::get_buffer(BufferType::HttpResponseBody, 0, self.size).ok().flatten().unwrap_or_default()
    }

    /// Replaces what is there.
    pub(crate) fn replace(&self, body: &[u8]) {
        let _ = hostcalls::set_buffer(BufferType::HttpResponseBody, 0, self.size, body);
    }

    /// Changes headers of the head, if that is held.
    pub(crate) fn edit_held_head(&self, edits: &[Edit]) {
        edit(self.head, edits);
    }
}

/// The trailers of an answer, in their phase.
pub(crate) struct AnswerTrailers(MapType);

impl AnswerTrailers {
    /// Only in that phase.
    pub(crate) fn new() -> Self {
        Self(MapType::HttpResponseTrailers)
    }

    /// Removes those of these names.
    pub(crate) fn remove(&self, names: &[&str]) {
        for name in names {
            let _ = hostcalls::set_map_value_bytes(self.0, name, None);
        }
    }
}

fn edit(map: MapType, edits: &[Edit]) {
    for edit in edits {
        // The host refuses nothing here but what is not there.
        let _ = match edit {
            Edit::Set(name, value) => hostcalls::set_map_value_bytes(map, name, Some(value)),
            Edit::Add(name, value) => hostcalls::add_map_value_bytes(map, name, value),
            Edit::Remove(name) => hostcalls::set_map_value_bytes(map, name, None),
        };
    }
}

/// A counter of ours, shown with Envoy's.
pub(crate) struct Counter(Option<u32>);

impl Counter {
    /// Defines it, or finds it if it was defined before; in the configure phase.
    pub(crate) fn define(name: &str) -> Self {
        Self(hostcalls::define_metric(MetricType::Counter, name).ok())
    }

    /// Adds to it.
    pub(crate) fn add(&self, number: usize) {
        if let Some(id) = self.0 {
            let _ = hostcalls::increment_metric(id, i64::try_from(number).unwrap_or(i64::MAX));
        }
    }
}

/// Leaves for the access log which rule did what on a side of the exchange: in Envoy's filter state as
/// `wasm.ambassador.rule` and `wasm.ambassador.outcome`, of the request with `request_` before the last word.
pub(crate) fn note(side: Side, rule: &str, outcome: &str) {
    let names = match side {
        Side::Request => ["ambassador.request_rule", "ambassador.request_outcome"],
        Side::Answer => ["ambassador.rule", "ambassador.outcome"],
    };
    for (name, value) in names.into_iter().zip([rule, outcome]) {
        let _ = hostcalls::set_property(vec![name], Some(value.as_bytes()));
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

/// Cuts an answer off whose head was sent, so that nobody takes it for whole.
pub(crate) fn cut_answer() {
    let _ = hostcalls::reset_http_response();
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
