//! `kubectl ambassador render` and what Envoy says to it.

use e2e::envoy::{render, validate};
use e2e::kube::repository;

#[test]
fn envoys_own_files_are_valid_as_they_stand() {
    // The paths are those of a pod: the config is read from where it stands, the module from where it was built.
    let dir = tempfile::tempdir().expect("a folder");
    let plugin = e2e::provided("AMBASSADOR_PLUGIN");
    let resources = |file: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(repository(&format!("envoy/{file}.yaml"))).expect("an Envoy file");
        let text = text
            .replace("/etc/ambassador/config", &dir.path().to_string_lossy())
            .replace("/run/ambassador", &dir.path().to_string_lossy())
            .replace("/etc/ambassador/plugin/plugin.wasm", &plugin.to_string_lossy());
        std::fs::write(dir.path().join(format!("{file}.yaml")), &text).expect("written");
        serde_saphyr::from_str(&text).expect("YAML")
    };
    let mut all = resources("bootstrap");
    // Envoy does not follow the bootstrap to the other files, so they are put into it; and each file for itself is
    // read as it stands.
    for (file, kinds, place) in
        [("listeners", 2, "/static_resources/listeners"), ("clusters", 3, "/static_resources/clusters")]
    {
        let more = resources(file)["resources"].as_array().expect("a list").clone();
        assert_eq!(more.len(), kinds, "{file}: one of each kind");
        let list = all.pointer_mut(place).and_then(serde_json::Value::as_array_mut).expect("a list");
        for mut resource in more {
            resource.as_object_mut().expect("an object").remove("@type");
            list.push(resource);
        }
    }
    let mut filter = resources("filter")["resources"][0].clone();
    filter.as_object_mut().expect("an object").remove("@type");
    let slot = "/static_resources/listeners/1/filter_chains/0/filters/1/typed_config/http_filters/0";
    *all.pointer_mut(slot).expect("the place of the filter") = filter;
    all.as_object_mut().expect("an object").remove("dynamic_resources");
    let whole = dir.path().join("whole.json");
    std::fs::write(&whole, all.to_string()).expect("written");
    for file in [dir.path().join("bootstrap.yaml"), whole] {
        let output = validate(&file);
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
}

#[test]
fn every_kind_of_port_is_valid() {
    let rendered = render(
        "apiVersion: kubectl-ambassador.dev/v1alpha1
kind: Ambassador
spec:
  ports:
    - {name: http, listen: 8080, target: 8775}
    - {name: modern, listen: 8081, target: 8776, appProtocol: kubernetes.io/h2c}
    - {name: raw, listen: 8082, target: 8775, protocol: tcp}
    - {name: one, listen: '127.0.0.1:8083', target: 'redis.data.svc:6379', protocol: tcp}
    - {name: two, listen: '127.0.0.1:8084', target: 'api.example.com.:80'}
    - {name: three, listen: '[::1]:8085', target: '[fd00::7]:80', appProtocol: kubernetes.io/h2c}
    - {name: four, listen: '[::]:8086', target: '10.0.0.7:80'}
    - {name: five, listen: 0.0.0.0:8087, target: '10.0.0.7:80', protocol: tcp}
    - name: six
      listen: 8088
      routes:
        - {hosts: ['*.example.org'], target: names}
        - {path: '/a/**', target: least}
        - {path: /b, target: random}
        - {path: /c, target: path}
        - {headers: {a: b}, target: one}
      limits: {connections: 1, idleTimeout: 1s, requestTimeout: 1s}
    - {name: seven, listen: 8089, target: least, appProtocol: kubernetes.io/h2c}
    - {name: eight, listen: 8090, target: names, protocol: tcp, limits: {tcpIdleTimeout: 1s}}
  targets:
    - {name: names, servers: [a.data.svc:80, {address: 'b.data.svc.:80', weight: 256}, '10.0.0.8:80'], balance: clientAddress, healthCheck: {}}
    - {name: least, servers: [{address: 1, connections: 3}, {address: 2, connections: 3}], balance: leastConnections, healthCheck: {path: '/h?q', method: OPTIONS, status: [200, 3xx]}}
    - {name: random, servers: ['[fd00::8]:80', {address: '[fd00::9]:80', backup: true}, 3], balance: random, healthCheck: {path: /, host: h, fall: 1000, rise: 1000}}
    - {name: path, servers: [a.data.svc:80, 4], balance: path, limits: {upstreamConnections: 1, connectTimeout: 1ms}}
    - {name: one, servers: [a.data.svc:80], healthCheck: {path: /}}
  limits: {idleTimeout: 0s, tcpIdleTimeout: 0s, upstreamConnections: 4294967295}
  accessLog: true
  rules: [{name: r, response: {jq: .}}]
",
    );
    assert_eq!(rendered.output.code, 0, "{}", rendered.output.stderr);
    let output = validate(&rendered.dir.path().join("config/validate.yaml"));
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(!output.stderr.contains("Deprecated"), "{}", output.stderr);
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
