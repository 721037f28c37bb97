//! YAML and JSON as a tree that keeps where each value stands in the text. What it reads is never written again: edits
//! are made in the text, at the places that the tree knows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use serde_json::{Map, Value};

use super::problem::Problem;
use super::scalar;

/// How many scalars, and beginnings and ends of collections, a text may have: ten thousand objects have about a million.
/// Each takes up to 100 bytes here, and can be written in one.
const MOST: usize = 20_000_000;
/// How many values the aliases of one document may stand for.
const MOST_BY_ALIASES: usize = 100_000;

/// A value and its place. Bytes are counted from the beginning of the whole text.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// Its first byte; that of its first key or item in block style.
    pub(super) start: usize,
    /// The byte after its last one, without line break and comment.
    pub(super) end: usize,
    /// The number of its anchor; 0 for none.
    pub(super) anchor: usize,
    pub(super) data: Data<'a>,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum Data<'a> {
    Scalar(Cow<'a, str>, Kind),
    Sequence(Vec<Node<'a>>, Style),
    Mapping(Vec<(Node<'a>, Node<'a>)>, Style),
    /// The number of an anchor.
    Alias(usize),
}

/// What the type of a scalar follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// How it is spelled.
    Plain,
    /// It is text: quoted, a block, or tagged so.
    Text,
}

/// How a collection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// By indentation.
    Block,
    /// In brackets, as all of JSON is.
    Flow,
}

/// One document of a text.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// Where it begins: at its `---`, if it has one.
    pub(super) start: usize,
    /// Its value.
    pub(super) root: Node<'a>,
    /// The numbers of anchors that aliases lead to.
    aliased: BTreeSet<usize>,
    /// The values of those.
    anchored: BTreeMap<usize, Value>,
}

impl<'a> Document<'a> {
    /// All documents of a text: YAML, or JSON values one after the other, as `jq` and `kubectl` print them.
    pub(super) fn all(text: &'a str) -> Result<Vec<Self>, Problem> {
        Self::all_within(text, MOST)
    }

    fn all_within(text: &'a str, mut room: usize) -> Result<Vec<Self>, Problem> {
        let mut documents = Vec::new();
        match json_values(text) {
            Some(ends) => {
                let mut start = 0;
                for end in ends {
                    read(text.get(start..end).unwrap_or_default(), start, &mut documents, &mut room)?;
                    start = end;
                }
            }
            None => read(text, 0, &mut documents, &mut room)?,
        }
        Ok(documents)
    }

    /// Whether an alias leads to this node, so that a change of it would be one elsewhere too.
    pub(super) fn is_aliased(&self, node: &Node<'_>) -> bool {
        node.anchor != 0 && self.aliased.contains(&node.anchor)
    }

    /// The value of a node of this document, with aliases followed and merge keys merged, as kubectl reads it.
    pub(super) fn value(&self, node: &Node<'_>) -> Value {
        value(node, &self.anchored)
    }
}

impl Node<'_> {
    /// The field of that name in a mapping, as it is written there: what a merge key brings is none.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Data::Mapping(fields, _) = &self.data else { return None };
        fields.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// The items of a sequence.
    pub(super) fn items(&self) -> &[Self] {
        if let Data::Sequence(items, _) = &self.data { items } else { &[] }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        if let Data::Scalar(text, _) = &self.data { Some(text) } else { None }
    }

    /// The node at a JSON pointer, as far as it is written there.
    pub(super) fn at(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |node, step| match &node.data {
            Data::Sequence(items, _) => step.parse().ok().and_then(|index: usize| items.get(index)),
            _ => node.field(&unescaped(step)),
        })
    }
}

/// A step of a JSON pointer as the key that it means (RFC 6901, section 4).
pub(super) fn unescaped(step: &str) -> Cow<'_, str> {
    if step.contains('~') { step.replace("~1", "/").replace("~0", "~").into() } else { step.into() }
}

/// A key as a step of a JSON pointer.
pub(super) fn escaped(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// Where the values of a text that is JSON all through end; `None` if it is something else.
pub(super) fn json_values(text: &str) -> Option<Vec<usize>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    let mut ends = Vec::new();
    while let Some(value) = values.next() {
        value.ok()?;
        ends.push(values.byte_offset());
    }
    Some(ends)
}

