//! The head of a message as Envoy shows it: names in lower case, `:method` and its like among them, values that
//! may be any bytes.

use super::Edit;
use crate::coding::{self, Codings};
use crate::rules::Wrapping;

/// Headers in order, duplicates kept.
pub type HeaderList = [(String, Vec<u8>)];

/// The head of a request or of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a>(pub &'a HeaderList);

impl<'a> Head<'a> {
    /// The first value of the header `name`, which is in lower case.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    /// All values of the header `name`.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    /// The status of an answer, 0 if it has none.
    pub fn status(self) -> u16 {
        self.number(":status").and_then(|status| u16::try_from(status).ok()).unwrap_or(0)
    }

    /// Content-Length, if there is a valid one.
    pub fn content_length(self) -> Option<u64> {
        self.number("content-length")
    }

    /// The removal of those of `names` that are there.
    pub fn removals(self, names: &[&'static str]) -> Vec<Edit> {
        names.iter().filter(|name| self.get(name).is_some()).map(|&name| Edit::Remove(name.into())).collect()
    }

    /// The codings of the body; `None` if one is unknown.
    pub fn codings(self) -> Option<Codings> {
        coding::stack(self.all("content-encoding"))
    }

    /// What the body is in; `None` if it has a coding that is unknown.
    pub fn wrapping(self) -> Option<Wrapping> {
        let content_type = self.get("content-type").map(<[u8]>::to_vec);
        Some(Wrapping { codings: self.codings()?, content_type })
    }

    /// Whether one of the members of a list-valued header is this word, whatever its case.
    pub fn lists(self, name: &str, word: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|member| member.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }

    fn number(self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.get(name)?).ok()?.parse().ok()
    }
}
