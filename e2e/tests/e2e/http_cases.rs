//! The cases of HTTP that gateways get wrong, in a real Envoy: every client's protocol, every upstream's, chunks of sizes
//! around a buffer's. The same cases without Envoy are in `ambassador-core/tests/cases/http.md`.

use std::collections::HashMap;
use std::sync::Arc;

use e2e::curl::Answer;
use e2e::envoy::{Envoy, ask, one_port};
use e2e::free_port;
use e2e::h2::Program;
use e2e::kube::repository;
use e2e::upstream::{Reply, Upstream};

/// Envoy in front of a program, once speaking HTTP/1.1 to it and once HTTP/2.
struct Front {
    envoy: Envoy,
    /// What has no rules, and turns HTTP/2 into the HTTP/1.1 of the scripted program.
    _hop: Envoy,
    /// By what the program is asked, and the port to ask.
    ports: [(&'static str, u16); 2],
}

impl Front {
    fn start(upstream: &Upstream, rest: &str) -> Self {
        let (hop, second) = one_port(upstream.port, "  addresses: keep\n");
        let hop = Envoy::start(&hop);
        let (h1, h2) = (free_port(), free_port());
        let head = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";
        let ports = format!(
            "  ports:\n    - {{name: h1, listen: {h1}, target: {}}}\n    - {{name: h2, listen: {h2}, target: {second}, appProtocol: kubernetes.io/h2c}}\n",
            upstream.port
        );
        let envoy = Envoy::start(&format!("{head}{ports}{rest}"));
        Self { envoy, _hop: hop, ports: [("h1", h1), ("h2", h2)] }
    }

    /// Asks by both protocols on both sides.
    #[track_caller]
    fn each(&self, path: &str, args: &[&str], mut check: impl FnMut(Answer, &str)) {
        for (upstream, port) in self.ports {
            for client in ["--http1.1", "--http2-prior-knowledge"] {
                let args = [&[client], args].concat();
                check(ask(port, path, &args), &format!("{path} by {client}, upstream {upstream}"));
            }
        }
    }

    /// Nothing trapped, nothing ended.
    #[track_caller]
    fn is_whole(&mut self) {
        assert!(self.envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5, "{}", self.envoy.log());
        assert!(self.envoy.runs());
    }
}

/// What the program answers on a path.
fn script(replies: Vec<(&'static str, Reply)>) -> Upstream {
    let replies: Arc<HashMap<&str, Reply>> = Arc::new(replies.into_iter().collect());
    Upstream::start(move |head| {
        let path = head.split_whitespace().nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        replies.get(path).cloned().unwrap_or_else(|| Reply::with("404 Not Found", &[], b""))
    })
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn json(headers: &[(&str, &str)], body: &[u8]) -> Reply {
    Reply::with("200 OK", &[&[JSON], headers].concat(), body)
}

fn bodyless(mut reply: Reply) -> Reply {
    reply.pieces.clear();
    reply
}

const COUNT: &str = "  rules: [{name: count, match: {path: '/**'}, response: {jq: '{n: length}', headers: {set: {x-api: 2}, remove: [x-powered-by]}}}]\n";

#[test]
fn answers_without_a_body_get_none() {
    let upstream = script(vec![
        ("/head", bodyless(json(&[("etag", "\"7\"")], b"[1,2,3]"))),
        ("/204", Reply { head: "HTTP/1.1 204 No Content\r\nx-powered-by: COBOL".into(), ..Reply::default() }),
        ("/empty", json(&[], b"")),
    ]);
    let mut front = Front::start(&upstream, COUNT);
    front.each("/head", &["--head"], |answer, what| {
        assert_eq!((answer.status, answer.exit, answer.body.len()), (200, 0, answer.body.len()), "{what}");
        assert_eq!((answer.header("content-length"), answer.header("x-api")), (None, Some("2")), "{what}");
        assert!(answer.header("etag").is_some_and(|tag| tag.starts_with("W/\"7;")), "{what}");
    });
    front.each("/204", &[], |answer, what| {
        assert_eq!((answer.status, answer.exit, answer.body.len()), (204, 0, 0), "{what}");
        assert_eq!((answer.header("x-powered-by"), answer.header("x-api")), (None, Some("2")), "{what}");
    });
    front.each("/empty", &[], |answer, what| {
        assert_eq!((answer.status, answer.exit), (502, 0), "{what}");
        assert!(answer.text().contains("the body is empty"), "{what}: {}", answer.text());
    });
    front.is_whole();
}

#[test]
fn tags_are_derived_and_led_back() {
    let upstream = Upstream::start(|head| {
        let known = head.to_lowercase().contains("if-none-match: \"7\"");
        if known {
            return Reply {
                head: "HTTP/1.1 304 Not Modified\r\netag: \"7\"\r\nx-powered-by: COBOL".into(),
                ..Reply::default()
            };
        }
        json(&[("etag", "\"7\""), ("last-modified", "Wed, 04 Mar 2015 23:53:41 GMT")], b"[1,2,3]")
    });
    let mut front = Front::start(&upstream, COUNT);
    front.each("/", &["--header", "if-none-match: \"7\""], |first, what| {
        assert_eq!(
            (first.status, first.text().as_str()),
            (200, "{\"n\":3}"),
            "{what}: not the client's copy"
        );
        let tag = first.header("etag").expect("a tag").to_owned();
        assert!(tag.starts_with("W/\"7;"), "{what}: {tag}");
        assert!(first.header("last-modified").is_some(), "{what}");
        let port = front.ports[usize::from(what.ends_with("h2"))].1;
        let again = ask(port, "/", &["--header", &format!("if-none-match: \"0\", {tag}")]);
        assert_eq!((again.status, again.exit, again.body.len()), (304, 0, 0), "{what}");
        assert_eq!(again.header("etag"), Some(tag.as_str()), "{what}");
        assert_eq!((again.header("x-powered-by"), again.header("x-api")), (None, Some("2")), "{what}");
        // Other methods are guarded by what they say.
        ask(port, "/", &["--request", "PUT", "--header", &format!("if-match: {tag}"), "--data", "x"]);
        assert_eq!(upstream.last().header("if-match"), Some(tag.as_str()), "{what}");
    });
    front.is_whole();
}

#[test]
fn chunks_of_any_size_make_one_body_with_an_exact_length() {
    let body = format!("[{}]", vec!["\"fruit\""; 2_500].join(",")).into_bytes();
    let sizes = [("/1", 1), ("/8191", 8191), ("/8192", 8192), ("/8193", 8193)];
    let upstream = script(
        sizes.iter().map(|&(path, size)| (path, Reply::chunked("application/json", &body, size))).collect(),
    );
    let rules = "  rules: [{name: same, response: {jq: '. + [1.10]'}}]\n";
    let mut front = Front::start(&upstream, rules);
    let expected = [&body[..body.len() - 1], b",1.10]"].concat();
    for (path, _) in sizes {
        front.each(path, &[], |answer, what| {
            assert_eq!((answer.status, answer.exit), (200, 0), "{what}");
            assert_eq!(answer.body, expected, "{what}");
            let length = expected.len().to_string();
            assert_eq!(answer.header("content-length"), Some(length.as_str()), "{what}");
            assert_eq!(answer.header("transfer-encoding"), None, "{what}");
        });
    }
    front.is_whole();
}

#[test]
fn codings_are_taken_off_and_never_lied_about() {
    let file = |name: &str| {
        std::fs::read(repository("ambassador-core/testdata/coding").join(name)).expect("a test's body")
    };
    let coded = |coding, name| json(&[("content-encoding", coding)], &file(name));
    let upstream = script(vec![
        ("/gzip", coded("gzip", "stock.gz")),
        ("/br", coded("br", "stock.br")),
        ("/zstd", coded("zstd", "stock.zst")),
        ("/deflate", coded("deflate", "stock.zlib")),
        ("/lie", coded("gzip", "stock.json")),
        ("/double", coded("gzip, gzip", "stock.gz")),
        ("/unknown", coded("compress", "stock.gz")),
        ("/bomb", coded("br", "zeros.br")),
        (
            "/html",
            Reply::with(
                "200 OK",
                &[("content-type", "text/html"), ("content-encoding", "br")],
                b"as it came",
            ),
        ),
    ]);
    // The last rule asks for the plugin with all codings.
    let rules = "  limits: {body: 64KiB}\n  rules: [{name: same, response: {jq: .}}, {name: xml, response: {jq: ., from: xml}}]\n";
    let mut front = Front::start(&upstream, rules);
    let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).expect("JSON");
    let plain = value(&file("stock.json"));
    for path in ["/gzip", "/br", "/zstd", "/deflate"] {
        front.each(path, &["--header", "accept-encoding: br, compress, gzip;q=0.5"], |answer, what| {
            assert_eq!((answer.status, answer.exit), (200, 0), "{what}: {}", answer.text());
            assert_eq!(value(&answer.body), plain, "{what}");
            assert_eq!(answer.header("content-encoding"), None, "{what}");
            assert_eq!(upstream.last().header("accept-encoding"), Some("br, gzip;q=0.5"), "{what}");
        });
    }
    for (path, detail) in [
        ("/lie", "not valid gzip"),
        ("/double", "not valid gzip"),
        ("/unknown", "cannot be decoded"),
        ("/bomb", "larger than 65536 bytes"),
    ] {
        front.each(path, &[], |answer, what| {
            assert_eq!((answer.status, answer.exit), (502, 0), "{what}");
            assert!(answer.text().contains(detail), "{what}: {}", answer.text());
            assert_eq!(answer.header("content-encoding"), None, "{what}");
        });
    }
    front.each("/html", &[], |answer, what| {
        assert_eq!(
            (answer.text().as_str(), answer.header("content-encoding")),
            ("as it came", Some("br")),
            "{what}"
        );
    });
    front.is_whole();
    // The one for JSON asks for what it can decode, and says so where it gets something else.
    let mut small = Front::start(&upstream, "  rules: [{name: same, response: {jq: .}}]\n");
    for (path, status) in [("/gzip", 200), ("/deflate", 200), ("/br", 502), ("/zstd", 502)] {
        small.each(path, &["--header", "accept-encoding: br, zstd, gzip;q=0.5"], |answer, what| {
            assert_eq!((answer.status, answer.exit), (status, 0), "{what}: {}", answer.text());
            assert_eq!(upstream.last().header("accept-encoding"), Some("gzip;q=0.5"), "{what}");
            assert!(status == 200 || answer.text().contains("cannot be decoded"), "{what}");
        });
    }
    small.is_whole();
}

#[test]
fn parts_and_what_must_not_be_changed_pass() {
    let upstream = script(vec![
        ("/206", Reply::with("206 Partial Content", &[JSON, ("content-range", "bytes 0-1/9")], b"[1")),
        ("/range", json(&[("accept-ranges", "bytes")], b"[1]")),
        ("/no-transform", json(&[("cache-control", "public, no-transform"), ("etag", "\"7\"")], b" [1] ")),
        ("/even-so", json(&[("cache-control", "no-transform")], b" [1] ")),
        (
            "/digests",
            json(
                &[
                    ("repr-digest", "sha-256=:a:"),
                    ("content-md5", "a"),
                    ("signature", "s=:a:"),
                    ("x-kept", "1"),
                ],
                b"[1]",
            ),
        ),
        ("/error", Reply::with("500 Internal Server Error", &[JSON], b" [1] ")),
    ]);
    let rules = "  rules:
    - {name: even-so, match: {path: /even-so}, response: {jq: length, evenIfNoTransform: true}}
    - {name: count, response: {jq: length}}
";
    let mut front = Front::start(&upstream, rules);
    let range = ["--header", "range: bytes=0-1", "--header", "if-range: \"7\""];
    front.each("/206", &[], |answer, what| {
        assert_eq!((answer.status, answer.text().as_str(), answer.exit), (206, "[1", 0), "{what}");
    });
    front.each("/range", &range, |answer, what| {
        assert_eq!(
            (answer.status, answer.text().as_str(), answer.header("accept-ranges")),
            (200, "1", None),
            "{what}"
        );
        assert_eq!(
            (upstream.last().header("range"), upstream.last().header("if-range")),
            (None, None),
            "{what}"
        );
    });
    front.each("/no-transform", &[], |answer, what| {
        assert_eq!((answer.text().as_str(), answer.header("etag")), (" [1] ", Some("\"7\"")), "{what}");
    });
    front.each("/even-so", &[], |answer, what| assert_eq!(answer.text(), "1", "{what}"));
    front.each("/digests", &[], |answer, what| {
        for gone in ["repr-digest", "content-md5", "signature"] {
            assert_eq!(answer.header(gone), None, "{what}");
        }
        assert_eq!((answer.text().as_str(), answer.header("x-kept")), ("1", Some("1")), "{what}");
    });
    front.each("/error", &[], |answer, what| {
        assert_eq!((answer.status, answer.text().as_str()), (500, " [1] "), "{what}");
    });
    front.is_whole();
}

#[test]
fn trailers_end_a_body_and_lose_their_digests() {
    let program = Program::start();
    let port = free_port();
    let head = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";
    let rules = "  rules:
    - {name: lines, match: {path: '/*/lines'}, response: {perLine: true, jq: .n}}
    - {name: open, match: {path: '/*/open'}, response: {perLine: true, jq: .n}}
    - {name: count, match: {contentType: ['application/json', 'application/grpc']}, response: {jq: '{n: length}'}}
";
    let target = program.port;
    let mut envoy = Envoy::start(&format!(
        "{head}  ports: [{{name: h2, listen: {port}, target: {target}, appProtocol: kubernetes.io/h2c}}]\n{rules}"
    ));
    for size in [1, 3, 100] {
        for protocol in ["--http1.1", "--http2-prior-knowledge"] {
            let ask = |path: &str| ask(port, &format!("/{size}/{path}"), &[protocol]);
            let what = format!("frames of {size} by {protocol}");
            for path in ["json", "json?trailers"] {
                let answer = ask(path);
                assert_eq!((answer.text().as_str(), answer.exit), ("{\"n\":3}", 0), "{what}");
                assert_eq!(
                    (answer.header("content-length"), answer.header("digest")),
                    (Some("7"), None),
                    "{what}"
                );
            }
            let lines = ask("lines?trailers");
            assert_eq!((lines.text().as_str(), lines.exit), ("1\n2\n", 0), "{what}");
            let grpc = ask("grpc?trailers");
            assert_eq!((grpc.body.as_slice(), grpc.exit), (&b"\0\0\0\0\x02ab"[..], 0), "{what}");
            if protocol == "--http2-prior-knowledge" {
                let kept = |answer: &Answer, name| answer.trailers.iter().any(|(found, _)| found == name);
                assert!(kept(&lines, "x-kept") && !kept(&lines, "digest"), "{what}: {lines:?}");
                assert!(kept(&grpc, "digest") && kept(&grpc, "grpc-status"), "{what}: {grpc:?}");
            }
            let open = ask("open?trailers");
            assert_ne!(open.exit, 0, "{what}: a line is missing, and nobody would know: {open:?}");
            for path in ["cut?trailers", "json?reset", "cut?reset"] {
                let answer = ask(path);
                assert!(answer.exit != 0 || answer.status >= 500, "{path}, {what}: {answer:?}");
            }
        }
    }
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5, "{}", envoy.log());
    assert!(envoy.runs());
}

#[test]
fn numbers_and_texts_come_out_as_they_went_in() {
    let numbers = b"[9007199254740993,0.1000,1E400,-0,1234567890123456789012345678901234567890]";
    let utf16: Vec<u8> = "\u{feff}[\"caf\u{e9}\"]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let upstream = script(vec![
        ("/numbers", json(&[], numbers)),
        ("/bom", json(&[], b"\xEF\xBB\xBF[\"caf\xc3\xa9\",\"\\u0000\"]")),
        ("/utf16", Reply::ok("application/json; charset=utf-16", &utf16)),
        ("/latin1", Reply::ok("Application/JSON; charset=\"ISO-8859-1\"", b"[\"caf\xe9\"]")),
        ("/bytes", json(&[], b"[\"caf\xe9\"]")),
    ]);
    let mut front = Front::start(&upstream, "  rules: [{name: same, response: {jq: .}}]\n");
    for (path, expected) in [
        ("/numbers", std::str::from_utf8(numbers).expect("ASCII")),
        ("/bom", "[\"café\",\"\\u0000\"]"),
        ("/utf16", "[\"café\"]"),
        ("/latin1", "[\"café\"]"),
    ] {
        front.each(path, &[], |answer, what| {
            assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{what}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
        });
    }
    front.each("/bytes", &[], |answer, what| assert_eq!(answer.status, 502, "{what}: {}", answer.text()));
    front.is_whole();
}

