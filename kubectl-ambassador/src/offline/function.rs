//! A KRM function (Kubernetes Resource Model functions specification, v1): a `ResourceList` comes in with the objects and
//! with what is to be done, and goes out with the objects changed, or with results that say why not.

use serde_json::{Map, Value, json};

use super::edit::{self, Editor, Place};
use super::problem::{Problem, Text};
use super::tree::{Document, Node};
use super::write::Manner;
use crate::failure::{Failure, Result};
use crate::findings::{Finding, Severity};

/// Whether a text is the input of a function.
pub(crate) fn is_function(text: &str) -> bool {
    // Documents are read only where the word is.
    text.contains("ResourceList")
        && Document::all(text).is_ok_and(|documents| match documents.as_slice() {
            [document] => document.root.field("kind").and_then(Node::text) == Some("ResourceList"),
            _ => false,
        })
}

/// What a function is to do.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The text of an ambassador.yaml.
    pub(crate) config: Option<String>,
    /// Flags of the command, by their long names without dashes.
    pub(crate) flags: Map<String, Value>,
}

/// Reads `functionConfig`: an Ambassador as it is, or an object whose `data` (a ConfigMap's) or `spec` has flags by
/// name; a text `config` in it is an ambassador.yaml.
pub(crate) fn request(text: &str) -> Result<Request> {
    let documents = Document::all(text).map_err(|problem| Text::new("stdin", text).failure(&problem))?;
    let Some(document) = documents.first() else { return Ok(Request::default()) };
    let Some(config) = document.root.field("functionConfig") else { return Ok(Request::default()) };
    let mut value = document.value(config);
    if value["kind"] == ambassador_core::config::KIND {
        // What kustomize adds to find the function is none of the config's fields.
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| key == "name");
        }
        let yaml = serde_saphyr::to_string(&value)
            .map_err(|error| Failure::unchanged(format!("cannot write the config: {error}")))?;
        return Ok(Request { config: Some(yaml), flags: Map::new() });
    }
    let mut flags = ["data", "spec"]
        .iter()
        .find_map(|key| value.get(*key).and_then(Value::as_object).cloned())
        .unwrap_or_default();
    let config = flags.shift_remove("config").and_then(|config| config.as_str().map(str::to_owned));
    Ok(Request { config, flags })
}

/// The list that came in with the reason why it goes out as it is.
pub(crate) fn report(text: &str, failure: &Failure) -> String {
    let documents = Document::all(text).unwrap_or_default();
    let mut list = documents.first().map(|document| document.value(&document.root)).unwrap_or_default();
    let message = match failure.hint_text() {
        Some(hint) => format!("{}\nhint: {hint}", failure.message()),
        None => failure.message().to_owned(),
    };
    list["results"] = json!([{"message": message, "severity": "error"}]);
    serde_saphyr::to_string(&list).unwrap_or_default()
}

/// A list that goes out, with what was found about its objects as results, behind those that it has.
pub(crate) fn with_results(text: &str, findings: &[Finding]) -> Result<String> {
    let wrong = |problem: Problem| Text::new("stdin", text).failure(&problem);
    let documents = Document::all(text).map_err(wrong)?;
    let told = findings.iter().filter(|finding| finding.severity <= Severity::Warning).map(result);
    let (told, Some(document)) = (told.collect::<Vec<_>>(), documents.first()) else {
        return Ok(text.to_owned());
    };
    if told.is_empty() {
        return Ok(text.to_owned());
    }
    let from = document.value(&document.root);
    let mut to = from.clone();
    match to.get_mut("results").and_then(Value::as_array_mut) {
        Some(results) => results.extend(told),
        None => to["results"] = Value::from(told),
    }
    let manner = Manner::of(text, document);
    let editor = Editor::new(text, document, &manner, None);
    let edits = editor.run(Place::new(None, &document.root), &from, &to).map_err(wrong)?.edits;
    Ok(edit::apply(text, &edits))
}

/// As the specification has it; the object by what it is called, the code among the tags.
fn result(finding: &Finding) -> Value {
    json!({
        "message": format!("{}: {}", finding.object, finding.message),
        "severity": "warning",
        "tags": {"code": finding.code.to_string()},
    })
}
