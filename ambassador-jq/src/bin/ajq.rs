//! `ajq`: jq's everyday options on this engine.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use ambassador_jq::{Limits, Outputs, Problems, Program, Run, RunError};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clap::Parser;

/// Runs a jq program on JSON values, within limits
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
struct Arguments {
    /// The program
    #[arg(required_unless_present = "from_file", default_value = ".", hide_default_value = true)]
    program: String,
    /// Files with JSON values, one after the other; standard input if there are none
    files: Vec<PathBuf>,
    /// Read the program from a file; the first argument is a file of values then
    #[arg(short, long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Do not read input: run the program once, on null
    #[arg(short, long)]
    null_input: bool,
    /// Run the program once, on an array of all values
    #[arg(short, long)]
    slurp: bool,
    /// Write strings as they are, without quotes
    #[arg(short, long)]
    raw_output: bool,
    /// As --raw-output, without a newline after each output
    #[arg(short, long)]
    join_output: bool,
    /// One line an output: always so, taken for the sake of habit
    #[arg(short, long)]
    compact_output: bool,
    /// Exit with 1 if the last output is false or null, with 4 if there is none
    #[arg(short, long)]
    exit_status: bool,
    /// Set $NAME to a string
    #[arg(long, num_args = 2, value_names = ["NAME", "TEXT"], action = clap::ArgAction::Append)]
    arg: Vec<String>,
    /// Set $NAME to a JSON value
    #[arg(long, num_args = 2, value_names = ["NAME", "JSON"], action = clap::ArgAction::Append)]
    argjson: Vec<String>,
    /// Steps that a run may take
    #[arg(long, default_value_t = Limits::default().steps, help_heading = "Limits")]
    steps: usize,
    /// Bytes that values may take, on top of 32 for each byte of the input
    #[arg(long, default_value_t = Limits::default().bytes, help_heading = "Limits")]
    bytes: usize,
    /// Levels that values may nest, at most 1024
    #[arg(long, default_value_t = Limits::default().depth, help_heading = "Limits")]
    depth: usize,
    /// Characters that a number may have
    #[arg(long, default_value_t = Limits::default().digits, help_heading = "Limits")]
    digits: usize,
    /// Bytes that all outputs of a run may take
    #[arg(long, default_value_t = Limits::default().output, help_heading = "Limits")]
    output: usize,
    /// Say on standard error how many steps each run took
    #[arg(long)]
    show_steps: bool,
}

const EXIT_CODES: &str = "\
Exit codes, as jq's:
  0  all went well
  1  --exit-status: the last output is false or null
  2  a usage error, or an input that cannot be read or is not JSON
  3  the program cannot be compiled
  4  --exit-status: there was no output
  5  the program raised an error, or reached a limit";

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if let Some(path) = &arguments.from_file {
        if !arguments.program.is_empty() && arguments.program != "." {
            arguments.files.insert(0, PathBuf::from(&arguments.program));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => arguments.program = text,
            Err(error) => return fail(2, &format!("{}: {error}", path.display())),
        }
    }
    run(&arguments).map_or_else(|code| code, ExitCode::from)
}

fn fail(code: u8, message: &str) -> ExitCode {
    eprintln!("ajq: error: {message}");
    ExitCode::from(code)
}

