//! Strict JSON (RFC 8259): read into an index, written from values.

pub(crate) mod index;
pub(crate) mod number;
pub(crate) mod string;

pub(crate) use index::Document;
