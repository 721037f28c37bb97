//! What Envoy listens on: one listener a line of the port map.

use std::net::{IpAddr, Ipv6Addr};

use ambassador_core::Ambassador;
use ambassador_core::ports::{Balance, Port, Target};
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
/// How many servers are tried for a request or a connection, one after the other.
const MOST_ATTEMPTS: usize = 4;
/// The place of our filter in an HTTP connection manager.
pub(super) const FILTER_SLOT: &str = "/filter_chains/0/filters/1/typed_config/http_filters/0";

/// The listener of a port.
pub(super) fn render(port: &Port, ambassador: &Ambassador, layout: &Layout) -> Result<Value> {
    let limits = &port.limits;
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
        tcp(proxy, port)?;
    } else {
        http(proxy, port, layout)?;
    }
    Ok(listener)
}

fn tcp(proxy: &mut Value, port: &Port) -> Result<()> {
    set(proxy, "/idle_timeout", duration(port.limits.tcp_idle_timeout))?;
    let Some(target) = &port.target else { return Ok(()) };
    set(proxy, "/cluster", target.cluster.clone())?;
    if target.servers.len() > 1 {
        set(proxy, "/max_connect_attempts", target.servers.len().min(MOST_ATTEMPTS))?;
    } else {
        take(proxy, "/max_connect_attempts")?;
    }
    if target.balance != Balance::ClientAddress {
        take(proxy, "/hash_policy")?;
    }
    Ok(())
}

fn http(manager: &mut Value, port: &Port, layout: &Layout) -> Result<()> {
    let limits = &port.limits;
    set(manager, "/common_http_protocol_options/idle_timeout", duration(limits.idle_timeout))?;
    set(manager, "/stream_idle_timeout", duration(limits.idle_timeout))?;
    set(manager, "/route_config/name", port.name.clone())?;
    let host = at(manager, "/route_config/virtual_hosts/0")?;
    set(host, "/name", port.name.clone())?;
    set(host, "/routes/1/route/timeout", duration(limits.request_timeout))?;
    if let Some(routes) = at(host, "/routes")?.as_array_mut() {
        let template = routes.remove(0);
        let mut several: Vec<Value> = Vec::new();
        for target in port.targets().filter(|target| target.servers.len() > 1) {
            let route = route(template.clone(), port, target)?;
            if !several.contains(&route) {
                several.push(route);
            }
        }
        routes.splice(..0, several);
    }
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

/// The route to a target of several servers, of which one may be tried after the other.
fn route(mut route: Value, port: &Port, target: &Target) -> Result<Value> {
    set(&mut route, "/match/headers/0/string_match/exact", target.cluster.clone())?;
    let action = at(&mut route, "/route")?;
    set(action, "/cluster", target.cluster.clone())?;
    set(action, "/timeout", duration(port.limits.request_timeout))?;
    let retries = target.servers.len().min(MOST_ATTEMPTS).saturating_sub(1);
    set(action, "/retry_policy/num_retries", retries)?;
    let hash_policy = take(action, "/hash_policy")?;
    let by = |index: usize| json!([hash_policy.get(index)]);
    match target.balance {
        Balance::Path => action["hash_policy"] = by(0),
        Balance::ClientAddress => action["hash_policy"] = by(1),
        Balance::RoundRobin | Balance::LeastConnections | Balance::Random => {}
    }
    Ok(route)
}

/// `::` takes IPv4 too, as everywhere on Linux.
pub(super) fn socket_address(address: IpAddr, port: u16) -> Value {
    let mut value = json!({"address": address.to_string(), "port_value": port});
    if address == Ipv6Addr::UNSPECIFIED {
        value["ipv4_compat"] = true.into();
    }
    value
}
