//! The rules of a config, checked and compiled.

mod headers;

use ambassador_jq::Program;

pub use headers::HeaderEdits;

use crate::config;
use crate::limits::Limits;
use crate::matcher::content_type::{self, ContentTypePattern};
use crate::matcher::method::Methods;
use crate::matcher::path::PathPattern;
use crate::matcher::status::Statuses;
use crate::ports::PortMap;
use crate::problem::{Path, Problem};

/// More rules than this are a mistake; each is looked at for each request.
const MOST_RULES: usize = 1_000;
/// Bytes of the longest program.
const LONGEST_PROGRAM: usize = 64 << 10;
/// The global variables of every program, in the order their values are given.
const VARIABLES: [&str; 2] = ["request", "response"];
/// What `from` and `to` will know one day.
const PLANNED_FORMATS: [&str; 8] = ["ndjson", "xml", "csv", "tsv", "yaml", "text", "form", "prometheus"];

/// What happens when a body cannot be reshaped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// 502 with a problem document.
    #[default]
    Error,
    /// The untouched original.
    Pass,
}

/// A program with what it needs to know of the exchange.
#[derive(Debug)]
pub struct Transform {
    /// The program.
    pub program: Program,
    /// Whether the body is JSON whatever its Content-Type says: `from: json`.
    pub from_json: bool,
}

/// One rule, compiled.
#[derive(Debug)]
pub struct Rule {
    /// Its name; unique.
    pub name: String,
    port: Option<u16>,
    methods: Methods,
    path: Option<PathPattern>,
    statuses: Statuses,
    content_type: Option<ContentTypePattern>,
    /// What makes the new body; without, the body is not touched.
    pub transform: Option<Transform>,
    /// Headers set and removed.
    pub headers: HeaderEdits,
    /// The status the client sees, if not the legacy program's.
    pub status: Option<u16>,
    /// What happens when the body cannot be reshaped.
    pub on_error: OnError,
}

impl Rule {
    /// Whether the rule may be for the answer to this request.
    pub fn matches_request(&self, port: u16, method: &[u8], target: &[u8]) -> bool {
        self.port.is_none_or(|wanted| wanted == port)
            && self.methods.matches(method)
            && self.path.as_ref().is_none_or(|pattern| pattern.matches(target))
    }

    /// Whether the rule is for this answer, given that it matches the request.
    pub fn matches_response(&self, status: u16, content_type: Option<&[u8]>) -> bool {
        self.statuses.matches(status)
            && match (&self.content_type, &self.transform) {
                (Some(pattern), _) => content_type.is_some_and(|found| pattern.matches(found)),
                // Legacy programs forget Content-Type; what says it is no JSON is not reshaped as JSON.
                (None, Some(transform)) if !transform.from_json => {
                    content_type.is_none_or(content_type::is_json)
                }
                (None, _) => true,
            }
    }
}

