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
        let work = put_in(name, text, &documents, &found, choices, planner)?;
        // They are large, and the new text is, too.
        drop(found);
        drop(documents);
        return Ok(outcome(text, work, notes));
    }
    let bare = without(text, &documents, &found, &injected)
        .map_err(|problems| problem::all(name, text, &problems))?;
    let bare = maps::remove(&bare, name, &injected, &choices.selection.templates)?;
    drop(found);
    drop(documents);
    let documents = Document::all(&bare).map_err(|problem| problem.failure(name, &bare))?;
    let (found, notes) =
        workloads(&documents, choices.selection).map_err(|problem| problem.failure(name, &bare))?;
    let work = put_in(name, &bare, &documents, &found, choices, planner)?;
    drop(found);
    drop(documents);
    Ok(outcome(&bare, work, notes))
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
    let (mut edits, mut problems) = (Vec::new(), Vec::new());
    let mut of_one = Vec::new();
    let all: Vec<_> = found.iter().zip(injected).collect();
    for all in all.chunk_by(|(one, _), (next, _)| one.document == next.document) {
        let Some(document) = all.first().and_then(|(found, _)| documents.get(found.document)) else {
            continue;
        };
        for &(found, injected) in all {
            let Some(injected) = injected else { continue };
            let pod = document.value(found.pod());
            let change = before(&pod, injected)
                .map_err(|failure| Problem::refused(found.node.start, &failure))
                .and_then(|original| Change::back(text, document, found, pod, original, Some(injected)));
            match change {
                Ok(change) => of_one.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        check::document(text, document, &mut of_one, &mut problems);
        edits.extend(of_one.drain(..).flat_map(|change| change.edits));
    }
    if problems.is_empty() { Ok(edit::apply(text, &edits)) } else { Err(problems) }
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

/// The edits for one workload, and what it is by them.
struct Change<'f, 'd, 'a> {
    found: &'f Found<'d, 'a>,
    edits: Vec<Edit>,
    from: Value,
    to: Value,
    /// JSON pointer of the pod in both.
    at: &'f str,
    /// Whether it goes by texts that were kept, which somebody may have written anew since.
    by_texts: bool,
}

impl<'f, 'd, 'a> Change<'f, 'd, 'a> {
    /// Back to what was there, by the texts that `injected` has, or else by the values alone.
    fn back(
        text: &str,
        document: &Document<'a>,
        found: &'f Found<'d, 'a>,
        from: Value,
        to: Value,
        injected: Option<&Injected>,
    ) -> std::result::Result<Self, Problem> {
        let manner = Manner::of(text, document);
        let nothing = Kept::new();
        let texts = injected.map_or(&nothing, |injected| &injected.texts);
        let editor = Editor::new(text, document, &manner, Some(texts));
        let edits = editor.run(Place::new(found.key, found.pod()), &from, &to)?.edits;
        Ok(Self { found, edits, from, to, at: "", by_texts: injected.is_some() })
    }

    /// The pod as it is to be.
    fn pod(&self) -> &Value {
        self.to.pointer(self.at).unwrap_or(&Value::Null)
    }
}

type Kept = std::collections::BTreeMap<String, annotation::Kept>;

/// What is to be done to a text.
struct Work<'t> {
    edits: Vec<Edit>,
    added: maps::Added<'t>,
    done: Vec<String>,
}

fn outcome(text: &str, work: Option<Work<'_>>, notes: Vec<String>) -> Outcome {
    let Some(Work { edits, added, done }) = work else {
        return Outcome { text: text.to_owned(), changed: Vec::new(), notes, plugins: Vec::new() };
    };
    let plugins = added.plugins;
    Outcome { text: added.written.put_into(text, edits), changed: done, notes, plugins }
}

/// Injects what was found, none of which is injected; nothing, if there is nothing.
fn put_in<'t>(
    name: &str,
    text: &'t str,
    documents: &[Document<'_>],
    found: &[Found<'_, '_>],
    choices: Choices<'_>,
    planner: &Planner<'_>,
) -> Result<Option<Work<'t>>> {
    let (mut edits, mut problems) = (Vec::new(), Vec::new());
    let Some(first) = documents.first().filter(|_| !found.is_empty()) else { return Ok(None) };
    let mut added = maps::Added::new(text, first).map_err(|problem| problem.failure(name, text))?;
    let mut of_one = Vec::new();
    for all in found.chunk_by(|one, next| one.document == next.document) {
        let Some(document) = all.first().and_then(|found| documents.get(found.document)) else { continue };
        let manner = Manner::of(text, document);
        for found in all {
            let change = planned(text, document, &manner, found, planner).and_then(|(change, plan)| {
                added.add(&plan).map_err(|failure| Problem::refused(found.node.start, &failure))?;
                Ok(Change { to: plan.injected, ..change })
            });
            match change {
                Ok(change) => of_one.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        check::document(text, document, &mut of_one, &mut problems);
        edits.extend(of_one.drain(..).flat_map(|change| change.edits));
    }
    if !problems.is_empty() {
        return Err(problem::all(name, text, &problems));
    }
    if let Some(whole) = choices.plugin {
        added.add_plugins(whole);
    }
    Ok(Some(Work { edits, added, done: found.iter().map(|found| found.shown.clone()).collect() }))
}

/// The edits for a workload, and the plan, which has what the object is by them.
fn planned<'f, 'd, 'a>(
    text: &str,
    document: &Document<'a>,
    manner: &Manner<'_>,
    found: &'f Found<'d, 'a>,
    planner: &Planner<'_>,
) -> std::result::Result<(Change<'f, 'd, 'a>, Plan), Problem> {
    let refused = |failure: Failure| Problem::refused(found.node.start, &failure);
    let (object, at) = (found.object(document), found.template.as_str());
    let mut plan = planner(&object, at, &found.shown).map_err(refused)?;
    let from = object.pointer(at).unwrap_or(&Value::Null);
    let mut nothing = Value::Null;
    let to = plan.injected.pointer_mut(at).unwrap_or(&mut nothing);
    let place = Place::new(found.key, found.pod());
    let editor = || Editor::new(text, document, manner, None);
    let kept = editor().only_looking().run(place, from, to)?.kept;
    if !kept.is_empty() {
        remember(to, kept).map_err(refused)?;
    }
    let edits = editor().run(place, from, to)?.edits;
    Ok((Change { found, edits, from: object, to: Value::Null, at, by_texts: false }, plan))
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
