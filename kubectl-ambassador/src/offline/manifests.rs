//! A text of manifests that was read: its documents, the objects in them, and where they stand. The one reader of manifests,
//! for pipes and for `check -f`.

use serde_json::Value;

use super::found::{self, Found, Selection};
use super::problem::{Problem, Text};
use super::tree::Document;
use crate::failure::Result;
use crate::findings::Neighbours;

/// A text with its documents.
pub(crate) struct Manifests<'t> {
    pub(super) text: Text<'t>,
    pub(super) documents: Vec<Document<'t>>,
}

/// Something in manifests that makes pods.
pub(crate) struct Workload {
    pub(crate) object: Value,
    /// JSON pointer of the pod in it.
    pub(crate) template: String,
    /// What people know it as: `deployment/web`.
    pub(crate) shown: String,
    /// Where it stands: file, line and column.
    pub(crate) place: String,
}

impl<'t> Manifests<'t> {
    /// Reads a text, which people know as `name`.
    pub(crate) fn read(name: &'t str, text: &'t str) -> Result<Self> {
        let text = Text::new(name, text);
        match Document::all(text.content) {
            Ok(documents) => Ok(Self { text, documents }),
            Err(problem) => Err(text.failure(&problem)),
        }
    }

    /// Tells of all objects that can matter to others.
    pub(crate) fn introduce(&self, neighbours: &mut Neighbours) {
        for document in &self.documents {
            found::each_object(&document.root, &mut |object| {
                if Neighbours::wants(object.kind) {
                    neighbours.add(object.value(document));
                }
            });
        }
    }

    /// What in it makes pods and is meant, and what is to be said of what looks so.
    pub(crate) fn workloads(&self, selection: &Selection) -> Result<(Vec<Workload>, Vec<String>)> {
        let (found, notes) = self.find(selection)?;
        let workload = |found: &Found<'_, '_>| {
            let document = self.documents.get(found.document)?;
            Some(Workload {
                object: found.object(document),
                template: found.template.clone(),
                shown: found.shown.clone(),
                place: self.text.place(found.node().start),
            })
        };
        Ok((found.iter().filter_map(workload).collect(), notes))
    }

    pub(super) fn find(&self, selection: &Selection) -> Result<(Vec<Found<'_, 't>>, Vec<String>)> {
        let (found, notes) =
            found::workloads(&self.documents, selection).map_err(|problem| self.text.failure(&problem))?;
        selection.refuse_missing(self.text.name, &found)?;
        Ok((found, notes))
    }

    /// Ends by all that is wrong, if something is.
    pub(super) fn refuse(&self, problems: &[Problem]) -> Result<()> {
        if problems.is_empty() { Ok(()) } else { Err(self.text.refused(problems)) }
    }
}
