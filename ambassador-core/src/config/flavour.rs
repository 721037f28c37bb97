//! Which flavour of the module a config needs.

use ambassador_jq::Program;

use super::{Config, Format, Request, Response, Rule, Scalar};
use crate::format::Reader;
use crate::rules::VARIABLES;

/// What a module is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// JSON, NDJSON, text, forms and Prometheus; gzip and deflate; of jq's library what most programs call.
    Json,
    /// All formats and codings, and the whole library.
    Full,
}

impl Flavour {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Full => "full",
        }
    }
}

/// The formats that only the full flavour knows.
const ONLY_IN_FULL: [&str; 4] = ["xml", "csv", "tsv", "yaml"];

impl Config {
    /// The smallest flavour that does all that this config says.
    ///
    /// A client chooses the coding of its request and, where the config names no format, that too; of an answer the filter
    /// asks for what it can decode. So bodies of requests are for the full flavour, and those of answers for it if they
    /// may be in one of its formats.
    pub fn flavour(&self) -> Flavour {
        if self.spec.rules.iter().any(needs_full) { Flavour::Full } else { Flavour::Json }
    }
}

fn needs_full(rule: &Rule) -> bool {
    let request = rule.request.as_ref().is_some_and(|Request { jq, .. }| jq.is_some());
    let response = |Response { jq, from, to, .. }: &Response| {
        let types = rule.matches.content_type.iter().flat_map(|types| &types.0);
        let found = match from {
            Some(format) => is_only_in_full(format),
            None => types.into_iter().any(may_be_only_in_full),
        };
        let whole_library = |program: &String| {
            let compiled = Program::compile_with(program, &VARIABLES);
            compiled.is_ok_and(|program| program.uses_library())
        };
        jq.as_ref().is_some_and(whole_library)
            || jq.is_some() && (found || to.as_ref().is_some_and(is_only_in_full))
    };
    request || rule.response.as_ref().is_some_and(response)
}

fn is_only_in_full(format: &Format) -> bool {
    match format {
        Format::Name(name) => ONLY_IN_FULL.contains(&name.as_str()),
        Format::Options(options) => {
            let lines = options.text.as_ref().is_some_and(|text| text.lines.is_some());
            options.xml.is_some()
                || options.csv.is_some()
                || options.tsv.is_some()
                || options.yaml.is_some()
                || lines
        }
    }
}

/// Whether a pattern of media types has some of a format that only the full flavour knows.
fn may_be_only_in_full(pattern: &Scalar) -> bool {
    let reader = Reader::for_content_type(Some(pattern.0.as_bytes()));
    pattern.0.contains('*') || reader.is_some_and(|reader| ONLY_IN_FULL.contains(&reader.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: Flavour) {
        let text = format!(r#"{{"apiVersion":"","kind":"","spec":{{"ports":[],"rules":[{rule}]}}}}"#);
        assert_eq!(Config::from_json(text.as_bytes()).unwrap().flavour(), expected, "{rule}");
    }

    #[test]
    fn answers_in_json_need_the_json_flavour() {
        for rule in [
            "",
            r#"{"name":"r"}"#,
            r#"{"name":"r","response":{"jq":"."}}"#,
            r#"{"name":"r","response":{"jq":".","from":"text","to":"prometheus"}}"#,
            r#"{"name":"r","response":{"jq":"map(select(.price | floor > 2)) | sort_by(.name)"}}"#,
            r#"{"name":"r","response":{"jq":".","from":{"form":{}},"to":{"json":{}}}}"#,
            r#"{"name":"r","match":{"contentType":"application/json"},"response":{"jq":"."}}"#,
            r#"{"name":"r","match":{"contentType":["text/plain","application/vnd.x"]},"response":{"jq":"."}}"#,
            r#"{"name":"r","match":{"contentType":"*/xml"},"response":{"headers":{"remove":["x"]}}}"#,
            r#"{"name":"r","match":{"contentType":"text/*"},"response":{"jq":".","from":"json"}}"#,
            r#"{"name":"r","request":{"path":"/x"}}"#,
        ] {
            check(rule, Flavour::Json);
        }
    }

    #[test]
    fn other_formats_bodies_of_requests_and_the_whole_library_need_the_full_flavour() {
        for rule in [
            r#"{"name":"r","request":{"jq":"."}}"#,
            r#"{"name":"r","response":{"jq":".","from":"xml"}}"#,
            r#"{"name":"r","response":{"jq":".","to":{"csv":{}}}}"#,
            r#"{"name":"r","response":{"jq":".","from":{"text":{"lines":"(?P<a>.*)"}}}}"#,
            r#"{"name":"r","response":{"jq":"map(select(.name | test(\"^a\")))"}}"#,
            r#"{"name":"r","response":{"jq":"def f: now | todate; {at: f, of: $request.path}"}}"#,
            r#"{"name":"r","response":{"jq":"sin"}}"#,
            r#"{"name":"r","response":{"jq":".","to":"tsv"}}"#,
            r#"{"name":"r","match":{"contentType":"*/json"},"response":{"jq":"."}}"#,
            r#"{"name":"r","match":{"contentType":"application/soap+xml"},"response":{"jq":"."}}"#,
            r#"{"name":"r","match":{"contentType":["text/plain","application/yaml"]},"response":{"jq":"."}}"#,
            r#"{"name":"a"},{"name":"r","response":{"jq":".","from":"yaml"}}"#,
        ] {
            check(rule, Flavour::Full);
        }
    }
}
