//! JSON, NDJSON, text and forms by examples.

use super::*;

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
