//! Changes of a head.

use std::borrow::Cow;

/// A change of a header; changes are made in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets a header, in place of all of that name.
    Set(Cow<'static, str>, Vec<u8>),
    /// Adds a header beside those of that name.
    Add(Cow<'static, str>, Vec<u8>),
    /// Removes all headers of that name.
    Remove(Cow<'static, str>),
}

/// Makes the changes in a list of headers, as Envoy does.
pub(super) fn apply(headers: &mut Vec<(String, Vec<u8>)>, edits: &[Edit]) {
    for edit in edits {
        match edit {
            Edit::Set(name, value) => match headers.iter().position(|(found, _)| found == name) {
                Some(at) => {
                    let mut seen = 0_usize;
                    headers.retain(|(found, _)| {
                        let keep = found != name || seen == 0;
                        seen = seen.saturating_add(usize::from(found == name));
                        keep
                    });
                    if let Some((_, old)) = headers.get_mut(at) {
                        old.clone_from(value);
                    }
                }
                None => headers.push((name.to_string(), value.clone())),
            },
            Edit::Add(name, value) => headers.push((name.to_string(), value.clone())),
            Edit::Remove(name) => headers.retain(|(found, _)| found != name),
        }
    }
}
