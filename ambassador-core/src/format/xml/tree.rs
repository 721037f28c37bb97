//! A document as a tree of slices of its text.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;

use super::super::DEPTH;
use super::super::error::Fault;
use super::{is_char, is_name};

/// No node.
pub(super) const NONE: u32 = u32::MAX;
/// The document, whose only child is the root element.
pub(super) const DOCUMENT: u32 = 0;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Element,
    /// `text` is the value as it is written.
    Attribute,
    /// `text` is as it is written, without references.
    Text,
    /// `text` is the reference between `&` and `;`.
    Reference,
    /// All text of the element `first`; made when that is written.
    AllText,
}

/// An element, an attribute or a piece of text. Siblings are a chain: attributes first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) next: u32,
    /// The next sibling of the same key, once that is known.
    pub(super) same: u32,
}

impl Node<'_> {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, name: "", text: "", first: NONE, last: NONE, next: NONE, same: NONE }
    }
}

/// A whole document.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Tree<'a> {
    pub(super) fn get(&self, at: u32) -> Option<&Node<'a>> {
        self.nodes.get(at as usize)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Node<'a>> {
        self.nodes.get_mut(at as usize)
    }

    /// The children of a node, in order.
    pub(super) fn children(&self, of: u32) -> impl Iterator<Item = (u32, &Node<'a>)> {
        let mut at = self.get(of).map_or(NONE, |node| node.first);
        std::iter::from_fn(move || {
            let (found, node) = (at, self.get(at)?);
            at = node.next;
            Some((found, node))
        })
    }

    pub(super) fn push(&mut self, node: Node<'a>) -> u32 {
        let at = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        self.nodes.push(node);
        at
    }

    fn append(&mut self, parent: u32, node: Node<'a>) -> u32 {
        let at = self.push(node);
        let last = self.get(parent).map_or(NONE, |parent| parent.last);
        if let Some(last) = self.get_mut(last) {
            last.next = at;
        }
        if let Some(parent) = self.get_mut(parent) {
            if parent.first == NONE {
                parent.first = at;
            }
            parent.last = at;
        }
        at
    }

    /// Reads a document. `strip` leaves out prefixes and declarations of namespaces.
    pub(super) fn read(text: &'a str, strip: bool) -> Result<Self, Fault> {
        if let Some((at, _)) = text.char_indices().find(|&(_, c)| !is_char(c)) {
            return Err(Fault::at(at, "a character that XML does not allow"));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        let mut builder = Builder {
            text,
            strip,
            tree: Self { nodes: vec![Node::new(Kind::Element)] },
            open: vec![DOCUMENT],
        };
        loop {
            let start = position(reader.buffer_position());
            let event = reader.read_event().map_err(|error| {
                let at = position(reader.error_position()).max(start);
                Fault::at(at.min(text.len()), in_words(&error))
            })?;
            if matches!(event, Event::Eof) {
                break;
            }
            builder.take(event, start)?;
        }
        if builder.open.len() > 1 {
            return Err(Fault::at(text.len(), "an element is not closed"));
        }
        if builder.tree.get(DOCUMENT).is_none_or(|document| document.first == NONE) {
            return Err(Fault::at(text.len(), "there is no element"));
        }
        Ok(builder.tree)
    }
}

/// A piece of the text: what reads a slice copies nothing.
#[expect(clippy::needless_pass_by_value, reason = "what is borrowed outlives the event")]
fn slice(text: Cow<'_, str>) -> Option<&str> {
    match text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

fn position(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The library's own words may name elements.
fn in_words(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::Syntax(_) => "something is not closed",
        quick_xml::Error::IllFormed(
            IllFormedError::MismatchedEndTag { .. }
            | IllFormedError::UnmatchedEndTag(_)
            | IllFormedError::MissingEndTag(_),
        ) => "this closes what is not open",
        _ => "this is not well-formed",
    }
}

struct Builder<'a> {
    text: &'a str,
    strip: bool,
    tree: Tree<'a>,
    /// The document and the elements that are open.
    open: Vec<u32>,
}

