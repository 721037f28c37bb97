//! TSV (IANA's text/tab-separated-values): fields between tabs, rows between line breaks, and nothing that could put
//! either into a field; with the option `escapes` backslashes do, as in jq's `@tsv`.

use std::borrow::Cow;

use ambassador_jq::json::View;

use super::error::Fault;
use super::options::refuse;
use super::output::Output;
use super::table::{self, Layout, Rows};
use crate::config;
use crate::problem::{Path, Problem};

/// Reads TSV.
#[derive(Debug, Default)]
pub(super) struct Reader {
    layout: Layout,
    escapes: bool,
}

impl Reader {
    pub(super) fn new(written: &config::Tsv, path: &Path, problems: &mut Vec<Problem>) -> Self {
        refuse("to", &[("columns", written.columns.is_some())], path, problems);
        Self {
            layout: Layout::new(written.header, written.types.as_deref(), path, problems),
            escapes: written.escapes.unwrap_or(false),
        }
    }

    pub(super) fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        let mut rows = Rows::new(self.layout, output)?;
        let mut start = 0_usize;
        for line in text.split('\n') {
            let row = line.strip_suffix('\r').unwrap_or(line);
            if !row.is_empty() {
                let mut fields = row.split('\t').peekable();
                while let Some(field) = fields.next() {
                    let field = if self.escapes { unescape(field) } else { Cow::Borrowed(field) };
                    rows.field(&field, start, fields.peek().is_none())?;
                }
            }
            start = start.saturating_add(line.len()).saturating_add(1);
        }
        rows.finish()
    }
}

/// A backslash before any other character stands for itself.
fn unescape(field: &str) -> Cow<'_, str> {
    if !field.contains('\\') {
        return Cow::Borrowed(field);
    }
    let mut output = String::with_capacity(field.len());
    let mut chars = field.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some('\\')) => Some('\\'),
            _ => None,
        };
        if meant.is_some() {
            chars.next();
        }
        output.push(meant.unwrap_or(c));
    }
    Cow::Owned(output)
}

/// Writes TSV.
#[derive(Debug)]
pub(super) struct Writer {
    header: bool,
    columns: Option<Vec<String>>,
    escapes: bool,
}

impl Writer {
    pub(super) fn new(written: &config::Tsv, path: &Path, problems: &mut Vec<Problem>) -> Self {
        refuse("from", &[("types", written.types.is_some())], path, problems);
        Self {
            header: written.header.unwrap_or(true),
            columns: written.columns.clone(),
            escapes: written.escapes.unwrap_or(false),
        }
    }

    pub(super) fn write(&self, value: View<'_>, output: &mut Output) -> Result<(), Fault> {
        table::write(value, self.header, self.columns.as_deref(), |row| self.row(row, output))
    }

    fn row(&self, row: &[Cow<'_, str>], output: &mut Output) -> Result<(), Fault> {
        if let [field] = row
            && field.is_empty()
        {
            return Err(Fault::new("a row of one empty field would be a blank line"));
        }
        for (at, field) in row.iter().enumerate() {
            output.raw(if at > 0 { "\t" } else { "" })?;
            self.field(field, output)?;
        }
        output.raw("\n")
    }

    fn field(&self, field: &str, output: &mut Output) -> Result<(), Fault> {
        if !self.escapes {
            return if field.contains(['\t', '\n', '\r']) {
                Err(Fault::new("a field has a tab or a line break in it: set `escapes`"))
            } else {
                output.raw(field)
            };
        }
        let mut rest = field;
        while let Some(at) = rest.find(['\t', '\n', '\r', '\\']) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            output.raw(plain)?;
            output.raw(match special.bytes().next() {
                Some(b'\t') => "\\t",
                Some(b'\n') => "\\n",
                Some(b'\r') => "\\r",
                _ => "\\\\",
            })?;
            rest = special.get(1..).unwrap_or_default();
        }
        output.raw(rest)
    }
}
