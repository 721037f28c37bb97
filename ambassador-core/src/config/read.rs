//! Reads the wire types from JSON, for the filter and for the CLI alike.
//!
//! By hand, since what serde derives for these types would be a tenth of the module. A field of a type that is not read
//! here does not compile, and tests hold the names to those that are written.

use ambassador_jq::json::{Json, Value, View};

use super::{
    Config, Csv, Form, Format, FormatOptions, HeaderEdits, HealthCheck, Limits, Match, Metadata, NoOptions,
    OneOrMany, Port, PortLimits, Request, Response, Route, Rule, Scalar, Server, ServerOptions, Spec, Target,
    TargetLimits, Text, Texts, Tsv, Xml,
};
use crate::problem::{Path, Problem, Step};

/// The deepest nesting that is read; a config needs ten.
const DEEPEST: usize = 64;

impl Config {
    /// Reads a config from JSON, or says what the first thing is that is wrong with it.
    pub fn from_json(text: &[u8]) -> Result<Self, Problem> {
        read(text)
    }
}

impl Format {
    /// Reads what stands at `from` or `to`, from JSON.
    pub fn from_json(text: &[u8]) -> Result<Self, Problem> {
        read(text)
    }
}

fn read<T: Read>(text: &[u8]) -> Result<T, Problem> {
    let mut reader = Reader::default();
    let json = Json::read(text, DEEPEST).map_err(|error| Problem::new(&reader.path, error.to_string()))?;
    let read = T::read(json.root(), &mut reader);
    reader.problem.map_or(Ok(read), Err)
}

/// What can be read from JSON. What cannot leaves a problem with the reader, and is its default: code that goes on is
/// much smaller than code that stops half-way.
trait Read: Default {
    fn read(value: View<'_>, reader: &mut Reader) -> Self;
}

/// Where it reads, and the first problem it found.
#[derive(Default)]
struct Reader {
    path: Path,
    problem: Option<Problem>,
}

impl Reader {
    fn expected<T: Default>(&mut self, what: &str) -> T {
        self.refuse(Problem::new(&self.path, format!("expected {what}")));
        T::default()
    }

    #[inline(never)]
    fn refuse(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }

    /// An object of these fields and no others.
    #[inline(never)]
    fn fields(&mut self, value: View<'_>, known: &[&str]) {
        let Value::Object(entries) = value.value() else { return self.expected("a map") };
        for (name, _) in entries {
            if !known.contains(&name.as_ref()) {
                self.refuse(Problem::new(&self.path.key(&name), "unknown field").at_key());
            }
        }
    }

    /// Goes to a field; the path comes back to where it was by [`Self::leave`].
    #[inline(never)]
    fn enter<'a>(&mut self, value: View<'a>, name: &str, needed: bool) -> Option<View<'a>> {
        let found = value.get(name);
        match found {
            Some(_) => self.path.push(Step::Key(name.to_owned())),
            None if needed => self.refuse(Problem::new(&self.path, format!("`{name}` is missing"))),
            None => {}
        }
        found
    }

    fn field<T: Read>(&mut self, value: View<'_>, name: &str, needed: bool) -> T {
        let Some(found) = self.enter(value, name, needed) else { return T::default() };
        let read = T::read(found, self);
        self.path.pop();
        read
    }

    /// A whole number that is not negative.
    #[inline(never)]
    fn number(&mut self, value: View<'_>, largest: u32) -> u32 {
        let number = match value.value() {
            Value::Number(text) => text.parse().ok().filter(|number| *number <= largest),
            _ => None,
        };
        number.unwrap_or_else(|| self.expected("a whole number"))
    }
}

/// A type with these fields, each with its name in JSON. What stands before `;` must be there.
macro_rules! fields {
    ($type:ident { $($needed:ident: $needed_name:literal),* ; $($field:ident: $name:literal),* }) => {
        impl Read for $type {
            fn read(value: View<'_>, reader: &mut Reader) -> Self {
                reader.fields(value, &[$($needed_name,)* $($name,)*]);
                Self {
                    $($needed: reader.field(value, $needed_name, true),)*
                    $($field: reader.field(value, $name, false),)*
                }
            }
        }
    };
}

