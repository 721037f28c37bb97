//! Strict JSON (RFC 8259): read into an index, written from values.

pub mod index;
pub mod number;
pub mod string;

pub use index::Document;
