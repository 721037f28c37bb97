//! Classes, and what our container gets in each.

use serde_json::{Value, json};

use super::*;
use crate::plan::text;

fn pod(containers: &str) -> Value {
    let yaml = format!("spec: {{{containers}}}");
    serde_saphyr::from_str(&yaml).unwrap()
}

const EVEN: &str = "{limits: {cpu: 1, memory: 1Gi}}";

#[test]
fn classes_are_those_of_kubernetes() {
    use Class::{BestEffort, Burstable, Guaranteed};
    for (spec, class) in [
        ("containers: [{}]".to_owned(), BestEffort),
        ("containers: [{resources: {limits: {cpu: '0'}, requests: {memory: '0'}}}]".to_owned(), BestEffort),
        ("containers: [{resources: {limits: {example.com/gpu: '1'}}}]".to_owned(), BestEffort),
        (format!("containers: [{{resources: {EVEN}}}]"), Guaranteed),
        (format!("containers: [{{resources: {EVEN}}}, {{}}]"), Burstable),
        (format!("containers: [{{resources: {EVEN}}}], initContainers: [{{}}]"), Burstable),
        (format!("containers: [{{resources: {EVEN}}}], initContainers: [{{resources: {EVEN}}}]"), Guaranteed),
        ("containers: [{resources: {limits: {cpu: 1}, requests: {cpu: 1}}}]".to_owned(), Burstable),
        ("containers: [{resources: {limits: {cpu: 1000m, memory: 1Gi}, requests: {cpu: '1', memory: 1024Mi}}}]".to_owned(), Guaranteed),
        ("containers: [{resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}}]".to_owned(), Burstable),
        (format!("resources: {EVEN}, containers: [{{}}]"), Guaranteed),
        (format!("resources: {{requests: {{cpu: 1}}}}, containers: [{{resources: {EVEN}}}]"), Burstable),
        (format!("resources: {{requests: {{hugepages-2Mi: 2Mi}}}}, containers: [{{resources: {EVEN}}}]"), Guaranteed),
    ] {
        assert_eq!(Class::of(&pod(&spec)), class, "{spec}");
    }
}

#[track_caller]
fn check(spec: &str, asked: &str, class: Class, expected: [&str; 4]) {
    let mut pod = pod(spec);
    let asked: Asked = serde_saphyr::from_str(asked).unwrap();
    let before = Class::of(&pod);
    let ours = of_ours(&pod, &asked, before == Class::Guaranteed);
    let told = ["requests/cpu", "limits/cpu", "requests/memory", "limits/memory"];
    assert_eq!(told.map(|place| text(&ours, &format!("/{place}"))), expected);
    pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"resources": ours}));
    assert_eq!(Class::of(&pod), class);
}

#[test]
fn a_class_is_kept_where_it_can_be() {
    use Class::{Burstable, Guaranteed};
    let even = format!("containers: [{{resources: {EVEN}}}]");
    check("containers: [{}]", "{}", Burstable, ["20m", "2", "64Mi", "512Mi"]);
    check(&even, "{}", Guaranteed, ["500m", "500m", "512Mi", "512Mi"]);
    check(&even, "{cpuRequest: 1, memoryLimit: 1Gi}", Guaranteed, ["1", "1", "1Gi", "1Gi"]);
    check(&even, "{cpuRequest: 100m, cpuLimit: 1}", Burstable, ["100m", "1", "512Mi", "512Mi"]);
    // The class is the pod's own, and so is what it may use.
    check(&format!("resources: {EVEN}, containers: [{{}}]"), "{}", Guaranteed, [""; 4]);
    check("resources: {limits: {cpu: 1}}, containers: [{}]", "{}", Burstable, ["", "", "64Mi", "512Mi"]);
}

#[test]
fn what_is_asked_for_moves_the_other_bound_where_it_must() {
    use Class::Burstable;
    check(
        "containers: [{}]",
        "{cpuLimit: 10m, memoryLimit: 32Mi}",
        Burstable,
        ["10m", "10m", "32Mi", "32Mi"],
    );
    check("containers: [{}]", "{cpuRequest: 3, memoryRequest: 1Gi}", Burstable, ["3", "3", "1Gi", "1Gi"]);
    check("containers: [{}]", "{cpuRequest: 1, memoryLimit: 1Gi}", Burstable, ["1", "2", "64Mi", "1Gi"]);
}

#[test]
fn amounts_are_read_with_what_may_have_been_meant() {
    let cpu = |text| Amount::of_cpu(text).map(|amount| amount.0);
    let memory = |text| Amount::of_memory(text).map(|amount| amount.0);
    assert_eq!(cpu("1.5"), Ok(Some("1.5".to_owned())));
    assert_eq!(cpu("default"), Ok(None));
    assert_eq!(cpu("500"), Err("that is 500 CPUs; did you mean 500m?".to_owned()));
    assert_eq!(cpu("0"), Err("expected more than nothing".to_owned()));
    let amount = "expected an amount as Kubernetes writes it, such as 100m CPUs or 64Mi bytes";
    assert_eq!(cpu("lots"), Err(amount.to_owned()));
    assert_eq!(memory("64MB"), Err(amount.to_owned()));
    let little = "that is 512 bytes, and Envoy does not start with less than 16Mi";
    assert_eq!(memory("512"), Err(little.to_owned()));
    assert_eq!(memory("64Mi"), Ok(Some("64Mi".to_owned())));
}

#[test]
fn what_was_asked_for_before_holds_until_something_else_is() {
    let amount = |text: &str| Some(Amount::from_str(text).unwrap());
    let first = Flags { cpu_request: amount("100m"), memory_limit: amount("1Gi"), ..Flags::default() };
    let first = first.over(None).unwrap();
    assert_eq!(Flags::default().over(Some(&first)).unwrap(), first);
    let back = Flags { cpu_request: amount("default"), ..Flags::default() };
    assert_eq!(serde_json::to_string(&back.over(Some(&first)).unwrap()).unwrap(), r#"{"memoryLimit":"1Gi"}"#);
    let less = Flags { cpu_limit: amount("50m"), ..Flags::default() };
    let failure = less.over(Some(&first)).unwrap_err();
    assert_eq!(failure.message(), "--cpu-limit 50m is below --cpu-request 100m");
}
