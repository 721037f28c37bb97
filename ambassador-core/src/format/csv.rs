//! CSV (RFC 4180), read by csv-core.
//!
//! Beyond the RFC: line breaks of any kind end a row, rows that are blank are passed over, and a quote within a field
//! that does not begin with one stands for itself.

use std::borrow::Cow;

use ambassador_jq::json::View;
use csv_core::{ReadFieldResult, ReaderBuilder};

use super::error::Fault;
use super::options::refuse;
use super::output::Output;
use super::table::{self, Layout, Rows};
use crate::config;
use crate::problem::{Path, Problem};

/// The delimiter that options give, one byte.
fn delimiter(written: &config::Csv, path: &Path, problems: &mut Vec<Problem>) -> u8 {
    match written.delimiter.as_deref().map(str::as_bytes) {
        None => b',',
        Some(&[byte]) if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(&byte) => {
            byte
        }
        Some(_) => {
            let problem = Problem::new(&path.key("delimiter"), "a delimiter is one ASCII character");
            problems.push(
                problem.hint("write \",\", \";\", \"|\" or \"\\t\"; no letter, digit, quote or line break"),
            );
            b','
        }
    }
}

/// Reads CSV.
#[derive(Debug)]
pub(super) struct Reader {
    delimiter: u8,
    layout: Layout,
}

impl Default for Reader {
    fn default() -> Self {
        Self { delimiter: b',', layout: Layout::default() }
    }
}

impl Reader {
    pub(super) fn new(written: &config::Csv, path: &Path, problems: &mut Vec<Problem>) -> Self {
        refuse("to", &[("columns", written.columns.is_some())], path, problems);
        Self {
            delimiter: delimiter(written, path, problems),
            layout: Layout::new(written.header, written.types.as_deref(), path, problems),
        }
    }

    pub(super) fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        let mut rows = Rows::new(self.layout, output)?;
        let mut reader = ReaderBuilder::new().delimiter(self.delimiter).build();
        let (mut rest, mut room, mut filled) = (text.as_bytes(), vec![0; 256], 0_usize);
        let mut field_start = 0;
        // Behind the text a line break, which ends the last row or is a blank row, and then the end.
        let mut behind: &[&[u8]] = &[b"\n", b""];
        loop {
            let (result, read, written) = reader.read_field(rest, room.get_mut(filled..).unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            filled = filled.saturating_add(written);
            match result {
                ReadFieldResult::OutputFull => room.resize(room.len().saturating_mul(2), 0),
                ReadFieldResult::Field { record_end } => {
                    let field =
                        std::str::from_utf8(room.get(..filled).unwrap_or_default()).unwrap_or_default();
                    rows.field(field, field_start, record_end)?;
                    field_start = text.len().saturating_sub(rest.len());
                    filled = 0;
                }
                ReadFieldResult::InputEmpty => match behind.split_first() {
                    // The line break became part of a field.
                    Some((&next, _)) if next.is_empty() && filled > 0 => {
                        return Err(Fault::at(field_start, "a quote here is not closed"));
                    }
                    Some((&next, after)) => (rest, behind) = (next, after),
                    None => break,
                },
                ReadFieldResult::End => break,
            }
        }
        rows.finish()
    }
}

/// Writes CSV.
#[derive(Debug)]
pub(super) struct Writer {
    delimiter: u8,
    header: bool,
    columns: Option<Vec<String>>,
}

impl Writer {
    pub(super) fn new(written: &config::Csv, path: &Path, problems: &mut Vec<Problem>) -> Self {
        refuse("from", &[("types", written.types.is_some())], path, problems);
        Self {
            delimiter: delimiter(written, path, problems),
            header: written.header.unwrap_or(true),
            columns: written.columns.clone(),
        }
    }

    pub(super) fn write(&self, value: View<'_>, output: &mut Output) -> Result<(), Fault> {
        table::write(value, self.header, self.columns.as_deref(), |row| self.row(row, output))
    }

    fn row(&self, row: &[Cow<'_, str>], output: &mut Output) -> Result<(), Fault> {
        for (at, field) in row.iter().enumerate() {
            if at > 0 {
                output.raw([self.delimiter])?;
            }
            let special = |byte: u8| byte == self.delimiter || matches!(byte, b'"' | b'\r' | b'\n');
            // One empty field alone would be a blank row, which readers pass over.
            let is_blank_row = field.is_empty() && row.len() == 1;
            if !is_blank_row && !field.bytes().any(special) {
                output.raw(field.as_bytes())?;
                continue;
            }
            output.raw("\"")?;
            for (at, part) in field.split('"').enumerate() {
                output.raw(if at > 0 { "\"\"" } else { "" })?;
                output.raw(part)?;
            }
            output.raw("\"")?;
        }
        output.raw("\r\n")
    }
}
