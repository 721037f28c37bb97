//! `ambassador.yaml` as a person writes it: the wire types, in serde's and JSON Schema's terms.
//!
//! These types only carry what was written. Their meaning, with its defaults and checks, is in
//! [`ports`](crate::ports), [`limits`](crate::limits) and [`rules`](crate::rules).

#[cfg(all(feature = "formats", feature = "codings", feature = "library"))]
mod flavour;
mod format;
mod read;
mod scalar;
#[cfg(feature = "yaml")]
mod schema;
mod target;
#[cfg(feature = "yaml")]
pub mod yaml;

use serde::Serialize;

#[cfg(all(feature = "formats", feature = "codings", feature = "library"))]
pub use flavour::Flavour;
pub use format::{Csv, Form, Format, FormatOptions, NoOptions, Text, Tsv, Xml};
pub use scalar::{OneOrMany, Scalar, Texts};
pub use target::{HealthCheck, Server, ServerOptions, Target, TargetLimits};

/// The only `apiVersion` there is.
pub const API_VERSION: &str = "kubectl-ambassador.dev/v1alpha1";
/// The only `kind` there is.
pub const KIND: &str = "Ambassador";

/// The JSON Schema of `ambassador.yaml`, generated from the types of this module.
#[cfg(feature = "yaml")]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

/// A whole `ambassador.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// `kubectl-ambassador.dev/v1alpha1`
    pub api_version: String,
    /// `Ambassador`
    pub kind: String,
    /// The config's name.
    #[serde(default)]
    pub metadata: Metadata,
    /// What the ambassador does.
    pub spec: Spec,
}

/// The name of a config.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// For people; `inject` names the cluster's objects after the workload.
    #[serde(default)]
    pub name: String,
}

/// What the ambassador does.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Which port the ambassador listens on, and where each leads. At least one.
    pub ports: Vec<Port>,
    /// What ports and routes may lead to by name: several servers, or one with limits of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// Connections, timeouts and sizes.
    #[serde(default)]
    pub limits: Limits,
    /// Whether addresses of the legacy program in Location, Set-Cookie and other headers of its answers are `map`ped to
    /// the one that the client asked, or `keep` as they are. Default: `map`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<String>,
    /// Whether Envoy writes a line of JSON to its standard output for each exchange and each connection to a tcp port.
    /// Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub access_log: bool,
    /// What is reshaped. The first rule that matches an answer is used, no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// One line of the port map.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    /// What rules call this port, and Services by `targetPort`. Default: `port-` and the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The port the ambassador listens on, on all addresses: `80`. Or one address and a port: `127.0.0.1:6379`,
    /// `[::1]:80`.
    pub listen: Scalar,
    /// The port of the legacy program, reached on 127.0.0.1: `8775`. Or a port elsewhere, which the legacy program
    /// then reaches through the ambassador: `redis.data.svc:6379`, `10.0.0.7:80`, `[fd00::7]:80`. Or the name of one of
    /// `targets`. With `routes` it is what no route is for, and may be left out: such requests get a 404.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Scalar>,
    /// Where requests lead by their host, path, method, query and headers. The first route that matches is used, else
    /// `target`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// What is spoken on this port: `http`, or `tcp` for everything else, which is passed on byte for byte. Default:
    /// `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `kubernetes.io/h2c` if the target speaks HTTP/2 without TLS. Default: HTTP/1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    /// Limits of this port, where they differ from `spec.limits`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: PortLimits,
}

/// Where some requests to a port lead: all that is named must hold of the request as the client sent it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// The hosts that are asked, without ports: `api.example.org`, or `*.example.org` for all names below that one.
    /// Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// The path of the request, without its query, written as in a rule's `match`. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The methods of the request. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Parameters of the query with the values they must have, written as in a rule's `match`. Default: any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub query: Texts,
    /// Headers of the request with the values they must have, written as in a rule's `match`. Default: any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: Texts,
    /// Where these requests lead: written as a port's `target`.
    pub target: Scalar,
}

/// Limits of one port, where they differ from `spec.limits`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortLimits {
    /// Client connections to this port at a time; one more is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// How long a connection or an exchange of HTTP may be silent; `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Scalar>,
    /// How long a connection to this tcp port may be silent; `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_idle_timeout: Option<Scalar>,
    /// How long an answer may take as a whole, from the end of the request; `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Scalar>,
}

