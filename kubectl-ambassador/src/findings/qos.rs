//! What the ambassador does to a pod's class of quality of service.

use super::{Code, Finding, Subject, World};
use crate::plan::Class;

pub(super) fn find(subject: &Subject<'_>, _: &World) -> Vec<Finding> {
    let Some(planned) = subject.planned() else { return Vec::new() };
    let (before, after) = (Class::of(subject.original()), Class::of(planned));
    // Who becomes more than it was is evicted later, which is no loss.
    if before != Class::Guaranteed || after == before {
        return Vec::new();
    }
    let message = format!("the pod is {} and becomes {}", before.name(), after.name());
    let hint = "what is kept for the ambassador, and what it may use at most, must be the same for that";
    vec![subject.warning(Code::Class, message).hint(hint)]
}
