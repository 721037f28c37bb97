//! Formats as `docs/formats.md` shows them, and what holds for every body.
#![cfg(feature = "formats")]

use std::path::Path as File;

use ambassador_core::config::Format;
use ambassador_core::format::{FormatError, Reader, Writer};
use ambassador_core::problem::Path;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

const LIMIT: usize = 1 << 20;

/// A format as a config writes it.
fn format(written: &str) -> Format {
    let yaml = reader_of(&Format::Name("yaml".to_owned())).read(written.as_bytes(), None, LIMIT);
    Format::from_json(&yaml.expect(written)).expect(written)
}

fn reader_of(format: &Format) -> Reader {
    let mut problems = Vec::new();
    let reader = Reader::new(format, &Path::root(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    reader.expect("a reader")
}

fn writer_of(format: &Format) -> Writer {
    let mut problems = Vec::new();
    let writer = Writer::new(format, &Path::root(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    writer.expect("a writer")
}

/// The fenced blocks of a kind, each in its three parts.
fn examples(kind: &str) -> Vec<(String, String, String)> {
    let path = File::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let paper = std::fs::read_to_string(path).expect("the paper");
    let fence = format!("```{kind}\n");
    let blocks = paper.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let parts = blocks.map(|block| {
        let (format, rest) = block.split_once('\n').expect("a format");
        let (from, to) = rest.split_once("\n---\n").expect("two parts");
        (format.to_owned(), format!("{from}\n"), to.to_owned())
    });
    parts.collect()
}

#[test]
fn every_example_of_reading_holds() {
    let all = examples("read");
    assert!(all.len() >= 12, "only {} examples", all.len());
    for (written, body, json) in all {
        let reader = reader_of(&format(&written));
        // The last line break of a block is the block's own, but for text.
        let body = if reader.name() == "form" { body.trim_end() } else { &body };
        let read = reader.read(body.as_bytes(), None, LIMIT);
        assert_eq!(read.as_deref(), Ok(json.trim_end().as_bytes()), "{written}\n{body}\n{read:?}");
    }
}

#[test]
fn every_example_of_writing_holds() {
    let all = examples("write");
    assert!(all.len() >= 10, "only {} examples", all.len());
    for (written, json, body) in all {
        let result = writer_of(&format(&written)).write(json.trim_end().as_bytes().to_vec(), LIMIT);
        let found = String::from_utf8(result.expect(&written)).expect("UTF-8").replace("\r\n", "\n");
        assert_eq!(found.trim_end(), body.trim_end(), "{written}");
    }
}

/// Every format with options that change what is read.
const READERS: [&str; 16] = [
    "json",
    "ndjson",
    "xml",
    "{xml: {namespaces: strip, attributePrefix: '', textKey: a, forceList: [a, a/b]}}",
    "csv",
    "{csv: {header: false}}",
    "{csv: {delimiter: ';', types: infer}}",
    "tsv",
    "{tsv: {escapes: true, header: false, types: infer}}",
    "yaml",
    "text",
    "{text: {lines: '(?P<a>a*)(?P<b>.)'}}",
    "{text: {lines: '^(?P<a>[^:]*): *(?P<b>.*)$', unmatched: skip}}",
    "form",
    "{form: {lists: always}}",
    "{form: {lists: never}}",
];

/// Every format with options that change what is written.
const WRITERS: [&str; 12] = [
    "json",
    "ndjson",
    "{xml: {root: r}}",
    "xml",
    "csv",
    "{csv: {header: false, columns: [a, b]}}",
    "{tsv: {escapes: true}}",
    "tsv",
    "yaml",
    "text",
    "form",
    "prometheus",
];

/// Pieces of which bodies of all formats are made.
const PIECES: [&str; 76] = [
    "<",
    ">",
    "</",
    "/>",
    "a",
    "b",
    "<a>",
    "</a>",
    "<b x='1'>",
    "<a:b xmlns:a=\"u\"/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml version='1.0' encoding='utf-8'?>",
    "<!DOCTYPE a [",
    "]>",
    "&amp;",
    "&#65;",
    "&x;",
    "&",
    ";",
    "'",
    "\"",
    "\"\"",
    ",",
    "\t",
    "\n",
    "\r\n",
    "\r",
    " ",
    "  ",
    "- ",
    ": ",
    "? ",
    "a: ",
    "[",
    "]",
    "{",
    "}",
    "{}",
    "[]",
    "&a ",
    "*a",
    "!!str ",
    "!!int ",
    "!x ",
    "|",
    ">-",
    "#",
    "---\n",
    "...\n",
    "%",
    "%41",
    "%FF",
    "+",
    "=",
    "a=1",
    "1",
    "1.10",
    "-0",
    "1e400",
    ".5",
    "0x1F",
    ".inf",
    "~",
    "null",
    "true",
    "é",
    "\u{FEFF}",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "😀",
    "\\",
    "\\u0041",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..30).prop_map(|pieces| pieces.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..20), any::<bool>()).prop_map(|(pieces, big)| {
            let units = pieces.concat();
            let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            std::iter::once(0xFEFF).chain(units.encode_utf16()).flat_map(bytes).collect()
        }),
    ]
}

/// Text of any kind, with what formats find special.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,4}",
        prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..4).prop_map(|pieces| pieces.concat()),
        prop::sample::select(vec![
            "yes",
            "No",
            "NULL",
            "~",
            "1.10",
            "0x1F",
            "2001-01-01",
            "12:30:00",
            " a",
            "a ",
            "=",
            "<<",
            "null",
            "on"
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1.10".to_owned()),
        Just("-0".to_owned()),
        Just("12345678901234567890.123456789012345678901234567890".to_owned()),
        Just("0.5".to_owned()),
    ]
}

