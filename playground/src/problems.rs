//! Problems of a config as an editor wants them.

use ambassador_core::config::yaml::Located;
use serde_json::{Value, json};

/// Each with its line and column, from one, and with `from` and `to`, from zero, all in UTF-16 as JavaScript counts.
pub(crate) fn shown(text: &str, problems: &[Located]) -> Value {
    problems.iter().map(|located| shown_one(text, located)).collect()
}

fn shown_one(text: &str, located: &Located) -> Value {
    let utf16 = |until: usize| {
        let before = text.get(..until).unwrap_or(text);
        before.encode_utf16().count()
    };
    let before = text.get(..located.range.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let from = utf16(located.range.start);
    json!({
        "from": from,
        "to": utf16(located.range.end),
        "line": before.matches('\n').count() + 1,
        "column": from - utf16(line_start) + 1,
        "path": located.problem.path.to_string(),
        "message": located.problem.message,
        "hint": located.problem.hint,
    })
}
