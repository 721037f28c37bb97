//! Names, annotations and configs as long as servers take them, and longer.

use e2e::kube::Namespace;
use expect_test::expect;
use serde_json::json;

use crate::workloads::{create, workload};

/// A deployment without pods: what is long is the object.
fn deployment(namespace: &Namespace, name: &str, annotation: usize) {
    let mut object = workload("Deployment", "web");
    object["metadata"]["name"] = name.into();
    object["spec"]["replicas"] = 0.into();
    object["spec"]["template"]["metadata"]["annotations"] = json!({"note": "x".repeat(annotation)});
    create(namespace, &object);
}

#[test]
fn what_is_as_long_as_may_be_is_injected_and_what_is_longer_refused() {
    let namespace = Namespace::new();
    let rules = |count: usize| {
        let rule = |at| format!("  - {{name: r{at}, response: {{jq: '\"{}\"'}}}}\n", "x".repeat(60_000));
        let rules: String = (0..count).map(rule).collect();
        let file = namespace.home.path().join(format!("{count}.yaml"));
        let head = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: [{listen: 80, target: 8775}]\n  rules:\n";
        std::fs::write(&file, format!("{head}{rules}")).expect("written");
        file.to_string_lossy().into_owned()
    };
    let (small, large, too_large) = (rules(1), rules(8), rules(9));
    let (longest, label) = ("n".repeat(253), "n".repeat(63));
    for (name, annotation) in [(label.as_str(), 1), (&longest, 1), ("noted", 250_000), ("full", 262_000)] {
        deployment(&namespace, name, annotation);
    }
    let mut told = Vec::new();
    for (name, config, map) in [
        (label.as_str(), &small, None),
        (&longest, &small, None),
        (&longest, &small, Some("short")),
        ("noted", &small, None),
        ("full", &small, None),
        (&label, &large, None),
        (&label, &too_large, None),
    ] {
        let target = format!("deploy/{name}");
        let map: Vec<&str> = map.iter().flat_map(|name| ["--config-map", name]).collect();
        let output = namespace.ambassador(&[&["inject", &target, "-c", config], &map[..]].concat());
        let said = output
            .stderr
            .lines()
            .filter(|line| ["error", "hint", "warning"].iter().any(|word| line.starts_with(word)));
        let text = format!("exit {} {}{}", output.code, output.stdout, said.collect::<Vec<_>>().join("\n"));
        told.push(
            text.replace(&longest, "LONGEST")
                .replace(&label, "LABEL")
                .replace(&*namespace.home.path().to_string_lossy(), "HOME"),
        );
    }
    expect![[r#"
        exit 0 deployment.apps/LABEL injected
        warning: port 8775 of deployment/LABEL stays reachable beside the ambassador, without its rules [AMB034]
        exit 1 error: the name of the ConfigMap would have 280 characters, and 253 are allowed [AMB094]
        hint: choose a shorter one with --config-map NAME
        exit 0 deployment.apps/LONGEST injected
        warning: port 8775 of deployment/LONGEST stays reachable beside the ambassador, without its rules [AMB034]
        exit 0 deployment.apps/noted injected
        warning: port 8775 of deployment/noted stays reachable beside the ambassador, without its rules [AMB034]
        warning: the annotations of deployment/noted would have 250503 bytes, and 262144 are allowed [AMB092]
        exit 1 error: the annotations of deployment/full would have 262502 bytes, and 262144 are allowed [AMB092]
        exit 0 deployment.apps/LABEL injected
        warning: port 8775 of deployment/LABEL stays reachable beside the ambassador, without its rules [AMB034]
        warning: the config, with what is rendered from it, of deployment/LABEL would have 967650 bytes, and 1048576 are allowed [AMB093]
        exit 2 error: this config is larger than 512KiB
        error: HOME/9.yaml has 1 problem"#]].assert_eq(&told.join("\n"));
    for name in [label.as_str(), &longest, "noted"] {
        namespace.ambassador(&["uninject", &format!("deploy/{name}")]).ok();
    }
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}
