//! The object itself: whether an ambassador can be put into it at all.

use serde_json::Value;

use super::{Code, Finding, Subject, World};
use crate::annotation::Injected;
use crate::plan::{self, list, text};
use crate::workload::{Kind, Update};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let mut found = Vec::new();
    if subject.is_pod() {
        found.extend(owned(subject));
        found.extend(mirror(subject));
        found.extend(finalizers(subject));
        found.extend(node_gone(subject, world));
    }
    found.extend(terminating(subject));
    found.extend(immutable(subject));
    found.extend(pod(subject));
    found.extend(injected(subject));
    found.extend(config_map_taken(subject, world));
    found
}

fn owned(subject: &Subject<'_>) -> Option<Finding> {
    let owners = list(subject.object, "/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let (kind, owner) = (text(owner, "/kind"), text(owner, "/name"));
    let message = format!(
        "{} belongs to {kind}/{owner}, which would make a new one without ambassador",
        subject.name()
    );
    // The node owns the mirrors of its static pods; that is told of its own.
    (kind != "Node").then(|| subject.error(Code::Owned, message).hint("inject what makes it"))
}

fn mirror(subject: &Subject<'_>) -> Option<Finding> {
    subject.object.pointer("/metadata/annotations/kubernetes.io~1config.mirror")?;
    let message = format!("{} is the mirror of a static pod", subject.name());
    Some(subject.error(Code::Mirror, message).hint("edit its file on the node"))
}

fn terminating(subject: &Subject<'_>) -> Option<Finding> {
    subject.object.pointer("/metadata/deletionTimestamp")?;
    Some(subject.error(Code::Terminating, format!("{} is being deleted", subject.name())))
}

fn finalizers(subject: &Subject<'_>) -> Option<Finding> {
    let finalizer = list(subject.object, "/metadata/finalizers").first().and_then(Value::as_str)?;
    let name = subject.name();
    let message = format!("{name} has the finalizer {finalizer}, so it cannot be recreated at once");
    Some(
        subject
            .error(Code::Finalizers, message)
            .hint("what has set the finalizer must let go of the pod first"),
    )
}

fn node_gone(subject: &Subject<'_>, world: &World) -> Option<Finding> {
    let name = text(subject.object, "/spec/nodeName");
    let is_hidden = world.unseen.iter().any(|unseen| unseen.what == format!("node/{name}"));
    if name.is_empty() || is_hidden || !world.is_live {
        return None;
    }
    let node = world.nodes.iter().find(|node| text(node, "/metadata/name") == name);
    let ready = |node: &&Value| {
        let mut conditions = list(node, "/status/conditions").iter();
        conditions
            .any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True")
    };
    let what = match node {
        None => "is gone",
        Some(node) if !ready(&node) => "is not ready",
        Some(_) => return None,
    };
    let message =
        format!("{} is on node {name}, which {what}: deleting the pod may take for ever", subject.name());
    Some(subject.error(Code::NodeGone, message).hint("wait for the node, or delete the pod by hand"))
}

fn immutable(subject: &Subject<'_>) -> Option<Finding> {
    let exists = subject.object.pointer("/metadata/uid").is_some();
    let never = Kind::of(subject.object).is_some_and(|kind| kind.update == Update::Never);
    let message = format!("{} exists, and the pod template of what exists cannot be changed", subject.name());
    (exists && never).then(|| {
        subject
            .error(Code::Immutable, message)
            .hint("inject its manifest by `inject -f FILE`, and create it anew")
    })
}

fn pod(subject: &Subject<'_>) -> Vec<Finding> {
    let (name, pod) = (subject.name(), subject.pod());
    let mut found = Vec::new();
    if pod.pointer("/spec/hostNetwork") == Some(&Value::Bool(true)) {
        let message =
            format!("{name} uses its node's network, where the ambassador's ports would be the node's");
        found.push(subject.error(Code::HostNetwork, message));
    }
    if text(pod, "/spec/os/name") == "windows" {
        let message = format!("{name} is for Windows, for which there is no Envoy image");
        found.push(subject.error(Code::Windows, message));
    }
    if list(pod, "/spec/containers").is_empty() {
        found.push(subject.error(Code::NoContainers, format!("{name} has no containers")));
    }
    if pod.pointer("/spec/shareProcessNamespace") == Some(&Value::Bool(true)) {
        let message = format!(
            "the containers of {name} share their processes: they can see the ambassador's, and signal them if they are root"
        );
        found.push(subject.warning(Code::SharedProcesses, message));
    }
    found
}

fn injected(subject: &Subject<'_>) -> Option<Finding> {
    let name = subject.name();
    match Injected::of(subject.pod()) {
        Err(failure) => {
            let hint = "it was made by another version, or edited; use the version that injected it";
            Some(subject.error(Code::Unreadable, format!("{name}: {}", failure.message())).hint(hint))
        }
        Ok(None) => name_taken(subject),
        Ok(Some(injected)) if injected.is_newer() && !subject.permissions.downgrade => {
            let message = format!(
                "{name} was injected by version {}, which is newer than this one, {}",
                injected.version,
                env!("CARGO_PKG_VERSION")
            );
            let hint = "use that version, or replace its work by this one's with --allow-downgrade";
            Some(subject.error(Code::Newer, message).hint(hint))
        }
        Ok(Some(_)) => None,
    }
}

fn name_taken(subject: &Subject<'_>) -> Option<Finding> {
    let pod = subject.pod();
    let mut containers = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    let mut volumes = list(pod, "/spec/volumes").iter();
    let (what, name) = if containers.any(|container| text(container, "/name") == plan::CONTAINER) {
        ("container", plan::CONTAINER)
    } else {
        let volume = volumes.find(|volume| plan::VOLUMES.contains(&text(volume, "/name")))?;
        ("volume", text(volume, "/name"))
    };
    let message = format!(
        "{} has a {what} of a name that the ambassador needs, {name}, but was not injected",
        subject.name()
    );
    Some(subject.error(Code::NameTaken, message).hint(format!("give the {what} another name")))
}

fn config_map_taken(subject: &Subject<'_>, world: &World) -> Option<Finding> {
    let name = text(&subject.plan?.config_map, "/metadata/name");
    let there = world.config_maps.iter().find(|map| text(map, "/metadata/name") == name)?;
    let message = format!("configmap/{name} is there and was not made by this tool");
    let hint = "choose another name with --config-map NAME, or delete it if nothing needs it any more";
    (!plan::is_ours(there)).then(|| subject.error(Code::ConfigMapTaken, message).hint(hint))
}
