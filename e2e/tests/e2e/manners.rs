//! What a terminal sees, and what versions are told.

use std::path::Path;
use std::process::Command;

use e2e::kube::Namespace;
use e2e::process::{Output, run};
use e2e::provided;
use expect_test::expect;
use serde_json::Value;

/// Runs the program with a terminal for all that it writes.
fn on_a_terminal(namespace: &Namespace, args: &str, change: impl Fn(&mut Command)) -> Output {
    let line = format!("{} {args}", provided("AMBASSADOR_CLI").display());
    let mut command = namespace.command(Path::new("script"));
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm");
    // What runs in CI is taken for a terminal with colours, dumb or not.
    command.env_remove("NO_COLOR").env_remove("CI").env("KUBECONFIG", namespace.operator());
    change(&mut command);
    run(&mut command)
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let namespace = Namespace::new();
    for args in ["uninject ../x", "uninject --no-such-flag", "inject p --jq .["] {
        let seen = on_a_terminal(&namespace, args, |_| {});
        assert_eq!(seen.code, 2, "{args}: {}", seen.stdout);
        assert!(seen.stdout.contains("\u{1b}["), "{args}: {}", seen.stdout);
        let plain = |name: &'static str, value: &'static str| {
            on_a_terminal(&namespace, args, |command| _ = command.env(name, value)).stdout
        };
        for seen in [plain("NO_COLOR", "1"), plain("TERM", "dumb")] {
            assert!(seen.contains("error: ") && !seen.contains('\u{1b}'), "{args}: {seen}");
        }
        let piped = namespace.ambassador(&args.split(' ').collect::<Vec<_>>());
        assert!(!piped.stderr.contains('\u{1b}'), "{args}: {}", piped.stderr);
    }
}

