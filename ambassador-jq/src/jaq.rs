//! The layer over the jaq crates. It will be replaced by an engine of our own; nothing outside this file
//! knows jaq.

use jaq_core::load::{Arena, Error as LoadError, File, Loader, parse::Def, span};
use jaq_core::{Compiler, Ctx, Filter, Vars, data::JustLut, unwrap_valr};
use jaq_json::{Val, read, write};

use crate::json::Document;
use crate::{Limits, Outputs, Problem, Problems, Resource, RunError};

/// A compiled program, to be run on any number of inputs.
pub struct Program {
    filter: Filter<JustLut<Val>>,
    variables: usize,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Program {
    /// Compiles a program that uses no variables but those it binds itself.
    pub fn compile(text: &str) -> Result<Self, Problems> {
        Self::compile_with(text, &[])
    }

    /// Compiles a program that may use the global variables of these names, given without `$`.
    /// Their values follow in the same order with each [`run`](Self::run).
    pub fn compile_with(text: &str, variables: &[&str]) -> Result<Self, Problems> {
        let names: Vec<String> = variables.iter().map(|name| format!("${name}")).collect();
        let arena = Arena::default();
        let modules = Loader::new(prelude())
            .load(&arena, File { code: text, path: () })
            .map_err(|errors| Problems::new(load_problems(text, errors)))?;
        let filter = Compiler::default()
            .with_funs(functions())
            .with_global_vars(names.iter().map(String::as_str))
            .compile(modules)
            .map_err(|errors| Problems::new(undefined_problems(text, errors)))?;
        Ok(Self { filter, variables: variables.len() })
    }

    /// Runs the program on `input`, one JSON text. `variables` holds one JSON text for each name that
    /// [`compile_with`](Self::compile_with) was given, in the same order; a missing one is null.
    pub fn run(&self, input: &[u8], variables: &[&[u8]], limits: &Limits) -> Result<Outputs, RunError> {
        let input = parse(input, limits)?;
        let mut values = Vec::with_capacity(self.variables);
        for index in 0..self.variables {
            values.push(variables.get(index).map_or(Ok(Val::Null), |text| parse(text, limits))?);
        }
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new(values));
        let mut outputs = Outputs::default();
        for value in self.filter.id.run((context, input)).map(unwrap_valr) {
            let value = value.map_err(|_| RunError::Raised)?;
            print(&value, &mut outputs, limits)?;
        }
        Ok(outputs)
    }
}

fn parse(text: &[u8], limits: &Limits) -> Result<Val, RunError> {
    Document::new(text, limits.depth, limits.digits)?;
    read::parse_single(text).map_err(|_| RunError::Input { offset: 0 })
}

fn print(value: &Val, outputs: &mut Outputs, limits: &Limits) -> Result<(), RunError> {
    let start = outputs.buffer().len();
    write::write(outputs.buffer(), &write::Pp::default(), 0, value).map_err(|_| RunError::NotJson)?;
    if outputs.buffer().len() > limits.output {
        return Err(RunError::Exhausted { which: Resource::Output, limit: limits.output });
    }
    // jaq's values are a superset of JSON: byte strings, keys that are no strings, NaN.
    let text = outputs.buffer().get(start..).unwrap_or_default();
    Document::new(text, limits.depth, usize::MAX).map_err(|_| RunError::NotJson)?;
    outputs.finish_one();
    Ok(())
}

/// Definitions of jaq's standard library that rest on native functions we leave out: what ends the process,
/// reads the environment or logs has no place in a proxy; regular expressions, dates and formats come with
/// the engine of our own.
const LEFT_OUT: [&str; 35] = [
    "stderr",
    "debug",
    "halt",
    "halt_error",
    "logb",
    "significand",
    "pow10",
    "drem",
    "nexttoward",
    "scalb",
    "gamma",
    "test",
    "scan_",
    "match",
    "capture",
    "splits",
    "sub",
    "gsub",
    "scan",
    "todate",
    "fromdate",
    "todateiso8601",
    "fromdateiso8601",
    "@html",
    "@htmld",
    "@uri",
    "@urid",
    "@base64",
    "@base64d",
    "@sh",
    "input",
    "inputs",
    "now",
    "env",
    "capture_of_match",
];

fn prelude() -> impl Iterator<Item = Def<&'static str>> {
    let standard = jaq_std::defs().filter(|definition| {
        let regular_expression = definition.name == "split" && definition.args.len() == 2;
        !regular_expression && !LEFT_OUT.contains(&definition.name)
    });
    jaq_core::defs().chain(standard).chain(jaq_json::defs())
}

