//! XML by examples.

use super::*;

#[test]
fn documents_are_objects() {
    check_read(
        "\"xml\"",
        &[
            "<?xml version=\"1.0\"?>\n<!-- note --><stock at='&lt;x&#62;\ty'>\n  <item>1.10</item>\n  <item/><b> x </b>\n</stock>\n",
            "<a/>",
            "<a> <![CDATA[<&>]]>&amp;\r\nb\rc&#13;</a>",
            "<p>one <b>two</b> three<i/>\n &#32; <i/>&#32;</p>",
            "<a><#/></a>",
            "<a x='1' x='2'/>",
            "<a x=1/>",
            "<a x='<'/>",
            "<a><b></a></b>",
            "<a>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "",
            "text",
            "<a>&nbsp;</a>",
            "<a>&</a>",
            "<a b='&x;'/>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<!DOCTYPE a SYSTEM 'a.dtd'><a/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a><!-- -- --></a>",
            "<a><?php x ?></a>",
            "<s:a xmlns:s='urn:x' s:b='1'><s:c/></s:a>",
            "<a><x/><x y='1'/><z/><x>2</x></a>",
            "<a b='1'>text</a>",
            "<a><#text/></a>",
            "é<a/>",
        ],
        &expect![[r##"
            "<?xml version=\"1.0\"?>\n<!-- note --><stock at='&lt;x&#62;\ty'>\n  <item>1.10</item>\n  <item/><b> x </b>\n</stock>\n" => {"stock":{"@at":"<x> y","item":["1.10",""],"b":" x "}}
            "<a/>" => {"a":""}
            "<a> <![CDATA[<&>]]>&amp;\r\nb\rc&#13;</a>" => {"a":" <&>&\nb\nc\r"}
            "<p>one <b>two</b> three<i/>\n &#32; <i/>&#32;</p>" => {"p":{"b":"two","i":["",""],"#text":"one  three\n    "}}
            "<a><#/></a>" => the body cannot be read as xml at line 1, column 4: this is not a name
            "<a x='1' x='2'/>" => the body cannot be read as xml at line 1, column 2: this element has an attribute twice
            "<a x=1/>" => the body cannot be read as xml at line 1, column 2: an attribute of this element is not well-formed
            "<a x='<'/>" => the body cannot be read as xml at line 1, column 2: an attribute of this element is not well-formed
            "<a><b></a></b>" => the body cannot be read as xml at line 1, column 7: this closes what is not open
            "<a>" => the body cannot be read as xml at line 1, column 4: an element is not closed
            "</a>" => the body cannot be read as xml at line 1, column 1: this closes what is not open
            "<a/><b/>" => the body cannot be read as xml at line 1, column 5: a second root element
            "<a/>text" => the body cannot be read as xml at line 1, column 5: text outside of the root element
            "" => the body cannot be read as xml at line 1, column 1: there is no element
            "text" => the body cannot be read as xml at line 1, column 1: text outside of the root element
            "<a>&nbsp;</a>" => the body cannot be read as xml at line 1, column 4: this entity is not one of XML's own
            "<a>&</a>" => the body cannot be read as xml at line 1, column 4: this is not well-formed
            "<a b='&x;'/>" => the body cannot be read as xml at line 1, column 2: an attribute of this element has an entity that is not one of XML's own
            "<a>&#0;</a>" => the body cannot be read as xml at line 1, column 4: this entity is not one of XML's own
            "<a>\u{1}</a>" => the body cannot be read as xml at line 1, column 4: a character that XML does not allow
            "<!DOCTYPE a SYSTEM 'a.dtd'><a/>" => {"a":""}
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>" => the body cannot be read as xml at line 1, column 1: a DOCTYPE with declarations is refused
            "<a><!-- -- --></a>" => the body cannot be read as xml at line 1, column 9: this is not well-formed
            "<a><?php x ?></a>" => {"a":""}
            "<s:a xmlns:s='urn:x' s:b='1'><s:c/></s:a>" => {"s:a":{"@xmlns:s":"urn:x","@s:b":"1","s:c":""}}
            "<a><x/><x y='1'/><z/><x>2</x></a>" => {"a":{"x":["",{"@y":"1"},"2"],"z":""}}
            "<a b='1'>text</a>" => {"a":{"@b":"1","#text":"text"}}
            "<a><#text/></a>" => the body cannot be read as xml at line 1, column 4: this is not a name
            "é<a/>" => the body cannot be read as xml at line 1, column 1: text outside of the root element
        "##]],
    );
    check_read(
        r#"{"xml":{"namespaces":"strip","attributePrefix":"","textKey":"text"}}"#,
        &["<s:a xmlns:s='urn:x' xmlns='urn:y' s:b='1'><s:c/><b/><text/>t</s:a>"],
        &expect![[r#"
            "<s:a xmlns:s='urn:x' xmlns='urn:y' s:b='1'><s:c/><b/><text/>t</s:a>" => {"a":{"b":["1",""],"c":"","text":["","t"]}}
        "#]],
    );
    check_read(
        r#"{"xml":{"forceList":["item","stock/box"]}}"#,
        &["<stock><item/><box><box/></box></stock>", "<item><stock><box x='1'/></stock></item>"],
        &expect![[r#"
            "<stock><item/><box><box/></box></stock>" => {"stock":{"item":[""],"box":[{"box":""}]}}
            "<item><stock><box x='1'/></stock></item>" => {"item":[{"stock":{"box":{"@x":"1"}}}]}
        "#]],
    );
}

#[test]
fn objects_are_documents() {
    check_write(
        "\"xml\"",
        &[
            r##"{"stock":{"@at":"<\"&\n>","item":[1.10,null,"",true,{"@x":1,"#text":"a<b\r]]>"}],"none":[],"empty":{}}}"##,
            r#"{"a":null}"#,
            r#"{"a":{"b":[[1,[2]],{"c":[3]}]}}"#,
            r#"{"a":1,"b":2}"#,
            "{}",
            "[1]",
            "1",
            r#"{"a b":1}"#,
            r#"{"a":{"@ ":1}}"#,
            r#"{"a":{"@b":[1]}}"#,
            r##"{"a":{"#text":[1]}}"##,
            r#"{"a":"\u0001"}"#,
            r#"{"a":{"@b":"\uffff"}}"#,
            r#"{"a":{"b":1,"b":2}}"#,
        ],
        &expect![[r##"
            {"stock":{"@at":"<\"&\n>","item":[1.10,null,"",true,{"@x":1,"#text":"a<b\r]]>"}],"none":[],"empty":{}}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<stock at=\"&lt;&quot;&amp;&#10;&gt;\"><item>1.10</item><item/><item></item><item>true</item><item x=\"1\">a&lt;b&#13;]]&gt;</item><empty></empty></stock>\n"
            {"a":null} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>\n"
            {"a":{"b":[[1,[2]],{"c":[3]}]}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b><item>1</item><item><item>2</item></item></b><b><c>3</c></b></a>\n"
            {"a":1,"b":2} => what the program gave cannot be written as xml: a document has one root element: give an object with one key, or name one by `root`
            {} => what the program gave cannot be written as xml: a document has one root element: give an object with one key, or name one by `root`
            [1] => what the program gave cannot be written as xml: a document has a root element: give an object with one key, or name one by `root`
            1 => what the program gave cannot be written as xml: a document has a root element: give an object with one key, or name one by `root`
            {"a b":1} => what the program gave cannot be written as xml: a key is not a name of an element
            {"a":{"@ ":1}} => what the program gave cannot be written as xml: a key is not a name of an attribute
            {"a":{"@b":[1]}} => what the program gave cannot be written as xml: the value of an attribute is neither a string nor a number
            {"a":{"#text":[1]}} => what the program gave cannot be written as xml: the text of an element is neither a string nor a number
            {"a":"\u0001"} => what the program gave cannot be written as xml: a string has a character that XML does not allow
            {"a":{"@b":"\uffff"}} => what the program gave cannot be written as xml: a string has a character that XML does not allow
            {"a":{"b":1,"b":2}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b>2</b></a>\n"
        "##]],
    );
    check_write(
        r#"{"xml":{"root":"list","item":"entry","attributePrefix":"","textKey":"$"}}"#,
        &["[1,[2],{\"@a\":1}]", "{\"a\":1,\"b\":{\"$\":\"t\"}}", "\"x\""],
        &expect![[r#"
            [1,[2],{"@a":1}] => what the program gave cannot be written as xml: a key is not a name of an element
            {"a":1,"b":{"$":"t"}} => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list><a>1</a><b>t</b></list>\n"
            "x" => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list>x</list>\n"
        "#]],
    );
}
