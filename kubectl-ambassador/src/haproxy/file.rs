//! The sections of a file, and the `defaults` that each of them has.

use super::words::{Word, words};
use super::{Environment, Refusal};

/// A line with a directive on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    pub(super) words: Vec<Word>,
}

impl Line {
    /// The text of a word; empty if there are not so many.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map(|word| word.text.as_str()).unwrap_or_default()
    }

    /// The texts of all words from this one on.
    pub(super) fn from(&self, index: usize) -> Vec<&str> {
        self.words.iter().skip(index).map(|word| word.text.as_str()).collect()
    }

    /// For comments and messages: one line, not too long.
    pub(super) fn shown(&self) -> String {
        let text = self.from(0).join(" ");
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match text.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
            None => text,
        }
    }

    /// A variable in it whose value is not known.
    pub(super) fn unknown(&self) -> Option<&str> {
        self.words.iter().find_map(|word| word.unknown.as_deref())
    }

    /// Refuses it at one of its words.
    pub(super) fn refuse(&self, index: usize, message: impl Into<String>) -> Refusal {
        let last = self.words.last();
        let behind = last.map_or(1, |word| word.column + word.text.chars().count());
        let column = self.words.get(index).map_or(behind, |word| word.column);
        Refusal { line: self.number, column, message: message.into() }
    }
}

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Global,
    Defaults,
    Frontend,
    Backend,
    Listen,
    /// One that has nothing to do with a proxy's traffic as such.
    Other,
}

/// A section.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The line that begins it.
    pub(super) head: Line,
    pub(super) lines: Vec<Line>,
    /// Where its `defaults` are among the sections.
    pub(super) defaults: Option<usize>,
}

/// A file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) sections: Vec<Section>,
}

impl File {
    /// All lines with directives.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.sections.iter().flat_map(|section| std::iter::once(&section.head).chain(&section.lines))
    }

    /// The line of this number.
    pub(super) fn line(&self, number: usize) -> Option<&Line> {
        self.lines().find(|line| line.number == number)
    }
}

/// Sections that are known to be none of a proxy's.
const OTHERS: [&str; 13] = [
    "cache",
    "crt-list",
    "crt-store",
    "fcgi-app",
    "http-errors",
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "userlist",
];

/// Reads a file, or says all that HAProxy would refuse about its form.
pub(super) fn read(text: &str, environment: &Environment) -> Result<File, Vec<Refusal>> {
    let mut reader = Reader { sections: Vec::new(), refusals: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        match words(line, index + 1, environment) {
            Ok(words) if words.is_empty() => {}
            Ok(words) => reader.line(Line { number: index + 1, words }),
            Err(refusal) => reader.refusals.push(refusal),
        }
    }
    if reader.refusals.is_empty() { Ok(File { sections: reader.sections }) } else { Err(reader.refusals) }
}

struct Reader {
    sections: Vec<Section>,
    refusals: Vec<Refusal>,
}

impl Reader {
    fn line(&mut self, line: Line) {
        let keyword = line.word(0);
        if keyword.starts_with('.') {
            let message = format!("`{keyword}` is not read: conditional blocks depend on where HAProxy runs");
            self.refusals.push(line.refuse(0, message));
            return;
        }
        let kind = match keyword {
            "global" => Kind::Global,
            "defaults" => Kind::Defaults,
            "frontend" => Kind::Frontend,
            "backend" => Kind::Backend,
            "listen" => Kind::Listen,
            other if OTHERS.contains(&other) && self.begins_section(&line) => Kind::Other,
            _ => {
                if let Some(section) = self.sections.last_mut() {
                    return section.lines.push(line);
                }
                let message = format!("unknown keyword '{keyword}' out of section");
                return self.refusals.push(line.refuse(0, message));
            }
        };
        self.begin(kind, line);
    }

    /// `mailers` and `peers` are directives of proxies or of others too, where they do not begin a line of their own kind.
    fn begins_section(&self, line: &Line) -> bool {
        let in_section = self.sections.last().map(|section| section.kind);
        line.words.len() <= 2 || !matches!(in_section, Some(Kind::Other))
    }

    fn begin(&mut self, kind: Kind, line: Line) {
        let name = line.word(1).to_owned();
        let is_proxy = matches!(kind, Kind::Frontend | Kind::Backend | Kind::Listen);
        if is_proxy && name.is_empty() {
            let message = format!("'{}' expects an <id> argument", line.word(0));
            self.refusals.push(line.refuse(1, message));
        }
        if is_proxy {
            let same = |other: &&Section| other.name == name && clash(other.kind, kind);
            if let Some(other) = self.sections.iter().find(same) {
                let message =
                    format!("proxy '{name}' has the same name as the one of line {}", other.head.number);
                self.refusals.push(line.refuse(1, message));
            }
        }
        let defaults = self.defaults(kind, &name, &line);
        self.sections.push(Section { kind, name, head: line, lines: Vec::new(), defaults });
    }

    /// The latest before it, or the one that it names by `from`.
    fn defaults(&mut self, kind: Kind, name: &str, line: &Line) -> Option<usize> {
        if matches!(kind, Kind::Global | Kind::Other) {
            return None;
        }
        let at = if kind == Kind::Defaults && name == "from" { 1 } else { 2 };
        let mut found = self.sections.iter().enumerate().rev();
        let mut found = found.by_ref().filter(|(_, section)| section.kind == Kind::Defaults);
        if line.word(at) == "from" {
            let wanted = line.word(at + 1);
            let found = found.find(|(_, section)| section.name == wanted).map(|(index, _)| index);
            if found.is_none() {
                let message = format!("defaults section '{wanted}' not found");
                self.refusals.push(line.refuse(at + 1, message));
            }
            return found;
        }
        // One without `from` begins anew.
        found.next().map(|(index, _)| index).filter(|_| kind != Kind::Defaults)
    }
}

/// A frontend and a backend can share a name; two that take connections, or that have servers, cannot.
fn clash(one: Kind, other: Kind) -> bool {
    let front = |kind| matches!(kind, Kind::Frontend | Kind::Listen);
    let back = |kind| matches!(kind, Kind::Backend | Kind::Listen);
    front(one) && front(other) || back(one) && back(other)
}
