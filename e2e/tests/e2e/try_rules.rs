//! `kubectl ambassador test`: rules tried without Envoy, and the proof that it says what Envoy does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::envoy::{Envoy, ask};
use e2e::kube::repository;
use e2e::process::{Output, run};
use e2e::upstream::{Reply, Upstream};
use e2e::{free_port, provided};
use expect_test::{Expect, expect};

const CASES: [&str; 7] = ["broken", "items", "metrics", "not-found", "orders", "orders/bad", "untouched"];

fn example(file: &str) -> PathBuf {
    repository("docs/examples/stock").join(file)
}

fn test(args: &[&str]) -> Output {
    run(Command::new(provided("AMBASSADOR_CLI")).arg("test").args(args))
}

fn test_with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(provided("AMBASSADOR_CLI"))
        .arg("test")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the CLI can be run");
    child.stdin.take().expect("a pipe").write_all(input).expect("written");
    let output = child.wait_with_output().expect("an end");
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[track_caller]
fn check(output: &Output, expected: &Expect) {
    // The time is another one each time.
    let hide = |line: &str| match line.split_once("), ") {
        Some((before, after)) if line.starts_with("port ") && after.ends_with(" ms") => {
            format!("{before}), TIME")
        }
        _ => line.to_owned(),
    };
    let stderr: Vec<String> = output.stderr.lines().map(hide).collect();
    let text = format!("exit {}\n{}\n--\n{}\n", output.code, output.stdout, stderr.join("\n"));
    // An empty line of a diff is a blank, which editors would take away from what is expected here.
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    expected.assert_eq(&format!("{}\n", lines.join("\n")));
}

/// A copy of the example's cases, to change.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for case in CASES {
        std::fs::create_dir_all(dir.path().join(case)).expect("made");
        for file in ["request.http", "answer.http", "expected.http", "asked.http"] {
            let from = example("testdata").join(case).join(file);
            if from.exists() {
                std::fs::copy(from, dir.path().join(case).join(file)).expect("copied");
            }
        }
    }
    dir
}

fn cases(dir: &Path, more: &[&str]) -> Output {
    let config = example("ambassador.yaml");
    let args = ["-c", &config.to_string_lossy(), "--cases", &dir.to_string_lossy()];
    test(&[&args[..], more].concat())
}

