//! Which Services are led where.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::annotation;
use crate::source;

fn original() -> Value {
    json!({
        "metadata": {"labels": {"app": "web", "tier": "front"}},
        "spec": {"containers": [{"name": "legacy", "ports": [{"name": "http", "containerPort": 8775}]}]},
    })
}

fn injected(name: Option<&str>) -> Value {
    let mut port = json!({"containerPort": 80});
    if let Some(name) = name {
        port["name"] = name.into();
    }
    let mut pod = original();
    pod["spec"]["initContainers"] = json!([{"name": CONTAINER, "ports": [port]}]);
    pod
}

fn service(ports: &Value, annotation: Option<&str>) -> Value {
    let mut service = json!({
        "metadata": {"name": "web", "resourceVersion": "7"},
        "spec": {"selector": {"app": "web"}, "ports": ports},
    });
    if let Some(text) = annotation {
        service["metadata"]["annotations"] = json!({ANNOTATION: text});
    }
    service
}

fn ports(map: &str) -> PortMap {
    let text =
        format!("apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: [{map}]\n");
    source::load("test", text).unwrap().loaded.ambassador.ports.clone()
}

#[track_caller]
fn check(service: &Value, map: &str, name: Option<&str>, expected: &Expect) {
    let (original, injected, ports) = (original(), injected(name), ports(map));
    let pods = Pods { original: &original, injected: &injected, ports: &ports };
    let Switches { before, after, missing_meanwhile } = forward(std::slice::from_ref(service), &pods);
    let mut told: Vec<String> = before.iter().map(|switch| format!("before: {}", switch.shown())).collect();
    told.extend(after.iter().map(|switch| format!("after: {}", switch.shown())));
    told.extend(missing_meanwhile.iter().map(|(from, to)| format!("missing: {from} -> {to}")));
    expected.assert_eq(&told.join("\n"));
}

const ONE: &str = "{listen: 80, target: 8775}";

#[test]
fn a_number_is_switched_once_all_pods_have_the_ambassador() {
    let number = service(&json!([{"port": 80, "targetPort": 8775}]), None);
    check(&number, ONE, None, &expect!["after: service/web: targetPort 8775 -> 80"]);
    // The first mapping of several is meant.
    check(
        &number,
        "{listen: 81, target: 8775}, {listen: 80, target: 8775}",
        None,
        &expect!["after: service/web: targetPort 8775 -> 81"],
    );
    // A Service that says nothing leads to its own number.
    let implied = service(&json!([{"port": 8775, "name": "web"}]), None);
    check(&implied, ONE, None, &expect!["after: service/web port web: targetPort 8775 -> 80"]);
}

#[test]
fn a_name_that_moves_needs_no_switch() {
    let named = service(&json!([{"port": 80, "targetPort": "http"}]), None);
    check(&named, ONE, Some("http"), &expect![""]);
    // Where Services do not see it, or it has another name.
    check(&named, ONE, None, &expect!["after: service/web: targetPort http -> 80"]);
    check(
        &named,
        "{name: web, listen: 80, target: 8775}",
        Some("web"),
        &expect!["after: service/web: targetPort http -> 80"],
    );
}

#[test]
fn services_that_mean_something_else_stay() {
    for ports in [
        json!([{"port": 80, "targetPort": 9000}]),
        json!([{"port": 80, "targetPort": "unknown"}]),
        json!([{"port": 80, "targetPort": 80}]),
        json!([{"port": 80, "targetPort": 8775, "protocol": "UDP"}]),
    ] {
        check(&service(&ports, None), ONE, None, &expect![""]);
    }
    let mut other = service(&json!([{"port": 80, "targetPort": 8775}]), None);
    other["spec"]["selector"] = json!({"app": "other"});
    check(&other, ONE, None, &expect![""]);
    other["spec"]["selector"] = json!({});
    check(&other, ONE, None, &expect![""]);
    let number = service(&json!([{"port": 80, "targetPort": 8775}]), None);
    check(&number, "{listen: '127.0.0.1:80', target: 8775}", None, &expect![""]);
    check(&number, "{listen: 80, target: '10.0.0.1:8775'}", None, &expect![""]);
}

const LED: &str = r#"{"80":{"original":8775,"now":80}}"#;

