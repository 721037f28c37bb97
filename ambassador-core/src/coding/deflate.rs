//! deflate: a zlib stream (RFC 1950), which is what the name means (RFC 9110, section 8.4.1.2), or the bare stream of
//! RFC 1951 within, which many servers send and every browser takes.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{Stop, room};

pub(super) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
    let result = if has_zlib_header(body) { whole(body, limit, Wrapper::Zlib) } else { Err(Stop::Corrupt) };
    match result {
        // One bare stream in a thousand begins like a zlib stream.
        Err(Stop::Corrupt) => whole(body, limit, Wrapper::None),
        result => result,
    }
}

/// Method 8 with a window of at most 32 KiB, and a check over both bytes (RFC 1950, section 2.2).
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            let check = u16::from_be_bytes([*method, *flags]);
            method & 0x0F == 8 && method >> 4 <= 7 && check.is_multiple_of(31)
        }
        _ => false,
    }
}

fn whole(body: &[u8], limit: usize, wrapper: Wrapper) -> Result<Vec<u8>, Stop> {
    let mut output = Vec::new();
    let rest = inflate(body, &mut output, limit, wrapper)?;
    if rest.is_empty() { Ok(output) } else { Err(Stop::Corrupt) }
}

/// What is around a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapper {
    None,
    /// A header and a checksum, which is compared.
    Zlib,
}

/// Appends what one stream holds to `output`, which is its window too, and gives what is behind its end.
pub(super) fn inflate<'a>(
    body: &'a [u8],
    output: &mut Vec<u8>,
    limit: usize,
    wrapper: Wrapper,
) -> Result<&'a [u8], Stop> {
    let mut flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    if wrapper == Wrapper::Zlib {
        flags |= TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32;
    }
    let mut state = Box::<DecompressorOxide>::default();
    let (mut rest, mut filled) = (body, output.len());
    loop {
        if filled == output.len() {
            room(output, limit);
        }
        let (status, read, written) = decompress(&mut state, rest, output, filled, flags);
        rest = rest.get(read..).ok_or(Stop::Corrupt)?;
        filled = filled.saturating_add(written);
        if filled > limit {
            return Err(Stop::TooLarge);
        }
        match status {
            TINFLStatus::Done => {
                output.truncate(filled);
                return Ok(rest);
            }
            TINFLStatus::HasMoreOutput if filled == output.len() => {}
            _ => return Err(Stop::Corrupt),
        }
    }
}