fields!(Config { api_version: "apiVersion", kind: "kind", spec: "spec"; metadata: "metadata" });
fields!(Metadata { ; name: "name" });
fields!(Spec {
    ports: "ports";
    targets: "targets", limits: "limits", addresses: "addresses", access_log: "accessLog", rules: "rules"
});
fields!(Port {
    listen: "listen";
    target: "target", name: "name", protocol: "protocol", app_protocol: "appProtocol", routes: "routes",
    limits: "limits"
});
fields!(Route {
    target: "target";
    hosts: "hosts", path: "path", methods: "methods", query: "query", headers: "headers"
});
fields!(PortLimits {
    ;
    connections: "connections", idle_timeout: "idleTimeout", tcp_idle_timeout: "tcpIdleTimeout",
    request_timeout: "requestTimeout"
});
fields!(Target {
    name: "name", servers: "servers";
    balance: "balance", host: "host", health_check: "healthCheck", limits: "limits"
});
fields!(ServerOptions { address: "address"; weight: "weight", connections: "connections", backup: "backup" });
fields!(HealthCheck {
    ;
    path: "path", method: "method", host: "host", status: "status", interval: "interval", timeout: "timeout",
    rise: "rise", fall: "fall"
});
fields!(TargetLimits { ; upstream_connections: "upstreamConnections", connect_timeout: "connectTimeout" });
fields!(Limits {
    ;
    connections: "connections", upstream_connections: "upstreamConnections", connect_timeout: "connectTimeout",
    idle_timeout: "idleTimeout", tcp_idle_timeout: "tcpIdleTimeout", request_timeout: "requestTimeout", body: "body"
});
fields!(Rule { name: "name"; matches: "match", request: "request", response: "response" });
fields!(Match {
    ;
    port: "port", target: "target", methods: "methods", path: "path", query: "query", headers: "headers",
    status: "status", content_type: "contentType"
});
fields!(Request {
    ;
    jq: "jq", from: "from", to: "to", outputs: "outputs", path: "path", method: "method", host: "host",
    headers: "headers", on_error: "onError"
});
fields!(Response {
    ;
    jq: "jq", from: "from", to: "to", outputs: "outputs", per_line: "perLine", per_event: "perEvent",
    even_if_no_transform: "evenIfNoTransform", headers: "headers", status: "status", on_error: "onError"
});
fields!(HeaderEdits { ; set: "set", remove: "remove" });
fields!(FormatOptions {
    ;
    json: "json", ndjson: "ndjson", xml: "xml", csv: "csv", tsv: "tsv", yaml: "yaml", text: "text", form: "form",
    prometheus: "prometheus"
});
fields!(NoOptions { ; });
fields!(Xml {
    ;
    attribute_prefix: "attributePrefix", text_key: "textKey", force_list: "forceList", namespaces: "namespaces",
    root: "root", item: "item"
});
fields!(Csv { ; delimiter: "delimiter", header: "header", types: "types", columns: "columns" });
fields!(Tsv { ; header: "header", types: "types", columns: "columns", escapes: "escapes" });
fields!(Text { ; lines: "lines", unmatched: "unmatched" });
fields!(Form { ; lists: "lists" });

impl Read for String {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        match value.value() {
            Value::String(text) => text.into_owned(),
            _ => reader.expected("a text"),
        }
    }
}

impl Read for bool {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        match value.value() {
            Value::Bool(value) => value,
            _ => reader.expected("true or false"),
        }
    }
}

impl Read for u32 {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        reader.number(value, Self::MAX)
    }
}

impl Read for u16 {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        Self::try_from(reader.number(value, Self::MAX.into())).unwrap_or_default()
    }
}

impl Read for Scalar {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        match value.value() {
            Value::String(text) => Self(text.into_owned()),
            Value::Number(text) if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-')) => {
                Self(text.to_owned())
            }
            _ => reader.expected("a text or a whole number"),
        }
    }
}

impl Read for OneOrMany {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        Self(match value.value() {
            Value::Array(_) => Read::read(value, reader),
            _ => vec![Scalar::read(value, reader)],
        })
    }
}

