//! From a body to a body: decoded, read as JSON, run through a program, written. The same for requests and answers.

use ambassador_jq::{Limits, Program, Run};

use crate::coding::Codings;
use crate::config;
use crate::exchange::Failure;
use crate::format::{Reader, Writer};
use crate::matcher::content_type;
use crate::problem::{Path, Problem};

/// Bytes of the longest program.
const LONGEST_PROGRAM: usize = 64 << 10;
/// Bytes that the engine may want beyond those of its outputs.
const ROOM: usize = 64;
/// The global variables of every program, in the order their values are given.
pub(crate) const VARIABLES: [&str; 2] = ["request", "response"];

/// What a config says about a body.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) jq: Option<&'a str>,
    pub(super) from: Option<&'a config::Format>,
    pub(super) to: Option<&'a config::Format>,
    pub(super) outputs: Option<&'a str>,
}

/// What becomes of another number of outputs than one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Many {
    #[default]
    Error,
    Array,
    Lines,
}

/// A program with the formats before and after it.
#[derive(Debug)]
pub struct Reshaper {
    program: Program,
    from: Option<Reader>,
    to: Writer,
    many: Many,
}

/// What a body is in, by the head of its message.
#[derive(Debug, Clone, Default)]
pub struct Wrapping {
    /// Its codings, in the order they were applied.
    pub codings: Codings,
    /// Its Content-Type.
    pub content_type: Option<Vec<u8>>,
}

/// What a program may know besides the body.
#[derive(Debug, Default)]
pub struct Known {
    /// `$request` as JSON; empty if no program asks for it.
    pub request: Vec<u8>,
    /// `$response` as JSON; empty if no program asks for it.
    pub response: Vec<u8>,
}

/// A new body.
#[derive(Debug)]
pub struct Reshaped {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Steps that the program took.
    pub steps: usize,
}

impl Reshaper {
    pub(super) fn new(written: &Written<'_>, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let from = written.from.map(|format| Reader::new(format, &path.key("from"), problems));
        let to = written.to.map(|format| Writer::new(format, &path.key("to"), problems));
        let many = many(written.outputs, &path.key("outputs"), problems);
        if written.jq.is_none() {
            let fields = [
                ("from", written.from.is_some()),
                ("to", written.to.is_some()),
                ("outputs", written.outputs.is_some()),
            ];
            for (field, _) in fields.iter().filter(|(_, is_there)| *is_there) {
                let message = format!("`{field}` has no effect without `jq`");
                problems
                    .push(Problem::new(&path.key(field), message).hint("`jq: .` leaves the value as it is"));
            }
        }
        let to = to.flatten().unwrap_or_else(Writer::json);
        if many == Many::Lines && written.to.is_some() && !to.joins_outputs() {
            let message = format!("outputs as ndjson cannot be written as {}", to.name());
            problems.push(Problem::new(&path.key("outputs"), message).hint("leave out `to`"));
        }
        let program = compile(written.jq?, &path.key("jq"), problems)?;
        (problems.len() == before).then_some(Self { program, from: from.flatten(), to, many })
    }

    /// Whether a body of this Content-Type is for the program: one of the format of `from`, or without that JSON; or
    /// none, as legacy programs forget it.
    pub fn reads(&self, content_type: Option<&[u8]>) -> bool {
        match &self.from {
            Some(reader) => reader.reads(content_type),
            None => content_type.is_none_or(content_type::is_json),
        }
    }

    /// Whether some reader is for a body of this Content-Type: that of `from`, or one that the type asks for.
    pub fn can_read(&self, content_type: Option<&[u8]>) -> bool {
        self.from.is_some() || Reader::for_content_type(content_type).is_some()
    }

