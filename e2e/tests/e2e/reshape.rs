//! Reshaping in a real Envoy.

use e2e::envoy::{Envoy, ask};
use e2e::free_port;
use e2e::upstream::{Reply, Upstream};

const FRUIT: &[u8] = br#"["apple","banana","pear"]"#;

/// A config with one port and these rules, and the port.
fn config(upstream: &Upstream, rules: &str) -> (String, u16) {
    let port = free_port();
    let head = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";
    let target = upstream.port;
    (
        format!(
            "{head}  ports: [{{name: http, listen: {port}, target: {target}}}]\n  limits: {{body: 64KiB}}\n{rules}"
        ),
        port,
    )
}

const RULE: &str = "  rules: [{name: fruit-list, match: {path: /}, response: {jq: '{fruits: map({name: .}), count: length}'}}]\n";

#[test]
fn a_body_is_reshaped_and_its_length_is_exact() {
    let upstream = Upstream::start(|_| {
        Reply::with(
            "200 OK",
            &[("content-type", "application/json"), ("etag", "\"1\""), ("x-kept", "yes")],
            FRUIT,
        )
    });
    let (config, port) = config(&upstream, RULE);
    let _envoy = Envoy::start(&config);
    for protocol in ["--http1.1", "--http2-prior-knowledge"] {
        let answer = ask(port, "/", &[protocol]);
        let expected = r#"{"fruits":[{"name":"apple"},{"name":"banana"},{"name":"pear"}],"count":3}"#;
        assert_eq!((answer.status, answer.exit, answer.text().as_str()), (200, 0, expected), "{protocol}");
        assert_eq!(answer.header("content-length"), Some(expected.len().to_string().as_str()), "{protocol}");
        let tag = answer.header("etag").unwrap_or_default();
        assert!(tag.starts_with("W/\"1;"), "{protocol}: {tag}");
        assert_eq!(answer.header("x-kept"), Some("yes"), "{protocol}");
    }
}

#[test]
fn chunks_of_any_size_make_one_body() {
    let body = format!("[{}]", vec!["\"fruit\""; 3_000].join(",")).into_bytes();
    let upstream = Upstream::start(move |head| {
        let size = head.split_whitespace().nth(1).and_then(|path| path.trim_start_matches('/').parse().ok());
        Reply::chunked("application/json", &body, size.unwrap_or(1))
    });
    let (config, port) = config(&upstream, "  rules: [{name: count, response: {jq: length}}]\n");
    let _envoy = Envoy::start(&config);
    for size in ["/1", "/8191", "/8192", "/8193"] {
        let answer = ask(port, size, &[]);
        assert_eq!((answer.status, answer.text().as_str()), (200, "3000"), "chunks of {size}");
        assert_eq!(answer.header("content-length"), Some("4"), "chunks of {size}");
    }
}

