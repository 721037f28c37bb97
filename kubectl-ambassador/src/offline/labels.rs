//! Label selectors, as kubectl's `-l` takes them, for objects in a text.

use super::tree::Node;
use crate::failure::{Failure, Result};

/// All of these must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels(Vec<(String, Test)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    There,
    Absent,
}

impl Labels {
    /// `app=web,tier!=x,key,!key,env in (a, b),env notin (c)`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        parts(text).map(requirement).collect::<Option<Vec<_>>>().map(Self).ok_or_else(|| {
            Failure::usage(format!("`{}` selects no labels", text.escape_debug()))
                .hint("write app=web, tier!=test, key, !key, or env in (a, b), with commas between")
        })
    }

    /// Whether an object has such labels.
    pub(super) fn match_object(&self, object: &Node<'_>) -> bool {
        let labels = object.at("/metadata/labels");
        self.0.iter().all(|(key, test)| {
            let value = labels.and_then(|labels| labels.field(key)).and_then(Node::text);
            match test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|wanted| wanted != value)),
                Test::There => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }
}

/// At commas outside of parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
}

fn requirement(part: &str) -> Option<(String, Test)> {
    let part = part.trim();
    for (word, is_in) in [(" notin ", false), (" in ", true)] {
        if let Some((key, values)) = part.split_once(word) {
            let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
            let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
            return Some((key_of(key)?, if is_in { Test::In(values) } else { Test::NotIn(values) }));
        }
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Some((key_of(key)?, Test::NotIn(vec![value.trim().to_owned()])));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some((key_of(key)?, Test::In(vec![value.trim().to_owned()])));
    }
    match part.strip_prefix('!') {
        Some(key) => Some((key_of(key)?, Test::Absent)),
        None => Some((key_of(part)?, Test::There)),
    }
}

fn key_of(text: &str) -> Option<String> {
    let key = text.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    (!key.is_empty() && key.bytes().all(fits)).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Document;
    use super::*;

    #[test]
    fn selects_as_kubectl_does() {
        let documents = Document::all("metadata: {labels: {app: web, env: test}}").unwrap();
        for (selector, matches) in [
            ("app=web", true),
            ("app==web,env=test", true),
            ("app=web,env!=test", false),
            ("tier!=x", true),
            ("app", true),
            ("!app", false),
            ("!tier", true),
            ("env in (live, test),app", true),
            ("env notin (live, test)", false),
            ("tier notin (x)", true),
            ("tier in (x)", false),
        ] {
            let labels = Labels::parse(selector).unwrap();
            assert_eq!(labels.match_object(&documents[0].root), matches, "{selector}");
        }
        for selector in ["", "a=b,", "a b", "a in b", "=x"] {
            assert!(Labels::parse(selector).is_err(), "{selector}");
        }
    }
}
