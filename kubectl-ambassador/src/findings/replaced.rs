//! What the proxy did that ours takes the place of, and that ours does not do.

use super::{Code, Finding, Subject, World};
use crate::haproxy::Kind;

pub(super) fn find(subject: &Subject<'_>, _: &World) -> Vec<Finding> {
    let Some(converted) = subject.source.and_then(|source| source.converted()) else { return Vec::new() };
    let (file, notes) = converted;
    let found = notes.iter().filter(|note| note.kind != Kind::Anyway).map(|note| {
        let message =
            format!("{file}:{}: `{}` {}: {}", note.line, note.directive, note.kind.title(), note.message);
        match note.kind {
            Kind::Lost if subject.permissions.loss => subject.warning(Code::Replaced, message),
            Kind::Lost => subject
                .error(Code::Replaced, message)
                .hint("write a config that does without, from what `convert` gives, and name it by -c; or --allow-loss"),
            _ => subject.info(Code::Replaced, message),
        }
    });
    found.collect()
}
