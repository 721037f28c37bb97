use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;

/// The config, and what is said about the file, as people see it.
fn converted(text: &str) -> String {
    match convert("test", text, &Environment::new()) {
        Ok(conversion) => {
            assert_accounted(text, &conversion);
            let mut shown = conversion.config;
            for note in conversion.notes {
                let _ = writeln!(
                    shown,
                    "{}: {} {}: {}",
                    note.line,
                    note.directive,
                    note.kind.name(),
                    note.message
                );
            }
            shown
        }
        Err(refusals) => refusals.iter().fold(String::new(), |shown, refusal| {
            format!("{shown}{}:{}: {}\n", refusal.line, refusal.column, refusal.message)
        }),
    }
}

/// Nothing is dropped silently: each directive is named in a comment or in a note.
#[track_caller]
fn assert_accounted(text: &str, conversion: &Conversion) {
    let named = write::lines_named(&conversion.config);
    let noted: BTreeSet<usize> = conversion.notes.iter().map(|note| note.line).collect();
    for (index, line) in text.lines().enumerate() {
        let is_directive = !words::words(line, 1, &Environment::new()).unwrap().is_empty();
        let is_section = ["global", "defaults"].iter().any(|name| line.starts_with(name));
        let number = index + 1;
        assert!(
            !is_directive || is_section || named.contains(&number) || noted.contains(&number),
            "line {number} is dropped: {line}"
        );
    }
    let loaded = ambassador_core::config::yaml::load(&conversion.config);
    let waits =
        ["targets:", "routes:", "\n      limits:"].iter().any(|text| conversion.config.contains(text));
    assert!(waits || loaded.is_ok(), "{:?}\n{}", loaded.err(), conversion.config);
}

/// The cases of a folder, each a config and what comes of it.
#[test]
fn configs_are_converted_line_by_line() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/haproxy/tests");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cfg"));
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        expect_test::expect_file![file.with_extension("out")].assert_eq(&converted(&text));
    }
}

#[test]
fn what_haproxy_refuses_is_refused_with_its_place() {
    let mut shown = String::new();
    for text in refused() {
        let _ = writeln!(shown, "{}\n=> {}", text.trim_end(), converted(text));
    }
    expect_test::expect_file!["tests/refused.txt"].assert_eq(&shown);
}

/// Files that HAProxy refuses too; `e2e` asks it.
fn refused() -> Vec<&'static str> {
    include_str!("tests/refused.cfgs").split("----\n").collect()
}

#[test]
fn variables_are_taken_from_what_is_known() {
    let text = "listen a\n bind :80\n mode http\n server x \"$HOST:${PORT-81}\" maxconn \"$MOST\"\n server y 127.0.0.1:82\n";
    let known =
        Environment::from([("HOST".to_owned(), "10.0.0.1".to_owned()), ("MOST".to_owned(), "7".to_owned())]);
    let conversion = convert("test", text, &known).unwrap();
    assert!(conversion.config.contains("10.0.0.1:81"), "{}", conversion.config);
    let conversion = convert("test", text, &Environment::new()).unwrap();
    let lost: Vec<&Note> = conversion.notes.iter().filter(|note| note.kind == Kind::Lost).collect();
    assert!(matches!(lost.as_slice(), [note] if note.line == 4 && note.message.contains("HOST")), "{lost:?}");
}
