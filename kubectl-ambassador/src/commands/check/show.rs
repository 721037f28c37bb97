//! Findings for people, the worst first, and for programs.

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::findings::{Finding, Severity};
use crate::output::{self, Format};

/// Prints what was found.
pub(super) fn all(objects: &[String], findings: &[Finding], format: Option<Format>) -> Result<()> {
    let list = || Value::Array(findings.iter().map(Finding::to_json).collect());
    output::print(&match format {
        None => text(objects, findings),
        Some(Format::Name) => {
            let names: Vec<String> =
                findings.iter().map(|finding| format!("{} {}\n", finding.code, finding.object)).collect();
            names.concat()
        }
        Some(Format::Json) => format!("{:#}\n", list()),
        Some(Format::Yaml) => serde_saphyr::to_string(&list())
            .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))?,
    })
}

fn text(objects: &[String], findings: &[Finding]) -> String {
    if findings.is_empty() {
        return format!("{}: nothing found\n", objects.join(", "));
    }
    let groups = [(Severity::Error, "Errors"), (Severity::Warning, "Warnings"), (Severity::Info, "Info")];
    let mut shown = String::new();
    for (severity, title) in groups {
        let group: Vec<String> =
            findings.iter().filter(|finding| finding.severity == severity).map(line).collect();
        if !group.is_empty() {
            let gap = if shown.is_empty() { "" } else { "\n" };
            shown = format!("{shown}{gap}{title}\n{}", group.concat());
        }
    }
    shown
}

fn line(finding: &Finding) -> String {
    let Finding { code, object, message, hint, place, .. } = finding;
    let place = place.as_ref().map_or(String::new(), |place| format!("{place}: "));
    // Most messages name the object themselves.
    let about = if message.contains(object.as_str()) { String::new() } else { format!("{object}: ") };
    let hint = hint.as_ref().map(|hint| format!("          hint: {hint}\n"));
    format!("  {code}  {place}{about}{message}\n{}", hint.unwrap_or_default())
}
