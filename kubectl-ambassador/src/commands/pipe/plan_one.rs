//! The plan for one workload of a file, where only the file can be asked.

use std::cell::RefCell;
use std::collections::HashMap;

use ambassador_core::config::Flavour;
use serde_json::Value;

use crate::commands::inject::{self, Sidecar};
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::findings::{self, Finding, Neighbours, Severity, Subject};
use crate::offline::Planned;
use crate::plan::{self, Options, declared_ports, list, text};
use crate::plugin::{Plugin, Plugins};
use crate::replace::{self, Container};
use crate::source::{self, Source};
use crate::workload;

/// Where clients expect HTTP.
const DEFAULT_LISTEN: u16 = 80;

/// Makes plans by the command's flags.
pub(super) struct Planner<'a> {
    args: &'a inject::Args,
    /// The config of `-c`, for all workloads.
    from_file: Option<Prepared>,
    plugins: Plugins,
    /// Modules that configs needed, by what they needed.
    chosen: RefCell<Vec<(Flavour, Plugin)>>,
    /// Configs made of flags, by the port found; each workload has its own by its name.
    made: RefCell<HashMap<u16, Prepared>>,
    /// What stands in the manifests.
    neighbours: &'a Neighbours,
    /// What was found about configs.
    of_configs: RefCell<Vec<Finding>>,
}

/// A config with the module for it, without its bytes, which no plan needs, and which are many.
#[derive(Clone)]
struct Prepared {
    source: Source,
    plugin: Plugin,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        args: &'a inject::Args,
        source: Option<&Source>,
        neighbours: &'a Neighbours,
    ) -> Result<Self> {
        let planner = Self {
            args,
            from_file: None,
            plugins: Plugins::load(args.plugin_file.as_deref())?,
            chosen: RefCell::default(),
            made: RefCell::default(),
            neighbours,
            of_configs: RefCell::default(),
        };
        let from_file = source.cloned().map(|source| planner.prepared(source)).transpose()?;
        Ok(Self { from_file, ..planner })
    }

    /// What was found about configs: the same for all objects, and so told once.
    pub(super) fn of_configs(&self) -> Vec<Finding> {
        self.of_configs.take()
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

    fn prepared(&self, source: Source) -> Result<Prepared> {
        let mut of_configs = self.of_configs.borrow_mut();
        for finding in findings::config(&source, source.name()) {
            if !of_configs.contains(&finding) {
                of_configs.push(finding);
            }
        }
        let flavour = source.loaded.config.flavour();
        let mut chosen = self.chosen.borrow_mut();
        if let Some((_, plugin)) = chosen.iter().find(|(known, _)| *known == flavour) {
            return Ok(Prepared { source, plugin: plugin.stub() });
        }
        let plugin = self.plugins.choose(&source.loaded.config)?;
        let stub = plugin.stub();
        chosen.push((flavour, plugin));
        Ok(Prepared { source, plugin: stub })
    }

    /// The plan for an object that is not injected, whose pod is at the pointer `template`.
    pub(super) fn plan(&self, object: &Value, template: &str, shown: &str) -> Result<Planned> {
        let pod = workload::template(object, template)?;
        if list(pod, "/spec/containers").is_empty() {
            return Err(Failure::usage(format!("{shown} has no containers")));
        }
        plan::refuse_template(shown, pod)?;
        if let Some(name) = &self.args.replace {
            let container = replace::container(object, template, Some(name))?;
            let prepared = match &self.from_file {
                Some(prepared) => prepared.clone(),
                None => self.prepared(inject::checked(self.converted(object, template, &container)?)?)?,
            };
            return self.plan_by(object, template, shown, &prepared);
        }
        match &self.from_file {
            Some(prepared) => self.plan_by(object, template, shown, prepared),
            None => self.plan_by(object, template, shown, &self.made_of_flags(object, pod, shown)?),
        }
    }

    fn plan_by(
        &self,
        object: &Value,
        template: &str,
        shown: &str,
        Prepared { source, plugin }: &Prepared,
    ) -> Result<Planned> {
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
        let replaced = self.args.replace.as_deref();
        let mut plan = plan::replace(object, template, source, plugin, &options, replaced)?;
        plan::refuse_taken_ports(plan.beside().unwrap_or(&Value::Null), &source.loaded.ambassador.ports, &[])
            .map_err(|failure| failure.about(shown))?;
        if let Some(image) = &self.args.pipe.plugin_image {
            plan.take_plugin_from_image(image);
        }
        let subject = Subject {
            object,
            template,
            plan: Some(&plan),
            source: Some(source),
            listening: None,
            permissions: self.args.permissions(),
        };
        let mut world = self.neighbours.around(object, template);
        world.config_maps = self.neighbours.config_maps(object, &options.config_map);
        let mut findings = findings::of_object(&subject, &world);
        if let Some(finding) = findings.iter().find(|finding| finding.fits_no_server()) {
            let failure = Failure::usage(finding.coded());
            return Err(finding.hint.iter().fold(failure, Failure::hint));
        }
        // What would be refused live may be meant so in a file: a pod that was taken out of a cluster, say.
        findings.retain(|finding| finding.severity <= Severity::Warning);
        Ok(Planned { plan, findings })
    }

    /// The config of a container, from the manifests.
    fn converted(&self, object: &Value, template: &str, container: &Container) -> Result<Source> {
        replace::offline(self.neighbours, object, template, container)?.source()
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

    fn made_of_flags(&self, object: &Value, pod: &Value, shown: &str) -> Result<Prepared> {
        let flags = &self.args.source;
        let target = if flags.ports.is_empty() { declared(pod, shown)? } else { 0 };
        let name = text(object, "/metadata/name");
        if let Some(Prepared { source, plugin }) = self.made.borrow().get(&target) {
            return Ok(Prepared { source: source.named(name)?, plugin: plugin.clone() });
        }
        let spec = if flags.ports.is_empty() {
            source::spec(vec![source::mapped(DEFAULT_LISTEN, target)])
        } else {
            flags.port_map()
        };
        let prepared = self.prepared(inject::checked(flags.of_flags(name, spec)?)?)?;
        self.made.borrow_mut().insert(target, prepared.clone());
        Ok(prepared)
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
