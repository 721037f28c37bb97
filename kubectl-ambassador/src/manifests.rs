//! Reads objects from manifests: YAML or JSON, several in a file, lists taken apart.

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::plan::{list, text};

/// All objects of a text, in order; `name` is what people are told it comes from.
pub(crate) fn read(name: &str, content: &str, objects: &mut Vec<Value>) -> Result<()> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(content).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    for document in documents {
        take_apart(document, objects);
    }
    Ok(())
}

fn take_apart(object: Value, objects: &mut Vec<Value>) {
    if text(&object, "/kind").ends_with("List") && object.get("items").is_some() {
        for item in list(&object, "/items") {
            take_apart(item.clone(), objects);
        }
    } else if object.is_object() {
        objects.push(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_object() {
        let mut objects = Vec::new();
        let text = "# nothing\n---\nkind: A\n---\n\n---\nkind: List\nitems: [{kind: B}, {kind: PodList, items: [{kind: C}]}]\n";
        read("a.yaml", text, &mut objects).unwrap();
        read("b.json", "{\"kind\": \"D\"}", &mut objects).unwrap();
        let kinds: Vec<&str> = objects.iter().map(text_of).collect();
        assert_eq!(kinds, ["A", "B", "C", "D"]);
        assert!(read("bad.yaml", "kind: [", &mut objects).unwrap_err().message().contains("bad.yaml: "));
    }

    fn text_of(object: &Value) -> &str {
        super::text(object, "/kind")
    }
}
