//! `kubectl ambassador inject`: an Envoy ambassador for a pod.

mod discover;
mod in_front;
mod outlook;
mod sidecar;
mod workload;

use serde_json::Value;

pub(super) use self::discover::{Found, declared, default_map, source as found_source};
use self::in_front::not_all_led;
pub(super) use self::outlook::Outlook;
use self::outlook::Prospect;
pub(super) use self::sidecar::Sidecar;
use super::change::{DryRun, Flags, refuse_missing_rights};
use super::pipe;
use super::target::{self, each};
use super::uninject::in_front::undone;
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Mode, Right};
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::findings;
use crate::journal::{self, Entry, Journal, Needed, Step};
use crate::names;
use crate::output::{self, Outcome, say};
use crate::plan::{self, Options, Permissions, Plan, ResourceFlags, text};
use crate::plugin::{Plugin, Plugins};
use crate::recreate::{self, Work};
use crate::replace;
use crate::rollout::{self, Target};
use crate::signals::Interrupt;
use crate::source::{self, Source};
use crate::survey;
use crate::versions::Choice;

/// The image of the container; any stock Envoy from 1.35 on will do.
pub(super) const IMAGE: &str = "docker.io/envoyproxy/envoy:distroless-v1.40.0";
/// What to do about a port that the health listener has.
const ANOTHER_PORT: &str = "listen on another one";
/// What injecting a bare pod needs.
const RIGHTS: [Right; 7] = [
    ("get", "pods"),
    ("list", "pods"),
    ("create", "pods"),
    ("delete", "pods"),
    ("get", "configmaps"),
    ("create", "configmaps"),
    ("patch", "configmaps"),
];

/// What leading Services elsewhere needs.
pub(super) const SERVICE_RIGHTS: [Right; 2] =
    [("patch", "services"), ("list", "endpointslices.discovery.k8s.io")];

/// Put an Envoy ambassador into a pod, or into the pods of a workload
#[derive(clap::Args)]
// Others are made of it, and groups must have different names.
#[group(skip)]
#[command(
    after_help = "Without --port and -c, port 80 is mapped to the port that the pod's program listens on.

Examples:
  # Let clients reach fruit-service on port 80, whatever port it listens on
  kubectl ambassador inject fruit-service

  # Two ports, and JSON answers reshaped
  kubectl ambassador inject fruit-service --port 80:8775 --port 9102:8775 --jq '{fruits: .}'

  # Into all pods of a deployment: the rollout is watched, and taken back if it fails
  kubectl ambassador inject deploy/web

  # Manifests in a pipe: nothing but what is ours changes, and no cluster is called
  kubectl ambassador inject -f - < manifests.yaml > injected.yaml

  # In place of the HAProxy that somebody put there by hand, with what its config says
  kubectl ambassador inject fruit-service --replace haproxy-ambassador

  # With rules from a file; see first what would happen
  kubectl ambassador inject fruit-service -c ambassador.yaml --dry-run=server -o yaml"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) target: target::Args,

    #[command(flatten)]
    pub(super) files: pipe::Files,

    #[command(flatten)]
    pub(super) source: source::Args,

    /// Container of another proxy, HAProxy, that the ambassador takes the place of: its config is converted unless -c
    /// names one
    #[arg(long, value_name = "CONTAINER", conflicts_with_all = ["ports", "jq"])]
    pub(super) replace: Option<String>,

    /// Replace it also where something that it did has no equivalent
    #[arg(long, requires = "replace")]
    pub(super) allow_loss: bool,

    #[command(flatten)]
    pub(super) change: Flags,

    /// Envoy image, 1.35 or newer; a digest is allowed
    #[arg(long, value_name = "IMAGE", value_parser = names::image, default_value = IMAGE)]
    pub(super) image: String,

    /// The form of the ambassador's container
    #[arg(long, value_enum, value_name = "FORM", default_value = "auto")]
    pub(super) sidecar: Choice,

    #[command(flatten)]
    pub(super) resources: ResourceFlags,

    /// Name of the ConfigMap with the config [default: NAME-ambassador-config, with a hash of the config for workloads]
    #[arg(long, value_name = "NAME", value_parser = names::config_map)]
    pub(super) config_map: Option<String>,

    /// Replace also what a newer version of this program has injected
    #[arg(long)]
    pub(super) allow_downgrade: bool,

    /// Take over fields of our ConfigMaps that somebody else has changed
    #[arg(long)]
    force_conflicts: bool,

    /// Module to use instead of the one inside this program
    #[arg(long, value_name = "FILE")]
    pub(super) plugin_file: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(super) pipe: pipe::Flags,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

