//! Fills the values of a config into Envoy's resources, which stand as commented YAML in the repository's `envoy/`.
//!
//! Values are set field by field: nothing that a user writes is ever pasted into a text.

use ambassador_core::config::Config;
use ambassador_core::config::yaml::Loaded;
use ambassador_core::limits::Limits;
use ambassador_core::ports::Port;
use serde_json::{Value, json};

use crate::failure::{Failure, Result};

/// The port of the health listener: `/ready` and `/stats/prometheus`.
pub(crate) const HEALTH_PORT: u16 = 19901;

/// What may come on top of the largest body before the filter can give up on it: one read of the upstream connection,
/// which Envoy 1.40 makes up to 128 KiB large beyond `per_connection_buffer_limit_bytes` of the cluster.
const BUFFER_ROOM: u32 = 256 << 10;

/// Where things are as Envoy sees them.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The directory of the rendered files.
    pub(crate) config_dir: String,
    /// The module.
    pub(crate) plugin: String,
    /// The socket of the admin interface.
    pub(crate) admin_socket: String,
    /// The address that all listeners listen on.
    pub(crate) listen_address: String,
    /// The port of the health listener.
    pub(crate) health_port: u16,
}

impl Layout {
    /// As `inject` mounts it into a pod.
    pub(crate) fn in_pod() -> Self {
        Self {
            config_dir: "/etc/ambassador/config".to_owned(),
            plugin: "/etc/ambassador/plugin/plugin.wasm".to_owned(),
            admin_socket: "/run/ambassador/admin.sock".to_owned(),
            listen_address: "0.0.0.0".to_owned(),
            health_port: HEALTH_PORT,
        }
    }
}

