//! Manifests in, manifests out: injects and uninjects what stands in a text, and leaves every byte that is not ours as it
//! is. Pure: no cluster, no files.
//!
//! [`inject`] of what is injected takes the first injection out and puts the second one in, so that twice is once and
//! another config replaces exactly. What was taken away or replaced is kept in our annotation, as it stood there;
//! all else that we do is to put text in, which [`uninject`] finds by what it says.

mod check;
mod edit;
mod found;
mod function;
mod labels;
mod maps;
mod problem;
mod scalar;
mod tree;
mod write;

use serde_json::Value;

use crate::annotation::{self, Injected};
use crate::failure::{Failure, Result};
use crate::plan::{self, Plan};
use edit::{Edit, Editor, Place};
pub(crate) use found::Selection;
use found::{Found, workloads};
pub(crate) use function::{is_function, report, request};
use problem::Problem;
use tree::{Document, Node};
use write::Manner;

/// What came of a text.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The new text.
    pub(crate) text: String,
    /// What was injected or uninjected, as `deployment/web`.
    pub(crate) changed: Vec<String>,
    /// What a person should know.
    pub(crate) notes: Vec<String>,
    /// The ConfigMaps with a module that the text needs and does not hold; their metadata only.
    pub(crate) plugins: Vec<Value>,
}

/// Plans for one object: gets the object as it was before any injection, the pointer of its pod template, and what
/// people know it as.
pub(crate) type Planner<'p> = dyn Fn(&Value, &str, &str) -> Result<Plan> + 'p;

/// What can be chosen about an injection, beside the plan.
#[derive(Clone, Copy)]
pub(crate) struct Choices<'c> {
    /// What of a text is meant.
    pub(crate) selection: &'c Selection,
    /// Replace also what a newer version has injected.
    pub(crate) allow_downgrade: bool,
    /// Makes the whole of a ConfigMap with a module, of which plans have the metadata only, and puts it into the text
    /// too; none leaves it out.
    pub(crate) plugin: Option<&'c dyn Fn(&Value) -> Value>,
}

/// Takes the ambassador out of everything in a text that is selected, which people know as `name`.
pub(crate) fn uninject(name: &str, text: &str, selection: &Selection) -> Result<Outcome> {
    let documents = Document::all(text).map_err(|problem| problem.failure(name, text))?;
    let (found, notes) = workloads(&documents, selection).map_err(|problem| problem.failure(name, text))?;
    selection.refuse_missing(name, &found)?;
    let injected = injected(&documents, &found).map_err(|problems| problem::all(name, text, &problems))?;
    let new = without(text, &documents, &found, &injected)
        .map_err(|problems| problem::all(name, text, &problems))?;
    let changed = found
        .iter()
        .zip(&injected)
        .filter(|(_, injected)| injected.is_some())
        .map(|(found, _)| found.shown.clone());
    let changed = changed.collect();
    let new = maps::remove(&new, name, &injected, &selection.templates)?;
    Ok(Outcome { text: new, changed, notes, plugins: Vec::new() })
}

/// Puts the ambassador into everything in a text that is selected, which people know as `name`.
pub(crate) fn inject(name: &str, text: &str, choices: Choices<'_>, planner: &Planner<'_>) -> Result<Outcome> {
    let documents = Document::all(text).map_err(|problem| problem.failure(name, text))?;
    let (found, notes) =
        workloads(&documents, choices.selection).map_err(|problem| problem.failure(name, text))?;
    choices.selection.refuse_missing(name, &found)?;
    let injected = injected(&documents, &found).map_err(|problems| problem::all(name, text, &problems))?;
    let mut problems = Vec::new();
    for (found, injected) in found.iter().zip(&injected) {
        let newer = plan::refuse_newer(&found.shown, injected.as_ref(), choices.allow_downgrade);
        problems.extend(newer.err().map(|failure| Problem::refused(found.node.start, &failure)));
    }
    if !problems.is_empty() {
        return Err(problem::all(name, text, &problems));
    }
    if injected.iter().all(Option::is_none) {
        return put_in(name, text, &documents, &found, notes, choices, planner);
    }
    let bare = without(text, &documents, &found, &injected)
        .map_err(|problems| problem::all(name, text, &problems))?;
    let bare = maps::remove(&bare, name, &injected, &choices.selection.templates)?;
    let documents = Document::all(&bare).map_err(|problem| problem.failure(name, &bare))?;
    let (found, notes) =
        workloads(&documents, choices.selection).map_err(|problem| problem.failure(name, &bare))?;
    put_in(name, &bare, &documents, &found, notes, choices, planner)
}

