//! Streams in a real Envoy: untouched ones are not delayed, reshaped ones are reshaped as they pass.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use e2e::envoy::{Envoy, ask, one_port};
use e2e::upstream::{Reply, Upstream};

/// How long the program waits after the first piece.
const PAUSE: Duration = Duration::from_millis(1_500);

/// An answer of which the first piece comes at once and the rest after a pause.
fn paused(content_type: &str, pieces: &[&[u8]]) -> Reply {
    let chunk = |piece: &&[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    let mut chunks: Vec<Vec<u8>> = pieces.iter().map(chunk).collect();
    chunks.push(b"0\r\n\r\n".to_vec());
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked");
    Reply { head, pieces: chunks, pause: PAUSE, ..Reply::default() }
}

/// What curl prints within the pause, and all that it prints in the end.
#[track_caller]
fn early_and_all(port: u16, path: &str, protocol: &str) -> (String, String) {
    let started = Instant::now();
    let mut child = Command::new("curl")
        .args(["--silent", "--no-buffer", "--max-time", "20", "--noproxy", "*", protocol])
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl can be run");
    let mut output = child.stdout.take().expect("its output");
    let mut buffer = [0; 4096];
    let count = output.read(&mut buffer).expect("its output can be read");
    assert!(started.elapsed() < PAUSE, "{path} {protocol}: nothing came before the pause was over");
    let early = String::from_utf8_lossy(&buffer[..count]).into_owned();
    let mut all = early.clone();
    output.read_to_string(&mut all).expect("text");
    assert!(child.wait().expect("it ends").success(), "{path} {protocol}");
    (early, all)
}

const RULES: &str = "  limits: {body: 64KiB}
  rules:
    - {name: log, match: {path: /log}, response: {perLine: true, jq: 'select(.level != \"debug\") | {message}'}}
    - {name: lenient, match: {path: /lenient}, response: {perLine: true, jq: .n, onError: pass}}
    - {name: ticks, match: {path: /ticks}, response: {perEvent: true, jq: .price, onError: pass}}
    - {name: strict, match: {path: /strict}, response: {perEvent: true, jq: .price}}
    - {name: all, match: {contentType: '*/*'}, response: {jq: '1'}}
";

fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (Upstream, Envoy, u16) {
    let upstream = Upstream::start(move |head| answer(head.split_whitespace().nth(1).unwrap_or_default()));
    let (config, port) = one_port(upstream.port, RULES);
    let envoy = Envoy::start(&config);
    (upstream, envoy, port)
}

const PROTOCOLS: [&str; 2] = ["--http1.1", "--http2-prior-knowledge"];

#[test]
fn streams_without_a_rule_of_their_own_pass_at_once() {
    let (_upstream, envoy, port) = start(|path| match path {
        "/events" => paused("text/event-stream", &[b"data: 1\n\n", b"data: 2\n\n"]),
        "/grpc" => paused("application/grpc+proto", &[b"\0\0\0\0\x01a", b"\0\0\0\0\x01b"]),
        _ => paused("multipart/x-mixed-replace; boundary=x", &[b"--x\r\n\r\none\r\n", b"--x--\r\n"]),
    });
    for protocol in PROTOCOLS {
        let events = early_and_all(port, "/events", protocol);
        assert_eq!(events, ("data: 1\n\n".into(), "data: 1\n\ndata: 2\n\n".into()));
        assert_eq!(early_and_all(port, "/grpc", protocol).1, "\0\0\0\0\x01a\0\0\0\0\x01b");
        assert_eq!(early_and_all(port, "/parts", protocol).1, "--x\r\n\r\none\r\n--x--\r\n");
    }
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
}

#[test]
fn lines_are_reshaped_as_they_pass() {
    let (upstream, envoy, port) = start(|_| {
        paused(
            "application/x-ndjson",
            &[
                b"{\"level\":\"info\",\"message\":\"started\"}\n{\"level\":\"debug\"}\n{\"level\":\"wa",
                b"rn\",\"message\":\"disk is full\"}\n\n{\"level\":\"error\",\"message\":\"end\"}",
            ],
        )
    });
    for protocol in PROTOCOLS {
        let (early, all) = early_and_all(port, "/log", protocol);
        assert_eq!(early, "{\"message\":\"started\"}\n", "{protocol}");
        assert_eq!(
            all, "{\"message\":\"started\"}\n{\"message\":\"disk is full\"}\n{\"message\":\"end\"}\n",
            "{protocol}"
        );
    }
    let answer = ask(port, "/log", &["--header", "accept-encoding: gzip"]);
    assert_eq!(
        (answer.header("content-type"), answer.header("content-length")),
        (Some("application/x-ndjson"), None)
    );
    assert_eq!(upstream.last().header("accept-encoding"), None, "what passes in pieces is not decoded");
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
}

#[test]
fn events_are_reshaped_as_they_pass() {
    let (_upstream, envoy, port) = start(|_| {
        paused(
            "text/event-stream; charset=utf-8",
            &[
                b"event: tick\nid: 7\ndata: {\"price\": 1.10}\n\n: ping\n\ndata: {\"pri",
                b"ce\":\ndata: 2}\n\ndata: [DONE]\n\n",
            ],
        )
    });
    for protocol in PROTOCOLS {
        let (early, all) = early_and_all(port, "/ticks", protocol);
        assert_eq!(early, "event: tick\nid: 7\ndata: 1.10\n\n: ping\n\n", "{protocol}");
        assert_eq!(all, early + "data: 2\n\ndata: [DONE]\n\n", "{protocol}");
    }
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
}

#[test]
fn pieces_of_any_size_give_the_same_lines() {
    let numbers: Vec<String> = (0..4_000).map(|n| n.to_string()).collect();
    let lines = format!("{{\"n\":{}}}\n", numbers.join("}\n{\"n\":"));
    let expected = numbers.join("\n") + "\n";
    let (_upstream, _envoy, port) = start(move |path| {
        let size = path.split_once('?').and_then(|(_, size)| size.parse().ok()).unwrap_or(1);
        Reply::chunked("application/jsonl", lines.as_bytes(), size)
    });
    for size in [1, 8191, 8192, 8193] {
        for protocol in PROTOCOLS {
            let answer = ask(port, &format!("/lenient?{size}"), &[protocol]);
            assert_eq!((answer.status, answer.exit), (200, 0), "{size} {protocol}");
            assert!(answer.text() == expected, "{size} {protocol}: {} bytes", answer.body.len());
        }
    }
}

#[test]
fn a_line_that_fails_is_passed_or_cuts_the_answer_off() {
    let (_upstream, mut envoy, port) = start(|path| match path {
        "/strict" => {
            Reply::chunked("text/event-stream", b"data: {\"price\":1}\n\ndata: hunter2\n\ndata: 3\n\n", 1_000)
        }
        "/long" => Reply::chunked("application/x-ndjson", &vec![b' '; 1_100_000], 60_000),
        _ => Reply::chunked("application/x-ndjson", b"{\"n\":1}\nhunter2\n{\"n\":3}\n", 1_000),
    });
    for protocol in PROTOCOLS {
        assert_eq!(ask(port, "/lenient", &[protocol]).text(), "1\nhunter2\n3\n", "{protocol}");
        for path in ["/log", "/strict"] {
            let answer = ask(port, path, &[protocol]);
            assert_ne!(answer.exit, 0, "{path} {protocol}: {answer:?}");
        }
    }
    assert!(
        envoy.log().contains("rule log: answer cut off: the body is not valid JSON at byte 0"),
        "{}",
        envoy.log()
    );
    assert!(!envoy.log().contains("hunter2"));
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
    assert!(envoy.runs());
}
