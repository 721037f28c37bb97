//! Reads `ambassador.yaml` and finds all its problems at once, each with its place in the text.

use std::ops::Range;
use std::rc::Rc;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

use super::{Config, json_schema, schema};
use crate::Ambassador;
use crate::problem::{Path, Problem, Step};

/// The largest text that is read: a config must fit into a ConfigMap with all that is rendered from it.
const LARGEST: usize = 512 << 10;
/// The deepest nesting that is read; a config needs six. The loader recurses, so this is known before it runs.
const DEEPEST: usize = 64;

/// A problem with its place in the text it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What is wrong.
    pub problem: Problem,
    /// The bytes of the text that are meant.
    pub range: Range<usize>,
    /// Where `range` could not be narrowed to the bytes within a value, because quoting or folding changed them:
    /// the value itself, and the bytes within it.
    pub within: Option<(String, Range<usize>)>,
}

/// What a text holds: the config as it was written, and what it means.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// As written, for the filter and for rendering.
    pub config: Config,
    /// Checked and compiled; configs that differ by their name alone share it.
    pub ambassador: Rc<Ambassador>,
}

/// Reads, checks and compiles a config, or says all that is wrong with it.
pub fn load(text: &str) -> Result<Loaded, Vec<Located>> {
    let root = parse(text)?;
    let source = Source::new(text, &root);
    let value = to_json(&root);
    let problems = schema::check(&value, &json_schema());
    if !problems.is_empty() {
        return Err(source.locate_all(problems));
    }
    let config = Config::from_json(value.to_string().as_bytes())
        .map_err(|problem| source.locate_all(vec![problem]))?;
    match Ambassador::new(&config) {
        Ok(ambassador) => Ok(Loaded { config, ambassador: Rc::new(ambassador) }),
        Err(problems) => Err(source.locate_all(problems)),
    }
}

/// Finds the places of problems that are others' to find: of a config that [is good](load) for itself.
pub fn locate(text: &str, problems: Vec<Problem>) -> Vec<Located> {
    match parse(text) {
        Ok(root) => Source::new(text, &root).locate_all(problems),
        Err(located) => located,
    }
}

fn parse(text: &str) -> Result<MarkedYaml<'_>, Vec<Located>> {
    let whole = |message: &str, range: Range<usize>| {
        vec![Located { problem: Problem::new(&Path::root(), message), range, within: None }]
    };
    if text.len() > LARGEST {
        return Err(whole("this config is larger than 512KiB", 0..0));
    }
    if let Some(start) = too_deep(text) {
        return Err(whole(&format!("nested more than {DEEPEST} levels deep"), start..start));
    }
    let mut documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let start = byte_at(text, error.marker().index());
        let line = text.get(..start).unwrap_or_default().lines().last().unwrap_or_default();
        let mut problem = Problem::new(&Path::root(), error.info());
        if line.contains('\t') {
            problem = problem.hint("YAML indents with spaces, not tabs");
        }
        vec![Located { problem, range: start..start, within: None }]
    })?;
    if let Some(second) = documents.get(1) {
        let start = byte_at(text, second.span.start.index());
        return Err(whole("a config is one YAML document, this is a second one", start..start));
    }
    documents.pop().ok_or_else(|| whole("this config is empty", 0..0))
}

/// Where a text nests too deep, if it does. What is no YAML at all is left to the loader, which says why.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { return None };
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth = depth.saturating_add(1),
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(byte_at(text, span.start.index()));
        }
    }
    None
}

