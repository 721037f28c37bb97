//! The pass over the text.

use super::{Kind, Node};
use crate::Resource;

/// The text is refused; why is in [`Indexer::wrong`]. It has no size, since every word of a body could end so.
pub(super) struct Stop;

/// A container that is open.
#[derive(Debug)]
pub struct Open {
    node: usize,
    count: usize,
    /// How many runs of blanks there had been before it.
    blanks: usize,
    is_object: bool,
}

/// Reads a text from its beginning to its end.
pub(super) struct Indexer<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pub(super) tape: Vec<Node>,
    pub(super) open: Vec<Open>,
    pub(super) blanks: usize,
    pub(super) depth: usize,
    pub(super) digits: usize,
    /// The limit that was reached; without one, the text stops being JSON at `at`.
    pub(super) wrong: Option<(Resource, usize)>,
}

impl Indexer<'_> {
    /// The whole text.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        loop {
            // A value. Brackets that open lead to another one.
            let opened = self.value()?;
            if opened {
                continue;
            }
            // What follows a value: as many ends as there are, then a comma and the next value.
            loop {
                let byte = self.skip_blanks();
                let Some(open) = self.open.last_mut() else {
                    return if self.at == self.text.len() { Ok(()) } else { Err(Stop) };
                };
                match byte {
                    b',' => {
                        open.count += 1;
                        let is_object = open.is_object;
                        self.at += 1;
                        if is_object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if open.is_object => self.close(1),
                    b']' if !open.is_object => self.close(1),
                    _ => return Err(Stop),
                }
            }
        }
    }

    /// Reads a value; gives whether it is a container that is not empty, and so has values to read.
    fn value(&mut self) -> Result<bool, Stop> {
        let byte = self.skip_blanks();
        let start = self.at;
        match byte {
            b'"' => {
                self.at += 1;
                self.string()?;
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b'{' => {
                self.open(Kind::Object)?;
                if self.skip_blanks() != b'}' {
                    self.key()?;
                    return Ok(true);
                }
                self.close(0);
            }
            b'[' => {
                self.open(Kind::Array)?;
                if self.skip_blanks() != b']' {
                    return Ok(true);
                }
                self.close(0);
            }
            b'n' => self.word(b"null", Kind::Null, start)?,
            b't' => self.word(b"true", Kind::True, start)?,
            b'f' => self.word(b"false", Kind::False, start)?,
            _ => return Err(Stop),
        }
        Ok(false)
    }

    fn open(&mut self, kind: Kind) -> Result<(), Stop> {
        if self.open.len() >= self.depth {
            self.wrong = Some((Resource::Depth, self.depth));
            return Err(Stop);
        }
        let (node, is_object) = (self.tape.len(), kind == Kind::Object);
        self.open.push(Open { node, count: 0, blanks: self.blanks, is_object });
        self.tape.push(Node::new(kind, false, self.at, 0));
        self.at += 1;
        Ok(())
    }

    /// Ends the innermost container; `last` is 1 if a value stands before its end.
    fn close(&mut self, last: usize) {
        let Some(open) = self.open.pop() else { return };
        self.tape.push(Node::new(Kind::End, false, self.at, open.count + last));
        let behind = self.tape.len();
        if let Some(node) = self.tape.get_mut(open.node) {
            let kind = if open.is_object { Kind::Object } else { Kind::Array };
            *node = Node::new(kind, self.blanks != open.blanks, node.position(), behind);
        }
        self.at += 1;
    }

    fn key(&mut self) -> Result<(), Stop> {
        if self.skip_blanks() != b'"' {
            return Err(Stop);
        }
        self.at += 1;
        self.string()?;
        if self.skip_blanks() != b':' {
            return Err(Stop);
        }
        self.at += 1;
        Ok(())
    }

    /// A string, behind its first quote.
    #[inline]
    fn string(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let end = next_special(self.text, start);
        if self.text.get(end) == Some(&b'"') {
            self.tape.push(Node::new(Kind::String, false, start, end - start));
            self.at = end + 1;
            return Ok(());
        }
        self.string_with_escapes(start, end)
    }

    /// A string of which nothing is special from `start` to `from`.
    #[inline(never)]
    fn string_with_escapes(&mut self, start: usize, from: usize) -> Result<(), Stop> {
        match end_of_string(self.text, from) {
            Ok((end, escapes)) => {
                self.tape.push(Node::new(Kind::String, escapes, start, end - start));
                self.at = end + 1;
                Ok(())
            }
            Err(offset) => {
                self.at = offset;
                Err(Stop)
            }
        }
    }

    fn number(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut is_integer = true;
        self.at += usize::from(self.byte() == b'-');
        match self.byte() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.take_digits(),
            _ => return Err(Stop),
        }
        if self.byte() == b'.' {
            is_integer = false;
            self.at += 1;
            self.expect_digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            is_integer = false;
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.expect_digits()?;
        }
        let length = self.at - start;
        if length > self.digits {
            self.wrong = Some((Resource::Digits, self.digits));
            return Err(Stop);
        }
        self.tape.push(Node::new(Kind::Number, is_integer, start, length));
        Ok(())
    }

    fn expect_digits(&mut self) -> Result<(), Stop> {
        if !self.byte().is_ascii_digit() {
            return Err(Stop);
        }
        self.take_digits();
        Ok(())
    }

    fn take_digits(&mut self) {
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind, start: usize) -> Result<(), Stop> {
        for byte in word {
            if self.byte() != *byte {
                return Err(Stop);
            }
            self.at += 1;
        }
        self.tape.push(Node::new(kind, false, start, 0));
        Ok(())
    }

    /// The next byte that is no blank; 0, which begins nothing, at the end.
    fn skip_blanks(&mut self) -> u8 {
        let byte = self.byte();
        if byte > b' ' {
            return byte;
        }
        let start = self.at;
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.blanks += usize::from(self.at > start);
        self.byte()
    }

    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
}

/// Where the closing quote of a string is, and whether there are escapes before it; else where it stops being one.
pub(super) fn end_of_string(text: &[u8], start: usize) -> Result<(usize, bool), usize> {
    let (mut at, mut escapes) = (start, false);
    loop {
        at = next_special(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((at, escapes)),
            Some(b'\\') => {
                escapes = true;
                at = escape(text, at)?;
            }
            // A control character, or the end.
            _ => return Err(at),
        }
    }
}

/// Behind the escape that begins here.
fn escape(text: &[u8], at: usize) -> Result<usize, usize> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            match (at + 2..at + 6).find(|&digit| !text.get(digit).is_some_and(u8::is_ascii_hexdigit)) {
                None => Ok(at + 6),
                Some(wrong) => Err(wrong),
            }
        }
        _ => Err(at + 1),
    }
}

/// The next quote, backslash or control character from here on, or the end: eight bytes at a time.
#[inline]
fn next_special(text: &[u8], start: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let mut at = start;
    while let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*bytes);
        // A byte of these is 0 where a quote or a backslash stands; subtracting 1 from 0 sets its highest bit. Borrows
        // spoil only bytes above the first hit.
        let quote = word ^ (ONES * 0x22);
        let backslash = word ^ (ONES * 0x5C);
        let found = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    at + rest.iter().position(special).unwrap_or(rest.len())
}
