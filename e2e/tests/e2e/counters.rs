//! What rules did, where operators look: counters with labels, in Prometheus' form.

use e2e::curl::curl;
use e2e::envoy::{Envoy, ask, one_port};
use e2e::upstream::{Reply, Upstream};

const RULES: &str = "  rules:
    - {name: order.v2, match: {path: /orders}, request: {jq: .n}}
    - {name: strict, match: {path: /strict}, response: {jq: length}}
    - {name: lenient, match: {path: /lenient}, response: {jq: .a, onError: pass}}
    - {name: never, match: {path: /never}, response: {jq: .}}
";

/// The values of our counters that are not zero, by their names and labels.
fn counters(envoy: &Envoy) -> Vec<String> {
    let url = format!("http://127.0.0.1:{}/stats/prometheus", envoy.rendered.health_port);
    let stats = curl(&url, &[]).text();
    let mut lines: Vec<String> = stats
        .lines()
        .filter(|line| line.starts_with("ambassador_") && !line.contains("steps"))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

#[test]
fn every_rule_counts_what_it_did() {
    let upstream = Upstream::start(|head| match head.split_whitespace().nth(1) {
        Some("/lenient") => Reply::ok("application/json", b"[1]"),
        Some("/strict?bad") => Reply::ok("application/json", b"[1"),
        Some("/strict?html") => Reply::ok("text/html", b"<html>"),
        _ => Reply::ok("application/json", b"[1,2]"),
    });
    let (config, port) = one_port(upstream.port, RULES);
    let envoy = Envoy::start(&config);
    let all = counters(&envoy);
    assert!(all.iter().all(|line| line.ends_with(" 0")), "{all:#?}");
    assert!(all.iter().any(|line| line.contains("rule=\"never\"")), "there from the start: {all:#?}");
    for path in ["/strict", "/strict", "/strict?bad", "/strict?html", "/lenient", "/other"] {
        ask(port, path, &[]);
    }
    ask(port, "/strict", &["--head"]);
    for body in ["{\"n\":1}", "nonsense"] {
        ask(port, "/orders", &["--header", "content-type: application/json", "--data", body]);
    }
    let seen = counters(&envoy);
    assert_eq!(seen.len(), all.len(), "as many as at the start");
    let seen: Vec<&str> = seen.iter().map(String::as_str).filter(|line| !line.ends_with(" 0")).collect();
    let expected = expect_test::expect![[r#"
        ambassador_bytes_in_total{rule="lenient",side="response"} 3
        ambassador_bytes_in_total{rule="order.v2",side="request"} 15
        ambassador_bytes_in_total{rule="strict",side="response"} 12
        ambassador_bytes_out_total{rule="order.v2",side="request"} 1
        ambassador_bytes_out_total{rule="strict",side="response"} 2
        ambassador_failed_total{rule="lenient",side="response",kind="program"} 1
        ambassador_failed_total{rule="order.v2",side="request",kind="input"} 1
        ambassador_failed_total{rule="strict",side="response",kind="input"} 1
        ambassador_matched_total{rule="lenient",side="response"} 1
        ambassador_matched_total{rule="order.v2",side="request"} 2
        ambassador_matched_total{rule="strict",side="response"} 4
        ambassador_passed_total{rule="lenient",side="response",reason="failed"} 1
        ambassador_passed_total{rule="strict",side="response",reason="no_body"} 1
        ambassador_reshaped_total{rule="order.v2",side="request"} 1
        ambassador_reshaped_total{rule="strict",side="response"} 2"#]];
    expected.assert_eq(&seen.join("\n"));
}

#[test]
fn the_access_log_says_which_rule_did_what() {
    let upstream = Upstream::start(|head| match head.split_whitespace().nth(1) {
        Some("/lenient") => Reply::ok("application/json", b"[1]"),
        _ => Reply::ok("application/json", b"[1,2]"),
    });
    let (config, port) = one_port(upstream.port, &format!("  accessLog: true\n{RULES}"));
    let envoy = Envoy::start(&config);
    for path in ["/strict", "/lenient", "/other"] {
        ask(port, path, &[]);
    }
    ask(port, "/orders", &["--header", "content-type: application/json", "--data", "nonsense"]);
    let log = envoy.access_log(4);
    let said: Vec<String> = log
        .iter()
        .map(|line| {
            let fields = ["path", "status", "rule", "outcome", "requestRule", "requestOutcome"];
            fields.map(|field| line[field].to_string()).join(" ")
        })
        .collect();
    let expected = expect_test::expect![[r#"
        "/strict" 200 "strict" "reshaped" null null
        "/lenient" 200 "lenient" "passed:failed" null null
        "/other" 200 null null null null
        "/orders" 400 null null "order.v2" "failed:input""#]];
    expected.assert_eq(&said.join("\n"));
}