#[test]
fn bodies_around_the_limit_are_reshaped_or_refused_but_never_cut() {
    let text = |size: usize| format!("\"{}\"", "x".repeat(size - 2)).into_bytes();
    let chunked = |size| Reply::chunked("application/json", &text(size), 8191);
    let upstream = script(vec![
        ("/length-less", json(&[], &text(65_535))),
        ("/length-same", json(&[], &text(65_536))),
        ("/length-more", json(&[], &text(65_537))),
        ("/chunks-less", chunked(65_535)),
        ("/chunks-same", chunked(65_536)),
        ("/chunks-more", chunked(65_537)),
        ("/out-same", json(&[], &text(32_769))),
        ("/out-more", json(&[], &text(32_770))),
    ]);
    let rules = "  limits: {body: 64KiB}
  rules:
    - {name: in, match: {path: '/*', query: {out: '!*'}}, response: {jq: length}}
    - {name: out, match: {path: '/*'}, response: {jq: '. + .'}}
";
    let mut front = Front::start(&upstream, rules);
    for (path, expected) in [
        ("/length-less", "65533"),
        ("/length-same", "65534"),
        ("/chunks-less", "65533"),
        ("/chunks-same", "65534"),
    ] {
        front.each(path, &[], |answer, what| {
            assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{what}");
        });
    }
    for path in ["/length-more", "/chunks-more"] {
        front.each(path, &[], |answer, what| {
            assert_eq!((answer.status, answer.exit), (502, 0), "{what}");
            assert!(answer.text().contains("larger than 65536 bytes"), "{what}: {}", answer.text());
        });
    }
    front.each("/out-same?out", &[], |answer, what| {
        assert_eq!((answer.status, answer.body.len()), (200, 65_536), "{what}");
    });
    front.each("/out-more?out", &[], |answer, what| {
        assert_eq!((answer.status, answer.exit), (502, 0), "{what}");
    });
    front.is_whole();
}