/// YAML as JSON. Fields without a value count as absent, as everywhere in Kubernetes.
fn to_json(node: &MarkedYaml<'_>) -> Value {
    match &node.data {
        YamlData::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => Value::Bool(*value),
            Scalar::Integer(value) => Value::from(*value),
            Scalar::FloatingPoint(value) => Value::from(value.into_inner()),
            Scalar::String(value) => Value::from(value.as_ref()),
        },
        YamlData::Sequence(items) => items.iter().map(to_json).collect(),
        YamlData::Mapping(fields) => {
            let fields = fields.iter().map(|(key, value)| (key_text(key), to_json(value)));
            Value::Object(fields.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        YamlData::Tagged(_, inner) => to_json(inner),
        YamlData::Representation(text, ..) => Value::from(text.as_ref()),
        YamlData::BadValue | YamlData::Alias(_) => Value::Null,
    }
}

fn key_text(key: &MarkedYaml<'_>) -> String {
    match to_json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Places in a text, by the paths of the values that stand there.
struct Source<'a> {
    text: &'a str,
    root: &'a MarkedYaml<'a>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str, root: &'a MarkedYaml<'a>) -> Self {
        Self { text, root }
    }

    fn locate_all(&self, problems: Vec<Problem>) -> Vec<Located> {
        let mut located: Vec<Located> = problems.into_iter().map(|problem| self.locate(problem)).collect();
        located.sort_by_key(|located| located.range.start);
        located
    }

    fn locate(&self, problem: Problem) -> Located {
        let mut node = self.root;
        let mut key = None;
        for step in problem.path.steps() {
            let Some((next_key, next)) = child(node, step) else { break };
            (key, node) = (next_key, next);
        }
        let meant = match key {
            // An object that lacks something is best shown by its name: its own span is many lines.
            Some(key) if problem.at_key || !matches!(node.data, YamlData::Value(_)) => key,
            _ => node,
        };
        let range = self.bytes(meant);
        let Some(inner) = problem.range.clone() else {
            return Located { problem, range: first_line(self.text, range), within: None };
        };
        let value = match to_json(node) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match narrow(self.text, &range, &value, &inner) {
            Some(range) => Located { problem, range, within: None },
            None => Located { problem, range: first_line(self.text, range), within: Some((value, inner)) },
        }
    }

    fn bytes(&self, node: &MarkedYaml<'_>) -> Range<usize> {
        byte_at(self.text, node.span.start.index())..byte_at(self.text, node.span.end.index())
    }
}

fn child<'a>(
    node: &'a MarkedYaml<'a>,
    step: &Step,
) -> Option<(Option<&'a MarkedYaml<'a>>, &'a MarkedYaml<'a>)> {
    match (&node.data, step) {
        (YamlData::Mapping(fields), Step::Key(name)) => {
            fields.iter().find(|(key, _)| key_text(key) == *name).map(|(key, value)| (Some(key), value))
        }
        (YamlData::Sequence(items), Step::Index(index)) => items.get(*index).map(|item| (None, item)),
        (YamlData::Tagged(_, inner), _) => child(inner, step),
        _ => None,
    }
}

/// Bytes within a value as bytes of the text, where the value stands there as it is: plain, quoted without
/// escapes, or as the lines of a literal block. Each is proven by comparing the bytes.
fn narrow(text: &str, node: &Range<usize>, value: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    for start in [node.start, node.start + 1] {
        if text.get(start..).is_some_and(|rest| rest.starts_with(value)) {
            return Some(start + inner.start..start + inner.end);
        }
    }
    narrow_block(text, node, value, inner)
}

fn narrow_block(text: &str, node: &Range<usize>, value: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    let before = value.get(..inner.start)?;
    let line_number = before.matches('\n').count();
    let column = before.rsplit('\n').next()?.len();
    let line = value.split('\n').nth(line_number)?;
    // The block's first line is the one after its `|`, or the one on which the span starts.
    let header = text.get(..node.start)?.rfind('\n').map_or(0, |at| at + 1);
    let mut start = header;
    for (number, candidate) in text.get(header..)?.split_inclusive('\n').enumerate() {
        let trimmed = candidate.trim_start_matches(' ');
        let indent = candidate.len() - trimmed.len();
        let offset = number.checked_sub(line_number);
        if offset.is_some_and(|offset| offset <= 1)
            && trimmed.trim_end_matches(['\r', '\n']) == line.trim_start_matches(' ')
        {
            let extra = line.len() - line.trim_start_matches(' ').len();
            let begin = start + indent.checked_sub(extra)? + column;
            let length = (inner.end - inner.start).min(line.len().saturating_sub(column));
            return Some(begin..begin + length);
        }
        if number > line_number + 1 {
            break;
        }
        start += candidate.len();
    }
    None
}

fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let shown = text.get(range.clone()).unwrap_or_default();
    let length = shown.lines().next().unwrap_or_default().trim_end().len();
    range.start..range.start + length
}

/// saphyr counts characters.
fn byte_at(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests;
