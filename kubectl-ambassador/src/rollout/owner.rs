//! From a pod or a ReplicaSet that something else has made to the workload that a change has to be made in.

use serde_json::Value;

use super::Workload;
use crate::cluster::{Cluster, Resource};
use crate::failure::{Failure, Result};
use crate::plan::{list, text};
use crate::workload::{Kind, Update, name_of, template};

/// What a command is about.
pub(crate) enum Target {
    /// A pod that nothing else makes.
    Pod(Value),
    /// Whatever makes pods.
    Workload(Box<Workload>),
}

impl Target {
    /// The namespace that it is in.
    pub(crate) fn namespace(&self) -> &str {
        let object = match self {
            Self::Pod(pod) => pod,
            Self::Workload(workload) => &workload.object,
        };
        text(object, "/metadata/namespace")
    }

    /// The object, and the JSON pointer of the pod in it.
    pub(crate) fn pod(&self) -> (&Value, &str) {
        match self {
            Self::Pod(pod) => (pod, ""),
            Self::Workload(workload) => (&workload.object, &workload.template),
        }
    }

    /// `deployment/web`: what messages call it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Pod(pod) => format!("pod/{}", text(pod, "/metadata/name")),
            Self::Workload(workload) => workload.shown(),
        }
    }
}

/// Where kinds that no table of ours knows have their pod templates: `rollouts.argoproj.io` and a JSON pointer.
pub(crate) type Templates = [(String, String)];

/// What an object has led to.
pub(crate) struct Led {
    /// What the command is about.
    pub(crate) target: Target,
    /// What people are to be told, if it is not the object itself.
    pub(crate) line: Option<String>,
}

/// From an object to what makes it, as far up as that goes.
pub(crate) async fn lead(
    cluster: &Cluster,
    resource: Resource,
    object: Value,
    templates: &Templates,
) -> Result<Led> {
    let (mut resource, mut object) = (resource, object);
    let first = name_of(&object);
    let mut last = first.clone();
    while let Some(owner) = controller(&object) {
        let Some((kind, found)) = read(cluster, owner, templates).await? else {
            return Err(unknown_owner(&last, owner));
        };
        (resource, object) = (kind, found);
        last = name_of(&object);
    }
    let line = (last != first).then(|| format!("{first} belongs to {last}, so this is about {last}"));
    Ok(Led { target: target(resource, object, templates)?, line })
}

fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)
}

/// The owner itself; `None` if it is of a kind of which nobody said where its pod template is.
async fn read(cluster: &Cluster, owner: &Value, templates: &Templates) -> Result<Option<(Resource, Value)>> {
    let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
    let resource = if let Some(kind) = Kind::of(owner) {
        Some(Resource::of(kind))
    } else {
        let group = text(owner, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
        let found = cluster.discover(&format!("{kind}.{group}")).await?;
        found.filter(|found| pointer(found, templates).is_some())
    };
    let Some(resource) = resource else { return Ok(None) };
    match cluster.object(&resource, name).await? {
        Some(object) if text(&object, "/metadata/uid") == text(owner, "/uid") => Ok(Some((resource, object))),
        // It was deleted, and what it made goes next.
        _ => {
            Err(Failure::unchanged(format!("{} {name}, which it belongs to, has gone", kind.to_lowercase())))
        }
    }
}

fn unknown_owner(object: &str, owner: &Value) -> Failure {
    let (version, kind, name) = (text(owner, "/apiVersion"), text(owner, "/kind"), text(owner, "/name"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let kind = kind.to_lowercase();
    Failure::unchanged(format!(
        "{object} belongs to {kind}/{name} ({version}), which would make a new one without ambassador"
    ))
    .hint(format!("say where its pod template is: --pod-template-path {kind}.{group}=/spec/template"))
}

fn target(resource: Resource, object: Value, templates: &Templates) -> Result<Target> {
    let known = Kind::of(&object);
    if known.is_some_and(Kind::is_pod) {
        return Ok(Target::Pod(object));
    }
    let shown = name_of(&object);
    let (pointer, update) = match (known, pointer(&resource, templates)) {
        (Some(kind), _) => (kind.template.to_owned(), kind.update),
        (None, Some(pointer)) => (pointer, Update::Rollout),
        (None, None) => {
            let kind = resource.printed();
            return Err(Failure::usage(format!("{shown} is of a kind whose pod template is not known"))
                .hint(format!("say where it is: --pod-template-path {kind}=/spec/template")));
        }
    };
    template(&object, &pointer)?;
    Ok(Target::Workload(Box::new(Workload { resource, object, template: pointer, update })))
}

fn pointer(resource: &Resource, templates: &Templates) -> Option<String> {
    let named = |word: &str| {
        [resource.printed(), resource.in_rights()].iter().any(|name| name.eq_ignore_ascii_case(word))
    };
    templates.iter().find(|(word, _)| named(word)).map(|(_, pointer)| pointer.clone())
}
