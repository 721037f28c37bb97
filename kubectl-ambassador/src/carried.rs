//! What this program carries, as `build.rs` has put it there: one Brotli stream, of which each part is unpacked when it is
//! asked for.

use std::io::Read as _;

/// A part of it; empty if the program was built without.
#[derive(Debug)]
pub(crate) struct Carried {
    at: usize,
    length: usize,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/carried.rs"));

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/carried.br"));
/// How much is unpacked at a time.
const PIECE: usize = 1 << 16;

impl Carried {
    /// Whether the program was built with it.
    pub(crate) fn is_there(&self) -> bool {
        self.length > 0
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// What it is.
    pub(crate) fn unpacked(&self) -> Vec<u8> {
        let (at, length) = (self.at as u64, self.length as u64);
        let mut stream = brotli_decompressor::Decompressor::new(PACKED, PIECE);
        let mut part = Vec::with_capacity(self.length);
        let skipped = std::io::copy(&mut stream.by_ref().take(at), &mut std::io::sink());
        // What was packed when this program was built can be unpacked.
        let _ = skipped.and_then(|_| stream.take(length).read_to_end(&mut part));
        part
    }
}
