//! What holds for every program and every body: a run ends within its limits, its outputs are strict JSON, and what jaq
//! gives too is the same.

use ambassador_jq::{Limits, Program, Run, RunError};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data::JustLut, unwrap_valr};
use jaq_json::{Val, read, write};
use proptest::prelude::*;

/// JSON texts of a few levels. Numbers are short, so that no engine changes their text.
fn body() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        (-20_i32..20).prop_map(|value| value.to_string()),
        Just("1.5".to_owned()),
        "[a-c]{0,3}".prop_map(|text| format!("\"{text}\"")),
    ];
    scalar.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|entries| {
                let entries = entries.iter().map(|(key, value)| format!("\"{key}\":{value}"));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

/// Programs of all constructs of the language.
fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            ".",
            ".a",
            ".b",
            ".[0]",
            ".[]?",
            ".[1:]?",
            ".a?",
            "..",
            "empty",
            "1",
            "2",
            "null",
            "true",
            "\"a\"",
            "[]",
            "{}",
            "length?",
            "keys?",
            "type",
            "add?",
            "not",
            "tostring",
            "$x",
            "f",
            "error",
            "first?",
            "reverse?",
            "sort?",
            "to_entries?",
            "paths",
            "tojson",
            "values",
            "explode?",
            "unique?",
            "min?",
            "range(3)",
        ])
        .prop_map(str::to_owned),
    ];
    let body = leaf.prop_recursive(4, 40, 3, |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner);
        prop_oneof![
            (
                two.clone(),
                prop::sample::select(vec![
                    "|", ",", "+", "-", "*", "==", "<", "and", "or", "//", "|=", "=", "+="
                ])
            )
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            (
                one.clone(),
                prop::sample::select(vec![
                    "map",
                    "select",
                    "path",
                    "del",
                    "first",
                    "any",
                    "all",
                    "sort_by",
                    "group_by",
                    "with_entries",
                    "walk",
                    "recurse",
                    "isempty",
                    "add",
                    "map_values",
                    "min_by",
                    "paths",
                    "last",
                    "unique_by",
                    "pick",
                ])
            )
                .prop_map(|(a, name)| format!("{name}({a})")),
            one.clone().prop_map(|a| format!("[{a}]")),
            one.clone().prop_map(|a| format!("(try ({a}) catch .)")),
            one.clone().prop_map(|a| format!("({a})[]?")),
            one.clone().prop_map(|a| format!("-({a})")),
            one.prop_map(|a| format!("\"\\({a})\"")),
            two.clone().prop_map(|(a, b)| format!("{{a: {a}, (\"b\"): {b}}}")),
            two.clone().prop_map(|(a, b)| format!("({a} as $x | {b})")),
            two.clone().prop_map(|(a, b)| format!("(def f: {a}; {b})")),
            two.clone().prop_map(|(a, b)| format!("(. as [$x, {{a: $y}}] ?// $x | {a}, {b})")),
            two.clone().prop_map(|(a, b)| format!("limit(3; {a}, {b})")),
            two.clone().prop_map(|(a, b)| format!("(label $l | {a} | (., break $l), {b})")),
            two.clone().prop_map(|(a, b)| format!("(getpath([\"a\", ({a} | strings, numbers)]), {b})")),
            two.prop_map(|(a, b)| format!("until({a}; {b})")),
            three.clone().prop_map(|(a, b, c)| format!("(if {a} then {b} else {c} end)")),
            three.clone().prop_map(|(a, b, c)| format!("reduce ({a}) as $x ({b}; {c})")),
            three.clone().prop_map(|(a, b, c)| format!("foreach ({a}) as $x ({b}; {c})")),
            three.prop_map(|(a, b, c)| format!("(({a}) |= ({b} | {c}))")),
        ]
    });
    body.prop_map(|body| format!("def f: .a; 1 as $x | {body}"))
}

