//! Programs with their inputs and outputs: the language, the manual's examples, and what must end in an error.

use std::path::Path;

use ambassador_jq::{Limits, Program, Resource, Run, RunError};

/// The outputs, or the error in words.
fn run(program: &str, input: &str, limits: Limits) -> Result<Vec<String>, String> {
    let program = Program::compile(program).map_err(|problems| problems.to_string())?;
    let run = Run { limits, ..Run::default() };
    let outputs = program.run(input.as_bytes(), &run).map_err(|error| error.to_string())?;
    Ok(outputs.iter().map(|output| String::from_utf8(output.to_vec()).expect("UTF-8")).collect())
}

/// Runs all cases of a text in the format of jq's own tests: program, input, outputs; a blank line ends each.
fn check(name: &str, text: &str) -> usize {
    let (mut count, mut wrong) = (0, String::new());
    for case in text.split("\n\n") {
        let mut lines = case.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let Some(program) = lines.next() else { continue };
        let input = lines.next().expect("an input");
        let expected: Vec<String> = lines.map(str::to_owned).collect();
        count += 1;
        let found = run(program, input, Limits::default());
        if found.as_ref() != Ok(&expected) {
            let text = [
                program,
                "\n  input    ",
                input,
                "\n  expected ",
                &format!("{expected:?}"),
                "\n  found    ",
                &format!("{found:?}"),
            ];
            wrong.push('\n');
            wrong.push_str(&text.concat());
        }
    }
    assert!(wrong.is_empty(), "{name}:{wrong}");
    count
}

#[test]
fn the_language_is_jqs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/language.test");
    let count = check("language.test", &std::fs::read_to_string(path).expect("the cases"));
    assert!(count > 250, "only {count} cases");
}

/// The fenced blocks of `docs/jq.md` that are marked `jq`.
#[test]
fn every_example_of_the_manual_holds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/jq.md");
    let manual = std::fs::read_to_string(path).expect("the manual");
    let blocks = manual.split("```jq\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let count: usize = blocks.map(|block| check("docs/jq.md", block)).sum();
    assert!(count > 60, "only {count} examples");
}

/// Programs that would hang, crash or bloat what runs them, if nothing held them.
#[test]
fn hostile_programs_end() {
    let exhausted = include_str!("cases/hostile.txt").lines().filter(|line| !line.starts_with('#'));
    for program in exhausted {
        let compiled = Program::compile(program).unwrap_or_else(|problems| panic!("{program}: {problems}"));
        let error = compiled.run(b"null", &Run::default()).expect_err(program);
        assert!(matches!(error, RunError::Exhausted { .. }), "{program}: {error}");
    }
    for (program, message) in [
        ("test(\"a{1000}{1000}{1000}\")", "null cannot be matched, as it is not a string"),
        ("\"a\" | test(\"a{1000}{1000}{1000}\")", "a regular expression is not valid, or too large"),
        ("[] | .[1000000000] = 1", "Array index too large"),
        ("[] | .[4294967296] = 1", "Array index too large"),
        ("[] | .[1e300] = 1", "Array index too large"),
        ("error(null)", "the program called `error` with null"),
        ("1 | implode", "a number cannot be imploded"),
        ("1e16 | todate", "strftime/1 requires parsed datetime inputs"),
        ("[1e300,0,0,0,0,0] | mktime", "mktime requires parsed datetime inputs"),
    ] {
        let error = run(program, "null", Limits::default()).expect_err(program);
        assert!(error.contains(message), "{program}: {error}");
    }
    for (program, expected) in
        [("[55296] | implode", "\"\u{FFFD}\""), ("nan", "null"), ("infinite", "1.7976931348623157e+308")]
    {
        assert_eq!(run(program, "null", Limits::default()), Ok(vec![expected.to_owned()]), "{program}");
    }
}

/// No program is too deep or too long for the compiler itself: it compiles, or says why not.
#[test]
fn hostile_texts_are_refused_or_compiled() {
    let chain = |count: usize| {
        let definition = |n: usize| format!("def f{n}: f{} | f{};", n - 1, n - 1);
        let definitions = (1..count).map(definition).collect::<Vec<_>>().concat();
        format!("def f0: .; {definitions} f{}", count - 1)
    };
    let nested = |count: usize| {
        let definition = |n: usize| format!("def f{n}(g): f{}(g | g);", n - 1);
        let definitions = (1..count).map(definition).collect::<Vec<_>>().concat();
        format!("def f0(g): g; {definitions} f{}(.)", count - 1)
    };
    let texts = [
        String::new(),
        ".a[".to_owned(),
        "[".repeat(10_000),
        "(".repeat(10_000) + &")".repeat(10_000),
        ".a".repeat(300_000),
        "1 + ".repeat(200_000) + "1",
        "1 | ".repeat(200_000) + "1",
        "1 // ".repeat(100_000) + "1",
        "-".repeat(100_000) + "1",
        ".[0]".repeat(200_000),
        "\"".to_owned() + &"\\(".repeat(1_000) + "1",
        "#".repeat(1 << 21),
        format!("def f({}): 1; 1", (0..5_000).map(|n| format!("p{n}")).collect::<Vec<_>>().join(";")),
        format!("{{{}}}", (0..50_000).map(|n| format!("k{n}: {n}")).collect::<Vec<_>>().join(",")),
        chain(20),
        chain(2_000),
        nested(20),
        nested(2_000),
        "def f: def g: f; g; f".to_owned(),
        "if ".repeat(5_000),
        "try ".repeat(5_000) + "1",
        "def f: ".repeat(5_000),
        ". as [".repeat(5_000),
    ];
    for text in texts {
        let start: String = text.chars().take(40).collect();
        if let Ok(program) = Program::compile(&text) {
            let limits = Limits { steps: 100_000, ..Limits::default() };
            let _ = program.run(b"null", &Run { limits, ..Run::default() });
        }
        drop(start);
    }
}

