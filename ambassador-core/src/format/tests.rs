//! Formats by their examples: what is read, what is written, and what is refused.

mod plain;
mod prometheus;
mod table;
mod xml;
mod yaml;

use expect_test::{Expect, expect};

use super::*;

fn config(written: &str) -> config::Format {
    config::Format::from_json(written.as_bytes()).expect(written)
}

fn reader(written: &str) -> Reader {
    let mut problems = Vec::new();
    let reader = Reader::new(&config(written), &Path::root(), &mut problems);
    reader.filter(|_| problems.is_empty()).unwrap_or_else(|| panic!("{written}: {problems:?}"))
}

fn writer(written: &str) -> Writer {
    let mut problems = Vec::new();
    let writer = Writer::new(&config(written), &Path::root(), &mut problems);
    writer.filter(|_| problems.is_empty()).unwrap_or_else(|| panic!("{written}: {problems:?}"))
}

fn read(written: &str, body: &str) -> Result<String, FormatError> {
    let json = reader(written).read(body.as_bytes(), None, 1 << 20)?;
    if !matches!(written, "\"json\"") {
        let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(&json);
        assert!(parsed.is_ok(), "{written}: {parsed:?}: {}", String::from_utf8_lossy(&json));
    }
    Ok(String::from_utf8(json.into_owned()).expect("UTF-8"))
}

fn write(written: &str, json: &str) -> Result<String, FormatError> {
    let body = writer(written).write(json.as_bytes().to_vec(), 1 << 20)?;
    Ok(String::from_utf8(body).expect("UTF-8"))
}

