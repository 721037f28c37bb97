//! The exchange by itself: heads and bodies in, steps out.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

fn ambassador(rules: &Value) -> Rc<Ambassador> {
    let config = json!({
        "apiVersion": crate::config::API_VERSION,
        "kind": crate::config::KIND,
        "spec": {
            "ports": [{"name": "http", "listen": 80, "target": 8775}, {"name": "metrics", "listen": 9102, "target": 8775}],
            "limits": {"body": "100"},
            "rules": rules,
        },
    });
    Rc::new(Ambassador::from_json(config.to_string().as_bytes()).unwrap())
}

fn head(lines: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

fn get(extra: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    head(&[&[(":method", "GET"), (":path", "/")], extra].concat())
}

fn ok(extra: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    head(&[&[(":status", "200"), ("content-type", "application/json")], extra].concat())
}

fn show(edits: &[Edit]) -> String {
    let mut text = String::new();
    for edit in edits {
        match edit {
            Edit::Set(name, value) => writeln!(text, "{name} = {}", String::from_utf8_lossy(value)).unwrap(),
            Edit::Remove(name) => writeln!(text, "{name} removed").unwrap(),
        }
    }
    text
}

/// Runs a whole exchange and writes down what became of it.
#[track_caller]
fn check(
    rules: &Value,
    request: &[(String, Vec<u8>)],
    answer: &[(String, Vec<u8>)],
    body: &str,
    expected: &Expect,
) {
    let (edits, asked) = begin(ambassador(rules), 80, request).unwrap();
    let answered = match asked.answered(answer, body.is_empty(), || true) {
        Decision::Pass(edits) => format!("passed:\n{}", show(&edits)),
        Decision::Replace(reply) => format!("replaced: {} {}\n", reply.status, reply.log),
        Decision::Hold(held) => match held.finish(body.as_bytes(), || 1_425_599_621.0) {
            Release::Reshaped { body, edits } => {
                format!("reshaped:\n{}{}\n", show(&edits), String::from_utf8_lossy(&body))
            }
            Release::Untouched => "untouched\n".to_owned(),
            Release::Replace(reply) => format!("replaced: {} {}\n", reply.status, reply.log),
        },
    };
    expected.assert_eq(&format!("request:\n{}{answered}", show(&edits)));
}

fn fruit_rule() -> Value {
    json!([{"name": "fruit", "response": {"jq": "{n: length}"}}])
}

#[test]
fn reshapes_with_an_exact_length() {
    let rules = json!([{
        "name": "fruit",
        "match": {"port": "http", "methods": ["GET"], "path": "/", "status": "2xx", "contentType": "application/json"},
        "response": {"jq": "{n: length}", "status": 203, "headers": {"set": {"X-Api": 2}, "remove": ["X-Powered-By", "absent"]}},
    }]);
    let answer =
        ok(&[("content-length", "9"), ("etag", "\"1\""), ("x-powered-by", "COBOL"), ("vary", "accept")]);
    check(
        &rules,
        &get(&[]),
        &answer,
        "[1,2,3]",
        &expect![[r#"
        request:
        x-ambassador-upstream = legacy_8775
        reshaped:
        content-length removed
        etag removed
        content-type = application/json
        x-powered-by removed
        x-api = 2
        :status = 203
        content-length = 7
        {"n":3}
    "#]],
    );
}

#[test]
fn strips_what_could_steer_it() {
    let request = get(&[
        ("x-ambassador-upstream", "other"),
        ("x-ambassador-upstream", "twice"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-other", "kept"),
    ]);
    check(
        &json!([]),
        &request,
        &ok(&[]),
        "[1]",
        &expect![[r"
        request:
        x-ambassador-upstream removed
        x-envoy-upstream-rq-timeout-ms removed
        x-ambassador-upstream = legacy_8775
        passed:
    "]],
    );
}

#[test]
fn asks_for_what_it_can_read() {
    let request = get(&[("accept-encoding", "gzip"), ("range", "bytes=0-1"), ("if-none-match", "*")]);
    check(
        &fruit_rule(),
        &request,
        &ok(&[]),
        "[1]",
        &expect![[r#"
        request:
        x-ambassador-upstream = legacy_8775
        accept-encoding removed
        range removed
        if-none-match removed
        reshaped:
        content-type = application/json
        content-length = 7
        {"n":1}
    "#]],
    );
    check(
        &json!([]),
        &request,
        &ok(&[]),
        "[1]",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        passed:
    "]],
    );
}

#[test]
fn passes_what_no_rule_is_for() {
    for answer in [
        head(&[(":status", "404"), ("content-type", "application/json")]),
        head(&[(":status", "200"), ("content-type", "text/html")]),
        head(&[(":status", "206"), ("content-type", "application/json")]),
        ok(&[("cache-control", "public, No-Transform")]),
    ] {
        let (_, asked) = begin(ambassador(&fruit_rule()), 80, &get(&[])).unwrap();
        assert!(matches!(asked.answered(&answer, false, || true), Decision::Pass(edits) if edits.is_empty()));
    }
}

#[test]
fn never_reshapes_an_answer_of_envoy_itself() {
    let rules = json!([{"name": "all", "match": {"status": ["2xx", "5xx"]}, "response": {"jq": "."}}]);
    let (_, asked) = begin(ambassador(&rules), 80, &get(&[])).unwrap();
    let answer = head(&[(":status", "503")]);
    assert!(matches!(asked.answered(&answer, false, || false), Decision::Pass(edits) if edits.is_empty()));
}

#[test]
fn head_loses_what_describes_the_original() {
    let request = head(&[(":method", "HEAD"), (":path", "/")]);
    check(
        &fruit_rule(),
        &request,
        &ok(&[("content-length", "9"), ("etag", "\"1\"")]),
        "",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        passed:
        content-length removed
        etag removed
    "]],
    );
}

#[test]
fn failures_are_502_and_show_no_data() {
    let secret = r#"{"secret": "hunter2"}"#;
    check(
        &json!([{"name": "r", "response": {"jq": ".[0]"}}]),
        &get(&[]),
        &ok(&[]),
        secret,
        &expect![[r#"
            request:
            x-ambassador-upstream = legacy_8775
            replaced: 502 rule r: cannot index an object with a number, at line 1, column 1 of the program
        "#]],
    );
    check(
        &fruit_rule(),
        &get(&[]),
        &ok(&[]),
        "<html>",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        replaced: 502 rule fruit: the body is not valid JSON at byte 0
    "]],
    );
    check(
        &fruit_rule(),
        &get(&[]),
        &ok(&[]),
        "",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        replaced: 502 rule fruit: the body is empty
    "]],
    );
    check(
        &fruit_rule(),
        &get(&[]),
        &ok(&[("content-encoding", "gzip")]),
        "x",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        replaced: 502 rule fruit: the body has a content coding that cannot be decoded
    "]],
    );
    check(
        &fruit_rule(),
        &get(&[]),
        &ok(&[("content-length", "101")]),
        "x",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        replaced: 502 rule fruit: the body is larger than 100 bytes
    "]],
    );
    check(
        &json!([{"name": "r", "response": {"jq": ".[]"}}]),
        &get(&[]),
        &ok(&[]),
        "[1,2]",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        replaced: 502 rule r: the program gave 2 values where one is needed
    "]],
    );
}

#[test]
fn on_error_pass_leaves_the_original() {
    let rules = json!([{"name": "r", "response": {"jq": ".[0]", "onError": "pass"}}]);
    check(
        &rules,
        &get(&[]),
        &ok(&[]),
        "{}",
        &expect![[r#"
            request:
            x-ambassador-upstream = legacy_8775
            untouched
        "#]],
    );
}

#[test]
fn bodies_over_the_limit_are_known() {
    let (_, asked) = begin(ambassador(&fruit_rule()), 80, &get(&[])).unwrap();
    let Decision::Hold(held) = asked.answered(&ok(&[]), false, || true) else { panic!("not held") };
    assert!(!held.is_too_large(100));
    assert!(held.is_too_large(101));
    assert!(matches!(held.give_up(), Release::Replace(reply) if reply.status == 502));
}

#[test]
fn the_first_rule_that_matches_is_used() {
    let rules = json!([
        {"name": "other-port", "match": {"port": "metrics"}, "response": {"jq": "1"}},
        {"name": "not-found", "match": {"status": 404}, "response": {"jq": "2"}},
        {"name": "first", "response": {"jq": "3"}},
        {"name": "second", "response": {"jq": "4"}},
    ]);
    check(
        &rules,
        &get(&[]),
        &ok(&[]),
        "[]",
        &expect![[r"
        request:
        x-ambassador-upstream = legacy_8775
        reshaped:
        content-type = application/json
        content-length = 1
        3
    "]],
    );
}

#[test]
fn programs_see_the_exchange() {
    let rules = json!([{"name": "r", "response": {"jq": "[$request, $response, .]"}}]);
    let request = head(&[(":method", "GET"), (":path", "/a?x=1&y=%C3%A9+b&x=2"), ("a", "1"), ("a", "2")]);
    check(
        &rules,
        &request,
        &ok(&[]),
        "\u{feff}[]",
        &expect![[r#"
        request:
        x-ambassador-upstream = legacy_8775
        reshaped:
        content-type = application/json
        content-length = 156
        [{"method":"GET","path":"/a","query":{"x":"2","y":"é b"},"headers":{"a":"1, 2"},"port":80},{"status":200,"headers":{"content-type":"application/json"}},[]]
    "#]],
    );
}

#[test]
fn ports_that_are_not_mapped_are_not_ours() {
    assert!(begin(ambassador(&json!([])), 81, &get(&[])).is_none());
}
