//! Manifests in, manifests out: injects and uninjects what stands in a text, and leaves every byte that is not ours as it
//! is. Pure: no cluster, no files.
//!
//! [`inject`] of what is injected takes the first injection out and puts the second one in, so that twice is once and
//! another config replaces exactly. What was taken away or replaced is kept in our annotation, as it stood there;
//! all else that we do is to put text in, which [`uninject`] finds by what it says.

mod check;
mod edit;
mod ending;
mod found;
mod function;
mod labels;
mod manifests;
mod maps;
mod problem;
mod scalar;
mod tree;
mod write;

use serde_json::Value;

use crate::annotation::{self, Injected};
use crate::failure::{Failure, Result};
use crate::findings::Finding;
use crate::plan::{self, Plan};
use edit::{Edit, Editor, Place};
use found::Found;
pub(crate) use found::Selection;
pub(crate) use function::{is_function, report, request, with_results};
pub(crate) use manifests::{Manifests, Workload};
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
    /// What was found about what was injected, with the places.
    pub(crate) findings: Vec<Finding>,
}

/// Plans for one object: gets the object as it was before any injection, the pointer of its pod template, and what
/// people know it as.
pub(crate) type Planner<'p> = dyn Fn(&Value, &str, &str) -> Result<Planned> + 'p;

/// A plan, and what was found about it.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) findings: Vec<Finding>,
}

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

/// Takes the ambassador out of everything in a text that is selected.
pub(crate) fn uninject(manifests: &Manifests<'_>, selection: &Selection) -> Result<Outcome> {
    let (found, notes) = manifests.find(selection)?;
    let injected = injected(manifests, &found)?;
    let new = without(manifests, &found, &injected)?;
    let changed = found
        .iter()
        .zip(&injected)
        .filter(|(_, injected)| injected.is_some())
        .map(|(found, _)| found.shown.clone());
    let changed = changed.collect();
    let new = maps::remove(&new, manifests.text.name, &injected, &selection.templates)?;
    Ok(Outcome { text: new, changed, notes, plugins: Vec::new(), findings: Vec::new() })
}

