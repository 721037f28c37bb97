//! The port map in a real Envoy: which upstream is asked, and what a client can do about it.

use e2e::envoy::{Envoy, ask};
use e2e::free_port;
use e2e::upstream::{Reply, Upstream};

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";

#[test]
fn several_ports_lead_to_one_program_with_rules_of_their_own() {
    let upstream = Upstream::start(|_| Reply::ok("application/json", b"[1,2]"));
    let (http, metrics, raw) = (free_port(), free_port(), free_port());
    let target = upstream.port;
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{name: http, listen: {http}, target: {target}}}
    - {{name: metrics, listen: {metrics}, target: {target}}}
    - {{name: raw, listen: {raw}, target: {target}}}
  rules:
    - {{name: list, match: {{port: http}}, response: {{jq: '{{n: length}}'}}}}
    - {{name: total, match: {{port: metrics}}, response: {{jq: add}}}}
"
    ));
    assert_eq!(ask(http, "/", &[]).text(), r#"{"n":2}"#);
    assert_eq!(ask(metrics, "/", &[]).text(), "3");
    assert_eq!(ask(raw, "/", &[]).text(), "[1,2]");
}

#[test]
fn several_ports_lead_to_several_programs() {
    let one = Upstream::start(|_| Reply::ok("text/plain", b"one"));
    let two = Upstream::start(|_| Reply::ok("text/plain", b"two"));
    let (first, second) = (free_port(), free_port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {first}, target: {}}}, {{listen: {second}, target: {}}}]\n",
        one.port, two.port
    ));
    assert_eq!((ask(first, "/", &[]).text().as_str(), ask(second, "/", &[]).text().as_str()), ("one", "two"));
}

#[test]
fn clients_and_programs_may_speak_http2() {
    let upstream = Upstream::start(|_| Reply::ok("application/json", b"[1,2]"));
    let (port, modern) = (free_port(), free_port());
    // A second ambassador is the modern program: it takes HTTP/2 without TLS, and says so in its log.
    let program = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {modern}, target: {}}}]\n  accessLog: true\n",
        upstream.port
    ));
    let rules = "  rules: [{name: list, response: {jq: '{n: length}'}}]\n";
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {port}, target: {modern}, appProtocol: kubernetes.io/h2c}}]\n{rules}"
    ));
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let answer = ask(port, "/", &[version]);
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"n":2}"#), "{version}");
    }
    assert_eq!(ask(modern, "/", &["--http1.1"]).text(), "[1,2]");
    let protocols: Vec<String> = program
        .access_log(3)
        .iter()
        .map(|line| line["protocol"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(protocols, ["HTTP/2", "HTTP/2", "HTTP/1.1"]);
}

#[test]
fn a_client_cannot_steer_the_ambassador() {
    let one = Upstream::start(|_| Reply {
        delay: std::time::Duration::from_millis(300),
        ..Reply::ok("text/plain", b"one")
    });
    let two = Upstream::start(|_| Reply::ok("text/plain", b"two"));
    let (first, second) = (free_port(), free_port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {first}, target: {}}}, {{listen: {second}, target: {}}}]\n",
        one.port, two.port
    ));
    let other = format!("x-ambassador-upstream: legacy_{}", two.port);
    for header in [
        other.as_str(),
        "x-ambassador-upstream: admin",
        "X-Ambassador-Upstream: health",
        "x-ambassador-anything: 1",
        "x-envoy-upstream-rq-timeout-ms: 1",
        "x-envoy-upstream-rq-per-try-timeout-ms: 1",
        "x-envoy-retry-on: 5xx",
        "x-envoy-expected-rq-timeout-ms: 1",
        "x-envoy-original-path: /admin",
        "x-envoy-internal: true",
    ] {
        let answer = ask(first, "/", &["-H", header, "-H", header]);
        assert_eq!((answer.status, answer.text().as_str()), (200, "one"), "{header}");
    }
    let heads = one.heads().concat().to_lowercase();
    assert!(!heads.contains("x-ambassador") && !heads.contains("x-envoy"), "{heads}");
    assert!(two.heads().is_empty());
}

#[test]
fn a_program_that_is_not_there_is_a_503() {
    let port = free_port();
    let nobody = free_port();
    let rules = "  rules: [{name: all, match: {status: [2xx, 5xx]}, response: {jq: '1'}}]\n";
    let _envoy = Envoy::start(&format!("{HEAD}  ports: [{{listen: {port}, target: {nobody}}}]\n{rules}"));
    let answer = ask(port, "/", &[]);
    assert_eq!(answer.status, 503);
    assert_ne!(answer.text(), "1", "an answer of Envoy's own is never reshaped");
}

#[test]
fn websockets_pass() {
    let upstream = Upstream::start(|_| Reply {
        head: "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade".to_owned(),
        pieces: vec![b"hello".to_vec()],
        close: true,
        ..Reply::default()
    });
    let port = free_port();
    let rules = "  rules: [{name: all, response: {jq: '1'}}]\n";
    let _envoy =
        Envoy::start(&format!("{HEAD}  ports: [{{listen: {port}, target: {}}}]\n{rules}", upstream.port));
    let args = [
        "-H",
        "connection: upgrade",
        "-H",
        "upgrade: websocket",
        "-H",
        "sec-websocket-version: 13",
        "-H",
        "sec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEA==",
    ];
    let answer = ask(port, "/", &args);
    assert_eq!((answer.status, answer.text().as_str()), (101, "hello"));
}

#[test]
fn only_readiness_and_metrics_are_shown_to_others() {
    let envoy =
        Envoy::start(&format!("{HEAD}  ports: [{{listen: {}, target: {}}}]\n", free_port(), free_port()));
    let health = envoy.rendered.health_port;
    assert_eq!(ask(health, "/ready", &[]).status, 200);
    assert!(ask(health, "/stats/prometheus", &[]).text().contains("envoy_server_live"));
    for path in
        ["/", "/config_dump", "/quitquitquit", "/ready/../config_dump", "/stats", "/ready%2f..%2fconfig_dump"]
    {
        assert_eq!(ask(health, path, &["--path-as-is"]).status, 404, "{path}");
    }
    assert_eq!(ask(health, "/ready", &["--request", "POST"]).status, 404);
    let socket = envoy.rendered.dir.path().join("config/admin.sock");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(socket).expect("the admin socket").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}
