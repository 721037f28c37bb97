//! Fills the values of a config into Envoy's resources, which stand as commented YAML in the repository's `envoy/`.
//!
//! Values are set field by field: nothing that a user writes is ever pasted into a text.

mod cluster;
mod listener;
mod template;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambassador_core::Ambassador;
use ambassador_core::config::Config;
use ambassador_core::config::yaml::Loaded;
use serde_json::{Value, json};

use crate::failure::{Failure, Result};
use template::{at, resource, set, take, template};

/// The port of the health listener: `/ready` and `/stats/prometheus`.
pub(crate) const HEALTH_PORT: u16 = 19901;

/// Where things are as Envoy sees them.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The directory of the rendered files.
    pub(crate) config_dir: String,
    /// The module.
    pub(crate) plugin: String,
    /// The socket of the admin interface.
    pub(crate) admin_socket: String,
    /// What ports without an address of their own, and the health listener, listen on. `::` means all addresses of both
    /// families.
    pub(crate) listen_address: IpAddr,
    /// The port of the health listener.
    pub(crate) health_port: u16,
}

impl Layout {
    /// As `inject` mounts it into a pod, which has IPv6 or not.
    pub(crate) fn in_pod(has_ipv6: bool) -> Self {
        Self {
            config_dir: "/etc/ambassador/config".to_owned(),
            plugin: "/etc/ambassador/plugin/plugin.wasm".to_owned(),
            admin_socket: "/run/ambassador/admin.sock".to_owned(),
            // Where the kernel has no IPv6, Envoy could not open `::`.
            listen_address: if has_ipv6 {
                Ipv6Addr::UNSPECIFIED.into()
            } else {
                Ipv4Addr::UNSPECIFIED.into()
            },
            health_port: HEALTH_PORT,
        }
    }
}

/// The rendered files: their names and texts.
pub(crate) type Files = Vec<(&'static str, String)>;

/// Renders what Envoy reads. `validate.yaml` is for people and tests only: `envoy --mode validate` does not follow
/// the bootstrap to the other files, so this one holds all of them at once.
pub(crate) fn render(loaded: &Loaded, layout: &Layout) -> Result<Files> {
    Nameless::render(&loaded.ambassador, layout)?.files(&loaded.config, layout)
}

/// What is the same for all configs that differ by their name alone: all files but the filter's, which has the config.
#[derive(Debug)]
pub(crate) struct Nameless {
    bootstrap: String,
    listeners: String,
    clusters: String,
}

impl Nameless {
    /// Renders them.
    pub(crate) fn render(ambassador: &Ambassador, layout: &Layout) -> Result<Self> {
        let (listeners, clusters) = listeners_and_clusters(ambassador, layout)?;
        Ok(Self {
            bootstrap: yaml(&bootstrap(layout)?)?,
            listeners: yaml(&json!({"resources": listeners}))?,
            clusters: yaml(&json!({"resources": clusters}))?,
        })
    }

    /// All files of one of those configs.
    pub(crate) fn files(&self, config: &Config, layout: &Layout) -> Result<Files> {
        let filter = yaml(&json!({"resources": [filter(config, layout)?]}))?;
        Ok(vec![
            ("bootstrap.yaml", self.bootstrap.clone()),
            ("listeners.yaml", self.listeners.clone()),
            ("clusters.yaml", self.clusters.clone()),
            ("filter.yaml", filter),
        ])
    }
}

/// All of it as one static bootstrap, which `envoy --mode validate` checks to the last rule.
pub(crate) fn render_for_validation(loaded: &Loaded, layout: &Layout) -> Result<String> {
    let (listeners, clusters) = listeners_and_clusters(&loaded.ambassador, layout)?;
    let (mut bootstrap, filter) = (bootstrap(layout)?, filter(&loaded.config, layout)?);
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
        if let Some(slot) = listener.pointer_mut(listener::FILTER_SLOT) {
            *slot = json!({"name": "ambassador", "typed_config": plugin});
        }
    }
    yaml(&bootstrap)
}

fn listeners_and_clusters(ambassador: &Ambassador, layout: &Layout) -> Result<(Vec<Value>, Vec<Value>)> {
    let (mut listeners, mut clusters) = (Vec::new(), Vec::new());
    for port in &ambassador.ports {
        listeners.push(listener::render(port, ambassador, layout)?);
        for target in port.targets() {
            let cluster = cluster::render(target)?;
            if !clusters.contains(&cluster) {
                clusters.push(cluster);
            }
        }
    }
    Ok((listeners, clusters))
}

fn bootstrap(layout: &Layout) -> Result<Value> {
    let mut bootstrap = template(include_str!("../../envoy/bootstrap.yaml"))?;
    set(&mut bootstrap, "/admin/address/pipe/path", layout.admin_socket.clone())?;
    for (kind, file) in [("lds_config", "listeners.yaml"), ("cds_config", "clusters.yaml")] {
        let source = format!("/dynamic_resources/{kind}/path_config_source");
        watch(at(&mut bootstrap, &source)?, layout, file)?;
    }
    let health = "/static_resources/listeners/0/address/socket_address";
    *at(&mut bootstrap, health)? = listener::socket_address(layout.listen_address, layout.health_port);
    let endpoint =
        "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/pipe/path";
    set(&mut bootstrap, endpoint, layout.admin_socket.clone())?;
    Ok(bootstrap)
}

fn filter(config: &Config, layout: &Layout) -> Result<Value> {
    let mut filter = resource(include_str!("../../envoy/filter.yaml"), 0)?;
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

fn without_type(mut resource: Value) -> Value {
    if let Some(fields) = resource.as_object_mut() {
        fields.shift_remove("@type");
    }
    resource
}

fn yaml(value: &Value) -> Result<String> {
    serde_saphyr::to_string(value).map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))
}
