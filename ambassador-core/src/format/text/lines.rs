//! Lines that a regular expression takes apart.

use regex_lite::{Regex, RegexBuilder};

use super::{Fault, Output, Path, Problem, Unmatched};

/// Bytes that the automaton of an expression may take.
const LARGEST: usize = 64 << 10;
/// Steps that one body may take: each byte of it can visit each state of the automaton. Where all of them do, which no
/// expression for a log comes near, that is two seconds.
const MOST_STEPS: usize = 1 << 27;

#[derive(Debug)]
pub(super) struct Lines {
    regex: Regex,
    /// Bytes that the automaton takes at most.
    size: usize,
    unmatched: Unmatched,
}

fn compile(pattern: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<(Regex, usize)> {
    // The crate does not say how large an automaton is, but it keeps to a limit.
    let mut size = 1 << 10;
    let regex = loop {
        match RegexBuilder::new(pattern).nest_limit(50).size_limit(size).build() {
            Ok(regex) => break regex,
            Err(_) if size < LARGEST => size = size.saturating_add(size / 4),
            Err(error) => {
                problems.push(Problem::new(path, format!("not a regular expression: {error}")));
                return None;
            }
        }
    };
    if regex.capture_names().flatten().next().is_none() {
        let problem = Problem::new(path, "this expression has no named groups");
        problems.push(problem.hint("name the parts of a line that become fields: (?P<level>[A-Z]+)"));
        return None;
    }
    Some((regex, size))
}

impl Lines {
    pub(super) fn new(
        pattern: &str,
        unmatched: Unmatched,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let (regex, size) = compile(pattern, path, problems)?;
        Some(Self { regex, size, unmatched })
    }

    pub(super) fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        let states = (self.size / 64).max(1);
        if text.len().saturating_mul(states) > MOST_STEPS {
            return Err(Fault::new("its lines take too long: use a shorter expression, or a smaller body"));
        }
        output.raw("[")?;
        let (mut start, mut first) = (0_usize, true);
        for line in text.split_inclusive('\n') {
            let bare = line.strip_suffix('\n').unwrap_or(line);
            let bare = bare.strip_suffix('\r').unwrap_or(bare);
            match self.regex.captures(bare) {
                Some(captures) => {
                    output.raw(if first { "{" } else { ",{" })?;
                    first = false;
                    self.fields(&captures, output)?;
                }
                None if self.unmatched == Unmatched::Skip => {}
                None => return Err(Fault::at(start, "the expression does not match this line")),
            }
            start = start.saturating_add(line.len());
        }
        output.raw("]")
    }

    fn fields(&self, captures: &regex_lite::Captures<'_>, output: &mut Output) -> Result<(), Fault> {
        let mut first = true;
        for (at, name) in self.regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            if !first {
                output.raw(",")?;
            }
            first = false;
            output.string(name)?;
            output.raw(":")?;
            match captures.get(at) {
                Some(group) => output.string(group.as_str())?,
                None => output.raw("null")?,
            }
        }
        output.raw("}")
    }
}
