//! Finds what a person means: by name, by type and name, or by labels.

mod words;

use serde_json::Value;

use crate::cluster::{Cluster, Resource};
use crate::failure::{Failure, Result};
use crate::journal;
use crate::offline::Selection;
use crate::output::{self, say};
use crate::plan::text;
use crate::rollout::{Led, Target, lead};
use crate::signals::Interrupt;
use crate::workload::{KINDS, Kind};
use words::{Wanted, wanted};

/// What a command is about, in kubectl's words.
#[derive(Default, clap::Args)]
// Its name is that of the arguments it is flattened into, and groups must have different ones.
#[group(skip)]
pub(super) struct Args {
    /// Pods and workloads: TYPE/NAME ..., TYPE NAME ..., or the NAME of a pod or else of a workload
    #[arg(value_name = "TYPE/NAME", add = crate::completion::targets())]
    pub(super) words: Vec<String>,

    /// All with these labels, such as app=web; of a TYPE, or of all
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub(super) selector: Option<String>,

    /// All in the namespace; of a TYPE, or of all
    #[arg(long, conflicts_with = "selector")]
    pub(super) all: bool,

    /// In all namespaces; with -l or --all, of a TYPE or of all
    #[arg(short = 'A', long, hide = true)]
    pub(super) all_namespaces: bool,
}

impl Args {
    /// Whether nothing is named.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.selector.is_none() && !self.all
    }
}

/// Everything that is meant, each once and led to its owner, or an error that says what there is instead.
pub(super) async fn resolve(
    cluster: &Cluster,
    args: &Args,
    templates: &[(String, String)],
) -> Result<Vec<Target>> {
    let found = resolve_any(cluster, args, templates).await?;
    if found.is_empty() {
        let what =
            args.selector.as_ref().map_or(String::new(), |labels| format!(" with the labels {labels}"));
        let place = if args.all_namespaces {
            "any namespace".to_owned()
        } else {
            format!("namespace {}", cluster.namespace)
        };
        return Err(Failure::unchanged(format!("nothing{what} makes pods in {place}"))
            .hint("-n NAME chooses another namespace; `kubectl get all --show-labels` shows what there is"));
    }
    Ok(found)
}

/// Everything that is meant, or nothing, where nothing is there. What is named must be there.
pub(super) async fn resolve_any(
    cluster: &Cluster,
    args: &Args,
    templates: &[(String, String)],
) -> Result<Vec<Target>> {
    let mut targets = Targets::default();
    match wanted(args)? {
        Wanted::Named(all) => {
            for (kind, name) in &all {
                targets.add(find(cluster, kind.as_deref(), name, templates).await?);
            }
        }
        Wanted::Selected(words) => {
            let kinds = KINDS
                .iter()
                .filter(|kind| words.is_empty() || words.iter().any(|word| Kind::named(word) == Some(*kind)));
            for kind in kinds {
                let (resource, labels) = (Resource::of(kind), args.selector.as_deref());
                if args.all_namespaces {
                    for object in cluster.objects_everywhere(&resource, labels).await? {
                        targets.add_of_any(cluster, &resource, object, templates).await;
                    }
                } else {
                    for object in cluster.objects(&resource, labels).await? {
                        targets.add(lead(cluster, resource.clone(), object, templates).await?);
                    }
                }
            }
        }
    }
    Ok(targets.found)
}

/// Whether a word can be TYPE/NAME.
pub(super) fn names_one(word: &str) -> bool {
    let args = Args { words: vec![word.to_owned()], ..Args::default() };
    word.contains('/')
        && matches!(wanted(&args), Ok(Wanted::Named(named)) if named.iter().all(|(kind, _)| {
            kind.as_deref().is_some_and(|kind| Kind::named(kind).is_some() || kind.contains('.'))
        }))
}

/// The one object that a word names.
pub(super) async fn one(cluster: &Cluster, word: &str) -> Result<Target> {
    let args = Args { words: vec![word.to_owned()], ..Args::default() };
    let found = resolve(cluster, &args, &[]).await?;
    found.into_iter().next().ok_or_else(|| Failure::usage(format!("{word} names nothing")))
}

/// The same words about a file, where no name means everything.
pub(super) fn selection(args: &Args, templates: &[(String, String)]) -> Result<Selection> {
    let all = Selection::all(templates);
    if args.words.is_empty() && args.selector.is_none() {
        return Ok(all);
    }
    let mut selection = all;
    match wanted(args)? {
        Wanted::Named(named) => selection.named = named,
        Wanted::Selected(types) => selection.types = types,
    }
    args.selector.iter().try_fold(selection, |selection, labels| selection.with_labels(labels))
}

