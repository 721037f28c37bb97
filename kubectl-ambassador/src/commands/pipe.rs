//! `-f` and `-k`: manifests in, manifests out. No cluster is called.

mod function;
mod plan_one;
mod read;

use serde_json::Value;

use super::{change, inject, target};
use crate::failure::{Failure, Result};
use crate::findings::{Finding, Neighbours};
use crate::offline::{self, Choices, Manifests, Outcome};
use crate::output::{print, say};
use crate::plan::text;
use crate::source::Source;
pub(super) use read::Files;
use read::Input;

/// What is chosen about a manifest, where no cluster can be asked.
#[derive(Debug, Default, clap::Args)]
// Its name is that of the arguments it is flattened into, and groups must have different ones.
#[group(skip)]
pub(super) struct Flags {
    /// With -f or -k: put the ConfigMap with the module into the output too; `kubectl apply` needs --server-side for it
    #[arg(long, requires = "manifests")]
    with_plugin: bool,

    /// With -f or -k: mount the module from this image, which has plugin.wasm in its root, instead of a ConfigMap
    #[arg(long, value_name = "IMAGE", value_parser = crate::names::image, requires = "manifests", conflicts_with = "with_plugin")]
    plugin_image: Option<String>,

    /// With -f or -k: the oldest Kubernetes that the output is for
    #[arg(long, value_name = "VERSION", default_value = "1.33", value_parser = minor, requires = "manifests")]
    pub(super) kubernetes_version: u32,

    /// With -f or -k: listen on IPv6 too; for clusters whose pods have IPv6 addresses
    #[arg(long, requires = "manifests")]
    pub(super) ipv6: bool,
}

/// Since when Kubernetes has image volumes at all, and since when without a feature gate: `ImageVolume` in its list of them.
const IMAGE_VOLUMES: [u32; 2] = [31, 35];

impl Flags {
    /// A server without image volumes takes such a pod all the same, and leaves the volume out.
    fn check_plugin_image(&self) -> Result<()> {
        let [possible, on] = IMAGE_VOLUMES;
        let version = self.kubernetes_version;
        if self.plugin_image.is_none() || version >= on {
            return Ok(());
        }
        if version < possible {
            return Err(Failure::usage(format!(
                "--plugin-image takes image volumes, which Kubernetes 1.{version} has not"
            ))
            .hint("leave it out, for a ConfigMap: `kubectl ambassador plugin install`"));
        }
        say(&format!(
            "note: before Kubernetes 1.{on}, servers without the feature gate ImageVolume leave the module's volume out of \
             pods, whose ambassador then does not start"
        ));
        Ok(())
    }
}

fn minor(text: &str) -> std::result::Result<u32, String> {
    let numbers = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.");
    let minor = numbers.and_then(|numbers| numbers.split('.').next()?.parse().ok());
    minor.ok_or_else(|| "expected a version such as 1.33".to_owned())
}

/// `inject -f`.
pub(super) fn inject(args: &inject::Args) -> Result<()> {
    args.pipe.check_plugin_image()?;
    refuse_what_is_for_clusters(&args.change, &args.target)?;
    let inputs = args.files.read()?;
    if let [input] = inputs.as_slice()
        && offline::is_function(&input.text)
    {
        return function::run(args, &input.text);
    }
    if args.files.takes_stdin() && args.source.config.as_deref() == Some(std::path::Path::new("-")) {
        return Err(Failure::usage("stdin cannot be both the manifests and the config"));
    }
    let source = args.source.read()?.map(inject::checked).transpose()?;
    let manifests = inputs.iter().map(|input| Manifests::read(&input.name, &input.text));
    let manifests = manifests.collect::<Result<Vec<_>>>()?;
    let (outcomes, of_configs) = injected(args, manifests, source.as_ref())?;
    of_configs.iter().for_each(warn);
    tell(&inputs, &outcomes, "injected");
    ask_for_plugins(&outcomes);
    write(outcomes)
}

