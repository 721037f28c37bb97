//! The same findings over manifests, without a cluster: what stands around an object is what the same manifests hold.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::Value;

use super::{Args, Checked};
use crate::commands::inject::{self, Found, Sidecar};
use crate::commands::target;
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::findings::{self, Code, Finding, Neighbours, Severity, Subject, World};
use crate::offline::{Manifests, Workload};
use crate::plan::{self, Options, list, text};
use crate::plugin::Plugins;
use crate::replace;
use crate::source::Source;
use crate::workload::name_of;

pub(super) fn check(args: &Args) -> Result<Checked> {
    let from_file = args.inject.source.read()?;
    let plugins = Plugins::load(args.inject.plugin_file.as_deref())?;
    let selection = target::selection(&args.inject.target, &args.inject.change.templates)?;
    let inputs = args.inject.files.read()?;
    let manifests = inputs.iter().map(|input| Manifests::read(&input.name, &input.text));
    let manifests = manifests.collect::<Result<Vec<_>>>()?;
    let mut neighbours = Neighbours::with_data(args.inject.replace.is_some());
    manifests.iter().for_each(|manifests| manifests.introduce(&mut neighbours));
    let seeing = Checker { args, from_file, plugins, neighbours, made: RefCell::default() };
    let mut checked = Checked { objects: Vec::new(), findings: Vec::new() };
    for manifests in &manifests {
        for workload in manifests.workloads(&selection)?.0 {
            let found = seeing.findings(&workload)?.into_iter();
            checked.findings.extend(found.map(|finding| finding.at(workload.place.clone())));
            checked.objects.push(workload.shown);
        }
    }
    if checked.objects.is_empty() {
        return Err(Failure::usage("the manifests hold nothing that makes pods")
            .hint("--pod-template-path says where other kinds have their pod template"));
    }
    findings::sort(&mut checked.findings);
    Ok(checked)
}

struct Checker<'a> {
    args: &'a Args,
    from_file: Option<Source>,
    plugins: Plugins,
    neighbours: Neighbours,
    /// Configs made of flags, by the port found; each object has its own by its name.
    made: RefCell<HashMap<u16, Source>>,
}

impl Checker<'_> {
    fn findings(&self, Workload { object, template, shown, .. }: &Workload) -> Result<Vec<Finding>> {
        let args = &self.args.inject;
        let mut world = self.neighbours.around(object, template);
        let permissions = args.permissions();
        let subject = Subject { object, template, plan: None, source: None, listening: None, permissions };
        let replaced = args.replace.as_deref();
        let converted = match replaced {
            Some(name) if self.from_file.is_none() => {
                let original = plan::original(object, template)?;
                let container = replace::container(&original, template, Some(name))?;
                Some(replace::offline(&self.neighbours, &original, template, &container)?.source()?)
            }
            _ => None,
        };
        let source = match self.from_file.as_ref().or(converted.as_ref()) {
            Some(source) => source.clone(),
            None => match self.source(object, template, &world)? {
                Ok(source) => source,
                Err(finding) => return Ok(with(findings::all(&subject, &world), finding)),
            },
        };
        source.refuse_health_port(HEALTH_PORT, "listen on another one")?;
        let version = args.pipe.kubernetes_version;
        let sidecar = match Sidecar::offline(args.sidecar, version, (object, template, shown)) {
            Ok(sidecar) => sidecar,
            Err(failure) => {
                let finding = Finding::of_failure(shown, &failure);
                return Ok(with(findings::all(&subject, &world), finding));
            }
        };
        let name = args.config_map.clone();
        let options = Options {
            image: args.image.clone(),
            config_map: name.unwrap_or_else(|| plan::config_map_name(object, template, &source)),
            ipv6: args.pipe.ipv6,
            named_ports: sidecar.named_ports(),
            mode: sidecar.mode(),
            resources: args.resources.over(None)?,
            is_guaranteed: false,
        };
        world.config_maps = self.neighbours.config_maps(object, &options.config_map);
        let plugin = self.plugins.choose(&source.loaded.config)?.stub();
        let plan = plan::original(object, template)
            .and_then(|original| plan::replace(&original, template, &source, &plugin, &options, replaced));
        // Without a plan there is a finding that says why: no containers, an annotation that cannot be read.
        let subject = Subject { plan: plan.as_ref().ok(), source: Some(&source), ..subject };
        Ok(findings::all(&subject, &world))
    }

    /// The config that the flags describe, with the port that the manifests tell.
    fn source(
        &self,
        object: &Value,
        template: &str,
        world: &World,
    ) -> Result<std::result::Result<Source, Finding>> {
        let shown = name_of(object);
        if !self.args.inject.source.ports.is_empty() {
            return self.made(object, 0).map(Ok);
        }
        let Ok(original) = plan::original(object, template) else {
            return Ok(Err(unknown(&shown, "what it was before its injection cannot be read")));
        };
        let pod = original.pointer(template).unwrap_or(&Value::Null);
        if list(pod, "/spec/containers").is_empty() {
            return Ok(Err(unknown(&shown, "it has no containers")));
        }
        match inject::declared(&shown, pod, &world.services, &[]) {
            Ok(Some(Found { port: 80, .. })) => Ok(Err(unknown(&shown, "it listens on port 80 itself"))),
            Ok(Some(Found { port, .. })) => self.made(object, port).map(Ok),
            Ok(None) => Ok(Err(unknown(&shown, "it declares no port, and no Service leads to one"))),
            Err(failure) => Ok(Err(unknown(&shown, failure.message()))),
        }
    }

    /// The config for an object with the ports of the flags, or with this one.
    fn made(&self, object: &Value, port: u16) -> Result<Source> {
        let (flags, name) = (&self.args.inject.source, text(object, "/metadata/name"));
        if let Some(made) = self.made.borrow().get(&port) {
            return made.named(name);
        }
        let map = if flags.ports.is_empty() { inject::default_map(port) } else { flags.port_map() };
        let source = flags.of_flags(name, map)?;
        self.made.borrow_mut().insert(port, source.clone());
        Ok(source)
    }
}

fn with(mut findings: Vec<Finding>, one: Finding) -> Vec<Finding> {
    findings.push(one);
    findings
}

fn unknown(shown: &str, why: &str) -> Finding {
    let why = why.trim_end_matches(&format!(" [{}]", Code::NoPort)).trim_start_matches(&format!("{shown} "));
    let message = format!("it is not known which port of {shown} to map: {why}");
    Finding::new(Code::NoPort, Severity::Error, shown, message).hint("name it: --port 80:TARGET")
}
