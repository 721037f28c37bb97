//! Data to stdout, talk to stderr.

use serde_json::{Value, json};

use crate::failure::{Failure, Result};
use crate::plan::text;

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
    eprintln!("{line}");
}

/// Prints what was done to `pod`, or the objects.
pub(crate) fn done(objects: &[&Value], pod: &str, what: &str, format: Option<Format>) -> Result<()> {
    told(objects, &format!("pod/{pod}"), what, format)
}

/// Prints what was done to `name`, or the objects.
pub(crate) fn told(objects: &[&Value], name: &str, what: &str, format: Option<Format>) -> Result<()> {
    let list = || json!({"apiVersion": "v1", "kind": "List", "items": objects});
    match format {
        None => println!("{name} {what}"),
        Some(Format::Name) => {
            for object in objects {
                println!("{}/{}", text(object, "/kind").to_lowercase(), text(object, "/metadata/name"));
            }
        }
        Some(Format::Json) => println!("{:#}", list()),
        Some(Format::Yaml) => {
            let yaml = serde_saphyr::to_string(&list());
            print!("{}", yaml.map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?);
        }
    }
    Ok(())
}