#[test]
fn what_no_rule_is_for_passes_byte_for_byte() {
    let html = b"<html>\xff\x00caf\xc3\xa9</html>";
    let json = b" [1.10, 12345678901234567890.123 ] ";
    let upstream = Upstream::start(|head| match head.split_whitespace().nth(1) {
        Some("/html") => Reply::ok("text/html", html),
        Some("/error") => {
            Reply::with("500 Internal Server Error", &[("content-type", "application/json")], json)
        }
        Some("/large") => Reply::ok("application/json", &vec![b'x'; 200_000]),
        _ => Reply::with(
            "200 OK",
            &[("content-type", "application/json"), ("etag", "\"1\""), ("x-twice", "a"), ("x-twice", "b")],
            json,
        ),
    });
    let (config, port) = config(&upstream, RULE);
    let envoy = Envoy::start(&config);
    let answer = ask(port, "/other", &["--header", "accept-encoding: gzip"]);
    assert_eq!((answer.status, answer.body.as_slice()), (200, json.as_slice()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-twice").count(), 2);
    assert!(
        upstream.heads()[0].to_lowercase().contains("accept-encoding: gzip"),
        "no rule: the request is the client's"
    );
    assert_eq!(ask(port, "/html", &[]).body, html);
    assert_eq!(
        ask(port, "/large", &[]).body.len(),
        200_000,
        "larger than limits.body, which concerns rules only"
    );
    let error = ask(port, "/error", &[]);
    assert_eq!((error.status, error.body.as_slice()), (500, json.as_slice()));
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
}

#[test]
fn a_rule_that_fails_is_a_502_that_shows_no_data() {
    let upstream = Upstream::start(|head| match head.split_whitespace().nth(1) {
        Some("/html") => Reply::ok("application/json", b"<html>hunter2</html>"),
        Some("/empty") => Reply::ok("application/json", b""),
        Some("/gzip") => Reply::with(
            "200 OK",
            &[("content-type", "application/json"), ("content-encoding", "compress")],
            b"x",
        ),
        Some("/large") => Reply::ok("application/json", &vec![b' '; 70_000]),
        Some("/large-chunked") => Reply::chunked("application/json", &vec![b' '; 70_000], 1_000),
        Some("/deep") => Reply::ok("application/json", "[".repeat(50_000).as_bytes()),
        _ => Reply::ok("application/json", br#"{"password":"hunter2"}"#),
    });
    let (config, port) = config(&upstream, "  rules: [{name: fails, response: {jq: tonumber}}]\n");
    let mut envoy = Envoy::start(&config);
    for (path, detail) in [
        ("/", "an object cannot be parsed as a number, at line 1, column 1 of the program"),
        ("/html", "the body is not valid JSON at byte 0"),
        ("/empty", "the body is empty"),
        ("/gzip", "the body has a content coding that cannot be decoded"),
        ("/large", "the body is larger than 65536 bytes"),
        ("/large-chunked", "the body is larger than 65536 bytes"),
        ("/deep", "more than 128 levels of nesting"),
    ] {
        for protocol in ["--http1.1", "--http2-prior-knowledge"] {
            let answer = ask(port, path, &[protocol]);
            assert_eq!((answer.status, answer.exit), (502, 0), "{path} {protocol}: {}", envoy.log());
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
            let problem: serde_json::Value =
                serde_json::from_slice(&answer.body).expect("a problem document");
            assert_eq!(problem["detail"], detail, "{path}");
            assert_eq!(problem["rule"], "fails", "{path}");
            assert_eq!(problem["status"], 502, "{path}");
        }
    }
    assert!(!envoy.log().contains("hunter2"));
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
    assert!(envoy.runs());
}

#[test]
fn on_error_pass_sends_the_untouched_original() {
    let upstream = Upstream::start(|head| match head.split_whitespace().nth(1) {
        Some("/large-chunked") => Reply::chunked("application/json", &vec![b' '; 200_000], 1_000),
        _ => Reply::with("200 OK", &[("content-type", "application/json"), ("etag", "\"1\"")], b"{ } "),
    });
    let (config, port) = config(&upstream, "  rules: [{name: r, response: {jq: tonumber, onError: pass}}]\n");
    let _envoy = Envoy::start(&config);
    let answer = ask(port, "/", &[]);
    assert_eq!((answer.status, answer.text().as_str(), answer.header("etag")), (200, "{ } ", Some("\"1\"")));
    assert_eq!(ask(port, "/large-chunked", &[]).body.len(), 200_000);
}

#[test]
fn a_large_body_of_unknown_length_passes_in_pieces_of_any_size() {
    // Envoy holds the first chunk, then stands still while the program writes the rest: much of that is there to be
    // read in one go, on top of what is held.
    static ENVOY: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let signal = |name: &str, process: u32| {
        let sent = std::process::Command::new("kill").args([name, &process.to_string()]).status();
        assert!(sent.expect("kill can be run").success());
    };
    let upstream = Upstream::start(move |head| {
        let size = head.split_whitespace().nth(1).and_then(|path| path.trim_start_matches('/').parse().ok());
        let envoy = *ENVOY.get().expect("Envoy is running");
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            signal("-STOP", envoy);
            std::thread::sleep(std::time::Duration::from_millis(150));
            signal("-CONT", envoy);
        });
        let reply = Reply::chunked("application/json", &vec![b' '; 1_000_000], size.unwrap_or(1));
        Reply { pause: std::time::Duration::from_millis(100), ..reply }
    });
    let (config, port) = config(&upstream, "  rules: [{name: r, response: {jq: tonumber, onError: pass}}]\n");
    let envoy = Envoy::start(&config);
    ENVOY.set(envoy.process()).expect("set once");
    for size in ["/1000", "/60000", "/130000"] {
        for _ in 0..3 {
            let answer = ask(port, size, &[]);
            assert_eq!((answer.status, answer.body.len()), (200, 1_000_000), "chunks of {size}");
        }
    }
}

#[test]
fn status_and_headers_change_as_the_rule_says() {
    let upstream = Upstream::start(|_| {
        Reply::with(
            "404 Not Found",
            &[("content-type", "application/json"), ("x-powered-by", "COBOL"), ("x-api", "1")],
            b"[]",
        )
    });
    let rules = "  rules:\n    - name: r\n      match: {status: [404, 5xx]}\n      response: {jq: '{error: $response.status, path: $request.path}', status: 200, headers: {set: {x-api: 2, content-type: text/x-custom}, remove: [X-Powered-By]}}\n";
    let (config, port) = config(&upstream, rules);
    let _envoy = Envoy::start(&config);
    let answer = ask(port, "/a?b=c", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"error":404,"path":"/a"}"#));
    assert_eq!(answer.header("x-api"), Some("2"));
    assert_eq!(answer.header("x-powered-by"), None);
    assert_eq!(answer.header("content-type"), Some("text/x-custom"));
}

#[test]
fn head_and_not_modified_have_no_body_and_no_wrong_length() {
    let upstream = Upstream::start(|head| {
        let mut reply = match head.split_whitespace().next() {
            Some("HEAD") => {
                Reply::with("200 OK", &[("content-type", "application/json"), ("etag", "\"1\"")], FRUIT)
            }
            _ => Reply { head: "HTTP/1.1 204 No Content".to_owned(), ..Reply::default() },
        };
        reply.pieces.clear();
        reply
    });
    let (config, port) = config(&upstream, RULE);
    let _envoy = Envoy::start(&config);
    let answer = ask(port, "/", &["--head"]);
    assert_eq!((answer.status, answer.exit), (200, 0));
    assert_eq!(answer.header("content-length"), None);
    let answer = ask(port, "/", &[]);
    assert_eq!((answer.status, answer.exit, answer.body.len()), (204, 0, 0));
}

#[test]
fn requests_ask_only_for_what_can_be_reshaped() {
    let upstream = Upstream::start(|_| Reply::ok("application/json", FRUIT));
    let (config, port) = config(&upstream, RULE);
    let _envoy = Envoy::start(&config);
    let args = [
        "-H",
        "accept-encoding: compress",
        "-H",
        "range: bytes=0-1",
        "-H",
        "if-none-match: \"1\"",
        "-H",
        "x-mine: 1",
    ];
    assert_eq!(ask(port, "/", &args).status, 200);
    let head = upstream.heads().concat().to_lowercase();
    for gone in ["accept-encoding", "range", "if-none-match"] {
        assert!(!head.contains(gone), "{gone} is in {head}");
    }
    assert!(head.contains("x-mine: 1"));
}

#[test]
fn trailers_end_a_body() {
    let upstream = Upstream::start(|_| {
        let mut reply = Reply::chunked("application/json", FRUIT, 7);
        reply.pieces.pop();
        reply.pieces.push(b"0\r\nx-trailer: 1\r\n\r\n".to_vec());
        reply
    });
    let (config, port) = config(&upstream, RULE);
    let _envoy = Envoy::start(&config);
    let answer = ask(port, "/", &[]);
    assert_eq!((answer.status, answer.exit), (200, 0));
    assert!(answer.text().ends_with("\"count\":3}"), "{}", answer.text());
}

#[test]
fn a_body_that_is_cut_is_never_a_whole_one() {
    let upstream = Upstream::start(|_| {
        let mut reply = Reply::with("200 OK", &[("content-type", "application/json")], FRUIT);
        reply.pieces = vec![FRUIT[..10].to_vec()];
        reply.close = true;
        reply
    });
    let (config, port) = config(&upstream, RULE);
    let _envoy = Envoy::start(&config);
    for _ in 0..20 {
        let answer = ask(port, "/", &[]);
        assert!(answer.exit != 0 || answer.status >= 500, "{answer:?}");
    }
}

#[test]
fn a_change_of_the_rules_needs_no_restart_and_a_bad_one_changes_nothing() {
    let upstream = Upstream::start(|_| Reply::ok("application/json", FRUIT));
    let (config, port) = config(&upstream, "  rules: [{name: r, response: {jq: '1'}}]\n");
    let envoy = Envoy::start(&config);
    let becomes = |wanted: &str| {
        for _ in 0..100 {
            if ask(port, "/", &[]).text() == wanted {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the answer did not become {wanted}: {}", envoy.log());
    };
    becomes("1");
    envoy.change(&config.replace("'1'", "'2'")).ok();
    becomes("2");
    // What the CLI refuses never gets there; written by hand, the filter refuses it as well.
    assert_eq!(envoy.change(&config.replace("'1'", "'3 |'")).code, 2);
    let file = envoy.rendered.dir.path().join("config/filter.yaml");
    let text = std::fs::read_to_string(&file).expect("filter.yaml");
    let beside = file.with_extension("new");
    std::fs::write(&beside, text.replace(r#"\"jq\":\"2\""#, r#"\"jq\":\"2 |\""#)).expect("written");
    std::fs::rename(beside, &file).expect("renamed");
    for _ in 0..100 {
        if envoy.log().contains("config refused") {
            becomes("2");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the filter did not refuse a bad config: {}\n{text}", envoy.log());
}

/// Programs that would hang, crash or bloat a worker of Envoy, and some that fail by themselves.
fn hostile() -> Vec<&'static str> {
    let exhausting = include_str!("../../../ambassador-jq/tests/cases/hostile.txt");
    let failing = [
        "[] | .[1000000000] = 1",
        "[] | .[4294967296] = 1",
        "\"a\" | test(\"a{1000}{1000}{1000}\")",
        "error(null)",
        "1 | implode",
    ];
    exhausting.lines().filter(|line| !line.starts_with('#')).chain(failing).collect()
}

#[test]
fn hostile_programs_hurt_one_request_each() {
    let upstream = Upstream::start(|_| Reply::ok("application/json", FRUIT));
    let hostile = hostile();
    let rules: Vec<String> = hostile
        .iter()
        .enumerate()
        .map(|(at, program)| {
            format!("    - {{name: hostile-{at}, match: {{path: /{at}}}, response: {{jq: '{program}'}}}}\n")
        })
        .collect();
    let good = "    - {name: good, match: {path: /}, response: {jq: length}}\n";
    let (config, port) = config(&upstream, &format!("  rules:\n{}{good}", rules.concat()));
    let mut envoy = Envoy::start(&config);
    for (at, program) in hostile.iter().enumerate() {
        let answer = ask(port, &format!("/{at}"), &[]);
        assert_eq!((answer.status, answer.exit), (502, 0), "{program}: {}", answer.text());
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("a problem document");
        assert_eq!(problem["rule"], format!("hostile-{at}"), "{program}");
        let answer = ask(port, "/", &[]);
        assert_eq!((answer.status, answer.text().as_str()), (200, "3"), "after {program}");
    }
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5, "{}", envoy.log());
    assert!(envoy.runs());
}
