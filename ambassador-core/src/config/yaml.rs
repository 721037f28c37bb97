//! Reads `ambassador.yaml` and finds all its problems at once, each with its place in the text.

use std::ops::Range;
use std::rc::Rc;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

use super::{Config, json_schema, schema};
use crate::Ambassador;
use crate::problem::{Path, Problem, Step};

/// The largest text that is read: a config must fit into a ConfigMap with all that is rendered from it.
const LARGEST: usize = 512 << 10;
/// The deepest nesting that is read; a config needs six. The loader recurses, so this is known before it runs.
const DEEPEST: usize = 64;

/// A problem with its place in the text it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What is wrong.
    pub problem: Problem,
    /// The bytes of the text that are meant.
    pub range: Range<usize>,
    /// Where `range` could not be narrowed to the bytes within a value, because quoting or folding changed them:
    /// the value itself, and the bytes within it.
    pub within: Option<(String, Range<usize>)>,
}

/// What a text holds: the config as it was written, and what it means.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// As written, for the filter and for rendering.
    pub config: Config,
    /// Checked and compiled; configs that differ by their name alone share it.
    pub ambassador: Rc<Ambassador>,
}

/// Reads, checks and compiles a config, or says all that is wrong with it.
pub fn load(text: &str) -> Result<Loaded, Vec<Located>> {
    let root = parse(text)?;
    let source = Source::new(text, &root);
    let value = to_json(&root);
    let problems = schema::check(&value, &json_schema());
    if !problems.is_empty() {
        return Err(source.locate_all(problems));
    }
    let config = Config::from_json(value.to_string().as_bytes())
        .map_err(|problem| source.locate_all(vec![problem]))?;
    match Ambassador::new(&config) {
        Ok(ambassador) => Ok(Loaded { config, ambassador: Rc::new(ambassador) }),
        Err(problems) => Err(source.locate_all(problems)),
    }
}

/// Finds the places of problems that are others' to find: of a config that [is good](load) for itself.
pub fn locate(text: &str, problems: Vec<Problem>) -> Vec<Located> {
    match parse(text) {
        Ok(root) => Source::new(text, &root).locate_all(problems),
        Err(located) => located,
    }
}

fn parse(text: &str) -> Result<MarkedYaml<'_>, Vec<Located>> {
    let whole = |message: &str, range: Range<usize>| {
        vec![Located { problem: Problem::new(&Path::root(), message), range, within: None }]
    };
    if text.len() > LARGEST {
        return Err(whole("this config is larger than 512KiB", 0..0));
    }
    if let Some(start) = too_deep(text) {
        return Err(whole(&format!("nested more than {DEEPEST} levels deep"), start..start));
    }
    let mut documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let start = byte_at(text, error.marker().index());
        let line = text.get(..start).unwrap_or_default().lines().last().unwrap_or_default();
        let mut problem = Problem::new(&Path::root(), error.info());
        if line.contains('\t') {
            problem = problem.hint("YAML indents with spaces, not tabs");
        }
        vec![Located { problem, range: start..start, within: None }]
    })?;
    if let Some(second) = documents.get(1) {
        let start = byte_at(text, second.span.start.index());
        return Err(whole("a config is one YAML document, this is a second one", start..start));
    }
    documents.pop().ok_or_else(|| whole("this config is empty", 0..0))
}

/// Where a text nests too deep, if it does. What is no YAML at all is left to the loader, which says why.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { return None };
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth = depth.saturating_add(1),
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(byte_at(text, span.start.index()));
        }
    }
    None
}