fn functions() -> impl Iterator<Item = jaq_core::native::Fun<JustLut<Val>>> {
    let standard = jaq_std::base_funs().filter(|(name, ..)| *name != "halt");
    jaq_core::funs().chain(standard).chain(jaq_json::funs())
}

fn load_problems(text: &str, errors: jaq_core::load::Errors<&str, ()>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (_, error) in errors {
        match error {
            LoadError::Io(paths) => problems.extend(paths.into_iter().map(|(path, _)| Problem {
                range: span(text, path),
                message: "modules are not available".into(),
            })),
            LoadError::Lex(found) => problems.extend(found.into_iter().map(|(expected, rest)| Problem {
                range: first_char(text, rest),
                message: format!("expected {}", expected.as_str()),
            })),
            LoadError::Parse(found) => problems.extend(found.into_iter().map(|(expected, token)| Problem {
                range: span(text, token),
                message: format!("expected {}", expected.as_str()),
            })),
        }
    }
    problems
}

/// jaq hands back all the rest of the text after a lexical error; the error is at its first character.
fn first_char(text: &str, rest: &str) -> std::ops::Range<usize> {
    let start = span(text, rest).start;
    start..start + rest.chars().next().map_or(0, char::len_utf8)
}

fn undefined_problems(text: &str, errors: jaq_core::compile::Errors<&str, ()>) -> Vec<Problem> {
    use jaq_core::compile::Undefined;
    let names = errors.into_iter().flat_map(|(_, names)| names);
    names
        .map(|(name, kind)| Problem {
            range: span(text, name),
            message: match kind {
                Undefined::Mod => format!("module {name} is not available"),
                Undefined::Var => format!("variable {name} is not defined"),
                Undefined::Label => format!("label {name} is not defined"),
                Undefined::Filter(0) => format!("function {name} is not defined"),
                Undefined::Filter(arity) => format!("function {name}/{arity} is not defined"),
                _ => format!("{name} is not defined"),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn run(program: &str, input: &str, expected: &Expect) {
        let shown = match Program::compile(program) {
            Err(problems) => problems
                .iter()
                .map(|problem| format!("{:?} {}", problem.range, problem.message))
                .collect::<Vec<_>>()
                .join("\n"),
            Ok(program) => match program.run(input.as_bytes(), &[], &Limits::default()) {
                Ok(outputs) => outputs.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n"),
                Err(error) => error.to_string(),
            },
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn reshapes_a_list() {
        run(
            "{fruits: map({name: .}), n: length}",
            r#"["a","b"]"#,
            &expect![[r#"{"fruits":[{"name":"a"},{"name":"b"}],"n":2}"#]],
        );
    }

    #[test]
    fn gives_every_output() {
        run(
            ".[]",
            "[1,2.50,[]]",
            &expect![[r"
            1
            2.50
            []"]],
        );
        run("empty", "1", &expect![""]);
    }

    #[test]
    fn says_where_a_program_is_wrong() {
        run(".a[", "1", &expect!["3..3 expected closing bracket"]);
        run(
            "foo | $x",
            "1",
            &expect![[r"
            0..3 function foo is not defined
            6..8 variable $x is not defined"]],
        );
        run(". |", "1", &expect!["3..3 expected term"]);
        run("", "1", &expect!["0..0 expected term"]);
    }

    #[test]
    fn refuses_what_has_no_place_in_a_proxy() {
        for program in ["env", "$ENV", "halt", "input", "debug", "now"] {
            assert!(Program::compile(program).is_err(), "{program} compiled");
        }
    }

    #[test]
    fn refuses_input_that_is_not_json() {
        run(".", "NaN", &expect!["the body is not valid JSON at byte 0"]);
        run(".", "[01]", &expect!["the body is not valid JSON at byte 2"]);
        run(".", "{1:2}", &expect!["the body is not valid JSON at byte 1"]);
        run(".", "1 2", &expect!["the body is not valid JSON at byte 2"]);
        run(".", "", &expect!["the body is not valid JSON at byte 0"]);
    }

    #[test]
    fn bounds_depth() {
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        run("length", &deep(127), &expect!["1"]);
        run(".", &deep(100_000), &expect!["more than 128 levels of nesting"]);
    }

    #[test]
    fn errors_never_show_data() {
        run(
            ".[0].secret + {}",
            r#"[{"secret":"hunter2"}]"#,
            &expect!["the program raised an error on this body"],
        );
        run("nan", "1", &expect!["the program gave a value that JSON cannot hold"]);
    }

    #[test]
    fn variables_are_given_by_position() {
        let program = Program::compile_with("[$a, $b, .]", &["a", "b"]).unwrap();
        let outputs = program.run(b"3", &[b"1", b"2"], &Limits::default()).unwrap();
        assert_eq!(outputs.into_single().unwrap(), b"[1,2,3]");
    }
}
