//! What a person allows, and what containers declare.

use ambassador_core::ports::PortMap;
use serde_json::Value;

use super::{list, sidecar, text};
use crate::annotation::Injected;
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::replace::is_haproxy;

/// What a person has allowed by flag.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Permissions {
    /// Data in emptyDir volumes may be lost.
    pub(crate) delete_emptydir_data: bool,
    /// What a newer version has made may be replaced.
    pub(crate) downgrade: bool,
    /// What another tool manages may be changed.
    pub(crate) force: bool,
    /// What the container did that is replaced may be lost.
    pub(crate) loss: bool,
    /// Services stay as they are.
    pub(crate) keep_services: bool,
}

/// Refuses what no ambassador can be put into, a pod or the pod template of a workload, which people know as `name`.
pub(crate) fn refuse_template(name: &str, pod: &Value) -> Result<()> {
    if pod.pointer("/spec/hostNetwork") == Some(&Value::Bool(true)) {
        return Err(Failure::unchanged(format!(
            "{name} uses its node's network, where the ambassador's ports would be the node's"
        )));
    }
    if text(pod, "/spec/os/name") == "windows" {
        return Err(Failure::unchanged(format!("{name} is for Windows, for which there is no Envoy image")));
    }
    refuse_our_names(name, pod)
}

/// Refuses to replace what a newer version of this program has made, unless that is wanted.
pub(crate) fn refuse_newer(name: &str, injected: Option<&Injected>, allow: bool) -> Result<()> {
    match injected {
        Some(injected) if injected.is_newer() && !allow => Err(Failure::unchanged(format!(
            "{name} was injected by version {}, which is newer than this one, {}",
            injected.version,
            env!("CARGO_PKG_VERSION")
        ))
        .hint("use that version, or replace its work by this one's with --allow-downgrade")),
        _ => Ok(()),
    }
}

fn refuse_our_names(name: &str, live: &Value) -> Result<()> {
    if Injected::of(live)?.is_some() {
        return Ok(());
    }
    let containers = list(live, "/spec/containers").iter().chain(list(live, "/spec/initContainers"));
    let mut taken =
        containers.filter(|container| text(container, "/name") == sidecar::CONTAINER).map(|_| "container");
    let volumes = list(live, "/spec/volumes");
    let mut taken_volumes =
        volumes.iter().filter(|volume| sidecar::VOLUMES.contains(&text(volume, "/name"))).map(|_| "volume");
    match taken.next().or_else(|| taken_volumes.next()) {
        Some(what) => Err(Failure::unchanged(format!(
            "{name} has a {what} of a name that the ambassador needs, but was not injected"
        ))),
        None => Ok(()),
    }
}

/// Refuses a port map whose ports another container has: the ports that `original` declares, and those that were
/// seen listening.
pub(crate) fn refuse_taken_ports(original: &Value, ports: &PortMap, listening: &[u16]) -> Result<()> {
    let wanted = ports.iter().map(|port| port.listen).chain([HEALTH_PORT]);
    for port in wanted {
        let Some((by, hint)) = taken_by(original, port, listening) else { continue };
        return Err(Failure::unchanged(format!("port {port} is taken: it is {by}")).hint(hint));
    }
    Ok(())
}

/// Who has a port in a pod already, and what to do then.
pub(crate) fn taken_by(pod: &Value, port: u16, listening: &[u16]) -> Option<(String, String)> {
    let another = "map another one, such as --port 8080:8775; clients then use that";
    let declared = declared_ports(pod).into_iter().find(|(_, declared)| *declared == port);
    let Some((container, _)) = declared else {
        let by = || ("listened on in the pod".to_owned(), another.to_owned());
        return listening.contains(&port).then(by);
    };
    let named = list(pod, "/spec/containers").iter().find(|one| text(one, "/name") == container);
    let hint = match named {
        Some(named) if is_haproxy(text(named, "/image")) => {
            format!("--replace {container} puts the ambassador in its place; or {another}")
        }
        _ => another.to_owned(),
    };
    Some((format!("declared by container {container}"), hint))
}

/// The TCP ports that containers declare, with the containers' names.
pub(crate) fn declared_ports(pod: &Value) -> Vec<(String, u16)> {
    let mut found = Vec::new();
    for container in list(pod, "/spec/containers") {
        for port in list(container, "/ports") {
            let tcp = matches!(text(port, "/protocol"), "" | "TCP");
            let number = port["containerPort"].as_u64().and_then(|number| u16::try_from(number).ok());
            if let Some(number) = number.filter(|_| tcp) {
                found.push((text(container, "/name").to_owned(), number));
            }
        }
    }
    found
}