/// Each body with what is read of it.
#[track_caller]
fn check_read(written: &str, bodies: &[&str], expected: &Expect) {
    let lines = bodies.iter().map(|body| match read(written, body) {
        Ok(json) => format!("{body:?} => {json}\n"),
        Err(error) => format!("{body:?} => {error}\n"),
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().concat());
}

/// Each JSON text with what is written of it.
#[track_caller]
fn check_write(written: &str, texts: &[&str], expected: &Expect) {
    let lines = texts.iter().map(|json| match write(written, json) {
        Ok(body) => format!("{json} => {body:?}\n"),
        Err(error) => format!("{json} => {error}\n"),
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().concat());
}

#[test]
fn the_limit_is_exact() {
    for (written, body, json) in [
        ("\"text\"", "a\u{1}", "\"a\\u0001\""),
        ("\"ndjson\"", "1\n2\n", "[1,2]"),
        ("\"form\"", "a=1", "{\"a\":\"1\"}"),
        ("\"xml\"", "<a b='1'>x</a>", r##"{"a":{"@b":"1","#text":"x"}}"##),
        ("\"csv\"", "a,b\n1,\"2\"\n", r#"[{"a":"1","b":"2"}]"#),
        ("\"tsv\"", "a\tb\n1\t2\n", r#"[{"a":"1","b":"2"}]"#),
        ("\"yaml\"", "a: &a [1]\nb: *a", r#"{"a":[1],"b":[1]}"#),
    ] {
        let length = json.len();
        assert_eq!(reader(written).read(body.as_bytes(), None, length).as_deref(), Ok(json.as_bytes()));
        let error = reader(written).read(body.as_bytes(), None, length - 1).expect_err(written);
        assert!(matches!(error, FormatError::TooLarge { .. }), "{error}");
        let length = write(written, json).expect(written).len();
        assert!(writer(written).write(json.as_bytes().to_vec(), length).is_ok(), "{written}");
        assert!(writer(written).write(json.as_bytes().to_vec(), length - 1).is_err(), "{written}");
    }
    let large = "\u{1}".repeat(1 << 20);
    let error = reader("\"text\"").read(large.as_bytes(), None, 1 << 20);
    assert_eq!(error, Err(FormatError::TooLarge { format: "text", limit: 1 << 20 }));
}

#[test]
fn a_content_type_asks_for_a_format() {
    let name = |content_type: &str| {
        Reader::for_content_type(Some(content_type.as_bytes())).map(|reader| reader.name())
    };
    for (content_type, expected) in [
        ("application/json", Some("json")),
        ("Application/Problem+JSON; charset=utf-8", Some("json")),
        ("text/json", Some("json")),
        ("application/x-ndjson", Some("ndjson")),
        ("text/plain; charset=latin1", Some("text")),
        ("application/x-www-form-urlencoded", Some("form")),
        ("application/xml", Some("xml")),
        ("text/xml; charset=utf-8", Some("xml")),
        ("application/soap+xml", Some("xml")),
        ("text/csv; header=present", Some("csv")),
        ("text/tab-separated-values", Some("tsv")),
        ("application/yaml", Some("yaml")),
        ("text/x-yaml", Some("yaml")),
        ("application/openapi+yaml", Some("yaml")),
        ("text/html", None),
        ("image/png", None),
        ("json", None),
        ("", None),
    ] {
        assert_eq!(name(content_type), expected, "{content_type}");
    }
    assert_eq!(Reader::for_content_type(None).map(|reader| reader.name()), Some("json"));
    assert!(reader("\"text\"").reads(Some(b"text/html")) && reader("\"text\"").reads(None));
    assert!(!reader("\"json\"").reads(Some(b"text/plain")));
}

#[test]
fn charsets_are_resolved() {
    let read = |written: &str, body: &[u8], content_type: &str| {
        let read = reader(written).read(body, Some(content_type.as_bytes()), 100);
        read.map(|json| String::from_utf8_lossy(&json).into_owned()).map_err(|error| error.to_string())
    };
    assert_eq!(read("\"text\"", b"\xE9", "text/plain; charset=iso-8859-1"), Ok("\"é\"".to_owned()));
    assert_eq!(read("\"json\"", b"\xFF\xFE[\0]\0", "application/json"), Ok("[]".to_owned()));
    let error = "the body cannot be read as text at line 2, column 3: it is not UTF-8 here";
    assert_eq!(read("\"text\"", b"a\n\xC3\xA9b\xE9", "text/plain"), Err(error.to_owned()));
}

#[test]
fn wrong_options_are_problems() {
    let check = |side: &str, written: &str| {
        let mut problems = Vec::new();
        let path = Path::root().key(side);
        if side == "from" {
            Reader::new(&config(written), &path, &mut problems);
        } else {
            Writer::new(&config(written), &path, &mut problems);
        }
        let lines = problems.iter().map(|problem| match &problem.hint {
            Some(hint) => format!("{problem} ({hint})\n"),
            None => format!("{problem}\n"),
        });
        lines.collect::<Vec<_>>().concat()
    };
    let all = [
        check("from", "\"jsn\""),
        check("from", "\"prometheus\""),
        check("from", "{}"),
        check("to", r#"{"json":{},"text":{}}"#),
        check("to", r#"{"text":{"lines":"a","unmatched":"skip"}}"#),
        check("to", r#"{"form":{"lists":"always"}}"#),
        check("from", r#"{"form":{"lists":"some"}}"#),
        check("from", r#"{"text":{"lines":"a"}}"#),
        check("from", r#"{"text":{"lines":"(?P<a>"}}"#),
        check("from", r#"{"text":{"lines":"(?P<a>.{1000}{1000})"}}"#),
        check("from", r#"{"text":{"unmatched":"drop"}}"#),
        check("from", r#"{"xml":{"textKey":"@t","forceList":["a","b/c d"],"namespaces":"drop","root":"a"}}"#),
        check(
            "to",
            r#"{"xml":{"textKey":"","forceList":["a"],"namespaces":"keep","root":"a b","item":"1"}}"#,
        ),
        check("from", r#"{"csv":{"delimiter":"tab","types":"int","columns":["a"]}}"#),
        check("to", r#"{"csv":{"delimiter":"a","types":"infer"}}"#),
        check("to", r#"{"tsv":{"types":"infer"}}"#),
    ];
    expect![[r#"
        from: unknown format `jsn` (expected one of json, ndjson, xml, csv, tsv, yaml, text, form, prometheus)
        from: prometheus can only be written (read it as text, with `lines`)
        from: this names no format (write `csv`, or a map of one format to its options, `{csv: {header: false}}`)
        to: this names several formats (write `csv`, or a map of one format to its options, `{csv: {header: false}}`)
        to.text.lines: `lines` is an option of `from`
        to.text.unmatched: `unmatched` is an option of `from`
        to.form.lists: `lists` is an option of `from`
        from.form.lists: unknown value `some` (expected repeated or always or never)
        from.text.lines: this expression has no named groups (name the parts of a line that become fields: (?P<level>[A-Z]+))
        from.text.lines: not a regular expression: found open group without closing ')'
        from.text.lines: not a regular expression: compiled regex exceeded size limit
        from.text.unmatched: unknown value `drop` (expected error or skip)
        from.text.unmatched: `unmatched` has no effect without `lines`
        from.xml.root: `root` is an option of `to`
        from.xml.forceList[1]: not the name or path of an element (write item, or stock/item from the root on)
        from.xml.textKey: this key reads as an attribute (it must not begin with attributePrefix)
        from.xml.namespaces: unknown value `drop` (expected keep or strip)
        to.xml.forceList: `forceList` is an option of `from`
        to.xml.namespaces: `namespaces` is an option of `from`
        to.xml.root: not a name of an element (a name is letters, digits, `-`, `.` and `_`, and begins with a letter)
        to.xml.item: not a name of an element (a name is letters, digits, `-`, `.` and `_`, and begins with a letter)
        to.xml.textKey: this key is empty (the default is #text)
        from.csv.columns: `columns` is an option of `to`
        from.csv.delimiter: a delimiter is one ASCII character (write ",", ";", "|" or "\t"; no letter, digit, quote or line break)
        from.csv.types: unknown value `int` (expected strings or infer)
        to.csv.types: `types` is an option of `from`
        to.csv.delimiter: a delimiter is one ASCII character (write ",", ";", "|" or "\t"; no letter, digit, quote or line break)
        to.tsv.types: `types` is an option of `from`
    "#]].assert_eq(&all.concat());
}

#[test]
fn depth_is_bounded() {
    for (written, open, close) in
        [("\"yaml\"", "[", "]"), ("\"xml\"", "<a><b/>", "</a>"), ("\"xml\"", "<a>", "</a>")]
    {
        for depth in [50, 129, 10_000, 100_000] {
            let body = open.repeat(depth) + &close.repeat(depth);
            let read = read(written, &body);
            assert_eq!(read.is_ok(), depth == 50, "{written} {depth}");
        }
    }
    let deep = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    assert_eq!(write("\"yaml\"", &deep).and_then(|yaml| read("\"yaml\"", &yaml)), Ok(deep.clone()));
    assert!(write("\"yaml\"", &format!("[{deep}]")).is_err());
    let deep = format!("{}1{}", r#"{"a":"#.repeat(120), "}".repeat(120));
    assert_eq!(write("\"yaml\"", &deep).and_then(|yaml| read("\"yaml\"", &yaml)), Ok(deep.clone()));
    assert_eq!(write("\"xml\"", &deep).and_then(|xml| read("\"xml\"", &xml)), Ok(deep.replace('1', "\"1\"")));
    assert!(read("\"yaml\"", &"- ".repeat(100_000)).is_err());
}
