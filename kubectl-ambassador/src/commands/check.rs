//! `kubectl ambassador check`: what an injection would break, lose or change, before anything is touched.

mod offline;
mod show;

use super::inject::{self, Outlook};
use crate::cluster;
use crate::failure::{Exit, Failure, Result};
use crate::findings::{self, Finding, Severity};

/// Say what injecting would break, lose or change; nothing is touched
#[derive(clap::Args)]
#[command(
    after_help = "Each kind of finding has a number, which docs/checks.md explains. Exit codes: 0, nothing as bad as --fail-on; 1,
something is; 2, it could not be told.

Examples:
  # What would injecting this deployment do?
  kubectl ambassador check deploy/web -c ambassador.yaml

  # The same of manifests, without a cluster
  kubectl ambassador check -f manifests/ -c ambassador.yaml

  # The config alone, for a pipeline
  kubectl ambassador check -c ambassador.yaml --fail-on=warning -o json",
    mut_arg("format", |arg| arg.help("Print the findings")),
    mut_arg("dry_run", |arg| arg.hide(true)),
    mut_arg("timeout", |arg| arg.hide(true)),
    mut_arg("all_namespaces", |arg| arg.hide(false)),
    mut_arg("filename", |arg| arg.help("Check the manifests in this file or folder, or in stdin (`-`); no cluster is called")),
    mut_arg("kustomize", |arg| arg.help("Check what kustomize makes of this folder; no cluster is called")),
    mut_arg("with_plugin", |arg| arg.hide(true)),
    mut_arg("plugin_image", |arg| arg.hide(true)),
    mut_arg("ipv6", |arg| arg.hide(true)),
    mut_arg("wait", |arg| arg.hide(true)),
    mut_arg("no_rollback", |arg| arg.hide(true)),
    mut_arg("force_conflicts", |arg| arg.hide(true)),
    mut_arg("field_manager", |arg| arg.hide(true))
)]
pub(crate) struct Args {
    /// From which severity on the exit code is 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,

    #[command(flatten)]
    inject: inject::Args,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Never,
}

/// What was looked at, and what was found.
struct Checked {
    /// As people know them.
    objects: Vec<String>,
    findings: Vec<Finding>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let checked = check(args).map_err(Failure::could_not_tell)?;
    show::all(&checked.objects, &checked.findings, args.inject.change.output.format())
        .map_err(Failure::could_not_tell)?;
    let fails = |finding: &Finding| match args.fail_on {
        FailOn::Error => finding.severity == Severity::Error,
        FailOn::Warning => finding.severity <= Severity::Warning,
        FailOn::Never => false,
    };
    if checked.findings.iter().any(fails) { Err(Failure::silent(Exit::Unchanged)) } else { Ok(()) }
}

fn check(args: &Args) -> Result<Checked> {
    if args.inject.files.are_given() {
        return offline::check(args);
    }
    if !args.inject.target.is_empty() {
        let (_, mut outlooks) = cluster::block_on(args.inject.outlook())?;
        if args.inject.target.all_namespaces {
            outlooks.iter_mut().for_each(Outlook::name_the_namespace);
        }
        let objects = outlooks.iter().map(|outlook| outlook.name.clone()).collect();
        let findings = outlooks.into_iter().flat_map(|outlook| outlook.findings).collect();
        return Ok(Checked { objects, findings });
    }
    match args.inject.source.read()? {
        Some(source) => {
            source.refuse_health_port(crate::envoy::HEALTH_PORT, "listen on another one")?;
            let name = source.name().to_owned();
            let findings = findings::config(&source, &name);
            Ok(Checked { objects: vec![name], findings })
        }
        None => Err(Failure::usage("nothing to check is named")
            .hint("name an object (TYPE/NAME), manifests (-f FILE), or a config (-c FILE)")),
    }
}
