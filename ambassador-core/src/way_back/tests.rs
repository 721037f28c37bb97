//! Headers in, headers out.

use serde_json::json;

use super::*;
use crate::Ambassador;

fn ambassador() -> Ambassador {
    let config = json!({
        "apiVersion": crate::config::API_VERSION,
        "kind": crate::config::KIND,
        "spec": {"ports": [{"listen": 80, "target": 8775}, {"listen": 81, "target": 8776}]},
    });
    Ambassador::from_json(config.to_string().as_bytes()).unwrap()
}

fn map(asked: &[(&str, &str)], name: &str, value: &str) -> Option<String> {
    let lower = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
    let request: Vec<_> = asked.iter().map(lower).collect();
    let mut client = Client::new(Head(&request)).unwrap();
    client.moved(b"/shop/list?x", b"/internal?x");
    let ambassador = ambassador();
    let entry = ambassador.ports.listening_on(80).unwrap();
    let answer = [lower(&(name, value))];
    let target = entry.target.as_ref().unwrap();
    let edits = edits(Head(&answer), &ambassador.ports, target, &client);
    edits.into_iter().find_map(|edit| match edit {
        Edit::Add(_, value) => Some(String::from_utf8(value).unwrap()),
        _ => None,
    })
}

/// Asked as `http://shop.example:8080`; an expected value of "" is one that stays.
#[track_caller]
fn check(name: &str, cases: &[(&str, &str)]) {
    for (value, expected) in cases {
        let found = map(&[(":authority", "shop.example:8080"), (":scheme", "http")], name, value);
        let expected = Some(*expected).filter(|expected| !expected.is_empty());
        assert_eq!(found.as_deref(), expected, "{name}: {value}");
    }
}

#[test]
fn locations_lead_to_what_the_client_asked() {
    check(
        "location",
        &[
            ("http://127.0.0.1:8775/login?next=/#top", "http://shop.example:8080/login?next=/#top"),
            ("HTTP://LOCALHOST:8775", "http://shop.example:8080"),
            ("http://[::1]:8775/a", "http://shop.example:8080/a"),
            ("http://shop.example:8775/a", "http://shop.example:8080/a"),
            ("//localhost:8775/a", "//shop.example:8080/a"),
            ("http://localhost:8775?q", "http://shop.example:8080?q"),
            ("http://localhost:8776/other", "http://shop.example:81/other"),
            // Not the legacy program's own.
            ("http://localhost:9000/", ""),
            ("http://localhost/", ""),
            ("https://localhost:8775/", ""),
            ("http://other.example:8775/", ""),
            ("http://localhost.evil.example:8775/", ""),
            ("http://user@localhost:8775/", ""),
            ("http://localhost:8775@evil.example/", ""),
            ("http://localhost:08775x/", ""),
            ("http://shop.example:8080/known", ""),
            // Relative, and what only looks like an address.
            ("/login", ""),
            ("login?to=http://localhost:8775/", ""),
            ("#http://localhost:8775", ""),
            ("", ""),
            ("http://", ""),
            ("http://:8775/", ""),
        ],
    );
    check("access-control-allow-origin", &[("http://localhost:8775", "http://shop.example:8080"), ("*", "")]);
}

#[test]
fn the_scheme_is_the_one_before_tls_was_taken_off() {
    let asked = [(":authority", "shop.example"), (":scheme", "http"), ("x-forwarded-proto", "https")];
    assert_eq!(map(&asked, "location", "http://localhost:8775/a").unwrap(), "https://shop.example/a");
    assert_eq!(map(&asked, "alt-svc", "h2=\":8775\"").unwrap(), "h2=\":443\"");
}

#[test]
fn links_and_refreshes_hold_urls() {
    check(
        "link",
        &[
            (
                "<http://localhost:8775/2>; rel=\"next\", </3>; rel=last, <http://x/>; title=\"<http://localhost:8775>\"",
                "<http://shop.example:8080/2>; rel=\"next\", </3>; rel=last, <http://x/>; title=\"<http://localhost:8775>\"",
            ),
            ("<http://localhost:8775/", "<http://shop.example:8080/"),
            ("</2>; rel=next", ""),
        ],
    );
    check(
        "refresh",
        &[
            ("5; url=http://localhost:8775/a", "5; url=http://shop.example:8080/a"),
            ("0;URL='http://localhost:8775/a'", "0;URL='http://shop.example:8080/a'"),
            ("5", ""),
            ("5; url=/a", ""),
        ],
    );
}

