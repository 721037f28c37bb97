//! Brotli (RFC 7932), by the brotli-decompressor crate. Its window is at most 16 MiB, and is allocated as it fills; the
//! larger windows of other uses of Brotli are not part of the content coding and are refused.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Stop, collect};

pub(super) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
    let allocator = StandardAlloc::default;
    let mut state = BrotliState::new_strict(allocator(), allocator(), allocator());
    let (mut left, mut at, mut total) = (body.len(), 0, 0);
    let mut ended = false;
    collect(limit, |room| {
        if ended {
            return Ok(0);
        }
        let (mut free, mut written) = (room.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut at,
            body,
            &mut free,
            &mut written,
            room,
            &mut total,
            &mut state,
        );
        match result {
            BrotliResult::ResultSuccess if left == 0 => ended = true,
            BrotliResult::NeedsMoreOutput if written > 0 => {}
            _ => return Err(Stop::Corrupt),
        }
        Ok(written)
    })
}