/// The texts injected, and what was found about the configs.
fn injected(
    args: &inject::Args,
    manifests: Vec<Manifests<'_>>,
    source: Option<&Source>,
) -> Result<(Vec<Outcome>, Vec<Finding>)> {
    let selection = target::selection(&args.target, &args.change.templates)?;
    let mut neighbours = Neighbours::with_data(args.replace.is_some());
    manifests.iter().for_each(|manifests| manifests.introduce(&mut neighbours));
    let planner = plan_one::Planner::new(args, source, &neighbours)?;
    let whole = |stub: &Value| planner.plugin_map(stub);
    let choices = Choices {
        selection: &selection,
        allow_downgrade: args.allow_downgrade,
        plugin: args.pipe.with_plugin.then_some(&whole),
    };
    let inject = |manifests| {
        offline::inject(manifests, choices, &|object, template, shown| planner.plan(object, template, shown))
    };
    let outcomes = manifests.into_iter().map(inject).collect::<Result<_>>()?;
    Ok((outcomes, planner.of_configs()))
}

/// Flags that would be passed over.
fn refuse_what_is_for_clusters(change: &change::Flags, target: &target::Args) -> Result<()> {
    if change.output.format().is_some() {
        return Err(Failure::usage(
            "manifests keep their form, YAML or JSON, so -o has nothing to say about them",
        ));
    }
    if target.all_namespaces {
        return Err(Failure::usage("-A is about a cluster: manifests are all there is of theirs"));
    }
    Ok(())
}

/// `uninject -f`.
pub(super) fn uninject(files: &Files, target: &target::Args, change: &change::Flags) -> Result<()> {
    refuse_what_is_for_clusters(change, target)?;
    let inputs = files.read()?;
    let selection = target::selection(target, &change.templates)?;
    let uninject = |input: &Input| offline::uninject(&Manifests::read(&input.name, &input.text)?, &selection);
    let outcomes = inputs.iter().map(uninject);
    let outcomes: Vec<Outcome> = outcomes.collect::<Result<_>>()?;
    tell(&inputs, &outcomes, "uninjected");
    write(outcomes)
}

fn warn(finding: &Finding) {
    say(&format!("warning: {}", finding.coded()));
}

fn tell(inputs: &[Input], outcomes: &[Outcome], done: &str) {
    for (input, outcome) in inputs.iter().zip(outcomes) {
        outcome.notes.iter().for_each(|note| say(&format!("note: {note}")));
        outcome.findings.iter().for_each(warn);
        let what = if input.text == outcome.text { "unchanged" } else { done };
        outcome.changed.iter().for_each(|object| say(&format!("{object} {what}")));
    }
    if outcomes.iter().all(|outcome| outcome.changed.is_empty()) {
        say("note: there is nothing to do here: no workload was found");
    }
}

/// The module is too large for what a client-side apply records, so it does not go through the pipe unless asked for.
fn ask_for_plugins(outcomes: &[Outcome]) {
    let mut plugins = outcomes.iter().flat_map(|outcome| &outcome.plugins);
    if let Some(first) = plugins.next() {
        let mut namespaces: Vec<&str> = std::iter::once(first)
            .chain(plugins)
            .map(|plugin| text(plugin, "/metadata/namespace"))
            .map(|namespace| if namespace.is_empty() { "NAMESPACE" } else { namespace })
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let commands: Vec<String> = namespaces
            .iter()
            .map(|namespace| format!("kubectl ambassador plugin install -n {namespace}"))
            .collect();
        let name = text(first, "/metadata/name");
        say(&format!("the pods need configmap/{name}, once: {}", commands.join("; ")));
    }
}

/// One file's text as it is; several as documents one after the other.
fn write(outcomes: Vec<Outcome>) -> Result<()> {
    let texts: Vec<String> = outcomes.into_iter().map(|outcome| outcome.text).collect();
    match texts.as_slice() {
        [one] => print(one),
        several => print(&offline::joined(several)),
    }
}
