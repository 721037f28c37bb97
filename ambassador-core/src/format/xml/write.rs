//! JSON as a document.

use std::borrow::Cow;

use ambassador_jq::json::{Entries, Items, Value, View};

use super::super::error::Fault;
use super::super::options::refuse;
use super::super::output::Output;
use super::{Keys, is_char, is_name};
use crate::config;
use crate::problem::{Path, Problem};

/// Writes XML.
#[derive(Debug)]
pub(in super::super) struct Writer {
    keys: Keys,
    root: Option<String>,
    item: String,
}

impl Writer {
    pub(in super::super) fn new(written: &config::Xml, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let from =
            [("forceList", written.force_list.is_some()), ("namespaces", written.namespaces.is_some())];
        refuse("from", &from, path, problems);
        for (field, name) in [("root", &written.root), ("item", &written.item)] {
            if name.as_ref().is_some_and(|name| !is_name(name)) {
                let problem = Problem::new(&path.key(field), "not a name of an element");
                problems.push(
                    problem.hint("a name is letters, digits, `-`, `.` and `_`, and begins with a letter"),
                );
            }
        }
        Self {
            keys: Keys::new(written, path, problems),
            root: written.root.clone(),
            item: written.item.clone().unwrap_or_else(|| "item".to_owned()),
        }
    }

    pub(in super::super) fn write(&self, value: View<'_>, output: &mut Output) -> Result<(), Fault> {
        output.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        let mut printer = Printer { writer: self, output, stack: Vec::new() };
        let (name, value) = match &self.root {
            Some(root) => (Cow::Borrowed(root.as_str()), value),
            None => only_entry(value)?,
        };
        if self.root.is_none() && matches!(value.value(), Value::Array(_)) {
            return Err(Fault::new(
                "a document has one root element, and this is a list: name one by `root`",
            ));
        }
        printer.element(name, value)?;
        printer.run()?;
        printer.output.raw("\n")
    }
}

fn only_entry(value: View<'_>) -> Result<(Cow<'_, str>, View<'_>), Fault> {
    let Value::Object(mut entries) = value.value() else {
        return Err(Fault::new(
            "a document has a root element: give an object with one key, or name one by `root`",
        ));
    };
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(Fault::new(
            "a document has one root element: give an object with one key, or name one by `root`",
        )),
    }
}

/// What is open: an element with the entries of its object, or with the items of its array, or the items of an array
/// that are elements of one name.
enum Frame<'a> {
    Object { name: Cow<'a, str>, entries: Entries<'a> },
    List { name: Cow<'a, str>, items: Items<'a> },
    Repeated { name: Cow<'a, str>, items: Items<'a> },
}

struct Printer<'a, 'b> {
    writer: &'a Writer,
    output: &'b mut Output,
    stack: Vec<Frame<'a>>,
}

