//! Whether a message is the expected one, and the lines in which it is not.

use std::fmt::Write as _;

use ambassador_core::exchange::whole::Message;
use ambassador_core::trial::message;
use similar::TextDiff;

/// The difference as a unified diff, `None` if there is none. What is expected may be a body alone.
pub(super) fn difference(expected: &[u8], is_body_alone: bool, found: &Message) -> Option<String> {
    let found_text = if is_body_alone { String::new() } else { normal_head(&message::head(found)) };
    let (expected_text, expected_body) = if is_body_alone {
        (String::new(), expected)
    } else {
        let (head, body) = split(expected);
        (normal_head(&String::from_utf8_lossy(head)), body)
    };
    let (expected_body, found_body) = (body_text(expected_body), body_text(&found.body));
    let (expected, found) = (expected_text + &expected_body, found_text + &found_body);
    if expected == found {
        return None;
    }
    let diff = TextDiff::from_lines(&expected, &found);
    Some(diff.unified_diff().context_radius(3).header("expected", "found").to_string())
}

/// Head and body, apart at the first empty line.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let at = |needle: &[u8]| {
        text.windows(needle.len()).position(|window| window == needle).map(|at| (at, needle.len()))
    };
    let end = [at(b"\n\n"), at(b"\n\r\n")].into_iter().flatten().min();
    end.map_or((text, &[]), |(at, length)| (&text[..=at], &text[at + length..]))
}

/// What two heads are compared by: version and reason of the first line do not count, nor does the case of names, nor
/// the order of headers of different names.
fn normal_head(head: &str) -> String {
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let first = match words.as_slice() {
        [version, status, ..] if version.starts_with("HTTP/") => format!("HTTP/1.1 {status}"),
        [method, path, ..] => format!("{method} {path}"),
        _ => first.to_owned(),
    };
    let mut headers: Vec<String> = lines
        .filter(|line| !line.trim().is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, value)) => format!("{}: {}", name.trim().to_ascii_lowercase(), value.trim()),
            None => line.trim().to_owned(),
        })
        .collect();
    headers.sort_by(|one, other| one.split(':').next().cmp(&other.split(':').next()));
    headers.insert(0, first);
    headers.join("\n") + "\n\n"
}

/// A body as it is compared and shown: JSON by lines, so that its layout does not count; other text as it is, but for
/// one line break at its end, which editors add; what is no text as its bytes.
fn body_text(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => {
            let text = text.strip_suffix('\n').unwrap_or(text);
            json_by_lines(text).unwrap_or_else(|| text.to_owned()) + "\n"
        }
        Err(_) => bytes_by_lines(body),
    }
}

/// JSON with each value on a line of its own, every number and text as it is written; `None` for what is no JSON.
fn json_by_lines(text: &str) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut lines = String::new();
    let mut depth = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    let mut characters = text.chars().filter(|c| !c.is_control() || *c == '\u{7f}').peekable();
    while let Some(c) = characters.next() {
        if in_text {
            lines.push(c);
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        let line = |lines: &mut String, depth: usize| {
            let _ = write!(lines, "\n{:1$}", "", depth * 2);
        };
        match c {
            ' ' => {}
            '"' => {
                lines.push(c);
                in_text = true;
            }
            '[' | '{' => {
                lines.push(c);
                while characters.next_if_eq(&' ').is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, ']' | '}')) {
                    lines.push(end);
                } else {
                    depth += 1;
                    line(&mut lines, depth);
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                line(&mut lines, depth);
                lines.push(c);
            }
            ',' => {
                lines.push(c);
                line(&mut lines, depth);
            }
            ':' => lines.push_str(": "),
            other => lines.push(other),
        }
    }
    Some(lines)
}

/// Sixteen bytes a line, in hexadecimal.
fn bytes_by_lines(body: &[u8]) -> String {
    let mut lines = String::new();
    for line in body.chunks(16) {
        for byte in line {
            let _ = write!(lines, "{byte:02x} ");
        }
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn found(body: &str) -> Message {
        let headers = [(":status", "200"), ("content-type", "application/json"), ("x-b", "2"), ("x-b", "1")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        Message { headers: headers.to_vec(), body: body.as_bytes().to_vec() }
    }

    #[track_caller]
    fn check(expected: &str, body: &str, difference_is: &Expect) {
        let alone = !message::has_head(expected.as_bytes());
        let shown = difference(expected.as_bytes(), alone, &found(body)).unwrap_or_else(|| "none".to_owned());
        // An empty line of a diff is a blank, which editors would take away from what is expected here.
        let lines: Vec<String> = shown.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        difference_is.assert_eq(&lines.concat());
    }

    const HEAD: &str = "HTTP/2 200 OK\r\nX-B: 2\r\nx-b:  1\r\nContent-Type: application/json\r\n\r\n";

    #[test]
    fn the_layout_of_heads_and_of_json_does_not_count() {
        check(
            &format!("{HEAD}{{\"a\": [1, {{}}, []],\n\t\"b\": \"x y\\\"[\"}}\n"),
            r#"{"a":[1,{},[]],"b":"x y\"["}"#,
            &expect![[r#"
                none
            "#]],
        );
        check(
            "{ \"a\" : 1.0 }",
            "{\"a\":1.0}\n",
            &expect![[r#"
            none
        "#]],
        );
        check(
            "text\n",
            "text",
            &expect![[r#"
            none
        "#]],
        );
    }

    #[test]
    fn all_else_counts() {
        check(
            &format!("{HEAD}{{\"a\":1.0,\"b\":\"x\"}}"),
            r#"{"b":"x","a":1.00}"#,
            &expect![[r#"
                --- expected
                +++ found
                @@ -4,6 +4,6 @@
                 x-b: 1
 
                 {
                -  "a": 1.0,
                -  "b": "x"
                +  "b": "x",
                +  "a": 1.00
                 }
            "#]],
        );
        check(
            "HTTP/1.1 201\nx-b: 1\nx-b: 2\ncontent-type: application/json\n\n1",
            "1",
            &expect![[r#"
                --- expected
                +++ found
                @@ -1,6 +1,6 @@
                -HTTP/1.1 201
                +HTTP/1.1 200
                 content-type: application/json
                +x-b: 2
                 x-b: 1
                -x-b: 2
 
                 1
            "#]],
        );
        check(
            "\"x  y\"",
            "\"x y\"",
            &expect![[r#"
            --- expected
            +++ found
            @@ -1 +1 @@
            -"x  y"
            +"x y"
        "#]],
        );
        check(
            "text\n\n",
            "text",
            &expect![[r#"
            --- expected
            +++ found
            @@ -1,2 +1 @@
             text
            -
        "#]],
        );
        check(
            "[1",
            "[1]",
            &expect![[r#"
            --- expected
            +++ found
            @@ -1 +1,3 @@
            -[1
            +[
            +  1
            +]
        "#]],
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let message = Message { headers: Vec::new(), body: b"\xffa\n".to_vec() };
        assert_eq!(difference(b"\xffa\n", true, &message), None);
        expect![[r#"
            --- expected
            +++ found
            @@ -1 +1 @@
            -ff 62 0a 
            +ff 61 0a 
        "#]]
        .assert_eq(&difference(b"\xffb\n", true, &message).unwrap());
    }
}