impl Args {
    pub(super) fn permissions(&self) -> Permissions {
        Permissions { downgrade: self.allow_downgrade, loss: self.allow_loss, ..self.change.permissions() }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.files.are_given() { pipe::inject(args) } else { cluster::block_on(live(args)) }
}

async fn live(args: &Args) -> Result<()> {
    if args.target.all_namespaces {
        return Err(Failure::usage("inject works in one namespace at a time").hint(
            "name it with -n NAME: ports and rules that are right for one may be wrong for another; check takes -A",
        ));
    }
    // All that can be wrong on this side is known before the cluster is asked.
    let from_file = args.source.read()?.map(checked).transpose()?;
    let plugins = Plugins::load(args.plugin_file.as_deref())?;
    let cluster = args.cluster.connect().await?;
    let cluster = cluster.writing_as(&args.change.field_manager).forcing_conflicts(args.force_conflicts);
    let targets = target::resolve(&cluster, &args.target, &args.change.templates).await?;
    if targets.len() > 1 && args.config_map.is_some() {
        return Err(Failure::usage("--config-map names one ConfigMap, and this is about several objects")
            .hint("leave it out, or name one object"));
    }
    each(&args.change.output, targets, async |one| {
        let source = from_file.clone();
        match one {
            Target::Pod(live) => pod(args, &cluster, live, source, &plugins).await,
            Target::Workload(workload) => {
                workload::run(args, &cluster, *workload, source.as_ref(), &plugins).await
            }
        }
    })
    .await
}

/// The config that is converted from that of the container which is to be replaced, unless one is named.
async fn converted(args: &Args, cluster: &Cluster, object: &Value, template: &str) -> Result<Option<Source>> {
    let Some(name) = args.replace.as_deref() else { return Ok(None) };
    let original = plan::original(object, template)?;
    let container = replace::container(&original, template, Some(name))?;
    if args.source.config.is_some() {
        return Ok(None);
    }
    replace::live(cluster, &original, template, &container).await?.source().map(Some)
}

/// The container that the ambassador takes the place of, now or since it was injected.
fn replaced<'a>(args: &'a Args, injected: Option<&'a Injected>) -> Option<&'a str> {
    args.replace.as_deref().or_else(|| injected.and_then(Injected::replaced))
}

/// A config whose port map leaves the health listener its port.
pub(super) fn checked(source: Source) -> Result<Source> {
    source.refuse_health_port(HEALTH_PORT, ANOTHER_PORT)?;
    Ok(source)
}

/// Injects a bare pod, which is recreated for it.
async fn pod(
    args: &Args,
    cluster: &Cluster,
    live: Value,
    from_file: Option<Source>,
    plugins: &Plugins,
) -> Result<()> {
    journal::refuse_unfinished(&cluster.server, &cluster.namespace, text(&live, "/metadata/name"))?;
    let mut world = survey::around(cluster, &live).await;
    world.is_asked = true;
    findings::refuse(&findings::all(&outlook::bare(args, &live, ""), &world))?;
    let name = text(&live, "/metadata/name").to_owned();
    let prospect = outlook::of_pod(args, cluster, &live, &mut world, from_file, plugins).await?;
    findings::refuse(&prospect.findings)?;
    let Prospect { plan, plugin, options, source, how, old, injected, in_front, findings, sidecar } =
        prospect;
    let is_done = plan.is_done(&live) && config_is_there(cluster, &plan).await?;
    if is_done && !in_front.has_to_switch(cluster).await? {
        return output::done(&plan.objects(), &name, Outcome::Unchanged, &args.change.output);
    }
    explain_pod(&format!("pod/{name}"), is_done, (&source, &how), &options, &plugin);
    sidecar.explain(&plan);
    in_front.explain();
    findings::warn(&findings);
    if args.change.dry_run == DryRun::Client {
        return output::done(&plan.objects(), &name, Outcome::DryRun("injected"), &args.change.output);
    }
    prove(cluster, &plan, &old).await?;
    if args.change.dry_run == DryRun::Server {
        return output::done(&plan.objects(), &name, Outcome::ServerDryRun("injected"), &args.change.output);
    }
    if in_front.is_concerned() {
        refuse_missing_rights(cluster, &SERVICE_RIGHTS).await?;
    }
    rollout::prove(cluster, &in_front.all()).await?;
    let replaced = async {
        in_front.prepare(cluster, &plan, &source).await?;
        if is_done {
            return Ok(());
        }
        let entry = entry(args, cluster, &plan, (&live, &old), &source, injected).await?;
        let Flags { timeout, no_rollback, wait, .. } = args.change;
        let journal = Journal::begin(entry)?;
        let rollback = !no_rollback;
        let work = Work { cluster, journal, timeout, rollback, wait, interrupt: Interrupt::listen() };
        work.replace(&live, &[&plan.plugin, &plan.config_map]).await
    };
    if let Err(failure) = replaced.await {
        let are_as_before = in_front.switches.before.is_empty();
        return Err(if are_as_before { failure } else { undone(cluster, &old, failure).await });
    }
    let shown = format!("pod/{name}");
    if !is_done && !args.change.wait {
        in_front.remind(&format!("{shown} is ready"));
        return output::done(&plan.objects(), &name, Outcome::Done("injected"), &args.change.output);
    }
    let led = in_front.lead(cluster, &plan, &source, &shown).await;
    led.map_err(|failure| not_all_led(&shown, failure))?;
    output::done(&plan.objects(), &name, Outcome::Done("injected"), &args.change.output)
}

/// Unless a person names one, the ConfigMap of an injected pod stays what it is.
fn config_map_for(args: &Args, live: &Value, injected: Option<&Injected>, source: &Source) -> String {
    let chosen = args.config_map.clone();
    chosen
        .or_else(|| injected.map(|injected| injected.config_map.clone()))
        .unwrap_or_else(|| plan::config_map_name(live, "", source))
}

fn explain_pod(
    shown: &str,
    is_done: bool,
    (source, how): (&Source, &str),
    options: &Options,
    plugin: &Plugin,
) {
    let first = if is_done {
        format!("{shown} has the container {} already:", plan::CONTAINER)
    } else {
        format!("{shown} will be recreated with the container {}, {}:", plan::CONTAINER, options.image)
    };
    explain(&first, source, how, options, plugin);
}

/// Everything that can be known to fail before anything is changed.
async fn prove(cluster: &Cluster, plan: &Plan, old: &Value) -> Result<()> {
    refuse_missing_rights(cluster, &RIGHTS).await?;
    cluster.apply_config_map(&plan.plugin, Mode::DryRun).await?;
    cluster.apply_config_map(&plan.config_map, Mode::DryRun).await?;
    recreate::prove(cluster, old, &plan.injected).await
}

/// All that is needed to finish, or to undo, what comes next.
async fn entry(
    args: &Args,
    cluster: &Cluster,
    plan: &Plan,
    (live, old): (&Value, &Value),
    source: &Source,
    injected: Option<Injected>,
) -> Result<Entry> {
    let [config, plugin] = [&plan.config_map, &plan.plugin].map(|map| text(map, "/metadata/name").to_owned());
    let mut needed = vec![Needed { name: config.clone(), before: cluster.config_map(&config).await? }];
    // Named by its content, so one that is there is as it should be.
    if cluster.config_map(&plugin).await?.is_none() {
        needed.push(Needed { name: plugin.clone(), before: None });
    }
    let mut leftovers = injected.map_or_else(Vec::new, |before| vec![before.config_map, before.plugin]);
    leftovers.retain(|name| *name != config && *name != plugin);
    let (uid, mut new) = (text(live, "/metadata/uid"), plan.injected.clone());
    Injected::note_replaced(&mut new, uid)?;
    Ok(Entry {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server: cluster.server.clone(),
        namespace: cluster.namespace.clone(),
        flags: cluster.flags.clone(),
        pod: text(live, "/metadata/name").to_owned(),
        uid: uid.to_owned(),
        manager: cluster.field_manager.clone(),
        done: "injected".to_owned(),
        step: Step::Prepared,
        config: Some(source.text.clone()),
        keeps_services: args.change.keep_services,
        needed,
        leftovers,
        old: old.clone(),
        new,
    })
}

fn explain(first: &str, source: &Source, found: &str, options: &Options, plugin: &Plugin) {
    let ambassador = &source.loaded.ambassador;
    say(first);
    for port in &ambassador.ports {
        let tcp = if port.is_tcp() { " (tcp)" } else { "" };
        say(&format!("  port {} -> {}{tcp}{found}", port.listener, port.shown()));
    }
    match ambassador.rules.len() {
        0 => say("  no rules: answers pass as they are"),
        1 => say("  1 rule"),
        count => say(&format!("  {count} rules")),
    }
    say(&format!("  configmaps {} and {} ({})", options.config_map, plugin.config_map(), plugin.flavour()));
}

async fn config_is_there(cluster: &Cluster, plan: &Plan) -> Result<bool> {
    for wanted in [&plan.config_map, &plan.plugin] {
        let there = cluster.config_map(text(wanted, "/metadata/name")).await?;
        let same = |key: &str| there.as_ref().and_then(|map| map.get(key)) == wanted.get(key);
        if !(same("data") && same("binaryData")) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ports that something but us listens on in the pod; `None` if that cannot be seen. The ports of what is replaced are
/// ours from then on.
async fn listening_of_others(
    cluster: &Cluster,
    live: &Value,
    injected: Option<&Injected>,
    replacing: Option<&Source>,
) -> Option<Vec<u16>> {
    let listening = discover::listening(cluster, "the pod", live).await.ok()?;
    let mut ours = injected.map(|injected| injected.listens.clone()).unwrap_or_default();
    let ports = replacing.iter().flat_map(|source| source.loaded.ambassador.ports.iter());
    ours.extend(ports.map(|port| port.listen));
    Some(listening.into_iter().filter(|port| !ours.contains(port)).collect())
}
