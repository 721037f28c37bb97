//! Holds edited documents against what they should say, before anything is written.

use serde_json::Value;

use super::edit::{self, Edit};
use super::problem::Problem;
use super::tree::Document;
use super::{Change, Found};

/// Reads each document as it will be, and adds a problem for each pod that would not be what its change makes of it. One
/// that went by texts which somebody has written anew since is changed by its values instead.
pub(super) fn all<'a>(
    text: &str,
    documents: &[Document<'a>],
    changes: &mut [Change<'_, '_, 'a>],
    problems: &mut Vec<Problem>,
) {
    // Changes stand in the order of their documents.
    for of_one in changes.chunk_by_mut(|one, next| one.found.document == next.found.document) {
        let Some(document) = of_one.first().and_then(|change| documents.get(change.found.document)) else {
            continue;
        };
        let wrong = wrong(text, document, of_one);
        if wrong.is_empty() {
            continue;
        }
        for index in wrong {
            let Some(change) = of_one.get_mut(index).filter(|change| change.by_texts) else { continue };
            match Change::back(text, document, change.found, &change.from, change.to.clone(), None) {
                Ok(by_values) => *change = by_values,
                Err(problem) => problems.push(problem),
            }
        }
        let still = self::wrong(text, document, of_one);
        problems.extend(
            still.into_iter().filter_map(|index| of_one.get(index)).map(|change| cannot_edit(change.found)),
        );
    }
}

/// Which of the changes would not come out right.
fn wrong(text: &str, document: &Document<'_>, changes: &[Change<'_, '_, '_>]) -> Vec<usize> {
    let start = document.start;
    let end = end(text, document);
    let local = changes.iter().flat_map(|change| &change.edits).map(|edit| Edit {
        range: edit.range.start - start..edit.range.end.min(end) - start,
        text: edit.text.clone(),
    });
    let new = edit::apply(text.get(start..end).unwrap_or_default(), local.collect());
    let documents = Document::all(&new).unwrap_or_default();
    let [document] = documents.as_slice() else { return (0..changes.len()).collect() };
    let is_wrong = |change: &Change<'_, '_, '_>| {
        let there = document.root.at(&change.found.pointer).map(|node| document.value(node));
        there.is_none_or(|there| without_empties(&there) != without_empties(&change.to))
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

/// What is empty counts as absent, as in Kubernetes.
fn without_empties(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| (key.clone(), without_empties(value)));
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(items) => items.iter().map(without_empties).collect(),
        other => other.clone(),
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
        found.node.start,
        format!("{} is written in a way that cannot be edited in place", found.shown),
    )
    .hint("let kubectl write it plainly: kubectl create --dry-run=client -o yaml -f FILE")
}