/// Puts the ambassador into everything in a text that is selected. The trees go while the new text is made: both are
/// large.
pub(crate) fn inject(
    manifests: Manifests<'_>,
    choices: Choices<'_>,
    planner: &Planner<'_>,
) -> Result<Outcome> {
    let (found, notes) = manifests.find(choices.selection)?;
    let injected = injected(&manifests, &found)?;
    let mut problems = Vec::new();
    for (found, injected) in found.iter().zip(&injected) {
        let newer = plan::refuse_newer(&found.shown, injected.as_ref(), choices.allow_downgrade);
        problems.extend(newer.err().map(|failure| Problem::refused(found.node().start, &failure)));
    }
    manifests.refuse(&problems)?;
    let starts: Vec<usize> = found.iter().map(|found| found.node().start).collect();
    if injected.iter().all(Option::is_none) {
        let work = put_in(&manifests, &found, choices, planner)?;
        drop(found);
        let text = manifests.text;
        drop(manifests.documents);
        return Ok(work.outcome(text.content, notes, |index| {
            text.place(starts.get(index).copied().unwrap_or_default())
        }));
    }
    let bare = without(&manifests, &found, &injected)?;
    drop(found);
    let text = manifests.text;
    drop(manifests.documents);
    let bare = maps::remove(&bare, text.name, &injected, &choices.selection.templates)?;
    let manifests = Manifests::read(text.name, &bare)?;
    let (found, notes) = manifests.find(choices.selection)?;
    let work = put_in(&manifests, &found, choices, planner)?;
    // They are told by their places in what came in.
    Ok(work.outcome(&bare, notes, |index| text.place(starts.get(index).copied().unwrap_or_default())))
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
fn injected(manifests: &Manifests<'_>, found: &[Found<'_, '_>]) -> Result<Vec<Option<Injected>>> {
    let mut problems = Vec::new();
    let all = found.iter().map(|found| {
        let annotation = found.pod().at(&annotation::pointer())?;
        let value = manifests.documents.get(found.document).map(|document| document.value(annotation))?;
        let pod = serde_json::json!({"metadata": {"annotations": {annotation::NAME: value}}});
        Injected::of(&pod).unwrap_or_else(|failure| {
            problems.push(Problem::refused(annotation.start, &failure));
            None
        })
    });
    let all = all.collect();
    manifests.refuse(&problems)?;
    Ok(all)
}

/// The text without the ambassadors, their ConfigMaps still in it.
fn without(
    manifests: &Manifests<'_>,
    found: &[Found<'_, '_>],
    injected: &[Option<Injected>],
) -> Result<String> {
    let text = manifests.text.content;
    let (mut edits, mut problems) = (Vec::new(), Vec::new());
    let mut of_one = Vec::new();
    let all: Vec<_> = found.iter().zip(injected).collect();
    for all in all.chunk_by(|(one, _), (next, _)| one.document == next.document) {
        let Some(document) = all.first().and_then(|(found, _)| manifests.documents.get(found.document))
        else {
            continue;
        };
        for &(found, injected) in all {
            let Some(injected) = injected else { continue };
            let pod = document.value(found.pod());
            let change = before(&pod, injected)
                .map_err(|failure| Problem::refused(found.node().start, &failure))
                .and_then(|original| Change::back(text, document, found, pod, original, Some(injected)));
            match change {
                Ok(change) => of_one.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        check::document(text, document, &mut of_one, &mut problems);
        edits.extend(of_one.drain(..).flat_map(|change| change.edits));
    }
    manifests.refuse(&problems)?;
    Ok(edit::apply(text, &edits))
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
#[derive(Default)]
struct Work<'t> {
    edits: Vec<Edit>,
    added: Option<maps::Added<'t>>,
    done: Vec<String>,
    /// What was found about them, by their numbers.
    findings: Vec<(usize, Finding)>,
}

impl Work<'_> {
    fn outcome(self, text: &str, notes: Vec<String>, place: impl Fn(usize) -> String) -> Outcome {
        let findings = self.findings.into_iter().map(|(index, finding)| finding.at(place(index))).collect();
        let Some(added) = self.added else {
            return Outcome {
                text: text.to_owned(),
                changed: self.done,
                notes,
                plugins: Vec::new(),
                findings,
            };
        };
        let text = added.written.put_into(text, self.edits);
        Outcome { text, changed: self.done, notes, plugins: added.plugins, findings }
    }
}

/// Injects what was found, none of which is injected.
fn put_in<'m>(
    manifests: &Manifests<'m>,
    all: &[Found<'_, '_>],
    choices: Choices<'_>,
    planner: &Planner<'_>,
) -> Result<Work<'m>> {
    let text = manifests.text.content;
    let mut work = Work::default();
    let Some(first) = manifests.documents.first().filter(|_| !all.is_empty()) else { return Ok(work) };
    let mut added = maps::Added::new(text, first).map_err(|problem| manifests.text.failure(&problem))?;
    let (mut of_one, mut problems) = (Vec::new(), Vec::new());
    for (index, found) in all.iter().enumerate() {
        let Some(document) = manifests.documents.get(found.document) else { continue };
        let change =
            planned(text, document, found, planner).and_then(|(change, Planned { plan, findings })| {
                added.add(&plan).map_err(|failure| Problem::refused(found.node().start, &failure))?;
                work.findings.extend(findings.into_iter().map(|finding| (index, finding)));
                Ok(Change { to: plan.injected, ..change })
            });
        match change {
            Ok(change) => of_one.push(change),
            Err(problem) => problems.push(problem),
        }
        if all.get(index + 1).is_none_or(|next| next.document != found.document) {
            check::document(text, document, &mut of_one, &mut problems);
            work.edits.extend(of_one.drain(..).flat_map(|change| change.edits));
        }
        work.done.push(found.shown.clone());
    }
    manifests.refuse(&problems)?;
    if let Some(whole) = choices.plugin {
        added.add_plugins(whole);
    }
    Ok(Work { added: Some(added), ..work })
}

/// The edits for a workload, and the plan, which has what the object is by them.
fn planned<'f, 'd, 'a>(
    text: &str,
    document: &Document<'a>,
    found: &'f Found<'d, 'a>,
    planner: &Planner<'_>,
) -> std::result::Result<(Change<'f, 'd, 'a>, Planned), Problem> {
    let refused = |failure: Failure| Problem::refused(found.node().start, &failure);
    let manner = Manner::of(text, document);
    let (object, at) = (found.object(document), found.template.as_str());
    let mut made = planner(&object, at, &found.shown).map_err(refused)?;
    let from = object.pointer(at).unwrap_or(&Value::Null);
    let mut nothing = Value::Null;
    let to = made.plan.injected.pointer_mut(at).unwrap_or(&mut nothing);
    let place = Place::new(found.key, found.pod());
    let editor = || Editor::new(text, document, &manner, None);
    let kept = editor().only_looking().run(place, from, to)?.kept;
    if !kept.is_empty() {
        remember(to, kept).map_err(refused)?;
    }
    let edits = editor().run(place, from, to)?.edits;
    Ok((Change { found, edits, from: object, to: Value::Null, at, by_texts: false }, made))
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
