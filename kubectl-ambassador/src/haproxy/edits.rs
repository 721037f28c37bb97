//! What a rule does to headers, path, method and status.

use ambassador_core::rules::is_untouchable;

use super::Refusal;
use super::file::Line;
use super::model::From;
use super::notes::Notes;

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

impl Side {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Set(String, String),
    Remove(String),
    Host(String),
    Path(String),
    Method(String),
    Status(u16),
}

/// All that is done, each with the line that says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) set: Vec<(String, From<String>)>,
    pub(super) remove: Vec<From<String>>,
    /// Fields of the part: names and values.
    pub(super) fields: Vec<(&'static str, From<String>)>,
}

impl Edits {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The latest word counts.
    pub(super) fn apply(&mut self, action: &Action, line: usize) {
        match action {
            Action::Set(name, value) => {
                self.remove.retain(|removed| removed.value != *name);
                self.set.retain(|(known, _)| known != name);
                self.set.push((name.clone(), From::new(value.clone(), vec![line])));
            }
            Action::Remove(name) => {
                self.remove.retain(|removed| removed.value != *name);
                self.set.retain(|(known, _)| known != name);
                self.remove.push(From::new(name.clone(), vec![line]));
            }
            Action::Host(value) => self.field("host", value.clone(), line),
            Action::Path(value) => self.field("path", value.clone(), line),
            Action::Method(value) => self.field("method", value.clone(), line),
            Action::Status(status) => self.field("status", status.to_string(), line),
        }
    }

    fn field(&mut self, name: &'static str, value: String, line: usize) {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, From::new(value, vec![line])));
    }
}

/// What is said of what is changed before others look at it.
const CLIENTS: &str = "conditions behind it look at the request as the client sent it";

/// What is not carried over, and what is then.
const LOST: [(&str, &str); 12] = [
    ("deny", "requests that it would refuse reach the program"),
    ("block", "requests that it would refuse reach the program"),
    ("reject", "requests that it would refuse reach the program"),
    ("silent-drop", "requests that it would refuse reach the program"),
    ("tarpit", "requests that it would refuse reach the program"),
    ("auth", "nobody is asked for a password: what it protects is open"),
    ("redirect", "nobody is sent elsewhere: these requests reach the program"),
    ("return", "the program is asked in its place"),
    ("replace-", "expressions are not carried over"),
    ("set-uri", "a rule sets the path alone, by `request.path`"),
    ("set-query", "a rule sets path and query together, by `request.path`"),
    ("set-pathq", "a rule sets path and query together, by `request.path`"),
];

/// Reads what is done, and at which word its condition begins; `None` where it is not carried over, which is noted.
pub(super) fn action(line: &Line, notes: &mut Notes) -> Result<Option<(Side, Action, usize)>, Refusal> {
    let (side, name, at) = match line.word(0) {
        "http-request" => (Side::Request, line.word(1), 2),
        "http-response" => (Side::Response, line.word(1), 2),
        "reqadd" | "rspadd" => {
            let side = if line.word(0) == "reqadd" { Side::Request } else { Side::Response };
            let Some((name, value)) = line.word(1).split_once(':') else {
                return Err(line.refuse(1, "a header is expected, such as X-Name:\\ value"));
            };
            return Ok(added(line, side, (name, value.trim()), notes).map(|action| (side, action, 2)));
        }
        // `redirect` and `block` stand alone.
        other => (Side::Request, other, 1),
    };
    let arguments = |count: usize| {
        let expected = || {
            line.refuse(
                at + count,
                format!(
                    "'{} {name}' expects {count} argument{}",
                    line.word(0),
                    if count == 1 { "" } else { "s" }
                ),
            )
        };
        if line.words.len() < at + count { Err(expected()) } else { Ok(()) }
    };
    let action = match name {
        "set-header" | "add-header" => {
            arguments(2)?;
            let pair = (line.word(at), line.word(at + 1));
            let action = if name == "add-header" {
                added(line, side, pair, notes)
            } else {
                header(line, side, pair, notes)
            };
            return Ok(action.map(|action| (side, action, at + 2)));
        }
        "del-header" => {
            arguments(1)?;
            if line.word(at + 1) == "-m" {
                notes.lost(line, "names of headers are not compared by patterns, so none is removed");
                return Ok(None);
            }
            touchable(line, line.word(at), notes).map(Action::Remove)
        }
        "set-path" => {
            arguments(1)?;
            notes.different(line, CLIENTS);
            plain(line, line.word(at), notes).map(Action::Path)
        }
        "set-method" => {
            arguments(1)?;
            notes.different(line, CLIENTS);
            plain(line, line.word(at), notes).map(Action::Method)
        }
        "set-status" if side == Side::Response => {
            arguments(1)?;
            let status = line.word(at).parse().ok().filter(|status| (200..=599).contains(status));
            let Some(status) = status else {
                notes.lost(line, "a status is from 200 to 599");
                return Ok(None);
            };
            let at = if line.word(at + 1) == "reason" { at + 3 } else { at + 1 };
            return Ok(Some((side, Action::Status(status), at)));
        }
        "" => return Err(line.refuse(at, format!("'{}' expects an action", line.word(0)))),
        "allow" => {
            notes.lost(line, "what stands behind it is done all the same");
            None
        }
        other => {
            let lost = LOST.iter().find(|(beginning, _)| other.starts_with(beginning));
            notes.lost(line, lost.map_or("it is not done", |(_, message)| message));
            None
        }
    };
    Ok(action.map(|action| (side, action, at + 1)))
}

fn added(line: &Line, side: Side, pair: (&str, &str), notes: &mut Notes) -> Option<Action> {
    let action = header(line, side, pair, notes)?;
    notes.different(line, "it takes the place of a header of that name, if there is one");
    Some(action)
}

fn header(line: &Line, side: Side, (name, value): (&str, &str), notes: &mut Notes) -> Option<Action> {
    let value = plain(line, value, notes)?;
    if name.eq_ignore_ascii_case("host") && side == Side::Request {
        notes.different(line, "the client's Host is in X-Forwarded-Host then");
        return Some(Action::Host(value));
    }
    touchable(line, name, notes).map(|name| Action::Set(name, value))
}

fn touchable(line: &Line, name: &str, notes: &mut Notes) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if is_untouchable(&lower) {
        notes.lost(line, "a rule cannot touch this header, so it is not done");
        return None;
    }
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if lower.is_empty() || !lower.bytes().all(token) {
        notes.lost(line, "this is no name of a header, so it is not done");
        return None;
    }
    Some(lower)
}

/// A text that is the same for all exchanges: `%%` in it is a percent sign, any other is made of the exchange.
fn plain(line: &Line, text: &str, notes: &mut Notes) -> Option<String> {
    let plain = text.replace("%%", "\0");
    if plain.contains('%') {
        notes.lost(line, "its value is made of the exchange, so it is not done");
        return None;
    }
    let plain = plain.replace('\0', "%");
    if plain.chars().any(|c| c.is_control() && c != '\t') {
        notes.lost(line, "its value has control characters, so it is not done");
        return None;
    }
    Some(plain)
}
