//! Reads a config of HAProxy and says what an ambassador does in its place: the `ambassador.yaml`, with the line behind
//! each of its own, and a note on all that is not carried over as it was. Pure: text in, text out.
//!
//! Each directive of the file is either named in a comment of the output or in a note: nothing is dropped silently.

mod acl;
mod conjunction;
mod decide;
mod edits;
mod file;
mod keywords;
mod limits;
mod model;
mod notes;
mod proxy;
mod routes;
mod rules;
mod server;
mod targets;
mod time;
mod words;
mod write;

use std::collections::BTreeMap;

pub(crate) use notes::{Kind, Note};

/// What became of a file.
#[derive(Debug)]
pub(crate) struct Conversion {
    /// The `ambassador.yaml`.
    pub(crate) config: String,
    /// What is not carried over as it was, by line.
    pub(crate) notes: Vec<Note>,
}

/// Why HAProxy itself would refuse the file, or why it cannot be read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column, from 1, in characters.
    pub(crate) column: usize,
    /// Lower case, without a final dot.
    pub(crate) message: String,
}

/// What environment variables mean, where that is known.
pub(crate) type Environment = BTreeMap<String, String>;

/// Converts a file; the config gets this name. All that HAProxy would refuse is told at once.
pub(crate) fn convert(name: &str, text: &str, environment: &Environment) -> Result<Conversion, Vec<Refusal>> {
    let file = file::read(text, environment)?;
    let mut notes = notes::Notes::default();
    let proxies = proxy::all(&file, &mut notes)?;
    let spec = model::spec(&file, &proxies, &mut notes)?;
    let config = write::config(name, &spec, &file);
    let notes = notes.finish(&file, &write::lines_named(&config));
    Ok(Conversion { config, notes })
}

#[cfg(test)]
mod tests;