impl<'a> Printer<'a, '_> {
    fn run(&mut self) -> Result<(), Fault> {
        while let Some(frame) = self.stack.last_mut() {
            match frame {
                Frame::Object { name, entries } => {
                    if let Some((key, value)) = entries.next() {
                        self.child(key, value)?;
                        continue;
                    }
                    end(name, self.output)?;
                }
                Frame::List { name, items } => {
                    if let Some(item) = items.next() {
                        self.element(Cow::Borrowed(&self.writer.item), item)?;
                        continue;
                    }
                    end(name, self.output)?;
                }
                Frame::Repeated { name, items } => {
                    if let Some(item) = items.next() {
                        let name = name.clone();
                        self.element(name, item)?;
                        continue;
                    }
                }
            }
            self.stack.pop();
        }
        Ok(())
    }

    /// An entry of an object within its element.
    fn child(&mut self, key: Cow<'a, str>, value: View<'a>) -> Result<(), Fault> {
        let keys = &self.writer.keys;
        if key == keys.text_key {
            return match value.value() {
                Value::Array(_) | Value::Object(_) => {
                    Err(Fault::new("the text of an element is neither a string nor a number"))
                }
                value => self.text(&value),
            };
        }
        if self.attribute_name(&key).is_some() {
            return Ok(());
        }
        match value.value() {
            Value::Array(items) => {
                self.stack.push(Frame::Repeated { name: key, items });
                Ok(())
            }
            _ => self.element(key, value),
        }
    }

    /// The name of the attribute that a key is for. With an empty prefix no key is.
    fn attribute_name<'k>(&self, key: &'k str) -> Option<&'k str> {
        let prefix = self.writer.keys.attribute_prefix.as_str();
        if prefix.is_empty() { None } else { key.strip_prefix(prefix) }
    }

    /// A whole element, or its beginning.
    fn element(&mut self, name: Cow<'a, str>, value: View<'a>) -> Result<(), Fault> {
        if !is_name(&name) {
            return Err(Fault::new("a key is not a name of an element"));
        }
        self.output.raw("<")?;
        self.output.raw(name.as_bytes())?;
        match value.value() {
            Value::Null => self.output.raw("/>"),
            Value::Object(entries) => {
                self.attributes(entries.clone())?;
                self.output.raw(">")?;
                self.stack.push(Frame::Object { name, entries });
                Ok(())
            }
            Value::Array(items) => {
                self.output.raw(">")?;
                self.stack.push(Frame::List { name, items });
                Ok(())
            }
            scalar => {
                self.output.raw(">")?;
                self.text(&scalar)?;
                end(&name, self.output)
            }
        }
    }

    fn attributes(&mut self, entries: Entries<'a>) -> Result<(), Fault> {
        for (key, value) in entries {
            if key == self.writer.keys.text_key {
                continue;
            }
            let Some(name) = self.attribute_name(&key) else { continue };
            if !is_name(name) {
                return Err(Fault::new("a key is not a name of an attribute"));
            }
            let text = match value.value() {
                Value::Null => continue,
                Value::Bool(true) => Cow::Borrowed("true"),
                Value::Bool(false) => Cow::Borrowed("false"),
                Value::Number(text) => Cow::Borrowed(text),
                Value::String(text) => text,
                Value::Array(_) | Value::Object(_) => {
                    return Err(Fault::new("the value of an attribute is neither a string nor a number"));
                }
            };
            self.output.raw(" ")?;
            self.output.raw(name)?;
            self.output.raw("=\"")?;
            escape(&text, true, self.output)?;
            self.output.raw("\"")?;
        }
        Ok(())
    }

    fn text(&mut self, value: &Value<'_>) -> Result<(), Fault> {
        match value {
            Value::Bool(true) => self.output.raw("true"),
            Value::Bool(false) => self.output.raw("false"),
            Value::Number(text) => self.output.raw(text),
            Value::String(text) => escape(text, false, self.output),
            Value::Null | Value::Array(_) | Value::Object(_) => Ok(()),
        }
    }
}

fn end(name: &str, output: &mut Output) -> Result<(), Fault> {
    output.raw("</")?;
    output.raw(name)?;
    output.raw(">")
}

/// What would mean something else, and white space that readers would change.
fn escape(text: &str, in_attribute: bool, output: &mut Output) -> Result<(), Fault> {
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '<' => "&lt;",
            '>' => "&gt;",
            '&' => "&amp;",
            '\r' => "&#13;",
            '"' if in_attribute => "&quot;",
            '\n' if in_attribute => "&#10;",
            '\t' if in_attribute => "&#9;",
            c if is_char(c) => continue,
            _ => return Err(Fault::new("a string has a character that XML does not allow")),
        };
        output.raw(text.get(start..at).unwrap_or_default())?;
        output.raw(escaped)?;
        start = at.saturating_add(c.len_utf8());
    }
    output.raw(text.get(start..).unwrap_or_default())
}
