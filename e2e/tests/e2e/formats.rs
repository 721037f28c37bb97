//! What we write, read by those who will read it: the parser of Prometheus' own Python client, and `PyYAML`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use ambassador_core::config::Format;
use ambassador_core::format::Writer;
use ambassador_core::problem::Path;
use e2e::envoy::{Envoy, ask, one_port};
use e2e::provided;
use e2e::upstream::{Reply, Upstream};
use expect_test::{Expect, expect};

/// Prints a sample a line, with the type and the help of its family.
const PROMETHEUS: &str = r"
import sys, json
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode()):
    print(family.type, family.name, json.dumps(family.documentation))
    for sample in family.samples:
        print(' ', sample.name, json.dumps(sample.labels, sort_keys=True), sample.value)
";

/// Prints a YAML document as JSON.
const YAML: &str = "
import sys, json, yaml
print(json.dumps(yaml.safe_load(sys.stdin.buffer.read()), ensure_ascii=False))
";

fn write(format: &str, json: &str) -> Vec<u8> {
    let format = Format::Name(format.to_owned());
    let writer = Writer::new(&format, &Path::root(), &mut Vec::new()).expect("a writer");
    writer.write(json.as_bytes().to_vec(), 1 << 20).expect("it can be written")
}

fn python(script: &str, input: &[u8]) -> String {
    let mut child = Command::new(provided("AMBASSADOR_PYTHON"))
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("PYTHONIOENCODING", "utf-8")
        .spawn()
        .expect("python runs");
    child.stdin.take().expect("a pipe").write_all(input).expect("python reads");
    let output = child.wait_with_output().expect("python ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stderr), text(input));
    text(&output.stdout)
}

#[track_caller]
fn check_prometheus(json: &str, expected: &Expect) {
    expected.assert_eq(&python(PROMETHEUS, &write("prometheus", json)));
}

#[test]
fn prometheus_reads_values_labels_and_help() {
    check_prometheus(
        r#"[
            {"name": "fruit_total", "help": "Fruits \\ on\n\"offer\"", "type": "counter", "samples": [
                {"labels": {"kind": "fig"}, "value": 3},
                {"labels": {"kind": "a\"b\\c\nd,e}", "n": 1.50, "no": null, "ok": true}, "value": 1.10},
                {"labels": {"kind": "gone"}, "value": null}
            ]},
            {"name": "up", "type": "gauge", "samples": [{"value": true}]},
            {"name": "odd:one", "samples": [
                {"labels": {"v": "nan"}, "value": "NaN"}, {"labels": {"v": "inf"}, "value": "+Inf"},
                {"labels": {"v": "low"}, "value": -1E400}, {"labels": {"v": "exp"}, "value": 1e-7},
                {"labels": {"v": "long"}, "value": 12345678901234567890}, {"labels": {"v": ""}, "value": "-0"}
            ]}
        ]"#,
        &expect![[r#"
            counter fruit "Fruits \\ on\n\"offer\""
              fruit_total {"kind": "fig"} 3
              fruit_total {"kind": "a\"b\\c\nd,e}", "n": "1.50", "ok": "true"} 1.1
            gauge up ""
              up {} 1
            unknown odd:one ""
              odd:one {"v": "nan"} nan
              odd:one {"v": "inf"} inf
              odd:one {"v": "low"} -inf
              odd:one {"v": "exp"} 1e-07
              odd:one {"v": "long"} 12345678901234567890
              odd:one {"v": ""} 0
        "#]],
    );
}

#[test]
fn prometheus_reads_histograms_and_summaries() {
    check_prometheus(
        r#"[
            {"name": "wait_seconds", "help": "Waits", "type": "histogram", "samples": [
                {"suffix": "_bucket", "labels": {"le": 0.5, "path": "/"}, "value": 4},
                {"suffix": "_bucket", "labels": {"le": "+Inf", "path": "/"}, "value": 6},
                {"suffix": "_sum", "labels": {"path": "/"}, "value": 3.25},
                {"suffix": "_count", "labels": {"path": "/"}, "value": 6}
            ]},
            {"name": "size_bytes", "type": "summary", "samples": [
                {"labels": {"quantile": 0.99}, "value": 1e3},
                {"suffix": "_sum", "value": 5e3},
                {"suffix": "_count", "value": 7}
            ]}
        ]"#,
        &expect![[r#"
            histogram wait_seconds "Waits"
              wait_seconds_bucket {"le": "0.5", "path": "/"} 4
              wait_seconds_bucket {"le": "+Inf", "path": "/"} 6
              wait_seconds_sum {"path": "/"} 3.25
              wait_seconds_count {"path": "/"} 6
            summary size_bytes ""
              size_bytes {"quantile": "0.99"} 1000.0
              size_bytes_sum {} 5000.0
              size_bytes_count {} 7
        "#]],
    );
}

/// `PyYAML` reads YAML 1.1: what it takes for the same, readers of 1.2 do too.
#[test]
fn another_reader_reads_our_yaml() {
    let json = r##"{"plain": "a b", "words": ["yes", "No", "on", "null", "~", "", " ", "y", "1", "1.10", "0x1F", "1e3", "12:30:00", "2001-01-01", "=", "<<", "- a", "a: b", "a #b", "#a", "*a", "&a", "!a", "%a", "@a", "`a", "'", "\"", "\\", "a\nb\n", "\t", "\u0001", "é😀"], "numbers": [1, -7, 1.10, 100000.0, 1e5, 1E-7, 1.5e+300], "nested": [[], {}, [[1]], [{"a": [{"b": null}]}], {"a": {"b": {"c": true}}}], "yes": 1, "1": 2, "": 3, "a: b": 4}"##;
    let body = write("yaml", json);
    let read: serde_json::Value = serde_json::from_str(&python(YAML, &body)).expect("JSON");
    let expected: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(read, expected, "{}", String::from_utf8_lossy(&body));
}

/// What a legacy program says in each format, and how the rule that reads it names that.
const SPOKEN: [(&str, &str, &str); 8] = [
    ("json", "application/json", "[{\"n\":\"1\"}]"),
    ("ndjson", "application/x-ndjson", "{\"n\":\"1\"}\n"),
    ("xml", "application/xml", "<n>1</n>"),
    ("csv", "text/csv", "n\r\n1\r\n"),
    ("tsv", "text/tab-separated-values", "n\n1\n"),
    ("yaml", "application/yaml", "- n: \"1\"\n"),
    ("text", "text/plain", "n=1"),
    ("form", "application/x-www-form-urlencoded", "n=1"),
];

#[test]
fn every_format_is_read_and_written_in_envoy() {
    let upstream = Upstream::start(|head| {
        let path = head.split_whitespace().nth(1).unwrap_or_default().trim_start_matches("/from-");
        let (_, content_type, body) = SPOKEN.iter().find(|(name, ..)| *name == path).unwrap_or(&SPOKEN[0]);
        Reply::ok(content_type, body.as_bytes())
    });
    let from = |(name, content_type, _): &(&str, &str, &str)| {
        format!(
            "    - {{name: from-{name}, match: {{path: /from-{name}, contentType: {content_type}}}, response: {{from: {name}, jq: '[.. | strings]'}}}}\n"
        )
    };
    let written = [
        ("json", ".", "application/json", "[{\"n\":\"1\"}]"),
        ("ndjson", ".", "application/x-ndjson", "{\"n\":\"1\"}\n"),
        ("xml", ".[0]", "application/xml", "<n>1</n>"),
        ("csv", ".", "text/csv", "n\r\n1\r\n"),
        ("tsv", ".", "text/tab-separated-values", "n\n1\n"),
        // `n` is quoted too: older readers take it for a boolean.
        ("yaml", ".", "application/yaml", "\"n\": \"1\""),
        ("text", ".[0].n", "text/plain", "1"),
        ("form", ".[0]", "application/x-www-form-urlencoded", "n=1"),
        (
            "prometheus",
            "[{name: \"n\", type: \"gauge\", samples: [{value: 1}]}]",
            "text/plain; version=0.0.4",
            "n 1",
        ),
    ];
    let to = written.map(|(name, program, ..)| {
        format!("    - {{name: to-{name}, match: {{path: /to-{name}}}, response: {{jq: '{program}', to: {name}}}}}\n")
    });
    let rules = format!("  rules:\n{}{}", SPOKEN.iter().map(from).collect::<String>(), to.concat());
    let (config, port) = one_port(upstream.port, &rules);
    let envoy = Envoy::start(&config);
    for (name, ..) in SPOKEN {
        let answer = ask(port, &format!("/from-{name}"), &[]);
        let expected = if name == "text" { "[\"n=1\"]" } else { "[\"1\"]" };
        assert_eq!((answer.status, answer.text().as_str()), (200, expected), "from {name}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "from {name}");
    }
    for (name, _, content_type, body) in written {
        let answer = ask(port, &format!("/to-{name}"), &[]);
        let found = answer.header("content-type").unwrap_or_default();
        assert_eq!(answer.status, 200, "to {name}: {}", answer.text());
        assert!(found.starts_with(content_type), "to {name}: {found}");
        assert!(answer.text().contains(body), "to {name}: {}", answer.text());
    }
    assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5, "{}", envoy.log());
}
