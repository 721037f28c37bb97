//! What ports and routes may lead to by name, as a person writes it.

use serde::Serialize;

use super::{OneOrMany, Scalar, is_default};

/// Something to lead to: one server or several that are alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// What ports, routes and rules call it. Unique.
    pub name: String,
    /// Its servers, each an address written as a port's `target`, or a map of that with more. At least one.
    pub servers: Vec<Server>,
    /// How a server is chosen: `roundRobin`, by turns; `leastConnections`, the one with the least to do; `random`;
    /// `clientAddress` or `path`, always the same one for the same client or path. Default: `roundRobin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// The Host that its servers see: `keep`, the client's; `upstream`, the address of its only server; or a name.
    /// Default: `upstream` for one server outside of the pod, else `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How servers are found to be down: those get no requests until they are up again. Default: they are not looked
    /// after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Limits of this target, where they differ from `spec.limits`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: TargetLimits,
}

/// A server: its address, or that with more.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Server {
    /// Its address alone.
    Address(Scalar),
    /// Its address with more.
    Options(ServerOptions),
}

impl Default for Server {
    fn default() -> Self {
        Self::Address(Scalar::default())
    }
}

/// A server that differs from others.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerOptions {
    /// Its address, written as a port's `target`.
    pub address: Scalar,
    /// Its share beside the others, 1 to 256. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Connections to it at a time, the same number for all servers of a target. Default: `upstreamConnections` of the
    /// limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// Whether it is asked only while all servers that are no backups are down. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backup: bool,
}

/// How servers are found to be down, and up again.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// What is asked for by HTTP, such as `/health`. Default: nothing, that a connection can be made is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The method it is asked with: `GET`, `HEAD` or `OPTIONS`. Default: `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The Host it is asked with. Default: that of the target if it is a name, else the server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The statuses of a server that is up, written as in a rule's `match`. Default: `200-399`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OneOrMany>,
    /// How long after an answer it is asked again. Default 2s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Scalar>,
    /// How long an answer may take. Default: the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Scalar>,
    /// How many good answers in a row make a server that was down one that is up. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rise: Option<u32>,
    /// How many failures in a row make a server one that is down. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fall: Option<u32>,
}

/// Limits of one target, where they differ from `spec.limits`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetLimits {
    /// Connections to each of its servers at a time. HTTP requests beyond wait; on a tcp port one connection more waits
    /// too, or is closed where there is one server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_connections: Option<u32>,
    /// How long connecting to a server may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Scalar>,
}

#[cfg(feature = "yaml")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};

    use super::{Server, ServerOptions};

    impl JsonSchema for Server {
        fn schema_name() -> Cow<'static, str> {
            "Server".into()
        }

        /// That of the options, which an address may stand for.
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let mut schema = ServerOptions::json_schema(generator);
            schema.insert("type".to_owned(), serde_json::json!(["string", "integer", "object"]));
            schema
        }
    }
}
