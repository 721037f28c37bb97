//! The plugin's flavours: the small one where it does, and the other one as soon as a config needs it.

use e2e::kube::Namespace;

const CONFIG: &str = r#"apiVersion: kubectl-ambassador.dev/v1alpha1
kind: Ambassador
spec:
  ports: [{listen: 8080, target: 8775}]
  rules: [{name: fruit, response: {jq: "{all: {fruit: .}}", to: FORMAT}}]
"#;

/// What `inject` said, with the bytes of the module that the pod then has.
#[track_caller]
fn inject(namespace: &Namespace, format: &str) -> (String, usize) {
    let file = namespace.home.path().join(format!("{format}.yaml"));
    std::fs::write(&file, CONFIG.replace("FORMAT", format)).expect("a file");
    let output = namespace.ambassador(&["inject", "fruit-service", "-c", &file.to_string_lossy()]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let said = output.stderr;
    let volumes = "{.spec.volumes[?(@.name=='ambassador-plugin')].configMap.name}";
    let map = namespace.field("pod/fruit-service", volumes);
    assert!(said.contains(&map), "{map} is not in {said}");
    let base64 = namespace.field(&format!("configmap/{map}"), r"{.binaryData.plugin\.wasm}");
    (said, base64.len() / 4 * 3)
}

#[test]
fn another_format_switches_the_plugin_and_back() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    namespace.create("manifests/busybox.yaml");

    let (said, small) = inject(&namespace, "json");
    assert!(said.contains("(plugin for JSON and text)"), "{said}");
    assert!(small <= 512 << 10, "{small} bytes");
    assert_eq!(namespace.lab_check(8080), r#"{"all":{"fruit":["apple","banana","pear"]}}"#);

    let (said, large) = inject(&namespace, "xml");
    assert!(said.contains("(plugin with all formats)"), "{said}");
    assert!(large > small, "{large} bytes");
    let xml = namespace.lab_check(8080);
    assert!(xml.contains("<fruit>banana</fruit>"), "{xml}");
    assert_eq!(namespace.config_maps().len(), 2, "the plugin that nobody uses is gone");

    inject(&namespace, "json");
    assert_eq!(namespace.lab_check(8080), r#"{"all":{"fruit":["apple","banana","pear"]}}"#);
}