/// All rules, in order: the first that matches is used.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    pub(crate) fn new(
        written: &[config::Rule],
        ports: &PortMap,
        _limits: &Limits,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        if written.len() > MOST_RULES {
            problems.push(Problem::new(path, format!("more than {MOST_RULES} rules")));
            return Self::default();
        }
        let mut names = std::collections::BTreeSet::new();
        let mut rules = Vec::with_capacity(written.len());
        for (index, rule) in written.iter().enumerate() {
            let path = path.index(index);
            check_name(&rule.name, &path.key("name"), problems);
            if !names.insert(rule.name.as_str()) {
                problems
                    .push(Problem::new(&path.key("name"), format!("the name `{}` is used twice", rule.name)));
            }
            rules.push(compile(rule, ports, &path, problems));
        }
        Self { rules }
    }

    /// The rules, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// The rule at this place.
    pub fn get(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is reshaped at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl<'a> IntoIterator for &'a RuleSet {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn compile(written: &config::Rule, ports: &PortMap, path: &Path, problems: &mut Vec<Problem>) -> Rule {
    let (matches, response) = (&written.matches, &written.response);
    let (match_path, response_path) = (path.key("match"), path.key("response"));
    let statuses =
        matches.status.as_ref().map(|status| Statuses::new(status, &match_path.key("status"), problems));
    let path_pattern =
        matches.path.as_deref().and_then(|text| PathPattern::new(text, &match_path.key("path"), problems));
    let content_type = matches
        .content_type
        .as_deref()
        .and_then(|text| ContentTypePattern::new(text, &match_path.key("contentType"), problems));
    let methods = matches.methods.as_deref().unwrap_or_default();
    Rule {
        name: written.name.clone(),
        port: port(matches.port.as_deref(), ports, &match_path.key("port"), problems),
        methods: Methods::new(methods, &match_path.key("methods"), problems),
        path: path_pattern,
        statuses: statuses.unwrap_or_default(),
        content_type,
        transform: transform(response, &response_path, problems),
        headers: HeaderEdits::new(&response.headers, &response_path.key("headers"), problems),
        status: status(response.status, &response_path.key("status"), problems),
        on_error: on_error(response.on_error.as_deref(), &response_path.key("onError"), problems),
    }
}

fn check_name(name: &str, path: &Path, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        let message = format!("`{}` is not a name", name.escape_debug());
        problems.push(
            Problem::new(path, message).hint("use letters, digits, `-`, `_` and `.`, at most 63 of them"),
        );
    }
}

fn port(written: Option<&str>, ports: &PortMap, path: &Path, problems: &mut Vec<Problem>) -> Option<u16> {
    let name = written?;
    let found = ports.named(name);
    if found.is_none() {
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        let problem = Problem::new(path, format!("no port is named `{}`", name.escape_debug()));
        problems.push(problem.hint(format!("spec.ports has: {}", names.join(", "))));
    }
    found.map(|port| port.listen)
}

fn transform(written: &config::Response, path: &Path, problems: &mut Vec<Problem>) -> Option<Transform> {
    for (field, format) in [("from", &written.from), ("to", &written.to)] {
        let Some(format) = format else { continue };
        let path = path.key(field);
        let config::Format::Name(format) = format else {
            problems.push(Problem::new(&path, "options of formats are not supported by this version"));
            continue;
        };
        let format = format.as_str();
        if PLANNED_FORMATS.contains(&format) {
            problems.push(Problem::new(&path, format!("format {format} is not supported by this version")));
        } else if format != "json" {
            problems.push(
                Problem::new(&path, format!("unknown format `{}`", format.escape_debug()))
                    .hint("expected json"),
            );
        } else if written.jq.is_none() {
            problems.push(Problem::new(&path, format!("`{field}` has no effect without `jq`")));
        }
    }
    let text = written.jq.as_deref()?;
    let path = path.key("jq");
    if text.len() > LONGEST_PROGRAM {
        problems.push(Problem::new(&path, format!("a program is at most {LONGEST_PROGRAM} bytes long")));
        return None;
    }
    match Program::compile_with(text, &VARIABLES) {
        Ok(program) => Some(Transform { program, from_json: written.from.is_some() }),
        Err(found) => {
            problems.extend(
                found.into_iter().map(|problem| Problem::new(&path, problem.message).range(problem.range)),
            );
            None
        }
    }
}

fn status(written: Option<u16>, path: &Path, problems: &mut Vec<Problem>) -> Option<u16> {
    let status = written?;
    if !(200..=599).contains(&status) || [204, 205, 304].contains(&status) {
        problems.push(
            Problem::new(path, format!("an answer with a body cannot have status {status}"))
                .hint("from 200 to 599, without 204, 205 and 304"),
        );
    }
    Some(status)
}

fn on_error(written: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> OnError {
    match written {
        None | Some("error") => OnError::Error,
        Some("pass") => OnError::Pass,
        Some(other) => {
            let message = format!("unknown policy `{}`", other.escape_debug());
            problems.push(Problem::new(path, message).hint("expected error or pass"));
            OnError::Error
        }
    }
}
