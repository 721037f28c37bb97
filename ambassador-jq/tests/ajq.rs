//! The command: options, exit codes, messages.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Exit code, standard output, standard error.
fn ajq(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ajq"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ajq");
    // It may end without reading.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn takes_what_jq_takes() {
    for (arguments, input, expected) in [
        (&["."][..], "1 [2] \"x\"{}\n", "1\n[2]\n\"x\"\n{}\n"),
        (&["-c", ".a"], "{\"a\": [1, 2]}", "[1,2]\n"),
        (&["-r", ".[]"], "[\"a\\nb\", 1]", "a\nb\n1\n"),
        (&["-j", ".[]"], "[\"a\", \"b\"]", "ab"),
        (&["-s", "."], "1 2", "[1,2]\n"),
        (&["-n", "1, 2"], "", "1\n2\n"),
        (&["-n", "--arg", "a", "x\"y", "--argjson", "b", "{\"c\":1.0}", "$a, $b.c"], "", "\"x\\\"y\"\n1.0\n"),
        (&["."], "", ""),
    ] {
        let (code, output, errors) = ajq(arguments, input);
        assert_eq!((code, output.as_str()), (0, expected), "{arguments:?}: {errors}");
    }
}

#[test]
fn exits_as_jq_does() {
    for (arguments, input, expected) in [
        (&["-e", "."][..], "1", 0),
        (&["-e", "."], "null", 1),
        (&["-e", "."], "true false", 1),
        (&["-e", "empty"], "1", 4),
        (&["."], "{", 2),
        (&["-n", "--argjson", "a", "x", "$a"], "", 2),
        (&["--no-such-option"], "", 2),
        (&[".", "/no/such/file"], "", 2),
        (&[".a["], "1", 3),
        (&[".a"], "[1]", 5),
        (&["-n", "--steps", "100", "def f: f; f"], "", 5),
        (&["--depth", "2", "."], "[[[]]]", 5),
        (&["--output", "3", "."], "12345", 5),
    ] {
        let (code, _, errors) = ajq(arguments, input);
        assert_eq!(code, expected, "{arguments:?}: {errors}");
        assert_eq!(errors.is_empty(), matches!(code, 0 | 1 | 4), "{arguments:?}: {errors}");
    }
}

/// One error does not end what follows it.
#[test]
fn goes_on_after_an_error() {
    let (code, output, errors) = ajq([".a"].as_slice(), "{\"a\":1} [] {\"a\":2}");
    assert_eq!((code, output.as_str()), (5, "1\n2\n"));
    assert_eq!(
        errors,
        "ajq: error: cannot index an array with a string, at line 1, column 1 of the program\n"
    );
}

#[test]
fn shows_all_problems_where_they_are() {
    let (code, output, errors) = ajq(["lenght,\n  ($x | mapp(.)), env"].as_slice(), "1");
    assert_eq!((code, output.as_str()), (3, ""));
    for part in [
        "error: function lenght is not defined; did you mean `length`?",
        " --> program:1:1",
        "error: variable $x is not defined",
        " --> program:2:4",
        "2 |   ($x | mapp(.)), env",
        "  |    ^^",
        "error: function mapp/1 is not defined; did you mean `map`?",
        "error: `env` is not available: a program does not see the environment",
    ] {
        assert!(errors.contains(part), "{part}:\n{errors}");
    }
}
