//! Runs the cases of `cases.txt`, which says how they are written.

use std::collections::BTreeMap;

use expect_test::expect_file;

use super::*;

/// The lines of a file, with those that begin with two spaces as part of the one before, and without what was found.
fn statements(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('>')) {
        match all.last_mut() {
            Some(last) if line.starts_with("  ") => *last = format!("{last}\n{line}"),
            _ => all.push(line.to_owned()),
        }
    }
    all
}

fn permissions(word: &str) -> Permissions {
    let mut permissions = PLAIN.permissions;
    let flag = match word {
        "delete_emptydir_data" => &mut permissions.delete_emptydir_data,
        "downgrade" => &mut permissions.downgrade,
        "keep_services" => &mut permissions.keep_services,
        other => panic!("`{other}` cannot be allowed"),
    };
    *flag = true;
    permissions
}

/// What is found in a case.
fn found(case: &[&str], names: &BTreeMap<String, String>) -> String {
    let (mut object, mut around, mut listening) = (Value::Null, World::default(), None);
    let mut options = PLAIN;
    for line in case {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = names.get(rest).map_or(rest, String::as_str);
        match word {
            "pod" => object = pod(rest),
            "deployment" => object = deployment("", rest),
            "object" => object = yaml(rest),
            "with" => json_patch::merge(&mut object, &yaml(rest)),
            "around" => around = world(rest),
            "ports" => options.ports = rest,
            "rules" => options.rules = "  rules: [{name: r, response: {jq: .}}]\n",
            "allow" => options.permissions = permissions(rest),
            "listening" => {
                let ports = rest.split_whitespace().map(|port| port.parse::<u16>().unwrap());
                listening = Some(ports.collect::<Vec<_>>());
            }
            other => panic!("`{other}`?"),
        }
    }
    Case { listening: listening.as_deref(), ..options }.found(&object, &around)
}

#[test]
fn every_case_is_found_as_it_is_written() {
    let statements = statements(include_str!("cases.txt"));
    let mut names = BTreeMap::new();
    let (mut shown, mut case) = (String::new(), Vec::new());
    for line in statements.iter().map(String::as_str).chain([""]) {
        if let Some((name, text)) = line.strip_prefix("let ").and_then(|rest| rest.split_once(' ')) {
            names.insert(name.to_owned(), text.to_owned());
        } else if !line.is_empty() && !line.starts_with('#') {
            case.push(line);
        } else if !case.is_empty() {
            let found = found(&std::mem::take(&mut case), &names);
            let found = if found.is_empty() { "nothing\n" } else { &found };
            found.lines().for_each(|line| _ = writeln!(shown, "> {line}"));
        }
        _ = writeln!(shown, "{line}");
    }
    expect_file!["cases.txt"].assert_eq(&format!("{}\n", shown.trim_end_matches('\n')));
}
