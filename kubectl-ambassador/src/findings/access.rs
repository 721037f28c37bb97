//! The cluster and who asks it: rights, versions, and what could not be seen.

use super::{Code, Finding, Severity, Subject, Unseen, World};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        rights(&subject.name(), subject.namespace(), &world.missing_rights).into_iter().collect();
    found.extend(no_native_sidecars(subject, world));
    for is_namespaced in [true, false] {
        found.extend(unseen(subject, world, is_namespaced));
    }
    found
}

/// What one may not see is told at once; a reason of its own is told of its own.
fn unseen(subject: &Subject<'_>, world: &World, is_namespaced: bool) -> Vec<Finding> {
    let severity = if is_namespaced { Severity::Warning } else { Severity::Info };
    let finding = |message: String| Finding::new(Code::Unseen, severity, &subject.name(), message);
    let of_scope = world.unseen.iter().filter(|unseen| unseen.namespaced == is_namespaced);
    let (hidden, failed): (Vec<&Unseen>, Vec<&Unseen>) = of_scope.partition(|unseen| unseen.why.is_none());
    let mut found = Vec::new();
    if !hidden.is_empty() {
        let rights: Vec<&str> = hidden.iter().map(|unseen| unseen.right.as_str()).collect();
        let message = format!("not all could be looked at, since you may not: {}", rights.join(", "));
        found.push(finding(message));
    }
    found.extend(failed.iter().map(|unseen| {
        finding(format!("{} could not be seen: {}", unseen.what, unseen.why.as_deref().unwrap_or_default()))
    }));
    found
}

fn no_native_sidecars(subject: &Subject<'_>, world: &World) -> Option<Finding> {
    let minor = world.minor.filter(|&minor| minor < 29)?;
    // A plain container needs none.
    subject.plan.filter(|plan| plan.is_native())?;
    let message = format!("the cluster is Kubernetes 1.{minor}, which has no native sidecars");
    Some(
        subject
            .warning(Code::NoNativeSidecars, message)
            .hint("leave --sidecar to what the cluster can do: a plain container"),
    )
}

/// Rights that are needed and missing.
pub(crate) fn rights(object: &str, namespace: &str, missing: &[String]) -> Option<Finding> {
    let message = format!("in namespace {namespace} you may not: {}", missing.join(", "));
    let finding = Finding::new(Code::Rights, Severity::Error, object, message);
    (!missing.is_empty()).then(|| finding.hint("ask for a role that has these rights"))
}
