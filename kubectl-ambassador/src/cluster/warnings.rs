//! What the API server warns of, shown as kubectl shows it.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use http::Response;

use crate::output::say;

/// Each warning is told once, however many calls it comes with.
static TOLD: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// Tells the warnings of an answer.
pub(super) fn tell<B>(response: Response<B>) -> Response<B> {
    for header in response.headers().get_all(http::header::WARNING) {
        let warning = header.to_str().ok().and_then(text);
        let is_new = |warning: &String| TOLD.lock().is_ok_and(|mut told| told.insert(warning.clone()));
        if let Some(warning) = warning.filter(is_new) {
            say(&format!("Warning: {warning}"));
        }
    }
    response
}

/// The text of a warning with code 299, which is the one that is meant for people: `299 - "text"` (RFC 7234, 5.5).
fn text(header: &str) -> Option<String> {
    let rest = header.strip_prefix("299 ")?;
    let quoted = rest.split_once(" \"")?.1;
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some(text),
            '\\' => text.extend(characters.next()),
            // A terminal takes control characters for orders.
            character if character.is_control() => text.extend(character.escape_default()),
            character => text.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn reads_warnings_that_are_for_people() {
        let check = |header: &str, expected: Option<&str>| assert_eq!(text(header).as_deref(), expected);
        check(r#"299 - "v1 Endpoints is deprecated""#, Some("v1 Endpoints is deprecated"));
        check(r#"299 - "a \"word\", and \\" "Wed""#, Some(r#"a "word", and \"#));
        check("299 - \"red \u{1b}[31m\"", Some("red \\u{1b}[31m"));
        check(r#"199 - "for machines""#, None);
        check(r#"299 - "never closed"#, None);
        check("299", None);
    }
}
