//! What Envoy connects to: one cluster a target and what is spoken there.

use ambassador_core::limits::Limits;
use ambassador_core::ports::{Host, Port, Protocol};
use serde_json::{Value, json};

use super::template::{at, duration, resource, set, take};
use crate::failure::Result;

const RESOURCES: &str = include_str!("../../../envoy/clusters.yaml");
const HTTP_OPTIONS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The cluster that `port` leads to.
pub(super) fn render(port: &Port, limits: &Limits) -> Result<Value> {
    let mut cluster = resource(RESOURCES, 0)?;
    set(&mut cluster, "/name", port.cluster.clone())?;
    set(&mut cluster, "/connect_timeout", duration(limits.connect_timeout))?;
    match port.protocol {
        Protocol::Tcp => {
            take(&mut cluster, "/typed_extension_protocol_options")?;
            // One connection a client, kept at its pace: as large as the other side's.
            let buffer = take(&mut resource(RESOURCES, 1)?, "/per_connection_buffer_limit_bytes")?;
            set(&mut cluster, "/per_connection_buffer_limit_bytes", buffer)?;
        }
        protocol => {
            let options = at(&mut cluster, HTTP_OPTIONS)?;
            set(options, "/common_http_protocol_options/idle_timeout", duration(limits.idle_timeout))?;
            if protocol == Protocol::H2c {
                set(options, "/explicit_http_config", json!({"http2_protocol_options": {}}))?;
            }
        }
    }
    let connections =
        if port.is_tcp() { limits.tcp_upstream_connections } else { limits.upstream_connections };
    set(&mut cluster, "/circuit_breakers/thresholds/0/max_connections", connections)?;
    set(&mut cluster, "/load_assignment/cluster_name", port.cluster.clone())?;
    let address = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    set(&mut cluster, &format!("{address}/address"), port.target.host.to_string())?;
    set(&mut cluster, &format!("{address}/port_value"), port.target.port)?;
    if matches!(port.target.host, Host::Name(_)) {
        cluster["cluster_type"] = take(&mut resource(RESOURCES, 1)?, "/cluster_type")?;
    }
    Ok(cluster)
}
