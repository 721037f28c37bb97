//! XML 1.0 (fifth edition), read by quick-xml.
//!
//! Nothing outside of the body is ever fetched, and nothing in it can grow: a DOCTYPE without declarations of its own is
//! passed over, one with them is refused, and only the five entities that XML itself defines are known.

mod read;
mod tree;
mod write;

pub(super) use read::Reader;
pub(super) use write::Writer;

use crate::config;
use crate::problem::{Path, Problem};

/// How attributes and text appear among keys; the same in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Keys {
    attribute_prefix: String,
    text_key: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self { attribute_prefix: "@".to_owned(), text_key: "#text".to_owned() }
    }
}

impl Keys {
    fn new(written: &config::Xml, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let default = Self::default();
        let attribute_prefix = written.attribute_prefix.clone().unwrap_or(default.attribute_prefix);
        let text_key = written.text_key.clone().unwrap_or(default.text_key);
        if text_key.is_empty() {
            problems
                .push(Problem::new(&path.key("textKey"), "this key is empty").hint("the default is #text"));
        }
        if !attribute_prefix.is_empty() && text_key.starts_with(&attribute_prefix) {
            let problem = Problem::new(&path.key("textKey"), "this key reads as an attribute");
            problems.push(problem.hint("it must not begin with attributePrefix"));
        }
        Self { attribute_prefix, text_key }
    }
}

/// Whether a text is a name of an element or an attribute (section 2.3).
fn is_name(text: &str) -> bool {
    let start = |c: char| {
        matches!(c, ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
            | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
            | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
    };
    let within = |c: char| {
        start(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    let mut chars = text.chars();
    chars.next().is_some_and(start) && chars.all(within)
}

/// Whether a character may be in a document at all (section 2.2).
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
