//! The events of one document as JSON, written as they come.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::super::DEPTH;
use super::super::error::Fault;
use super::super::output::Output;
use super::scalar::{Plain, resolve};

/// Reads a document; nothing at all is null.
pub(in super::super) fn read(text: &str, output: &mut Output) -> Result<(), Fault> {
    let mut reader = Reader { output, open: Vec::new(), anchors: BTreeMap::new(), documents: 0 };
    for event in Parser::new_from_str(text) {
        let result = match event {
            Ok((event, span)) => reader.take(event).map_err(|fault| match fault {
                Fault::Wrong(None, what) => Fault::at(byte_at(text, span.start.index()), what),
                fault => fault,
            }),
            Err(error) => Err(Fault::at(byte_at(text, error.marker().index()), in_words(&error))),
        };
        result?;
    }
    if reader.documents == 0 { reader.output.raw("null") } else { Ok(()) }
}

/// The parser counts characters.
fn byte_at(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

/// The parser's own words, without the one character of the text that they may hold.
fn in_words(error: &ScanError) -> String {
    error.info().split(": `").next().unwrap_or_default().to_owned()
}

/// A sequence or a mapping that is not complete.
struct Open {
    /// The keys so far, as JSON strings; `None` for a sequence.
    keys: Option<BTreeSet<Vec<u8>>>,
    /// Whether a key has been read and its value has not.
    has_key: bool,
    is_empty: bool,
    anchor: usize,
    start: usize,
    /// Levels within.
    height: usize,
}

/// What an anchor names: where its JSON stands in the output, and how many levels it has.
#[derive(Clone, Copy)]
struct Anchored {
    from: usize,
    to: usize,
    height: usize,
}

struct Reader<'a> {
    output: &'a mut Output,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    documents: usize,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 { Err(Fault::new("a second document begins")) } else { Ok(()) }
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref()),
            Event::Alias(anchor) => self.alias(anchor),
            Event::SequenceStart(anchor, _) => self.start(anchor, None, "["),
            Event::MappingStart(anchor, _) => self.start(anchor, Some(BTreeSet::new()), "{"),
            Event::SequenceEnd => self.end("]"),
            Event::MappingEnd => self.end("}"),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    /// Whether what comes next is a key.
    fn is_at_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.keys.is_some() && !open.has_key)
    }

    /// The comma or colon before a node.
    fn separate(&mut self) -> Result<(), Fault> {
        let at_key = self.is_at_key();
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let separator = match (open.keys.is_some(), at_key, open.is_empty) {
            (_, _, true) => "",
            (true, false, _) => ":",
            _ => ",",
        };
        open.is_empty = false;
        open.has_key = at_key;
        self.output.raw(separator)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Fault> {
        let is_key = self.is_at_key();
        self.separate()?;
        let from = self.output.len();
        if is_key {
            self.output.string(text)?;
            self.note_key(from)?;
        } else {
            self.value(text, style, tag)?;
        }
        self.note_anchor(anchor, from, 0);
        Ok(())
    }

    /// A scalar by its tag; without one that is known, quoted ones are strings and plain ones what they look like.
    fn value(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<(), Fault> {
        let wanted = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
        let is_string = match (wanted, tag) {
            (Some("null" | "bool" | "int" | "float"), _) => false,
            (Some(_), _) => true,
            (None, Some(tag)) if tag.handle.is_empty() && tag.suffix == "!" => true,
            (None, _) => style != ScalarStyle::Plain,
        };
        if is_string {
            return self.output.string(text);
        }
        let plain = resolve(text);
        let fits = match (wanted, &plain) {
            (Some("null"), Plain::Null)
            | (Some("bool"), Plain::Bool(_))
            | (Some("int"), Plain::Integer(_))
            | (Some("float"), Plain::Integer(_) | Plain::Float(_)) => true,
            (wanted, _) => wanted.is_none(),
        };
        if !fits {
            return Err(Fault::new("this is not what its tag says"));
        }
        match plain {
            Plain::Null => self.output.raw("null"),
            Plain::Bool(true) => self.output.raw("true"),
            Plain::Bool(false) => self.output.raw("false"),
            Plain::Integer(number) | Plain::Float(number) => self.output.raw(number.as_bytes()),
            Plain::String => self.output.string(text),
            Plain::TooLarge => Err(Fault::new("this number has more than 128 bits")),
        }
    }

    fn note_key(&mut self, from: usize) -> Result<(), Fault> {
        let key = self.output.since(from).to_vec();
        let keys = self.open.last_mut().and_then(|open| open.keys.as_mut());
        if keys.is_none_or(|keys| keys.insert(key)) {
            Ok(())
        } else {
            Err(Fault::new("this key comes twice"))
        }
    }

    fn note_anchor(&mut self, anchor: usize, from: usize, height: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { from, to: self.output.len(), height });
        }
    }

    /// Once more what its anchor named: bounded as all else by the size of the output and its depth.
    fn alias(&mut self, anchor: usize) -> Result<(), Fault> {
        let Some(&Anchored { from, to, height }) = self.anchors.get(&anchor) else {
            return Err(Fault::new("an alias within what it names"));
        };
        let is_key = self.is_at_key();
        self.separate()?;
        let start = self.output.len();
        self.grow(height)?;
        if !is_key {
            return self.output.repeat(from, to);
        }
        if height > 0 {
            return Err(Fault::new("a key is a scalar"));
        }
        let is_string = self.output.since(from).starts_with(b"\"");
        self.output.raw(if is_string { "" } else { "\"" })?;
        self.output.repeat(from, to)?;
        self.output.raw(if is_string { "" } else { "\"" })?;
        self.note_key(start)
    }

    /// Something with this many levels stands in what is open.
    fn grow(&mut self, height: usize) -> Result<(), Fault> {
        if self.open.len().saturating_add(height) > DEPTH {
            return Err(Fault::new("it nests more than 128 levels deep"));
        }
        if let Some(open) = self.open.last_mut() {
            open.height = open.height.max(height.saturating_add(1));
        }
        Ok(())
    }

    fn start(&mut self, anchor: usize, keys: Option<BTreeSet<Vec<u8>>>, bracket: &str) -> Result<(), Fault> {
        if self.is_at_key() {
            return Err(Fault::new("a key is a scalar"));
        }
        self.separate()?;
        self.grow(1)?;
        let start = self.output.len();
        self.open.push(Open { keys, has_key: false, is_empty: true, anchor, start, height: 1 });
        self.output.raw(bracket)
    }

    fn end(&mut self, bracket: &str) -> Result<(), Fault> {
        self.output.raw(bracket)?;
        if let Some(open) = self.open.pop() {
            self.note_anchor(open.anchor, open.start, open.height);
            self.grow(open.height)?;
        }
        Ok(())
    }
}