#[test]
fn tells_what_each_rule_did_and_why_others_did_not() {
    let config = example("ambassador.yaml");
    let config = config.to_string_lossy();
    let answer = example("testdata/items/answer.http");
    let answer = answer.to_string_lossy();
    let args = ["-c", &config, "--request", "GET /stock/7", "--response-file", &answer];
    check(
        &test(&args),
        &expect![[r#"
        exit 0
        {"items":["apple",{"name":"pear","price":1.50}],"count":2}
        --
        port http (80), TIME
        request rule orders: does not match: the request has another method
        request rule stock-metrics: does not match: the request came in on another port
        answer rule not-found: does not match: the answer has another status
        answer rule items: reshaped, 58 bytes from 43, 11 steps
        answer rule orders: does not match: the request has another method
        answer rule stock-metrics: does not match: the request came in on another port
    "#]],
    );
    check(
        &test(&[&args[..], &["-i"]].concat()),
        &expect![[r#"
        exit 0
        HTTP/1.1 200
        content-type: application/json
        etag: W/"v1;38c5057d099530e6"
        x-stock-api: 2
        content-length: 58

        {"items":["apple",{"name":"pear","price":1.50}],"count":2}
        --
        port http (80), TIME
        request rule orders: does not match: the request has another method
        request rule stock-metrics: does not match: the request came in on another port
        answer rule not-found: does not match: the answer has another status
        answer rule items: reshaped, 58 bytes from 43, 11 steps
        answer rule orders: does not match: the request has another method
        answer rule stock-metrics: does not match: the request came in on another port
    "#]],
    );
    let order = b"POST /orders\ncontent-type: application/json\n\n{\"items\": [1]}";
    check(
        &test_with_input(&["-c", &config, "--request-file", "-", "--response-file", &answer], order),
        &expect![[r#"
            exit 1
            {"type":"urn:kubectl-ambassador:problem:rule-failed","title":"The answer could not be reshaped","status":502,"detail":"cannot index an array with a string, at line 1, column 6 of the program","rule":"orders"}
            --
            port http (80), TIME
            request rule orders: reshaped, 32 bytes from 14, 11 steps
            request rule stock-metrics: does not match: the request came in on another port
            answer rule not-found: does not match: the request is for another path
            answer rule items: does not match: the request has another method
            answer rule orders: failed:program
            answer rule stock-metrics: does not match: the request came in on another port
            the program is asked:
            > POST /legacy/orders HTTP/1.1
            > host: localhost
            > content-type: application/json
            > content-length: 32
            >
            > {"order":[1],"via":"ambassador"}
            rule orders: answer: cannot index an array with a string, at line 1, column 6 of the program
            error: a rule failed
        "#]],
    );
    check(
        &test_with_input(
            &["-c", &config, "--on", "metrics", "--request", "GET /metrics", "--response-file", "-"],
            b"{\"a\"",
        ),
        &expect![[r#"
            exit 1
            {"type":"urn:kubectl-ambassador:problem:rule-failed","title":"The answer could not be reshaped","status":502,"detail":"the body is not valid JSON at byte 4","rule":"stock-metrics"}
            --
            port metrics (9102), TIME
            request rule orders: does not match: the request came in on another port
            request rule stock-metrics: headers
            answer rule not-found: does not match: the request came in on another port
            answer rule items: does not match: the request came in on another port
            answer rule orders: does not match: the request came in on another port
            answer rule stock-metrics: failed:input
            the program is asked:
            > GET /stock/all HTTP/1.1
            > host: localhost
            rule stock-metrics: answer: the body is not valid JSON at byte 4
            error: a rule failed
        "#]],
    );
    check(
        &test_with_input(&["--jq", "map(.name)", "--response-file", "-", "--status", "500"], b"[]"),
        &expect![[r#"
            exit 0
            []
            --
            port port-80 (80), TIME
            answer rule jq: does not match: the answer has another status
        "#]],
    );
}

#[test]
fn an_answer_ends_in_a_line_of_its_own_on_a_terminal_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("answer"), "[1]").expect("written");
    let command = format!("{} test --jq . --response-file answer", provided("AMBASSADOR_CLI").display());
    let shown =
        |program: &str, args: &[&str]| run(Command::new(program).args(args).current_dir(dir.path())).ok();
    assert_eq!(shown("sh", &["-c", &command]), "[1]");
    let quiet = format!("{command} 2> told");
    assert_eq!(shown("script", &["--quiet", "--return", "--command", &quiet, "log"]), "[1]\r\n");
}

#[test]
fn tells_programs_the_same_as_json() {
    let (config, answer) = (example("ambassador.yaml"), example("testdata/items/answer.http"));
    let args = [
        "-c",
        &config.to_string_lossy(),
        "--request",
        "GET /stock/7",
        "--response-file",
        &answer.to_string_lossy(),
    ];
    let json = test(&[&args[..], &["-o", "json"]].concat()).ok();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["outcomes"][0]["rule"], "items");
    assert_eq!(json["outcomes"][0]["outcome"], "reshaped");
    assert_eq!(json["answer"]["body"], r#"{"items":["apple",{"name":"pear","price":1.50}],"count":2}"#);
}

#[test]
fn a_case_that_is_not_as_expected_shows_the_difference() {
    let dir = copy();
    let write = |file: &str, text: &str| std::fs::write(dir.path().join(file), text).expect("written");
    write(
        "items/expected.http",
        "{\"items\": [\"apple\", {\"name\": \"pear\", \"price\": 1.5}],\n \"count\": 2}\n",
    );
    write("orders/asked.http", "POST /orders HTTP/1.1\n\n");
    write("orders/bad/asked.http", "POST /legacy/orders\n\n");
    std::fs::remove_file(dir.path().join("broken/expected.http")).expect("removed");
    check(
        &cases(dir.path(), &[]),
        &expect![[r#"
        exit 1
        FAILED   broken
            expected.http is missing; --update writes it
        FAILED   items
            expected.http
            --- expected
            +++ found
            @@ -3,7 +3,7 @@
                 "apple",
                 {
                   "name": "pear",
            -      "price": 1.5
            +      "price": 1.50
                 }
               ],
               "count": 2
        ok       metrics
        ok       not-found
        FAILED   orders
            asked.http
            --- expected
            +++ found
            @@ -1,3 +1,11 @@
            -POST /orders
            -
            +POST /legacy/orders
            +content-length: 38
            +content-type: application/json
            +host: stock.example
     
            +{
            +  "order": [
            +    "apple"
            +  ],
            +  "via": "ambassador"
            +}
        FAILED   orders/bad
            asked.http is there, but the program is not asked
        ok       untouched

        --
        3 of 7 as expected
        error: 4 of 7 cases failed
    "#]],
    );
    let json: serde_json::Value =
        serde_json::from_str(&cases(dir.path(), &["-o", "json"]).stdout).expect("JSON");
    assert_eq!((&json["failed"], &json["cases"][6]["outcome"]), (&4.into(), &"ok".into()));
}

#[test]
fn update_writes_what_comes_out() {
    let dir = copy();
    let expected =
        |case: &str| std::fs::read_to_string(dir.path().join(case).join("expected.http")).expect("a file");
    let before: Vec<String> = CASES.map(expected).to_vec();
    std::fs::remove_file(dir.path().join("broken/expected.http")).expect("removed");
    std::fs::write(dir.path().join("items/expected.http"), "[]").expect("written");
    std::fs::write(dir.path().join("orders/asked.http"), "").expect("written");
    let output = cases(dir.path(), &["--update"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout.matches("updated  ").count(), 3, "{}", output.stdout);
    let after: Vec<String> = CASES.map(expected).to_vec();
    assert_eq!(after[0], before[0]);
    assert!(
        before[1].ends_with(&after[1]) && after[1].starts_with('{'),
        "a body alone stays one: {}",
        after[1]
    );
    assert_eq!(after[2..], before[2..]);
    assert_eq!(cases(dir.path(), &[]).code, 0);
    // What is as expected is not touched.
    assert!(!cases(dir.path(), &["--update"]).stdout.contains("updated"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line of the table for each mistake")]
fn what_is_wrong_with_the_input_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = example("ambassador.yaml");
    let config = config.to_string_lossy();
    let text = |name: &str, text: &[u8]| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).expect("written");
        file.to_string_lossy().into_owned()
    };
    let answer = text("answer", b"HTTP/1.1 200 OK\n\n[]");
    let bad = text("bad", b"HTTP/1.1 what\n\n[]");
    let folder = dir.path().to_string_lossy().into_owned();
    let hide = |output: Output| Output { stderr: output.stderr.replace(&folder, "DIR"), ..output };
    for (args, expected) in [
        (
            &["--response-file", &answer][..],
            expect![[r#"
            exit 2

            --
            error: no rules to try
            hint: name a config with -c FILE, or a program with --jq
        "#]],
        ),
        (
            &["-c", &config],
            expect![[r#"
            exit 2

            --
            error: what does the program answer?
            hint: --response-file FILE with it, as `curl -i` shows it or its body alone; - reads stdin
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &bad],
            expect![[r#"
            exit 2

            --
            error: the answer: invalid response status; it begins with a line such as `HTTP/1.1 200 OK`
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &folder],
            expect![[r#"
            exit 2

            --
            error: cannot read DIR: Is a directory (os error 21)
        "#]],
        ),
        (
            &["-c", &config, "--response-file", "/dev/zero"],
            expect![[r#"
            exit 2

            --
            error: /dev/zero is larger than 83886080 bytes
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &answer, "--content-type", "text/csv"],
            expect![[r#"
            exit 2

            --
            error: --content-type is for an answer that is a body alone, and this one has a head
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &answer, "--request", "stock"],
            expect![[r#"
            exit 2

            --
            error: the request: invalid token; it begins with a line such as `GET /stock/7`
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &answer, "-H", "no value"],
            expect![[r#"
            exit 2

            --
            error: -H `no value`: expected NAME: VALUE
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &answer, "-H", "a: b\nc: d"],
            expect![[r#"
            exit 2

            --
            error: -H `a: b\nc: d`: a header's value has no control characters
        "#]],
        ),
        (
            &["-c", &config, "--response-file", &answer, "--on", "https"],
            expect![[r#"
            exit 2

            --
            error: no http port is named `https`
            hint: spec.ports has: http, metrics
        "#]],
        ),
        (
            &["-c", &config, "--cases", &folder],
            expect![[r#"
            exit 2

            --
            error: no cases in DIR
            hint: a case is a folder with answer.http, expected.http and, but for GET /, request.http
        "#]],
        ),
        (
            &["-c", &config, "--cases", "/nonexistent"],
            expect![[r#"
            exit 2

            --
            error: cannot read /nonexistent: No such file or directory (os error 2)
        "#]],
        ),
    ] {
        check(&hide(test(args)), &expected);
    }
}

/// The answer of a file as it goes over the wire.
fn reply(text: &str) -> Reply {
    let (head, body) = match text.split_once("\n\n") {
        Some((head, body)) if head.starts_with("HTTP/") => (head.to_owned(), body),
        _ => ("HTTP/1.1 200 OK".to_owned(), text),
    };
    let head = head.replace('\n', "\r\n");
    Reply {
        head: format!("{head}\r\ncontent-length: {}", body.len()),
        pieces: vec![body.as_bytes().to_vec()],
        ..Reply::default()
    }
}

#[test]
fn it_says_what_envoy_does() {
    for case in CASES {
        let read = |file: &str| {
            std::fs::read_to_string(example("testdata").join(case).join(file)).unwrap_or_default()
        };
        let answer = read("answer.http");
        let upstream = Upstream::start(move |_| reply(&answer));
        let (http, metrics) = (free_port(), free_port());
        let config = std::fs::read_to_string(example("ambassador.yaml")).expect("the example");
        let config = config
            .replace("listen: 80,", &format!("listen: {http},"))
            .replace("listen: 9102,", &format!("listen: {metrics},"))
            .replace("8775", &upstream.port.to_string());
        let _envoy = Envoy::start(&config);
        let request = read("request.http");
        let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
        let mut lines = head.lines();
        let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let mut args = vec!["--request", words[0]];
        args.extend(lines.flat_map(|line| ["-H", line]));
        if !body.is_empty() {
            args.extend(["--data-binary", body]);
        }
        let port = if head.contains(":9102") { metrics } else { http };
        let found = ask(port, words[1], &args);
        let expected = read("expected.http");
        let (head, body) = expected.split_once("\n\n").expect("a head");
        assert_eq!(found.text().trim_end(), body.trim_end(), "{case}");
        let status = format!("HTTP/1.1 {}", found.status);
        let mut found: Vec<String> =
            found.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        // Envoy's own, and what is about the connection.
        found
            .retain(|line| !["connection: ", "date: ", "server: "].iter().any(|name| line.starts_with(name)));
        found.sort();
        let mut expected: Vec<&str> = head.lines().skip(1).collect();
        expected.sort_unstable();
        assert_eq!(
            (Some(status.as_str()), found),
            (head.lines().next(), expected.iter().map(|&line| line.to_owned()).collect()),
            "{case}"
        );
    }
}

#[test]
fn tells_which_target_is_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("ambassador.yaml");
    let text = "apiVersion: kubectl-ambassador.dev/v1alpha1
kind: Ambassador
spec:
  ports:
    - {name: http, listen: 80, routes: [{hosts: [api.example.org], target: api}, {path: /old, target: 8775}]}
  targets: [{name: api, servers: ['10.0.0.1:8080', {address: '10.0.0.2:8080', weight: 2}]}]
  rules: [{name: of-api, match: {target: api}, response: {jq: '{of: .}'}}]
";
    std::fs::write(&config, text).expect("written");
    let config = config.to_string_lossy();
    let args = ["-c", &config, "--content-type", "application/json", "--response-file", "-"];
    let ask = |more: &[&str]| test_with_input(&[&args[..], more].concat(), b"1");
    check(
        &ask(&["--request", "GET /", "-H", "Host: api.example.org"]),
        &expect![[r#"
        exit 0
        {"of":1}
        --
        port http (80), TIME
        target api (10.0.0.1:8080, 10.0.0.2:8080)
        answer rule of-api: reshaped, 8 bytes from 1, 7 steps
    "#]],
    );
    check(
        &ask(&["--request", "GET /old"]),
        &expect![[r#"
            exit 0
            1
            --
            port http (80), TIME
            target 8775
            answer rule of-api: does not match: the request leads to another target
        "#]],
    );
    check(
        &ask(&["--request", "GET /"]),
        &expect![[r#"
        exit 0
        {"type":"urn:kubectl-ambassador:problem:no-route","title":"No route is for this request","status":404,"detail":"no route of this port is for this host, path, method and headers"}
        --
        port http (80), TIME
        no route is for the request
    "#]],
    );
    let json: serde_json::Value =
        serde_json::from_str(&ask(&["--request", "GET /old", "-o", "json"]).stdout).expect("JSON");
    assert_eq!(json["target"], "8775");
}