/// Several texts as one of YAML: a text of JSON values becomes one document a value.
pub(crate) fn joined(texts: &[String]) -> String {
    let mut all = String::new();
    for text in texts {
        let ends = tree::json_values(text).unwrap_or_else(|| vec![text.len()]);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        for (start, end) in starts.zip(ends.iter().copied()) {
            let part = text.get(start..end).unwrap_or_default();
            let part = if start > 0 { part.trim_start() } else { part.trim_start_matches('\u{feff}') };
            if !all.is_empty() && !part.starts_with("---") {
                all.push_str("---\n");
            }
            all.push_str(part);
            if !all.ends_with('\n') {
                all.push('\n');
            }
        }
    }
    all
}

/// What each object that was found remembers of its injection.
fn injected(
    documents: &[Document<'_>],
    found: &[Found<'_, '_>],
) -> std::result::Result<Vec<Option<Injected>>, Vec<Problem>> {
    let mut problems = Vec::new();
    let all = found.iter().map(|found| {
        let annotation = found.pod().at(&annotation::pointer())?;
        let value = documents.get(found.document).map(|document| document.value(annotation))?;
        let pod = serde_json::json!({"metadata": {"annotations": {annotation::NAME: value}}});
        Injected::of(&pod).unwrap_or_else(|failure| {
            problems.push(Problem::refused(annotation.start, &failure));
            None
        })
    });
    let all = all.collect();
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

/// The text without the ambassadors, their ConfigMaps still in it.
fn without(
    text: &str,
    documents: &[Document<'_>],
    found: &[Found<'_, '_>],
    injected: &[Option<Injected>],
) -> std::result::Result<String, Vec<Problem>> {
    let (mut changes, mut problems) = (Vec::new(), Vec::new());
    for (found, injected) in found.iter().zip(injected) {
        let (Some(injected), Some(document)) = (injected, documents.get(found.document)) else { continue };
        let pod = document.value(found.pod());
        let change = before(&pod, injected)
            .map_err(|failure| Problem::refused(found.node.start, &failure))
            .and_then(|original| Change::back(text, document, found, &pod, original, Some(injected)));
        match change {
            Ok(change) => changes.push(change),
            Err(problem) => problems.push(problem),
        }
    }
    check::all(text, documents, &mut changes, &mut problems);
    let edits = changes.into_iter().flat_map(|change| change.edits);
    if problems.is_empty() { Ok(edit::apply(text, edits.collect())) } else { Err(problems) }
}

/// The pod as it was before it was injected.
fn before(pod: &Value, injected: &Injected) -> Result<Value> {
    let mut original = plan::original(pod, "")?;
    // An empty list, say, of which the plan knows nothing any more, is still there.
    for (pointer, _) in injected.texts.iter().filter(|(_, kept)| kept.is_value()) {
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(Value::Object(fields)) = original.pointer_mut(parent)
        {
            fields.entry(tree::unescaped(key)).or_insert(Value::Null);
        }
    }
    // Made by us where nothing stood; an empty one that was there before is among the texts.
    for pointer in ["/spec/securityContext", "/metadata"] {
        let emptied = !injected.texts.contains_key(pointer)
            && original.pointer(pointer).is_some_and(check::is_empty)
            && pod.pointer(pointer).is_some_and(|old| !check::is_empty(old));
        if let (true, Some((parent, key))) = (emptied, pointer.rsplit_once('/'))
            && let Some(Value::Object(fields)) = original.pointer_mut(parent)
        {
            fields.shift_remove(key);
        }
    }
    Ok(original)
}

/// The edits for one workload, and what its pod is by them.
struct Change<'f, 'd, 'a> {
    found: &'f Found<'d, 'a>,
    edits: Vec<Edit>,
    from: Value,
    to: Value,
    /// Whether it goes by texts that were kept, which somebody may have written anew since.
    by_texts: bool,
}

impl<'f, 'd, 'a> Change<'f, 'd, 'a> {
    /// Back to what was there, by the texts that `injected` has, or else by the values alone.
    fn back(
        text: &str,
        document: &Document<'a>,
        found: &'f Found<'d, 'a>,
        from: &Value,
        to: Value,
        injected: Option<&Injected>,
    ) -> std::result::Result<Self, Problem> {
        let manner = Manner::of(text, document);
        let nothing = Kept::new();
        let texts = injected.map_or(&nothing, |injected| &injected.texts);
        let (edits, _) = edits(text, document, &manner, found, (from, &to), Some(texts))?;
        Ok(Self { found, edits, from: from.clone(), to, by_texts: injected.is_some() })
    }
}

type Kept = std::collections::BTreeMap<String, annotation::Kept>;

fn edits(
    text: &str,
    document: &Document<'_>,
    manner: &Manner<'_>,
    found: &Found<'_, '_>,
    (from, to): (&Value, &Value),
    restored: Option<&Kept>,
) -> std::result::Result<(Vec<Edit>, Kept), Problem> {
    let mut editor = Editor::new(text, document, manner, restored);
    editor.change(Place::new(found.key, found.pod()), from, to, "")?;
    Ok((editor.edits, editor.kept))
}

/// Injects what was found, none of which is injected.
fn put_in(
    name: &str,
    text: &str,
    documents: &[Document<'_>],
    found: &[Found<'_, '_>],
    notes: Vec<String>,
    choices: Choices<'_>,
    planner: &Planner<'_>,
) -> Result<Outcome> {
    let (mut changes, mut problems) = (Vec::new(), Vec::new());
    let mut objects = maps::Added::default();
    for found in found {
        let Some(document) = documents.get(found.document) else { continue };
        match planned(text, document, found, planner) {
            Ok((change, plan)) => {
                changes.push(change);
                let added = objects.add(plan);
                problems.extend(added.err().map(|failure| Problem::refused(found.node.start, &failure)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    check::all(text, documents, &mut changes, &mut problems);
    if !problems.is_empty() {
        return Err(problem::all(name, text, &problems));
    }
    let edits = changes.into_iter().flat_map(|change| change.edits).collect();
    let (maps, plugins) = objects.into_parts(choices.plugin);
    let new = maps::insert(text, documents, edits, &maps).map_err(|problem| problem.failure(name, text))?;
    let done = found.iter().map(|found| found.shown.clone()).collect();
    Ok(Outcome { text: new, changed: done, notes, plugins })
}

fn planned<'f, 'd, 'a>(
    text: &str,
    document: &Document<'a>,
    found: &'f Found<'d, 'a>,
    planner: &Planner<'_>,
) -> std::result::Result<(Change<'f, 'd, 'a>, Plan), Problem> {
    let refused = |failure: Failure| Problem::refused(found.node.start, &failure);
    let object = found.object(document);
    let plan = planner(&object, &found.template, &found.shown).map_err(refused)?;
    let manner = Manner::of(text, document);
    let from = object.pointer(&found.template).cloned().unwrap_or_default();
    let mut to = plan.injected.pointer(&found.template).cloned().unwrap_or_default();
    let (mut put_in, kept) = edits(text, document, &manner, found, (&from, &to), None)?;
    if !kept.is_empty() {
        remember(&mut to, kept).map_err(refused)?;
        (put_in, _) = edits(text, document, &manner, found, (&from, &to), None)?;
    }
    Ok((Change { found, edits: put_in, from, to, by_texts: false }, plan))
}

fn remember(pod: &mut Value, texts: Kept) -> Result<()> {
    if let Some(injected) = Injected::of(pod)?
        && let Some(annotation) = pod.pointer_mut(&annotation::pointer())
    {
        *annotation = Value::from(serde_json::to_string(&Injected { texts, ..injected }).unwrap_or_default());
    }
    Ok(())
}

/// The text of one node, for what is told of it.
fn shown_name<'n>(node: &'n Node<'_>) -> &'n str {
    let metadata = node.field("metadata");
    let field = |name: &str| metadata.and_then(|metadata| metadata.field(name)).and_then(Node::text);
    field("name").or_else(|| field("generateName")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
