//! A text that grows up to a limit.

use super::error::Fault;

/// What a format has read or written so far.
#[derive(Debug)]
pub(super) struct Output {
    bytes: Vec<u8>,
    limit: usize,
}

impl Output {
    /// At most `limit` bytes; about as many as `expected`.
    pub(super) fn new(limit: usize, expected: usize) -> Self {
        Self { bytes: Vec::with_capacity(expected.min(limit)), limit }
    }

    pub(super) fn raw(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Fault> {
        let bytes = bytes.as_ref();
        if bytes.len() > self.limit.saturating_sub(self.bytes.len()) {
            return Err(Fault::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// A text as a JSON string.
    pub(super) fn string(&mut self, text: &str) -> Result<(), Fault> {
        self.raw("\"")?;
        self.escape(text)?;
        self.raw("\"")
    }

    /// A text as it stands in a JSON string.
    pub(super) fn escape(&mut self, text: &str) -> Result<(), Fault> {
        const PIECE: usize = 4 << 10;
        let mut rest = text;
        while !rest.is_empty() {
            // A piece can become six times as long; what is too long is noticed after one.
            let end = (PIECE..PIECE + 4).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
            let (piece, next) = rest.split_at_checked(end).unwrap_or((rest, ""));
            ambassador_jq::json::escape(piece, &mut self.bytes);
            if self.bytes.len() > self.limit {
                return Err(Fault::TooLarge);
            }
            rest = next;
        }
        Ok(())
    }

    /// Once more what stands at `from..to`.
    #[cfg(feature = "yaml-body")]
    pub(super) fn repeat(&mut self, from: usize, to: usize) -> Result<(), Fault> {
        if to.saturating_sub(from) > self.limit.saturating_sub(self.bytes.len()) {
            return Err(Fault::TooLarge);
        }
        if self.bytes.get(from..to).is_some() {
            self.bytes.extend_from_within(from..to);
        }
        Ok(())
    }

    /// What has been written from here on.
    #[cfg(feature = "yaml-body")]
    pub(super) fn since(&self, from: usize) -> &[u8] {
        self.bytes.get(from..).unwrap_or_default()
    }

    /// Takes back what was written from here on.
    #[cfg(feature = "yaml-body")]
    pub(super) fn truncate(&mut self, to: usize) {
        self.bytes.truncate(to);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
