//! The ConfigMaps that go with a text: put in as documents of their own, behind all others, and taken out again when
//! nothing in the text mounts them any more.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use serde_json::{Value, json};

use super::edit::{self, Edit, Place, line_end, lines};
use super::ending::Ending;
use super::found::{Selection, workloads};
use super::problem::{Problem, Text};
use super::tree::{Data, Document, Node, Style, escaped};
use super::write::{Manner, is_dash};
use crate::annotation::Injected;
use crate::failure::{Failure, Result};
use crate::plan::{MANAGED_BY, Plan, text as text_at};

/// Annotation of a plugin's ConfigMap that `inject` has put into a text. One without it may be there for others.
const PUT_IN: &str = "kubectl-ambassador.dev/put-in-by";

/// ConfigMaps, each once.
pub(super) struct Added<'t> {
    pub(super) written: Written<'t>,
    /// Those with modules; their metadata only.
    pub(super) plugins: Vec<Value>,
    /// Where a config is in what is written, by namespace and name.
    known: HashMap<(String, String), Range<usize>>,
}

impl<'t> Added<'t> {
    /// None yet, for a text of which this is the first document.
    pub(super) fn new(text: &'t str, first: &Document<'_>) -> std::result::Result<Self, Problem> {
        let written = Written::new(text, first)?;
        Ok(Self { written, plugins: Vec::new(), known: HashMap::new() })
    }

    /// Those of one plan. Two configs cannot have one name.
    pub(super) fn add(&mut self, plan: &Plan) -> Result<()> {
        let same = |one: &Value, other: &Value| one["metadata"] == other["metadata"];
        if plan.mounts_plugin() && !self.plugins.iter().any(|known| same(known, &plan.plugin)) {
            self.plugins.push(plan.plugin.clone());
        }
        let field = |name: &str| text_at(&plan.config_map, &format!("/metadata/{name}")).to_owned();
        let range = self.written.add(&plan.config_map);
        let known = match self.known.entry((field("namespace"), field("name"))) {
            Entry::Vacant(entry) => {
                entry.insert(range);
                return Ok(());
            }
            Entry::Occupied(entry) => entry.get().clone(),
        };
        let text = &mut self.written.text;
        let is_same = text.get(known) == text.get(range.clone());
        text.truncate(range.start);
        if is_same {
            return Ok(());
        }
        Err(Failure::usage(format!("two configs would both be configmap/{}", field("name")))
            .hint("inject them one by one, each with a --config-map NAME of its own"))
    }

    /// Puts those with modules in too; `whole` makes one of its metadata.
    pub(super) fn add_plugins(&mut self, whole: &dyn Fn(&Value) -> Value) {
        for plugin in std::mem::take(&mut self.plugins) {
            let mut plugin = whole(&plugin);
            plugin["metadata"]["annotations"] = json!({PUT_IN: "inject"});
            self.written.add(&plugin);
        }
    }
}

/// What is put behind all else in a text.
pub(super) struct Written<'t> {
    manner: Manner<'t>,
    place: Placed<'t>,
    text: String,
}

enum Placed<'t> {
    /// Among the items of a `ResourceList`.
    Items(Ending<'t>),
    /// Each as a document of its own; in a text of JSON without a mark between them.
    Documents { json: bool, ended: bool },
}

impl<'t> Written<'t> {
    fn new(text: &'t str, first: &Document<'_>) -> std::result::Result<Self, Problem> {
        let json = super::tree::json_values(text).is_some();
        let manner = Manner::of(text, first);
        if let Some((key, items)) = resources(first)
            && let Data::Sequence(nodes, style) = &items.data
        {
            let ending = Ending::of(text, Place::new(Some(key), items), nodes, *style)?;
            return Ok(Self { manner, place: Placed::Items(ending), text: String::new() });
        }
        let manner = if json { manner } else { manner.yaml() };
        let place = Placed::Documents { json, ended: text.ends_with('\n') };
        Ok(Self { manner, place, text: String::new() })
    }

    /// Writes one more; gives its place in what is written.
    fn add(&mut self, map: &Value) -> Range<usize> {
        let start = self.text.len();
        let (out, manner) = (&mut self.text, &self.manner);
        match &self.place {
            Placed::Items(ending) => ending.append(out, manner, map),
            Placed::Documents { json, ended } => {
                if !ended {
                    out.push_str(manner.newline);
                }
                if !json {
                    out.push_str("---");
                    out.push_str(manner.newline);
                }
                manner.document(out, map);
                if *ended {
                    out.push_str(manner.newline);
                }
            }
        }
        start..out.len()
    }

    /// The text that it is for, with edits and with this.
    pub(super) fn put_into(self, text: &str, mut edits: Vec<Edit>) -> String {
        let at = match self.place {
            Placed::Items(ending) => ending.at,
            Placed::Documents { .. } => text.len(),
        };
        edits.push(Edit { range: at..at, text: self.text });
        edit::apply(text, &edits)
    }
}

