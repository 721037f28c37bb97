//! The names of ports. A Service that asks for a port by its name follows the name, so the name of a mapped port moves
//! from the legacy container to ours, pod by pod as they are replaced.

use std::collections::BTreeMap;

use ambassador_core::ports::{Port, PortMap};
use serde_json::{Map, Value};

use super::sidecar::own_name;
use super::{list, remember, text};

/// The names that ports of ours take over, by the number that we listen on.
pub(super) type Names = BTreeMap<u16, String>;

/// What asks a container at one of its ports: kubelet knows its names within that container only.
pub(crate) const ASKED_BY: [&str; 5] =
    ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/postStart", "/lifecycle/preStop"];

/// Takes the names of mapped ports away from the containers of `pod`, which is a copy of `before`; probes and hooks that
/// used them ask for the number instead.
pub(super) fn take(
    before: &Value,
    pod: &mut Value,
    ports: &PortMap,
    originals: &mut Map<String, Value>,
) -> Names {
    let mut names = Names::new();
    for (index, container) in list(before, "/spec/containers").iter().enumerate() {
        let container_at = format!("/spec/containers/{index}");
        for (at, declared) in list(container, "/ports").iter().enumerate() {
            let (Some((number, name)), Some(port)) = (named(declared), mapping(declared, ports)) else {
                continue;
            };
            let taken = |other: &Port| other.listen != port.listen && own_name(other) == Some(name);
            match own_name(port) {
                // Within one container a name is there once.
                _ if names.contains_key(&port.listen) => continue,
                None if ports.iter().any(taken) || names.values().any(|taken| taken == name) => continue,
                None => drop(names.insert(port.listen, name.to_owned())),
                Some(own) if own == name => {}
                Some(_) => continue,
            }
            let pointer = format!("{container_at}/ports/{at}/name");
            remember(before, &pointer, originals);
            if let Some(port) = pod.pointer_mut(&format!("{container_at}/ports/{at}")) {
                port.as_object_mut().map(|port| port.shift_remove("name"));
            }
            ask_by_number(before, pod, &container_at, name, number, originals);
        }
    }
    names
}

fn ask_by_number(
    before: &Value,
    pod: &mut Value,
    container: &str,
    name: &str,
    number: u16,
    originals: &mut Map<String, Value>,
) {
    for asked_by in ASKED_BY {
        for how in ["httpGet", "tcpSocket"] {
            let pointer = format!("{container}{asked_by}/{how}/port");
            if text(before, &pointer) == name {
                remember(before, &pointer, originals);
                if let Some(port) = pod.pointer_mut(&pointer) {
                    *port = number.into();
                }
            }
        }
    }
}

/// Number and name of a TCP port that has both.
fn named(declared: &Value) -> Option<(u16, &str)> {
    let number = u16::try_from(declared.get("containerPort")?.as_u64()?).ok()?;
    let name = text(declared, "/name");
    let tcp = matches!(text(declared, "/protocol"), "" | "TCP");
    (tcp && !name.is_empty()).then_some((number, name))
}

fn mapping<'a>(declared: &Value, ports: &'a PortMap) -> Option<&'a Port> {
    let number = declared.get("containerPort")?.as_u64()?;
    port_of(ports, u16::try_from(number).ok()?)
}

/// The port of ours that stands for a port of the legacy program: the first one that others can ask and that leads there.
pub(crate) fn port_of(ports: &PortMap, legacy: u16) -> Option<&Port> {
    ports.iter().find(|port| port.listener.is_open() && port.local_ports().any(|own| own == legacy))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{bare, live, plan_of};
    use super::*;

    fn named_pod() -> Value {
        let mut pod = live();
        pod["spec"]["containers"][0]["ports"] = json!([
            {"containerPort": 9000, "name": "other"},
            {"containerPort": 8775, "name": "http", "protocol": "TCP"},
            {"containerPort": 8775, "name": "dns", "protocol": "UDP"},
        ]);
        pod["spec"]["containers"][0]["readinessProbe"] = json!({"httpGet": {"port": "http", "path": "/"}});
        pod["spec"]["containers"][0]["livenessProbe"] = json!({"tcpSocket": {"port": "other"}});
        pod["spec"]["containers"][0]["lifecycle"] =
            json!({"preStop": {"httpGet": {"port": "http", "path": "/bye"}}});
        pod
    }

    fn ports(pod: &Value, pointer: &str) -> String {
        pod.pointer(pointer).map(Value::to_string).unwrap_or_default()
    }

    #[test]
    fn the_name_of_a_mapped_port_moves_and_comes_back() {
        let plan = plan_of(&named_pod(), "{listen: 80, target: 8775}, {listen: 81, target: 8775}");
        expect_test::expect![[r#"
            [{"name":"http","containerPort":80,"protocol":"TCP"},{"containerPort":81,"protocol":"TCP"}]
            [{"containerPort":9000,"name":"other"},{"containerPort":8775,"protocol":"TCP"},{"containerPort":8775,"name":"dns","protocol":"UDP"}]
            8775
            "other"
            8775"#]]
        .assert_eq(
            &[
                "/spec/initContainers/0/ports",
                "/spec/containers/0/ports",
                "/spec/containers/0/readinessProbe/httpGet/port",
                "/spec/containers/0/livenessProbe/tcpSocket/port",
                "/spec/containers/0/lifecycle/preStop/httpGet/port",
            ]
            .map(|pointer| ports(&plan.injected, pointer))
            .join("\n"),
        );
        assert_eq!(super::super::original(&plan.injected, "").unwrap(), bare(&named_pod()));
    }

    #[test]
    fn a_name_of_its_own_is_kept() {
        let ours =
            |map: &str| ports(&plan_of(&named_pod(), map).injected, "/spec/initContainers/0/ports/0/name");
        let theirs =
            |map: &str| ports(&plan_of(&named_pod(), map).injected, "/spec/containers/0/ports/1/name");
        for (map, our, their) in [
            ("{name: web, listen: 80, target: 8775}", r#""web""#, r#""http""#),
            ("{name: http, listen: 80, target: 8775}", r#""http""#, ""),
            ("{listen: 80, target: 8775}, {name: http, listen: 81, target: 8775}", "", r#""http""#),
            ("{listen: '127.0.0.1:80', target: 8775}", "", r#""http""#),
            ("{listen: 80, target: '10.0.0.1:8775'}", "", r#""http""#),
        ] {
            assert_eq!((ours(map).as_str(), theirs(map).as_str()), (our, their), "{map}");
        }
    }
}