/// Reads the documents of a text that begins at `base`, as far as there is room for what they have.
fn read<'a>(
    text: &'a str,
    base: usize,
    documents: &mut Vec<Document<'a>>,
    room: &mut usize,
) -> Result<(), Problem> {
    let options = granit_parser::options! { emit_comments: false, block_scalar_eof_without_line_feed: true };
    let mut reader = Reader {
        text,
        base,
        open: Vec::new(),
        aliased: BTreeSet::new(),
        anchored: BTreeMap::new(),
        by_aliases: 0,
    };
    let mut start = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let at = base + error.marker().byte_offset().unwrap_or_default();
            Problem::new(at, error.info()).hint_about_tabs(text, at - base)
        })?;
        let range = span.byte_range().unwrap_or_default();
        let (from, to) = (base + range.start, base + range.end);
        *room = room.checked_sub(1).ok_or_else(|| {
            Problem::new(from, "what stands before this is as much as can be read at a time")
                .hint("split it into several files, and give them one by one")
        })?;
        let done = match event {
            Event::DocumentStart(..) => {
                start = from;
                None
            }
            Event::Scalar(content, style, anchor, tag) => {
                let kind = match (style, &tag) {
                    (ScalarStyle::Plain, None) => Kind::Plain,
                    (ScalarStyle::Plain, Some(tag)) if !tag.is_yaml_core_schema_tag("str") => Kind::Plain,
                    _ => Kind::Text,
                };
                // granit reads nothing as `~`.
                let content = if from == to && kind == Kind::Plain { Cow::Borrowed("") } else { content };
                let end = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => reader.end_of_block(from, to, &content),
                    _ => to,
                };
                reader.add(Node { start: from, end, anchor, data: Data::Scalar(content, kind) })?
            }
            Event::Alias(anchor) => {
                reader.aliased.insert(anchor);
                reader.add(Node { start: from, end: to, anchor: 0, data: Data::Alias(anchor) })?
            }
            Event::SequenceStart(style, anchor, _) => {
                reader.open(from, anchor, Data::Sequence(Vec::new(), style_of(style)))?
            }
            Event::MappingStart(style, anchor, _) => {
                reader.open(from, anchor, Data::Mapping(Vec::new(), style_of(style)))?
            }
            Event::SequenceEnd | Event::MappingEnd => reader.close(to)?,
            _ => None,
        };
        if let Some(root) = done {
            let aliased = std::mem::take(&mut reader.aliased);
            let anchored = std::mem::take(&mut reader.anchored);
            reader.by_aliases = 0;
            documents.push(Document { start, root, aliased, anchored });
        }
    }
    Ok(())
}

fn style_of(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}

/// Makes nodes of events.
struct Reader<'a> {
    text: &'a str,
    base: usize,
    /// Collections that have begun, each with the key that waits for its value.
    open: Vec<(Node<'a>, Option<Node<'a>>)>,
    aliased: BTreeSet<usize>,
    anchored: BTreeMap<usize, Value>,
    /// How many values the aliases of this document stand for so far.
    by_aliases: usize,
}

impl<'a> Reader<'a> {
    fn open(&mut self, start: usize, anchor: usize, data: Data<'a>) -> Result<Option<Node<'a>>, Problem> {
        let at = start - self.base;
        let line = self.text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let is_block = matches!(data, Data::Mapping(_, Style::Block) | Data::Sequence(_, Style::Block));
        if is_block && line.starts_with('\t') {
            return Err(Problem::new(start - line.len(), "a tab where YAML indents").hint_about_tabs("\t", 1));
        }
        self.open.push((Node { start, end: start, anchor, data }, None));
        Ok(None)
    }

    fn close(&mut self, end: usize) -> Result<Option<Node<'a>>, Problem> {
        let Some((mut node, _)) = self.open.pop() else { return Ok(None) };
        if let Data::Mapping(fields, _) = &node.data {
            refuse_second(fields)?;
        }
        node.end = match &node.data {
            Data::Sequence(items, Style::Block) => items.last().map_or(end, |item| item.end),
            Data::Mapping(fields, Style::Block) => {
                fields.last().map_or(end, |(key, value)| value.end.max(key.end))
            }
            _ => end,
        };
        self.add(node)
    }

