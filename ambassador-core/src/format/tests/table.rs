//! CSV and TSV by examples.

use super::*;

#[test]
fn csv_is_objects_or_lists() {
    check_read(
        "\"csv\"",
        &[
            "",
            "id,name\r\n",
            "id,name\r\n1,\"a \"\"b\"\", c\nd\"\r\n\r\n2,é\n",
            "id,name\n1\n",
            "id,name\n1,2\n3,4,5\n",
            "id,id\n1,2",
            "id,name\n1,\"open\n2,3",
            "id,name\n1,\"open",
            "id\n\"\"\n",
            "a,b\n1,",
            "\u{1}\n2",
        ],
        &expect![[r#"
            "" => []
            "id,name\r\n" => []
            "id,name\r\n1,\"a \"\"b\"\", c\nd\"\r\n\r\n2,é\n" => [{"id":"1","name":"a \"b\", c\nd"},{"id":"2","name":"é"}]
            "id,name\n1\n" => the body cannot be read as csv at line 2, column 1: row 2 has fewer fields than the 2 of the first row
            "id,name\n1,2\n3,4,5\n" => the body cannot be read as csv at line 3, column 1: row 3 has more fields than the 2 of the first row
            "id,id\n1,2" => the body cannot be read as csv at line 1, column 1: two columns have the same name: read it with `header: false`
            "id,name\n1,\"open\n2,3" => the body cannot be read as csv at line 2, column 3: a quote here is not closed
            "id,name\n1,\"open" => the body cannot be read as csv at line 2, column 3: a quote here is not closed
            "id\n\"\"\n" => [{"id":""}]
            "a,b\n1," => [{"a":"1","b":""}]
            "\u{1}\n2" => [{"\u0001":"2"}]
        "#]],
    );
    check_read(
        r#"{"csv":{"header":false,"delimiter":";","types":"infer"}}"#,
        &["1;1.10;-0;1E400;true;null;;\"2\"\n01;.5;1.;+1;TRUE;0x1;é;-", "a;b\nc"],
        &expect![[r#"
            "1;1.10;-0;1E400;true;null;;\"2\"\n01;.5;1.;+1;TRUE;0x1;é;-" => [[1,1.10,-0,1E400,true,null,"",2],["01",".5","1.","+1","TRUE","0x1","é","-"]]
            "a;b\nc" => the body cannot be read as csv at line 2, column 1: row 2 has fewer fields than the 2 of the first row
        "#]],
    );
    check_write(
        "\"csv\"",
        &[
            r#"[{"id":1.10,"name":"a \"b\", c"},{"name":"x\ny","id":null},{"id":true}]"#,
            r#"[["a,",1],["",null]]"#,
            r#"[{"a":""},{"a":1}]"#,
            "[]",
            r#"[{"a":1},{"b":2}]"#,
            r#"[{"a":1},[2]]"#,
            "[[1],[2,3]]",
            r#"[{"a":[1]}]"#,
            "[1]",
            "{}",
        ],
        &expect![[r#"
            [{"id":1.10,"name":"a \"b\", c"},{"name":"x\ny","id":null},{"id":true}] => "id,name\r\n1.10,\"a \"\"b\"\", c\"\r\n,\"x\ny\"\r\ntrue,\r\n"
            [["a,",1],["",null]] => "\"a,\",1\r\n,\r\n"
            [{"a":""},{"a":1}] => "a\r\n\"\"\r\n1\r\n"
            [] => ""
            [{"a":1},{"b":2}] => what the program gave cannot be written as csv: item 2 has a key that item 1 does not have: name the columns by `columns`
            [{"a":1},[2]] => what the program gave cannot be written as csv: item 2 is not of the kind of item 1
            [[1],[2,3]] => what the program gave cannot be written as csv: item 2 has another number of fields than the row before
            [{"a":[1]}] => what the program gave cannot be written as csv: a field of item 1 is neither a string nor a number: use tojson
            [1] => what the program gave cannot be written as csv: item 1 is neither an object nor a list
            {} => what the program gave cannot be written as csv: a table is a list of objects or of lists
        "#]],
    );
    check_write(
        r#"{"csv":{"columns":["b","a"],"delimiter":"\t"}}"#,
        &[r#"[{"a":1,"c":2},{"b":"x\ty"}]"#, "[]", "[[1,2]]"],
        &expect![[r#"
            [{"a":1,"c":2},{"b":"x\ty"}] => "b\ta\r\n\t1\r\n\"x\ty\"\t\r\n"
            [] => "b\ta\r\n"
            [[1,2]] => "b\ta\r\n1\t2\r\n"
        "#]],
    );
    check_write(
        r#"{"csv":{"header":false}}"#,
        &[r#"[{"a":1,"b":2},{"b":3}]"#],
        &expect![[r#"
        [{"a":1,"b":2},{"b":3}] => "1,2\r\n,3\r\n"
    "#]],
    );
}

#[test]
fn tsv_is_objects_or_lists() {
    check_read(
        "\"tsv\"",
        &["a\tb\r\n\"1\t2\\t\n\n3\t", "a\tb\n1\n"],
        &expect![[r#"
        "a\tb\r\n\"1\t2\\t\n\n3\t" => [{"a":"\"1","b":"2\\t"},{"a":"3","b":""}]
        "a\tb\n1\n" => the body cannot be read as tsv at line 2, column 1: row 2 has fewer fields than the 2 of the first row
    "#]],
    );
    check_read(
        r#"{"tsv":{"escapes":true,"header":false,"types":"infer"}}"#,
        &["a\\tb\\\\n\\x\\\t1.10"],
        &expect![[r#"
            "a\\tb\\\\n\\x\\\t1.10" => [["a\tb\\n\\x\\",1.10]]
        "#]],
    );
    check_write(
        "\"tsv\"",
        &[r#"[{"a":"x","b":1.10}]"#, r#"[{"a":"x\ty"}]"#, r#"[{"a":""}]"#],
        &expect![[r#"
            [{"a":"x","b":1.10}] => "a\tb\nx\t1.10\n"
            [{"a":"x\ty"}] => what the program gave cannot be written as tsv: a field has a tab or a line break in it: set `escapes`
            [{"a":""}] => what the program gave cannot be written as tsv: a row of one empty field would be a blank line
        "#]],
    );
    check_write(
        r#"{"tsv":{"escapes":true}}"#,
        &[r#"[["x\ty\\z\r\n",1]]"#],
        &expect![[r#"
        [["x\ty\\z\r\n",1]] => "x\\ty\\\\z\\r\\n\t1\n"
    "#]],
    );
}