    /// The Content-Type of what is written.
    pub fn content_type(&self) -> &'static str {
        match self.many {
            Many::Lines => "application/x-ndjson",
            _ => self.to.content_type(),
        }
    }

    /// Whether the program asks for `$request`.
    pub fn uses_request(&self) -> bool {
        self.program.uses(0)
    }

    /// Whether the program asks for `$response`.
    pub fn uses_response(&self) -> bool {
        self.program.uses(1)
    }

    /// Whether what the program gives depends on the time.
    pub fn uses_now(&self) -> bool {
        self.program.uses_now()
    }

    /// Reshapes a whole body. `limit` bounds it in each of its forms: decoded, as JSON, and written.
    ///
    /// `clock` gives the seconds since 1970-01-01 in UTC; it is asked only for programs that want to know.
    pub fn run(
        &self,
        body: &[u8],
        wrapping: &Wrapping,
        known: &Known,
        limit: usize,
        clock: impl FnOnce() -> f64,
    ) -> Result<Reshaped, Failure> {
        let decoded;
        let body = if wrapping.codings.is_empty() {
            body
        } else {
            decoded = wrapping.codings.decode(body, limit)?;
            &decoded
        };
        if body.is_empty() {
            return Err(Failure::Empty);
        }
        let content_type = wrapping.content_type.as_deref();
        let asked_for;
        let reader = if let Some(reader) = &self.from {
            reader
        } else {
            // A type that no format is for was named by the rule, which has no `from`: then it is JSON.
            asked_for = Reader::for_content_type(content_type).or_else(|| Reader::for_content_type(None));
            asked_for.as_ref().ok_or(Failure::UnknownFormat)?
        };
        let json = reader.read(body, content_type, limit)?;
        self.run_json(&json, known, limit, clock)
    }

    /// Runs the program on JSON and writes its outputs.
    fn run_json(
        &self,
        json: &[u8],
        known: &Known,
        limit: usize,
        clock: impl FnOnce() -> f64,
    ) -> Result<Reshaped, Failure> {
        let outputs = self.outputs(json, known, limit, clock)?;
        let steps = outputs.steps();
        let body = match self.many {
            Many::Lines => lines(&outputs, limit)?,
            Many::Array => self.to.write(array(&outputs), limit)?,
            Many::Error if self.to.joins_outputs() && outputs.len() != 1 => {
                self.to.write_all(outputs.iter(), limit)?
            }
            Many::Error => {
                let one = outputs.into_single();
                self.to.write(one.map_err(|outputs| Failure::Outputs { count: outputs.len() })?, limit)?
            }
        };
        if body.len() > limit {
            return Err(Failure::OutputTooLarge { limit });
        }
        Ok(Reshaped { body, steps })
    }

    /// Runs the program on one JSON text.
    pub(crate) fn outputs(
        &self,
        json: &[u8],
        known: &Known,
        limit: usize,
        clock: impl FnOnce() -> f64,
    ) -> Result<ambassador_jq::Outputs, Failure> {
        let value = |text: &'_ [u8]| if text.is_empty() { b"null".to_vec() } else { text.to_vec() };
        let (request, response) = (value(&known.request), value(&known.response));
        let now = if self.program.uses_now() { clock() } else { 0.0 };
        // The engine asks for a little more room than it then needs; what comes out is measured by the caller.
        let limits = Limits { output: limit.saturating_add(ROOM), ..Limits::default() };
        let run = Run { variables: &[&request, &response], now, limits };
        Ok(self.program.run(json, &run)?)
    }
}

fn many(written: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> Many {
    match written {
        None | Some("error") => Many::Error,
        Some("array") => Many::Array,
        Some("ndjson") => Many::Lines,
        Some(other) => {
            let message = format!("unknown way `{}`", other.escape_debug());
            problems.push(Problem::new(path, message).hint("expected error, array or ndjson"));
            Many::Error
        }
    }
}

fn compile(text: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Program> {
    if text.len() > LONGEST_PROGRAM {
        problems.push(Problem::new(path, format!("a program is at most {LONGEST_PROGRAM} bytes long")));
        return None;
    }
    let found = match Program::compile_with(text, &VARIABLES) {
        Ok(program) => return Some(program),
        Err(found) => found,
    };
    let placed = |problem: ambassador_jq::Problem| Problem::new(path, problem.message).range(problem.range);
    problems.extend(found.into_iter().map(placed));
    None
}

fn array(outputs: &ambassador_jq::Outputs) -> Vec<u8> {
    let size: usize = outputs.iter().map(|output| output.len().saturating_add(1)).sum();
    let mut json = Vec::with_capacity(size.saturating_add(2));
    json.push(b'[');
    for (at, output) in outputs.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        json.extend_from_slice(output);
    }
    json.push(b']');
    json
}

/// One output a line. What a program does not touch leaves as it came, line breaks between its words included: they
/// become spaces.
pub(crate) fn lines(outputs: &ambassador_jq::Outputs, limit: usize) -> Result<Vec<u8>, Failure> {
    let size: usize = outputs.iter().map(|output| output.len().saturating_add(1)).sum();
    if size > limit {
        return Err(Failure::OutputTooLarge { limit });
    }
    let mut text = Vec::with_capacity(size);
    for output in outputs.iter() {
        text.extend(output.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        text.push(b'\n');
    }
    Ok(text)
}
