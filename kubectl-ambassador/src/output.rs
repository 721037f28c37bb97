//! Data to stdout, talk to stderr.

use std::io::{ErrorKind, Write as _};

use serde_json::{Value, json};

use crate::failure::{Failure, Result};
use crate::plan::text;
use crate::workload::Kind;

/// In which form objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A YAML list of the objects
    Yaml,
    /// A JSON list of the objects
    Json,
    /// One `type/name` a line
    Name,
}

/// A line for the person.
pub(crate) fn say(line: &str) {
    // Where stderr is closed, nobody listens.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Data. Whoever has closed stdout has read enough; what was not written for another reason is an error.
pub(crate) fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// The same, of bytes.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unchanged(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints what was done to `pod`, or the objects.
pub(crate) fn done(objects: &[&Value], pod: &str, what: &str, format: Option<Format>) -> Result<()> {
    told(objects, &format!("pod/{pod}"), what, format)
}

/// Prints what was done to `name`, or the objects.
pub(crate) fn told(objects: &[&Value], name: &str, what: &str, format: Option<Format>) -> Result<()> {
    let list = || json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let printed = |object: &Value| {
        let kind = Kind::of(object).map_or_else(|| text(object, "/kind").to_lowercase(), Kind::printed);
        format!("{kind}/{}\n", text(object, "/metadata/name"))
    };
    print(&match format {
        None => format!("{name} {what}\n"),
        Some(Format::Name) => objects.iter().map(|object| printed(object)).collect(),
        Some(Format::Json) => format!("{:#}\n", list()),
        Some(Format::Yaml) => serde_saphyr::to_string(&list())
            .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?,
    })
}
