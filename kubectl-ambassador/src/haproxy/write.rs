//! Writes an ambassador.yaml with the line of HAProxy's config behind each of its own.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::conjunction::Conjunction;
use super::edits::{Edits, Side};
use super::file::File;
use super::model::{Port, Spec};
use super::rules::Rule;
use super::targets::Target;

/// What begins the comment on a line.
const MARK: &str = "  # line ";

/// Lines of text, each with where it comes from.
struct Writer<'f> {
    text: String,
    file: &'f File,
}

/// The config as a whole.
pub(super) fn config(name: &str, spec: &Spec, file: &File) -> String {
    let mut writer = Writer { text: String::new(), file };
    writer.line(
        0,
        "# Made of a config of HAProxy by kubectl ambassador convert; the numbers are its lines.",
        &[],
    );
    writer.line(0, "apiVersion: kubectl-ambassador.dev/v1alpha1", &[]);
    writer.line(0, "kind: Ambassador", &[]);
    writer.line(0, &format!("metadata: {{name: {}}}", scalar(name)), &[]);
    writer.line(0, "spec:", &[]);
    writer.line(1, "ports:", &[]);
    spec.ports.iter().for_each(|port| writer.port(port));
    if !spec.targets.is_empty() {
        writer.line(1, "targets:", &[]);
        spec.targets.iter().for_each(|target| writer.target(target));
    }
    writer.limits(1, &spec.limits.entries());
    if spec.has_http {
        writer.line(
            1,
            "addresses: keep  # HAProxy leaves the program's own addresses in answers as they are",
            &[],
        );
    }
    if let Some(lines) = &spec.access_log {
        writer.line(1, "accessLog: true", lines);
    }
    if !spec.rules.is_empty() {
        writer.line(1, "rules:", &[]);
        spec.rules.iter().for_each(|rule| writer.rule(rule));
    }
    writer.text
}

/// The numbers of lines that comments name.
pub(super) fn lines_named(config: &str) -> BTreeSet<usize> {
    let comments = config.lines().filter_map(|line| line.rsplit_once(MARK));
    let numbers = comments.map(|(_, comment)| comment.split(':').next().unwrap_or_default());
    numbers.flat_map(|numbers| numbers.split(", ").filter_map(|number| number.parse().ok())).collect()
}