fn string() -> impl Strategy<Value = String> {
    text().prop_map(|text| Value::from(text).to_string())
}

/// A JSON text of a few levels, as a program could give it.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        number(),
        string()
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((string(), inner.clone()), 0..5).prop_map(object),
            // What CSV, forms and Prometheus take.
            prop::collection::vec((Just("\"a\"".to_owned()), inner), 0..3).prop_map(object),
        ]
    })
}

/// An object of entries, without those whose key was there before.
fn object(entries: Vec<(String, String)>) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let distinct = entries.into_iter().filter(|(key, _)| seen.insert(key.clone()));
    format!("{{{}}}", distinct.map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(","))
}

/// Writes and reads again.
fn round_trip(writer: &str, reader: &str, json: &str) -> Result<String, FormatError> {
    let body = writer_of(&format(writer)).write(json.as_bytes().to_vec(), LIMIT)?;
    let read = reader_of(&format(reader)).read(&body, None, LIMIT);
    let read = read.unwrap_or_else(|error| panic!("{error}: {json}\n{}", String::from_utf8_lossy(&body)));
    Ok(String::from_utf8(read.into_owned()).expect("UTF-8"))
}

/// JSON without the differences of escapes that mean the same.
fn normal(json: &str) -> Value {
    serde_json::from_str(json).expect(json)
}