/// YAML as JSON. Fields without a value count as absent, as everywhere in Kubernetes.
fn to_json(node: &MarkedYaml<'_>) -> Value {
    match &node.data {
        YamlData::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => Value::Bool(*value),
            Scalar::Integer(value) => Value::from(*value),
            Scalar::FloatingPoint(value) => Value::from(value.into_inner()),
            Scalar::String(value) => Value::from(value.as_ref()),
        },
        YamlData::Sequence(items) => items.iter().map(to_json).collect(),
        YamlData::Mapping(fields) => {
            let fields = fields.iter().map(|(key, value)| (key_text(key), to_json(value)));
            Value::Object(fields.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        YamlData::Tagged(_, inner) => to_json(inner),
        YamlData::Representation(text, ..) => Value::from(text.as_ref()),
        YamlData::BadValue | YamlData::Alias(_) => Value::Null,
    }
}

fn key_text(key: &MarkedYaml<'_>) -> String {
    match to_json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Places in a text, by the paths of the values that stand there.
struct Source<'a> {
    text: &'a str,
    root: &'a MarkedYaml<'a>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str, root: &'a MarkedYaml<'a>) -> Self {
        Self { text, root }
    }

    fn locate_all(&self, problems: Vec<Problem>) -> Vec<Located> {
        let mut located: Vec<Located> = problems.into_iter().map(|problem| self.locate(problem)).collect();
        located.sort_by_key(|located| located.range.start);
        located
    }

    fn locate(&self, problem: Problem) -> Located {
        let mut node = self.root;
        let mut key = None;
        for step in problem.path.steps() {
            let Some((next_key, next)) = child(node, step) else { break };
            (key, node) = (next_key, next);
        }
        let meant = match key {
            // An object that lacks something is best shown by its name: its own span is many lines.
            Some(key) if problem.at_key || !matches!(node.data, YamlData::Value(_)) => key,
            _ => node,
        };
        let range = self.bytes(meant);
        let Some(inner) = problem.range.clone() else {
            return Located { problem, range: first_line(self.text, range), within: None };
        };
        let value = match to_json(node) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match narrow(self.text, &range, &value, &inner) {
            Some(range) => Located { problem, range, within: None },
            None => Located { problem, range: first_line(self.text, range), within: Some((value, inner)) },
        }
    }

    fn bytes(&self, node: &MarkedYaml<'_>) -> Range<usize> {
        byte_at(self.text, node.span.start.index())..byte_at(self.text, node.span.end.index())
    }
}

fn child<'a>(
    node: &'a MarkedYaml<'a>,
    step: &Step,
) -> Option<(Option<&'a MarkedYaml<'a>>, &'a MarkedYaml<'a>)> {
    match (&node.data, step) {
        (YamlData::Mapping(fields), Step::Key(name)) => {
            fields.iter().find(|(key, _)| key_text(key) == *name).map(|(key, value)| (Some(key), value))
        }
        (YamlData::Sequence(items), Step::Index(index)) => items.get(*index).map(|item| (None, item)),
        (YamlData::Tagged(_, inner), _) => child(inner, step),
        _ => None,
    }
}

/// Bytes within a value as bytes of the text, where the value stands there as it is: plain, quoted without
/// escapes, or as the lines of a literal block. Each is proven by comparing the bytes.
fn narrow(text: &str, node: &Range<usize>, value: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    for start in [node.start, node.start + 1] {
        if text.get(start..).is_some_and(|rest| rest.starts_with(value)) {
            return Some(start + inner.start..start + inner.end);
        }
    }
    narrow_block(text, node, value, inner)
}

fn narrow_block(text: &str, node: &Range<usize>, value: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    let before = value.get(..inner.start)?;
    let line_number = before.matches('\n').count();
    let column = before.rsplit('\n').next()?.len();
    let line = value.split('\n').nth(line_number)?;
    // The block's first line is the one after its `|`, or the one on which the span starts.
    let header = text.get(..node.start)?.rfind('\n').map_or(0, |at| at + 1);
    let mut start = header;
    for (number, candidate) in text.get(header..)?.split_inclusive('\n').enumerate() {
        let trimmed = candidate.trim_start_matches(' ');
        let indent = candidate.len() - trimmed.len();
        let offset = number.checked_sub(line_number);
        if offset.is_some_and(|offset| offset <= 1)
            && trimmed.trim_end_matches(['\r', '\n']) == line.trim_start_matches(' ')
        {
            let extra = line.len() - line.trim_start_matches(' ').len();
            let begin = start + indent.checked_sub(extra)? + column;
            let length = (inner.end - inner.start).min(line.len().saturating_sub(column));
            return Some(begin..begin + length);
        }
        if number > line_number + 1 {
            break;
        }
        start += candidate.len();
    }
    None
}

fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let shown = text.get(range.clone()).unwrap_or_default();
    let length = shown.lines().next().unwrap_or_default().trim_end().len();
    range.start..range.start + length
}