/// Does the same to each target, up to the first that fails, since what broke one may well break all, or until a person
/// has had enough.
pub(super) async fn each(
    output: &output::Args,
    targets: Vec<Target>,
    mut act: impl AsyncFnMut(Target) -> Result<()>,
) -> Result<()> {
    let mut names: Vec<String> = targets.iter().map(Target::shown).rev().collect();
    let mut result = Ok(());
    let mut done = Vec::new();
    for target in targets {
        Interrupt::between();
        if Interrupt::came() {
            result = Err(Failure::unchanged("interrupted"));
            break;
        }
        let name = names.pop().unwrap_or_default();
        result = act(target).await;
        if result.is_err() {
            break;
        }
        done.push(name);
    }
    if let Err(failure) = result {
        names.reverse();
        if !done.is_empty() {
            say(&format!("done before that: {}", done.join(", ")));
        }
        if !names.is_empty() {
            say(&format!("not tried after that: {}", names.join(", ")));
        }
        if let Err(untold) = output.finish() {
            untold.say();
        }
        return Err(if output.has_changed() { failure.after_others() } else { failure });
    }
    output.finish()
}

/// What was found so far.
#[derive(Default)]
struct Targets {
    found: Vec<Target>,
    uids: Vec<String>,
}

impl Targets {
    /// In a whole cluster there is always something that nobody can act on, such as the pods of nodes: it is told.
    async fn add_of_any(
        &mut self,
        cluster: &Cluster,
        resource: &Resource,
        object: Value,
        templates: &[(String, String)],
    ) {
        let namespace = text(&object, "/metadata/namespace").to_owned();
        match lead(&cluster.within(&namespace), resource.clone(), object, templates).await {
            Ok(led) => self.add(led),
            Err(failure) => say(&format!("note: left out in namespace {namespace}: {}", failure.message())),
        }
    }

    /// Pods of one workload lead to it, once.
    fn add(&mut self, led: Led) {
        let uid = match &led.target {
            Target::Pod(pod) => text(pod, "/metadata/uid"),
            Target::Workload(workload) => text(&workload.object, "/metadata/uid"),
        };
        if self.uids.iter().any(|known| known == uid) {
            return;
        }
        if let Some(line) = &led.line {
            say(line);
        }
        self.uids.push(uid.to_owned());
        self.found.push(led.target);
    }
}

/// One object, by its name.
async fn find(
    cluster: &Cluster,
    kind: Option<&str>,
    name: &str,
    templates: &[(String, String)],
) -> Result<Led> {
    let resource = match kind {
        None => return by_name(cluster, name, templates).await,
        Some(word) => match Kind::named(word) {
            Some(kind) => Resource::of(kind),
            None => cluster.discover(word).await?.ok_or_else(|| unknown(word))?,
        },
    };
    match cluster.object(&resource, name).await? {
        Some(object) => lead(cluster, resource, object, templates).await,
        None if resource == Resource::pods() => Err(no_pod(cluster, name).await),
        None => Err(Failure::unchanged(format!(
            "{} \"{name}\" not found in namespace {}",
            resource.printed(),
            cluster.namespace
        ))
        .hint("-n NAME chooses another namespace")),
    }
}

fn unknown(word: &str) -> Failure {
    let kinds: Vec<String> = KINDS.iter().map(|kind| kind.name.to_lowercase()).collect();
    Failure::usage(format!("`{}` is not a kind that makes pods", word.escape_debug())).hint(format!(
        "one of {}; or another one with its group, such as rollouts.argoproj.io/NAME, and --pod-template-path",
        kinds.join(", ")
    ))
}

/// The pod of that name, else the one workload of that name.
async fn by_name(cluster: &Cluster, name: &str, templates: &[(String, String)]) -> Result<Led> {
    if let Some(pod) = cluster.object(&Resource::pods(), name).await? {
        return lead(cluster, Resource::pods(), pod, templates).await;
    }
    match cluster.workloads(name).await?.as_slice() {
        [] => Err(no_pod(cluster, name).await),
        [one] => {
            let (kind, name) = one.split_once('/').unwrap_or((one, name));
            Box::pin(find(cluster, Some(kind), name, templates)).await
        }
        several => Err(Failure::unchanged(format!(
            "{name} is ambiguous in namespace {}: {}",
            cluster.namespace,
            several.join(", ")
        ))
        .hint("say which one, as TYPE/NAME")),
    }
}

async fn no_pod(cluster: &Cluster, name: &str) -> Failure {
    let namespace = &cluster.namespace;
    // It may be missing because a change of it was cut off.
    if let Err(unfinished) = journal::refuse_unfinished(&cluster.server, namespace, name) {
        return unfinished;
    }
    let failure = Failure::unchanged(format!("pod \"{name}\" not found in namespace {namespace}"));
    // Without the right to list there are no suggestions, and the error is as true.
    let pods = cluster.pods().await.unwrap_or_default();
    let names: Vec<&str> = pods.iter().map(|pod: &Value| text(pod, "/metadata/name")).collect();
    let similar: Vec<&str> =
        names.iter().copied().filter(|other| other.contains(name) || name.contains(other)).take(5).collect();
    match (similar.as_slice(), names.as_slice()) {
        ([], []) => {
            failure.hint(format!("there are no pods in namespace {namespace}; -n NAME chooses another one"))
        }
        ([], names) => failure
            .hint(format!("pods there: {}", names.iter().copied().take(10).collect::<Vec<_>>().join(", "))),
        (similar, _) => failure.hint(format!("did you mean {}?", similar.join(" or "))),
    }
}