/// The text without the ConfigMaps of injections that are gone, as far as nothing in it mounts them any more.
pub(super) fn remove(
    text: &str,
    name: &str,
    gone: &[Option<Injected>],
    templates: &[(String, String)],
) -> Result<String> {
    let names: BTreeSet<&str> =
        gone.iter().flatten().flat_map(|gone| [gone.config_map.as_str(), gone.plugin.as_str()]).collect();
    if names.is_empty() {
        return Ok(text.to_owned());
    }
    let documents = Document::all(text).map_err(|problem| Text::new(name, text).failure(&problem))?;
    let mounted = mounted(&documents, templates);
    let unused = |node: &Node<'_>| is_unused(node, &names, &mounted);
    if let Some((_, items)) = documents.first().and_then(resources) {
        let edits = unused_items(text, items, unused);
        return Ok(edit::apply(text, &edits));
    }
    let json = super::tree::json_values(text).is_some();
    let mut edits: Vec<Edit> = Vec::new();
    let mut index = 0;
    while let Some(document) = documents.get(index) {
        let run = documents.iter().skip(index).take_while(|document| unused(&document.root)).count();
        if let Some(last) = run.checked_sub(1).and_then(|more| documents.get(index + more)) {
            let start = if json { document.root.start } else { document.start };
            edits.push(Edit { range: whole(text, start, last.root.end), text: String::new() });
        }
        index += run.max(1);
    }
    Ok(edit::apply(text, &edits))
}

/// The lines of documents: with the break behind them or, at the end of a text that has none there, before them.
fn whole(text: &str, start: usize, end: usize) -> Range<usize> {
    let end = line_end(text, end);
    let rest = text.get(end..).unwrap_or_default();
    let newline = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    if newline == 0 {
        return lines(text, start, end);
    }
    // What comes first needs no mark before it.
    let next = rest.get(newline..).unwrap_or_default();
    let mark = ["---\n", "---\r\n"].into_iter().find(|mark| start == 0 && next.starts_with(mark));
    start..end + newline + mark.map_or(0, str::len)
}

/// The items of a `ResourceList`, with their key.
fn resources<'d, 'a>(document: &'d Document<'a>) -> Option<(&'d Node<'a>, &'d Node<'a>)> {
    let root = &document.root;
    let Data::Mapping(fields, _) = &root.data else { return None };
    (root.field("kind").and_then(Node::text) == Some("ResourceList"))
        .then(|| fields.iter().find(|(key, _)| key.text() == Some("items")))
        .flatten()
        .map(|(key, items)| (key, items))
}

fn unused_items(text: &str, items: &Node<'_>, unused: impl Fn(&Node<'_>) -> bool) -> Vec<Edit> {
    let Data::Sequence(nodes, style) = &items.data else { return Vec::new() };
    let gone = |(index, node): &(usize, &Node<'_>)| *index > 0 && unused(node);
    let edits = nodes.iter().enumerate().filter(gone).map(|(index, node)| {
        let before = nodes.get(index - 1).map_or(node.start, |before| before.end);
        let range = match style {
            Style::Flow => before..node.end,
            Style::Block => {
                let mut start = text.get(..node.start).unwrap_or_default().trim_end().len().saturating_sub(1);
                if !is_dash(text, start) {
                    start = node.start;
                }
                lines(text, start, node.end)
            }
        };
        Edit { range, text: String::new() }
    });
    edits.collect()
}

/// Whether it is a ConfigMap of ours of one of these names that nothing mounts.
fn is_unused(node: &Node<'_>, names: &BTreeSet<&str>, mounted: &BTreeSet<(String, String)>) -> bool {
    let field = |pointer: &str| node.at(pointer).and_then(Node::text);
    let (label, put_in) = (escaped(MANAGED_BY.0), escaped(PUT_IN));
    field("/kind") == Some("ConfigMap")
        && field(&format!("/metadata/labels/{label}")) == Some(MANAGED_BY.1)
        && (node.field("binaryData").is_none() || field(&format!("/metadata/annotations/{put_in}")).is_some())
        && field("/metadata/name").is_some_and(|name| {
            let namespace = field("/metadata/namespace").unwrap_or_default();
            names.contains(name) && !mounted.contains(&(namespace.to_owned(), name.to_owned()))
        })
}

/// Namespace and name of all ConfigMaps that pods of the text mount.
fn mounted(documents: &[Document<'_>], templates: &[(String, String)]) -> BTreeSet<(String, String)> {
    let all = Selection::all(templates);
    let Ok((found, _)) = workloads(documents, &all) else { return BTreeSet::new() };
    let mut mounted = BTreeSet::new();
    for found in found {
        let namespace = found.node().at("/metadata/namespace").and_then(Node::text).unwrap_or_default();
        let volumes = found.pod().at("/spec/volumes").map(Node::items).unwrap_or_default();
        for volume in volumes {
            if let Some(name) = volume.at("/configMap/name").and_then(Node::text) {
                mounted.insert((namespace.to_owned(), name.to_owned()));
            }
        }
    }
    mounted
}
