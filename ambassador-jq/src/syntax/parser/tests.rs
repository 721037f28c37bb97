//! The grammar, shown as trees.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::super::ast::{Id, Kind, Pattern, Piece, Tree, Value};
use super::parse;

/// The tree in brackets, the least that tells trees apart.
fn show(tree: &Tree, id: Id) -> String {
    let one = |id: &Id| show(tree, *id);
    let many = |ids: &[Id]| ids.iter().map(one).collect::<Vec<_>>().join(" ");
    match &tree.node(id).kind {
        Kind::Identity => ".".to_owned(),
        Kind::RecurseDefault => "..".to_owned(),
        Kind::Number(text) => text.clone(),
        Kind::String(format, pieces) => {
            let mut text = format.clone().unwrap_or_default();
            text.push('"');
            for piece in pieces {
                match piece {
                    Piece::Text(piece) => text.push_str(&piece.escape_debug().to_string()),
                    Piece::Interpolation(id) => write!(text, "\\({})", one(id)).unwrap(),
                }
            }
            text + "\""
        }
        Kind::Format(name) => name.clone(),
        Kind::Array(inner) => format!("[{}]", inner.as_ref().map(one).unwrap_or_default()),
        Kind::Object(entries) => {
            let entries = entries.iter().map(|entry| match &entry.value {
                Value::OfInput => one(&entry.key),
                Value::Given(value) => format!("{}: {}", one(&entry.key), one(value)),
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Kind::Variable(name) => format!("${name}"),
        Kind::Location => "$__loc__".to_owned(),
        Kind::Negate(inner) => format!("(- {})", one(inner)),
        Kind::Pipe(stages) => format!("(| {})", many(stages)),
        Kind::Comma(parts) => format!("(, {})", many(parts)),
        Kind::Alternative(left, right) => format!("(// {} {})", one(left), one(right)),
        Kind::Arithmetic(first, rest) => {
            let rest = rest.iter().map(|(operator, _, operand)| format!(" {operator:?} {}", one(operand)));
            format!("({}{})", one(first), rest.collect::<String>())
        }
        Kind::Compare(comparison, left, right) => format!("({comparison:?} {} {})", one(left), one(right)),
        Kind::And(left, right) => format!("(and {} {})", one(left), one(right)),
        Kind::Or(left, right) => format!("(or {} {})", one(left), one(right)),
        Kind::Assign(how, left, right) => format!("({how:?} {} {})", one(left), one(right)),
        Kind::Index(term, key) => format!("{}[{}]", one(term), one(key)),
        Kind::Iterate(term) => format!("{}[]", one(term)),
        Kind::Slice(term, from, to) => {
            let part = |id: &Option<Id>| id.as_ref().map(one).unwrap_or_default();
            format!("{}[{}:{}]", one(term), part(from), part(to))
        }
        Kind::Optional(step) => format!("{}?", one(step)),
        Kind::Try(body, None) => format!("(try {})", one(body)),
        Kind::Try(body, Some(handler)) => format!("(try {} catch {})", one(body), one(handler)),
        Kind::If(branches, otherwise) => {
            let branches =
                branches.iter().map(|(condition, then)| format!("{} then {}", one(condition), one(then)));
            let otherwise = otherwise.as_ref().map(|id| format!(" else {}", one(id))).unwrap_or_default();
            format!("(if {}{otherwise})", branches.collect::<Vec<_>>().join(" elif "))
        }
        Kind::Bind(source, patterns, body) => {
            format!("({} as {} | {})", one(source), show_patterns(tree, patterns), one(body))
        }
        Kind::Reduce(source, patterns, init, update) => {
            format!(
                "(reduce {} as {}; {}; {})",
                one(source),
                show_patterns(tree, patterns),
                one(init),
                one(update)
            )
        }
        Kind::Foreach(source, patterns, init, update, extract) => format!(
            "(foreach {} as {}; {}; {}; {})",
            one(source),
            show_patterns(tree, patterns),
            one(init),
            one(update),
            extract.as_ref().map(one).unwrap_or_default()
        ),
        Kind::Label(name, body) => format!("(label ${name} | {})", one(body)),
        Kind::Break(name) => format!("(break ${name})"),
        Kind::Def(definitions, rest) => {
            let definitions = definitions.iter().map(|definition| {
                let sign = |is_value: bool| if is_value { "$" } else { "" };
                let parameters = definition.parameters.iter();
                let parameters =
                    parameters.map(|parameter| format!("{}{}", sign(parameter.is_value), parameter.name));
                let parameters = parameters.collect::<Vec<_>>().join(";");
                format!("def {}({parameters}): {}; ", definition.name, one(&definition.body))
            });
            format!("({}{})", definitions.collect::<String>(), one(rest))
        }
        Kind::Call(name, arguments) if arguments.is_empty() => name.clone(),
        Kind::Call(name, arguments) => {
            format!("{name}({})", arguments.iter().map(one).collect::<Vec<_>>().join("; "))
        }
    }
}

fn show_patterns(tree: &Tree, patterns: &[Pattern]) -> String {
    patterns.iter().map(|pattern| show_pattern(tree, pattern)).collect::<Vec<_>>().join(" ?// ")
}

fn show_pattern(tree: &Tree, pattern: &Pattern) -> String {
    match pattern {
        Pattern::Variable(name) => format!("${name}"),
        Pattern::Array(elements) => {
            let elements = elements.iter().map(|element| show_pattern(tree, element));
            format!("[{}]", elements.collect::<Vec<_>>().join(", "))
        }
        Pattern::Object(entries) => {
            let entries = entries.iter().map(|entry| {
                let variable = entry.variable.as_ref().map(|name| format!("${name}=")).unwrap_or_default();
                let inner =
                    entry.pattern.as_ref().map(|pattern| format!(": {}", show_pattern(tree, pattern)));
                format!("{variable}{}{}", show(tree, entry.key), inner.unwrap_or_default())
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Each line a program; below it its tree, or its problems with what they underline.
#[track_caller]
fn check(programs: &str, expected: &Expect) {
    let mut shown = String::new();
    for program in programs.lines() {
        match parse(program) {
            Ok(tree) => writeln!(shown, "{program}\n    {}", show(&tree, tree.root)).unwrap(),
            Err(problems) => {
                writeln!(shown, "{program}").unwrap();
                for problem in &problems {
                    let part = &program[problem.range.clone()];
                    writeln!(shown, "    {}: {} <{part}>", problem.range.start, problem.message).unwrap();
                }
            }
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn operators_bind_as_in_jq() {
    check(
        "1, 2 | . + 1\n1 // 2 // 3\n.a = .b // 3\n.a // .b = 3\n.a or .b and .c == 1 + 2 * 3 - 4\n1 - -1\n-1 + 2\n-.a.b\n-1 as $x | $x\n1 + 2 as $x | $x\n1, 2 as $x | $x, 3\n. - 1, .-1\n1 / 2 % 3",
        &expect![[r#"
            1, 2 | . + 1
                (| (, 1 2) (. Add 1))
            1 // 2 // 3
                (// 1 (// 2 3))
            .a = .b // 3
                (// (Set .["a"] .["b"]) 3)
            .a // .b = 3
                (// .["a"] (Set .["b"] 3))
            .a or .b and .c == 1 + 2 * 3 - 4
                (or .["a"] (and .["b"] (Equal .["c"] (1 Add (2 Multiply 3) Subtract 4))))
            1 - -1
                (1 Subtract (- 1))
            -1 + 2
                ((- 1) Add 2)
            -.a.b
                (- .["a"]["b"])
            -1 as $x | $x
                ((- 1) as $x | $x)
            1 + 2 as $x | $x
                ((1 Add 2) as $x | $x)
            1, 2 as $x | $x, 3
                (, 1 (2 as $x | (, $x 3)))
            . - 1, .-1
                (, (. Subtract 1) (. Subtract 1))
            1 / 2 % 3
                (1 Divide 2 Modulo 3)
        "#]],
    );
}

#[test]
fn terms_and_what_follows_them() {
    check(
        "..\n.[]?\n.a.b[0].\"c\".[1].[\"d\"]\n.\"a\\(1)b\"\n.a?.b??\n..[0]?\n.[1:], .[:2], .[1:2]\n\"x\" | @base64 \"a\\(\"b\\(1)\")c\"\n$x.a\n[]\n{}\n[1,2][0]\n{a:1}.a\n.and.if\n@json\n.. == 1\n.5, 5., 1.e3, 1e+3, 0.10\n1.a",
        &expect![[r#"
            ..
                ..
            .[]?
                .[]?
            .a.b[0]."c".[1].["d"]
                .["a"]["b"][0]["c"][1]["d"]
            ."a\(1)b"
                .["a\(1)b"]
            .a?.b??
                (try .["a"]?["b"]?)
            ..[0]?
                ..[0]?
            .[1:], .[:2], .[1:2]
                (, .[1:] .[:2] .[1:2])
            "x" | @base64 "a\("b\(1)")c"
                (| "x" @base64"a\("b\(1)")c")
            $x.a
                $x["a"]
            []
                []
            {}
                {}
            [1,2][0]
                [(, 1 2)][0]
            {a:1}.a
                {"a": 1}["a"]
            .and.if
                .["and"]["if"]
            @json
                @json
            .. == 1
                (Equal .. 1)
            .5, 5., 1.e3, 1e+3, 0.10
                (, .5 5. 1.e3 1e+3 0.10)
            1.a
                2: expected the end of the program, found `a` <a>
        "#]],
    );
}

#[test]
fn objects() {
    check(
        "{a: 1, \"b\": 2, \"c\\(1)\": 3, (.d): 4, $e, $__loc__, f, \"g\", @base64 \"h\": 5, if: 6,}\n{a: 1 + 2, b: 3 | 4, c: (5, 6)}\n{a: reduce .[] as $x (0; . + $x), b: -1}\n{1: 2}\n{(1)}\n{a: 1 as $x | $x}\n{a: 1, 2}\n{a b}",
        &expect![[r#"
            {a: 1, "b": 2, "c\(1)": 3, (.d): 4, $e, $__loc__, f, "g", @base64 "h": 5, if: 6,}
                {"a": 1, "b": 2, "c\(1)": 3, .["d"]: 4, "e": $e, "__loc__": $__loc__, "f", "g", @base64"h": 5, "if": 6}
            {a: 1 + 2, b: 3 | 4, c: (5, 6)}
                {"a": (1 Add 2), "b": (| 3 4), "c": (, 5 6)}
            {a: reduce .[] as $x (0; . + $x), b: -1}
                {"a": (reduce .[] as $x; 0; (. Add $x)), "b": (- 1)}
            {1: 2}
                1: a key is a string; write "1" or (1 | tostring) <1>
            {(1)}
                4: expected `:`, found `}` <}>
            {a: 1 as $x | $x}
                6: a binding cannot stand here; put it and what follows in parentheses <as>
            {a: 1, 2}
                7: a key is a string; write "1" or (1 | tostring) <2>
            {a b}
                3: expected `}`, found `b` <b>
        "#]],
    );
}

#[test]
fn control() {
    check(
        "if . then 1 end\nif . then 1 elif 2 then 3 else 4 end\ntry error(\"x\") catch .\ntry error(\"x\") // 1\ntry -1\nreduce .[] as [$a, {b: $c, $d: [$e], \"f\": $g, (.h): $i}] (0; . + $a)\nforeach .[] as $x (0; .; [., $x])\nforeach .[] as $x (0; .)\nreduce -.[] as $x (0; .)\n. as [$a] ?// {a: $a} | $a\nlabel $f | 1, break $f, 2\ndef f: 1; def g(a; $b): a + $b; g(f; 2)\ndef f: def g: 3; g; f\n1, def f: 3; f, 4 | [.]\nf(1; 2 | 3; .a, .b)\na::b(1)",
        &expect![[r#"
            if . then 1 end
                (if . then 1)
            if . then 1 elif 2 then 3 else 4 end
                (if . then 1 elif 2 then 3 else 4)
            try error("x") catch .
                (try error("x") catch .)
            try error("x") // 1
                (// (try error("x")) 1)
            try -1
                (try (- 1))
            reduce .[] as [$a, {b: $c, $d: [$e], "f": $g, (.h): $i}] (0; . + $a)
                (reduce .[] as [$a, {"b": $c, $d="d": [$e], "f": $g, .["h"]: $i}]; 0; (. Add $a))
            foreach .[] as $x (0; .; [., $x])
                (foreach .[] as $x; 0; .; [(, . $x)])
            foreach .[] as $x (0; .)
                (foreach .[] as $x; 0; .; )
            reduce -.[] as $x (0; .)
                (reduce (- .[]) as $x; 0; .)
            . as [$a] ?// {a: $a} | $a
                (. as [$a] ?// {"a": $a} | $a)
            label $f | 1, break $f, 2
                (label $f | (, 1 (break $f) 2))
            def f: 1; def g(a; $b): a + $b; g(f; 2)
                (def f(): 1; def g(a;$b): (a Add $b); g(f; 2))
            def f: def g: 3; g; f
                (def f(): (def g(): 3; g); f)
            1, def f: 3; f, 4 | [.]
                (, 1 (def f(): 3; (| (, f 4) [.])))
            f(1; 2 | 3; .a, .b)
                f(1; (| 2 3); (, .["a"] .["b"]))
            a::b(1)
                a::b(1)
        "#]],
    );
}

#[test]
fn comments_and_blanks() {
    check(
        "1 # one\n\t.a  .b\r\n. #\\",
        &expect![[r#"
        1 # one
            1
        	.a  .b
            .["a"]["b"]
        . #\
            .
    "#]],
    );
    let tree = parse("1 # a \\\n still \\\\\n + 2").unwrap();
    assert_eq!(show(&tree, tree.root), "(1 Add 2)");
}

#[test]
fn all_problems_are_told_at_once() {
    check(
        "\n.[ | map(.name\n.a[1 +] | {b: } | (1 2)\nf(1 +; 2 -; 3)\ndef f: 1 +; def g: * 2; f\n1 == 2 == 3\n.a = 1 = 2\n\"abc\n\"\\x \\u12 \\ud800\"\n\"a\\(1 +)b\\(2)\"\n)\n(1]\n1 as x | 2\nif 1 then 2\nreduce 1 as $x (1)\nimport \"a\" as a; 1\n[1 | def and: 1; 2]\n1 & 2\n!.a\n$ + @\n1 + def f: 2; f\n{a: 1 +, b: 2}\n1 2",
        &expect![[r#"

                0: the program is empty; `.` is the one that changes nothing <>
            .[ | map(.name
                1: this is not closed: expected `]` <[>
                8: this is not closed: expected `)` <(>
            .a[1 +] | {b: } | (1 2)
                6: expected an expression, found `]` <]>
                14: expected an expression, found `}` <}>
                21: expected `)`, found a number <2>
            f(1 +; 2 -; 3)
                5: expected an expression, found `;` <;>
                10: expected an expression, found `;` <;>
            def f: 1 +; def g: * 2; f
                10: expected an expression, found `;` <;>
                19: expected an expression, found `*` <*>
            1 == 2 == 3
                7: comparisons do not chain; put one of them in parentheses <==>
            .a = 1 = 2
                7: assignments do not chain; put one of them in parentheses <=>
            "abc
                0: this string has no end: expected `"` <">
            "\x \u12 \ud800"
                1: no such escape; there are \" \\ \/ \b \f \n \r \t \uXXXX and \( <\x>
                4: four hexadecimal digits must follow \u <\u>
                9: half of a surrogate pair; write the character itself <\ud800>
            "a\(1 +)b\(2)"
                7: expected an expression, found `)` <)>
            )
                0: `)` closes nothing <)>
            (1]
                2: expected `)`, to close what byte 0 opens <]>
            1 as x | 2
                5: expected a pattern: `$name`, `[…]` or `{…}`, found `x` <x>
            if 1 then 2
                11: expected `end`, found the end of the program <>
            reduce 1 as $x (1)
                17: expected `;`, found `)` <)>
            import "a" as a; 1
                0: modules are not supported: a rule is one text <import>
            [1 | def and: 1; 2]
                9: `and` is a keyword, not the name of the definition <and>
            1 & 2
                2: `&` has no meaning here <&>
            !.a
                0: `!` has no meaning here; `not` negates: `x | not` <!>
            $ + @
                0: a name must follow `$` <$>
                4: the name of a format must follow `@` <@>
            1 + def f: 2; f
                4: a definition cannot stand here; put it and what follows in parentheses <def>
            {a: 1 +, b: 2}
                7: expected an expression, found `,` <,>
            1 2
                2: expected the end of the program, found a number <2>
        "#]],
    );
}

#[test]
fn long_programs_are_no_deep_ones() {
    for program in [
        vec!["1"; 10_000].join(" + "),
        vec!["."; 10_000].join(" | "),
        vec!["1"; 10_000].join(", "),
        "def f: 1; ".repeat(10_000) + "f",
        ".a".repeat(10_000),
        ".[0]".repeat(10_000),
        format!("[{}]", vec!["{a: 1}"; 10_000].join(", ")),
    ] {
        assert!(parse(&program).is_ok());
    }
}

#[test]
fn deep_programs_are_refused() {
    for program in [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{}1{}", "{a:".repeat(10_000), "}".repeat(10_000)),
        "-".repeat(10_000) + "1",
        "try ".repeat(10_000) + "1",
        "1 // ".repeat(10_000) + "1",
        "reduce ".repeat(10_000),
        "label $a | ".repeat(10_000) + "1",
        "1 as $a | ".repeat(10_000) + "1",
        "def f: ".repeat(10_000),
        format!("1 as {}$a{} | 1", "[".repeat(10_000), "]".repeat(10_000)),
        format!("1 as {}$a{} | 1", "{a:".repeat(10_000), "}".repeat(10_000)),
        "\"\\(".repeat(10_000) + "1" + &")\"".repeat(10_000),
        "if 1 then ".repeat(10_000) + "1" + &" end".repeat(10_000),
    ] {
        let problems = parse(&program).unwrap_err();
        let text = problems.to_string();
        assert!(
            text.contains("nests more than 128 levels deep"),
            "{}…: {}",
            &program[..20],
            &text[..text.len().min(200)]
        );
    }
    assert!(parse(&format!("{}1{}", "(".repeat(100), ")".repeat(100))).is_ok());
}

#[test]
fn any_text_gives_a_tree_or_problems_that_point_into_it() {
    // A simple generator of nonsense made of words: what matters is that each ends, and where problems point.
    const WORDS: [&str; 40] = [
        ".", "..", ".a", "[", "]", "(", ")", "{", "}", "|", ",", ":", ";", "?", "//", "=", "|=", "+", "-",
        "*", "and", "or", "if", "then", "else", "end", "try", "catch", "reduce", "foreach", "as", "$x",
        "def", "f", "label", "1", "\"a", "\"", "\\(", "é",
    ];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..=(state % 12) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(WORDS[(state >> 33) as usize % WORDS.len()]);
            text.push(' ');
        }
        if let Err(problems) = parse(&text) {
            for problem in &problems {
                assert!(text.get(problem.range.clone()).is_some(), "{text}: {problem:?}");
            }
        }
    }
}
