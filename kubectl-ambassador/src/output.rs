//! Data to stdout, talk to stderr.

use std::cell::RefCell;
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

/// How objects are printed.
#[derive(Debug, Default, clap::Args)]
// Its name is that of the arguments it is flattened into, and groups must have different ones.
#[group(skip)]
pub(crate) struct Args {
    /// Print the objects
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// What is printed in the end, as one list.
    #[arg(skip)]
    objects: RefCell<Vec<Value>>,
}

impl Args {
    /// The form that is asked for.
    pub(crate) fn format(&self) -> Option<Format> {
        self.format
    }

    /// Prints the objects of all that was done.
    pub(crate) fn finish(&self) -> Result<()> {
        let objects = self.objects.take();
        if objects.is_empty() {
            return Ok(());
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        print(&match self.format {
            Some(Format::Yaml) => serde_saphyr::to_string(&list)
                .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?,
            _ => format!("{list:#}\n"),
        })
    }
}

/// A line for the person.
pub(crate) fn say(line: &str) {
    // Where stderr is closed, nobody listens.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether talk is coloured, by the rules that clap goes by: on a terminal, unless `NO_COLOR` is set.
pub(crate) fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
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
pub(crate) fn done(objects: &[&Value], pod: &str, what: &str, output: &Args) -> Result<()> {
    told(objects, &format!("pod/{pod}"), what, output)
}

/// Prints what was done to `name`, or the names of the objects; or keeps these for the list that is printed in the end.
pub(crate) fn told(objects: &[&Value], name: &str, what: &str, output: &Args) -> Result<()> {
    let printed = |object: &Value| {
        let kind = Kind::of(object).map_or_else(|| text(object, "/kind").to_lowercase(), Kind::printed);
        format!("{kind}/{}\n", text(object, "/metadata/name"))
    };
    match output.format {
        None => print(&format!("{name} {what}\n")),
        Some(Format::Name) => print(&objects.iter().map(|object| printed(object)).collect::<String>()),
        Some(Format::Json | Format::Yaml) => {
            let mut all = output.objects.borrow_mut();
            // Several targets can share the ConfigMap with the module.
            for object in objects {
                if !all.contains(object) {
                    all.push((*object).clone());
                }
            }
            Ok(())
        }
    }
}
