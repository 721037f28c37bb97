//! jaq, used as its own command uses it: read a value, run, write.

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
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the programs are constants")]
    pub fn new(program: &str) -> Self {
        let arena = Arena::default();
        let standard = jaq_std::defs().filter(|definition| {
            let regular_expression = definition.name == "split" && definition.args.len() == 2;
            !regular_expression && !LEFT_OUT.contains(&definition.name)
        });
        let loader = Loader::new(jaq_core::defs().chain(standard).chain(jaq_json::defs()));
        let modules = loader.load(&arena, File { code: program, path: () }).expect("a program");
        let functions = jaq_core::funs().chain(jaq_std::base_funs()).chain(jaq_json::funs());
        Self(Compiler::default().with_funs(functions).compile(modules).expect("a program"))
    }

    /// Runs; the bytes written.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the bodies are ours")]
    pub fn run(&self, body: &[u8]) -> usize {
        let input = read::parse_single(body).expect("JSON");
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let mut output = Vec::new();
        for value in self.0.id.run((context, input)).map(unwrap_valr) {
            let value = value.expect("a value");
            write::write(&mut output, &write::Pp::default(), 0, &value).expect("room");
        }
        output.len()
    }
}
