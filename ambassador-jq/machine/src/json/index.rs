//! One pass over a body: proves that it is JSON, and notes where each value stands.
//!
//! The index, called tape, has one [`Node`] for each value and each key in the order of the text, and one more for the
//! end of each array and object. What a program never looks at is never read again, and what it does not change can be
//! copied out as it came.

use crate::spare::Index;
use crate::{Resource, RunError};

mod indexer;

pub use indexer::Open;
use indexer::{Indexer, Stop, end_of_string};

/// The longest text that an index can be made of: 28 bits hold a position.
pub const LONGEST: usize = (1 << 28) - 1;

/// A JSON text and its index; behind it, strings of a program that is to run on it.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    tape: Vec<Node>,
    /// Room that reading took, for the next body.
    open: Vec<Open>,
    /// The text of the program's strings. Positions go on from the end of `text`.
    strings: &'a str,
    /// The number of the first of their nodes.
    first_string: usize,
}

/// The strings of a program, so that a run can take them for strings of its input: values that cost nothing to make, to
/// copy and to write.
#[derive(Debug, Default)]
pub struct Strings {
    /// Each as JSON, one behind the other.
    text: String,
    /// Where each stands between its quotes: position, length, whether there are escapes in it.
    places: Vec<(usize, usize, bool)>,
}

impl Strings {
    /// Adds one.
    pub fn push(&mut self, string: &str) {
        let mut text = Vec::with_capacity(string.len() + 2);
        super::string::write(string, &mut text);
        let text = String::from_utf8(text).unwrap_or_default();
        let length = text.len().saturating_sub(2);
        self.places.push((self.text.len() + 1, length, text.contains('\\')));
        self.text.push_str(&text);
    }
}

/// A value, a key or the end of a container: kind (3 bits), flag (1), position (28), and 28 more that mean something
/// else for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(u64);

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Null,
    False,
    True,
    /// Position and length of its text. Flag: it is an integer.
    Number,
    /// Position and length of what stands between the quotes. Flag: there are escapes in it.
    String,
    /// Position of the bracket; then the number of the node behind its end. Flag: there are blanks in it.
    Array,
    /// As an array; its nodes are keys and values in turn.
    Object,
    /// Position of the closing bracket; then how many elements or entries there are.
    End,
}

const POSITION: u32 = 4;
const EXTRA: u32 = 32;
const MASK: u64 = (1 << 28) - 1;

impl Node {
    fn new(kind: Kind, flag: bool, position: usize, extra: usize) -> Self {
        // Both are below LONGEST: positions are in the text, and there is no node without a byte.
        Self(kind as u64 | u64::from(flag) << 3 | (position as u64) << POSITION | (extra as u64) << EXTRA)
    }

    pub fn kind(self) -> Kind {
        match self.0 & 7 {
            0 => Kind::Null,
            1 => Kind::False,
            2 => Kind::True,
            3 => Kind::Number,
            4 => Kind::String,
            5 => Kind::Array,
            6 => Kind::Object,
            _ => Kind::End,
        }
    }

    pub fn flag(self) -> bool {
        self.0 & 8 != 0
    }

    pub fn position(self) -> usize {
        (self.0 >> POSITION & MASK) as usize
    }

    pub fn extra(self) -> usize {
        // Nothing stands above it.
        (self.0 >> EXTRA) as usize
    }
}

impl Document<'_> {
    /// Gives back what the index took, for the next body.
    pub fn leave(self) {
        Index { tape: self.tape, open: self.open }.leave();
    }
}

impl<'a> Document<'a> {
    /// Accepts exactly the texts of RFC 8259 in UTF-8, one value each, that nest at most `depth` levels deep and whose
    /// numbers have at most `digits` characters.
    pub fn new(text: &'a [u8], depth: usize, digits: usize) -> Result<Self, RunError> {
        if text.len() > LONGEST {
            return Err(RunError::Exhausted { which: Resource::Input, limit: LONGEST });
        }
        // Strings are the only place where bytes beyond ASCII can pass, and this is faster than a look at each.
        let valid = match std::str::from_utf8(text) {
            Ok(valid) => valid,
            Err(error) => return Err(RunError::Input { offset: error.valid_up_to() }),
        };
        let Index { tape, open } = Index::get(text.len());
        let mut indexer = Indexer { text, at: 0, tape, open, blanks: 0, depth, digits, wrong: None };
        match indexer.run() {
            Ok(()) => {
                Ok(Self { text: valid, tape: indexer.tape, open: indexer.open, strings: "", first_string: 0 })
            }
            Err(Stop) => Err(match indexer.wrong {
                Some((which, limit)) => RunError::Exhausted { which, limit },
                None => RunError::Input { offset: indexer.at },
            }),
        }
    }

