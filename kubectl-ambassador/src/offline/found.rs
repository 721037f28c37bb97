//! The workloads in a text, those in lists among them, and which of them a person means.

use serde_json::{Value, json};

use super::labels::Labels;
use super::problem::Problem;
use super::shown_name;
use super::tree::{Document, Node};
use crate::failure::{Failure, Result};
use crate::workload::Kind;

/// What of a text is meant: all, if nothing is named or selected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Names, each with a type or of whatever type has it.
    pub(crate) named: Vec<(Option<String>, String)>,
    /// These types only; all, if there are none.
    pub(crate) types: Vec<String>,
    labels: Labels,
    /// Where kinds that Kubernetes does not bring have their pod template: `rollouts.argoproj.io` and a JSON pointer.
    pub(crate) templates: Vec<(String, String)>,
}

/// A workload in a text.
pub(super) struct Found<'d, 'a> {
    /// The number of its document.
    pub(super) document: usize,
    object: Object<'d, 'a>,
    /// JSON pointer of the pod in the object.
    pub(super) template: String,
    /// JSON pointer of the pod in the document.
    pub(super) pointer: String,
    /// The key that the pod stands behind.
    pub(super) key: Option<&'d Node<'a>>,
    pod: &'d Node<'a>,
    /// What people know it as: `deployment/web`.
    pub(super) shown: String,
}

impl<'d, 'a> Found<'d, 'a> {
    /// The object.
    pub(super) fn node(&self) -> &'d Node<'a> {
        self.object.node
    }

    /// What has the pod's metadata and spec.
    pub(super) fn pod(&self) -> &'d Node<'a> {
        self.pod
    }

    /// The object as a value.
    pub(super) fn object(&self, document: &Document<'_>) -> Value {
        self.object.value(document)
    }
}

impl Selection {
    /// All workloads of a text.
    pub(crate) fn all(templates: &[(String, String)]) -> Self {
        Self { templates: templates.to_vec(), ..Self::default() }
    }

    /// The same, of those with labels that this selects.
    pub(crate) fn with_labels(self, selector: &str) -> Result<Self> {
        Ok(Self { labels: Labels::parse(selector)?, ..self })
    }

    fn means(&self, kind: &str, version: &str, node: &Node<'_>) -> bool {
        let name = shown_name(node);
        let is_named =
            |(word, wanted): &(Option<String>, String)| is_this(word.as_deref(), wanted, version, kind, name);
        (self.named.is_empty() || self.named.iter().any(is_named))
            && (self.types.is_empty() || self.types.iter().any(|word| is_kind(word, version, kind)))
            && self.labels.match_object(node)
    }

    /// The object as a workload, if it is one that is meant; a note, if it only looks like one.
    fn choose<'d, 'a>(
        &self,
        document: usize,
        object: Object<'d, 'a>,
        notes: &mut Vec<String>,
    ) -> std::result::Result<Option<Found<'d, 'a>>, Problem> {
        let Object { node, version, kind, .. } = object;
        let Some(template) = self.template(version, kind) else {
            if node.at("/spec/template/spec/containers").is_some() {
                let (kind, name) = (kind.to_ascii_lowercase(), shown_name(node));
                let group = version.rsplit_once('/').map_or("", |(group, _)| group);
                notes.push(format!(
                    "{kind}/{name} looks like a workload, and stays as it is: --pod-template-path {kind}s.{group}=/spec/template injects it"
                ));
            }
            return Ok(None);
        };
        if !self.means(kind, version, node) {
            return Ok(None);
        }
        let shown = format!("{}/{}", kind.to_ascii_lowercase(), shown_name(node));
        let Some((key, pod)) = pod(node, &template) else {
            return Err(Problem::new(node.start, format!("{shown} has no pod template at {template}"))
                .hint("say where it is: --pod-template-path KIND.GROUP=/spec/template"));
        };
        let pointer = format!("{}{template}", object.pointer);
        Ok(Some(Found { document, object, template, pointer, key, pod, shown }))
    }

    /// Where the pod template of a kind is.
    fn template(&self, version: &str, kind: &str) -> Option<String> {
        let known = Kind::of(&json!({"apiVersion": version, "kind": kind}));
        known.map(|kind| kind.template.to_owned()).or_else(|| {
            let named = |word: &str| is_kind(word, version, kind);
            self.templates.iter().find(|(word, _)| named(word)).map(|(_, pointer)| pointer.clone())
        })
    }

