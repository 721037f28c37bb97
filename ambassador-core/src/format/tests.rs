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
fn xml_is_objects() {
    check_read(
        "\"xml\"",
        &[
            "<?xml version=\"1.0\"?>\n<!-- note --><stock at='&lt;x&#62;\ty'>\n  <item>1.10</item>\n  <item/><b> x </b>\n</stock>\n",
            "<a/>",
            "<a> <![CDATA[<&>]]>&amp;\r\nb\rc&#13;</a>",
            "<p>one <b>two</b> three<i/>\n &#32; <i/>&#32;</p>",
            "<a><#/></a>",
            "<a x='1' x='2'/>",
            "<a x=1/>",
            "<a x='<'/>",
            "<a><b></a></b>",
            "<a>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "",
            "text",
            "<a>&nbsp;</a>",
            "<a>&</a>",
            "<a b='&x;'/>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<!DOCTYPE a SYSTEM 'a.dtd'><a/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a><!-- -- --></a>",
            "<a><?php x ?></a>",
            "<s:a xmlns:s='urn:x' s:b='1'><s:c/></s:a>",
            "<a><x/><x y='1'/><z/><x>2</x></a>",
            "<a b='1'>text</a>",
            "<a><#text/></a>",
            "é<a/>",
        ],
        &expect![[r##"
            "<?xml version=\"1.0\"?>\n<!-- note --><stock at='&lt;x&#62;\ty'>\n  <item>1.10</item>\n  <item/><b> x </b>\n</stock>\n" => {"stock":{"@at":"<x> y","item":["1.10",""],"b":" x "}}
            "<a/>" => {"a":""}
            "<a> <![CDATA[<&>]]>&amp;\r\nb\rc&#13;</a>" => {"a":" <&>&\nb\nc\r"}
            "<p>one <b>two</b> three<i/>\n &#32; <i/>&#32;</p>" => {"p":{"b":"two","i":["",""],"#text":"one  three\n    "}}
            "<a><#/></a>" => the body cannot be read as xml at line 1, column 4: this is not a name
            "<a x='1' x='2'/>" => the body cannot be read as xml at line 1, column 2: this element has an attribute twice
            "<a x=1/>" => the body cannot be read as xml at line 1, column 2: an attribute of this element is not well-formed
            "<a x='<'/>" => the body cannot be read as xml at line 1, column 2: an attribute of this element is not well-formed
            "<a><b></a></b>" => the body cannot be read as xml at line 1, column 7: this closes what is not open
            "<a>" => the body cannot be read as xml at line 1, column 4: an element is not closed
            "</a>" => the body cannot be read as xml at line 1, column 1: this closes what is not open
            "<a/><b/>" => the body cannot be read as xml at line 1, column 5: a second root element
            "<a/>text" => the body cannot be read as xml at line 1, column 5: text outside of the root element
            "" => the body cannot be read as xml at line 1, column 1: there is no element
            "text" => the body cannot be read as xml at line 1, column 1: text outside of the root element
            "<a>&nbsp;</a>" => the body cannot be read as xml at line 1, column 4: this entity is not one of XML's own
            "<a>&</a>" => the body cannot be read as xml at line 1, column 4: this is not well-formed
            "<a b='&x;'/>" => the body cannot be read as xml at line 1, column 2: an attribute of this element has an entity that is not one of XML's own
            "<a>&#0;</a>" => the body cannot be read as xml at line 1, column 4: this entity is not one of XML's own
            "<a>\u{1}</a>" => the body cannot be read as xml at line 1, column 4: a character that XML does not allow
            "<!DOCTYPE a SYSTEM 'a.dtd'><a/>" => {"a":""}
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>" => the body cannot be read as xml at line 1, column 1: a DOCTYPE with declarations is refused
            "<a><!-- -- --></a>" => the body cannot be read as xml at line 1, column 9: this is not well-formed
            "<a><?php x ?></a>" => {"a":""}
            "<s:a xmlns:s='urn:x' s:b='1'><s:c/></s:a>" => {"s:a":{"@xmlns:s":"urn:x","@s:b":"1","s:c":""}}
            "<a><x/><x y='1'/><z/><x>2</x></a>" => {"a":{"x":["",{"@y":"1"},"2"],"z":""}}
            "<a b='1'>text</a>" => {"a":{"@b":"1","#text":"text"}}
            "<a><#text/></a>" => the body cannot be read as xml at line 1, column 4: this is not a name
            "é<a/>" => the body cannot be read as xml at line 1, column 1: text outside of the root element
        "##]],
    );
    check_read(
        r#"{"xml":{"namespaces":"strip","attributePrefix":"","textKey":"text"}}"#,
        &["<s:a xmlns:s='urn:x' xmlns='urn:y' s:b='1'><s:c/><b/><text/>t</s:a>"],
        &expect![[r#"
            "<s:a xmlns:s='urn:x' xmlns='urn:y' s:b='1'><s:c/><b/><text/>t</s:a>" => {"a":{"b":["1",""],"c":"","text":["","t"]}}
        "#]],
    );
    check_read(
        r#"{"xml":{"forceList":["item","stock/box"]}}"#,
        &["<stock><item/><box><box/></box></stock>", "<item><stock><box x='1'/></stock></item>"],
        &expect![[r#"
            "<stock><item/><box><box/></box></stock>" => {"stock":{"item":[""],"box":[{"box":""}]}}
            "<item><stock><box x='1'/></stock></item>" => {"item":[{"stock":{"box":{"@x":"1"}}}]}
        "#]],
    );
    check_write(
        "\"xml\"",
        &[
            r##"{"stock":{"@at":"<\"&\n>","item":[1.10,null,"",true,{"@x":1,"#text":"a<b\r]]>"}],"none":[],"empty":{}}}"##,
            r#"{"a":null}"#,
            r#"{"a":{"b":[[1,[2]],{"c":[3]}]}}"#,
            r#"{"a":1,"b":2}"#,
            "{}",
            "[1]",
            "1",
            r#"{"a b":1}"#,
            r#"{"a":{"@ ":1}}"#,
            r#"{"a":{"@b":[1]}}"#,
            r##"{"a":{"#text":[1]}}"##,
            r#"{"a":"\u0001"}"#,
            r#"{"a":{"@b":"\uffff"}}"#,
            r#"{"a":{"b":1,"b":2}}"#,
        ],
        &expect![[r##"
            {"stock":{"@at":"<\"&\n>","item":[1.10,null,"",true,{"@x":1,"#text":"a<b\r]]>"}],"none":[],"empty":{}}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<stock at=\"&lt;&quot;&amp;&#10;&gt;\"><item>1.10</item><item/><item></item><item>true</item><item x=\"1\">a&lt;b&#13;]]&gt;</item><empty></empty></stock>\n"
            {"a":null} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>\n"
            {"a":{"b":[[1,[2]],{"c":[3]}]}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b><item>1</item><item><item>2</item></item></b><b><c>3</c></b></a>\n"
            {"a":1,"b":2} => what the program gave cannot be written as xml: a document has one root element: give an object with one key, or name one by `root`
            {} => what the program gave cannot be written as xml: a document has one root element: give an object with one key, or name one by `root`
            [1] => what the program gave cannot be written as xml: a document has a root element: give an object with one key, or name one by `root`
            1 => what the program gave cannot be written as xml: a document has a root element: give an object with one key, or name one by `root`
            {"a b":1} => what the program gave cannot be written as xml: a key is not a name of an element
            {"a":{"@ ":1}} => what the program gave cannot be written as xml: a key is not a name of an attribute
            {"a":{"@b":[1]}} => what the program gave cannot be written as xml: the value of an attribute is neither a string nor a number
            {"a":{"#text":[1]}} => what the program gave cannot be written as xml: the text of an element is neither a string nor a number
            {"a":"\u0001"} => what the program gave cannot be written as xml: a string has a character that XML does not allow
            {"a":{"@b":"\uffff"}} => what the program gave cannot be written as xml: a string has a character that XML does not allow
            {"a":{"b":1,"b":2}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b>2</b></a>\n"
        "##]],
    );
    check_write(
        r#"{"xml":{"root":"list","item":"entry","attributePrefix":"","textKey":"$"}}"#,
        &["[1,[2],{\"@a\":1}]", "{\"a\":1,\"b\":{\"$\":\"t\"}}", "\"x\""],
        &expect![[r#"
            [1,[2],{"@a":1}] => what the program gave cannot be written as xml: a key is not a name of an element
            {"a":1,"b":{"$":"t"}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list><a>1</a><b>t</b></list>\n"
            "x" => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list>x</list>\n"
        "#]],
    );
}

#[test]
fn csv_is_objects_or_lists() {
    check_read(
        "\"csv\"",
        &[
            "",
            "id,name\r\n",
            "id,name\r\n1,\"a \"\"b\"\", c\nd\"\r\n\r\n2,é\n",
            "id,name\n1\n",
            "id,name\n1,2\n3,4,5\n",
            "id,id\n1,2",
            "id,name\n1,\"open\n2,3",
            "id,name\n1,\"open",
            "id\n\"\"\n",
            "a,b\n1,",
            "\u{1}\n2",
        ],
        &expect![[r#"
            "" => []
            "id,name\r\n" => []
            "id,name\r\n1,\"a \"\"b\"\", c\nd\"\r\n\r\n2,é\n" => [{"id":"1","name":"a \"b\", c\nd"},{"id":"2","name":"é"}]
            "id,name\n1\n" => the body cannot be read as csv at line 2, column 1: row 2 has fewer fields than the 2 of the first row
            "id,name\n1,2\n3,4,5\n" => the body cannot be read as csv at line 3, column 1: row 3 has more fields than the 2 of the first row
            "id,id\n1,2" => the body cannot be read as csv at line 1, column 1: two columns have the same name: read it with `header: false`
            "id,name\n1,\"open\n2,3" => the body cannot be read as csv at line 2, column 3: a quote here is not closed
            "id,name\n1,\"open" => the body cannot be read as csv at line 2, column 3: a quote here is not closed
            "id\n\"\"\n" => [{"id":""}]
            "a,b\n1," => [{"a":"1","b":""}]
            "\u{1}\n2" => [{"\u0001":"2"}]
        "#]],
    );
    check_read(
        r#"{"csv":{"header":false,"delimiter":";","types":"infer"}}"#,
        &["1;1.10;-0;1E400;true;null;;\"2\"\n01;.5;1.;+1;TRUE;0x1;é;-", "a;b\nc"],
        &expect![[r#"
            "1;1.10;-0;1E400;true;null;;\"2\"\n01;.5;1.;+1;TRUE;0x1;é;-" => [[1,1.10,-0,1E400,true,null,"",2],["01",".5","1.","+1","TRUE","0x1","é","-"]]
            "a;b\nc" => the body cannot be read as csv at line 2, column 1: row 2 has fewer fields than the 2 of the first row
        "#]],
    );
    check_write(
        "\"csv\"",
        &[
            r#"[{"id":1.10,"name":"a \"b\", c"},{"name":"x\ny","id":null},{"id":true}]"#,
            r#"[["a,",1],["",null]]"#,
            r#"[{"a":""},{"a":1}]"#,
            "[]",
            r#"[{"a":1},{"b":2}]"#,
            r#"[{"a":1},[2]]"#,
            "[[1],[2,3]]",
            r#"[{"a":[1]}]"#,
            "[1]",
            "{}",
        ],
        &expect![[r#"
            [{"id":1.10,"name":"a \"b\", c"},{"name":"x\ny","id":null},{"id":true}] => "id,name\r\n1.10,\"a \"\"b\"\", c\"\r\n,\"x\ny\"\r\ntrue,\r\n"
            [["a,",1],["",null]] => "\"a,\",1\r\n,\r\n"
            [{"a":""},{"a":1}] => "a\r\n\"\"\r\n1\r\n"
            [] => ""
            [{"a":1},{"b":2}] => what the program gave cannot be written as csv: item 2 has a key that item 1 does not have: name the columns by `columns`
            [{"a":1},[2]] => what the program gave cannot be written as csv: item 2 is not of the kind of item 1
            [[1],[2,3]] => what the program gave cannot be written as csv: item 2 has another number of fields than the row before
            [{"a":[1]}] => what the program gave cannot be written as csv: a field of item 1 is neither a string nor a number: use tojson
            [1] => what the program gave cannot be written as csv: item 1 is neither an object nor a list
            {} => what the program gave cannot be written as csv: a table is a list of objects or of lists
        "#]],
    );
    check_write(
        r#"{"csv":{"columns":["b","a"],"delimiter":"\t"}}"#,
        &[r#"[{"a":1,"c":2},{"b":"x\ty"}]"#, "[]", "[[1,2]]"],
        &expect![[r#"
            [{"a":1,"c":2},{"b":"x\ty"}] => "b\ta\r\n\t1\r\n\"x\ty\"\t\r\n"
            [] => "b\ta\r\n"
            [[1,2]] => "b\ta\r\n1\t2\r\n"
        "#]],
    );
    check_write(
        r#"{"csv":{"header":false}}"#,
        &[r#"[{"a":1,"b":2},{"b":3}]"#],
        &expect![[r#"
        [{"a":1,"b":2},{"b":3}] => "1,2\r\n,3\r\n"
    "#]],
    );
}

#[test]
fn tsv_is_objects_or_lists() {
    check_read(
        "\"tsv\"",
        &["a\tb\r\n\"1\t2\\t\n\n3\t", "a\tb\n1\n"],
        &expect![[r#"
        "a\tb\r\n\"1\t2\\t\n\n3\t" => [{"a":"\"1","b":"2\\t"},{"a":"3","b":""}]
        "a\tb\n1\n" => the body cannot be read as tsv at line 2, column 1: row 2 has fewer fields than the 2 of the first row
    "#]],
    );
    check_read(
        r#"{"tsv":{"escapes":true,"header":false,"types":"infer"}}"#,
        &["a\\tb\\\\n\\x\\\t1.10"],
        &expect![[r#"
            "a\\tb\\\\n\\x\\\t1.10" => [["a\tb\\n\\x\\",1.10]]
        "#]],
    );
    check_write(
        "\"tsv\"",
        &[r#"[{"a":"x","b":1.10}]"#, r#"[{"a":"x\ty"}]"#, r#"[{"a":""}]"#],
        &expect![[r#"
            [{"a":"x","b":1.10}] => "a\tb\nx\t1.10\n"
            [{"a":"x\ty"}] => what the program gave cannot be written as tsv: a field has a tab or a line break in it: set `escapes`
            [{"a":""}] => what the program gave cannot be written as tsv: a row of one empty field would be a blank line
        "#]],
    );
    check_write(
        r#"{"tsv":{"escapes":true}}"#,
        &[r#"[["x\ty\\z\r\n",1]]"#],
        &expect![[r#"
        [["x\ty\\z\r\n",1]] => "x\\ty\\\\z\\r\\n\t1\n"
    "#]],
    );
}

#[test]
fn yaml_is_what_the_core_schema_says() {
    check_read(
        "\"yaml\"",
        &[
            "",
            "# nothing\n",
            "a: 1.10\nb: [x, 'y', \"z\\n\", ~, yes, 0x1F, .5, 007]\nc:\n- - 1\n  - {}\n- []\nd: |\n  two\n  lines\n",
            "- &a {x: &b [1]}\n- *a\n- *b\n- &k key\n- {*k : 1, null: 2, 1.0: 3, '': 4}",
            "a: &a 1\n*a : 2",
            "--- !!str 12\n",
            "[!!int 12, !!float 1, !!bool true, !!null , ! 12, !custom 12, !!binary aGk=]",
            "!!int x",
            "a: 1\na: 2",
            "{a: 1, *b : 2}",
            "&a [*a]",
            "? [1]\n: 2",
            "--- 1\n--- 2\n",
            "a: [",
            "a:\n\t- b",
            "%YAML 1.2\n---\ntext\n...\n",
            "@x",
            "[.inf, -.inf, .nan, 0x100000000000000000000000000000000]",
            "'\u{1}'",
        ],
        &expect![[r##"
            "" => null
            "# nothing\n" => null
            "a: 1.10\nb: [x, 'y', \"z\\n\", ~, yes, 0x1F, .5, 007]\nc:\n- - 1\n  - {}\n- []\nd: |\n  two\n  lines\n" => {"a":1.10,"b":["x","y","z\n",null,"yes",31,0.5,7],"c":[[1,{}],[]],"d":"two\nlines\n"}
            "- &a {x: &b [1]}\n- *a\n- *b\n- &k key\n- {*k : 1, null: 2, 1.0: 3, '': 4}" => [{"x":[1]},{"x":[1]},[1],"key",{"key":1,"null":2,"1.0":3,"":4}]
            "a: &a 1\n*a : 2" => {"a":1,"1":2}
            "--- !!str 12\n" => "12"
            "[!!int 12, !!float 1, !!bool true, !!null , ! 12, !custom 12, !!binary aGk=]" => [12,1,true,null,"12",12,"aGk="]
            "!!int x" => the body cannot be read as yaml at line 1, column 1: this is not what its tag says
            "a: 1\na: 2" => the body cannot be read as yaml at line 2, column 1: this key comes twice
            "{a: 1, *b : 2}" => the body cannot be read as yaml at line 1, column 8: while parsing node, found unknown anchor
            "&a [*a]" => the body cannot be read as yaml at line 1, column 5: an alias within what it names
            "? [1]\n: 2" => the body cannot be read as yaml at line 1, column 3: a key is a scalar
            "--- 1\n--- 2\n" => the body cannot be read as yaml at line 2, column 1: a second document begins
            "a: [" => the body cannot be read as yaml at line 1, column 5: while parsing a node, did not find expected node content
            "a:\n\t- b" => the body cannot be read as yaml at line 2, column 2: tabs disallowed within this context (block indentation)
            "%YAML 1.2\n---\ntext\n...\n" => "text"
            "@x" => the body cannot be read as yaml at line 1, column 1: unexpected character
            "[.inf, -.inf, .nan, 0x100000000000000000000000000000000]" => the body cannot be read as yaml at line 1, column 21: this number has more than 128 bits
            "'\u{1}'" => "\u0001"
        "##]],
    );
    check_write(
        "\"yaml\"",
        &[
            "null",
            "\"text\"",
            "{}",
            "[]",
            r#"{"a":[],"b":{},"c":[1,[2,[3]],{"d":4,"e":{"f":5}},[{"g":6}]],"h":{"i":{"j":null}}}"#,
            r##"["plain text","yes","No","null","1.10","a: b","- a"," a","a ","","é😀","a\n\"b\"\\","\u0000\u0085\u2028\ufeff\u007f","0x1","a/b-c.d_e","2001-01-01","~","#a","a #b"]"##,
            r#"{"1":1,"true":2,"a b":3,"":4}"#,
            "[1.10,-0,1e5,1E-7,1.5e+300,12345678901234567890]",
            r#"{"a":1,"a":2}"#,
        ],
        &expect![[r##"
            null => "null\n"
            "text" => "text\n"
            {} => "{}\n"
            [] => "[]\n"
            {"a":[],"b":{},"c":[1,[2,[3]],{"d":4,"e":{"f":5}},[{"g":6}]],"h":{"i":{"j":null}}} => "a: []\nb: {}\nc:\n  - 1\n  - - 2\n    - - 3\n  - d: 4\n    e:\n      f: 5\n  - - g: 6\nh:\n  i:\n    j: null\n"
            ["plain text","yes","No","null","1.10","a: b","- a"," a","a ","","é😀","a\n\"b\"\\","\u0000\u0085\u2028\ufeff\u007f","0x1","a/b-c.d_e","2001-01-01","~","#a","a #b"] => "- plain text\n- \"yes\"\n- \"No\"\n- \"null\"\n- \"1.10\"\n- \"a: b\"\n- \"- a\"\n- \" a\"\n- \"a \"\n- \"\"\n- \"é😀\"\n- \"a\\n\\\"b\\\"\\\\\"\n- \"\\x00\\x85\\u2028\\ufeff\\x7f\"\n- \"0x1\"\n- a/b-c.d_e\n- \"2001-01-01\"\n- \"~\"\n- \"#a\"\n- \"a #b\"\n"
            {"1":1,"true":2,"a b":3,"":4} => "\"1\": 1\n\"true\": 2\na b: 3\n\"\": 4\n"
            [1.10,-0,1e5,1E-7,1.5e+300,12345678901234567890] => "- 1.10\n- -0\n- 1.0e+5\n- 1.0e-7\n- 1.5e+300\n- 12345678901234567890\n"
            {"a":1,"a":2} => "a: 2\n"
        "##]],
    );
    let long = format!(r#"{{"a":[{{"{}":[1]}}]}}"#, "k".repeat(2_000));
    let written = write("\"yaml\"", &long).expect("YAML");
    assert!(written.contains("  - ? kkk") && written.contains("\n    :\n      - 1\n"), "{written}");
    assert_eq!(read("\"yaml\"", &written), Ok(long));
}

#[test]
fn yaml_aliases_are_bounded() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let list = vec![format!("*a{}", level - 1); 10].join(",");
        text += &["a", &level.to_string(), ": &a", &level.to_string(), " [", &list, "]\n"].concat();
    }
    assert_eq!(read("\"yaml\"", &text), Err(FormatError::TooLarge { format: "yaml", limit: 1 << 20 }));
    let mut text = "- &a0 [x]\n".to_owned();
    for level in 1..200 {
        text += &["- &a", &level.to_string(), " [*a", &(level - 1).to_string(), "]\n"].concat();
    }
    let error = read("\"yaml\"", &text).expect_err("too deep");
    assert!(error.to_string().contains("128 levels"), "{error}");
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

#[test]
fn prometheus_is_families() {
    check_write(
        "\"prometheus\"",
        &[
            r#"[{"name":"fruit_total","help":"Fruits\\ on\noffer","type":"gauge","samples":[{"value":1.10},{"value":true,"labels":{"kind":"a\"b\\c\nd","in":null,"n":1.0}},{"value":null,"labels":{"x":"y"}},{"value":"NaN","labels":{"z":""}},{"value":1E400,"labels":{"big":true}}]}]"#,
            r#"[{"name":"h","type":"histogram","samples":[{"suffix":"_bucket","labels":{"le":0.5},"value":1},{"suffix":"_bucket","labels":{"le":"+Inf"},"value":2},{"suffix":"_sum","value":3.5},{"suffix":"_count","value":2}]},{"name":"s","type":"summary","samples":[{"labels":{"quantile":"0.9"},"value":1},{"suffix":"_sum","value":3}]}]"#,
            r#"[{"name":"a","samples":[]}]"#,
            "[]",
            "{}",
            "[1]",
            r#"[{"name":"1a","samples":[]}]"#,
            r#"[{"samples":[]}]"#,
            r#"[{"name":"a","type":"info","samples":[]}]"#,
            r#"[{"name":"a"}]"#,
            r#"[{"name":"a","sample":[]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"label":{}}]}]"#,
            r#"[{"name":"a","samples":[{"value":"1x"}]}]"#,
            r#"[{"name":"a","samples":[{}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"labels":{"b":"x","c":"y"}},{"value":2,"labels":{"c":"y","b":"x"}}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"labels":{"__name__":"x"}}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"labels":{"b":[]}}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"suffix":"_sum"}]}]"#,
            r#"[{"name":"a","type":"histogram","samples":[{"value":1}]}]"#,
            r#"[{"name":"a","type":"histogram","samples":[{"value":1,"suffix":"_bucket"}]}]"#,
            r#"[{"name":"a","samples":[]},{"name":"a","samples":[]}]"#,
            r#"[{"name":"a","type":"histogram","samples":[]},{"name":"a_sum","samples":[]}]"#,
        ],
        &expect![[r##"
            [{"name":"fruit_total","help":"Fruits\\ on\noffer","type":"gauge","samples":[{"value":1.10},{"value":true,"labels":{"kind":"a\"b\\c\nd","in":null,"n":1.0}},{"value":null,"labels":{"x":"y"}},{"value":"NaN","labels":{"z":""}},{"value":1E400,"labels":{"big":true}}]}] => "# HELP fruit_total Fruits\\\\ on\\noffer\n# TYPE fruit_total gauge\nfruit_total 1.10\nfruit_total{kind=\"a\\\"b\\\\c\\nd\",n=\"1.0\"} 1\nfruit_total{z=\"\"} NaN\nfruit_total{big=\"true\"} +Inf\n"
            [{"name":"h","type":"histogram","samples":[{"suffix":"_bucket","labels":{"le":0.5},"value":1},{"suffix":"_bucket","labels":{"le":"+Inf"},"value":2},{"suffix":"_sum","value":3.5},{"suffix":"_count","value":2}]},{"name":"s","type":"summary","samples":[{"labels":{"quantile":"0.9"},"value":1},{"suffix":"_sum","value":3}]}] => "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n# TYPE s summary\ns{quantile=\"0.9\"} 1\ns_sum 3\n"
            [{"name":"a","samples":[]}] => "# TYPE a untyped\n"
            [] => ""
            {} => what the program gave cannot be written as prometheus: metrics are a list of families, each with `name` and `samples`
            [1] => what the program gave cannot be written as prometheus: family 1: it is not an object
            [{"name":"1a","samples":[]}] => what the program gave cannot be written as prometheus: family 1: its `name` is not one of a metric: letters, digits, `_` and `:`, no digit first
            [{"samples":[]}] => what the program gave cannot be written as prometheus: family 1: its `name` is not one of a metric: letters, digits, `_` and `:`, no digit first
            [{"name":"a","type":"info","samples":[]}] => what the program gave cannot be written as prometheus: family 1: its `type` is none of counter, gauge, histogram, summary and untyped
            [{"name":"a"}] => what the program gave cannot be written as prometheus: family 1: it has no `samples`
            [{"name":"a","sample":[]}] => what the program gave cannot be written as prometheus: family 1: it has a field beside `name`, `help`, `type` and `samples`
            [{"name":"a","samples":[{"value":1,"label":{}}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: it has a field beside `labels`, `value` and `suffix`
            [{"name":"a","samples":[{"value":"1x"}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: its `value` is neither a number, a boolean nor +Inf, -Inf or NaN
            [{"name":"a","samples":[{}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: it has no `value`
            [{"name":"a","samples":[{"value":1,"labels":{"b":"x","c":"y"}},{"value":2,"labels":{"c":"y","b":"x"}}]}] => what the program gave cannot be written as prometheus: sample 2 of family 1: there is a sample with these labels already
            [{"name":"a","samples":[{"value":1,"labels":{"__name__":"x"}}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: a label's name is letters, digits and `_`, no digit first, and not `__`
            [{"name":"a","samples":[{"value":1,"labels":{"b":[]}}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: the value of a label is neither a string nor a number
            [{"name":"a","samples":[{"value":1,"suffix":"_sum"}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: only samples of histograms and summaries have a `suffix`
            [{"name":"a","type":"histogram","samples":[{"value":1}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: the `suffix` of a sample of a histogram is _bucket, _sum or _count
            [{"name":"a","type":"histogram","samples":[{"value":1,"suffix":"_bucket"}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: a bucket has a label `le` with a number or +Inf
            [{"name":"a","samples":[]},{"name":"a","samples":[]}] => what the program gave cannot be written as prometheus: family 2: its name is taken by a family before it
            [{"name":"a","type":"histogram","samples":[]},{"name":"a_sum","samples":[]}] => what the program gave cannot be written as prometheus: family 2: its name is taken by a family before it
        "##]],
    );
    assert_eq!(writer("\"prometheus\"").content_type(), "text/plain; version=0.0.4; charset=utf-8");
}
