//! Probes and hooks of the legacy containers, which ask ports of the pod by number or by name.

use serde_json::Value;

use super::{Code, Finding, Subject, World};
use crate::plan::{ASKED_BY, list, text};

pub(super) fn find(subject: &Subject<'_>, _: &World) -> Vec<Finding> {
    let (Some(map), Some(planned)) = (subject.ports(), subject.planned()) else { return Vec::new() };
    let mut found = Vec::new();
    for (index, container) in list(subject.original(), "/spec/containers").iter().enumerate() {
        for asked_by in ASKED_BY {
            for how in ["httpGet", "tcpSocket", "grpc"] {
                let at = format!("{asked_by}/{how}/port");
                let Some(port) = container.pointer(&at) else { continue };
                let who = format!("the {} of container {}", word(asked_by), text(container, "/name"));
                let after = planned.pointer(&format!("/spec/containers/{index}{at}"));
                if let Some(name) = port.as_str() {
                    found.extend(by_name(subject, &who, name, after));
                } else if port
                    .as_u64()
                    .is_some_and(|asked| map.iter().any(|own| u64::from(own.listen) == asked))
                {
                    let message = format!("{who} asks port {port}, which will be the ambassador's");
                    let hint = "let it ask the program's own port, or map another port";
                    found.push(subject.warning(Code::ProbeTaken, message).hint(hint));
                }
            }
        }
    }
    found
}

fn by_name(subject: &Subject<'_>, who: &str, name: &str, after: Option<&Value>) -> Option<Finding> {
    let number = after?.as_u64()?;
    let message =
        format!("{who} asks the port {name}, whose name becomes the ambassador's: it will ask {number}");
    Some(subject.info(Code::ProbeByName, message))
}

/// `/lifecycle/preStop` is a preStop hook.
fn word(asked_by: &str) -> String {
    match asked_by.rsplit_once('/') {
        Some(("/lifecycle", hook)) => format!("{hook} hook"),
        Some((_, probe)) => probe.to_owned(),
        None => asked_by.to_owned(),
    }
}
