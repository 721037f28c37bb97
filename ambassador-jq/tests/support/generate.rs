//! Bodies and programs made by chance.

use proptest::prelude::*;

/// JSON texts of a few levels. Numbers are short, so that no engine changes their text.
pub(crate) fn body() -> impl Strategy<Value = String> {
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

/// Programs that mean the same for jq, for jaq, which has its own mind about errors in paths, assignments and null, and for
/// us.
pub(crate) fn shared() -> impl Strategy<Value = String> {
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