impl Read for Texts {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        let Value::Object(entries) = value.value() else { return reader.expected("a map") };
        let text = |value: View<'_>| match value.value() {
            Value::String(text) => Some(text.into_owned()),
            Value::Number(text) => Some(text.to_owned()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        };
        Self(entries.map(|(name, value)| (name.into_owned(), text(value))).collect())
    }
}

impl Read for Format {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        match value.value() {
            Value::String(name) => Self::Name(name.into_owned()),
            Value::Object(_) => Self::Options(Box::new(FormatOptions::read(value, reader))),
            _ => reader.expected("the name of a format, or a map of it to its options"),
        }
    }
}

impl Read for Server {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        match value.value() {
            Value::Object(_) => Self::Options(Read::read(value, reader)),
            _ => Self::Address(Read::read(value, reader)),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        let Value::Array(items) = value.value() else { return reader.expected("a list") };
        let mut read = Self::new();
        for (index, item) in items.enumerate() {
            reader.path.push(Step::Index(index));
            read.push(T::read(item, reader));
            reader.path.pop();
        }
        read
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: View<'_>, reader: &mut Reader) -> Self {
        match value.text() {
            b"null" => None,
            _ => Some(T::read(value, reader)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "fields are optional")]
    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[expect(clippy::unnecessary_wraps, reason = "fields are optional")]
    fn scalar(text: &str) -> Option<Scalar> {
        Some(Scalar(text.to_owned()))
    }

