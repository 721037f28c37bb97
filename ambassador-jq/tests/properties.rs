//! What holds for every program and every body: a run ends within its limits, its outputs are strict JSON, and what jaq
//! gives too is the same.

use ambassador_jq::{Limits, Program, Run, RunError};
use proptest::prelude::*;

#[path = "support/generate.rs"]
mod generate;

use generate::{body, shared};

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
        let theirs = jaq_peer::run(&program, body.as_bytes()).ok();
        prop_assert_eq!(ours, theirs, "{} on {}", program, body);
    }
}