impl<'a> Builder<'a> {
    fn take(&mut self, event: Event<'a>, start: usize) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.element(start, tag.name().as_ref().len(), tag.len(), true),
            Event::Empty(tag) => self.element(start, tag.name().as_ref().len(), tag.len(), false),
            Event::End(_) => {
                self.open.pop();
                Ok(())
            }
            Event::Text(text) => self.characters(Kind::Text, slice(text.into_inner()), start),
            Event::CData(text) => self.characters(Kind::Text, slice(text.into_inner()), start),
            Event::GeneralRef(name) => {
                let name = name.into_inner();
                if resolve(&name).is_none() {
                    return Err(Fault::at(start, "this entity is not one of XML's own"));
                }
                self.characters(Kind::Reference, slice(name), start)
            }
            Event::DocType(text) if text.contains('[') => {
                Err(Fault::at(start, "a DOCTYPE with declarations is refused"))
            }
            Event::DocType(_) if self.tree.nodes.len() > 1 => {
                Err(Fault::at(start, "a DOCTYPE stands before the root element"))
            }
            Event::Decl(_) if start > 0 => {
                Err(Fault::at(start, "an XML declaration stands at the very start"))
            }
            Event::Decl(_) | Event::DocType(_) | Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    /// Text, which may stand within the root element only.
    fn characters(&mut self, kind: Kind, text: Option<&'a str>, start: usize) -> Result<(), Fault> {
        let Some(text) = text else { return Err(Fault::at(start, "this is not well-formed")) };
        let parent = self.parent();
        if parent == DOCUMENT {
            let blank = kind == Kind::Text && is_blank(text);
            return if blank { Ok(()) } else { Err(Fault::at(start, "text outside of the root element")) };
        }
        if !text.is_empty() {
            self.tree.append(parent, Node { text, ..Node::new(kind) });
        }
        Ok(())
    }

    fn parent(&self) -> u32 {
        self.open.last().copied().unwrap_or(DOCUMENT)
    }

    /// A tag that starts with `<` at `start`, has a name of `name` bytes and `length` bytes up to `>` or `/>`.
    fn element(&mut self, start: usize, name: usize, length: usize, opens: bool) -> Result<(), Fault> {
        let from = start.saturating_add(1);
        let tag = self.text.get(from..from.saturating_add(length)).unwrap_or_default();
        let whole = tag.get(..name).unwrap_or_default();
        let parent = self.parent();
        if parent == DOCUMENT && self.tree.nodes.len() > 1 {
            return Err(Fault::at(start, "a second root element"));
        }
        if !is_name(whole) {
            return Err(Fault::at(start, "this is not a name"));
        }
        if self.open.len() > DEPTH {
            return Err(Fault::at(start, "it nests more than 128 levels deep"));
        }
        let node = Node { name: self.name(whole), ..Node::new(Kind::Element) };
        let element = self.tree.append(parent, node);
        self.attributes(element, tag, name, from)?;
        if opens {
            self.open.push(element);
        }
        Ok(())
    }

    fn attributes(&mut self, element: u32, tag: &'a str, name: usize, start: usize) -> Result<(), Fault> {
        // The library's own check compares each with each.
        let mut names: Vec<&str> = Vec::new();
        for attribute in Attributes::new(tag, name).with_checks(false) {
            let wrong = |what: &'static str| Fault::at(start, what);
            let attribute =
                attribute.map_err(|_| wrong("an attribute of this element is not well-formed"))?;
            let (name, Cow::Borrowed(text)) = (attribute.key.into_inner(), attribute.value) else {
                return Err(wrong("an attribute of this element is not well-formed"));
            };
            if !is_name(name) || text.contains('<') {
                return Err(wrong("an attribute of this element is not well-formed"));
            }
            if !references_are_known(text) {
                return Err(wrong("an attribute of this element has an entity that is not one of XML's own"));
            }
            names.push(name);
            if !(self.strip && (name == "xmlns" || name.starts_with("xmlns:"))) {
                let node = Node { name: self.name(name), text, ..Node::new(Kind::Attribute) };
                self.tree.append(element, node);
            }
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(Fault::at(start, "this element has an attribute twice"));
        }
        Ok(())
    }

    fn name(&self, whole: &'a str) -> &'a str {
        match whole.rsplit_once(':') {
            Some((_, local)) if self.strip && !local.is_empty() => local,
            _ => whole,
        }
    }
}

/// Whether a text is white space alone (section 2.3).
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

fn references_are_known(text: &str) -> bool {
    text.split('&').skip(1).all(|rest| rest.split_once(';').is_some_and(|(name, _)| resolve(name).is_some()))
}

/// The character that a reference stands for (sections 4.1 and 4.6).
pub(super) fn resolve(name: &str) -> Option<char> {
    let number = |digits: &str, radix: u32| {
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let code = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(digits) => number(digits, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    };
    char::from_u32(code?).filter(|&c| is_char(c))
}