/// The rendered files: their names and texts.
pub(crate) type Files = Vec<(&'static str, String)>;

/// Renders what Envoy reads. `validate.yaml` is for people and tests only: `envoy --mode validate` does not follow
/// the bootstrap to the other files, so this one holds all of them at once.
pub(crate) fn render(loaded: &Loaded, layout: &Layout) -> Result<Files> {
    let resources = Resources::new(loaded, layout)?;
    let list = |resources: &[Value]| json!({"resources": resources});
    Ok(vec![
        ("bootstrap.yaml", yaml(&resources.bootstrap)?),
        ("listeners.yaml", yaml(&list(&resources.listeners))?),
        ("clusters.yaml", yaml(&list(&resources.clusters))?),
        ("filter.yaml", yaml(&list(std::slice::from_ref(&resources.filter)))?),
    ])
}

/// All of it as one static bootstrap, which `envoy --mode validate` checks to the last rule.
pub(crate) fn render_for_validation(loaded: &Loaded, layout: &Layout) -> Result<String> {
    let Resources { mut bootstrap, listeners, clusters, filter } = Resources::new(loaded, layout)?;
    take(&mut bootstrap, "/dynamic_resources")?;
    let inline = |list: &mut Value, resources: Vec<Value>| {
        let list = list.as_array_mut();
        if let Some(list) = list {
            list.extend(resources.into_iter().map(without_type));
        }
    };
    inline(at(&mut bootstrap, "/static_resources/listeners")?, listeners);
    inline(at(&mut bootstrap, "/static_resources/clusters")?, clusters);
    let plugin = filter.get("typed_config").cloned().unwrap_or_default();
    let listeners = at(&mut bootstrap, "/static_resources/listeners")?.as_array_mut();
    for listener in listeners.into_iter().flatten() {
        if let Some(slot) = listener.pointer_mut(FILTER_SLOT) {
            *slot = json!({"name": "ambassador", "typed_config": plugin});
        }
    }
    yaml(&bootstrap)
}

/// Where a listener of ours has its HTTP connection manager, and in it the place of our filter.
const MANAGER: &str = "/filter_chains/0/filters/1/typed_config";
const FILTER_SLOT: &str = "/filter_chains/0/filters/1/typed_config/http_filters/0";

struct Resources {
    bootstrap: Value,
    listeners: Vec<Value>,
    clusters: Vec<Value>,
    filter: Value,
}

impl Resources {
    fn new(loaded: &Loaded, layout: &Layout) -> Result<Self> {
        let ambassador = &loaded.ambassador;
        let mut clusters: Vec<Value> = Vec::new();
        let mut listeners = Vec::new();
        for port in &ambassador.ports {
            listeners.push(listener(port, &ambassador.limits, layout)?);
            let cluster = cluster(port, &ambassador.limits)?;
            if !clusters.contains(&cluster) {
                clusters.push(cluster);
            }
        }
        Ok(Self {
            bootstrap: bootstrap(layout)?,
            listeners,
            clusters,
            filter: filter(&loaded.config, layout)?,
        })
    }
}

fn bootstrap(layout: &Layout) -> Result<Value> {
    let mut bootstrap = template(include_str!("../../envoy/bootstrap.yaml"))?;
    set(&mut bootstrap, "/admin/address/pipe/path", layout.admin_socket.clone())?;
    for (kind, file) in [("lds_config", "listeners.yaml"), ("cds_config", "clusters.yaml")] {
        let source = format!("/dynamic_resources/{kind}/path_config_source");
        watch(at(&mut bootstrap, &source)?, layout, file)?;
    }
    let health = "/static_resources/listeners/0/address/socket_address";
    set(&mut bootstrap, &format!("{health}/address"), layout.listen_address.clone())?;
    set(&mut bootstrap, &format!("{health}/port_value"), layout.health_port)?;
    let endpoint =
        "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/pipe/path";
    set(&mut bootstrap, endpoint, layout.admin_socket.clone())?;
    Ok(bootstrap)
}

fn listener(port: &Port, limits: &Limits, layout: &Layout) -> Result<Value> {
    let mut listener = first_resource(include_str!("../../envoy/listeners.yaml"))?;
    set(&mut listener, "/name", port.name.clone())?;
    set(&mut listener, "/address/socket_address/address", layout.listen_address.clone())?;
    set(&mut listener, "/address/socket_address/port_value", port.listen)?;
    set(&mut listener, "/per_connection_buffer_limit_bytes", limits.body.saturating_add(BUFFER_ROOM))?;
    let connections = "/filter_chains/0/filters/0/typed_config";
    set(&mut listener, &format!("{connections}/stat_prefix"), port.name.clone())?;
    set(&mut listener, &format!("{connections}/max_connections"), limits.connections.to_string())?;
    let manager = at(&mut listener, MANAGER)?;
    set(manager, "/stat_prefix", port.name.clone())?;
    set(manager, "/common_http_protocol_options/idle_timeout", duration(limits.idle_timeout))?;
    set(manager, "/stream_idle_timeout", duration(limits.idle_timeout))?;
    set(manager, "/route_config/name", port.name.clone())?;
    set(manager, "/route_config/virtual_hosts/0/name", port.name.clone())?;
    set(manager, "/route_config/virtual_hosts/0/routes/0/route/timeout", duration(limits.request_timeout))?;
    watch(
        at(manager, "/http_filters/0/config_discovery/config_source/path_config_source")?,
        layout,
        "filter.yaml",
    )?;
    Ok(listener)
}

fn cluster(port: &Port, limits: &Limits) -> Result<Value> {
    let mut cluster = first_resource(include_str!("../../envoy/clusters.yaml"))?;
    set(&mut cluster, "/name", port.cluster.clone())?;
    set(&mut cluster, "/connect_timeout", duration(limits.connect_timeout))?;
    set(&mut cluster, "/circuit_breakers/thresholds/0/max_connections", limits.upstream_connections)?;
    let options = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    set(
        &mut cluster,
        &format!("{options}/common_http_protocol_options/idle_timeout"),
        duration(limits.idle_timeout),
    )?;
    set(&mut cluster, "/load_assignment/cluster_name", port.cluster.clone())?;
    let address = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    set(&mut cluster, &format!("{address}/port_value"), port.target)?;
    Ok(cluster)
}

fn filter(config: &Config, layout: &Layout) -> Result<Value> {
    let mut filter = first_resource(include_str!("../../envoy/filter.yaml"))?;
    let json =
        serde_json::to_string(config).map_err(|error| Failure::unchanged(format!("config: {error}")))?;
    set(&mut filter, "/typed_config/config/configuration/value", json)?;
    set(&mut filter, "/typed_config/config/vm_config/code/local/filename", layout.plugin.clone())?;
    Ok(filter)
}

/// Points a source of resources at a file in the watched directory.
fn watch(source: &mut Value, layout: &Layout, file: &str) -> Result<()> {
    set(source, "/path", format!("{}/{file}", layout.config_dir))?;
    set(source, "/watched_directory/path", layout.config_dir.clone())
}

/// Envoy writes times as seconds (protobuf's Duration in JSON).
fn duration(milliseconds: u64) -> String {
    match (milliseconds / 1000, milliseconds % 1000) {
        (seconds, 0) => format!("{seconds}s"),
        (seconds, rest) => format!("{seconds}.{rest:03}s"),
    }
}

fn without_type(mut resource: Value) -> Value {
    if let Some(fields) = resource.as_object_mut() {
        fields.shift_remove("@type");
    }
    resource
}

fn first_resource(text: &str) -> Result<Value> {
    take(&mut template(text)?, "/resources/0")
}

fn template(text: &str) -> Result<Value> {
    serde_saphyr::from_str(text)
        .map_err(|error| Failure::unchanged(format!("an Envoy resource of ours is broken: {error}")))
}

fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    let broken = || Failure::unchanged(format!("an Envoy resource of ours has no {pointer}"));
    value.pointer_mut(pointer).ok_or_else(broken)
}

fn take(value: &mut Value, pointer: &str) -> Result<Value> {
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = value.pointer_mut(parent)
    {
        return Ok(fields.shift_remove(key).unwrap_or_default());
    }
    at(value, pointer).map(Value::take)
}

fn set(value: &mut Value, pointer: &str, new: impl Into<Value>) -> Result<()> {
    *at(value, pointer)? = new.into();
    Ok(())
}

fn yaml(value: &Value) -> Result<String> {
    serde_saphyr::to_string(value).map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))
}