    /// Refuses names that nothing in the text has.
    pub(super) fn refuse_missing(&self, name: &str, found: &[Found<'_, '_>]) -> Result<()> {
        let missing = self.named.iter().find(|(word, wanted)| {
            !found.iter().any(|found| {
                let Object { node, version, kind, .. } = &found.object;
                is_this(word.as_deref(), wanted, version, kind, shown_name(node))
            })
        });
        match missing {
            Some((word, wanted)) => {
                let word = word.as_ref().map_or(String::new(), |word| format!("{word}/"));
                Err(Failure::usage(format!("{name} has no workload {word}{wanted}"))
                    .hint("without a name, all workloads of a file are meant"))
            }
            None => Ok(()),
        }
    }
}

fn is_this(word: Option<&str>, wanted: &str, version: &str, kind: &str, name: &str) -> bool {
    wanted == name && word.is_none_or(|word| is_kind(word, version, kind))
}

/// Whether a person's word, such as `deploy` or `rollouts.argoproj.io`, means this kind.
fn is_kind(word: &str, version: &str, kind: &str) -> bool {
    let object = json!({"apiVersion": version, "kind": kind});
    if let (Some(known), Some(meant)) = (Kind::of(&object), Kind::named(word)) {
        return known == meant;
    }
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    let (name, of_group) = word.split_once('.').map_or((word, None), |(name, group)| (name, Some(group)));
    let (name, kind) = (name.to_ascii_lowercase(), kind.to_ascii_lowercase());
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"));
    of_group.is_none_or(|wanted| wanted == group)
        && (name == kind || name == plural || name == format!("{kind}es"))
}

/// An object in a text, lists taken apart.
pub(super) struct Object<'d, 'a> {
    pub(super) node: &'d Node<'a>,
    /// JSON pointer in its document.
    pointer: String,
    /// What it says of itself, or its list does.
    version: &'d str,
    pub(super) kind: &'d str,
}

impl Object<'_, '_> {
    /// As a value; the items of a typed list need not say what they are.
    pub(super) fn value(&self, document: &Document<'_>) -> Value {
        let mut object = document.value(self.node);
        if let Value::Object(fields) = &mut object {
            fields.entry("apiVersion").or_insert_with(|| Value::from(self.version));
            fields.entry("kind").or_insert_with(|| Value::from(self.kind));
        }
        object
    }
}

/// Gives all objects of a document, in their order.
pub(super) fn each_object<'d, 'a>(root: &'d Node<'a>, give: &mut dyn FnMut(Object<'d, 'a>)) {
    walk(root, String::new(), ("", ""), give);
}

fn walk<'d, 'a>(
    node: &'d Node<'a>,
    pointer: String,
    (version, kind): (&'d str, &'d str),
    give: &mut dyn FnMut(Object<'d, 'a>),
) {
    let field = |name: &str| node.field(name).and_then(Node::text);
    let (version, kind) = (field("apiVersion").unwrap_or(version), field("kind").unwrap_or(kind));
    if kind.is_empty() {
        return;
    }
    if let (Some(of), Some(items)) = (list_of(kind), node.field("items")) {
        for (index, item) in items.items().iter().enumerate() {
            walk(item, format!("{pointer}/items/{index}"), (version, of), give);
        }
        return;
    }
    give(Object { node, pointer, version, kind });
}

/// The workloads that are meant, and what is to be said of what looks like one.
pub(super) fn workloads<'d, 'a>(
    documents: &'d [Document<'a>],
    selection: &Selection,
) -> std::result::Result<(Vec<Found<'d, 'a>>, Vec<String>), Problem> {
    let (mut found, mut notes, mut problem) = (Vec::new(), Vec::new(), None);
    for (index, document) in documents.iter().enumerate() {
        each_object(&document.root, &mut |object| match selection.choose(index, object, &mut notes) {
            Ok(workload) => found.extend(workload),
            Err(wrong) => problem = problem.take().or(Some(wrong)),
        });
    }
    problem.map_or(Ok((found, notes)), Err)
}

/// The kind of a list's items, as far as the list's own kind says it.
fn list_of(kind: &str) -> Option<&str> {
    if kind == "ResourceList" { Some("") } else { kind.strip_suffix("List") }
}

/// The pod and the key that it stands behind. What an alias stands for is no place to write to.
fn pod<'d, 'a>(node: &'d Node<'a>, template: &str) -> Option<(Option<&'d Node<'a>>, &'d Node<'a>)> {
    template.split('/').skip(1).try_fold((None, node), |(_, node), step| {
        let super::tree::Data::Mapping(fields, _) = &node.data else { return None };
        let name = super::tree::unescaped(step);
        fields.iter().find(|(key, _)| key.text() == Some(&name)).map(|(key, value)| (Some(key), value))
    })
}
