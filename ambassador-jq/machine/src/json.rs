//! Strict JSON (RFC 8259): read into an index, written from values.

pub mod index;
pub mod number;
pub mod string;
pub mod view;

pub use index::{Document, Strings};

/// Appends a short text. A copy whose length is not known to the compiler is a call out of the module in V8, which costs
/// more than it takes to copy a name or a number by words.
#[inline]
pub fn append(output: &mut Vec<u8>, text: &[u8]) {
    if text.len() > 64 {
        output.extend_from_slice(text);
        return;
    }
    output.reserve(text.len());
    let (words, mut rest) = text.as_chunks::<8>();
    for word in words {
        output.extend_from_slice(word);
    }
    if let Some((word, behind)) = rest.split_first_chunk::<4>() {
        output.extend_from_slice(word);
        rest = behind;
    }
    if let Some((word, behind)) = rest.split_first_chunk::<2>() {
        output.extend_from_slice(word);
        rest = behind;
    }
    if let Some(byte) = rest.first() {
        output.push(*byte);
    }
}
