//! The access log: a line of JSON for each exchange, that says what happened and gives nothing away.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;

use e2e::envoy::{Envoy, ask};
use e2e::free_port;
use e2e::upstream::{Reply, Upstream};

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";

fn legacy() -> Upstream {
    Upstream::start(|head| match head.split(' ').nth(1) {
        Some("/secret") => Reply::with("403 Forbidden", &[("set-cookie", "token=hidden")], b"no"),
        _ => Reply::ok("text/plain", b"fruit"),
    })
}

#[test]
fn there_is_none_unless_it_is_asked_for() {
    let upstream = legacy();
    let port = free_port();
    let envoy = Envoy::start(&format!("{HEAD}  ports: [{{listen: {port}, target: {}}}]\n", upstream.port));
    assert_eq!(ask(port, "/", &[]).status, 200);
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(envoy.access_log(0), Vec::<serde_json::Value>::new());
}

#[test]
fn each_exchange_and_each_connection_is_one_line() {
    let upstream = legacy();
    let (http, tcp, nobody) = (free_port(), free_port(), free_port());
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{name: front, listen: {http}, target: {target}}}
    - {{name: raw, listen: {tcp}, target: {target}, protocol: tcp}}
    - {{name: nobody, listen: {nobody}, target: {free}, protocol: tcp}}
  accessLog: true
",
        target = upstream.port,
        free = free_port(),
    ));
    ask(http, "/stock/7?key=hidden", &["-H", "authorization: hidden", "--data", "12345"]);
    ask(http, "/secret", &[]);
    let lines = envoy.access_log(2);
    let first = &lines[0];
    let expected = serde_json::json!({
        "port": "front", "client": "127.0.0.1", "protocol": "HTTP/1.1", "method": "POST", "path": "/stock/7",
        "status": 200, "details": "via_upstream", "requestBytes": 5, "responseBytes": 5,
        "target": format!("127.0.0.1:{}", upstream.port),
    });
    for (key, expected) in expected.as_object().expect("an object") {
        assert_eq!(&first[key], expected, "{key} of {first}");
    }
    assert!(first["milliseconds"].is_u64() && first["time"].is_string(), "{first}");
    assert_eq!((lines[1]["status"].as_u64(), lines[1]["path"].as_str()), (Some(403), Some("/secret")));
    assert!(!envoy.log().contains("hidden"), "no header's value and no query: {}", envoy.log());

    assert_eq!(ask(tcp, "/", &[]).text(), "fruit");
    drop(TcpStream::connect(("127.0.0.1", nobody)).expect("connected"));
    let lines = envoy.access_log(4);
    let of = |port: &str| lines.iter().find(|line| line["port"] == port).expect("a line");
    assert_eq!(
        (of("raw")["protocol"].as_str(), of("raw")["client"].as_str()),
        (Some("tcp"), Some("127.0.0.1"))
    );
    assert!(of("raw")["responseBytes"].as_u64().is_some_and(|bytes| bytes > 5), "{}", of("raw"));
    assert_eq!(of("nobody")["flags"], "UF,URX", "the upstream could not be reached");
}

#[test]
fn the_rule_and_what_came_of_it_are_told() {
    let upstream = Upstream::start(|head| match head.split(' ').nth(1) {
        Some("/broken") => Reply::ok("application/json", b"[1,"),
        _ => Reply::ok("application/json", b"[1]"),
    });
    let port = free_port();
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {port}, target: {}}}]
  accessLog: true
  rules:
    - {{name: orders, match: {{path: /orders}}, request: {{jq: '{{n: length}}', path: /legacy}}}}
    - {{name: list.v2, match: {{path: '/*'}}, response: {{jq: length}}}}
",
        upstream.port
    ));
    ask(port, "/list", &[]);
    ask(port, "/broken", &[]);
    ask(port, "/orders", &["-H", "content-type: application/json", "--data", "[1,2]"]);
    ask(port, "/other/path", &[]);
    let told: Vec<String> = envoy
        .access_log(4)
        .iter()
        .map(|line| {
            let field = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            ["path", "requestRule", "requestOutcome", "rule", "outcome"].map(field).join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "/list - - list.v2 reshaped",
            "/broken - - list.v2 failed:input",
            "/legacy orders reshaped list.v2 reshaped",
            "/other/path - - - -",
        ]
    );
}

#[test]
fn what_a_client_writes_stays_in_its_field() {
    let upstream = legacy();
    let port = free_port();
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{name: http, listen: {port}, target: {}}}]\n  accessLog: true\n",
        upstream.port
    ));
    let hostile = [
        r#"/"},{"status":200"#,
        r"/\u0022\n\",
        "/%22%0a%00",
        "/%REQ(authorization)%",
        "/a\u{e9}\u{2028}",
        "/{{x}}$(y)`z`",
        "/*",
    ];
    for path in hostile {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: hidden\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("written");
        std::io::copy(&mut stream, &mut std::io::sink()).expect("an answer or an end");
    }
    let lines = envoy.access_log(hostile.len());
    let keys = |line: &serde_json::Value| -> BTreeSet<String> {
        line.as_object().expect("an object").keys().cloned().collect()
    };
    let known: BTreeSet<String> = [
        "time",
        "port",
        "client",
        "protocol",
        "method",
        "path",
        "status",
        "details",
        "flags",
        "requestBytes",
        "responseBytes",
        "milliseconds",
        "target",
    ]
    .map(str::to_owned)
    .into();
    for line in &lines {
        assert!(keys(line).is_subset(&known), "{line}");
        assert_eq!(line["port"], "http");
    }
    assert!(!envoy.log().contains("hidden"), "{}", envoy.log());
    assert!(lines.iter().any(|line| line["path"] == hostile[3]), "{lines:?}");
}
