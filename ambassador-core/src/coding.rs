//! Content codings (RFC 9110, section 8.4): bodies that came compressed, as the bytes they stand for.
//!
//! Whatever the body, decoding ends, takes no more than the limit and one window of memory, and does not panic. Codings
//! are only taken off: what the ambassador sends is not compressed.
#![cfg_attr(
    not(any(feature = "gzip", feature = "br", feature = "zstd")),
    allow(dead_code, unused_variables, reason = "nothing is decoded")
)]

#[cfg(feature = "br")]
mod br;
#[cfg(feature = "gzip")]
mod deflate;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;

/// What can be decoded, as a value of Accept-Encoding, the best first.
pub const ACCEPTED: &str = match (cfg!(feature = "zstd"), cfg!(feature = "br"), cfg!(feature = "gzip")) {
    (true, true, true) => "zstd, br, gzip, deflate",
    (true, true, false) => "zstd, br",
    (true, false, true) => "zstd, gzip, deflate",
    (true, false, false) => "zstd",
    (false, true, true) => "br, gzip, deflate",
    (false, true, false) => "br",
    (false, false, true) => "gzip, deflate",
    (false, false, false) => "identity",
};

/// More codings than this on one body are no mistake that anyone makes.
const MOST: usize = 4;

/// One coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "gzip")]
    Deflate,
    #[cfg(feature = "br")]
    Br,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Coding {
    fn named(name: &[u8]) -> Option<Self> {
        let known: &[(&str, Self)] = &[
            #[cfg(feature = "gzip")]
            ("gzip", Self::Gzip),
            // Section 8.4.1.3: to be taken for gzip.
            #[cfg(feature = "gzip")]
            ("x-gzip", Self::Gzip),
            #[cfg(feature = "gzip")]
            ("deflate", Self::Deflate),
            #[cfg(feature = "br")]
            ("br", Self::Br),
            #[cfg(feature = "zstd")]
            ("zstd", Self::Zstd),
        ];
        known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|&(_, coding)| coding)
    }

    /// As Content-Encoding names it.
    fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
            #[cfg(feature = "gzip")]
            Self::Deflate => "deflate",
            #[cfg(feature = "br")]
            Self::Br => "br",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
        }
    }

    fn decode(self, body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => gzip::decode(body, limit),
            #[cfg(feature = "gzip")]
            Self::Deflate => deflate::decode(body, limit),
            #[cfg(feature = "br")]
            Self::Br => br::decode(body, limit),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::decode(body, limit),
        }
    }
}

/// The codings of a body, in the order in which they were applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codings(Vec<Coding>);

/// Why a body could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodingError {
    /// The body is not what its Content-Encoding says: damaged, cut off, or with something behind its end.
    Corrupt {
        /// The coding, as Content-Encoding names it.
        coding: &'static str,
    },
    /// The decoded body is larger than it may be.
    TooLarge {
        /// Bytes that it may have.
        limit: usize,
    },
}

impl fmt::Display for CodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt { coding } => write!(f, "the body is not valid {coding}, or was cut off"),
            Self::TooLarge { limit } => write!(f, "the decoded body is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for CodingError {}

/// Codings of a message in the order they were applied, from the values of its Content-Encoding headers. Empty where
/// there are none, or only `identity`. `None` if one is unknown, or there are more than 4.
pub fn stack<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Codings> {
    let mut codings = Vec::new();
    let names = values.flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity")) {
        if codings.len() >= MOST {
            return None;
        }
        codings.push(Coding::named(name)?);
    }
    Some(Codings(codings))
}

impl Codings {
    /// Whether there is nothing to decode.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The body that was encoded. `limit` bounds its size, and that of what is between two codings.
    ///
    /// An empty body, as an answer to HEAD has it, stays empty. Without codings this is a copy: see
    /// [`is_empty`](Self::is_empty).
    pub fn decode(&self, body: &[u8], limit: usize) -> Result<Vec<u8>, CodingError> {
        let mut decoded: Option<Vec<u8>> = None;
        for &coding in self.0.iter().rev() {
            let input = decoded.as_deref().unwrap_or(body);
            if input.is_empty() {
                break;
            }
            let output = coding.decode(input, limit).map_err(|stop| match stop {
                Stop::Corrupt => CodingError::Corrupt { coding: coding.name() },
                Stop::TooLarge => CodingError::TooLarge { limit },
            })?;
            decoded = Some(output);
        }
        Ok(decoded.unwrap_or_else(|| body.to_vec()))
    }
}

/// Why one coding ended before its body did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Corrupt,
    TooLarge,
}

/// Makes room in a buffer that is full: twice as much, and never more than a byte beyond the limit, by which too much is
/// noticed.
fn room(output: &mut Vec<u8>, limit: usize) {
    const FIRST: usize = 4 << 10;
    let most = limit.saturating_add(1);
    let length = output.len().saturating_mul(2).max(FIRST).min(most);
    output.reserve_exact(length.saturating_sub(output.len()));
    output.resize(length, 0);
}

/// Collects what `fill` puts into the slices that it is given, until it puts nothing: that is the end.
#[cfg(any(feature = "br", feature = "zstd"))]
fn collect(limit: usize, mut fill: impl FnMut(&mut [u8]) -> Result<usize, Stop>) -> Result<Vec<u8>, Stop> {
    let (mut output, mut filled) = (Vec::new(), 0_usize);
    loop {
        if filled == output.len() {
            room(&mut output, limit);
        }
        let count = fill(output.get_mut(filled..).unwrap_or_default())?;
        filled = filled.saturating_add(count);
        if filled > limit {
            return Err(Stop::TooLarge);
        }
        if count == 0 {
            output.truncate(filled);
            return Ok(output);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "codings")]
mod tests;
