//! What rules say of an exchange that they are not used for.

use ambassador_core::config::yaml;
use ambassador_core::exchange::Head;
use expect_test::{Expect, expect};

const CONFIG: &str = r#"apiVersion: kubectl-ambassador.dev/v1alpha1
kind: Ambassador
spec:
  ports: [{name: http, listen: 80, target: 8775}, {name: metrics, listen: 9102, target: 8775}]
  rules:
    - {name: port, match: {port: metrics}, response: {jq: .}}
    - {name: method, match: {methods: [POST]}, response: {jq: .}}
    - {name: path, match: {path: /other}, response: {jq: .}}
    - {name: query, match: {query: {a: "1"}}, response: {jq: .}}
    - {name: no-query, match: {query: {x: "!*"}}, response: {jq: .}}
    - {name: header, match: {headers: {host: "*.example"}}, response: {jq: .}}
    - {name: no-header, match: {headers: {accept: "!text/*"}}, response: {jq: .}}
    - {name: status, match: {status: 404}, response: {jq: .}}
    - {name: type, match: {contentType: ["text/plain", "*/xml"]}, response: {jq: .}}
    - {name: format, response: {jq: ., from: ndjson}}
    - {name: request-only, request: {path: /new}}
    - {name: used, response: {jq: .}}
    - {name: later, response: {jq: .}}
"#;

#[track_caller]
fn check(verdicts: &[String], expected: &Expect) {
    expected.assert_eq(&verdicts.join("\n"));
}

fn head(lines: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn each_rule_says_why_it_was_not_used() {
    let ambassador = yaml::load(CONFIG).expect("a config").ambassador;
    let request =
        head(&[(":method", "GET"), (":path", "/list?x=1"), (":authority", "fruit"), ("accept", "text/html")]);
    let answer = head(&[(":status", "200"), ("content-type", "application/json")]);
    let names = || ambassador.rules.iter().map(|rule| &rule.name);
    let lines = |verdicts: Vec<ambassador_core::rules::Verdict<'_>>| -> Vec<String> {
        names().zip(verdicts).map(|(name, verdict)| format!("{name}: {verdict}")).collect()
    };
    check(
        &lines(ambassador.rules.explain_answer(80, None, Head(&request), Head(&answer))),
        &expect![[r#"
            port: does not match: the request came in on another port
            method: does not match: the request has another method
            path: does not match: the request is for another path
            query: does not match: the parameter `a` is missing or has another value
            no-query: does not match: the parameter `x` has a value that it must not have
            header: does not match: the header `host` is missing or has another value
            no-header: does not match: the header `accept` has a value that it must not have
            status: does not match: the answer has another status
            type: does not match: the answer has another Content-Type
            format: does not match: the answer's Content-Type is not of the format that the program reads; name it in match.contentType
            request-only: not used: it says nothing about this side of the exchange
            used: used
            later: not used: a rule before it matches"#]],
    );
    check(
        &lines(ambassador.rules.explain_request(80, None, Head(&request))).split_off(9),
        &expect![[r#"
            format: not used: it says nothing about this side of the exchange
            request-only: used
            used: not used: it says nothing about this side of the exchange
            later: not used: it says nothing about this side of the exchange"#]],
    );
}
