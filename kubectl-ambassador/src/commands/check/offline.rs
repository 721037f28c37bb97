//! The same findings over manifests, without a cluster: what stands around an object is what the same manifests hold.

use serde_json::Value;

use super::{Args, Checked};
use crate::commands::inject::{self, Found, Sidecar};
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::findings::{self, Code, Finding, Severity, Subject, World};
use crate::manifests;
use crate::plan::{self, Options, list, text};
use crate::plugin::Plugins;
use crate::source::Source;
use crate::workload::{Kind, name_of};

pub(super) fn check(args: &Args) -> Result<Checked> {
    let from_file = args.inject.source.read()?;
    let plugins = Plugins::load(args.inject.plugin_file.as_deref())?;
    let mut objects = Vec::new();
    for input in args.inject.files.read()? {
        manifests::read(&input.name, &input.text, &mut objects)?;
    }
    let mut checked = Checked { objects: Vec::new(), findings: Vec::new() };
    for object in &objects {
        let Some(template) = template(args, object) else { continue };
        checked.objects.push(name_of(object));
        let world = World::of_manifests(&objects, text(object, "/metadata/namespace"));
        checked.findings.extend(of_object(args, object, &template, &world, from_file.as_ref(), &plugins)?);
    }
    if checked.objects.is_empty() {
        return Err(Failure::usage("the manifests hold nothing that makes pods")
            .hint("--pod-template-path says where other kinds have their pod template"));
    }
    findings::sort(&mut checked.findings);
    Ok(checked)
}

/// Where the pod is in an object, if it makes pods.
fn template(args: &Args, object: &Value) -> Option<String> {
    if let Some(kind) = Kind::of(object) {
        return Some(kind.template.to_owned());
    }
    let group = text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let kind = text(object, "/kind").to_ascii_lowercase();
    let is = |word: &str| {
        let word = word.to_ascii_lowercase();
        word == format!("{kind}.{group}") || word == format!("{kind}s.{group}")
    };
    args.inject.change.templates.iter().find(|(word, _)| is(word)).map(|(_, pointer)| pointer.clone())
}

fn of_object(
    args: &Args,
    object: &Value,
    template: &str,
    world: &World,
    from_file: Option<&Source>,
    plugins: &Plugins,
) -> Result<Vec<Finding>> {
    let permissions = args.inject.permissions();
    let subject = Subject { object, template, plan: None, source: None, listening: None, permissions };
    let found;
    let source = match from_file {
        Some(source) => source,
        None => match source(args, object, template, world)? {
            Ok(source) => {
                found = source;
                &found
            }
            Err(finding) => {
                let mut findings = findings::all(&subject, world);
                findings.push(finding);
                return Ok(findings);
            }
        },
    };
    source.refuse_health_port(HEALTH_PORT, "listen on another one")?;
    let name = args.inject.config_map.clone();
    let (choice, version, shown) =
        (args.inject.sidecar, args.inject.pipe.kubernetes_version, name_of(object));
    let sidecar = match Sidecar::offline(choice, version, (object, template, &shown)) {
        Ok(sidecar) => sidecar,
        Err(failure) => {
            let mut findings = findings::all(&subject, world);
            findings.push(Finding::of_failure(&shown, &failure));
            return Ok(findings);
        }
    };
    let options = Options {
        image: args.inject.image.clone(),
        config_map: name.unwrap_or_else(|| plan::config_map_name(object, template, source)),
        ipv6: args.inject.pipe.ipv6,
        named_ports: sidecar.named_ports(),
        mode: sidecar.mode(),
        resources: args.inject.resources.over(None)?,
        is_guaranteed: false,
    };
    let plugin = plugins.choose(&source.loaded.config)?;
    let plan = plan::original(object, template)
        .and_then(|original| plan::inject(&original, template, source, &plugin, &options));
    // Without a plan there is a finding that says why: no containers, an annotation that cannot be read.
    let subject = Subject { plan: plan.as_ref().ok(), source: Some(source), ..subject };
    Ok(findings::all(&subject, world))
}

/// The config that the flags describe, with the port that the manifests tell.
fn source(
    args: &Args,
    object: &Value,
    template: &str,
    world: &World,
) -> Result<std::result::Result<Source, Finding>> {
    let (shown, name) = (name_of(object), text(object, "/metadata/name"));
    let flags = &args.inject.source;
    if !flags.ports.is_empty() {
        return flags.of_flags(name, flags.port_map()).map(Ok);
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
        Ok(Some(Found { port, .. })) => flags.of_flags(name, inject::default_map(port)).map(Ok),
        Ok(None) => Ok(Err(unknown(&shown, "it declares no port, and no Service leads to one"))),
        Err(failure) => Ok(Err(unknown(&shown, failure.message()))),
    }
}

fn unknown(shown: &str, why: &str) -> Finding {
    let why = why.trim_end_matches(&format!(" [{}]", Code::NoPort)).trim_start_matches(&format!("{shown} "));
    let message = format!("it is not known which port of {shown} to map: {why}");
    Finding::new(Code::NoPort, Severity::Error, shown, message).hint("name it: --port 80:TARGET")
}