#[test]
fn bodies_that_are_cut_are_never_whole_ones() {
    let cut = |reply: Reply, size: usize| Reply {
        pieces: vec![reply.pieces.concat()[..size].to_vec()],
        close: true,
        ..reply
    };
    let upstream = script(vec![
        ("/length", cut(json(&[], b"[1,2,3]"), 4)),
        ("/chunks", cut(Reply::chunked("application/json", b"[1,2,3]", 2), 11)),
        ("/chunk-size", cut(Reply::chunked("application/json", b"[1,2,3]", 2), 3)),
        (
            "/no-chunk",
            Reply { pieces: vec![b"nonsense\r\n".to_vec()], ..Reply::chunked("application/json", b"", 1) },
        ),
        ("/no-http", Reply { head: "nonsense".into(), close: true, ..Reply::default() }),
        ("/good", json(&[], b"[1,2,3]")),
    ]);
    let mut front = Front::start(&upstream, COUNT);
    for path in ["/length", "/chunks", "/chunk-size", "/no-chunk", "/no-http"] {
        front.each(path, &[], |answer, what| {
            let refused = answer.status >= 500;
            assert!(answer.exit != 0 || refused, "{what}: {answer:?}");
            assert!(!(400..500).contains(&answer.status), "{what}: {answer:?}");
        });
        front
            .each("/good", &[], |answer, what| assert_eq!(answer.text(), "{\"n\":3}", "{what} after {path}"));
    }
    front.is_whole();
}

