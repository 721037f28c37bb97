//! The config itself, and how large it and the annotations get.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

use super::{Code, Finding, Severity, Subject};
use crate::plan::text;
use crate::source::Source;

/// All annotations of an object together; a limit of the API server.
const ANNOTATIONS: usize = 256 << 10;
/// The data of a ConfigMap; the same.
const CONFIG_MAP: usize = 1 << 20;
/// The name of an object; a DNS subdomain (RFC 1123).
const NAME: usize = 253;

/// What secrets look like. What a rule takes from the message, such as `$request.headers`, is none.
const SECRETS: [(&str, &str); 6] = [
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("an access key of AWS", r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    (
        "a token",
        r"\b(gh[pousr]_[0-9A-Za-z]{36}|glpat-[0-9A-Za-z_-]{20}|xox[abprs]-[0-9A-Za-z-]{10,}|sk-[0-9A-Za-z_-]{20,})",
    ),
    ("a JSON Web Token", r"\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\."),
    ("credentials", r"(?i)\b(bearer|basic)\s+[0-9a-z+/_=-]{16,}"),
    (
        "a password",
        r#"(?i)(passw(or)?d|secret|token|api[-_]?key)[a-z0-9_-]*\\?["']?\s*[:=]\s*\\?["'][^"'\\\s$]{8,}\\?["']"#,
    ),
];

/// What can be said of a config alone; `object` is what it is for, or its own name.
pub(crate) fn config(source: &Source, object: &str) -> Vec<Finding> {
    static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
        SECRETS.iter().filter_map(|(what, pattern)| Some((*what, Regex::new(pattern).ok()?))).collect()
    });
    let lines = source.text.lines().enumerate();
    let like =
        |line: &str| PATTERNS.iter().find(|(_, pattern)| pattern.is_match(line)).map(|(what, _)| *what);
    lines
        .filter_map(|(at, line)| Some((at + 1, like(line)?)))
        .map(|(line, what)| {
            let message = format!("line {line} of {} looks like {what}", source.name());
            let hint = "all who may read ConfigMaps in the namespace can read it, and answers may carry it to clients";
            Finding::new(Code::Secret, Severity::Warning, object, message).hint(hint)
        })
        .collect()
}

/// How near to the server's limits the plan is.
pub(super) fn sizes(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(plan) = subject.plan else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(annotations) = subject.planned().and_then(|pod| pod.pointer("/metadata/annotations")) {
        found.extend(near(subject, Code::Annotations, "annotations", size(annotations), ANNOTATIONS));
    }
    if let Some(data) = plan.config_map.get("data") {
        found.extend(near(
            subject,
            Code::ConfigSize,
            "config, with what is rendered from it,",
            size(data),
            CONFIG_MAP,
        ));
    }
    let name = text(&plan.config_map, "/metadata/name");
    if name.len() > NAME {
        let message =
            format!("the name of the ConfigMap would have {} characters, and {NAME} are allowed", name.len());
        found
            .push(subject.error(Code::LongName, message).hint("choose a shorter one with --config-map NAME"));
    }
    found
}

fn size(texts: &Value) -> usize {
    let texts = texts.as_object().into_iter().flatten();
    texts.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum()
}

fn near(subject: &Subject<'_>, code: Code, what: &str, size: usize, limit: usize) -> Option<Finding> {
    let message =
        format!("the {what} of {} would have {size} bytes, and {limit} are allowed", subject.name());
    if size > limit {
        Some(subject.error(code, message))
    } else if size > limit / 10 * 9 {
        Some(subject.warning(code, message))
    } else {
        None
    }
}