/// saphyr counts characters.
fn byte_at(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Writes down each problem with the text that it points at.
    #[track_caller]
    fn check(text: &str, expected: &Expect) {
        let shown = match load(text) {
            Ok(loaded) => format!(
                "{} ports, {} rules",
                loaded.ambassador.ports.iter().count(),
                loaded.ambassador.rules.len()
            ),
            Err(problems) => {
                problems.iter().map(|located| describe(text, located)).collect::<Vec<_>>().join("\n")
            }
        };
        expected.assert_eq(&shown);
    }

    fn describe(text: &str, located: &Located) -> String {
        let line = text[..located.range.start].matches('\n').count() + 1;
        let column = located.range.start - text[..located.range.start].rfind('\n').map_or(0, |at| at + 1) + 1;
        let shown = &text[located.range.clone()];
        let within =
            located.within.as_ref().map(|(value, range)| format!(" within {:?}", &value[range.clone()]));
        let hint = located.problem.hint.as_ref().map(|hint| format!(" ({hint})"));
        let (within, hint) = (within.unwrap_or_default(), hint.unwrap_or_default());
        format!("{line}:{column} {shown:?}{within} {}{hint}", located.problem)
    }

    const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\n";

    fn rule(response: &str) -> String {
        format!(
            "{HEAD}spec:\n  ports: [{{listen: 80, target: 8775}}]\n  rules:\n    - name: r\n      response:\n{response}"
        )
    }

    #[test]
    fn reads_the_whole_of_what_it_knows() {
        let text = format!(
            "{HEAD}metadata: {{name: fruit-service}}
spec:
  ports:
    - {{name: http, listen: 80, target: 8775}}
    - {{name: metrics, listen: 9102, target: '8775', protocol: http}}
  limits: {{connections: 256, upstreamConnections: 32, connectTimeout: 5s, idleTimeout: 50s, requestTimeout: 50s, body: 4MiB}}
  rules:
    - name: fruit-list
      match: {{port: http, methods: [GET], path: /, status: 2xx, contentType: application/json}}
      response:
        jq: '{{fruits: map({{name: .}}), count: length}}'
        headers: {{set: {{x-fruit-api: \"2\"}}, remove: [x-powered-by]}}
        status: 200
        onError: pass
        from: json
        to: json
    - name: anything
      match:
      response: {{headers: {{set: {{a: 1}}}}}}
"
        );
        check(&text, &expect!["2 ports, 2 rules"]);
    }

    #[test]
    fn finds_all_problems_at_once() {
        let text = format!(
            "{HEAD}spec:
  ports:
    - {{listen: 80, target: 8775, prototcol: http}}
    - {{listen: 81}}
  limits: {{connections: -1, body: [1]}}
  rulez: []
  rules:
    - match: {{port: [http]}}
      request: {{path: /}}
"
        );
        check(
            &text,
            &expect![[r#"
                5:34 "prototcol" spec.ports[0].prototcol: unknown field `prototcol` (did you mean `protocol`?)
                6:7 "{listen: 81" spec.ports[1]: `target` is missing (target: The port of the legacy program, reached on 127.0.0.1: `8775`. Or a port elsewhere, which the legacy program then reaches through the ambassador: `redis.data.svc:6379`, `10.0.0.7:80`, `[fd00::7]:80`.)
                7:25 "-1" spec.limits.connections: must be from 0 to 4294967295
                7:29 "body" spec.limits.body: expected a text or a whole number, found a list
                8:3 "rulez" spec.rulez: unknown field `rulez` (did you mean `rules`?)
                10:7 "match: {port: [http]}" spec.rules[0]: `name` is missing (name: The rule's name, in errors and counters. Unique.)
                10:15 "port" spec.rules[0].match.port: expected a text, found a list"#]],
        );
    }

    #[test]
    fn finds_all_that_makes_no_sense_at_once() {
        let text = "apiVersion: v1
kind: Ambassador
spec:
  ports:
    - {name: http, listen: 80, target: 8775}
    - {name: http, listen: 80, target: 0}
    - {listen: 127.0.0.1:6379, target: redis:6379, protocol: tcp}
    - {name: A b, listen: 65536, target: 80}
  limits: {connections: 0, idleTimeout: 5, connectTimeout: 0s, body: 1GiB}
  rules:
    - name: a
      match: {port: https, methods: [get, 'X Y'], path: stock, status: [2xx, 700], contentType: json}
      response:
        jq: '.a['
        to: xml
        status: 204
        onError: ignore
        headers: {set: {content-length: 1, x: \"a\\nb\"}, remove: ['a b']}
    - name: a
"
        .to_string();
        check(
            &text,
            &expect![[r#"
                1:13 "v1" apiVersion: unknown apiVersion (this version reads kubectl-ambassador.dev/v1alpha1)
                6:40 "0" spec.ports[1].target: `0` is not a port (a port is from 1 to 65535)
                8:14 "A b" spec.ports[3].name: `A b` is not a name (use lower case letters, digits and -, at most 63 of them)
                8:27 "65536" spec.ports[3].listen: `65536` is not a port (a port is from 1 to 65535)
                8:42 "80" spec.ports[3].target: port 80 is the ambassador's own (target is the port that the legacy program listens on)
                9:25 "0" spec.limits.connections: must be at least 1
                9:41 "5" spec.limits.idleTimeout: `5` is not a time (write 500ms, 5s, 1m30s or 1h)
                9:60 "0s" spec.limits.connectTimeout: must be more than 0s
                9:70 "1GiB" spec.limits.body: must be from 1 to 64MiB
                12:21 "https" spec.rules[0].match.port: no port is named `https` (spec.ports has: http, port-6379)
                12:38 "get" spec.rules[0].match.methods[0]: methods are case-sensitive (write GET)
                12:43 "'X Y'" spec.rules[0].match.methods[1]: not a method
                12:57 "stock" spec.rules[0].match.path: a path begins with `/`
                12:64 "status" spec.rules[0].match.status: `700` is not a status (write 200, 2xx, 400-499, or a list of those; from 200 to 599)
                12:97 "json" spec.rules[0].match.contentType: not a media type (write application/json, */xml or text/*, without parameters)
                14:16 "[" spec.rules[0].response.jq: this is not closed: expected `]`
                16:17 "204" spec.rules[0].response.status: an answer with a body cannot have status 204 (from 200 to 599, without 204, 205 and 304)
                17:18 "ignore" spec.rules[0].response.onError: unknown policy `ignore` (expected error or pass)
                18:25 "content-length" spec.rules[0].response.headers.set.content-length: a rule cannot touch `content-length`
                18:47 "\"a\\nb\"" spec.rules[0].response.headers.set.x: a header's value has no line breaks and no control characters
                18:65 "'a b'" spec.rules[0].response.headers.remove[0]: not a header name
                19:13 "a" spec.rules[1].name: the name `a` is used twice"#]],
        );
    }

    #[test]
    fn points_at_options_of_formats() {
        check(
            &rule(
                "        jq: .\n        from: {csv: {delimeter: ';', header: 1, columns: a}}\n        to: {xlm: {}}\n",
            ),
            &expect![[r#"
                9:22 "delimeter" spec.rules[0].response.from.csv.delimeter: unknown field `delimeter` (did you mean `delimiter`?)
                9:46 "1" spec.rules[0].response.from.csv.header: expected true or false, found a whole number
                9:58 "a" spec.rules[0].response.from.csv.columns: expected a list, found a text
                10:14 "xlm" spec.rules[0].response.to.xlm: unknown field `xlm` (did you mean `xml`?)"#]],
        );
        check(
            &rule("        jq: .\n        from: {yaml: {x: 1}}\n        to: [csv]\n"),
            &expect![[r#"
                9:23 "x" spec.rules[0].response.from.yaml.x: unknown field `x` (nothing is known here)
                10:9 "to" spec.rules[0].response.to: expected a text or an object, found a list"#]],
        );
    }

    #[test]
    fn finds_all_that_is_wrong_with_ports_at_once() {
        let text = format!(
            "{HEAD}spec:
  ports:
    - {{listen: 80, target: 8775}}
    - {{name: again, listen: '127.0.0.1:80', target: 8775}}
    - {{name: cache, listen: '127.0.0.1:6379', target: 'redis.data.svc:6379', protocol: tcp}}
    - {{name: cache, listen: '127.0.0.1:6380', target: 'redis:80/', protocol: udp}}
    - {{listen: '127.0.0.2:6379', target: localhost:80, protocol: tcp, appProtocol: kubernetes.io/h2c}}
    - {{listen: '127.0.0.1:81', target: 10.0.0.7:81}}
    - {{listen: '127.0.0.2:81', target: 10.0.0.8:81, appProtocol: h2}}
    - {{name: twice, listen: '127.0.0.2:81', target: 10.0.0.8:81}}
    - {{listen: 0.0.0.0:443, target: ::1:443, protocol: https}}
  rules:
    - {{name: r, match: {{port: cache}}}}
"
        );
        check(
            &text,
            &expect![[r#"
            6:29 "'127.0.0.1:80'" spec.ports[1].listen: port 127.0.0.1:80 is mapped twice: as 80 too
            8:55 "'redis:80/'" spec.ports[3].target: `80/` is not a port (a port is from 1 to 65535)
            8:78 "udp" spec.ports[3].protocol: unknown protocol `udp` (expected http or tcp)
            9:42 "localhost:80" spec.ports[4].target: port 80 is the ambassador's own (target is the port that the legacy program listens on)
            9:84 "kubernetes.io/h2c" spec.ports[4].appProtocol: `appProtocol` has no effect with protocol tcp
            11:7 "{listen: '127.0.0.2:81', target: 10.0.0.8:81, appProtocol: h2" spec.ports[6].name: the name `port-81` is used twice (give each port a name of its own)
            11:16 "'127.0.0.2:81'" spec.ports[6].listen: two http ports have the number 81 (choose another number, whatever the address; tcp ports may share one)
            11:66 "h2" spec.ports[6].appProtocol: unknown appProtocol `h2` (kubernetes.io/h2c is a target that speaks HTTP/2 without TLS; HTTP/1.1 is the default)
            12:29 "'127.0.0.2:81'" spec.ports[7].listen: two http ports have the number 81 (choose another number, whatever the address; tcp ports may share one)
            13:37 "::1:443" spec.ports[8].target: `::1:443` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
            13:56 "https" spec.ports[8].protocol: unknown protocol `https` (expected http or tcp; TLS passes through tcp unread)
            15:31 "cache" spec.rules[0].match.port: `cache` is a tcp port, and rules are for http (leave out protocol: tcp if HTTP is spoken on it)"#]],
        );
        let text = format!(
            "{HEAD}spec:
  ports: [{{listen: 6379, target: redis:6379, protocol: tcp}}]
  rules: [{{name: r}}]
"
        );
        check(
            &text,
            &expect![[r#"5:3 "rules" spec.rules: all ports are tcp ports, and rules are for http"#]],
        );
    }

    #[test]
    fn points_into_programs() {
        check(
            &rule("        jq: .a | foo | $x\n"),
            &expect![[r#"
            8:18 "foo" spec.rules[0].response.jq: function foo is not defined
            8:24 "$x" spec.rules[0].response.jq: variable $x is not defined"#]],
        );
        check(
            &rule("        jq: \"foo\"\n"),
            &expect![[r#"8:14 "foo" spec.rules[0].response.jq: function foo is not defined"#]],
        );
        check(
            &rule("        jq: |\n          .a\n          | foo\n"),
            &expect![[r#"10:13 "foo" spec.rules[0].response.jq: function foo is not defined"#]],
        );
        check(
            &rule("        jq: |\n          .a\n            | foo |\n"),
            &expect![[
                r#"9:11 ".a" within "" spec.rules[0].response.jq: expected an expression, found the end of the program"#
            ]],
        );
        check(
            &rule("        jq: \"\\x2ea | foo\"\n"),
            &expect![[
                r#"8:13 "\"\\x2ea | foo\"" within "foo" spec.rules[0].response.jq: function foo is not defined"#
            ]],
        );
        check(
            &rule("        jq: >\n          .a\n          | foo\n"),
            &expect![[r#"9:11 ".a" within "foo" spec.rules[0].response.jq: function foo is not defined"#]],
        );
    }

    #[test]
    fn refuses_what_is_no_yaml() {
        check("", &expect![[r#"1:1 "" this config is empty"#]]);
        check("a: [", &expect![[r#"1:5 "" while parsing a node, did not find expected node content"#]]);
        check(
            "a:\n\t- b",
            &expect![[
                r#"2:2 "" tabs disallowed within this context (block indentation) (YAML indents with spaces, not tabs)"#
            ]],
        );
        check("a: 1\na: 2", &expect![[r#"2:1 "" duplicated key in mapping"#]]);
        check("--- {}\n--- {}", &expect![[r#"2:5 "" a config is one YAML document, this is a second one"#]]);
        check("just text", &expect![[r#"1:1 "just text" expected an object, found a text"#]]);
    }

    #[test]
    fn bounds_aliases() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let list = vec![format!("*a{}", level - 1); 10].join(",");
            text += &["a", &level.to_string(), ": &a", &level.to_string(), " [", &list, "]\n"].concat();
        }
        assert!(load(&text).is_err());
    }

    #[test]
    fn nesting_does_no_harm() {
        assert!(load(&"[".repeat(100_000)).is_err());
        assert!(load(&"- ".repeat(100_000)).is_err());
    }
}
