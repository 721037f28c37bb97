//! The fuzz targets, as functions: the fuzzer calls them, and so does the test that replays their corpora.

mod bodies;

use ambassador_jq::{Limits, Program, Run};

pub use bodies::{codings, formats};

/// Looks at what some data lead to; panics where that is wrong.
pub type Target = fn(&[u8]);

/// Name and function of each target.
pub const TARGETS: [(&str, Target); 6] = [
    ("compile", compile),
    ("parse", parse),
    ("run", run),
    ("print", print),
    ("formats", formats),
    ("codings", codings),
];

/// Limits under which one run takes milliseconds.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1 << 20, depth: 64, digits: 100, output: 1 << 18 };

const ENOUGH: Run<'_> = Run { variables: &[], now: 0.0, limits: LIMITS };

/// Any text compiles, or its problems point into it.
#[expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]
pub fn compile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(problems) = Program::compile(text) {
        for problem in &problems {
            assert!(text.get(problem.range.clone()).is_some(), "{problem:?}");
            assert!(!problem.message.is_empty() && !problem.message.contains('\n'), "{problem:?}");
        }
    }
}

/// A body is read if and only if another strict reader reads it, and passes as it came.
#[expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]
pub fn parse(data: &[u8]) {
    let program = Program::compile(".").expect("a program");
    let ours = program.run(data, &ENOUGH);
    let theirs: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(data);
    match (ours, theirs) {
        (Ok(outputs), Ok(raw)) => {
            let output = outputs.iter().next().unwrap_or_default();
            let blanks = |byte: &&u8| !byte.is_ascii_whitespace();
            assert!(raw.get().as_bytes().iter().filter(blanks).eq(output.iter().filter(blanks)));
        }
        // Half of a surrogate pair, a number out of range and our own limits are where the two may differ.
        (Err(ambassador_jq::RunError::Input { offset }), Ok(_)) => panic!("refused at {offset}"),
        (Ok(_), Err(error)) => {
            let text = error.to_string();
            assert!(
                text.contains("surrogate") || text.contains("escape") || text.contains("recursion"),
                "{text}"
            );
        }
        (Err(_), _) => {}
    }
}

/// A program, a line break and a body: it ends, and what it gives is JSON.
#[expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (program, body) = text.split_once('\n').unwrap_or((text, "null"));
    let Ok(program) = Program::compile(program) else { return };
    let Ok(outputs) = program.run(body.as_bytes(), &ENOUGH) else { return };
    for output in outputs.iter() {
        let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(output);
        assert!(parsed.is_ok(), "{}", String::from_utf8_lossy(output));
    }
}

/// A body made the program's own, written, and read again is the same body.
#[expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]
pub fn print(data: &[u8]) {
    let text = |program: &str, body: &[u8]| -> Option<Vec<u8>> {
        let outputs = Program::compile(program).expect("a program").run(body, &ENOUGH).ok()?;
        outputs.iter().next().map(<[u8]>::to_vec)
    };
    let Some(once) = text("tojson | fromjson", data) else { return };
    let twice = text("tojson | fromjson", &once);
    assert_eq!(twice.as_ref(), Some(&once));
    assert_eq!(text("walk(.)", &once).as_ref(), Some(&once));
    assert_eq!(text(". == (tojson | fromjson)", &once).as_deref(), Some(b"true".as_slice()));
}