#[test]
fn headers_that_no_rule_names_are_kept_as_they_are() {
    let many: Vec<(String, String)> = (0..90).map(|at| (format!("x-many-{at}"), "v".repeat(600))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut bytes =
        json(&[("x-twice", "a"), ("x-twice", "b"), ("set-cookie", "a=1"), ("set-cookie", "b=2")], b"[1]");
    bytes.head += "\r\nx-latin: caf\u{e9}";
    let upstream = script(vec![("/twice", bytes), ("/many", json(&many, b"[1]"))]);
    let mut front = Front::start(&upstream, COUNT);
    front.each("/twice", &[], |answer, what| {
        let all = |name: &str| -> Vec<&str> {
            let found = answer.headers.iter().filter(|(found, _)| found == name);
            found.map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!((all("x-twice"), all("set-cookie")), (vec!["a", "b"], vec!["a=1", "b=2"]), "{what}");
        assert_eq!(answer.header("x-latin"), Some("caf\u{e9}"), "{what}");
        assert_eq!(answer.text(), "{\"n\":1}", "{what}");
    });
    front.each("/many", &[], |answer, what| {
        assert_eq!(answer.status, 200, "{what}");
        assert_eq!(
            answer.headers.iter().filter(|(name, _)| name.starts_with("x-many-")).count(),
            90,
            "{what}"
        );
    });
    front.is_whole();
}

#[test]
fn a_slow_body_and_a_client_that_leaves_harm_nobody() {
    let slow = Reply {
        pause: std::time::Duration::from_millis(800),
        ..Reply::chunked("application/json", b"[1,2,3]", 2)
    };
    let upstream = script(vec![("/slow", slow), ("/good", json(&[], b"[1,2,3]"))]);
    let mut front = Front::start(&upstream, COUNT);
    let port = front.ports[0].1;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ask(port, "/slow", &[]));
        for _ in 0..3 {
            let left = ask(port, "/slow", &["--max-time", "0.2"]);
            assert_ne!(left.exit, 0);
            assert_eq!(ask(port, "/good", &[]).text(), "{\"n\":3}");
        }
        assert_eq!(waiting.join().expect("no panic").text(), "{\"n\":3}");
    });
    front.is_whole();
}

