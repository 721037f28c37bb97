//! What Envoy connects to: one cluster a target and what is spoken there.

use ambassador_core::ports::{Balance, HealthCheck, Host, HttpCheck, Protocol, Server, Target};
use serde_json::{Value, json};

use super::template::{at, duration, resource, set, take};
use crate::failure::Result;

const RESOURCES: &str = include_str!("../../../envoy/clusters.yaml");
const HTTP_OPTIONS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/// The template of one server with an address, of one with a name, and of several.
const BY_ADDRESS: usize = 0;
const BY_NAME: usize = 1;
const SEVERAL: usize = 2;

/// The cluster that leads to `target`.
pub(super) fn render(target: &Target) -> Result<Value> {
    let mut cluster = resource(RESOURCES, BY_ADDRESS)?;
    set(&mut cluster, "/name", target.cluster.clone())?;
    set(&mut cluster, "/connect_timeout", duration(target.limits.connect_timeout))?;
    match target.protocol {
        Protocol::Tcp => {
            take(&mut cluster, "/typed_extension_protocol_options")?;
            // One connection a client, kept at its pace: as large as the other side's.
            let buffer = take(&mut resource(RESOURCES, BY_NAME)?, "/per_connection_buffer_limit_bytes")?;
            set(&mut cluster, "/per_connection_buffer_limit_bytes", buffer)?;
        }
        protocol => {
            let options = at(&mut cluster, HTTP_OPTIONS)?;
            let idle = duration(target.limits.idle_timeout);
            set(options, "/common_http_protocol_options/idle_timeout", idle)?;
            if protocol == Protocol::H2c {
                set(options, "/explicit_http_config", json!({"http2_protocol_options": {}}))?;
            }
        }
    }
    set(&mut cluster, "/circuit_breakers/thresholds/0/max_connections", target.connections())?;
    set(&mut cluster, "/load_assignment/cluster_name", target.cluster.clone())?;
    if let Some(address) = target.only_server() {
        let socket = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        set(&mut cluster, &format!("{socket}/address"), address.host.to_string())?;
        set(&mut cluster, &format!("{socket}/port_value"), address.port)?;
        if matches!(address.host, Host::Name(_)) {
            cluster["cluster_type"] = take(&mut resource(RESOURCES, BY_NAME)?, "/cluster_type")?;
        }
    } else {
        several(&mut cluster, target)?;
    }
    if let Some(check) = &target.health_check {
        look_after(&mut cluster, target, check)?;
    }
    Ok(cluster)
}

/// Makes of a cluster of one server one of several.
fn several(cluster: &mut Value, target: &Target) -> Result<()> {
    let mut template = resource(RESOURCES, SEVERAL)?;
    let mut breakers = take(&mut template, "/circuit_breakers")?;
    set(&mut breakers, "/per_host_thresholds/0/max_connections", target.connections())?;
    cluster["circuit_breakers"] = breakers;
    let has_names = target.servers.iter().any(|server| matches!(server.address.host, Host::Name(_)));
    if has_names {
        cluster["cluster_type"] = take(&mut template, "/cluster_type")?;
    }
    balance(cluster, target.balance, &mut template)?;
    // A priority that nobody has must not come before one that somebody has.
    let assignment = at(&mut template, "/load_assignment")?;
    let mut endpoints = Vec::new();
    for is_backup in [false, true] {
        let of_it: Vec<&Server> = target.servers.iter().filter(|server| server.backup == is_backup).collect();
        let weighs = target.servers.iter().any(|server| server.weight != 1);
        let list: Vec<Value> = of_it.iter().map(|server| endpoint(server, weighs)).collect();
        if is_backup && !list.is_empty() {
            endpoints.push(json!({"priority": 1, "lb_endpoints": list}));
            cluster["load_assignment"]["policy"] = take(assignment, "/policy")?;
        } else if !is_backup {
            endpoints.push(json!({"lb_endpoints": list}));
        }
    }
    set(cluster, "/load_assignment/endpoints", endpoints)
}

fn endpoint(server: &Server, weighs: bool) -> Value {
    let address = &server.address;
    let socket = json!({"address": address.host.to_string(), "port_value": address.port});
    let mut endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
    if weighs {
        endpoint["load_balancing_weight"] = server.weight.into();
    }
    endpoint
}

/// By turns is what Envoy does by itself.
fn balance(cluster: &mut Value, balance: Balance, template: &mut Value) -> Result<()> {
    match balance {
        Balance::RoundRobin => {}
        Balance::LeastConnections => {
            cluster["load_balancing_policy"] = take(template, "/load_balancing_policy")?;
        }
        Balance::Random => cluster["lb_policy"] = "RANDOM".into(),
        Balance::ClientAddress | Balance::Path => cluster["lb_policy"] = "MAGLEV".into(),
    }
    Ok(())
}

/// Has the servers asked how they are.
fn look_after(cluster: &mut Value, target: &Target, check: &HealthCheck) -> Result<()> {
    let mut template = resource(RESOURCES, SEVERAL)?;
    let mut rendered = take(&mut template, "/health_checks/0")?;
    for field in ["interval", "no_traffic_interval"] {
        set(&mut rendered, &format!("/{field}"), duration(check.interval))?;
    }
    set(&mut rendered, "/timeout", duration(check.timeout))?;
    set(&mut rendered, "/healthy_threshold", check.rise)?;
    set(&mut rendered, "/unhealthy_threshold", check.fall)?;
    if let Some(http) = &check.http {
        ask_by_http(&mut rendered, http, target)?;
        set_hosts(cluster, http, target)?;
    } else {
        take(&mut rendered, "/http_health_check")?;
        rendered["tcp_health_check"] = json!({});
    }
    cluster["health_checks"] = json!([rendered]);
    cluster["common_lb_config"] = take(&mut template, "/common_lb_config")?;
    if cluster.get("cluster_type").is_some() {
        cluster["ignore_health_on_host_removal"] = true.into();
    }
    Ok(())
}

fn ask_by_http(rendered: &mut Value, http: &HttpCheck, target: &Target) -> Result<()> {
    let ask = at(rendered, "/http_health_check")?;
    set(ask, "/path", http.path.clone())?;
    set(ask, "/method", http.method.clone())?;
    // Envoy's ranges are without their ends.
    let ranges = http.statuses.ranges().iter();
    let ranges = ranges.map(|range| json!({"start": range.start(), "end": range.end().saturating_add(1)}));
    set(ask, "/expected_statuses", ranges.collect::<Vec<_>>())?;
    if target.protocol == Protocol::H2c {
        ask["codec_client_type"] = "HTTP2".into();
    }
    Ok(())
}

/// The Host by which each server is asked how it is.
fn set_hosts(cluster: &mut Value, http: &HttpCheck, target: &Target) -> Result<()> {
    let groups = at(cluster, "/load_assignment/endpoints")?.as_array_mut();
    let endpoints =
        groups.into_iter().flatten().filter_map(|group| group.get_mut("lb_endpoints")?.as_array_mut());
    let sorted = [false, true]
        .into_iter()
        .flat_map(|is_backup| target.servers.iter().filter(move |server| server.backup == is_backup));
    for (endpoint, server) in endpoints.flatten().zip(sorted) {
        endpoint["endpoint"]["health_check_config"] = json!({"hostname": http.host_for(&server.address)});
    }
    Ok(())
}
