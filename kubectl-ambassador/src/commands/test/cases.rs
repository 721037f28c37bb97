//! Cases: folders that hold a request, what the program answers, and what the client is to get.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use ambassador_core::Ambassador;
use ambassador_core::exchange::whole::Message;
use ambassador_core::trial::{self, Trial, message};
use serde_json::json;

use super::{compare, no_port};
use crate::failure::{Failure, Result};
use crate::output::{self, say};

/// What the client asks; `GET /` where there is none.
const REQUEST: &str = "request.http";
/// What the legacy program answers: head and body, or a body alone.
const ANSWER: &str = "answer.http";
/// What the client gets: head and body, or a body alone.
const EXPECTED: &str = "expected.http";
/// What the legacy program is asked; looked at where there is one.
const ASKED: &str = "asked.http";
/// Deeper than any folder of cases.
const DEEPEST: usize = 16;
/// More cases than anybody has.
const MOST_CASES: usize = 10_000;
/// The time in cases, so that a program that looks at the clock gives one output: 2000-01-01T00:00:00Z.
const NOW: f64 = 946_684_800.0;

/// Runs all cases below `dir`.
pub(super) fn run(ambassador: &Rc<Ambassador>, dir: &Path, update: bool, as_json: bool) -> Result<()> {
    let mut cases = Vec::new();
    find(dir, 0, &mut cases)?;
    cases.sort();
    if cases.is_empty() {
        return Err(Failure::usage(format!("no cases in {}", dir.display()))
            .hint(format!("a case is a folder with {ANSWER}, {EXPECTED} and, but for GET /, {REQUEST}")));
    }
    let mut results = Vec::new();
    for case in &cases {
        let name = case.strip_prefix(dir).unwrap_or(case).display().to_string();
        let name = if name.is_empty() { ".".to_owned() } else { name };
        let result = one(ambassador, case, update)?;
        if !as_json {
            output::print(&shown(&name, &result))?;
        }
        results.push((name, result));
    }
    let failed = results.iter().filter(|(_, result)| matches!(result, Outcome::Differs(_))).count();
    if as_json {
        output::print(&format!("{:#}\n", to_json(&results, failed)))?;
    } else {
        say(&format!("{} of {} as expected", results.len() - failed, results.len()));
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::unchanged(format!("{failed} of {} cases failed", results.len())))
    }
}

/// What came of a case.
enum Outcome {
    AsExpected,
    Updated,
    /// With what is different, as text.
    Differs(String),
}

fn shown(name: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::AsExpected => format!("ok       {name}\n"),
        Outcome::Updated => format!("updated  {name}\n"),
        Outcome::Differs(how) => {
            let lines: Vec<String> = how.lines().map(|line| format!("    {line}\n")).collect();
            format!("FAILED   {name}\n{}", lines.concat())
        }
    }
}

fn to_json(results: &[(String, Outcome)], failed: usize) -> serde_json::Value {
    let cases = results.iter().map(|(name, outcome)| match outcome {
        Outcome::AsExpected => json!({"case": name, "outcome": "ok"}),
        Outcome::Updated => json!({"case": name, "outcome": "updated"}),
        Outcome::Differs(how) => json!({"case": name, "outcome": "failed", "difference": how}),
    });
    json!({"cases": cases.collect::<Vec<_>>(), "failed": failed})
}

/// The folders that are cases. Links are not followed, so there is an end.
fn find(dir: &Path, depth: usize, cases: &mut Vec<PathBuf>) -> Result<()> {
    let cannot_read =
        |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}", dir.display()));
    let entries = std::fs::read_dir(dir).map_err(cannot_read)?;
    let mut is_case = false;
    for entry in entries {
        let entry = entry.map_err(cannot_read)?;
        let kind = entry.file_type().map_err(cannot_read)?;
        is_case |= [REQUEST, ANSWER, EXPECTED].iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && depth < DEEPEST {
            find(&entry.path(), depth + 1, cases)?;
        }
    }
    if is_case {
        cases.push(dir.to_owned());
    }
    if cases.len() > MOST_CASES {
        return Err(Failure::usage(format!("more than {MOST_CASES} cases")));
    }
    Ok(())
}

fn one(ambassador: &Rc<Ambassador>, case: &Path, update: bool) -> Result<Outcome> {
    let file = |name: &str| case.join(name);
    let wrong = |name: &str, why: &str| Failure::usage(format!("{}: {why}", file(name).display()));
    let request = read(&file(REQUEST))?.unwrap_or_else(|| b"GET /".to_vec());
    let request = message::request(&request).map_err(|why| wrong(REQUEST, &why))?;
    let answer_text = read(&file(ANSWER))?;
    let answer = message::answer(answer_text.as_deref().unwrap_or_default(), 200, None);
    let answer = answer.map_err(|why| wrong(ANSWER, &why))?.message;
    let port = trial::port(ambassador, None, &request).map_err(no_port)?;
    let told = Trial::run(ambassador, port, request, answer, NOW).told;
    if told.request.is_some() && answer_text.is_none() {
        return Err(wrong(ANSWER, "is missing, and the program is asked"));
    }
    let mut differences = Vec::new();
    let mut updated = false;
    let asked = read(&file(ASKED))?;
    let pairs = [
        (EXPECTED, read(&file(EXPECTED))?, Some(&told.answer), true),
        (ASKED, asked.clone(), told.request.as_ref(), asked.is_some()),
    ];
    for (name, expected, found, wanted) in pairs {
        if !wanted {
            continue;
        }
        let Some(how) = difference(name, expected.as_deref(), found) else { continue };
        if let (true, Some(found)) = (update, found) {
            write(&file(name), expected.as_deref(), found)?;
            updated = true;
        } else {
            differences.push(how);
        }
    }
    Ok(match (differences.is_empty(), updated) {
        (false, _) => Outcome::Differs(differences.join("\n")),
        (true, true) => Outcome::Updated,
        (true, false) => Outcome::AsExpected,
    })
}

fn difference(name: &str, expected: Option<&[u8]>, found: Option<&Message>) -> Option<String> {
    match (expected, found) {
        (None, _) => Some(format!("{name} is missing; --update writes it")),
        (Some(_), None) => Some(format!("{name} is there, but the program is not asked")),
        (Some(expected), Some(found)) => {
            let how = compare::difference(expected, is_body_alone(name, expected), found)?;
            Some(format!("{name}\n{how}"))
        }
    }
}

/// A request is always compared as a whole.
fn is_body_alone(name: &str, expected: &[u8]) -> bool {
    name == EXPECTED && !message::has_head(expected)
}

/// Writes what came out, in the form in which it was expected; a new file holds head and body.
fn write(file: &Path, before: Option<&[u8]>, found: &Message) -> Result<()> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let alone = before.is_some_and(|before| is_body_alone(name, before));
    let head = if alone { String::new() } else { message::head(found) };
    let mut text = [head.as_bytes(), &found.body].concat();
    // Which does not count, and which every editor would add.
    if std::str::from_utf8(&found.body).is_ok_and(|body| !body.is_empty() && !body.ends_with('\n')) {
        text.push(b'\n');
    }
    std::fs::write(file, text)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))
}

fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    if file.exists() { super::read(file).map(Some) } else { Ok(None) }
}