/// A value as deep as it can be is compared, sorted, merged, printed, searched and dropped.
#[test]
fn values_of_any_depth_are_handled() {
    let deep = "reduce range(20000) as $i (0; [.])";
    let deep_object = "reduce range(10000) as $i (0; {a: .})";
    for (program, expected) in [
        (format!("{deep} | . == ."), "true"),
        (format!("[{deep}, ({deep} | .[0])] | sort | length"), "2"),
        (format!("[({deep}), ({deep})] | unique | length"), "1"),
        (format!("[({deep}), ({deep})] | .[0] == .[1]"), "true"),
        (format!("({deep_object}) * ({deep_object}) | type"), "\"object\""),
        (format!("({deep}) | contains({deep})"), "true"),
        (format!("{deep} | flatten"), "[0]"),
        (format!("[{deep} | ..] | length"), "20001"),
        (format!("({deep}) as $x | [$x, $x] | group_by(.) | length"), "1"),
        (format!("{deep_object} | [paths] | length"), "10000"),
        (format!("{deep_object} | del(.a.a.a) | .a.a | length"), "0"),
        ("null | setpath([range(10000) | \"a\"]; 1) | getpath([range(10000) | \"a\"])".to_owned(), "1"),
    ] {
        let limits = Limits { steps: 300_000_000, bytes: 2 << 30, ..Limits::default() };
        assert_eq!(run(&program, "null", limits), Ok(vec![expected.to_owned()]), "{program}");
    }
    let error = Program::compile(deep).expect("a program").run(b"null", &Run::default()).expect_err("deep");
    assert_eq!(error, RunError::Exhausted { which: Resource::Depth, limit: 128 });
    let limits = Limits { depth: 1_024, ..Limits::default() };
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(run(".", &nested(1_024), limits), Ok(vec![nested(1_024)]));
    assert!(run(".", &nested(1_025), limits).is_err());
    assert_eq!(run("[.]", &nested(1_023), limits), Ok(vec![nested(1_024)]));
    assert_eq!(run("[.]", &nested(1_024), limits), Err("more than 1024 levels of nesting".to_owned()));
}

/// What a program does not compute with leaves as it came.
#[test]
fn nothing_is_lost() {
    let input =
        r#"{"a":1.10,"b":[12345678901234567890.123,1e1000,-0,1E+2],"c":"\u00e9\/","d":{"z":1,"y":2}}"#;
    for (program, expected) in [
        (".", input),
        (".b", "[12345678901234567890.123,1e1000,-0,1E+2]"),
        ("[.b[]]", "[12345678901234567890.123,1e1000,-0,1E+2]"),
        ("{c, d, x: .a}", r#"{"c":"\u00e9\/","d":{"z":1,"y":2},"x":1.10}"#),
        (".e = 1 | del(.b)", r#"{"a":1.10,"c":"\u00e9\/","d":{"z":1,"y":2},"e":1}"#),
        (".b | sort | .[1:]", "[1E+2,12345678901234567890.123,1e1000]"),
        ("tojson | fromjson | .b[0]", "12345678901234567890.123"),
        (".a + 0", "1.1"),
    ] {
        assert_eq!(run(program, input, Limits::default()), Ok(vec![expected.to_owned()]), "{program}");
    }
    // Of keys that are there twice the last one counts, where it is looked at.
    assert_eq!(run(".a", r#"{"a":1,"b":2,"a":3}"#, Limits::default()), Ok(vec!["3".to_owned()]));
    assert_eq!(
        run("[length, keys, .[]]", r#"{"a":1,"b":2,"a":3}"#, Limits::default()),
        Ok(vec![r#"[2,["a","b"],3,2]"#.to_owned()])
    );
}

/// Errors say what failed and where, in terms of types.
#[test]
fn run_time_errors_have_a_place_and_no_data() {
    for (program, expected) in [
        (".secret.x", "cannot index a string with a string, at line 1, column 1 of the program"),
        ("map(\n  1 + .\n)", "a number and a string cannot be added, at line 2, column 5 of the program"),
        (".secret | tonumber", "a string cannot be parsed as a number, at line 1, column 11 of the program"),
        (
            "def f: error(.secret); 1, f",
            "the program called `error` with a string, at line 1, column 8 of the program",
        ),
        (
            "[.[] | fromjson]",
            "`fromjson` was given a string that is not JSON, at line 1, column 8 of the program",
        ),
        (
            "walk(if type == \"string\" then . - 1 else . end)",
            "a string and a number cannot be subtracted, at line 1, column 33 of the program",
        ),
        (
            ".[\"secret\"] | ltrimstr(\"x\") | .[0]?, (. / 0)",
            "a string and a number cannot be divided, at line 1, column 41 of the program",
        ),
        (
            "path(1)",
            "a path is needed here, but this value is not a part of the input, at line 1, column 1 of the program",
        ),
    ] {
        let error = run(program, r#"{"secret":"hunter2"}"#, Limits::default()).expect_err(program);
        assert_eq!(error, expected, "{program}");
    }
}
