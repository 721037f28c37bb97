//! The head of a message as Envoy shows it: names in lower case, `:method` and its like among them, values that
//! may be any bytes.

use super::Edit;

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

    /// Whether a coding other than `identity` is applied to the body.
    pub fn is_encoded(self) -> bool {
        let codings = self.all("content-encoding").flat_map(|value| value.split(|&byte| byte == b','));
        codings
            .map(<[u8]>::trim_ascii)
            .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
    }

    /// The removal of those of `names` that are there.
    pub fn removals(self, names: &[&'static str]) -> Vec<Edit> {
        names.iter().filter(|name| self.get(name).is_some()).map(|&name| Edit::Remove(name.into())).collect()
    }

    fn number(self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.get(name)?).ok()?.parse().ok()
    }
}