    /// Puts a node where it belongs; gives it back if that is nowhere: it is the document.
    fn add(&mut self, node: Node<'a>) -> Result<Option<Node<'a>>, Problem> {
        if node.anchor != 0 {
            let value = value(&node, &self.anchored);
            self.anchored.insert(node.anchor, value);
        }
        if let Data::Alias(anchor) = &node.data {
            self.by_aliases += self.anchored.get(anchor).map_or(0, size);
            if self.by_aliases > MOST_BY_ALIASES {
                return Err(Problem::new(node.start, "this alias stands for too much"));
            }
        }
        let Some((parent, key)) = self.open.last_mut() else { return Ok(Some(node)) };
        match &mut parent.data {
            Data::Sequence(items, _) => items.push(node),
            Data::Mapping(fields, _) => match key.take() {
                Some(key) => fields.push((key, node)),
                None => *key = Some(node),
            },
            Data::Scalar(..) | Data::Alias(_) => {}
        }
        Ok(None)
    }

    /// The span of a block scalar goes on to what comes next; blank lines are content only where it keeps them.
    fn end_of_block(&self, start: usize, end: usize, content: &str) -> usize {
        let text = self.text.get(start - self.base..end - self.base).unwrap_or_default();
        let keeps = content.ends_with("\n\n") || content == "\n";
        let kept = if keeps {
            let text = text.strip_suffix('\n').unwrap_or(text);
            text.strip_suffix('\r').unwrap_or(text)
        } else {
            text.trim_end_matches(['\r', '\n', ' '])
        };
        start + kept.len()
    }
}

/// Refuses a key that a mapping has twice: one reader takes the first, another the last.
fn refuse_second(fields: &[(Node<'_>, Node<'_>)]) -> Result<(), Problem> {
    let keys = fields.iter().filter_map(|(key, _)| Some((key, key.text().filter(|text| *text != "<<")?)));
    let mut seen = HashSet::new();
    for (index, (key, text)) in keys.enumerate() {
        // Most mappings are small, where looking through them costs less than a set.
        let twice = if fields.len() <= 16 {
            fields.iter().take(index).any(|(other, _)| other.start < key.start && other.text() == Some(text))
        } else {
            !seen.insert(text)
        };
        if twice {
            return Err(Problem::new(key.start, format!("`{}` is there twice", text.escape_debug())));
        }
    }
    Ok(())
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 1,
        Value::Object(fields) => fields.values().map(size).sum::<usize>() + 1,
        _ => 1,
    }
}

fn value(node: &Node<'_>, anchored: &BTreeMap<usize, Value>) -> Value {
    match &node.data {
        Data::Scalar(text, Kind::Text) => Value::from(text.as_ref()),
        Data::Scalar(text, Kind::Plain) => scalar::read(text),
        Data::Alias(anchor) => anchored.get(anchor).cloned().unwrap_or_default(),
        Data::Sequence(items, _) => items.iter().map(|item| value(item, anchored)).collect(),
        Data::Mapping(fields, _) => {
            let mut object = Map::new();
            for (key, field) in fields {
                let name = key.text().unwrap_or_default();
                if name == "<<" {
                    merge(&mut object, value(field, anchored));
                } else {
                    object.insert(name.to_owned(), value(field, anchored));
                }
            }
            Value::Object(object)
        }
    }
}

/// What is written in the mapping itself wins, wherever it stands.
fn merge(object: &mut Map<String, Value>, merged: Value) {
    match merged {
        Value::Object(fields) => {
            for (key, value) in fields {
                object.entry(key).or_insert(value);
            }
        }
        Value::Array(items) => items.into_iter().for_each(|item| merge(object, item)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Text;
    use super::*;

    #[test]
    fn a_text_is_read_as_far_as_there_is_room() {
        let text = "a: 1\n---\nb: [2]\n";
        let reads = |room: &usize| Document::all_within(text, *room).is_ok();
        let needed = (0..99).find(reads).unwrap();
        assert_eq!(needed, 16);
        let problem = Document::all_within(text, needed - 6).unwrap_err();
        assert_eq!(Text::new("f", text).place(problem.at()), "f:3:4");
    }
}