/// Enough for every program here that ends.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 1 << 20, depth: 64, digits: 100, output: 1 << 20 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_with_strict_json_or_an_error(program in program(), body in body()) {
        let compiled = Program::compile(&program);
        prop_assert!(compiled.is_ok(), "{program}: {compiled:?}");
        if let Ok(Ok(outputs)) = compiled.map(|program| program.run(body.as_bytes(), &Run { limits: LIMITS, ..Run::default() })) {
            for output in outputs.iter() {
                let parsed = serde_json::from_slice::<serde_json::Value>(output);
                prop_assert!(parsed.is_ok(), "{program}: {}", String::from_utf8_lossy(output));
            }
        }
    }

    #[test]
    fn any_text_compiles_or_says_why_not(text in "[ -~]{0,40}", body in "[ -~]{0,20}") {
        if let Ok(program) = Program::compile(&text) {
            let _ = program.run(body.as_bytes(), &Run { limits: LIMITS, ..Run::default() });
        }
    }

    #[test]
    fn a_body_passes_as_it_came(body in body()) {
        let program = Program::compile(".").expect("a program");
        let outputs = program.run(body.as_bytes(), &Run::default()).expect("an output");
        prop_assert_eq!(outputs.iter().next(), Some(body.as_bytes()));
        // Made the program's own and written anew, it is the same.
        let program = Program::compile("tojson | fromjson").expect("a program");
        let outputs = program.run(body.as_bytes(), &Run::default()).expect("an output");
        prop_assert_eq!(outputs.iter().next(), Some(body.as_bytes()));
    }

    #[test]
    fn jaq_gives_the_same(program in shared(), body in body()) {
        let ours = Program::compile(&program).expect("a program").run(body.as_bytes(), &Run { limits: LIMITS, ..Run::default() });
        let ours = match ours {
            Ok(outputs) => Some(outputs.iter().map(<[u8]>::to_vec).collect::<Vec<_>>()),
            Err(RunError::Raised { .. }) => None,
            // What doubles with each round can outgrow what a test may take.
            Err(RunError::Exhausted { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let theirs = jaq(&program, body.as_bytes());
        prop_assert_eq!(ours, theirs, "{} on {}", program, body);
    }
}

/// Programs that mean the same for jaq, which has its own mind about errors in paths, assignments and null.
fn shared() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        ".",
        ".[]?",
        "..",
        "empty",
        "1",
        "\"a\"",
        "[]",
        "type",
        "not",
        "tojson",
        "[.]",
        "values",
        "range(3)",
        "arrays | length",
        "objects | keys",
        "arrays | sort",
        "arrays | reverse",
        "objects | to_entries",
        "strings | explode",
        "arrays | unique",
        "arrays | map(type)",
        "arrays | group_by(type)",
        "objects | .a",
        "arrays | .[0]",
        "arrays | .[1:]",
        "scalars",
        "iterables",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 30, 2, |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner);
        prop_oneof![
            (two.clone(), prop::sample::select(vec!["|", ",", "and", "or", "//"]))
                .prop_map(|((a, b), operator)| format!("(({a}) {operator} ({b}))")),
            one.clone().prop_map(|a| format!("[{a}]")),
            // Of several operands jaq takes the left one first.
            (two.clone(), prop::sample::select(vec!["==", "<", "!=", ">="]))
                .prop_map(|((a, b), operator)| format!("([{a}] {operator} [{b}])")),
            one.clone().prop_map(|a| format!("first({a})")),
            one.clone().prop_map(|a| format!("(arrays | map({a}))")),
            one.clone().prop_map(|a| format!("select({a})")),
            one.clone().prop_map(|a| format!("[limit(2; {a})]")),
            one.prop_map(|a| format!("isempty({a})")),
            two.clone().prop_map(|(a, b)| format!("({a} as $x | [$x, ({b})])")),
            two.clone().prop_map(|(a, b)| format!("(if {a} then {b} else . end)")),
            two.clone().prop_map(|(a, b)| format!("{{a: ({a}), b: ({b})}}")),
            two.prop_map(|(a, b)| format!("reduce ({a}) as $x (null; [., $x, [{b}]] | tojson)")),
        ]
    })
}

/// What jaq gives; nothing if it ends in an error.
fn jaq(program: &str, body: &[u8]) -> Option<Vec<Vec<u8>>> {
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
    let modules = loader.load(&arena, File { code: program, path: () }).expect("a program of jaq");
    let functions = jaq_core::funs::<JustLut<Val>>().chain(jaq_std::base_funs()).chain(jaq_json::funs());
    let filter = Compiler::default().with_funs(functions).compile(modules).expect("a program of jaq");
    let input = read::parse_single(body).expect("JSON");
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let mut outputs = Vec::new();
    for value in filter.id.run((context, input)).map(unwrap_valr) {
        let mut output = Vec::new();
        write::write(&mut output, &write::Pp::default(), 0, &value.ok()?).expect("room");
        outputs.push(output);
    }
    Some(outputs)
}
