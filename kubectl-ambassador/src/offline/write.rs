//! Writes values in the manner of the document that they are put into.

use serde_json::Value;

use super::scalar;
use super::tree::{Data, Document, Node, Style};

/// How a document is written.
#[derive(Debug)]
pub(super) struct Manner<'a> {
    /// Its line break.
    pub(super) newline: &'static str,
    /// How much deeper than its key a mapping stands.
    step: usize,
    /// How much deeper than its key the dashes of a sequence stand.
    pub(super) dash: usize,
    /// Whether it is JSON all through.
    pub(super) json: bool,
    /// What one level of JSON is indented by.
    unit: &'a str,
    /// Whether spaces follow colons and commas.
    spaced: bool,
}

impl<'a> Manner<'a> {
    /// Looks at the document itself; what it does not show is done as kubectl does it.
    pub(super) fn of(text: &'a str, document: &Document<'_>) -> Self {
        let root = &document.root;
        let json = matches!(root.data, Data::Mapping(_, Style::Flow));
        let mut manner = Self {
            newline: if text
                .find('\n')
                .is_some_and(|at| text.get(..at).is_some_and(|line| line.ends_with('\r')))
            {
                "\r\n"
            } else {
                "\n"
            },
            step: 2,
            dash: 0,
            json,
            unit: "  ",
            spaced: true,
        };
        if let (true, Data::Mapping(fields, _)) = (json, &root.data) {
            if let Some((key, value)) = fields.first() {
                let unit = margin(text, key.start);
                manner.unit = unit.filter(|unit| !unit.is_empty()).unwrap_or("  ");
                manner.spaced = text.get(key.end..value.start).is_none_or(|between| between.contains(' '));
            }
        } else {
            let (mut step, mut dash) = (None, None);
            measure(text, root, 0, &mut step, &mut dash);
            manner.step = step.unwrap_or(2);
            manner.dash = dash.unwrap_or(0);
        }
        manner
    }

    /// The same for a text that is not JSON all through, whatever its first document is.
    pub(super) fn yaml(self) -> Self {
        Self { json: false, spaced: true, ..self }
    }

    /// The fields of a mapping that stands in column `indent`, the first one without its indentation.
    pub(super) fn fields<'v>(
        &self,
        out: &mut String,
        fields: impl IntoIterator<Item = (&'v String, &'v Value)>,
        indent: usize,
    ) {
        for (index, (key, value)) in fields.into_iter().enumerate() {
            if index > 0 {
                self.line(out, indent);
            }
            out.push_str(&scalar::write(key));
            out.push(':');
            self.after_key(out, value, indent);
        }
    }

    fn after_key(&self, out: &mut String, value: &Value, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                self.line(out, indent + self.step);
                self.fields(out, fields, indent + self.step);
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.line(out, indent + self.dash);
                    self.item(out, item, indent + self.dash);
                }
            }
            Value::String(text) if is_literal(text) => self.literal(out, text, indent + 2),
            _ => {
                out.push(' ');
                self.flow(out, value);
            }
        }
    }

    /// An item of a sequence whose dash stands in column `indent`.
    pub(super) fn item(&self, out: &mut String, item: &Value, indent: usize) {
        out.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => self.fields(out, fields, indent + 2),
            _ => self.flow(out, item),
        }
    }

    /// A value in one line.
    pub(super) fn flow(&self, out: &mut String, value: &Value) {
        let gap = if self.spaced { " " } else { "" };
        match value {
            Value::String(text) if self.json => out.push_str(&scalar::quoted(text)),
            Value::String(text) => out.push_str(&scalar::write(text)),
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                        out.push_str(gap);
                    }
                    self.flow(out, item);
                }
                out.push(']');
            }
            Value::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                        out.push_str(gap);
                    }
                    self.flow_field(out, key, value);
                }
                out.push('}');
            }
            other => out.push_str(&scalar::plain_json(other)),
        }
    }

    fn flow_field(&self, out: &mut String, key: &str, value: &Value) {
        let key = if self.json { scalar::quoted(key) } else { scalar::write(key) };
        out.push_str(&key);
        out.push_str(if self.spaced || !self.json { ": " } else { ":" });
        self.flow(out, value);
    }

    /// What is put into brackets behind others: on lines of its own where they have those, which `margin` begins.
    pub(super) fn bracketed(&self, out: &mut String, key: Option<&str>, value: &Value, margin: Option<&str>) {
        let Some(margin) = margin else {
            match key {
                Some(key) => self.flow_field(out, key, value),
                None => self.flow(out, value),
            }
            return;
        };
        if let Some(key) = key {
            let key = if self.json { scalar::quoted(key) } else { scalar::write(key) };
            out.push_str(&key);
            out.push_str(": ");
        }
        self.pretty(out, value, margin);
    }

    fn pretty(&self, out: &mut String, value: &Value, margin: &str) {
        let deeper = format!("{margin}{}", self.unit);
        let mut first = true;
        let mut begin = |out: &mut String| {
            out.push_str(if std::mem::take(&mut first) { "" } else { "," });
            out.push_str(self.newline);
            out.push_str(&deeper);
        };
        match value {
            Value::Array(items) if !items.is_empty() => {
                out.push('[');
                for item in items {
                    begin(out);
                    self.pretty(out, item, &deeper);
                }
                out.push_str(self.newline);
                out.push_str(margin);
                out.push(']');
            }
            Value::Object(fields) if !fields.is_empty() => {
                out.push('{');
                for (key, value) in fields {
                    begin(out);
                    self.bracketed(out, Some(key), value, Some(&deeper));
                }
                out.push_str(self.newline);
                out.push_str(margin);
                out.push('}');
            }
            _ => self.flow(out, value),
        }
    }

    /// Between two values in brackets, on one line or on lines that `margin` begins.
    pub(super) fn separate(&self, out: &mut String, margin: Option<&str>) {
        out.push(',');
        match margin {
            Some(margin) => {
                out.push_str(self.newline);
                out.push_str(margin);
            }
            None if self.spaced => out.push(' '),
            None => {}
        }
    }

    /// Begins a line.
    pub(super) fn line(&self, out: &mut String, indent: usize) {
        out.push_str(self.newline);
        out.extend(std::iter::repeat_n(' ', indent));
    }

    fn literal(&self, out: &mut String, text: &str, indent: usize) {
        out.push_str(if text.ends_with('\n') { " |" } else { " |-" });
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.line(out, if line.is_empty() { 0 } else { indent });
            out.push_str(line);
        }
    }

    /// A document of its own, without the line break at its end. In a text of JSON it is JSON.
    pub(super) fn document(&self, out: &mut String, value: &Value) {
        match value {
            _ if self.json && self.spaced => self.pretty(out, value, ""),
            Value::Object(fields) if !self.json => self.fields(out, fields, 0),
            _ => self.flow(out, value),
        }
    }
}