/// Only what XML can say.
fn is_xml_text(text: &str) -> bool {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    text.chars().all(allowed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_strict_json(body in body(), which in 0..READERS.len()) {
        let reader = reader_of(&format(READERS[which]));
        if let Ok(json) = reader.read(&body, None, LIMIT)
            && reader.name() != "json"
        {
            prop_assert!(serde_json::from_slice::<IgnoredAny>(&json).is_ok(), "{}", String::from_utf8_lossy(&json));
            prop_assert!(std::str::from_utf8(&json).is_ok());
        }
    }

    #[test]
    fn what_is_read_keeps_to_the_limit(body in body(), which in 1..READERS.len(), limit in 0..40_usize) {
        if let Ok(json) = reader_of(&format(READERS[which])).read(&body, None, limit) {
            prop_assert!(json.len() <= limit);
        }
    }

    #[test]
    fn what_is_written_keeps_to_the_limit(json in json(), which in 0..WRITERS.len(), limit in 0..80_usize) {
        if let Ok(body) = writer_of(&format(WRITERS[which])).write(json.into_bytes(), limit) {
            prop_assert!(body.len() <= limit);
        }
    }

    #[test]
    fn ndjson_reads_what_it_writes(items in prop::collection::vec(json(), 0..5)) {
        let json = format!("[{}]", items.join(","));
        prop_assert_eq!(round_trip("ndjson", "ndjson", &json), Ok(json));
    }

    #[test]
    fn yaml_reads_what_it_writes(json in json()) {
        let read = round_trip("yaml", "yaml", &json).expect("all of JSON can be written");
        prop_assert_eq!(normal(&read), normal(&json));
        // All digits are there.
        let digits = |text: &str| text.matches("12345678901234567890.123456789012345678901234567890").count();
        prop_assert_eq!(digits(&read), digits(&json));
    }

    #[test]
    fn text_reads_what_it_writes(text in text()) {
        let read = round_trip("text", "text", &Value::from(text.as_str()).to_string());
        // What begins with a byte order mark loses it.
        let expected = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        prop_assert_eq!(normal(&read.expect("text")), Value::from(expected));
    }

    #[test]
    fn forms_read_what_they_write(entries in prop::collection::vec((string(), prop_oneof![
        string(), prop::collection::vec(string(), 2..4).prop_map(|items| format!("[{}]", items.join(",")))]), 0..5)) {
        let json = object(entries);
        let read = round_trip("form", "form", &json).expect("a form");
        prop_assert_eq!(normal(&read), normal(&json));
    }

    #[test]
    fn tables_read_what_they_write(names in prop::collection::btree_set(text(), 1..4), values in prop::collection::vec(prop::collection::vec(text(), 3), 1..4)) {
        let names: Vec<String> = names.into_iter().collect();
        let row = |values: &Vec<String>| object(names.iter().zip(values).map(|(name, value)| (Value::from(name.as_str()).to_string(), Value::from(value.as_str()).to_string())).collect());
        let json = format!("[{}]", values.iter().map(row).collect::<Vec<_>>().join(","));
        // The mark that begins a body is none of its text.
        prop_assume!(!names[0].starts_with('\u{FEFF}'));
        let csv = round_trip("csv", "csv", &json).expect("CSV");
        prop_assert_eq!(normal(&csv), normal(&json));
        let semicolons = round_trip("{csv: {delimiter: ';'}}", "{csv: {delimiter: ';'}}", &json).expect("CSV");
        prop_assert_eq!(normal(&semicolons), normal(&json));
        if let Ok(tsv) = round_trip("{tsv: {escapes: true}}", "{tsv: {escapes: true}}", &json) {
            prop_assert_eq!(normal(&tsv), normal(&json));
        }
        if let Ok(tsv) = round_trip("tsv", "tsv", &json) {
            prop_assert_eq!(normal(&tsv), normal(&json));
        }
    }

    #[test]
    fn tables_keep_numbers(rows in prop::collection::vec(prop::collection::vec(prop_oneof![number(), Just("true".to_owned()), Just("\"x\"".to_owned())], 3), 1..4)) {
        let json = format!("[{}]", rows.iter().map(|row| format!("[{}]", row.join(","))).collect::<Vec<_>>().join(","));
        for format in ["{csv: {header: false, types: infer}}", "{tsv: {header: false, types: infer}}"] {
            let writer = format.replace(", types: infer", "");
            prop_assert_eq!(round_trip(&writer, format, &json), Ok(json.clone()));
        }
    }

    #[test]
    fn xml_reads_what_it_writes(text in text(), attribute in text(), many in prop::collection::vec("[a-z<&\"']{0,5}", 2..5)) {
        prop_assume!(is_xml_text(&text) && is_xml_text(&attribute));
        let (text, attribute) = (Value::from(text), Value::from(attribute));
        let items = Value::from(many);
        let json = format!(r##"{{"r":{{"@a":{attribute},"item":{items},"only":{text},"deep":{{"@x":{text},"b":{{"c":{text}}}}}}}}}"##);
        let read = round_trip("xml", "xml", &json).expect("XML");
        prop_assert_eq!(normal(&read), normal(&json));
        // Text beside attributes stays unless it is white space alone.
        let json = format!(r##"{{"r":{{"@a":{attribute},"#text":{text}}}}}"##);
        let read = normal(&round_trip("xml", "xml", &json).expect("XML"));
        if !text.as_str().unwrap_or_default().chars().all(|c| " \t\r\n".contains(c)) {
            prop_assert_eq!(read, normal(&json));
        }
    }

    #[test]
    fn what_xml_can_be_written_can_be_read(json in json()) {
        // Whatever the value: an error, or a document that is well-formed.
        let _ = round_trip("{xml: {root: r}}", "xml", &json);
        let _ = round_trip("xml", "{xml: {namespaces: strip}}", &json);
    }
}
