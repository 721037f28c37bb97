//! Texts with `*` for any characters, as the values of parameters and headers are matched.

use crate::config::Texts;
use crate::problem::{Path, Problem};

/// A text in which each `*` stands for any characters, none included. Case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPattern(Vec<Box<[u8]>>);

impl TextPattern {
    fn new(written: &str) -> Self {
        Self(written.split('*').map(|part| part.as_bytes().into()).collect())
    }

    /// Whether `text` is meant. Takes time in proportion to the product of both lengths at most.
    pub fn matches(&self, text: &[u8]) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return text.is_empty() };
        let Some(mut text) = text.strip_prefix(&**first) else { return false };
        let Some((last, middle)) = rest.split_last() else { return text.is_empty() };
        for part in middle.iter().filter(|part| !part.is_empty()) {
            let found = text.windows(part.len()).position(|window| window == &**part);
            let Some(after) = found.and_then(|at| text.get(at.saturating_add(part.len())..)) else {
                return false;
            };
            text = after;
        }
        text.ends_with(last)
    }
}

/// A name, and what its value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name of the parameter or header.
    pub name: String,
    /// What one of its values must match.
    pub value: TextPattern,
    /// Whether none of its values may match instead.
    pub negated: bool,
}

impl Wanted {
    /// Reads a map of names to values: texts, numbers and booleans as they are written; `!` before a text negates it.
    pub(super) fn all(
        written: &Texts,
        path: &Path,
        problems: &mut Vec<Problem>,
        checked: impl Fn(&str) -> Result<String, &'static str>,
    ) -> Vec<Self> {
        let mut all = Vec::with_capacity(written.0.len());
        for (name, value) in &written.0 {
            let path = path.key(name);
            let Some(text) = value else {
                let problem = Problem::new(&path, "a value is a text");
                problems.push(problem.hint("write \"*\" for any, \"!*\" for none"));
                continue;
            };
            let (negated, text) = match text.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, text.as_str()),
            };
            let value = TextPattern::new(text);
            match checked(name) {
                Ok(name) => all.push(Self { name, value, negated }),
                Err(message) => problems.push(Problem::new(&path, message).at_key()),
            }
        }
        all
    }

    /// Whether these values, of that name, are what is wanted.
    pub fn holds<'a>(&self, mut values: impl Iterator<Item = &'a [u8]>) -> bool {
        values.any(|value| self.value.matches(value)) != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, yes, no) in [
            ("a", vec!["a"], vec!["", "ab", "A"]),
            ("*", vec!["", "a"], vec![]),
            ("a*", vec!["a", "ab"], vec!["ba"]),
            ("*b", vec!["b", "ab", "bb"], vec!["ba"]),
            ("*json*", vec!["json", "a, application/json;q=1"], vec!["jso"]),
            ("a*b*c", vec!["abc", "a1b2c", "abbcc"], vec!["ac", "acb", "ab"]),
            ("ab*ba", vec!["abba", "abxba"], vec!["aba"]),
            ("", vec![""], vec!["a"]),
        ] {
            let compiled = TextPattern::new(pattern);
            for text in yes {
                assert!(compiled.matches(text.as_bytes()), "{pattern} should match {text}");
            }
            for text in no {
                assert!(!compiled.matches(text.as_bytes()), "{pattern} should not match {text}");
            }
        }
    }
}
