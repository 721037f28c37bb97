//! `kubectl ambassador test`: rules tried on requests and answers from files, by the very code that runs in Envoy.

mod cases;
mod compare;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ambassador_core::Ambassador;
use ambassador_core::exchange::whole::Message;
use ambassador_core::problem::Problem;
use ambassador_core::trial::message::{self, Answer};
use ambassador_core::trial::{self, Trial};

use crate::failure::{Failure, Result};
use crate::output::{self, say};
use crate::source;

/// Try rules on a request and an answer, without Envoy and without a cluster
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 it works, 1 a rule fails or a case is not as expected, 2 wrong input.

Examples:
  # What a client would get, the rule that makes it, and why others do not
  curl -si http://localhost:8775/stock/7 > answer.txt
  kubectl ambassador test -c ambassador.yaml --request 'GET /stock/7' --response-file answer.txt

  # A program on a body
  echo '[1,2]' | kubectl ambassador test --port 80:8775 --jq 'map(. + 1)' --response-file -

  # All cases of a folder, each one a folder with request.http, answer.http and expected.http
  kubectl ambassador test -c ambassador.yaml --cases testdata

  # Write what comes out as what is expected
  kubectl ambassador test -c ambassador.yaml --cases testdata --update")]
pub(crate) struct Args {
    #[command(flatten)]
    source: source::Args,

    #[command(flatten)]
    exchange: ExchangeArgs,

    /// Try all cases in a folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ExchangeArgs", "include"])]
    cases: Option<PathBuf>,

    /// Write what comes out into the cases, instead of comparing it
    #[arg(long, requires = "cases")]
    update: bool,

    /// Show status and headers too, before the body
    #[arg(short, long)]
    include: bool,

    /// How to tell what happened
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// One exchange.
#[derive(Debug, clap::Args)]
#[group(multiple = true)]
struct ExchangeArgs {
    /// The request: METHOD and path
    #[arg(long, value_name = "'GET /'", conflicts_with = "request_file")]
    request: Option<String>,

    /// The request as it goes over the wire (`-` reads stdin)
    #[arg(long, value_name = "FILE")]
    request_file: Option<PathBuf>,

    /// Header of the request (repeatable)
    #[arg(short = 'H', long = "header", value_name = "'NAME: VALUE'")]
    headers: Vec<String>,

    /// What the program answers, as `curl -i` shows it, or its body alone (`-` reads stdin)
    #[arg(long, value_name = "FILE")]
    response_file: Option<PathBuf>,

    /// Status of an answer that is a body alone
    #[arg(long, value_name = "STATUS", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..600))]
    status: u16,

    /// Content-Type of an answer that is a body alone
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// Name of the port that is asked [default: the one that the request's Host names, else the first]
    #[arg(long, value_name = "NAME")]
    on: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// JSON
    Json,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let source = match args.source.read()? {
        Some(source) => source,
        None if args.source.jq.is_none() && args.source.ports.is_empty() => {
            return Err(
                Failure::usage("no rules to try").hint("name a config with -c FILE, or a program with --jq")
            );
        }
        None => args.source.of_flags_alone()?,
    };
    let ambassador = source.loaded.ambassador;
    if let Some(dir) = &args.cases {
        return cases::run(&ambassador, dir, args.update, args.output == Some(Format::Json));
    }
    let request = request(&args.exchange)?;
    let answer = answer(&args.exchange)?;
    let port = trial::port(&ambassador, args.exchange.on.as_deref(), &request);
    let port = port.map_err(no_port)?;
    let started = Instant::now();
    let trial = Trial::run(&ambassador, port, request, answer.message, now());
    let took = started.elapsed();
    for warning in answer.warnings {
        say(&format!("warning: {warning}"));
    }
    match args.output {
        Some(Format::Json) => output::print(&format!("{:#}\n", trial.to_json(&ambassador, took)))?,
        None => show(&trial, &ambassador, took, args.include)?,
    }
    if trial.failed() { Err(Failure::unchanged("a rule failed")) } else { Ok(()) }
}

fn request(args: &ExchangeArgs) -> Result<Message> {
    let text = match (&args.request_file, &args.request) {
        (Some(file), _) => read(file)?,
        (None, line) => format!("{}\n\n", line.as_deref().unwrap_or("GET /")).into_bytes(),
    };
    let mut request = message::request(&text).map_err(|why| Failure::usage(format!("the request: {why}")))?;
    for header in &args.headers {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::usage(format!("-H `{}`: expected NAME: VALUE", header.escape_debug())))?;
        message::add_header(&mut request, name, value)
            .map_err(|why| Failure::usage(format!("-H `{}`: {why}", header.escape_debug())))?;
    }
    Ok(request)
}

fn answer(args: &ExchangeArgs) -> Result<Answer> {
    let file = args.response_file.as_ref().ok_or_else(|| {
        Failure::usage("what does the program answer?")
            .hint("--response-file FILE with it, as `curl -i` shows it or its body alone; - reads stdin")
    })?;
    let text = read(file)?;
    if message::has_head(&text) && args.content_type.is_some() {
        return Err(Failure::usage(
            "--content-type is for an answer that is a body alone, and this one has a head",
        ));
    }
    message::answer(&text, args.status, args.content_type.as_deref())
        .map_err(|why| Failure::usage(format!("the answer: {why}")))
}

fn no_port(problem: Problem) -> Failure {
    let failure = Failure::usage(problem.message);
    problem.hint.into_iter().fold(failure, Failure::hint)
}

/// The largest message that is read: a body beyond what any config reshapes, with its head.
const LARGEST: u64 = 80 << 20;

fn read(file: &Path) -> Result<Vec<u8>> {
    source::read_bytes(file, LARGEST)
}

/// Seconds since 1970-01-01 in UTC.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The answer to stdout, and what is to be known of it to stderr.
fn show(trial: &Trial, ambassador: &Ambassador, took: Duration, include: bool) -> Result<()> {
    for line in trial.told(ambassador, took) {
        say(&line);
    }
    let answer = &trial.told.answer;
    let head = if include { message::head(answer) } else { String::new() };
    let mut text = [head.as_bytes(), &answer.body].concat();
    // A person's next line is not to begin in the answer's last one; a file gets what a client would.
    if std::io::stdout().is_terminal() && !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    output::print_bytes(&text)
}