#[test]
fn what_is_no_upgrade_does_not_avoid_a_rule() {
    let upstream = Upstream::start(|_| json(&[], b"[1,2,3]"));
    let (config, port) = one_port(upstream.port, COUNT);
    let _envoy = Envoy::start(&config);
    for args in [
        &["--header", "upgrade: foo"][..],
        &["--header", "upgrade: websocket"],
        &["--http2"],
        &["--header", "cache-control: no-transform"],
        &["--header", "range: bytes=0-1"],
        &["--header", "te: trailers"],
    ] {
        let answer = ask(port, "/", args);
        assert_eq!(answer.text(), "{\"n\":3}", "{args:?}: {answer:?}");
    }
}

#[test]
fn outputs_are_one_array_or_many() {
    let upstream = Upstream::start(|_| json(&[], b"[[1],2]"));
    let rules = "  rules:
    - {name: array, match: {path: /array}, response: {jq: '.[]', outputs: array}}
    - {name: lines, match: {path: /lines}, response: {jq: '.[]', outputs: ndjson}}
    - {name: metrics, match: {path: /metrics}, response: {jq: '[{name: \"fruit_total\", help: \"Fruits\", type: \"gauge\", samples: [{value: length}]}]', to: prometheus}}
    - {name: csv, match: {path: /csv}, response: {jq: '[{n: length}]', to: csv}}
";
    let mut front = Front::start(&upstream, rules);
    for (path, media, expected) in [
        ("/array", "application/json", "[[1],2]"),
        ("/lines", "application/x-ndjson", "[1]\n2\n"),
        ("/csv", "text/csv; charset=utf-8", "n\r\n2\r\n"),
    ] {
        front.each(path, &[], |answer, what| {
            assert_eq!(
                (answer.text().as_str(), answer.header("content-type")),
                (expected, Some(media)),
                "{what}"
            );
        });
    }
    front.each("/metrics", &[], |answer, what| {
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"), "{what}");
        assert!(
            answer.text().contains("# TYPE fruit_total gauge\nfruit_total 2\n"),
            "{what}: {}",
            answer.text()
        );
    });
    front.is_whole();
}
