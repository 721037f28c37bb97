//! Which format a config names, and options that are one of a few words.

use crate::config::{Format, FormatOptions};
use crate::problem::{Path, Problem};

/// A word and what it stands for.
pub(super) type Choice<T> = (&'static str, T);

/// What a word of the config stands for; the default where there is none or it is wrong.
pub(super) fn choose<T: Copy + Default>(
    written: Option<&str>,
    choices: &[Choice<T>],
    path: &Path,
    problems: &mut Vec<Problem>,
) -> T {
    let Some(word) = written else { return T::default() };
    if let Some((_, meaning)) = choices.iter().find(|(known, _)| *known == word) {
        return *meaning;
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let message = format!("unknown value `{}`", word.escape_debug());
    problems.push(Problem::new(path, message).hint(format!("expected {}", names.join(" or "))));
    T::default()
}

/// A format that a config may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Json,
    Ndjson,
    Xml,
    Csv,
    Tsv,
    Yaml,
    Text,
    Form,
    Prometheus,
}

impl Name {
    pub(super) const ALL: [Self; 9] = [
        Self::Json,
        Self::Ndjson,
        Self::Xml,
        Self::Csv,
        Self::Tsv,
        Self::Yaml,
        Self::Text,
        Self::Form,
        Self::Prometheus,
    ];

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Yaml => "yaml",
            Self::Text => "text",
            Self::Form => "form",
            Self::Prometheus => "prometheus",
        }
    }

    fn is_in(self, options: &FormatOptions) -> bool {
        match self {
            Self::Json => options.json.is_some(),
            Self::Ndjson => options.ndjson.is_some(),
            Self::Xml => options.xml.is_some(),
            Self::Csv => options.csv.is_some(),
            Self::Tsv => options.tsv.is_some(),
            Self::Yaml => options.yaml.is_some(),
            Self::Text => options.text.is_some(),
            Self::Form => options.form.is_some(),
            Self::Prometheus => options.prometheus.is_some(),
        }
    }
}

/// The format that a config names, and where its options are.
pub(super) fn named(written: &Format, path: &Path, problems: &mut Vec<Problem>) -> Option<(Name, Path)> {
    let names = || Name::ALL.map(Name::text).join(", ");
    match written {
        Format::Name(text) => {
            let found = Name::ALL.into_iter().find(|name| name.text() == text);
            if found.is_none() {
                let message = format!("unknown format `{}`", text.escape_debug());
                problems.push(Problem::new(path, message).hint(format!("expected one of {}", names())));
            }
            found.map(|name| (name, path.clone()))
        }
        Format::Options(options) => {
            let mut found = Name::ALL.into_iter().filter(|name| name.is_in(options));
            let (first, second) = (found.next(), found.next());
            if let (Some(name), None) = (first, second) {
                return Some((name, path.key(name.text())));
            }
            let what = if second.is_some() { "this names several formats" } else { "this names no format" };
            let hint = "write `csv`, or a map of one format to its options, `{csv: {header: false}}`";
            problems.push(Problem::new(path, what).hint(hint));
            None
        }
    }
}

/// Notes options that are there, but only mean something on the other side.
pub(super) fn refuse(side: &str, written: &[(&str, bool)], path: &Path, problems: &mut Vec<Problem>) {
    for (name, _) in written.iter().filter(|(_, is_there)| *is_there) {
        let message = format!("`{name}` is an option of `{side}`");
        problems.push(Problem::new(&path.key(name), message).at_key());
    }
}
