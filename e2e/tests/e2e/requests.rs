//! Requests that are changed before the legacy program sees them, in a real Envoy.

use e2e::envoy::{Envoy, ask, one_port};
use e2e::upstream::{Reply, Upstream};

const RULES: &str = "  limits: {body: 64KiB}
  rules:
    - name: order
      match: {methods: [POST], path: /orders}
      request:
        jq: '{id: .article, n: .count}'
        path: /cgi-bin/order?v=1
        method: PUT
        host: till.example
        headers: {set: {x-front: ambassador}, remove: [cookie]}
      response: {jq: '{accepted: .}'}
    - {name: form, match: {path: /form}, request: {from: form, jq: ., to: json}}
    - {name: lenient, match: {path: /lenient}, request: {jq: .article, onError: pass}}
    - {name: length, match: {path: /length}, request: {jq: length}}
    - {name: upstream, match: {path: /upstream}, request: {host: upstream, path: /other}}
";

fn start() -> (Upstream, Envoy, u16) {
    let upstream = Upstream::start(|_| Reply::ok("application/json", b"true"));
    let (config, port) = one_port(upstream.port, RULES);
    let envoy = Envoy::start(&config);
    (upstream, envoy, port)
}

const PROTOCOLS: [&str; 2] = ["--http1.1", "--http2-prior-knowledge"];
const JSON: [&str; 2] = ["--header", "content-type: application/json"];

#[test]
fn the_legacy_program_is_asked_the_way_it_wants() {
    let (upstream, envoy, port) = start();
    for protocol in PROTOCOLS {
        for coding in [&[][..], &["--header", "transfer-encoding: chunked"]] {
            let args = [
                &[protocol, "--data", r#"{"article": 7, "count": 2}"#, "--header", "cookie: a=b"][..],
                &JSON,
                if protocol == "--http1.1" { coding } else { &[] },
            ]
            .concat();
            let answer = ask(port, "/orders?q=1", &args);
            assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"accepted":true}"#), "{protocol}");
            let request = upstream.last();
            assert_eq!(request.line(), "PUT /cgi-bin/order?v=1", "{protocol}");
            assert_eq!(String::from_utf8_lossy(&request.body), r#"{"id":7,"n":2}"#, "{protocol}");
            for (name, value) in [
                ("host", Some("till.example")),
                ("content-length", Some("14")),
                ("transfer-encoding", None),
                ("content-type", Some("application/json")),
                ("x-front", Some("ambassador")),
                ("cookie", None),
                ("x-forwarded-host", Some(format!("127.0.0.1:{port}").as_str())),
                ("x-forwarded-port", Some(port.to_string().as_str())),
                ("x-forwarded-proto", Some("http")),
            ] {
                assert_eq!(request.header(name), value, "{name} by {protocol}\n{}", request.head);
            }
            assert!(request.header("x-forwarded-for").is_some(), "{}", request.head);
        }
    }
    ask(port, "/upstream?q=1", &[]);
    let request = upstream.last();
    assert_eq!(request.line(), "GET /other?q=1");
    assert_eq!(request.header("host"), Some(format!("127.0.0.1:{}", upstream.port).as_str()));
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
}

#[test]
fn bodies_of_any_size_and_format_become_what_the_rule_says() {
    let (upstream, _envoy, port) = start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body");
    let data = format!("@{}", file.display());
    for items in [1, 2_000, 6_000] {
        std::fs::write(&file, format!("[{}]", vec!["\"fruit\""; items].join(","))).expect("written");
        for protocol in PROTOCOLS {
            let args = [&[protocol, "--data-binary", &data][..], &JSON].concat();
            assert_eq!(ask(port, "/length", &args).status, 200, "{items} by {protocol}");
            assert_eq!(String::from_utf8_lossy(&upstream.last().body), items.to_string(), "{protocol}");
        }
    }
    let answer = ask(port, "/form", &["--data", "name=pear&price=1.10"]);
    assert_eq!(answer.status, 200);
    assert_eq!(String::from_utf8_lossy(&upstream.last().body), r#"{"name":"pear","price":"1.10"}"#);
    assert_eq!(upstream.last().header("content-type"), Some("application/json"));
    // What has no body stays without one.
    assert_eq!(ask(port, "/length", &[]).status, 200);
    assert_eq!((upstream.last().line(), upstream.last().body.len()), ("GET /length", 0));
}

#[test]
fn compressed_requests_are_decoded() {
    let (upstream, _envoy, port) = start();
    let stock = e2e::kube::repository("ambassador-core/testdata/coding/stock.gz");
    let data = format!("@{}", stock.display());
    let coded = ["--data-binary", &data, "--header", "content-encoding: gzip"];
    let answer = ask(port, "/length", &[&coded[..], &JSON].concat());
    assert_eq!((answer.status, upstream.last().header("content-encoding")), (200, None), "{}", answer.text());
    let unknown = ["--data-binary", &data, "--header", "content-encoding: compress"];
    assert_eq!(ask(port, "/length", &[&unknown[..], &JSON].concat()).status, 415);
}

#[test]
fn a_bad_request_is_refused_with_the_reason_and_asks_nobody() {
    let (upstream, mut envoy, port) = start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body");
    let large = format!("@{}", file.display());
    std::fs::write(&file, vec![b' '; 65_537]).expect("written");
    let html = ["--header", "content-type: text/html"];
    let chunked = ["--header", "content-type: application/json", "--header", "transfer-encoding: chunked"];
    for (data, headers, status, detail) in [
        (r#"{"secret": "hunter2""#, &JSON[..], 400, "the body is not valid JSON at byte 20"),
        (r#"["hunter2"]"#, &JSON, 400, "cannot index an array with a string"),
        ("<html>", &html, 415, "Content-Type"),
        (&large, &JSON, 413, "larger than 65536 bytes"),
        (&large, &chunked, 413, "larger than 65536 bytes"),
    ] {
        let path = if data.starts_with('@') { "/length" } else { "/orders" };
        let answer = ask(port, path, &[&["--http1.1", "--data-binary", data], headers].concat());
        assert_eq!((answer.status, answer.exit), (status, 0), "{data}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{data}");
        assert!(answer.text().contains(detail) && !answer.text().contains("hunter2"), "{}", answer.text());
        // Over HTTP/2 the same. What is refused before all of the body has come is answered and the stream then
        // reset without an error, which RFC 9113 8.1 allows; curl 7.88 may take that for a failure, and did with a
        // body of six bytes once, so that is asked again. A large body it never sends to the end.
        let h2 = (0..10)
            .map(|_| {
                ask(
                    port,
                    path,
                    &[&["--http2-prior-knowledge", "--data-binary", data], &headers[..2]].concat(),
                )
            })
            .find(|answer| answer.exit != 92 || status == 413)
            .expect("an answer in ten");
        assert!(h2.status == status || (h2.exit != 0 && status == 413), "{data}: {h2:?}");
    }
    assert_eq!(upstream.requests(), []);
    assert!(!envoy.log().contains("hunter2"));
    let lenient = ask(port, "/lenient", &[&["--data", "[ 1"][..], &JSON].concat());
    assert_eq!((lenient.status, upstream.last().body.as_slice()), (200, &b"[ 1"[..]));
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
    assert!(envoy.runs());
}
