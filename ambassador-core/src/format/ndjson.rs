//! NDJSON: one JSON value a line. Blank lines are passed over, as its readers do.

use ambassador_jq::RunError;
use ambassador_jq::json::{Json, Value, View};

use super::error::Fault;
use super::output::Output;
use super::{DEPTH, FormatError, MOST_LINE};

/// An array of the values.
pub(super) fn read(text: &str, output: &mut Output) -> Result<(), Fault> {
    output.raw("[")?;
    let (mut start, mut first) = (0_usize, true);
    for line in text.split('\n') {
        let value = line.trim_matches([' ', '\t', '\r']);
        if !value.is_empty() {
            check(value).map_err(|(offset, what)| {
                let blanks = line.len().saturating_sub(line.trim_start_matches([' ', '\t', '\r']).len());
                Fault::at(start.saturating_add(blanks).saturating_add(offset), what)
            })?;
            if !first {
                output.raw(",")?;
            }
            first = false;
            output.raw(value)?;
        }
        start = start.saturating_add(line.len()).saturating_add(1);
    }
    output.raw("]")
}

/// Whether a line is one value, and no part of an array.
fn check(value: &str) -> Result<(), (usize, &'static str)> {
    match Json::read(value.as_bytes(), DEPTH - 1) {
        Ok(_) => Ok(()),
        Err(RunError::Input { offset }) => Err((offset, "this line is not one JSON value")),
        Err(_) => Err((0, "this line nests more than 127 levels deep")),
    }
}

/// A line for each item of an array; for any other value one line.
pub(super) fn write(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    match value.value() {
        Value::Array(items) => items.into_iter().try_for_each(|item| line(item, output)),
        _ => line(value, output),
    }
}

/// One value and a line break.
pub(super) fn line(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    // A line break in a JSON text stands between words: strings have none.
    for part in value.text().split(|&byte| byte == b'\n' || byte == b'\r') {
        output.raw(part)?;
    }
    output.raw("\n")
}

/// Cuts a stream into its lines as it comes.
///
/// ```
/// use ambassador_core::format::Lines;
///
/// let mut lines = Lines::default();
/// let mut seen = Vec::new();
/// lines.push(b"{\"a\":1}\n{\"a\"", |line| seen.push(line.to_vec())).unwrap();
/// lines.push(b":2}\r\n\n3", |line| seen.push(line.to_vec())).unwrap();
/// lines.finish(|line| seen.push(line.to_vec()));
/// assert_eq!(seen, [&b"{\"a\":1}"[..], b"{\"a\":2}", b"3"]);
/// ```
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line whose end has not come yet.
    pending: Vec<u8>,
}

impl Lines {
    /// Takes a piece of the stream and shows each line that ends in it, without its line break. Blank lines are not shown.
    ///
    /// Fails if a line becomes longer than 1 MiB; the lines before it have been shown.
    pub fn push(&mut self, piece: &[u8], mut show: impl FnMut(&[u8])) -> Result<(), FormatError> {
        let mut parts = piece.split(|&byte| byte == b'\n');
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            if self.pending.is_empty() {
                Self::show(part, &mut show);
            } else {
                self.pending.extend_from_slice(part);
                Self::show(&self.pending, &mut show);
                self.pending.clear();
            }
        }
        if last.len() > MOST_LINE.saturating_sub(self.pending.len()) {
            return Err(FormatError::TooLarge { format: "ndjson", limit: MOST_LINE });
        }
        self.pending.extend_from_slice(last);
        Ok(())
    }

    /// The stream has ended: shows what had no line break behind it.
    pub fn finish(self, mut show: impl FnMut(&[u8])) {
        Self::show(&self.pending, &mut show);
    }

    /// How many bytes wait for their line break.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    fn show(line: &[u8], show: &mut impl FnMut(&[u8])) {
        let line = line.trim_ascii();
        if !line.is_empty() {
            show(line);
        }
    }
}
