//! Programs, compiled and run.

use crate::builtins::array;
use crate::code::Code;
use crate::json::Document;
use crate::run as machine;
use crate::value::Value;
use crate::{Limits, Outputs, Problems, RunError, compile};

/// A compiled program, to be run on any number of inputs.
#[derive(Debug)]
pub struct Program {
    text: Box<str>,
    code: Code,
    variables: usize,
}

/// What a run is given besides its input.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run<'a> {
    /// One JSON text for each name that [`Program::compile_with`] was given, in the same order; a missing one is null.
    pub variables: &'a [&'a [u8]],
    /// What `now` gives: seconds since 1970-01-01 in UTC. Default 0: this crate reads no clock.
    pub now: f64,
    /// Bounds of this run.
    pub limits: Limits,
}

impl Program {
    /// Compiles a program that uses no variables but those it binds itself.
    pub fn compile(text: &str) -> Result<Self, Problems> {
        Self::compile_with(text, &[])
    }

    /// Compiles a program that may use the global variables of these names, given without `$`.
    pub fn compile_with(text: &str, variables: &[&str]) -> Result<Self, Problems> {
        let code = compile::compile(text, variables)?;
        Ok(Self { text: text.into(), code, variables: variables.len() })
    }

    /// Whether the program uses the global variable of this number; one that it does not need not be given.
    pub fn uses(&self, variable: usize) -> bool {
        self.code.uses.get(variable).copied().unwrap_or(false)
    }

    /// Whether the program asks for the time.
    pub fn uses_now(&self) -> bool {
        self.code.uses_now
    }

    /// Whether the program calls what builds without the feature `library` do not have: regular expressions, times, and
    /// the rarer functions of mathematics.
    pub fn uses_library(&self) -> bool {
        self.code.uses_library
    }

    /// Runs the program on `input`, one JSON text.
    pub fn run(&self, input: &[u8], run: &Run) -> Result<Outputs, RunError> {
        let depth = run.limits.depth.min(Limits::DEEPEST);
        let mut input = Document::new(input, depth, run.limits.digits)?;
        input.append(&self.code.strings)?;
        let fuel = machine::fuel(&run.limits, &input, run.now);
        let mut variables = Vec::with_capacity(self.variables);
        for index in 0..self.variables {
            variables.push(match run.variables.get(index) {
                Some(text) => array::own(&Document::new(text, depth, run.limits.digits)?),
                None => Value::Null,
            });
        }
        let mut outputs = Outputs::default();
        let result = machine::run(&self.code, &input, variables, fuel, &mut outputs);
        input.leave();
        match result {
            Ok(steps) => outputs.set_steps(steps),
            Err(error) => return Err(self.placed(error)),
        }
        Ok(outputs)
    }

    /// Puts line and column into an error.
    fn placed(&self, mut error: RunError) -> RunError {
        if let RunError::Raised { range, line, column, .. } = &mut error {
            let before = self.text.get(..range.start).unwrap_or_default();
            *line = 1 + before.matches('\n').count();
            *column = 1 + before.chars().rev().take_while(|&c| c != '\n').count();
        }
        error
    }
}
