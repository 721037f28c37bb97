//! What CSV and TSV have in common: rows of fields as objects or lists, and back.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ambassador_jq::json::{Value, View};

use super::error::Fault;
use super::options::{Choice, choose};
use super::output::Output;
use crate::problem::{Path, Problem};

/// A longer number stays a string: the engine reads none that is longer.
const LONGEST_NUMBER: usize = 1_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Types {
    #[default]
    Strings,
    Infer,
}

/// How rows are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    header: bool,
    types: Types,
}

impl Default for Layout {
    fn default() -> Self {
        Self { header: true, types: Types::default() }
    }
}

impl Layout {
    pub(super) fn new(
        header: Option<bool>,
        types: Option<&str>,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let choices: [Choice<Types>; 2] = [("strings", Types::Strings), ("infer", Types::Infer)];
        let types = choose(types, &choices, &path.key("types"), problems);
        Self { header: header.unwrap_or(true), types }
    }
}

/// Takes the fields of a table one by one.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    layout: Layout,
    output: &'a mut Output,
    /// The names of the columns as JSON strings, if there is a header.
    names: Vec<Vec<u8>>,
    /// How many fields each row has, once a row has ended.
    width: Option<usize>,
    row: usize,
    column: usize,
    row_start: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(layout: Layout, output: &'a mut Output) -> Result<Self, Fault> {
        output.raw("[")?;
        Ok(Self { layout, output, names: Vec::new(), width: None, row: 1, column: 0, row_start: 0 })
    }

    /// A field, which begins somewhere behind `offset`; `ends` if it is the last of its row.
    pub(super) fn field(&mut self, text: &str, offset: usize, ends: bool) -> Result<(), Fault> {
        if self.column == 0 {
            self.row_start = offset;
        }
        if self.width.is_some_and(|width| self.column >= width) {
            return Err(self.ragged("more"));
        }
        if self.layout.header && self.width.is_none() {
            self.name(text);
        } else {
            self.value(text)?;
        }
        self.column = self.column.saturating_add(1);
        if ends { self.end() } else { Ok(()) }
    }

    fn name(&mut self, text: &str) {
        let mut name = Vec::with_capacity(text.len().saturating_add(2));
        name.push(b'"');
        ambassador_jq::json::escape(text, &mut name);
        name.push(b'"');
        self.names.push(name);
    }

    fn value(&mut self, text: &str) -> Result<(), Fault> {
        let is_first_row = self.row == if self.layout.header { 2 } else { 1 };
        if self.column == 0 {
            self.output.raw(if is_first_row { "" } else { "," })?;
            self.output.raw(if self.layout.header { "{" } else { "[" })?;
        } else {
            self.output.raw(",")?;
        }
        if let Some(name) = self.names.get(self.column) {
            self.output.raw(name)?;
            self.output.raw(":")?;
        }
        if self.layout.types == Types::Infer && is_json_scalar(text) {
            self.output.raw(text)
        } else {
            self.output.string(text)
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
        let is_header = self.layout.header && self.width.is_none();
        if self.width.is_some_and(|width| self.column < width) {
            return Err(self.ragged("fewer"));
        }
        if is_header {
            let mut seen = BTreeSet::new();
            if !self.names.iter().all(|name| seen.insert(name)) {
                return Err(Fault::at(
                    self.row_start,
                    "two columns have the same name: read it with `header: false`",
                ));
            }
        } else {
            self.output.raw(if self.layout.header { "}" } else { "]" })?;
        }
        self.width = Some(self.column);
        self.row = self.row.saturating_add(1);
        self.column = 0;
        Ok(())
    }

    fn ragged(&self, which: &str) -> Fault {
        let (row, width) = (self.row, self.width.unwrap_or(0));
        Fault::at(self.row_start, format!("row {row} has {which} fields than the {width} of the first row"))
    }

    pub(super) fn finish(self) -> Result<(), Fault> {
        self.output.raw("]")
    }
}

/// Whether JSON would read a text as a number, a boolean or null.
fn is_json_scalar(text: &str) -> bool {
    matches!(text, "true" | "false" | "null")
        || (text.len() <= LONGEST_NUMBER
            && text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && text.ends_with(|c: char| c.is_ascii_digit())
            && ambassador_jq::json::Json::read(text.as_bytes(), 1).is_ok())
}

/// Writes rows; `put` writes one, its line break included.
pub(super) fn write<'a>(
    value: View<'a>,
    header: bool,
    columns: Option<&'a [String]>,
    mut put: impl FnMut(&[Cow<'a, str>]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Value::Array(items) = value.value() else {
        return Err(Fault::new("a table is a list of objects or of lists"));
    };
    let mut first = items.clone();
    let is_object = match first.next().map(View::value) {
        None | Some(Value::Object(_)) => true,
        Some(Value::Array(_)) => false,
        Some(_) => return Err(Fault::new("item 1 is neither an object nor a list")),
    };
    let names: Option<Vec<Cow<'a, str>>> = match (columns, items.clone().next().map(View::value)) {
        (Some(columns), _) => Some(columns.iter().map(|name| Cow::Borrowed(name.as_str())).collect()),
        (None, Some(Value::Object(entries))) => Some(entries.map(|(key, _)| key).collect()),
        _ => None,
    };
    if let (true, Some(names)) = (header, &names) {
        put(names)?;
    }
    let (mut row, mut width) = (Vec::new(), names.as_ref().map(Vec::len));
    for (at, item) in items.enumerate() {
        row.clear();
        let number = at.saturating_add(1);
        match (item.value(), &names) {
            (Value::Object(entries), Some(names)) if is_object => {
                let mut known = 0_usize;
                for name in names {
                    let value = item.get(name);
                    known = known.saturating_add(usize::from(value.is_some()));
                    row.push(value.map_or(Ok(Cow::Borrowed("")), |value| field(value, number))?);
                }
                if columns.is_none() && entries.count() > known {
                    return Err(Fault::new(format!(
                        "item {number} has a key that item 1 does not have: name the columns by `columns`"
                    )));
                }
            }
            (Value::Array(fields), _) if !is_object => {
                for value in fields {
                    row.push(field(value, number)?);
                }
                if *width.get_or_insert(row.len()) != row.len() {
                    return Err(Fault::new(format!(
                        "item {number} has another number of fields than the row before"
                    )));
                }
            }
            _ => return Err(Fault::new(format!("item {number} is not of the kind of item 1"))),
        }
        put(&row)?;
    }
    Ok(())
}

fn field(value: View<'_>, number: usize) -> Result<Cow<'_, str>, Fault> {
    Ok(match value.value() {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(text) => Cow::Borrowed(text),
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) => {
            let what = format!("a field of item {number} is neither a string nor a number: use tojson");
            return Err(Fault::new(what));
        }
    })
}
