//! The plan for one workload of a file, where only the file can be asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ambassador_core::config::Flavour;
use serde_json::Value;

use crate::commands::inject::{self, Sidecar};
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::plan::{self, Options, Plan, declared_ports, list, text};
use crate::plugin::{Plugin, Plugins};
use crate::source::{self, Source};
use crate::workload;

/// Where clients expect HTTP.
const DEFAULT_LISTEN: u16 = 80;

/// Makes plans by the command's flags.
pub(super) struct Planner<'a> {
    args: &'a inject::Args,
    /// The config of `-c`, for all workloads.
    source: Option<&'a Source>,
    plugins: Plugins,
    /// Modules that configs needed, by what they needed.
    chosen: RefCell<Vec<(Flavour, Plugin)>>,
    /// Configs made of flags, by the workload's name and the port found.
    made: RefCell<HashMap<(String, u16), Rc<Source>>>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(args: &'a inject::Args, source: Option<&'a Source>) -> Result<Self> {
        let plugins = Plugins::load(args.plugin_file.as_deref())?;
        Ok(Self { args, source, plugins, chosen: RefCell::default(), made: RefCell::default() })
    }

    /// The ConfigMap with a module, whole, of which a plan has the metadata.
    pub(super) fn plugin_map(&self, stub: &Value) -> Value {
        let chosen = self.chosen.borrow();
        let plugin = chosen
            .iter()
            .map(|(_, plugin)| plugin)
            .find(|plugin| plugin.config_map() == text(stub, "/metadata/name"));
        plugin.map_or_else(
            || stub.clone(),
            |plugin| plan::plugin_map(text(stub, "/metadata/namespace"), plugin),
        )
    }

    /// The module for a config without its bytes, which no plan needs, and which are many.
    fn stub(&self, source: &Source) -> Result<Plugin> {
        let config = &source.loaded.config;
        let mut chosen = self.chosen.borrow_mut();
        let stub = |plugin: &Plugin| Plugin { module: Vec::new(), sha256: plugin.sha256.clone() };
        if let Some((_, plugin)) = chosen.iter().find(|(flavour, _)| *flavour == config.flavour()) {
            return Ok(stub(plugin));
        }
        let plugin = self.plugins.choose(config)?;
        let found = stub(&plugin);
        chosen.push((config.flavour(), plugin));
        Ok(found)
    }

    /// The plan for an object that is not injected, whose pod is at the pointer `template`.
    pub(super) fn plan(&self, object: &Value, template: &str, shown: &str) -> Result<Plan> {
        let pod = workload::template(object, template)?;
        if list(pod, "/spec/containers").is_empty() {
            return Err(Failure::usage(format!("{shown} has no containers")));
        }
        plan::refuse_template(shown, pod)?;
        if let Some(source) = self.source {
            return self.plan_by(object, pod, template, shown, source);
        }
        let source = self.made_of_flags(object, pod, shown)?;
        self.plan_by(object, pod, template, shown, &source)
    }

    fn plan_by(
        &self,
        object: &Value,
        pod: &Value,
        template: &str,
        shown: &str,
        source: &Source,
    ) -> Result<Plan> {
        plan::refuse_taken_ports(pod, &source.loaded.ambassador.ports, &[])
            .map_err(|failure| failure.about(shown))?;
        let version = self.args.pipe.kubernetes_version;
        let sidecar = Sidecar::offline(self.args.sidecar, version, (object, template, shown))?;
        let options = Options {
            image: self.args.image.clone(),
            config_map: self.config_map(object, template, shown, source)?,
            ipv6: self.args.pipe.ipv6,
            mode: sidecar.mode(),
            named_ports: sidecar.named_ports(),
            resources: self.args.resources.over(None)?,
            is_guaranteed: false,
        };
        let mut plan = plan::inject(object, template, source, &self.stub(source)?, &options)?;
        if let Some(image) = &self.args.pipe.plugin_image {
            plan.take_plugin_from_image(image);
        }
        Ok(plan)
    }

    /// The name of the ConfigMap; that of an object which has only the beginning of one begins so too.
    fn config_map(&self, object: &Value, template: &str, shown: &str, source: &Source) -> Result<String> {
        if let Some(name) = &self.args.config_map {
            return Ok(name.clone());
        }
        if !text(object, "/metadata/name").is_empty() {
            return Ok(plan::config_map_name(object, template, source));
        }
        let beginning = text(object, "/metadata/generateName").trim_end_matches(['-', '.']);
        if beginning.is_empty() {
            return Err(Failure::usage(format!("{shown} has no name"))
                .hint("give it metadata.name, or the config a name by --config-map NAME"));
        }
        let named = serde_json::json!({"metadata": {"name": beginning}});
        // Several of them run side by side, each with the config that it was made with.
        Ok(plan::config_map_name(&named, if template.is_empty() { "/generated" } else { template }, source))
    }

    fn made_of_flags(&self, object: &Value, pod: &Value, shown: &str) -> Result<Rc<Source>> {
        let flags = &self.args.source;
        let target = if flags.ports.is_empty() { declared(pod, shown)? } else { 0 };
        let key = (text(object, "/metadata/name").to_owned(), target);
        if let Some(made) = self.made.borrow().get(&key) {
            return Ok(Rc::clone(made));
        }
        let spec = if flags.ports.is_empty() {
            source::spec(vec![source::mapped(DEFAULT_LISTEN, target)])
        } else {
            flags.port_map()
        };
        let source = Rc::new(inject::checked(flags.of_flags(&key.0, spec)?)?);
        self.made.borrow_mut().insert(key, Rc::clone(&source));
        Ok(source)
    }
}

/// The one port that the pod declares.
fn declared(pod: &Value, shown: &str) -> Result<u16> {
    match declared_ports(pod).as_slice() {
        [(_, DEFAULT_LISTEN)] => {
            Err(Failure::usage(format!("{shown} declares port {DEFAULT_LISTEN} itself"))
                .hint("map another port to it, such as --port 8080:80"))
        }
        [(_, port)] if *port != HEALTH_PORT => Ok(*port),
        [_] => Err(Failure::usage(format!("{shown} declares the health listener's port, {HEALTH_PORT}"))),
        [] => Err(Failure::usage(format!("{shown} declares no port, and a file cannot be asked"))
            .hint("say which port its program listens on, such as --port 80:8775, or -c FILE")),
        several => {
            let ports: Vec<String> =
                several.iter().map(|(container, port)| format!("{port} of {container}")).collect();
            Err(Failure::usage(format!("{shown} declares several ports: {}", ports.join(", ")))
                .hint("say which one clients want, such as --port 80:8775, or -c FILE"))
        }
    }
}
