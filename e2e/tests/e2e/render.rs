//! `kubectl ambassador render` and what Envoy says to it.

use e2e::envoy::{render, validate};
use e2e::kube::repository;

#[test]
fn envoys_own_files_are_valid_as_they_stand() {
    // The paths are those of a pod: the config is read from where it stands, the module from where it was built.
    let dir = tempfile::tempdir().expect("a folder");
    let plugin = e2e::provided("AMBASSADOR_PLUGIN");
    for file in ["bootstrap", "listeners", "clusters", "filter"] {
        let text = std::fs::read_to_string(repository(&format!("envoy/{file}.yaml"))).expect("an Envoy file");
        let text = text
            .replace("/etc/ambassador/config", &dir.path().to_string_lossy())
            .replace("/run/ambassador", &dir.path().to_string_lossy())
            .replace("/etc/ambassador/plugin/plugin.wasm", &plugin.to_string_lossy());
        std::fs::write(dir.path().join(format!("{file}.yaml")), text).expect("written");
    }
    let output = validate(&dir.path().join("bootstrap.yaml"));
    assert_eq!(output.code, 0, "{}", output.stderr);
}

#[test]
fn the_example_is_valid_to_the_last_rule() {
    let config = std::fs::read_to_string(repository("manifests/ambassador.yaml")).expect("the example");
    let rendered = render(&config);
    assert_eq!(rendered.output.code, 0, "{}", rendered.output.stderr);
    let output = validate(&rendered.dir.path().join("config/validate.yaml"));
    assert_eq!(output.code, 0, "{}", output.stderr);
}

#[test]
fn envoy_refuses_a_config_with_a_bad_rule() {
    let config = std::fs::read_to_string(repository("manifests/ambassador.yaml")).expect("the example");
    let rendered = render(&config);
    let file = rendered.dir.path().join("config/validate.yaml");
    let text = std::fs::read_to_string(&file).expect("validate.yaml");
    let broken = text.replace("count: length", "count: lenght");
    assert_ne!(text, broken);
    std::fs::write(&file, broken).expect("written");
    let output = validate(&file);
    assert_ne!(output.code, 0);
    assert!(
        output.stderr.contains("spec.rules[0].response.jq: function lenght is not defined"),
        "{}",
        output.stderr
    );
}

#[test]
fn users_text_stays_in_its_field() {
    let hostile = r#"'"\n{{ x }} %REQ(:path)% $(HOME) \u001b[31m }]"#;
    let config = std::fs::read_to_string(repository("manifests/ambassador.yaml")).expect("the example");
    let config = config.replace(
        "{fruits: map({name: .}), count: length}",
        &format!("\\\"{}\\\"", hostile.replace('\\', "\\\\\\\\").replace('"', "\\\\\\\"")),
    );
    let rendered = render(&config);
    assert_eq!(rendered.output.code, 0, "{}", rendered.output.stderr);
    let output = validate(&rendered.dir.path().join("config/validate.yaml"));
    assert_eq!(output.code, 0, "{}", output.stderr);
}