    /// Every field there is, each with a value that is not its default.
    fn full() -> Config {
        let options = FormatOptions {
            json: Some(NoOptions {}),
            ndjson: Some(NoOptions {}),
            xml: Some(Xml {
                attribute_prefix: text("-"),
                text_key: text("t"),
                force_list: Some(vec!["a".to_owned()]),
                namespaces: text("strip"),
                root: text("r"),
                item: text("i"),
            }),
            csv: Some(Csv {
                delimiter: text(";"),
                header: Some(false),
                types: text("infer"),
                columns: Some(vec!["a".to_owned()]),
            }),
            tsv: Some(Tsv {
                header: Some(true),
                types: text("infer"),
                columns: Some(vec!["b".to_owned()]),
                escapes: Some(true),
            }),
            yaml: Some(NoOptions {}),
            text: Some(Text { lines: text("(?P<a>.*)"), unmatched: text("skip") }),
            form: Some(Form { lists: text("always") }),
            prometheus: Some(NoOptions {}),
        };
        let headers = HeaderEdits {
            set: Texts(vec![("x".to_owned(), text("é\n\"")), ("a".to_owned(), text(""))]),
            remove: vec!["y".to_owned()],
        };
        let request = Request {
            jq: text("."),
            from: Some(Format::Options(Box::new(options))),
            to: Some(Format::Name("json".to_owned())),
            outputs: text("array"),
            path: text("/p"),
            method: text("PUT"),
            host: text("keep"),
            headers: headers.clone(),
            on_error: text("pass"),
        };
        let response = Response {
            jq: text(".a"),
            from: Some(Format::Name("xml".to_owned())),
            to: Some(Format::Name("csv".to_owned())),
            outputs: text("ndjson"),
            per_line: true,
            per_event: true,
            even_if_no_transform: true,
            headers,
            status: Some(418),
            on_error: text("error"),
        };
        let matches = Match {
            port: text("web"),
            target: text("t"),
            methods: Some(vec!["GET".to_owned()]),
            path: text("/a/**"),
            query: Texts(vec![("q".to_owned(), text("!*"))]),
            headers: Texts(vec![("h".to_owned(), text("1"))]),
            status: Some(OneOrMany(vec![Scalar("2xx".to_owned()), Scalar("304".to_owned())])),
            content_type: Some(OneOrMany(vec![Scalar("*/xml".to_owned())])),
        };
        let limits = Limits {
            connections: Some(1),
            upstream_connections: Some(2),
            connect_timeout: scalar("3s"),
            idle_timeout: scalar("4s"),
            tcp_idle_timeout: scalar("5s"),
            request_timeout: scalar("6s"),
            body: scalar("7"),
        };
        let port = Port {
            name: text("web"),
            listen: Scalar("80".to_owned()),
            target: scalar("8775"),
            protocol: text("http"),
            app_protocol: text("kubernetes.io/h2c"),
            routes: vec![Route {
                hosts: Some(vec!["*.example.org".to_owned()]),
                path: text("/a/**"),
                methods: Some(vec!["PUT".to_owned()]),
                query: Texts(vec![("q".to_owned(), text("1"))]),
                headers: Texts(vec![("h".to_owned(), text("2"))]),
                target: Scalar("t".to_owned()),
            }],
            limits: PortLimits {
                connections: Some(8),
                idle_timeout: scalar("9s"),
                tcp_idle_timeout: scalar("10s"),
                request_timeout: scalar("11s"),
            },
        };
        let target = Target {
            name: "t".to_owned(),
            servers: vec![
                Server::Address(Scalar("81".to_owned())),
                Server::Options(ServerOptions {
                    address: Scalar("82".to_owned()),
                    weight: Some(2),
                    connections: Some(3),
                    backup: true,
                }),
            ],
            balance: text("random"),
            host: text("keep"),
            health_check: Some(HealthCheck {
                path: text("/h"),
                method: text("HEAD"),
                host: text("h"),
                status: Some(OneOrMany(vec![Scalar("204".to_owned())])),
                interval: scalar("1s"),
                timeout: scalar("2s"),
                rise: Some(4),
                fall: Some(5),
            }),
            limits: TargetLimits { upstream_connections: Some(6), connect_timeout: scalar("3s") },
        };
        let rule = Rule { name: "r".to_owned(), matches, request: Some(request), response: Some(response) };
        Config {
            api_version: super::super::API_VERSION.to_owned(),
            kind: super::super::KIND.to_owned(),
            metadata: Metadata { name: "full".to_owned() },
            spec: Spec {
                ports: vec![port],
                targets: vec![target],
                limits,
                addresses: text("keep"),
                access_log: true,
                rules: vec![rule],
            },
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let config = full();
        let text = serde_json::to_vec(&config).unwrap();
        assert_eq!(Config::from_json(&text).unwrap(), config);
    }

    #[track_caller]
    fn check(spec: &str, expected: Option<&str>) {
        let text = format!(r#"{{"apiVersion":"a","kind":"k","spec":{spec}}}"#);
        let problem = Config::from_json(text.as_bytes()).err().map(|problem| problem.to_string());
        assert_eq!(problem.as_deref(), expected, "{spec}");
    }

    #[test]
    fn what_is_no_config_is_refused_with_its_place() {
        check(r#"{"ports":[{"listen":80,"target":"8775"}]}"#, None);
        check(r#"{"ports":[],"addresses":null}"#, None);
        check("{}", Some("spec: `ports` is missing"));
        check("[]", Some("spec: expected a map"));
        check(r#"{"ports":1}"#, Some("spec.ports: expected a list"));
        check(r#"{"ports":[{"target":80}]}"#, Some("spec.ports[0]: `listen` is missing"));
        check(
            r#"{"ports":[{"listen":8.5,"target":1}]}"#,
            Some("spec.ports[0].listen: expected a text or a whole number"),
        );
        check(r#"{"ports":[],"extra":1}"#, Some("spec.extra: unknown field"));
        check(
            r#"{"ports":[],"limits":{"connections":-1}}"#,
            Some("spec.limits.connections: expected a whole number"),
        );
        check(
            r#"{"ports":[],"rules":[{"name":"r","response":{"status":65536}}]}"#,
            Some("spec.rules[0].response.status: expected a whole number"),
        );
        check(
            r#"{"ports":[],"rules":[{"name":"r","response":{"from":1}}]}"#,
            Some("spec.rules[0].response.from: expected the name of a format, or a map of it to its options"),
        );
        check(
            r#"{"ports":[],"rules":[{"name":"r","response":{"from":{"json":{"a":1}}}}]}"#,
            Some("spec.rules[0].response.from.json.a: unknown field"),
        );
    }
}
