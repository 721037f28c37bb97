//! YAML by examples, and aliases that would grow.

use super::*;

#[test]
fn yaml_is_what_the_core_schema_says() {
    check_read(
        "\"yaml\"",
        &[
            "",
            "# nothing\n",
            "a: 1.10\nb: [x, 'y', \"z\\n\", ~, yes, 0x1F, .5, 007]\nc:\n- - 1\n  - {}\n- []\nd: |\n  two\n  lines\n",
            "- &a {x: &b [1]}\n- *a\n- *b\n- &k key\n- {*k : 1, null: 2, 1.0: 3, '': 4}",
            "a: &a 1\n*a : 2",
            "--- !!str 12\n",
            "[!!int 12, !!float 1, !!bool true, !!null , ! 12, !custom 12, !!binary aGk=]",
            "!!int x",
            "a: 1\na: 2",
            "{a: 1, *b : 2}",
            "&a [*a]",
            "? [1]\n: 2",
            "--- 1\n--- 2\n",
            "a: [",
            "a:\n\t- b",
            "%YAML 1.2\n---\ntext\n...\n",
            "@x",
            "[.inf, -.inf, .nan, 0x100000000000000000000000000000000]",
            "'\u{1}'",
        ],
        &expect![[r##"
            "" => null
            "# nothing\n" => null
            "a: 1.10\nb: [x, 'y', \"z\\n\", ~, yes, 0x1F, .5, 007]\nc:\n- - 1\n  - {}\n- []\nd: |\n  two\n  lines\n" => {"a":1.10,"b":["x","y","z\n",null,"yes",31,0.5,7],"c":[[1,{}],[]],"d":"two\nlines\n"}
            "- &a {x: &b [1]}\n- *a\n- *b\n- &k key\n- {*k : 1, null: 2, 1.0: 3, '': 4}" => [{"x":[1]},{"x":[1]},[1],"key",{"key":1,"null":2,"1.0":3,"":4}]
            "a: &a 1\n*a : 2" => {"a":1,"1":2}
            "--- !!str 12\n" => "12"
            "[!!int 12, !!float 1, !!bool true, !!null , ! 12, !custom 12, !!binary aGk=]" => [12,1,true,null,"12",12,"aGk="]
            "!!int x" => the body cannot be read as yaml at line 1, column 1: this is not what its tag says
            "a: 1\na: 2" => the body cannot be read as yaml at line 2, column 1: this key comes twice
            "{a: 1, *b : 2}" => the body cannot be read as yaml at line 1, column 8: while parsing node, found unknown anchor
            "&a [*a]" => the body cannot be read as yaml at line 1, column 5: an alias within what it names
            "? [1]\n: 2" => the body cannot be read as yaml at line 1, column 3: a key is a scalar
            "--- 1\n--- 2\n" => the body cannot be read as yaml at line 2, column 1: a second document begins
            "a: [" => the body cannot be read as yaml at line 1, column 5: while parsing a node, did not find expected node content
            "a:\n\t- b" => the body cannot be read as yaml at line 2, column 2: tabs disallowed within this context (block indentation)
            "%YAML 1.2\n---\ntext\n...\n" => "text"
            "@x" => the body cannot be read as yaml at line 1, column 1: unexpected character
            "[.inf, -.inf, .nan, 0x100000000000000000000000000000000]" => the body cannot be read as yaml at line 1, column 21: this number has more than 128 bits
            "'\u{1}'" => "\u0001"
        "##]],
    );
    check_write(
        "\"yaml\"",
        &[
            "null",
            "\"text\"",
            "{}",
            "[]",
            r#"{"a":[],"b":{},"c":[1,[2,[3]],{"d":4,"e":{"f":5}},[{"g":6}]],"h":{"i":{"j":null}}}"#,
            r##"["plain text","yes","No","null","1.10","a: b","- a"," a","a ","","é😀","a\n\"b\"\\","\u0000\u0085\u2028\ufeff\u007f","0x1","a/b-c.d_e","2001-01-01","~","#a","a #b"]"##,
            r#"{"1":1,"true":2,"a b":3,"":4}"#,
            "[1.10,-0,1e5,1E-7,1.5e+300,12345678901234567890]",
            r#"{"a":1,"a":2}"#,
        ],
        &expect![[r##"
            null => "null\n"
            "text" => "text\n"
            {} => "{}\n"
            [] => "[]\n"
            {"a":[],"b":{},"c":[1,[2,[3]],{"d":4,"e":{"f":5}},[{"g":6}]],"h":{"i":{"j":null}}} => "a: []\nb: {}\nc:\n  - 1\n  - - 2\n    - - 3\n  - d: 4\n    e:\n      f: 5\n  - - g: 6\nh:\n  i:\n    j: null\n"
            ["plain text","yes","No","null","1.10","a: b","- a"," a","a ","","é😀","a\n\"b\"\\","\u0000\u0085\u2028\ufeff\u007f","0x1","a/b-c.d_e","2001-01-01","~","#a","a #b"] => "- plain text\n- \"yes\"\n- \"No\"\n- \"null\"\n- \"1.10\"\n- \"a: b\"\n- \"- a\"\n- \" a\"\n- \"a \"\n- \"\"\n- \"é😀\"\n- \"a\\n\\\"b\\\"\\\\\"\n- \"\\x00\\x85\\u2028\\ufeff\\x7f\"\n- \"0x1\"\n- a/b-c.d_e\n- \"2001-01-01\"\n- \"~\"\n- \"#a\"\n- \"a #b\"\n"
            {"1":1,"true":2,"a b":3,"":4} => "\"1\": 1\n\"true\": 2\na b: 3\n\"\": 4\n"
            [1.10,-0,1e5,1E-7,1.5e+300,12345678901234567890] => "- 1.10\n- -0\n- 1.0e+5\n- 1.0e-7\n- 1.5e+300\n- 12345678901234567890\n"
            {"a":1,"a":2} => "a: 2\n"
        "##]],
    );
    let long = format!(r#"{{"a":[{{"{}":[1]}}]}}"#, "k".repeat(2_000));
    let written = write("\"yaml\"", &long).expect("YAML");
    assert!(written.contains("  - ? kkk") && written.contains("\n    :\n      - 1\n"), "{written}");
    assert_eq!(read("\"yaml\"", &written), Ok(long));
}

#[test]
fn yaml_aliases_are_bounded() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let list = vec![format!("*a{}", level - 1); 10].join(",");
        text += &["a", &level.to_string(), ": &a", &level.to_string(), " [", &list, "]\n"].concat();
    }
    assert_eq!(read("\"yaml\"", &text), Err(FormatError::TooLarge { format: "yaml", limit: 1 << 20 }));
    let mut text = "- &a0 [x]\n".to_owned();
    for level in 1..200 {
        text += &["- &a", &level.to_string(), " [*a", &(level - 1).to_string(), "]\n"].concat();
    }
    let error = read("\"yaml\"", &text).expect_err("too deep");
    assert!(error.to_string().contains("128 levels"), "{error}");
}
