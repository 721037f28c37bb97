//! Formats by their examples: what is read, what is written, and what is refused.

use expect_test::{Expect, expect};

use super::*;

fn config(written: &str) -> config::Format {
    serde_json::from_str(written).expect(written)
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
fn json_passes_without_a_copy() {
    let body = br#" {"a": 1.10} "#;
    let read = reader("\"json\"").read(body, Some(b"application/json"), 100);
    assert!(matches!(read, Ok(Cow::Borrowed(text)) if text == body));
    let marked = b"\xEF\xBB\xBF[1]";
    assert!(matches!(reader("\"json\"").read(marked, None, 100), Ok(Cow::Borrowed(b"[1]"))));
    let json = b"[1.10]".to_vec();
    let address = json.as_ptr();
    let written = Writer::json().write(json, 100).expect("JSON");
    assert_eq!(written.as_ptr(), address);
    let error = FormatError::TooLarge { format: "json", limit: 3 };
    assert_eq!(reader("\"json\"").read(b"[1] ", None, 3), Err(error.clone()));
    assert_eq!(Writer::json().write(b"[10]".to_vec(), 3), Err(error));
    assert_eq!(Writer::json().content_type(), "application/json");
}

#[test]
fn ndjson_is_an_array() {
    check_read(
        r#""ndjson""#,
        &[
            "",
            "\n\n",
            "1\n2",
            "{\"a\": 1.10}\r\n \n[ ]\n",
            "1\n2 3\n",
            "1\n 2],[3\n",
            "1,2",
            "é\n",
            "[1\n]",
            "\"a",
        ],
        &expect![[r#"
            "" => []
            "\n\n" => []
            "1\n2" => [1,2]
            "{\"a\": 1.10}\r\n \n[ ]\n" => [{"a": 1.10},[ ]]
            "1\n2 3\n" => the body cannot be read as ndjson at line 2, column 3: this line is not one JSON value
            "1\n 2],[3\n" => the body cannot be read as ndjson at line 2, column 3: this line is not one JSON value
            "1,2" => the body cannot be read as ndjson at line 1, column 2: this line is not one JSON value
            "é\n" => the body cannot be read as ndjson at line 1, column 1: this line is not one JSON value
            "[1\n]" => the body cannot be read as ndjson at line 1, column 3: this line is not one JSON value
            "\"a" => the body cannot be read as ndjson at line 1, column 3: this line is not one JSON value
        "#]],
    );
    check_write(
        r#"{"ndjson":{}}"#,
        &["[]", "[1.10,\"a\\nb\",{\"a\":[1,\n2]}]", "{\"a\":1}", "null"],
        &expect![[r#"
            [] => ""
            [1.10,"a\nb",{"a":[1,
            2]}] => "1.10\n\"a\\nb\"\n{\"a\":[1,2]}\n"
            {"a":1} => "{\"a\":1}\n"
            null => "null\n"
        "#]],
    );
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    assert_eq!(read("\"ndjson\"", &deep), Ok(format!("[{deep}]")));
    assert!(read("\"ndjson\"", &format!("[{deep}]")).is_err());
    let outputs = [&b"[1,2]"[..], b"3"];
    assert_eq!(writer("\"ndjson\"").write_all(outputs.into_iter(), 100).expect("lines"), b"[1,2]\n3\n");
    assert!(Writer::json().write_all(outputs.into_iter(), 100).is_err());
    assert_eq!(Writer::json().write_all([&b"[1]"[..]].into_iter(), 100).expect("one"), b"[1]");
}

#[test]
fn lines_of_a_stream_are_bounded() {
    let mut lines = Lines::default();
    let piece = vec![b'1'; MOST_LINE];
    lines.push(&piece, |_| panic!("no line")).expect("just fits");
    assert_eq!(lines.pending(), MOST_LINE);
    assert!(lines.push(b"1", |_| panic!("no line")).is_err());
}

#[test]
fn text_is_a_string_or_lines() {
    check_read(
        "\"text\"",
        &["", "a \"b\"\n\u{1}é\\"],
        &expect![[r#"
        "" => ""
        "a \"b\"\n\u{1}é\\" => "a \"b\"\n\u0001é\\"
    "#]],
    );
    check_read(
        r#"{"text":{"lines":"^(?P<level>[A-Z]+)(?: (?P<code>[0-9]+))?: (?P<message>.*)$"}}"#,
        &["", "WARN 7: \"full\"\r\nINFO: ok\n", "INFO: a\n\nINFO: b", "INFO: a\nwhat"],
        &expect![[r#"
            "" => []
            "WARN 7: \"full\"\r\nINFO: ok\n" => [{"level":"WARN","code":"7","message":"\"full\""},{"level":"INFO","code":null,"message":"ok"}]
            "INFO: a\n\nINFO: b" => the body cannot be read as text at line 2, column 1: the expression does not match this line
            "INFO: a\nwhat" => the body cannot be read as text at line 2, column 1: the expression does not match this line
        "#]],
    );
    check_read(
        r#"{"text":{"lines":"^(?P<level>[A-Z]+):","unmatched":"skip"}}"#,
        &["# note\nWARN: x\n\n"],
        &expect![[r##"
            "# note\nWARN: x\n\n" => [{"level":"WARN"}]
        "##]],
    );
    check_write(
        "\"text\"",
        &["\"a\\n\\\"b\\\"\"", "[\"a\",\"b\",1.10,true]", "1.10", "null", "{}", "[null]", "[[]]"],
        &expect![[r#"
            "a\n\"b\"" => "a\n\"b\""
            ["a","b",1.10,true] => "a\nb\n1.10\ntrue\n"
            1.10 => "1.10"
            null => what the program gave cannot be written as text: text is a string, a number, or a list of those: use tojson
            {} => what the program gave cannot be written as text: text is a string, a number, or a list of those: use tojson
            [null] => what the program gave cannot be written as text: item 1 is neither a string nor a number
            [[]] => what the program gave cannot be written as text: item 1 is neither a string nor a number
        "#]],
    );
}

#[test]
fn forms_are_objects() {
    check_read(
        "\"form\"",
        &["", "a=1&b=x+y%26%C3%A9&&c&=d", "a=1&b=2&a=3", "a=%zz%", "a=1&b=%FF", "a=b=c"],
        &expect![[r#"
            "" => {}
            "a=1&b=x+y%26%C3%A9&&c&=d" => {"a":"1","b":"x y&é","c":"","":"d"}
            "a=1&b=2&a=3" => {"a":["1","3"],"b":"2"}
            "a=%zz%" => {"a":"%zz%"}
            "a=1&b=%FF" => the body cannot be read as form at line 1, column 7: the escapes of this field are no UTF-8
            "a=b=c" => {"a":"b=c"}
        "#]],
    );
    check_read(
        r#"{"form":{"lists":"always"}}"#,
        &["a=1&b=2&a=3"],
        &expect![[r#"
        "a=1&b=2&a=3" => {"a":["1","3"],"b":["2"]}
    "#]],
    );
    check_read(
        r#"{"form":{"lists":"never"}}"#,
        &["a=1&b=2&a=3"],
        &expect![[r#"
        "a=1&b=2&a=3" => {"a":"3","b":"2"}
    "#]],
    );
    check_write(
        "\"form\"",
        &[
            r#"{"a":"x y&é*-._~","b":[1.10,true],"c":null,"":"d","e":[]}"#,
            "{}",
            r#"{"a":1,"b":{"c":1}}"#,
            r#"{"a":[[1]]}"#,
            "[1]",
        ],
        &expect![[r#"
            {"a":"x y&é*-._~","b":[1.10,true],"c":null,"":"d","e":[]} => "a=x+y%26%C3%A9*-._%7E&b=1.10&b=true&c=&=d"
            {} => ""
            {"a":1,"b":{"c":1}} => what the program gave cannot be written as form: the value of field 2 is neither a scalar nor a list of scalars: use tojson
            {"a":[[1]]} => what the program gave cannot be written as form: the value of field 1 is neither a scalar nor a list of scalars: use tojson
            [1] => what the program gave cannot be written as form: a form is an object
        "#]],
    );
    assert!(read("\"form\"", &"a&".repeat(70_000)).is_err());
}

#[test]
fn the_limit_is_exact() {
    for (written, body, json) in [
        ("\"text\"", "a\u{1}", "\"a\\u0001\""),
        ("\"ndjson\"", "1\n2\n", "[1,2]"),
        ("\"form\"", "a=1", "{\"a\":\"1\"}"),
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
    "#]].assert_eq(&all.concat());
}
