//! Strict JSON: the check that a body passes before the engine sees it.

use crate::{Resource, RunError};

/// Accepts exactly the texts of RFC 8259 in UTF-8 that nest at most `depth` levels deep.
pub(crate) fn check(text: &[u8], depth: usize) -> Result<(), RunError> {
    if deepest(text) > depth {
        return Err(RunError::Exhausted { which: Resource::Depth, limit: depth });
    }
    let text = std::str::from_utf8(text).map_err(|error| RunError::Input { offset: error.valid_up_to() })?;
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(RunError::Input { offset: offset_of(text, error.line(), error.column()) }),
    }
}

/// How deep brackets nest, counted outside strings only.
fn deepest(text: &[u8]) -> usize {
    let (mut level, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `serde_json` counts lines and columns from one; a column of zero means the end of the line before.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}
