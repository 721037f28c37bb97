//! Statuses of answers (RFC 9110, section 15): `200`, `2xx`, `400-499`, or several of those.

use std::ops::RangeInclusive;

use crate::config::OneOrMany;
use crate::problem::{Path, Problem};

/// The statuses a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl Statuses {
    pub(crate) fn new(written: &OneOrMany, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let mut ranges = Vec::new();
        for text in &written.0 {
            match range(&text.0) {
                Some(range) => ranges.push(range),
                None => problems.push(
                    Problem::new(path, format!("`{text}` is not a status"))
                        .hint("write 200, 2xx, 400-499, or a list of those; from 200 to 599"),
                ),
            }
        }
        Self(ranges)
    }

    /// The ranges that were written.
    pub fn ranges(&self) -> &[RangeInclusive<u16>] {
        &self.0
    }

    /// Whether an answer with this status is meant.
    pub fn matches(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let number =
        |text: &str| text.parse().ok().filter(|status| text.len() == 3 && (200..=599).contains(status));
    if let Some(class) = text.strip_suffix("xx") {
        let first = number(&format!("{class}00"))?;
        return Some(first..=first.saturating_add(99));
    }
    match text.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?).filter(|range| !range.is_empty()),
        None => number(text).map(|status| status..=status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_statuses() {
        for (text, expected) in [
            ("200", Some(200..=200)),
            ("2xx", Some(200..=299)),
            ("400-499", Some(400..=499)),
            ("1xx", None),
            ("600", None),
            ("20", None),
            ("499-400", None),
            ("x", None),
            ("+20", None),
            ("", None),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
    }
}