/// Whether a text can stand as a literal block and be read as itself.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && !text.lines().any(|line| !line.is_empty() && line.trim_matches(' ').is_empty())
        && text.chars().all(|character| character == '\n' || scalar::is_simple(character))
}

/// The blanks between the beginning of a line and what stands at `at`, if there is nothing else. In the text's first
/// line there is nothing to be told from.
pub(super) fn margin(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let rest = before.trim_end_matches([' ', '\t']);
    rest.ends_with('\n').then(|| before.get(rest.len()..)).flatten()
}

/// Where the line of `at` begins; a byte order mark belongs to no line.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(if text.starts_with('\u{feff}') { 3 } else { 0 }, |newline| newline + 1)
}

/// The column of what stands at `at`, counted in bytes from 0.
pub(super) fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

/// Finds the first nested mapping and the first sequence in a mapping, and how much deeper than their keys they stand.
fn measure(text: &str, node: &Node<'_>, depth: usize, step: &mut Option<usize>, dash: &mut Option<usize>) {
    if depth > 16 || (step.is_some() && dash.is_some()) {
        return;
    }
    match &node.data {
        Data::Mapping(fields, Style::Block) => {
            for (key, value) in fields {
                let key_column = column(text, key.start);
                let deeper = column(text, value.start).checked_sub(key_column);
                match value.data {
                    Data::Mapping(_, Style::Block) => *step = step.or(deeper.filter(|step| *step > 0)),
                    // A sequence that stands no deeper than its key begins, for the parser, with its first item.
                    Data::Sequence(_, Style::Block) if !is_dash(text, value.start) => {
                        *dash = dash.or(Some(0));
                    }
                    Data::Sequence(_, Style::Block) => *dash = dash.or(deeper),
                    _ => {}
                }
                measure(text, value, depth + 1, step, dash);
            }
        }
        Data::Sequence(items, Style::Block) => {
            items.iter().for_each(|item| measure(text, item, depth + 1, step, dash));
        }
        _ => {}
    }
}

/// Whether an item of a sequence begins there.
pub(super) fn is_dash(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    rest.strip_prefix('-').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r', '\t']))
}
