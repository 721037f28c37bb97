//! Finds the port that a pod's program listens on: declared, else where Services lead, else read from the kernel's table
//! by exec.

use ambassador_core::config;
use serde_json::Value;

use crate::annotation::Injected;
use crate::cluster::{Cluster, Resource};
use crate::failure::{Failure, Result};
use crate::findings::{self, Code};
use crate::plan::{self, CONTAINER, declared_ports, list, text};
use crate::source::{self, Source};

/// Where clients expect HTTP.
const DEFAULT_LISTEN: u16 = 80;

/// The config made of `--port` and `--jq`, of what the pod was injected with before, and of what is found. The text
/// says where the port was found. What is injected is `shown` to people, and has this name; `live` is one of its pods.
pub(in crate::commands) async fn source(
    cluster: &Cluster,
    (shown, name): (&str, &str),
    live: &Value,
    injected: Option<&Injected>,
    args: &source::Args,
) -> Result<(Source, String)> {
    let before = match injected {
        Some(injected) => earlier(cluster, injected).await?,
        None => None,
    };
    if let Some(before) = before {
        if args.ports.is_empty() && args.jq.is_none() {
            return Ok((before, String::new()));
        }
        let mut spec = before.loaded.config.spec;
        if !args.ports.is_empty() {
            spec.ports = args.port_map().ports;
        }
        return Ok((args.of_flags(name, spec)?, String::new()));
    }
    if !args.ports.is_empty() {
        return Ok((args.of_flags(name, args.port_map())?, String::new()));
    }
    let (target, found) = listening_port(cluster, shown, live, injected).await?;
    if target == DEFAULT_LISTEN {
        return Err(unknown(&format!("{shown} listens on port {DEFAULT_LISTEN} itself ({found})"))
            .hint("map another port to it, such as --port 8080:80"));
    }
    Ok((args.of_flags(name, default_map(target))?, format!(" ({found})")))
}

/// The config that the pod was injected with.
async fn earlier(cluster: &Cluster, injected: &Injected) -> Result<Option<Source>> {
    let Some(map) = cluster.config_map(&injected.config_map).await? else { return Ok(None) };
    let config = text(&map, "/data/ambassador.yaml");
    source::load(&format!("configmap/{}", injected.config_map), config.to_owned()).map(Some)
}

/// A port, and how it was found.
pub(in crate::commands) struct Found {
    pub(in crate::commands) port: u16,
    how: String,
}

/// Port 80, mapped to this one.
pub(in crate::commands) fn default_map(port: u16) -> config::Spec {
    source::spec(vec![source::mapped(DEFAULT_LISTEN, port)])
}

/// The port that the manifests tell: declared by a container, else where Services lead. `pod` is without an ambassador;
/// `ours` are the ports of the one that it had, where Services may lead by now.
pub(in crate::commands) fn declared(
    shown: &str,
    pod: &Value,
    services: &[Value],
    ours: &[u16],
) -> Result<Option<Found>> {
    let declared = declared_ports(pod);
    match declared.as_slice() {
        [(container, port)] => {
            return Ok(Some(Found { port: *port, how: format!("declared by container {container}") }));
        }
        [] => {}
        several => {
            let list: Vec<String> =
                several.iter().map(|(container, port)| format!("{port} of {container}")).collect();
            return Err(several_ports(shown, "declares", &list, several[0].1));
        }
    }
    let mut leads = findings::leads(services, pod);
    leads.retain(|lead| !ours.contains(&lead.target));
    let mut targets: Vec<u16> = leads.iter().map(|lead| lead.target).collect();
    targets.sort_unstable();
    targets.dedup();
    match (targets.as_slice(), leads.first()) {
        ([port], Some(lead)) => {
            Ok(Some(Found { port: *port, how: format!("where service/{} leads", lead.service) }))
        }
        ([], _) | (_, None) => Ok(None),
        (several, _) => {
            let list: Vec<String> = several.iter().map(u16::to_string).collect();
            Err(several_ports(shown, "is led to by Services on", &list, several[0]))
        }
    }
}

async fn listening_port(
    cluster: &Cluster,
    shown: &str,
    live: &Value,
    injected: Option<&Injected>,
) -> Result<(u16, String)> {
    let ours = injected.map(|injected| injected.listens.clone()).unwrap_or_default();
    // Who may not see Services still has the pod itself to look at.
    let services = cluster.objects(&Resource::services(), None).await.unwrap_or_default();
    if let Some(found) = declared(shown, &plan::original(live, "")?, &services, &ours)? {
        return Ok((found.port, found.how));
    }
    let listening: Vec<u16> =
        listening(cluster, shown, live).await?.into_iter().filter(|port| !ours.contains(port)).collect();
    match listening.as_slice() {
        [port] => Ok((*port, "found listening".to_owned())),
        [] => Err(unknown(&format!("{shown} declares no port, and nothing in it listens on one"))
            .hint("if its program takes long to start, try again; else name the port: --port 80:TARGET")),
        several => {
            let list: Vec<String> = several.iter().map(u16::to_string).collect();
            Err(several_ports(shown, "listens on", &list, several[0]))
        }
    }
}

/// It cannot be known what to map.
fn unknown(message: &str) -> Failure {
    Failure::unchanged(format!("{message} [{}]", Code::NoPort))
}

fn several_ports(shown: &str, how: &str, ports: &[String], first: u16) -> Failure {
    unknown(&format!("{shown} {how} several ports: {}", ports.join(", ")))
        .hint(if ports.iter().any(|port| port == "80" || port.starts_with("80 ")) {
            format!("80 is among them, so map another one to the one that clients want, such as --port 8080:{first}")
        } else {
            format!("say which one clients want on port 80, such as --port 80:{first}")
        })
}

/// The TCP ports that are listened on in the pod, ascending: all its containers share one network, so any running one
/// can tell.
pub(super) async fn listening(cluster: &Cluster, shown: &str, live: &Value) -> Result<Vec<u16>> {
    let name = text(live, "/metadata/name");
    // Not our own: its image has no program that could tell.
    let running =
        |status: &&Value| status.pointer("/state/running").is_some() && text(status, "/name") != CONTAINER;
    let Some(container) = list(live, "/status/containerStatuses").iter().find(running) else {
        return Err(unknown(&format!("{shown} is not running, so its ports cannot be seen"))
            .hint("name the port: --port 80:TARGET"));
    };
    let container = text(container, "/name");
    let command = ["cat", "/proc/net/tcp", "/proc/net/tcp6"];
    match cluster.output_of(name, container, &command).await {
        Ok(table) => Ok(listening_in(&table)),
        Err(failure) => {
            Err(failure.hint("its ports cannot be seen that way; name the port: --port 80:TARGET"))
        }
    }
}

/// Reads the kernel's table of TCP sockets (proc(5)): the local address in hexadecimal, then the remote one, then the
/// state, of which 0A is listening.
fn listening_in(table: &str) -> Vec<u16> {
    let mut ports: Vec<u16> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
            let (_, port) = local.rsplit_once(':')?;
            (state == "0A").then(|| u16::from_str_radix(port, 16).ok())?
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:2247 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0 20 4 30 10 -1
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:2247 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
";
        assert_eq!(listening_in(table), [80, 8775]);
        assert_eq!(listening_in(""), Vec::<u16>::new());
        assert_eq!(listening_in("garbage\n\u{1b}[31m a b c"), Vec::<u16>::new());
    }
}