#[test]
fn all_versions_that_meet_are_told() {
    let namespace = Namespace::new();
    let ask = |args: &[&str]| run(namespace.command(&provided("AMBASSADOR_CLI")).arg("version").args(args));
    let json = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let ours = json(&ask(&["-o", "json"]).ok());
    let kubectl = json(&namespace.kubectl(&["version", "-o", "json"]).ok());
    assert_eq!(ours["serverVersion"]["gitVersion"], kubectl["serverVersion"]["gitVersion"]);
    let module = std::fs::read(provided("AMBASSADOR_PLUGIN")).expect("the module");
    let sum = run(Command::new("sha256sum").arg(provided("AMBASSADOR_PLUGIN"))).ok();
    let sha256 = sum.split(' ').next().expect("a sum");
    let plugins = ours["clientVersion"]["plugins"].as_array().expect("plugins");
    let full = plugins.iter().find(|plugin| plugin["sha256"] == sha256).expect("the one with all formats");
    assert_eq!(full["bytes"], module.len());
    assert_eq!(full["flavour"], "plugin with all formats");
    assert!(ask(&["-o", "yaml"]).ok().contains(&format!("sha256: {sha256}")));
    let target = ours["clientVersion"]["target"].as_str().expect("what it was built for");
    assert!(target.starts_with(std::env::consts::ARCH), "{target}");
    let lines = ask(&[]).ok();
    let server = ours["serverVersion"]["gitVersion"].as_str().expect("text");
    // A release carries a second plugin, with a line of its own.
    let own =
        |line: &&str| !line.starts_with("Commit: ") && (!line.contains("sha256:") || line.contains(sha256));
    let lines: String = lines.lines().filter(own).flat_map(|line| [line, "\n"]).collect();
    expect![[r#"
        Client Version: v0.1.0
        Plugin: sha256:SHA256 (plugin with all formats)
        Rules: jq 1.8
        Envoy Image: docker.io/envoyproxy/envoy:distroless-v1.40.0
        Server Version: SERVER
    "#]]
    .assert_eq(&lines.replace(sha256, "SHA256").replace(server, "SERVER"));
    assert!(!ask(&["--client"]).ok().contains("Server"));
    // What is known is told, and then what is not.
    let gone = ask(&["--server", "https://127.0.0.1:1"]);
    assert_eq!(gone.code, 1, "{}", gone.stderr);
    assert!(
        gone.stdout.starts_with("Client Version: ") && !gone.stdout.contains("Server"),
        "{}",
        gone.stdout
    );
    assert!(gone.stderr.starts_with("error: cannot ask the server's version: "), "{}", gone.stderr);
}

#[test]
fn it_is_told_which_version_has_injected_what() {
    let namespace = Namespace::new();
    let deployment = |name: &str, more: &[&str]| {
        let image = "--image=radial/busyboxplus:curl";
        let args = ["create", "deployment", name, "--replicas=0", image];
        namespace.kubectl(&[&args, more].concat()).ok()
    };
    assert_eq!(namespace.ambassador(&["version", "--all"]).ok().matches("Injected").count(), 0);
    deployment("plain", &[]);
    let (from, to) = (namespace.home.path().join("web.yaml"), namespace.home.path().join("injected.yaml"));
    std::fs::write(&from, deployment("web", &["--dry-run=client", "-o", "yaml"])).expect("a file");
    let injected = namespace.ambassador(&["inject", "-f", &from.to_string_lossy(), "--port", "80:8775"]).ok();
    // Another version, whose plugin is not ours.
    std::fs::write(&to, injected.replace("\"version\":\"0.1.0\"", "\"version\":\"0.0.9\"")).expect("a file");
    namespace.kubectl(&["create", "-f", &to.to_string_lossy()]).ok();
    let told = |args: &[&str]| {
        let lines = namespace.ambassador(&[&["version"], args].concat()).ok();
        let ours = lines.lines().filter(|line| line.starts_with("Injected: ")).map(str::to_owned);
        ours.collect::<Vec<_>>().join("\n").replace(&namespace.name, "NAMESPACE")
    };
    let web = told(&["--all"]);
    let plugin = web.split("v0.0.9, ").nth(1).and_then(|rest| rest.split(',').next()).expect("its plugin");
    assert_eq!(
        web,
        format!(
            "Injected: deployment/web in NAMESPACE: v0.0.9, {plugin}, docker.io/envoyproxy/envoy:distroless-v1.40.0"
        )
    );
    assert_eq!(told(&["deploy/plain"]), "Injected: deployment/plain in NAMESPACE: not injected");
    let json: Value =
        serde_json::from_str(&namespace.ambassador(&["version", "-o", "json", "deploy/web"]).ok())
            .expect("JSON");
    assert_eq!(json["injected"][0]["version"], "0.0.9");
    assert_eq!(json["injected"][0]["plugin"], plugin);
    assert_eq!(namespace.ambassador(&["version", "--client", "web"]).code, 2);
    let none = namespace.ambassador(&["version", "deploy/none"]);
    assert_eq!((none.code, none.stdout.contains("Server Version")), (1, true), "{}", none.stderr);
}

#[test]
fn exit_codes_are_the_same_in_every_output_format() {
    let namespace = Namespace::new();
    crate::workloads::created(&namespace, "Deployment", "web");
    let run = |args: &str, format: Option<&str>| {
        let format = format.into_iter().flat_map(|format| ["-o", format]);
        namespace.ambassador(&args.split(' ').chain(format).collect::<Vec<_>>())
    };
    for format in [None, Some("yaml"), Some("json"), Some("name")] {
        for (args, code, has_data) in [
            ("inject deploy/web --dry-run", 0, true),
            ("inject deploy/none", 1, false),
            ("inject deploy/web --port 0:1", 2, false),
            ("check deploy/web", 0, true),
            ("check deploy/web --fail-on=warning --jq .", 1, true),
            ("check deploy/none", 2, false),
        ] {
            let output = run(args, format);
            assert_eq!(output.code, code, "{args} -o {format:?}: {}", output.stderr);
            assert_eq!(!output.stdout.is_empty(), has_data, "{args} -o {format:?}: {}", output.stdout);
        }
    }
    // That takes its time, so it has one format only: it was put back.
    let output = run("inject deploy/web --image=127.0.0.1:1/no-such-envoy:1", Some("json"));
    assert_eq!((output.code, output.stdout.as_str()), (3, ""), "{}", output.stderr);
}
