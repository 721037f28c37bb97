//! The patterns: each manifest is run as its README says, on the real cluster, in a namespace of its own.

use std::path::{Path, PathBuf};

use e2e::kube::{Namespace, repository};
use e2e::names::NameServer;
use e2e::process::Output;
use serde_json::Value;

use crate::docs::run_all;
use crate::pipes::pipe;

const ALL: [&str; 10] = [
    "csv-to-json",
    "fruit-service",
    "log-shipper",
    "multi-container-pod",
    "redis",
    "shared-processes",
    "status-to-metrics",
    "v1-to-v2",
    "web-root",
    "xml-to-json",
];

/// A file of a pattern, from the repository's root.
fn file(pattern: &str, name: &str) -> String {
    format!("manifests/patterns/{pattern}/{name}")
}

/// The config of a pattern, if the ambassador takes part in it.
fn config(pattern: &str) -> Option<PathBuf> {
    Some(repository(&file(pattern, "ambassador.yaml"))).filter(|config| config.is_file())
}

/// Runs the commands of a pattern's README.
#[track_caller]
fn run(pattern: &str) {
    let namespace = Namespace::new();
    run_all(&namespace, &file(pattern, "README.md"), &repository(""), |_| ());
}

/// The same for a pattern whose pods know each other by name: its manifest is run with a name server for each pod, which the
/// cluster of the tests does not give them.
#[track_caller]
fn run_with_names(pattern: &str) {
    let namespace = Namespace::new();
    let names = NameServer::start(&namespace);
    let home = namespace.home.path();
    let (manifest, ambassador) = (file(pattern, "manifest.yaml"), file(pattern, "ambassador.yaml"));
    std::fs::create_dir_all(home.join(&manifest).parent().expect("a folder")).expect("a folder can be made");
    if let Some(config) = config(pattern) {
        std::fs::copy(config, home.join(ambassador)).expect("a copy");
    }
    std::fs::write(home.join(&manifest), served(&repository(&manifest), &names)).expect("written");
    run_all(&namespace, &file(pattern, "README.md"), home, |command| {
        if command.starts_with("kubectl apply ") {
            names.publish();
        }
    });
}

/// A manifest whose pods ask the name server.
fn served(manifest: &Path, names: &NameServer) -> String {
    let text = std::fs::read_to_string(manifest).expect("a manifest");
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    for object in &mut objects {
        let spec = match object["kind"].as_str() {
            Some("Pod") => "/spec",
            _ => "/spec/template/spec",
        };
        if let Some(spec) = object.pointer_mut(spec) {
            names.serve(spec);
        }
    }
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

#[test]
fn a_pod_of_several_containers() {
    run("multi-container-pod");
}

#[test]
fn a_sidecar_ships_logs() {
    run_with_names("log-shipper");
}

#[test]
fn a_sidecar_keeps_the_web_root() {
    run_with_names("web-root");
}

#[test]
fn a_sidecar_signals_the_program() {
    run("shared-processes");
}

#[test]
fn an_ambassador_stands_before_the_program() {
    run_with_names("fruit-service");
}

#[test]
fn an_ambassador_stands_before_the_world() {
    run_with_names("redis");
}

#[test]
fn an_adapter_makes_json_of_xml() {
    run("xml-to-json");
}

#[test]
fn an_adapter_makes_json_of_csv() {
    run("csv-to-json");
}

#[test]
fn an_adapter_makes_metrics_for_a_real_prometheus() {
    run_with_names("status-to-metrics");
}

#[test]
fn an_adapter_makes_version_2_of_version_1() {
    run("v1-to-v2");
}

#[test]
fn every_pattern_is_tested_and_in_the_table() {
    let entries = std::fs::read_dir(repository("manifests/patterns")).expect("a folder").flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ALL);
    let table = std::fs::read_to_string(repository("manifests/patterns/README.md")).expect("a paper");
    let tests = std::fs::read_to_string(repository("e2e/tests/e2e/patterns.rs")).expect("this file");
    for pattern in ALL {
        assert!(table.contains(&format!("]({pattern}/README.md)")), "{pattern} is not in the table");
        assert!(tests.contains(&format!("(\"{pattern}\");")), "{pattern} is not run");
    }
}

#[test]
fn the_server_takes_every_pattern() {
    let namespace = Namespace::new();
    let manifests =
        ALL.map(|pattern| repository(&file(pattern, "manifest.yaml")).to_string_lossy().into_owned());
    let files = manifests.iter().flat_map(|manifest| ["-f", manifest]);
    let args: Vec<&str> =
        ["create", "--dry-run=server", "--validate=strict"].into_iter().chain(files).collect();
    let made = namespace.kubectl(&args).ok();
    assert!(made.lines().count() > 2 * ALL.len(), "{made}");
}

/// What is injected, by the README.
fn injected(pattern: &str) -> Option<String> {
    let text = std::fs::read_to_string(repository(&file(pattern, "README.md"))).expect("a paper");
    let (_, rest) = text.split_once("$ kubectl ambassador inject ")?;
    let word = rest.split_whitespace().next()?;
    Some(if word.contains('/') { word.to_owned() } else { format!("pod/{word}") })
}

#[test]
fn every_pattern_goes_through_the_pipe_and_back() {
    let ok = |output: Output, pattern: &str| {
        assert_eq!(output.code, 0, "{pattern}: {}{}", output.stdout, output.stderr);
        output.stdout
    };
    for pattern in ALL {
        let manifest =
            std::fs::read_to_string(repository(&file(pattern, "manifest.yaml"))).expect("a manifest");
        let config = config(pattern).map(|config| config.to_string_lossy().into_owned());
        let object = injected(pattern);
        assert_eq!(object.is_some(), config.is_some(), "{pattern}: the README uses the config");
        // Where no ambassador takes part, all pods get one.
        let what: Vec<&str> = match (&object, &config) {
            (Some(object), Some(config)) => vec![object, "-c", config],
            _ => vec!["--port", "8088:80"],
        };
        ok(pipe(&manifest, &[&["check", "-f", "-"], &what[..]].concat()), pattern);
        let with = ok(pipe(&manifest, &[&["inject", "-f", "-"], &what[..]].concat()), pattern);
        assert!(with.contains("name: envoy-ambassador"), "{pattern}: {with}");
        let without = ok(pipe(&with, &["uninject", "-f", "-"]), pattern);
        assert_eq!(without, manifest, "{pattern}");
    }
}
