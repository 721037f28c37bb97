//! Data to stdout, talk to stderr.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{ErrorKind, Write as _};

use serde_json::{Value, json};

use crate::failure::{Exit, Failure, Result};
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

    /// Whether anything was changed.
    #[arg(skip)]
    has_changed: Cell<bool>,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was so already.
    Unchanged,
    /// It would be `injected`, as far as can be known on this side.
    DryRun(&'static str),
    /// The same, as the server says.
    ServerDryRun(&'static str),
    /// It is `injected`.
    Done(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::DryRun(what) => write!(f, "{what} (dry run)"),
            Self::ServerDryRun(what) => write!(f, "{what} (server dry run)"),
            Self::Done(what) => f.write_str(what),
        }
    }
}

impl Args {
    /// The form that is asked for.
    pub(crate) fn format(&self) -> Option<Format> {
        self.format
    }

    /// Whether anything was changed so far.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed.get()
    }

    /// Prints the objects of all that was done.
    pub(crate) fn finish(&self) -> Result<()> {
        let objects = self.objects.take();
        if objects.is_empty() {
            return Ok(());
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let printed = print(&match self.format {
            Some(Format::Yaml) => serde_saphyr::to_string(&list)
                .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?,
            _ => format!("{list:#}\n"),
        });
        if self.has_changed() {
            printed.map_err(|failure| untold("what was to be done is done", failure))
        } else {
            printed
        }
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

/// Prints what is true in the cluster now, whether anybody hears of it or not: the exit code must not say otherwise.
pub(crate) fn print_done(text: &str) -> Result<()> {
    print(text).map_err(|failure| untold(text.trim_end(), failure))
}

fn untold(done: &str, failure: Failure) -> Failure {
    failure.within(Exit::LeftHalfDone, format!("{done}, but")).hint("the same command again says how it is")
}

/// Prints what was done to `pod`, or the objects.
pub(crate) fn done(objects: &[&Value], pod: &str, outcome: Outcome, output: &Args) -> Result<()> {
    told(objects, &format!("pod/{pod}"), outcome, output)
}

/// Prints what was done to `name`, or the names of the objects; or keeps these for the list that is printed in the end.
pub(crate) fn told(objects: &[&Value], name: &str, outcome: Outcome, output: &Args) -> Result<()> {
    let printed = |object: &Value| {
        let kind = Kind::of(object).map_or_else(|| text(object, "/kind").to_lowercase(), Kind::printed);
        format!("{kind}/{}\n", text(object, "/metadata/name"))
    };
    let is_done = matches!(outcome, Outcome::Done(_));
    output.has_changed.set(output.has_changed() || is_done);
    let line = format!("{name} {outcome}");
    let print = |text: &str| {
        print(text).map_err(
            |failure| if is_done { untold(&format!("{name} is {outcome}"), failure) } else { failure },
        )
    };
    match output.format {
        None => print(&format!("{line}\n")),
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
