//! deflate: a zlib stream (RFC 1950), which is what the name means (RFC 9110, section 8.4.1.2), or the bare stream of
//! RFC 1951 within, which many servers send and every browser takes.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Stop, collect};

pub(super) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
    if !has_zlib_header(body) {
        return inflate(body, limit, false);
    }
    match inflate(body, limit, true) {
        // One bare stream in a thousand begins like a zlib stream.
        Err(Stop::Corrupt) => inflate(body, limit, false),
        result => result,
    }
}

/// Method 8 with a window of at most 32 KiB, and a check over both bytes (RFC 1950, section 2.2).
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0F == 8 && method >> 4 <= 7 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

fn inflate(body: &[u8], limit: usize, zlib: bool) -> Result<Vec<u8>, Stop> {
    let mut state = Decompress::new(zlib);
    let mut rest = body;
    let mut ended = false;
    collect(limit, |room| {
        if ended {
            return Ok(0);
        }
        let (read, written) = (state.total_in(), state.total_out());
        let status = state.decompress(rest, room, FlushDecompress::None).map_err(|_| Stop::Corrupt)?;
        let read = usize::try_from(state.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
        let written = usize::try_from(state.total_out().saturating_sub(written)).unwrap_or(0);
        rest = rest.get(read..).ok_or(Stop::Corrupt)?;
        ended = status == Status::StreamEnd;
        // There is always room: without progress the stream was cut off, and behind its end nothing belongs.
        if (ended && !rest.is_empty()) || (!ended && written == 0) {
            return Err(Stop::Corrupt);
        }
        Ok(written)
    })
}