/// Connections, timeouts and sizes. Times are written as `500ms`, `5s`, `1m30s`; sizes as `64KiB`, `4MiB` or bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Client connections to each port at a time; one more is closed. Default 256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// Connections to each server of each target at a time. HTTP requests beyond wait, default 32; on a tcp port one
    /// connection more is closed, default as many as there are clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_connections: Option<u32>,
    /// How long connecting to a target may take. Default 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Scalar>,
    /// How long a connection or an exchange of HTTP may be silent. Default 50s; `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Scalar>,
    /// How long a connection to a tcp port may be silent. Default 1h; `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_idle_timeout: Option<Scalar>,
    /// How long an answer may take as a whole, from the end of the request. Default `0s`, which is for ever: the
    /// idle timeout ends what hangs, and long downloads go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Scalar>,
    /// The largest body that is reshaped; others are passed on at any size. Default 4MiB, at most 64MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Scalar>,
}

/// Which exchanges are changed, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The rule's name, in errors and counters. Unique.
    pub name: String,
    /// Which exchanges the rule is for. Default: every answer with a status of 2xx.
    #[serde(default, rename = "match", skip_serializing_if = "is_default")]
    pub matches: Match,
    /// What is done to the request, before the legacy program sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What is done to the answer. A rule with neither `request` nor `response` keeps later rules from what it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Which exchanges a rule is for: all that is named must hold. `status` and `contentType` are about the answer, all
/// else about the request as the client sent it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// The name of the port that was asked. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The name of the one of `targets` that the request leads to. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The methods of the request. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// The path of the request, without its query: exact, or with `*` for one segment and `**` at the end for the
    /// rest. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Parameters of the query with the values they must have: `*` in a value stands for any characters; with `!` before
    /// it, none of the values may match, so `"!*"` is for a parameter that is not there. Default: any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub query: Texts,
    /// Headers of the request with the values they must have, written as in `query`. Default: any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: Texts,
    /// The status of the answer: `200`, `2xx`, `400-499`, or a list of those. Default: `2xx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OneOrMany>,
    /// The media type of the answer, such as `application/json` (which includes `application/problem+json`) or
    /// `*/xml`, or a list of those. Default: any for a rule without `jq`; for one with, that of `from`, or no
    /// Content-Type at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<OneOrMany>,
}

/// What is done to a request.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The jq program that makes the new body from the old. It must give exactly one value. `$request` holds `method`,
    /// `path`, `query`, `headers` and `port`. A request without a body stays without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jq: Option<String>,
    /// The format the body is in, whatever its Content-Type says: `json`, `ndjson`, `xml`, `csv`, `tsv`, `yaml`, `text`
    /// or `form`, or a map of that to its options. Default: what Content-Type says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Format>,
    /// The format the new body is written in: one of those, or `prometheus`. Default: `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Format>,
    /// What becomes of several outputs of `jq`: `error`, `array` for one JSON array, `ndjson` for one line each.
    /// Default: `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<String>,
    /// The path the legacy program is asked for, `/stock` or with a query `/stock?all=1`. The client's query is kept
    /// where none is given. Default: the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The method the legacy program is asked with. Default: the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The Host the legacy program sees: `keep`, the client's; `upstream`, the address of the target; or a name. What
    /// the client asked is then in X-Forwarded-Host. Default: that of the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Headers of the request that are set or removed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: HeaderEdits,
    /// What happens when the body cannot be reshaped: `error` answers 400, 413 or 415 with a problem document (RFC 9457)
    /// and asks nobody, `pass` sends the untouched original on. Default: `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<String>,
}

/// What is done to an answer.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// The jq program that makes the new body from the old. It must give exactly one value. `$request` holds
    /// `method`, `path`, `query`, `headers` and `port`; `$response` holds `status` and `headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jq: Option<String>,
    /// The format the body is in, whatever its Content-Type says: `json`, `ndjson`, `xml`, `csv`, `tsv`, `yaml`, `text`
    /// or `form`, or a map of that to its options. Default: what Content-Type says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Format>,
    /// The format the new body is written in: one of those, or `prometheus`. Default: `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Format>,
    /// What becomes of several outputs of `jq`: `error`, `array` for one JSON array, `ndjson` for one line each.
    /// Default: `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<String>,
    /// Whether `jq` is run on each line of an NDJSON stream as it passes, `.` being the line. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_line: bool,
    /// Whether `jq` is run on the data of each event of an event stream as it passes. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_event: bool,
    /// Whether answers with `Cache-Control: no-transform` are reshaped too. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub even_if_no_transform: bool,
    /// Headers of the answer that are set or removed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: HeaderEdits,
    /// The status the client sees. Default: that of the legacy program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happens when the body cannot be reshaped: `error` answers 502 with a problem document (RFC 9457), `pass`
    /// sends the untouched original. Default: `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<String>,
}

/// Headers that are set or removed.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderEdits {
    /// Headers with their new values; a header that is there is replaced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub set: Texts,
    /// Headers that are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}
