//! What a target is asked, and which one.

use super::*;
use crate::exchange::whole::{Message, run};

/// The head that the target sees of `GET /` with the Host `localhost:8080`.
fn asked(target: &str, request: &str) -> Vec<(String, String)> {
    let config = format!(
        r#"{{"apiVersion": "kubectl-ambassador.dev/v1alpha1", "kind": "Ambassador", "spec": {{
            "ports": [{{"listen": "127.0.0.1:8080", "target": "{target}"}}],
            "rules": [{{"name": "r", "request": {request}}}]}}}}"#
    );
    let ambassador = Rc::new(Ambassador::from_json(config.as_bytes()).expect("a config"));
    let head = [(":method", "GET"), (":path", "/"), (":authority", "localhost:8080")];
    let headers = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec();
    let told = run(&ambassador, 8080, Message { headers, body: Vec::new() }, |_| Message::default(), 0.0);
    let asked = told.and_then(|told| told.request).expect("the target is asked").headers;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    asked.into_iter().skip(2).map(|(name, value)| (name, text(value))).collect()
}

#[test]
fn a_target_elsewhere_is_asked_by_its_own_name_and_told_no_more() {
    let cluster = (UPSTREAM_HEADER.to_owned(), "host_api_example_com_80".to_owned());
    let host = |name: &str| (":authority".to_owned(), name.to_owned());
    assert_eq!(asked("api.example.com:80", "{}"), [host("api.example.com"), cluster.clone()]);
    assert_eq!(asked("api.example.com.:80", "{}").first(), Some(&host("api.example.com")));
    let of_rule = asked("api.example.com:80", r#"{"host": "other.example"}"#);
    assert_eq!(of_rule, [host("other.example"), cluster.clone()]);
    let kept = asked("api.example.com:80", r#"{"host": "keep"}"#);
    assert_eq!(kept, [host("localhost:8080"), cluster]);
}

#[test]
fn the_legacy_program_is_asked_as_the_client_asked() {
    let seen = asked("8775", "{}");
    assert_eq!(seen[0], (":authority".to_owned(), "localhost:8080".to_owned()));
    assert_eq!(seen.len(), 2);
}

/// The cluster that a request leads to, with the Host that its servers see; or the status that the client gets.
fn led(port: u16, request: &[(&str, &str)]) -> String {
    let config = r#"{"apiVersion": "kubectl-ambassador.dev/v1alpha1", "kind": "Ambassador", "spec": {
        "ports": [
            {"listen": 80, "target": "web", "routes": [
                {"hosts": ["api.example.org", "*.example.net"], "path": "/api/**", "target": "api"},
                {"methods": ["PUT"], "target": 8776},
                {"query": {"old": "*"}, "target": "old.example.org:80"},
                {"headers": {"x-beta": "1"}, "target": "beta"}]},
            {"listen": 81, "appProtocol": "kubernetes.io/h2c", "routes": [{"path": "/a", "target": "api"}]}],
        "targets": [
            {"name": "web", "servers": [8775, 8777]},
            {"name": "api", "servers": ["10.0.0.1:80", "10.0.0.2:80"], "host": "api.internal"},
            {"name": "beta", "servers": ["10.0.0.3:80"]}],
        "rules": [
            {"name": "of-api", "match": {"target": "api", "status": "4xx"}, "request": {"headers": {"set": {"x-api": "1"}}}},
            {"name": "all", "request": {"host": "upstream", "path": "/new"}, "match": {"path": "/upstream"}}]}}"#;
    let ambassador = Rc::new(Ambassador::from_json(config.as_bytes()).expect("a config"));
    let headers =
        request.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let answer =
        |_: &Message| Message { headers: vec![(":status".to_owned(), b"200".to_vec())], body: Vec::new() };
    let told = run(&ambassador, port, Message { headers, body: Vec::new() }, answer, 0.0).expect("a port");
    let text = |name: &str, headers: &HeaderList| {
        Head(headers)
            .get(name)
            .map(|value| format!(" {}", String::from_utf8_lossy(value)))
            .unwrap_or_default()
    };
    let Some(asked) = told.request else { return text(":status", &told.answer.headers).trim().to_owned() };
    let of_api = text("x-api", &asked.headers);
    let vary = text("vary", &told.answer.headers);
    let led = text(UPSTREAM_HEADER, &asked.headers) + &text(":authority", &asked.headers);
    format!("{}{}{}", led.trim(), of_api, vary)
}

#[test]
fn the_first_route_that_matches_is_used() {
    for (host, line, header, expected) in [
        ("a.org", "GET /", "", "target_web a.org x-beta"),
        ("api.example.org", "GET /api/x?y", "", "target_api api.internal 1"),
        ("API.Example.org:8080", "PUT /api", "", "target_api api.internal 1"),
        ("example.net", "GET /api/x", "", "target_web example.net x-beta"),
        ("x.example.net", "GET /api/x", "", "target_api api.internal 1"),
        ("x.example.net", "PUT /apis", "", "legacy_8776 x.example.net"),
        ("a.org", "GET /?old", "", "host_old_example_org_80 old.example.org"),
        ("a.org", "GET /?older", "1", "target_beta 10.0.0.3 x-beta"),
        ("a.org", "GET /?older", "2", "target_web a.org x-beta"),
        // One of several servers has no address that could be told beforehand.
        ("a.org", "GET /upstream", "", "target_web a.org x-beta"),
        ("a.org", "GET /upstream", "1", "target_beta 10.0.0.3 x-beta"),
        ("", "GET /", "", "target_web x-beta"),
    ] {
        let (method, path) = line.split_once(' ').expect("a line");
        let all = [(":method", method), (":path", path), (":authority", host), ("x-beta", header)];
        let given: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        assert_eq!(led(80, &given), expected, "{host} {line} {header}");
    }
}

#[test]
fn where_no_route_leads_is_nothing() {
    let get = |path| led(81, &[(":method", "GET"), (":path", path), (":authority", "a.org")]);
    assert_eq!(get("/a?b"), "target_api_h2c api.internal 1");
    assert_eq!(get("/"), "404");
    assert_eq!(led(81, &[(":method", "CONNECT"), (":authority", "a.org:443")]), "404");
}
