//! Bad answers: each hurts its own request, and no other. `e2e/corpus/bodies` holds them as they are on the wire, by
//! names that begin with what the client gets: a status, or `cut` for none that is whole.

use std::path::PathBuf;
use std::sync::Arc;

use e2e::envoy::{Envoy, ask, one_port};
use e2e::kube::repository;
use e2e::upstream::{Reply, Upstream};

/// The bytes of an answer, up to the empty line and behind it.
fn reply(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an end of the head");
    // A head is sent as text; of its bytes that are none the test needs only that there are some.
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    Reply { head, pieces: vec![bytes[end + 4..].to_vec()], close: true, ..Reply::default() }
}

fn corpus() -> Vec<(String, Reply)> {
    let entries = std::fs::read_dir(repository("e2e/corpus/bodies")).expect("the corpus").flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let name = |file: &PathBuf| file.file_name().expect("a name").to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), reply(&std::fs::read(file).expect("a file")))).collect()
}

/// What is too large to be kept as a file.
fn generated() -> Vec<(String, Reply)> {
    let json = |body: Vec<u8>| Reply { close: true, ..Reply::ok("application/json", &body) };
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes();
    let keys: Vec<String> = (0..100_000).map(|n| format!("\"{n:05}\":0")).collect();
    let mut drip = Reply::chunked("application/json", b"[1]", 1);
    drip.pause = std::time::Duration::from_millis(300);
    vec![
        ("200-nested-127".to_owned(), json(nested(127))),
        ("200-nested-128".to_owned(), json(nested(128))),
        ("502-nested-129".to_owned(), json(nested(129))),
        ("502-nested-100000".to_owned(), json(nested(100_000))),
        ("502-open-1000000".to_owned(), json(vec![b'['; 1_000_000])),
        ("200-digits-1000".to_owned(), json(vec![b'7'; 1_000])),
        ("502-digits-1000000".to_owned(), json(vec![b'7'; 1_000_000])),
        ("200-keys-100000".to_owned(), json(format!("{{{}}}", keys.join(",")).into_bytes())),
        (
            "200-same-key-100000".to_owned(),
            json(format!("{{{}\"a\":1}}", "\"a\":0,".repeat(100_000)).into_bytes()),
        ),
        (
            "200-escapes".to_owned(),
            json(["\"".to_owned(), "\\u0001".repeat(200_000), "\"".to_owned()].concat().into_bytes()),
        ),
        ("200-drip".to_owned(), drip),
    ]
}

#[test]
fn one_bad_answer_hurts_one_request() {
    let all: Arc<Vec<(String, Reply)>> = Arc::new(corpus().into_iter().chain(generated()).collect());
    assert!(all.len() > 60, "only {} bodies", all.len());
    let script = Arc::clone(&all);
    let upstream = Upstream::start(move |head| {
        let path = head.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        let path = path.trim_start_matches("pass/").trim_start_matches("deep/");
        let found = script.iter().find(|(name, _)| name == path);
        found.map_or_else(|| Reply::ok("application/json", b"[1,2]"), |(_, reply)| reply.clone())
    });
    let rules = "  limits: {body: 4MiB}
  rules:
    - {name: pass, match: {path: '/pass/**', contentType: '*/*'}, response: {jq: 'tostring | length', onError: pass}}
    - {name: good, match: {path: /good}, response: {jq: length}}
    - {name: all, match: {path: '/*'}, response: {jq: .}}
";
    let (config, port) = one_port(upstream.port, rules);
    let mut envoy = Envoy::start(&config);
    for (name, _) in all.iter() {
        for protocol in ["--http1.1", "--http2-prior-knowledge"] {
            let answer = ask(port, &format!("/{name}"), &[protocol]);
            let expected = name.split('-').next().expect("a status");
            if expected == "cut" {
                let whole = answer.exit == 0 && answer.status < 500;
                assert!(!whole, "{name} {protocol}: {answer:?}");
            } else {
                let expected: u16 = expected.parse().expect("a status");
                assert_eq!(
                    (answer.status, answer.exit),
                    (expected, 0),
                    "{name} {protocol}: {}",
                    answer.text()
                );
            }
            if answer.status == 200
                && answer.header("content-type") == Some("application/json")
                && answer.exit == 0
            {
                let length = answer.body.len().to_string();
                assert_eq!(answer.header("content-length"), Some(length.as_str()), "{name} {protocol}");
            }
            let passed = ask(port, &format!("/pass/{name}"), &[protocol]);
            let is_whole = expected != "cut";
            assert!(!is_whole || passed.status != 502, "{name} {protocol}: the original passes: {passed:?}");
            let good = ask(port, "/good", &[protocol]);
            assert_eq!((good.status, good.text().as_str()), (200, "2"), "after {name} {protocol}");
        }
    }
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5, "{}", envoy.log());
    assert!(envoy.runs());
}