impl Writer<'_> {
    /// Two spaces a level; one line is shown, of several the numbers.
    fn line(&mut self, level: usize, text: &str, lines: &[usize]) {
        let _ = write!(self.text, "{:width$}{text}", "", width = level * 2);
        match lines {
            [] => {}
            [one] => {
                let shown = self.file.line(*one).map(super::file::Line::shown).unwrap_or_default();
                let _ = write!(self.text, "{MARK}{one}: {shown}");
            }
            several => {
                let numbers: Vec<String> = several.iter().map(usize::to_string).collect();
                let _ = write!(self.text, "{MARK}{}", numbers.join(", "));
            }
        }
        self.text.push('\n');
    }

    fn port(&mut self, port: &Port) {
        self.line(2, &format!("- name: {}", scalar(&port.name.value)), &port.name.lines);
        self.line(3, &format!("listen: {}", address(&port.listen.value)), &port.listen.lines);
        if let Some(target) = &port.target {
            self.line(3, &format!("target: {}", address(&target.value)), &target.lines);
        }
        if let Some(lines) = &port.tcp {
            self.line(3, "protocol: tcp", lines);
        }
        if !port.routes.is_empty() {
            self.line(3, "routes:", &[]);
        }
        for route in &port.routes {
            let mut fields = Vec::new();
            if !route.hosts.is_empty() {
                let hosts: Vec<String> = route.hosts.iter().map(|host| scalar(host)).collect();
                fields.push(format!("hosts: [{}]", hosts.join(", ")));
            }
            fields.extend(matched(&route.matches));
            fields.push(format!("target: {}", address(&route.target.value)));
            self.line(4, &format!("- {{{}}}", fields.join(", ")), &route.target.lines);
        }
        self.limits(3, &port.limits.entries());
    }

    fn target(&mut self, target: &Target) {
        self.line(2, &format!("- name: {}", scalar(&target.name.value)), &target.name.lines);
        self.line(3, "servers:", &[]);
        for server in &target.servers {
            let mut fields = vec![format!("address: {}", address(&server.value.text))];
            fields.extend(server.value.weight.map(|weight| format!("weight: {weight}")));
            if server.value.backup {
                fields.push("backup: true".to_owned());
            }
            let text = match fields.as_slice() {
                [_] => address(&server.value.text),
                fields => format!("{{{}}}", fields.join(", ")),
            };
            self.line(4, &format!("- {text}"), &server.lines);
        }
        if let Some(balance) = &target.balance {
            self.line(3, &format!("balance: {}", balance.value), &balance.lines);
        }
        if target.keeps_host {
            self.line(3, "host: keep  # HAProxy leaves the client's Host as it is", &[]);
        }
        if let Some(check) = &target.check {
            let fields = check.value.iter().map(|(name, value)| match *name {
                "status" => format!("status: [{value}]"),
                "rise" | "fall" => format!("{name}: {value}"),
                _ => format!("{name}: {}", scalar(value)),
            });
            let fields: Vec<String> = fields.collect();
            self.line(3, &format!("healthCheck: {{{}}}", fields.join(", ")), &check.lines);
        }
        self.limits(3, &target.limits.entries());
    }

    fn limits(&mut self, level: usize, entries: &[(&'static str, String, Vec<usize>)]) {
        if entries.is_empty() {
            return;
        }
        self.line(level, "limits:", &[]);
        for (name, value, lines) in entries {
            self.line(level + 1, &format!("{name}: {value}"), lines);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.line(2, &format!("- name: {}", scalar(&rule.name)), &[]);
        let mut fields = Vec::new();
        fields.extend(rule.port.iter().map(|port| format!("port: {}", scalar(port))));
        fields.extend(rule.target.iter().map(|target| format!("target: {}", scalar(target))));
        let mut matches = rule.matches.clone();
        // A rule knows hosts by the header.
        matches.headers.extend(matches.host.take().map(|host| ("host".to_owned(), host)));
        fields.extend(matched(&matches));
        if rule.side == Side::Response {
            let status = rule.matches.status.as_deref().map_or_else(|| vec!["200-599".to_owned()], ranges);
            fields.push(format!("status: [{}]", status.join(", ")));
        }
        if !fields.is_empty() {
            self.line(3, &format!("match: {{{}}}", fields.join(", ")), &rule.lines);
        }
        self.edits(rule.side, &rule.edits);
    }

    fn edits(&mut self, side: Side, edits: &Edits) {
        if edits.is_empty() {
            self.line(3, &format!("{}: {{}}", side.name()), &[]);
            return;
        }
        self.line(3, &format!("{}:", side.name()), &[]);
        for (name, value) in &edits.fields {
            let text = if *name == "status" { value.value.clone() } else { scalar(&value.value) };
            self.line(4, &format!("{name}: {text}"), &value.lines);
        }
        if edits.set.is_empty() && edits.remove.is_empty() {
            return;
        }
        self.line(4, "headers:", &[]);
        if !edits.set.is_empty() {
            self.line(5, "set:", &[]);
        }
        for (name, value) in &edits.set {
            self.line(6, &format!("{}: {}", scalar(name), scalar(&value.value)), &value.lines);
        }
        if !edits.remove.is_empty() {
            self.line(5, "remove:", &[]);
        }
        for name in &edits.remove {
            self.line(6, &format!("- {}", scalar(&name.value)), &name.lines);
        }
    }
}

/// What a route and a rule's `match` have in common.
fn matched(matches: &Conjunction) -> Vec<String> {
    let texts = |pairs: &[(String, String)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}: {}", scalar(name), scalar(value))).collect();
        pairs.join(", ")
    };
    let mut fields = Vec::new();
    fields.extend(matches.path.iter().map(|path| format!("path: {}", scalar(path))));
    if let Some(methods) = &matches.methods {
        let methods: Vec<String> = methods.iter().map(|method| scalar(method)).collect();
        fields.push(format!("methods: [{}]", methods.join(", ")));
    }
    if !matches.query.is_empty() {
        fields.push(format!("query: {{{}}}", texts(&matches.query)));
    }
    if !matches.headers.is_empty() {
        fields.push(format!("headers: {{{}}}", texts(&matches.headers)));
    }
    fields
}

/// `200, 400-499`
fn ranges(statuses: &[u16]) -> Vec<String> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    let mut statuses = statuses.to_vec();
    statuses.sort_unstable();
    for status in statuses {
        match ranges.last_mut() {
            Some((_, last)) if status.checked_sub(1) == Some(*last) => *last = status,
            _ => ranges.push((status, status)),
        }
    }
    let written =
        |(first, last): (u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.into_iter().map(written).collect()
}

/// A port as a number, anything else as a text.
fn address(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.to_owned() } else { scalar(text) }
}

/// A text in YAML, quoted unless it can be nothing else.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_time = text.strip_suffix(['s', 'm', 'h']).is_some_and(|rest| {
        let digits = rest.trim_end_matches('m');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let lower = text.to_ascii_lowercase();
    let is_word =
        matches!(lower.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if (begins && text.chars().all(plain) && !is_word) || is_time {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
