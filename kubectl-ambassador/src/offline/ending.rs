//! Where a list can be made longer, and how.

use serde_json::Value;

use super::edit::{Place, line_end};
use super::problem::Problem;
use super::tree::{Node, Style};
use super::write::{self, Manner, column, margin};

/// Where a list ends, and how its items stand.
pub(super) struct Ending<'t> {
    pub(super) at: usize,
    items: Items<'t>,
}

enum Items<'t> {
    /// With dashes in this column.
    Dashes(usize),
    /// In brackets, each on a line of its own that this begins, or all in one.
    Brackets(Option<&'t str>),
}

impl<'t> Ending<'t> {
    pub(super) fn of(
        text: &'t str,
        place: Place<'_, '_>,
        items: &[Node<'_>],
        style: Style,
    ) -> Result<Self, Problem> {
        let Some(last) = items.last() else { return Err(Problem::new(place.node.start, "an empty list")) };
        if style == Style::Flow {
            return Ok(Self { at: last.end, items: Items::Brackets(margin(text, last.start)) });
        }
        let indent = match place.key {
            _ if write::is_dash(text, place.node.start) => column(text, place.node.start),
            Some(key) => column(text, key.start),
            None => {
                return Err(Problem::new(place.node.start, "this list cannot be made longer in place"));
            }
        };
        let at = behind_comments(text, line_end(text, last.end), indent + 1);
        Ok(Self { at, items: Items::Dashes(indent) })
    }

    /// Writes one more item.
    pub(super) fn append(&self, out: &mut String, manner: &Manner<'_>, item: &Value) {
        match self.items {
            Items::Dashes(indent) => {
                manner.line(out, indent);
                manner.item(out, item, indent);
            }
            Items::Brackets(margin) => {
                manner.separate(out, margin);
                manner.bracketed(out, None, item, margin);
            }
        }
    }
}

/// Comments that follow and are indented so far belong to what stands before.
pub(super) fn behind_comments(text: &str, mut at: usize, indent: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(next) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) else { return at };
        let comment = next.trim_start_matches(' ');
        if !comment.starts_with('#') || next.len() - comment.len() < indent {
            return at;
        }
        at = line_end(text, text.len() - comment.len());
    }
}
