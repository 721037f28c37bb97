//! What Envoy listens on: one listener a line of the port map.

use std::net::{IpAddr, Ipv6Addr};

use ambassador_core::Ambassador;
use ambassador_core::limits::Limits;
use ambassador_core::ports::Port;
use serde_json::{Value, json};

use super::template::{at, duration, resource, set, take};
use super::{Layout, watch};
use crate::failure::Result;

const RESOURCES: &str = include_str!("../../../envoy/listeners.yaml");

/// What may come on top of the largest body before the filter can give up on it: one read of the upstream connection,
/// which Envoy 1.40 makes up to 128 KiB large beyond `per_connection_buffer_limit_bytes` of the cluster.
const BUFFER_ROOM: u32 = 256 << 10;
/// Where a listener has its connection limit, and after it its proxy: the HTTP connection manager or the TCP proxy.
const CONNECTIONS: &str = "/filter_chains/0/filters/0/typed_config";
const PROXY: &str = "/filter_chains/0/filters/1/typed_config";
/// The place of our filter in an HTTP connection manager.
pub(super) const FILTER_SLOT: &str = "/filter_chains/0/filters/1/typed_config/http_filters/0";

/// The listener of a port.
pub(super) fn render(port: &Port, ambassador: &Ambassador, layout: &Layout) -> Result<Value> {
    let limits = &ambassador.limits;
    let mut listener = resource(RESOURCES, usize::from(port.is_tcp()))?;
    set(&mut listener, "/name", port.name.clone())?;
    let address = port.listener.address.unwrap_or(layout.listen_address);
    set(&mut listener, "/address/socket_address", socket_address(address, port.listen))?;
    let connections = at(&mut listener, CONNECTIONS)?;
    set(connections, "/stat_prefix", port.name.clone())?;
    set(connections, "/max_connections", limits.connections.to_string())?;
    if !port.is_tcp() {
        set(&mut listener, "/per_connection_buffer_limit_bytes", limits.body.saturating_add(BUFFER_ROOM))?;
    }
    let proxy = at(&mut listener, PROXY)?;
    set(proxy, "/stat_prefix", port.name.clone())?;
    if ambassador.access_log {
        let line = "/access_log/0/typed_config/log_format/json_format";
        set(proxy, &format!("{line}/port"), port.name.clone())?;
    } else {
        take(proxy, "/access_log")?;
    }
    if port.is_tcp() {
        tcp(proxy, port, limits)?;
    } else {
        http(proxy, port, limits, layout)?;
    }
    Ok(listener)
}

fn tcp(proxy: &mut Value, port: &Port, limits: &Limits) -> Result<()> {
    set(proxy, "/cluster", port.cluster.clone())?;
    set(proxy, "/idle_timeout", duration(limits.tcp_idle_timeout))
}

fn http(manager: &mut Value, port: &Port, limits: &Limits, layout: &Layout) -> Result<()> {
    set(manager, "/common_http_protocol_options/idle_timeout", duration(limits.idle_timeout))?;
    set(manager, "/stream_idle_timeout", duration(limits.idle_timeout))?;
    set(manager, "/route_config/name", port.name.clone())?;
    let host = at(manager, "/route_config/virtual_hosts/0")?;
    set(host, "/name", port.name.clone())?;
    set(host, "/routes/0/route/timeout", duration(limits.request_timeout))?;
    if port.is_outward() {
        if let Some(removed) = at(host, "/request_headers_to_remove")?.as_array_mut() {
            removed.push(json!("x-forwarded-proto"));
        }
        set(manager, "/skip_xff_append", true)?;
        set(manager, "/generate_request_id", false)?;
    }
    let source = "/http_filters/0/config_discovery/config_source/path_config_source";
    watch(at(manager, source)?, layout, "filter.yaml")
}

/// `::` takes IPv4 too, as everywhere on Linux.
pub(super) fn socket_address(address: IpAddr, port: u16) -> Value {
    let mut value = json!({"address": address.to_string(), "port_value": port});
    if address == Ipv6Addr::UNSPECIFIED {
        value["ipv4_compat"] = true.into();
    }
    value
}
