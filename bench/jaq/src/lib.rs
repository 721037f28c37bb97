//! jaq, used as its own command uses it: read a value, run, write. Tests compare what it gives with the engine's, and
//! benchmarks how long it takes.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, data::JustLut, unwrap_valr};
use jaq_json::{Val, read, write};

/// Definitions that rest on optional features of jaq, which the programs here do not need.
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

/// A program compiled by jaq.
pub struct Jaq(Filter<JustLut<Val>>);

impl Jaq {
    /// Compiles.
    ///
    /// # Errors
    ///
    /// What jaq cannot read, or a name that it does not know.
    pub fn new(program: &str) -> Result<Self, String> {
        let arena = Arena::default();
        let standard = jaq_std::defs().filter(|definition| {
            let regular_expression = definition.name == "split" && definition.args.len() == 2;
            !regular_expression && !LEFT_OUT.contains(&definition.name)
        });
        let loader = Loader::new(jaq_core::defs().chain(standard).chain(jaq_json::defs()));
        let modules = loader
            .load(&arena, File { code: program, path: () })
            .map_err(|_| "jaq cannot read it".to_owned())?;
        let functions = jaq_core::funs().chain(jaq_std::base_funs()).chain(jaq_json::funs());
        let filter = Compiler::default().with_funs(functions).compile(modules);
        filter.map(Self).map_err(|_| "jaq does not know a name".to_owned())
    }

    /// Runs; each output is written by `each`.
    ///
    /// # Errors
    ///
    /// jaq's own.
    pub fn run(&self, body: &[u8], mut each: impl FnMut(&Val)) -> Result<(), String> {
        let input = read::parse_single(body).map_err(|error| error.to_string())?;
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        for value in self.0.id.run((context, input)).map(unwrap_valr) {
            each(&value.map_err(|error| error.to_string())?);
        }
        Ok(())
    }
}

/// Writes an output as compact JSON behind what is there.
#[expect(clippy::missing_panics_doc, reason = "a vector takes all that is written")]
pub fn write_to(output: &mut Vec<u8>, value: &Val) {
    write::write(output, &write::Pp::default(), 0, value).expect("room");
}

/// What jaq gives for a body, or its error.
///
/// # Errors
///
/// Those of [`Jaq::new`] and [`Jaq::run`].
pub fn run(program: &str, body: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut outputs = Vec::new();
    Jaq::new(program)?.run(body, |value| {
        let mut output = Vec::new();
        write_to(&mut output, value);
        outputs.push(output);
    })?;
    Ok(outputs)
}
