//! Holds edited documents against what they should say, before anything is written.

use serde_json::Value;

use super::edit;
use super::problem::Problem;
use super::tree::Document;
use super::{Change, Found};

/// Reads a document as it will be by all changes of it, and adds a problem for each pod that would not be what its change
/// makes of it. One that went by texts which somebody has written anew since is changed by its values instead.
pub(super) fn document<'a>(
    text: &str,
    document: &Document<'a>,
    changes: &mut [Change<'_, '_, 'a>],
    problems: &mut Vec<Problem>,
) {
    let wrong = if changes.is_empty() { Vec::new() } else { wrong(text, document, changes) };
    if wrong.is_empty() {
        return;
    }
    for index in wrong {
        let Some(change) = changes.get_mut(index).filter(|change| change.by_texts) else { continue };
        let (from, to) = (change.from.clone(), change.to.clone());
        match Change::back(text, document, change.found, from, to, None) {
            Ok(by_values) => *change = by_values,
            Err(problem) => problems.push(problem),
        }
    }
    let still = self::wrong(text, document, changes);
    problems.extend(
        still.into_iter().filter_map(|index| changes.get(index)).map(|change| cannot_edit(change.found)),
    );
}

/// Which of the changes would not come out right.
fn wrong(text: &str, document: &Document<'_>, changes: &[Change<'_, '_, '_>]) -> Vec<usize> {
    let whole = document.start..end(text, document);
    let edits = changes.iter().flat_map(|change| &change.edits).collect();
    let new = edit::apply_within(text, whole, edits);
    let documents = Document::all(&new).unwrap_or_default();
    let [document] = documents.as_slice() else { return (0..changes.len()).collect() };
    let is_wrong = |change: &Change<'_, '_, '_>| {
        let there = document.root.at(&change.found.pointer).map(|node| document.value(node));
        there.is_none_or(|there| !are_same(&there, change.pod()))
    };
    changes.iter().enumerate().filter(|(_, change)| is_wrong(change)).map(|(index, _)| index).collect()
}

/// Where a document ends: with the line of its last value, and with comments behind which text may have been put.
fn end(text: &str, document: &Document<'_>) -> usize {
    let end = edit::line_end(text, document.root.end);
    let mut lines = text.get(end..).unwrap_or_default().split_inclusive('\n');
    let newline = lines.next().map_or(0, str::len);
    let comments = lines.take_while(|line| line.trim_start_matches(' ').starts_with('#'));
    end + newline + comments.map(str::len).sum::<usize>()
}

/// Whether two values are the same where what is empty counts as absent, as in Kubernetes.
fn are_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(key, value): (&String, &Value)| match other.get(key) {
                Some(other) => are_same(value, other) || (says_nothing(value) && says_nothing(other)),
                None => says_nothing(value),
            };
            one.iter().all(is_there)
                && other.iter().all(|(key, value)| one.contains_key(key) || says_nothing(value))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_same(one, other))
        }
        _ => one == other,
    }
}

/// Whether there is nothing in it but what is empty.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().all(says_nothing),
        other => is_empty(other),
    }
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn cannot_edit(found: &Found<'_, '_>) -> Problem {
    Problem::new(
        found.node().start,
        format!("{} is written in a way that cannot be edited in place", found.shown),
    )
    .hint("let kubectl write it plainly: kubectl create --dry-run=client -o yaml -f FILE")
}