    /// Puts the strings of a program behind the text.
    pub fn append(&mut self, strings: &'a Strings) -> Result<(), RunError> {
        if self.text.len() + strings.text.len() > LONGEST {
            return Err(RunError::Exhausted { which: Resource::Input, limit: LONGEST });
        }
        let start = self.text.len();
        self.first_string = self.tape.len();
        self.tape.extend(
            strings.places.iter().map(|&(position, length, escapes)| {
                Node::new(Kind::String, escapes, start + position, length)
            }),
        );
        self.strings = &strings.text;
        Ok(())
    }

    /// The number of the node of the program's first string; the others follow.
    pub fn first_string(&self) -> usize {
        self.first_string
    }

    /// The text from one byte to another, which is either of the input or of the program.
    #[inline]
    fn piece(&self, from: usize, to: usize) -> &'a [u8] {
        match self.text.as_bytes().get(from..to) {
            Some(piece) => piece,
            None => {
                self.strings.as_bytes().get(from - self.text.len()..to - self.text.len()).unwrap_or_default()
            }
        }
    }

    /// The node of this number; the value of the whole text is number 0.
    pub fn node(&self, number: usize) -> Node {
        self.tape.get(number).copied().unwrap_or(Node::new(Kind::End, false, 0, 0))
    }

    /// Bytes of the text.
    pub fn length(&self) -> usize {
        self.text.len()
    }

    /// Bytes that the index takes.
    pub fn bytes(&self) -> usize {
        self.tape.capacity() * size_of::<Node>()
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.tape.len()
    }

    /// The text of a value: of a string with its quotes, of a container with its brackets.
    pub fn text(&self, number: usize) -> &'a [u8] {
        let node = self.node(number);
        let (from, to) = match node.kind() {
            Kind::Null | Kind::True => (node.position(), node.position() + 4),
            Kind::False => (node.position(), node.position() + 5),
            Kind::Number => (node.position(), node.position() + node.extra()),
            Kind::String => (node.position().saturating_sub(1), node.position() + node.extra() + 1),
            Kind::Array | Kind::Object => {
                let end = self.node(node.extra().saturating_sub(1));
                (node.position(), end.position() + 1)
            }
            Kind::End => (0, 0),
        };
        self.piece(from, to)
    }

    /// What stands between the quotes of a string.
    pub fn between(&self, string: Node) -> &'a str {
        let (from, to) = (string.position(), string.position() + string.extra());
        let start = self.text.len();
        let piece = self.text.get(from..to);
        piece.or_else(|| self.strings.get(from.checked_sub(start)?..to - start)).unwrap_or_default()
    }

    /// The same as bytes: enough to compare, and without a look for the boundaries of characters.
    pub fn bytes_between(&self, string: Node) -> &'a [u8] {
        self.piece(string.position(), string.position() + string.extra())
    }

    /// How many items or entries a container has.
    pub fn count(&self, number: u32) -> usize {
        self.node(self.node(number as usize).extra().saturating_sub(1)).extra()
    }

    /// The number of the node behind a value.
    pub fn behind(&self, number: u32) -> u32 {
        let node = self.node(number as usize);
        match node.kind() {
            // Positions have 28 bits.
            Kind::Array | Kind::Object => (node.0 >> EXTRA & MASK) as u32,
            _ => number + 1,
        }
    }

    /// The nodes of a container, without its end: the items of an array, the keys and values of an object in turn.
    pub fn children(&self, number: u32) -> impl Iterator<Item = u32> {
        let end = self.behind(number).saturating_sub(1);
        let mut at = number + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let child = at;
            at = self.behind(at);
            Some(child)
        })
    }

    /// The nodes of the keys and values of an object.
    pub fn entries(&self, number: u32) -> impl Iterator<Item = (u32, u32)> {
        let end = self.behind(number).saturating_sub(1);
        let mut at = number + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let key = at;
            at = self.behind(at + 1);
            Some((key, key + 1))
        })
    }

    /// How deep a value nests; counting stops beyond `most`.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn depth(&self, number: u32, most: usize) -> usize {
        let (mut level, mut deepest) = (0, 0);
        for at in number..self.behind(number) {
            match self.node(at as usize).kind() {
                Kind::Array | Kind::Object => level += 1,
                Kind::End => level -= 1,
                _ => continue,
            }
            deepest = deepest.max(level);
            if deepest > most {
                break;
            }
        }
        deepest
    }

    /// Whether an object has few keys, without escapes, and none of them twice: then it can be taken as it is.
    pub fn has_plain_keys(&self, number: u32) -> bool {
        let mut keys = [Node(0); 16];
        if self.count(number) > keys.len() {
            return false;
        }
        for (at, (key, _)) in self.entries(number).enumerate() {
            let key = self.node(key as usize);
            let before = keys.get(..at).unwrap_or_default();
            let same = |known: &Node| {
                known.extra() == key.extra() && self.bytes_between(*known) == self.bytes_between(key)
            };
            if key.flag() || before.iter().any(same) {
                return false;
            }
            if let Some(place) = keys.get_mut(at) {
                *place = key;
            }
        }
        true
    }

    /// Whether a string is this text.
    pub fn is_string(&self, string: Node, wanted: &str) -> bool {
        if string.flag() {
            return super::string::unescape(self.between(string)) == wanted;
        }
        string.extra() == wanted.len() && self.bytes_between(string) == wanted.as_bytes()
    }

    /// Whether two strings are the same.
    pub fn same_strings(&self, a: Node, b: Node) -> bool {
        if a.flag() || b.flag() {
            return self.is_string(a, &super::string::unescape(self.between(b)));
        }
        a.extra() == b.extra() && self.bytes_between(a) == self.bytes_between(b)
    }

    /// The value of a key of an object, where the key is a string that has a node too.
    pub fn lookup_node(&self, number: u32, wanted: Node) -> Option<u32> {
        if wanted.flag() {
            return self.lookup(number, &super::string::unescape(self.between(wanted)));
        }
        self.find(number, wanted.extra(), |key| self.same_strings(key, wanted))
    }

    /// The value of a key of an object: of several the last.
    pub fn lookup(&self, number: u32, wanted: &str) -> Option<u32> {
        self.find(number, wanted.len(), |key| self.is_string(key, wanted))
    }

    #[inline]
    fn find(&self, number: u32, length: usize, is_wanted: impl Fn(Node) -> bool) -> Option<u32> {
        let first = number as usize + 1;
        let end = (self.behind(number) as usize).saturating_sub(1);
        let entries = self.tape.get(first..end).unwrap_or_default();
        let (mut at, mut found) = (0, None);
        while let Some([key, value, ..]) = entries.get(at..) {
            if (key.extra() == length || key.flag()) && is_wanted(*key) {
                found = Some(at);
            }
            at = match value.kind() {
                Kind::Array | Kind::Object => value.extra().saturating_sub(first),
                _ => at + 2,
            };
        }
        // The number of a node has 28 bits.
        found.and_then(|at| u32::try_from(first + at + 1).ok())
    }

    /// From where to where the text of an entry goes, its key's quote first, if nothing but a colon stands between key
    /// and value and there are no blanks in the value.
    pub fn compact_entry(&self, key: u32) -> Option<(usize, usize)> {
        let (name, value) = (self.node(key as usize), self.node(key as usize + 1));
        let from = name.position().checked_sub(1)?;
        let behind_key = name.position() + name.extra() + 1;
        let (start, end) = match value.kind() {
            Kind::Null | Kind::True => (value.position(), value.position() + 4),
            Kind::False => (value.position(), value.position() + 5),
            Kind::Number => (value.position(), value.position() + value.extra()),
            Kind::String => (value.position().checked_sub(1)?, value.position() + value.extra() + 1),
            Kind::Array | Kind::Object if !value.flag() => {
                (value.position(), self.node(value.extra().checked_sub(1)?).position() + 1)
            }
            _ => return None,
        };
        (start == behind_key + 1 && end <= self.text.len()).then_some((from, end))
    }

    /// What stands from one byte to another.
    pub fn span(&self, from: usize, to: usize) -> &'a [u8] {
        self.piece(from, to)
    }

    /// Appends the text of a value without the blanks between its words.
    pub fn write_compact(&self, number: usize, output: &mut Vec<u8>) {
        let text = self.text(number);
        let node = self.node(number);
        if !(matches!(node.kind(), Kind::Array | Kind::Object) && node.flag()) {
            output.extend_from_slice(text);
            return;
        }
        let (mut start, mut at) = (0, 0);
        while let Some(&byte) = text.get(at) {
            match byte {
                b'"' => at = end_of_string(text, at + 1).map_or(text.len(), |(end, _)| end + 1),
                b' ' | b'\t' | b'\n' | b'\r' => {
                    output.extend_from_slice(text.get(start..at).unwrap_or_default());
                    at += 1;
                    start = at;
                }
                _ => at += 1,
            }
        }
        output.extend_from_slice(text.get(start..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
