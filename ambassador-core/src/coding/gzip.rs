//! gzip (RFC 1952): members, one behind the other, each a header, a deflate stream, a checksum and a length, which are
//! compared. What is between the streams is little enough to stand here; a crate for it is 20 KB of module.

use super::Stop;
use super::deflate::{Wrapper, inflate};

pub(super) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, Stop> {
    let mut output = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let start = output.len();
        let stream = header(rest).ok_or(Stop::Corrupt)?;
        let trailer = inflate(stream, &mut output, limit, Wrapper::None)?;
        let (sums, behind) = trailer.split_at_checked(8).ok_or(Stop::Corrupt)?;
        let member = output.get(start..).unwrap_or_default();
        // The length counts modulo 2^32 (section 2.3.1); bodies are smaller.
        let length = u32::try_from(member.len()).map_err(|_| Stop::TooLarge)?;
        if sums != [crc(member).to_le_bytes(), length.to_le_bytes()].as_flattened() {
            return Err(Stop::Corrupt);
        }
        rest = behind;
    }
    Ok(output)
}

/// What is behind the header of a member (section 2.3).
fn header(member: &[u8]) -> Option<&[u8]> {
    const CRC: u8 = 1 << 1;
    const EXTRA: u8 = 1 << 2;
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;
    const RESERVED: u8 = 0b1110_0000;
    let (&[0x1F, 0x8B, 8, flags, _, _, _, _, _, _], mut rest) = member.split_first_chunk::<10>()? else {
        return None;
    };
    if flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (&length, behind) = rest.split_first_chunk::<2>()?;
        rest = behind.get(usize::from(u16::from_le_bytes(length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = rest.get(end.saturating_add(1)..)?;
        }
    }
    if flags & CRC != 0 {
        let (&sum, behind) = rest.split_first_chunk::<2>()?;
        let header = member.get(..member.len().saturating_sub(rest.len()))?;
        // The lower half of a checksum of what is before it.
        let [low, high, ..] = crc(header).to_le_bytes();
        if sum != [low, high] {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

/// For each byte what it does to the sum.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let (mut sum, mut bit) = (byte, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "runs when this is compiled")]
        {
            table[byte as usize] = sum;
        }
        byte += 1;
    }
    table
};

/// CRC-32 (section 8).
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, &byte: &u8| {
        let at = usize::from(byte ^ sum.to_le_bytes()[0]);
        TABLE.get(at).copied().unwrap_or_default() ^ (sum >> 8)
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_as_others_do() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc(b""), 0);
    }

    #[test]
    fn reads_every_kind_of_header() {
        let stream = b"\x03\x00\0\0\0\0\0\0\0\0";
        let flags = |flags: u8| [0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 255];
        for (name, optional) in [
            (0, &b""[..]),
            (1, b""),
            (1 << 2, b"\x03\0abc"),
            (1 << 3, b"name\0"),
            (1 << 4, b"comment\0"),
            (0b1_1100, b"\0\0\0\0"),
        ] {
            let body = [&flags(name), optional, stream].concat();
            assert_eq!(decode(&body, 10), Ok(Vec::new()), "{name}");
            for length in 1..body.len() {
                assert_eq!(decode(&body[..length], 10), Err(Stop::Corrupt), "{name} cut at {length}");
            }
        }
        let head = [&flags(0b1010)[..], b"name\0"].concat();
        let [low, high, ..] = crc(&head).to_le_bytes();
        assert_eq!(decode(&[&head, &[low, high][..], stream].concat(), 10), Ok(Vec::new()));
        assert_eq!(decode(&[&head, &[low, !high][..], stream].concat(), 10), Err(Stop::Corrupt));
        assert_eq!(decode(&[&flags(1 << 5)[..], stream].concat(), 10), Err(Stop::Corrupt));
    }
}
