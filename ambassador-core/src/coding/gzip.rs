//! gzip (RFC 1952), by flate2. A body may be of several members, one behind the other (section 2.2); each one's checksum
//! and length are compared.

use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;

use super::{Stop, collect};

pub(super) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
    let mut decoder = MultiGzDecoder::new(body);
    collect(limit, |room| decoder.read(room).map_err(|_| Stop::Corrupt))
}