#[test]
fn cookies_are_for_what_the_client_asked() {
    check(
        "set-cookie",
        &[
            ("a=b; Domain=localhost; Path=/; Secure", "a=b; Domain=shop.example; Path=/; Secure"),
            ("a=b;domain=.127.0.0.1;HttpOnly", "a=b; Domain=shop.example;HttpOnly"),
            ("a=b; Path=/internal; SameSite=Lax", "a=b; Path=/shop/list; SameSite=Lax"),
            ("a=b; Domain=shop.example", ""),
            ("a=b; Domain=example", ""),
            ("Domain=localhost", ""),
            ("a=b", ""),
        ],
    );
    let asked = [(":authority", "fruit:80")];
    assert_eq!(map(&asked, "set-cookie", "a=b; Domain=localhost; Path=/").unwrap(), "a=b; Path=/");
}

#[test]
fn alternatives_are_on_the_mapped_port() {
    check(
        "alt-svc",
        &[
            ("h2=\":8775\"; ma=3600, h3=\"other:8775\"", "h2=\":8080\"; ma=3600, h3=\"other:8775\""),
            ("h2=\"localhost:8775\"", "h2=\":8080\""),
            ("clear", ""),
            ("h2=\":443\"", ""),
        ],
    );
}

#[test]
fn each_cookie_is_a_line_of_its_own() {
    let request = [(":authority".to_owned(), b"fruit".to_vec())];
    let client = Client::new(Head(&request)).unwrap();
    let ambassador = ambassador();
    let line = |value: &str| ("set-cookie".to_owned(), value.as_bytes().to_vec());
    let answer = [line("a=1"), line("b=2; Domain=localhost"), line("c=\"3;4\"; Domain=x")];
    let entry = ambassador.ports.listening_on(80).unwrap();
    let target = entry.target.as_ref().unwrap();
    let edits = edits(Head(&answer), &ambassador.ports, target, &client);
    let add = |value: &str| Edit::Add("set-cookie".into(), value.as_bytes().to_vec());
    assert_eq!(
        edits,
        [Edit::Remove("set-cookie".into()), add("a=1"), add("b=2"), add("c=\"3;4\"; Domain=x")]
    );
}

#[test]
fn addresses_of_all_servers_lead_back() {
    let config = json!({
        "apiVersion": crate::config::API_VERSION,
        "kind": crate::config::KIND,
        "spec": {
            "ports": [{"listen": 80, "target": "api"}, {"listen": 81, "target": "10.0.0.1:90"}],
            "targets": [{"name": "api", "servers": ["10.0.0.1:8080", "10.0.0.2:8081", 8082]}],
        },
    });
    let ambassador = Ambassador::from_json(config.to_string().as_bytes()).unwrap();
    let target = ambassador.ports.listening_on(80).unwrap().target.as_ref().unwrap();
    let client = Client::new(Head(&[(":authority".to_owned(), b"shop.example".to_vec())])).unwrap();
    for (location, expected) in [
        ("http://10.0.0.1:8080/a", Some("http://shop.example/a")),
        ("http://10.0.0.2:8081/a", Some("http://shop.example/a")),
        ("http://localhost:8082/a", Some("http://shop.example/a")),
        ("http://shop.example:8081/a", Some("http://shop.example/a")),
        ("http://10.0.0.1:90/a", Some("http://shop.example:81/a")),
        // What another server of the target has is not on this one.
        ("http://10.0.0.1:8081/a", None),
        ("http://10.0.0.2:90/a", None),
        ("http://10.0.0.3:8080/a", None),
    ] {
        let answer = [("location".to_owned(), location.as_bytes().to_vec())];
        let edits = edits(Head(&answer), &ambassador.ports, target, &client);
        let found = edits.into_iter().find_map(|edit| match edit {
            Edit::Add(_, value) => Some(String::from_utf8(value).unwrap()),
            _ => None,
        });
        assert_eq!(found.as_deref(), expected, "{location}");
    }
}
