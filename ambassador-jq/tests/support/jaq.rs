//! jaq, to compare with.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data::JustLut, unwrap_valr};
use jaq_json::{Val, read, write};

/// What jaq gives, or its error.
pub(crate) fn run(program: &str, body: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let native = [
        "stderr",
        "debug",
        "halt",
        "halt_error",
        "input",
        "inputs",
        "now",
        "env",
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
        "capture_of_match",
    ];
    let standard = jaq_std::defs()
        .filter(|def| !(native.contains(&def.name) || def.name == "split" && def.args.len() == 2));
    let arena = Arena::default();
    let loader = Loader::new(jaq_core::defs().chain(standard).chain(jaq_json::defs()));
    let modules =
        loader.load(&arena, File { code: program, path: () }).map_err(|_| "jaq cannot read it".to_owned())?;
    let functions = jaq_core::funs::<JustLut<Val>>().chain(jaq_std::base_funs()).chain(jaq_json::funs());
    let filter = Compiler::default()
        .with_funs(functions)
        .compile(modules)
        .map_err(|_| "jaq does not know a name".to_owned())?;
    let input = read::parse_single(body).map_err(|error| error.to_string())?;
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let mut outputs = Vec::new();
    for value in filter.id.run((context, input)).map(unwrap_valr) {
        let mut output = Vec::new();
        write::write(&mut output, &write::Pp::default(), 0, &value.map_err(|error| error.to_string())?)
            .expect("room");
        outputs.push(output);
    }
    Ok(outputs)
}
