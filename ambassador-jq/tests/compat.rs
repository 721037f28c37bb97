//! The engine beside jq itself and jaq, on the same programs: the examples of jq's manual, our own cases, and programs made
//! by chance. Writes `docs/compat.md`.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ambassador_jq::{Limits, Program, Run, RunError};
use expect_test::expect_file;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

#[path = "support/generate.rs"]
mod generate;

/// Outputs as text, or an error in words.
type Outcome = Result<Vec<String>, String>;

/// jq, in a process of its own.
struct Oracle {
    process: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let python = std::env::var_os("AMBASSADOR_PYTHON");
        let python = python.expect("AMBASSADOR_PYTHON is not set: run this by `cargo xtask test compat`");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/oracle.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let asked = process.stdin.take().expect("an input");
        let answers = BufReader::new(process.stdout.take().expect("an output"));
        Self { process, asked, answers }
    }

    fn run(&mut self, program: &str, input: &str) -> Outcome {
        writeln!(self.asked, "{}", json!({"program": program, "input": input})).expect("jq listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("jq answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("jq ended at {program}"));
        match answer["outputs"].as_array() {
            Some(outputs) => {
                Ok(outputs.iter().map(|output| output.as_str().unwrap_or_default().to_owned()).collect())
            }
            None => Err(answer["error"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ours(program: &str, input: &str) -> Outcome {
    let program = Program::compile(program).map_err(|problems| problems.to_string())?;
    let outputs = program.run(input.as_bytes(), &Run::default()).map_err(|error| error.to_string())?;
    Ok(outputs.iter().map(|output| String::from_utf8_lossy(output).into_owned()).collect())
}

fn theirs(program: &str, input: &str) -> Outcome {
    // These go on for ever there where jq's end, and nothing bounds them.
    if ["repeat(", "range(0;1;0)"].iter().any(|endless| program.contains(endless)) {
        return Err("not run".to_owned());
    }
    let outputs = jaq_peer::run(program, input.as_bytes())?;
    Ok(outputs.into_iter().map(|output| String::from_utf8_lossy(&output).into_owned()).collect())
}

/// How an outcome stands to jq's own.
#[derive(PartialEq, Eq)]
enum Verdict {
    Text,
    /// The same values: a number is written otherwise, or blanks stand elsewhere.
    Value,
    Other,
}

fn verdict(jq: &Outcome, found: &Outcome) -> Verdict {
    match (jq, found) {
        (Err(_), Err(_)) => Verdict::Text,
        // jq's binding for Python writes a blank behind commas and colons.
        (Ok(jq), Ok(found)) if jq.len() == found.len() => {
            let parse = |texts: &[String]| -> Option<Vec<Value>> {
                texts.iter().map(|text| serde_json::from_str(text).ok()).collect()
            };
            let spaced =
                |texts: &[String]| -> Vec<String> { texts.iter().map(|text| squeezed(text)).collect() };
            if spaced(jq) == spaced(found) {
                Verdict::Text
            } else if parse(jq)
                .zip(parse(found))
                .is_some_and(|(a, b)| a.iter().zip(&b).all(|(a, b)| same(a, b)))
            {
                Verdict::Value
            } else {
                Verdict::Other
            }
        }
        _ => Verdict::Other,
    }
}

/// Whether two values are the same, numbers as doubles.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// A JSON text without blanks between its words.
fn squeezed(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        if in_string || !c.is_ascii_whitespace() {
            out.push(c);
        }
        in_string ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    out
}

/// Programs, inputs of a text in the format of jq's own tests.
fn cases(text: &str) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for case in text.split("\n\n") {
        let mut lines = case.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        if let (Some(program), Some(input)) = (lines.next(), lines.next())
            && !program.starts_with("%%")
        {
            cases.push((program.to_owned(), input.to_owned()));
        }
    }
    cases
}

/// Where we differ on purpose: a piece of the program, and why.
const DEVIATIONS: [(&str, &str); 3] = [
    ("$ENV", "a program does not see the environment"),
    ("env.", "a program does not see the environment"),
    ("have_decnum", "`100e-2` leaves as it came, in jq as `1.00`"),
];

struct Tally {
    all: usize,
    text: usize,
    value: usize,
}

fn row(name: &str, tally: &Tally) -> String {
    let Tally { all, text, value } = tally;
    format!("| {name} | {all} | {text} | {value} | {} |\n", all - text - value)
}

#[test]
fn compat_with_jq_and_jaq() {
    let manual = std::env::var_os("AMBASSADOR_JQ_MANUAL");
    let manual = manual.expect("AMBASSADOR_JQ_MANUAL is not set: run this by `cargo xtask test compat`");
    let manual = std::fs::read_to_string(manual).expect("the examples of jq's manual");
    let mut oracle = Oracle::start();
    let (mut rows, mut deviations, mut unexplained) = (String::new(), String::new(), String::new());
    for (set, text) in [("jq's manual", manual.as_str()), ("our cases", include_str!("cases/language.test"))]
    {
        let cases = cases(text);
        let mut tallies = [Tally { all: 0, text: 0, value: 0 }, Tally { all: 0, text: 0, value: 0 }];
        for (program, input) in &cases {
            let jq = oracle.run(program, input);
            for (tally, found) in tallies.iter_mut().zip([ours(program, input), theirs(program, input)]) {
                let verdict = verdict(&jq, &found);
                tally.all += 1;
                tally.text += usize::from(verdict == Verdict::Text);
                tally.value += usize::from(verdict == Verdict::Value);
            }
            let found = ours(program, input);
            if verdict(&jq, &found) == Verdict::Other {
                match DEVIATIONS.iter().find(|(piece, _)| program.contains(piece)) {
                    Some((_, why)) => {
                        let _ = writeln!(deviations, "- `{program}`: {why}");
                    }
                    None => {
                        let _ =
                            writeln!(unexplained, "{program} on {input}\n  jq   {jq:?}\n  ours {found:?}");
                    }
                }
            }
        }
        assert!(cases.len() > 200, "only {} cases of {set}", cases.len());
        let [ours, jaq] = &tallies;
        rows += &row(&format!("{set}: ours"), ours);
        rows += &row(&format!("{set}: jaq"), jaq);
    }
    assert!(unexplained.is_empty(), "not as jq, and not a deviation that is written down:\n{unexplained}");
    let text = format!(
        "# The engine beside jq and jaq\n\n\
        <!-- Written by `cargo xtask test compat --update`. -->\n\n\
        The same programs, run by jq 1.8.2, by jaq (jaq-core 3.1, jaq-json 2.0) and by us, on the same inputs: the examples of\n\
        jq's manual, and our own cases. An outcome is *the same text* as jq's but for blanks, *the same value* where numbers or\n\
        escapes are written otherwise, or *other*; an error counts as the same where jq gives one.\n\n\
        | programs | all | same text | same value | other |\n|---|---|---|---|---|\n{rows}\n\
        Of jaq, its core and JSON libraries take part, without the parts that need other crates (dates, regular expressions,\n\
        `@` formats): those count as other, and so do the programs that would never end there, which are not run.\n\n\
        ## Where ours is other\n\n{deviations}\n\
        Why, and what else differs, is in [jq.md](jq.md#what-differs-from-jq).\n"
    );
    expect_file!["../../docs/compat.md"].assert_eq(&text);
}

#[test]
fn compat_of_programs_made_by_chance() {
    let limits = Limits { steps: 100_000, bytes: 1 << 20, ..Limits::default() };
    let mut oracle = Oracle::start();
    let mut runner = TestRunner::deterministic();
    let mut compared = 0;
    for _ in 0..2_000 {
        let program = generate::shared().new_tree(&mut runner).expect("a program").current();
        let body = generate::body().new_tree(&mut runner).expect("a body").current();
        let compiled = Program::compile(&program).expect("a program");
        let found = match compiled.run(body.as_bytes(), &Run { limits, ..Run::default() }) {
            Ok(outputs) => {
                Ok(outputs.iter().map(|output| String::from_utf8_lossy(output).into_owned()).collect())
            }
            // What would take jq as long as it would have taken us.
            Err(RunError::Exhausted { .. }) => continue,
            Err(error) => Err(error.to_string()),
        };
        let jq = oracle.run(&program, &body);
        assert!(
            verdict(&jq, &found) != Verdict::Other,
            "{program} on {body}\n  jq   {jq:?}\n  ours {found:?}"
        );
        compared += 1;
    }
    assert!(compared > 1_500, "only {compared} programs");
}
