//! Strict JSON (RFC 8259): read into an index, written from values.

#[cfg_attr(not(test), expect(dead_code, reason = "the machine of the own engine comes next"))]
mod index;
#[cfg_attr(not(test), expect(dead_code, reason = "the machine of the own engine comes next"))]
pub(crate) mod number;
#[cfg_attr(not(test), expect(dead_code, reason = "the machine of the own engine comes next"))]
pub(crate) mod string;

pub(crate) use index::Document;
