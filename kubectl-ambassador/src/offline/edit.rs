//! Makes the difference between two values of a pod as edits of the text that one of them stands in: what is the same in
//! both is never touched. What was put in is taken out again by the same rules, the other way round.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::ending::{Ending, behind_comments};
use super::problem::Problem;
use super::tree::{Data, Document, Node, Style, escaped};
use super::write::{Manner, column, line_start, margin};
use crate::annotation::Kept;

/// Some bytes of a text and what is to stand in their place.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// Carries out edits, in the order of their places.
pub(super) fn apply(text: &str, edits: &[Edit]) -> String {
    apply_within(text, 0..text.len(), edits.iter().collect())
}

/// The same to a part of a text, in which all of them begin.
pub(super) fn apply_within(text: &str, part: Range<usize>, mut edits: Vec<&Edit>) -> String {
    // What is put in at a place stands before what is taken out from there on; the rest keeps its order.
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(part.len() + added);
    let mut done = part.start;
    for edit in edits {
        out.push_str(text.get(done..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        done = edit.range.end.max(done);
    }
    out.push_str(text.get(done..part.end).unwrap_or_default());
    out
}

/// A value of the tree with the key that it stands behind.
#[derive(Clone, Copy)]
pub(super) struct Place<'n, 'a> {
    pub(super) key: Option<&'n Node<'a>>,
    pub(super) node: &'n Node<'a>,
}

impl<'n, 'a> Place<'n, 'a> {
    pub(super) fn new(key: Option<&'n Node<'a>>, node: &'n Node<'a>) -> Self {
        Self { key, node }
    }
}

/// Fields or items that stood together.
struct Removed {
    /// Their numbers.
    run: Range<usize>,
    /// Their bytes.
    range: Range<usize>,
}

/// Finds the edits.
pub(super) struct Editor<'e, 'a> {
    text: &'e str,
    document: &'e Document<'a>,
    manner: &'e Manner<'e>,
    /// What to put back, by pointers; none if the pod is being injected.
    restored: Option<&'e BTreeMap<String, Kept>>,
    /// Whether the edits are wanted, and not only what has to be remembered.
    writes: bool,
    pub(super) edits: Vec<Edit>,
    /// What has to be remembered, by pointers.
    pub(super) kept: BTreeMap<String, Kept>,
}

impl<'e, 'a> Editor<'e, 'a> {
    pub(super) fn new(
        text: &'e str,
        document: &'e Document<'a>,
        manner: &'e Manner<'e>,
        restored: Option<&'e BTreeMap<String, Kept>>,
    ) -> Self {
        Self { text, document, manner, restored, writes: true, edits: Vec::new(), kept: BTreeMap::new() }
    }

    /// Finds what has to be remembered alone: it becomes part of what the edits are to write.
    pub(super) fn only_looking(self) -> Self {
        Self { writes: false, ..self }
    }

    /// Makes `from`, which stands at `place`, into `to`.
    pub(super) fn run(mut self, place: Place<'_, 'a>, from: &Value, to: &Value) -> Result<Self, Problem> {
        self.change(place, from, to, "")?;
        Ok(self)
    }

    /// The same at a pointer of the pod.
    fn change(
        &mut self,
        place: Place<'_, 'a>,
        from: &Value,
        to: &Value,
        pointer: &str,
    ) -> Result<(), Problem> {
        if let Some(kept) = self.restored.and_then(|kept| kept.get(pointer)).filter(|kept| kept.is_value()) {
            let range = self.region(place)?;
            self.edits.push(Edit { range, text: kept.text.clone() });
            return Ok(());
        }
        if from == to {
            return Ok(());
        }
        let node = place.node;
        if matches!(node.data, Data::Alias(_)) || self.document.is_aliased(node) {
            return Err(Problem::new(node.start, "this is shared by an alias, so it cannot be changed for one pod alone")
                .hint("write it out where it is used, or let kubectl do so: kubectl create --dry-run=client -o yaml -f FILE"));
        }
        match (&node.data, from, to) {
            (Data::Mapping(fields, style), Value::Object(from), Value::Object(to))
                if !fields.is_empty() && !to.is_empty() =>
            {
                self.mapping(fields, *style, from, to, pointer)
            }
            (Data::Sequence(items, style), Value::Array(from), Value::Array(to))
                if !items.is_empty() && !to.is_empty() =>
            {
                self.sequence(place, items, *style, from, to, pointer)
            }
            _ => self.replace(place, to, pointer),
        }
    }

    /// Whether there can be something to do: what is to be put back may stand where two values are the same.
    fn concerns(&self, from: &Value, to: &Value) -> bool {
        self.restored.is_some_and(|kept| !kept.is_empty()) || from != to
    }

    fn mapping(
        &mut self,
        fields: &[(Node<'a>, Node<'a>)],
        style: Style,
        from: &Map<String, Value>,
        to: &Map<String, Value>,
        pointer: &str,
    ) -> Result<(), Problem> {
        for (key, value) in fields {
            let Some(name) = key.text() else { continue };
            if let (Some(from), Some(to)) = (from.get(name), to.get(name))
                && self.concerns(from, to)
            {
                let pointer = format!("{pointer}/{}", escaped(name));
                self.change(Place::new(Some(key), value), from, to, &pointer)?;
            }
        }
        let written = |name: &String| fields.iter().any(|(key, _)| key.text() == Some(name));
        if let Some(name) = from.iter().find(|(name, value)| !written(name) && to.get(*name) != Some(*value))
        {
            let start = fields.first().map_or(0, |(key, _)| key.start);
            let message = format!("`{}` comes from a merge key here, so it cannot be changed", name.0);
            return Err(Problem::new(start, message).hint("write it out in place of `<<`"));
        }
        self.remove_fields(fields, style, to, pointer)?;
        self.add_fields(fields, style, from, to, pointer);
        Ok(())
    }

    fn remove_fields(
        &mut self,
        fields: &[(Node<'a>, Node<'a>)],
        style: Style,
        to: &Map<String, Value>,
        pointer: &str,
    ) -> Result<(), Problem> {
        let name = |index: usize| fields.get(index).and_then(|(key, _)| key.text()).unwrap_or_default();
        let gone = |index: usize| !to.contains_key(name(index)) && name(index) != "<<";
        let range = |(key, value): &(Node<'a>, Node<'a>)| key.start..pair_end(self.text, key, value);
        let ranges: Vec<_> = fields.iter().map(range).collect();
        for Removed { run, range } in self.remove(&ranges, style, gone)? {
            if self.restored.is_none() {
                let text = self.text.get(range).unwrap_or_default().to_owned();
                let after = run.start.checked_sub(1).map(|before| name(before).to_owned());
                let before = if after.is_none() { Some(name(run.end).to_owned()) } else { None };
                let pointer = format!("{pointer}/{}", escaped(name(run.start)));
                self.kept.insert(pointer, Kept { text, after, before });
            }
        }
        Ok(())
    }

    /// Takes fields or items out that stand in some of these ranges; gives what went together, but for what went by whole
    /// lines, as it had come.
    fn remove(
        &mut self,
        ranges: &[Range<usize>],
        style: Style,
        gone: impl Fn(usize) -> bool,
    ) -> Result<Vec<Removed>, Problem> {
        let at = |index: usize| ranges.get(index).cloned().unwrap_or_default();
        let mut removed = Vec::new();
        for run in runs(ranges.len(), gone) {
            let has_lines = style == Style::Block && margin(self.text, at(run.start).start).is_some();
            if self.restored.is_some() && has_lines {
                let lines = run.map(|index| lines(self.text, at(index).start, at(index).end));
                self.edits.extend(lines.map(|range| Edit { range, text: String::new() }));
                continue;
            }
            let range = if run.start > 0 {
                let (last, own) = (at(run.start - 1).end, at(run.end - 1).end);
                match style {
                    Style::Flow => last..own,
                    Style::Block => line_end(self.text, last)..line_end(self.text, own),
                }
            } else if run.end < ranges.len() {
                at(0).start..at(run.end).start
            } else {
                return Err(Problem::new(at(0).start, "this cannot be emptied in place"));
            };
            self.edits.push(Edit { range: range.clone(), text: String::new() });
            removed.push(Removed { run, range });
        }
        Ok(removed)
    }

    fn add_fields(
        &mut self,
        fields: &[(Node<'a>, Node<'a>)],
        style: Style,
        from: &Map<String, Value>,
        to: &Map<String, Value>,
        pointer: &str,
    ) {
        let mut added = Vec::new();
        for (name, value) in to.iter().filter(|(name, _)| !from.contains_key(*name)) {
            let kept = self.restored.and_then(|kept| kept.get(&format!("{pointer}/{}", escaped(name))));
            match kept.and_then(|kept| Some((kept, self.place_of(kept, fields, style)?))) {
                Some((kept, at)) => self.edits.push(Edit { range: at..at, text: kept.text.clone() }),
                None => added.push((name, value)),
            }
        }
        let (Some((first, _)), Some((last_key, last))) = (fields.first(), fields.last()) else {
            return;
        };
        if added.is_empty() || !self.writes {
            return;
        }
        let mut text = String::new();
        let end = pair_end(self.text, last_key, last);
        let at = match style {
            Style::Block => {
                let indent = column(self.text, first.start);
                self.manner.line(&mut text, indent);
                self.manner.fields(&mut text, added, indent);
                behind_comments(self.text, line_end(self.text, end), indent)
            }
            Style::Flow => {
                let margin = margin(self.text, last_key.start);
                for (name, value) in added {
                    self.manner.separate(&mut text, margin);
                    self.manner.bracketed(&mut text, Some(name), value, margin);
                }
                end
            }
        };
        self.edits.push(Edit { range: at..at, text });
    }

    /// Where a field that was taken away stood.
    fn place_of(&self, kept: &Kept, fields: &[(Node<'a>, Node<'a>)], style: Style) -> Option<usize> {
        let find = |name: &str| fields.iter().find(|(key, _)| key.text() == Some(name));
        if let Some(before) = &kept.before {
            return find(before).map(|(key, _)| key.start);
        }
        let (key, value) = find(kept.after.as_ref()?)?;
        let end = pair_end(self.text, key, value);
        Some(if style == Style::Flow { end } else { line_end(self.text, end) })
    }

    fn sequence(
        &mut self,
        place: Place<'_, 'a>,
        items: &[Node<'a>],
        style: Style,
        from: &[Value],
        to: &[Value],
        pointer: &str,
    ) -> Result<(), Problem> {
        // Which item of the one becomes which of the other.
        let mut pairs: Vec<Option<usize>> = Vec::with_capacity(from.len());
        if from.len() == to.len() {
            pairs.extend((0..to.len()).map(Some));
        } else {
            let mut next = 0;
            for item in from {
                let found = to.iter().skip(next).position(|other| is_same(item, other)).map(|at| next + at);
                next = found.map_or(next, |found| found + 1);
                pairs.push(found);
            }
        }
        let kept: Vec<usize> = pairs.iter().copied().flatten().collect();
        let in_order = kept.iter().enumerate().all(|(at, found)| at == *found);
        let all_kept = kept.len() == from.len();
        if !in_order || kept.is_empty() || (!all_kept && self.restored.is_none()) {
            return self.replace(place, &Value::from(to), pointer);
        }
        for (index, ((item, from), pair)) in items.iter().zip(from).zip(&pairs).enumerate() {
            if let Some(to) = pair.and_then(|found| to.get(found))
                && self.concerns(from, to)
            {
                self.change(Place::new(None, item), from, to, &format!("{pointer}/{index}"))?;
            }
        }
        let start =
            |item: &Node<'a>| if style == Style::Block { self.dash_of(item.start) } else { item.start };
        let ranges: Vec<_> = items.iter().map(|item| start(item)..item.end).collect();
        self.remove(&ranges, style, |index| pairs.get(index).is_some_and(Option::is_none))?;
        let added = to.get(kept.len()..).unwrap_or_default();
        if !added.is_empty() && self.writes {
            let ending = Ending::of(self.text, place, items, style)?;
            let mut text = String::new();
            added.iter().for_each(|item| ending.append(&mut text, self.manner, item));
            self.edits.push(Edit { range: ending.at..ending.at, text });
        }
        Ok(())
    }

    /// Writes a value in place of another one.
    fn replace(&mut self, place: Place<'_, 'a>, to: &Value, pointer: &str) -> Result<(), Problem> {
        let range = self.region(place)?;
        if self.restored.is_none() {
            let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
            self.kept.insert(pointer.to_owned(), Kept { text, after: None, before: None });
        }
        if !self.writes {
            return Ok(());
        }
        let mut text = String::new();
        if place.key.is_some() {
            text.push(' ');
        }
        self.manner.flow(&mut text, to);
        self.edits.push(Edit { range, text });
        Ok(())
    }

    /// All that stands for a value: behind its key's colon, and so with its tag.
    fn region(&self, place: Place<'_, 'a>) -> Result<Range<usize>, Problem> {
        let Some(key) = place.key else { return Ok(place.node.start..place.node.end) };
        let start = behind_colon(self.text, key.end).ok_or_else(|| {
            Problem::new(key.start, "this cannot be changed in place")
                .hint("write the key and its value as `key: value`")
        })?;
        Ok(start..place.node.end.max(start))
    }

    /// The dash before an item.
    fn dash_of(&self, item: usize) -> usize {
        let before = self.text.get(..item).unwrap_or_default();
        let trimmed = before.trim_end_matches([' ', '\t', '\r', '\n']);
        if trimmed.ends_with('-') { trimmed.len() - 1 } else { item }
    }
}

fn behind_colon(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest.get(blanks..)?.starts_with(':').then_some(at + blanks + 1)
}

/// Where a field ends; with the colon, if its value is left out.
fn pair_end(text: &str, key: &Node<'_>, value: &Node<'_>) -> usize {
    if value.end > key.end { value.end } else { behind_colon(text, key.end).unwrap_or(key.end) }
}

/// Where the line of `at` ends, its break left out.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    at + line.strip_suffix('\r').filter(|_| line.len() < rest.len()).unwrap_or(line).len()
}

/// The lines from that of `start` to that of `end`, with the break before them; with the one behind them where they are
/// the first ones.
pub(super) fn lines(text: &str, start: usize, end: usize) -> Range<usize> {
    let start = line_start(text, start);
    let end = line_end(text, end);
    let before = text.get(..start).unwrap_or_default();
    if let Some(rest) = before.strip_suffix('\n') {
        return rest.strip_suffix('\r').unwrap_or(rest).len()..end;
    }
    let after = text.get(end..).unwrap_or_default();
    let newline = if after.starts_with("\r\n") { 2 } else { usize::from(after.starts_with('\n')) };
    start..end + newline
}

/// Runs of neighbours.
fn runs(count: usize, is_in: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in (0..count).filter(|index| is_in(*index)) {
        match runs.last_mut() {
            Some(run) if run.end == index => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}

/// Whether two items of lists are the same thing, perhaps changed: Kubernetes knows most by their names.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.get("name"), other.get("name")) {
        (Some(name), Some(other)) => name == other,
        _ => one == other,
    }
}
