//! What is JSON and what is not, by RFC 8259, and what the index says of it.

use super::*;

fn read(text: &[u8]) -> Result<Document<'_>, RunError> {
    Document::new(text, 128, 1_000)
}

/// One line a node, for people.
fn show(document: &Document) -> String {
    let nodes = (0..document.len()).map(|number| {
        let node = document.node(number);
        let flag = if node.flag() { "!" } else { "" };
        match node.kind() {
            Kind::End => format!("End of {}", node.extra()),
            Kind::Array | Kind::Object => format!("{:?}{flag} to {}", node.kind(), node.extra()),
            kind => format!("{kind:?}{flag} {}", String::from_utf8_lossy(document.text(number))),
        }
    });
    nodes.collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(show(&read(text.as_bytes()).unwrap()), expected);
}

#[test]
fn each_value_has_its_node() {
    check("null", "Null null");
    check(" true ", "True true");
    check("[]", "Array to 2, End of 0");
    check("[ ]", "Array! to 2, End of 0");
    check("[1,-2.5e3,\"a\\n\"]", "Array to 5, Number! 1, Number -2.5e3, String! \"a\\n\", End of 3");
    check(
        r#"{"a":{"b":[false]},"c":""}"#,
        "Object to 10, String \"a\", Object to 7, String \"b\", Array to 6, False false, End of 1, End of 1, \
         String \"c\", String \"\", End of 2"
            .replace("Object to 10", "Object to 11")
            .replace("Object to 7", "Object to 8")
            .replace("Array to 6", "Array to 7")
            .as_str(),
    );
    check(
        "[[1], [2]]",
        "Array! to 8, Array to 4, Number! 1, End of 1, Array to 7, Number! 2, End of 1, End of 2",
    );
}

#[test]
fn what_is_no_json_is_refused_where_it_stops_being_some() {
    for (text, offset) in [
        ("", 0),
        (" ", 1),
        ("[", 1),
        ("[1", 2),
        ("[1,", 3),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1 2]", 3),
        ("{", 1),
        ("{\"a\"", 4),
        ("{\"a\":", 5),
        ("{\"a\":1,", 7),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("{1:2}", 1),
        ("{\"a\" 1}", 5),
        ("[1}", 2),
        ("{\"a\":1]", 6),
        ("1 2", 2),
        ("[]]", 2),
        ("nul", 3),
        ("nulL", 3),
        ("True", 0),
        ("NaN", 0),
        ("Infinity", 0),
        ("-", 1),
        ("+1", 0),
        ("01", 1),
        ("-01", 2),
        ("1.", 2),
        (".5", 0),
        ("1.e3", 2),
        ("1e", 2),
        ("1e+", 3),
        ("0x10", 1),
        ("1_000", 1),
        ("\"", 1),
        ("\"abc", 4),
        ("\"a\nb\"", 2),
        ("\"a\u{0}b\"", 2),
        ("\"\\x\"", 2),
        ("\"\\u12\"", 5),
        ("\"\\u12g4\"", 5),
        ("'a'", 0),
        ("// c\n1", 0),
        ("1 // c", 2),
        ("\u{feff}1", 0),
        ("\u{a0}1", 0),
        ("\u{b}1", 0),
        ("[1,2\u{c}]", 4),
    ] {
        let result = read(text.as_bytes()).map(|document| show(&document));
        assert_eq!(result, Err(RunError::Input { offset }), "{text:?}");
    }
    for (bytes, offset) in [
        (&b"\"\xff\""[..], 1),
        (b"\"\xc3\"", 1),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xc0\x80\"", 1),
        (b"\xff\xfe1\x00", 0),
        (b"\x001", 0),
    ] {
        assert_eq!(read(bytes).map(|_| ()), Err(RunError::Input { offset }), "{bytes:?}");
    }
}

#[test]
fn what_is_json_is_accepted() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "1e5",
        "1E+5",
        "1e-5",
        "10.01e10",
        "\"\"",
        "\"\\ud800\"",
        "\"\u{7f}\"",
        "\"\u{10ffff}\"",
        "[[[[]]]]",
        "{\"a\":1,\"a\":2}",
        "{\"\":0}",
        "\t\r\n [ \t1 , 2 ] ",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    ] {
        assert!(read(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn depth_and_digits_are_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(nested(128).as_bytes()).is_ok());
    let deep = Err(RunError::Exhausted { which: Resource::Depth, limit: 128 });
    assert_eq!(read(nested(129).as_bytes()).map(|_| ()), deep);
    assert_eq!(read("[".repeat(100_000).as_bytes()).map(|_| ()), deep);
    assert_eq!(read("{\"a\":".repeat(100_000).as_bytes()).map(|_| ()), deep);
    assert!(read("1".repeat(1_000).as_bytes()).is_ok());
    let long = Err(RunError::Exhausted { which: Resource::Digits, limit: 1_000 });
    assert_eq!(read("1".repeat(1_000_000).as_bytes()).map(|_| ()), long);
}

#[test]
fn values_are_copied_without_blanks() {
    for (text, expected) in [
        (" [1, 2 ,\n{\"a b\" : \"c \\\" d\"} ] ", r#"[1,2,{"a b":"c \" d"}]"#),
        ("[1,2]", "[1,2]"),
        ("  1.10  ", "1.10"),
        ("\" a \"", "\" a \""),
        ("{ }", "{}"),
    ] {
        let mut output = Vec::new();
        read(text.as_bytes()).unwrap().write_compact(0, &mut output);
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }
}

/// Texts near JSON: a seed with a few bytes changed.
fn mutants(mut check: impl FnMut(&[u8])) {
    const SEEDS: [&str; 5] = [
        r#"{"a":[1,-2.5e-3,true,null],"b\u00e9":{"c":"x\\\"y"},"":[]}"#,
        r#"[ "\ud83d\ude00" , 0.0 , 1E+9 , { } , [ [ ] ] , false ]"#,
        r#""0123456789abcdef\n0123456789\"é""#,
        "-0.12345678901234567890e+12",
        "[[[[{\"k\":[{}]}]]]]",
    ];
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..60_000 {
        let mut text = SEEDS[random(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(text.len());
            match random(4) {
                0 => text[at] = b"{}[],:\"\\ue0-+.1 \n\x00\x7f\xc3"[random(20)],
                1 => text.insert(at, b"{}[],:\"\\ue0-+.1 \n\x00\x7f\xc3"[random(20)]),
                2 if text.len() > 1 => drop(text.remove(at)),
                _ => text.truncate(at.max(1)),
            }
        }
        check(&text);
    }
}

#[test]
fn agrees_with_serde_json_on_what_is_json() {
    let (mut valid, mut invalid) = (0, 0);
    mutants(|text| {
        let theirs = std::str::from_utf8(text).is_ok()
            && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
        let ours = read(text);
        assert_eq!(ours.is_ok(), theirs, "{:?}", String::from_utf8_lossy(text));
        if let Ok(document) = ours {
            valid += 1;
            let mut output = Vec::new();
            document.write_compact(0, &mut output);
            let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
            assert_eq!(value(&output), value(text));
        } else {
            invalid += 1;
        }
    });
    assert!(valid > 2_000 && invalid > 2_000, "{valid} valid, {invalid} invalid");
}
