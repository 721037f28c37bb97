//! The rules of a config, checked and compiled.

mod explain;
mod headers;
mod request;
mod reshaper;
mod response;

pub use explain::Verdict;
pub use headers::{HeaderEdits, is_untouchable};
#[cfg(feature = "yaml")]
pub(crate) use request::check_host;
pub use request::{Host, NewPath, RequestPart};
#[cfg(all(feature = "formats", feature = "codings", feature = "library"))]
pub(crate) use reshaper::VARIABLES;
pub(crate) use reshaper::lines;
pub use reshaper::{Known, Reshaped, Reshaper, Wrapping};
pub use response::{ResponsePart, Taken};

use std::hash::{Hash as _, Hasher};

use crate::config;
use crate::exchange::Head;
use crate::matcher::{Matcher, Mismatch};
use crate::ports::{Port, PortMap};
use crate::problem::{Path, Problem};
use reshaper::Written;

/// More rules than this are a mistake; each is looked at for each request.
const MOST_RULES: usize = 1_000;

/// What happens when a body cannot be reshaped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// An answer of our own: a problem document.
    #[default]
    Error,
    /// The untouched original.
    Pass,
}

impl OnError {
    fn new(written: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> Self {
        match written {
            None | Some("error") => Self::Error,
            Some("pass") => Self::Pass,
            Some(other) => {
                let message = format!("unknown policy `{}`", other.escape_debug());
                problems.push(Problem::new(path, message).hint("expected error or pass"));
                Self::Error
            }
        }
    }
}

/// One rule, compiled.
#[derive(Debug)]
pub struct Rule {
    /// Its name; unique.
    pub name: String,
    /// Which exchanges it is for.
    pub matcher: Matcher,
    /// What it does to requests.
    pub request: Option<RequestPart>,
    /// What it does to answers.
    pub response: Option<ResponsePart>,
    /// A text that is another one whenever answers may come out otherwise: 16 hexadecimal digits.
    pub hash: String,
}

impl Rule {
    fn new(
        written: &config::Rule,
        ports: &PortMap,
        targets: &[config::Target],
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let request = written.request.as_ref();
        let response = written.response.as_ref();
        Self {
            name: written.name.clone(),
            matcher: Matcher::new(&written.matches, ports, targets, &path.key("match"), problems),
            request: request.map(|part| RequestPart::new(part, &path.key("request"), problems)),
            response: response.map(|part| ResponsePart::new(part, &path.key("response"), problems)),
            hash: hash(written),
        }
    }

    /// Whether the rule, where it matches a request, says what becomes of it. One that says nothing at all does: it
    /// keeps others from it.
    pub fn decides_requests(&self) -> bool {
        self.request.is_some() || self.response.is_none()
    }

    /// Whether the rule, where it matches an answer, says what becomes of it.
    pub fn decides_answers(&self) -> bool {
        self.response.is_some() || self.request.is_none()
    }

    /// Whether the rule is for this answer, given that it matches the request.
    pub fn matches_answer(&self, head: Head<'_>) -> Result<(), Mismatch<'_>> {
        self.matcher
            .answer(head, |content_type| self.response.as_ref().is_none_or(|part| part.reads(content_type)))
    }

    /// What it makes of bodies of answers.
    pub fn reshaper(&self) -> Option<&Reshaper> {
        self.response.as_ref()?.body.as_ref()
    }
}

/// A hash over all that decides what an answer becomes, and over the version of the code that does it.
fn hash(written: &config::Rule) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    (&written.request, &written.response, env!("CARGO_PKG_VERSION")).hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// FNV-1a. It gives the same in wasm32 and natively, so that the CLI knows the tags that the filter makes.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_i64(number as i64);
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_i64(&mut self, number: i64) {
        self.write(&number.to_le_bytes());
    }
}

/// All rules, in order: the first that matches is used.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    pub(crate) fn new(
        spec: &config::Spec,
        ports: &PortMap,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let written = &spec.rules;
        if written.len() > MOST_RULES {
            problems.push(Problem::new(path, format!("more than {MOST_RULES} rules")));
            return Self::default();
        }
        if !written.is_empty() && ports.iter().next().is_some() && ports.iter().all(Port::is_tcp) {
            problems.push(Problem::new(path, "all ports are tcp ports, and rules are for http"));
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
            rules.push(Rule::new(rule, ports, &spec.targets, &path, problems));
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

fn check_name(name: &str, path: &Path, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        let message = format!("`{}` is not a name", name.escape_debug());
        problems.push(
            Problem::new(path, message).hint("use letters, digits, `-`, `_` and `.`, at most 63 of them"),
        );
    }
}