#[test]
fn what_was_switched_stays_or_goes_on() {
    let switched = service(&json!([{"port": 80, "targetPort": 80}]), Some(LED));
    check(&switched, ONE, None, &expect![""]);
    // Clients use 80 until all pods have 8080.
    check(
        &switched,
        "{listen: 8080, target: 8775}",
        None,
        &expect![[r#"
        after: service/web: targetPort 80 -> 8080
        missing: 80 -> 8775"#]],
    );
    check(
        &switched,
        "{listen: 8080, target: 8775}, {listen: 80, target: 9000}",
        None,
        &expect!["after: service/web: targetPort 80 -> 8080"],
    );
    // Nothing leads to the program's port any more: as it was, before new pods come that do not serve the present one.
    check(
        &switched,
        "{listen: 80, target: 9000}",
        None,
        &expect!["before: service/web: targetPort 80 -> 8775"],
    );
    // Somebody else has led it elsewhere since.
    let theirs = service(&json!([{"port": 80, "targetPort": 9000}]), Some(LED));
    check(&theirs, ONE, None, &expect![""]);
}

#[test]
fn the_patch_is_of_the_service_that_was_read_and_remembers() {
    let (original, injected, ports) = (original(), injected(None), ports(ONE));
    let pods = Pods { original: &original, injected: &injected, ports: &ports };
    let number = service(&json!([{"port": 80, "targetPort": 8775}]), None);
    let switches = forward(&[number], &pods).after;
    expect![[r#"[{"op":"test","path":"/metadata/resourceVersion","value":"7"},{"op":"add","path":"/spec/ports/0/targetPort","value":80},{"op":"add","path":"/metadata/annotations","value":{}},{"op":"add","path":"/metadata/annotations/kubectl-ambassador.dev~1original-target-ports","value":"{\"80\":{\"original\":8775,\"now\":80}}"}]"#]]
        .assert_eq(&switches[0].operations.to_string());
    let led = service(&json!([{"port": 80, "targetPort": 80}]), Some(LED));
    let back = back(&[led], &original);
    assert_eq!((back[0].to.clone(), back[0].number), (json!(8775), 8775));
    expect![[r#"[{"op":"test","path":"/metadata/resourceVersion","value":"7"},{"op":"add","path":"/spec/ports/0/targetPort","value":8775},{"op":"remove","path":"/metadata/annotations/kubectl-ambassador.dev~1original-target-ports"}]"#]]
        .assert_eq(&back[0].operations.to_string());
}

#[test]
fn a_pod_without_the_ambassador_holds_a_switch() {
    let (original_pod, ports) = (original(), ports(ONE));
    let with = injected(None);
    let pods = Pods { original: &original_pod, injected: &with, ports: &ports };
    let services = [service(&json!([{"port": 80, "targetPort": 8775}]), None)];
    let switch = &forward(&services, &pods).after[0];
    let mut ours = with.clone();
    let injected = Injected::new(&ports, 19901, "", "config", "plugin");
    ours["metadata"]["annotations"] = json!({annotation::NAME: serde_json::to_string(&injected).unwrap()});
    let mut canary = original();
    canary["metadata"]["name"] = "canary".into();
    let mut leaving = canary.clone();
    leaving["metadata"]["deletionTimestamp"] = "now".into();
    let mut other = canary.clone();
    other["metadata"]["labels"] = json!({"app": "other"});
    let pods = [ours.clone(), leaving, other];
    assert_eq!(held_by(switch, &services, &pods), None);
    let pods = [ours, canary.clone()];
    assert_eq!(held_by(switch, &services, &pods), Some(&canary));
    // The way back is open: the program's own port is served by all.
    let led = [service(&json!([{"port": 80, "targetPort": 80}]), Some(LED))];
    assert_eq!(held_by(&back(&led, &original_pod)[0], &led, &pods), None);
}

#[test]
fn endpoints_follow_when_all_of_them_lead_there() {
    let (original, injected, ports) = (original(), injected(None), ports(ONE));
    let pods = Pods { original: &original, injected: &injected, ports: &ports };
    let services = [service(&json!([{"port": 80, "name": "web", "targetPort": 8775}]), None)];
    let switch = &forward(&services, &pods).after[0];
    let slice = |port: u16| json!({"endpoints": [{}], "ports": [{"name": "web", "port": port}]});
    assert!(have_followed(&[slice(80), slice(80)], switch));
    assert!(!have_followed(&[slice(80), slice(8775)], switch));
    assert!(have_followed(&[json!({"endpoints": null, "ports": null})], switch));
}