fn run(arguments: &Arguments) -> Result<u8, ExitCode> {
    let (names, values) = variables(arguments)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let program = Program::compile_with(&arguments.program, &names).map_err(|problems| {
        show(&arguments.program, &problems);
        ExitCode::from(3)
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let limits = Limits {
        steps: arguments.steps,
        bytes: arguments.bytes,
        depth: arguments.depth,
        digits: arguments.digits,
        output: arguments.output,
    };
    let run = Run { variables: &values, now, limits };
    let text = if arguments.null_input { b"null".to_vec() } else { read(arguments)? };
    let mut inputs = split(&text);
    let slurped;
    if arguments.slurp && !arguments.null_input {
        slurped = [b"[".as_slice(), &inputs.join(b",".as_slice()), b"]"].concat();
        inputs = vec![&slurped];
    }
    let (mut code, mut last) = (0, None);
    for input in inputs {
        match program.run(input, &run) {
            Ok(outputs) => {
                if arguments.show_steps {
                    eprintln!("ajq: {} steps", outputs.steps());
                }
                last = outputs.iter().last().map(<[u8]>::to_vec).or(last);
                // Nobody reads any more: that is no error.
                if write(&outputs, arguments).is_err() {
                    break;
                }
            }
            Err(error) => {
                code = if let RunError::Input { .. } = error { 2 } else { 5 };
                eprintln!("ajq: error: {error}");
            }
        }
    }
    Ok(match last.as_deref() {
        _ if code != 0 || !arguments.exit_status => code,
        None => 4,
        Some(b"false" | b"null") => 1,
        Some(_) => 0,
    })
}

/// The names of the global variables and their values as JSON.
fn variables(arguments: &Arguments) -> Result<(Vec<String>, Vec<Vec<u8>>), ExitCode> {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for pair in arguments.arg.chunks_exact(2) {
        let [name, text] = pair else { continue };
        names.push(name.clone());
        values.push(serde_json::Value::from(text.as_str()).to_string().into_bytes());
    }
    for pair in arguments.argjson.chunks_exact(2) {
        let [name, json] = pair else { continue };
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(json) {
            return Err(fail(2, &format!("--argjson {name}: {error}")));
        }
        names.push(name.clone());
        values.push(json.clone().into_bytes());
    }
    Ok((names, values))
}

fn read(arguments: &Arguments) -> Result<Vec<u8>, ExitCode> {
    let mut text = Vec::new();
    if arguments.files.is_empty() {
        let read = std::io::stdin().read_to_end(&mut text);
        read.map_err(|error| fail(2, &format!("standard input: {error}")))?;
    }
    for path in &arguments.files {
        let read = File::open(path).and_then(|mut file| file.read_to_end(&mut text));
        read.map_err(|error| fail(2, &format!("{}: {error}", path.display())))?;
        text.push(b'\n');
    }
    Ok(text)
}

/// The values of a text, which stand one after the other. Whether they are JSON is for the engine to say.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let (mut values, mut at) = (Vec::new(), 0);
    while let Some(start) =
        text.get(at..).and_then(|rest| rest.iter().position(|byte| !byte.is_ascii_whitespace()))
    {
        let start = at + start;
        at = end_of_value(text, start);
        values.extend(text.get(start..at));
    }
    values
}

/// Behind the value that begins here.
fn end_of_value(text: &[u8], start: usize) -> usize {
    let (mut at, mut level, mut in_string) = (start, 0_usize, false);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => {
                in_string = !in_string;
                if !in_string && level == 0 {
                    return at;
                }
            }
            _ if in_string => {}
            b'[' | b'{' => level += 1,
            b']' | b'}' => {
                level = level.saturating_sub(1);
                if level == 0 {
                    return at;
                }
            }
            _ if level == 0 => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b"[{\"".contains(byte);
                if text.get(at).is_none_or(ends) {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn write(outputs: &Outputs, arguments: &Arguments) -> std::io::Result<()> {
    let mut lines = Vec::new();
    let raw = arguments.raw_output || arguments.join_output;
    for output in outputs.iter() {
        match raw.then(|| serde_json::from_slice::<String>(output).ok()).flatten() {
            Some(text) => lines.extend_from_slice(text.as_bytes()),
            None => lines.extend_from_slice(output),
        }
        if !arguments.join_output {
            lines.push(b'\n');
        }
    }
    let mut output = std::io::stdout().lock();
    output.write_all(&lines)?;
    output.flush()
}

/// How many problems of a program are shown.
const MOST_SHOWN: usize = 50;

/// Shows the problems of a program, each with the line and what is wrong in it underlined.
fn show(program: &str, problems: &Problems) {
    let renderer = if std::io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() };
    for problem in problems.iter().take(MOST_SHOWN) {
        let snippet = Snippet::source(program)
            .path("program")
            .annotation(AnnotationKind::Primary.span(problem.range.clone()));
        let report: [Group; 1] = [Level::ERROR.primary_title(problem.message.as_str()).element(snippet)];
        eprintln!("{}\n", renderer.render(&report));
    }
}
