//! Zstandard (RFC 8878), by the ruzstd crate. A body may be of several frames, skippable ones among them; checksums
//! are compared where there are any.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::Read as _;

use super::{Stop, collect};

/// The largest window that a sender of the content coding may use (RFC 9659, section 3).
const LARGEST_WINDOW: u64 = 8 << 20;

pub(super) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
    let mut decoder = FrameDecoder::new();
    // The window of a frame that is one segment is as large as what is in it.
    decoder.set_max_window_size(LARGEST_WINDOW.max(limit as u64));
    let (mut rest, mut open) = (body, false);
    collect(limit, |room| {
        loop {
            if !open {
                if rest.is_empty() {
                    return Ok(0);
                }
                open = start(&mut decoder, &mut rest, limit)?;
                continue;
            }
            // A frame holds its window back until it ends.
            let count = decoder.read(room).map_err(|_| Stop::Corrupt)?;
            if count > 0 {
                return Ok(count);
            }
            if decoder.is_finished() {
                let sum = decoder.get_checksum_from_data();
                if sum.is_some() && sum != decoder.get_calculated_checksum() {
                    return Err(Stop::Corrupt);
                }
                open = false;
            } else {
                decoder
                    .decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|_| Stop::Corrupt)?;
            }
        }
    })
}

/// Reads the header of a frame. Gives whether there is something to decode, and not a frame to be skipped.
fn start(decoder: &mut FrameDecoder, rest: &mut &[u8], limit: usize) -> Result<bool, Stop> {
    match decoder.reset(&mut *rest) {
        Ok(()) if decoder.content_size() > limit as u64 => Err(Stop::TooLarge),
        Ok(()) => Ok(true),
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
            let length = usize::try_from(length).map_err(|_| Stop::Corrupt)?;
            *rest = rest.get(length..).ok_or(Stop::Corrupt)?;
            Ok(false)
        }
        Err(FrameDecoderError::WindowSizeTooBig { .. }) => Err(Stop::TooLarge),
        Err(_) => Err(Stop::Corrupt),
    }
}
