//! `kubectl ambassador convert`: the `ambassador.yaml` that does what a config of HAProxy does.

use std::path::Path;

use serde_json::json;

use super::target;
use crate::cluster;
use crate::failure::{Exit, Failure, Result};
use crate::haproxy::{Environment, Kind};
use crate::output::{print, say};
use crate::replace::{self, Text};
use crate::source;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// Convert a config of HAProxy into an ambassador.yaml
#[derive(clap::Args)]
#[command(
    after_help = "The ambassador.yaml goes to stdout, with the line behind each of its own that it came from. What is not carried
over as it was is told on stderr, directive by directive: what has no equivalent, what is different, what needs nothing.

Examples:
  # Convert a file, and see what is lost
  kubectl ambassador convert haproxy.cfg > ambassador.yaml

  # What a running pod has mounted
  kubectl ambassador convert pod/fruit-service --container haproxy-ambassador > ambassador.yaml

  # In a pipeline: fail if something has no equivalent
  kubectl ambassador convert haproxy.cfg --fail-on=lost -o json"
)]
pub(crate) struct Args {
    /// A haproxy.cfg (`-` reads stdin); or the pod or workload that runs HAProxy, as TYPE/NAME
    #[arg(value_name = "FILE|TYPE/NAME")]
    what: String,

    /// Container that runs HAProxy [default: the one whose image is called so]
    #[arg(long, value_name = "NAME")]
    container: Option<String>,

    /// What an environment variable of the file means: NAME=VALUE (repeatable)
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,

    /// Print the config as text, or the config and what is said about it as JSON
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT", default_value = "yaml")]
    format: Format,

    /// The least that makes the exit code 1
    #[arg(long, value_enum, value_name = "KIND", default_value = "never")]
    fail_on: FailOn,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Yaml,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Something has no equivalent
    Lost,
    /// That, or something is carried over with a difference
    Different,
    Never,
}

fn variable(text: &str) -> std::result::Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut text =
        if args.is_about_a_cluster() { cluster::block_on(of_cluster(args))? } else { of_file(args)? };
    text.environment.extend(args.environment.iter().cloned());
    let conversion = text.convert()?;
    match args.format {
        Format::Yaml => {
            replace::tell(&text.file, &conversion);
            print(&conversion.config)?;
        }
        Format::Json => {
            let notes: Vec<_> = conversion.notes.iter().map(|note| note.to_json(&text.file)).collect();
            print(&format!("{:#}\n", json!({"config": conversion.config, "notes": notes})))?;
        }
    }
    let fails = |kind: Kind| match args.fail_on {
        FailOn::Lost => kind == Kind::Lost,
        FailOn::Different => kind != Kind::Anyway,
        FailOn::Never => false,
    };
    if conversion.notes.iter().any(|note| fails(note.kind)) {
        Err(Failure::silent(Exit::Unchanged))
    } else {
        Ok(())
    }
}

impl Args {
    /// What is a file is read as one.
    fn is_about_a_cluster(&self) -> bool {
        let is_file = self.what == "-" || Path::new(&self.what).is_file();
        self.container.is_some() || !is_file && target::names_one(&self.what)
    }
}

fn of_file(args: &Args) -> Result<Text> {
    let path = Path::new(&args.what);
    let bytes = source::read_bytes(path, LARGEST)?;
    let file = if args.what == "-" { "stdin".to_owned() } else { args.what.clone() };
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::usage(format!("{file} is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    if words.next().is_some_and(|first| first == "apiVersion:" || first.starts_with('{')) {
        return Err(Failure::usage(format!("{file} is a manifest, and no config of HAProxy")).hint(
            "convert TYPE/NAME reads it from a cluster; inject -f FILE --replace CONTAINER converts it in its place",
        ));
    }
    let stem = path.file_stem().and_then(std::ffi::OsStr::to_str).filter(|stem| *stem != "-");
    Ok(Text {
        file,
        name: stem.unwrap_or("haproxy").to_owned(),
        content: text,
        environment: Environment::new(),
    })
}

async fn of_cluster(args: &Args) -> Result<Text> {
    let cluster = args.cluster.connect().await?;
    let target = target::one(&cluster, &args.what).await?;
    let (object, template) = target.pod();
    let container = replace::container(object, template, args.container.as_deref())?;
    if args.container.is_none() {
        say(&format!("taken: container {}, whose image is {}", container.name, container.image));
    }
    let text = replace::live(&cluster, object, template, &container).await?;
    say(&format!("read: {}", text.file));
    Ok(text)
}
