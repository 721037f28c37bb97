//! A document as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::DEPTH;
use super::super::error::Fault;
use super::super::options::{Choice, choose, refuse};
use super::super::output::Output;
use super::Keys;
use super::tree::{DOCUMENT, Kind, NONE, Node, Tree, is_blank, resolve};
use crate::config;
use crate::problem::{Path, Problem};

/// What becomes of prefixes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Namespaces {
    #[default]
    Keep,
    Strip,
}

/// Reads XML.
#[derive(Debug, Default)]
pub(in super::super) struct Reader {
    keys: Keys,
    namespaces: Namespaces,
    /// Each as the names from the root, or one name for any place.
    lists: Vec<Vec<String>>,
}

impl Reader {
    pub(in super::super) fn new(written: &config::Xml, path: &Path, problems: &mut Vec<Problem>) -> Self {
        let to = [("root", written.root.is_some()), ("item", written.item.is_some())];
        refuse("to", &to, path, problems);
        let choices: [Choice<Namespaces>; 2] = [("keep", Namespaces::Keep), ("strip", Namespaces::Strip)];
        let list_path = path.key("forceList");
        let lists = written.force_list.iter().flatten().enumerate().map(|(at, written)| {
            let names: Vec<String> = written.split('/').map(str::to_owned).collect();
            if !names.iter().all(|name| super::is_name(name)) {
                let problem = Problem::new(&list_path.index(at), "not the name or path of an element");
                problems.push(problem.hint("write item, or stock/item from the root on"));
            }
            names
        });
        let lists = lists.collect();
        Self {
            keys: Keys::new(written, path, problems),
            namespaces: choose(written.namespaces.as_deref(), &choices, &path.key("namespaces"), problems),
            lists,
        }
    }

    pub(in super::super) fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        let tree = Tree::read(text, self.namespaces == Namespaces::Strip)?;
        Emitter { reader: self, tree, output, path: Vec::new(), stack: Vec::new(), depth: 0 }.run()
    }

    fn is_list(&self, path: &[&str], name: &str) -> bool {
        self.lists.iter().any(|list| match list.as_slice() {
            [only] => only == name,
            [parents @ .., last] => {
                last == name && parents.iter().map(String::as_str).eq(path.iter().copied())
            }
            [] => false,
        })
    }
}

/// The children of an element that have the same key.
struct Group<'a> {
    key: Cow<'a, str>,
    first: u32,
    last: u32,
    is_list: bool,
}

/// An element that is being written: which group, and which node of it, comes next.
struct Frame<'a> {
    groups: std::vec::IntoIter<Group<'a>>,
    is_first_group: bool,
    next: u32,
    in_list: bool,
    is_first_item: bool,
}

struct Emitter<'a, 'b> {
    reader: &'b Reader,
    tree: Tree<'a>,
    output: &'b mut Output,
    /// The names of the elements that are being written, from the root.
    path: Vec<&'a str>,
    stack: Vec<Frame<'a>>,
    /// Braces and brackets that are open.
    depth: usize,
}

impl<'a> Emitter<'a, '_> {
    fn run(mut self) -> Result<(), Fault> {
        self.open(DOCUMENT)?;
        while let Some(frame) = self.stack.last_mut() {
            let (at, in_list) = (frame.next, frame.in_list);
            if let Some(&node) = self.tree.get(at) {
                frame.next = node.same;
                self.value(at, &node)?;
                // A further item of a list; a frame that was opened is on top now.
                continue;
            }
            if in_list {
                self.output.raw("]")?;
                self.depth = self.depth.saturating_sub(1);
            }
            let Some(group) = frame.groups.next() else {
                self.output.raw("}")?;
                self.depth = self.depth.saturating_sub(1);
                self.stack.pop();
                self.path.pop();
                continue;
            };
            let separator = if frame.is_first_group { "" } else { "," };
            frame.is_first_group = false;
            (frame.next, frame.in_list, frame.is_first_item) = (group.first, group.is_list, true);
            self.output.raw(separator)?;
            self.output.string(&group.key)?;
            self.output.raw(if group.is_list { ":[" } else { ":" })?;
            if group.is_list {
                self.deeper()?;
            }
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH { Err(Fault::new("it nests more than 128 levels deep")) } else { Ok(()) }
    }

    /// Writes a node, or opens it.
    fn value(&mut self, at: u32, node: &Node<'a>) -> Result<(), Fault> {
        if let Some(frame) = self.stack.last_mut() {
            let is_further_item = !std::mem::replace(&mut frame.is_first_item, false);
            self.output.raw(if is_further_item { "," } else { "" })?;
        }
        match node.kind {
            Kind::Attribute => {
                self.output.raw("\"")?;
                self.attribute(node.text)?;
                self.output.raw("\"")
            }
            Kind::Element if self.has_structure(at) => self.open(at),
            Kind::Element => self.all_text(at, true),
            Kind::AllText => self.all_text(node.first, false),
            Kind::Text | Kind::Reference => Ok(()),
        }
    }

    fn has_structure(&self, at: u32) -> bool {
        self.tree.children(at).any(|(_, child)| matches!(child.kind, Kind::Element | Kind::Attribute))
    }

    /// Opens an element as an object.
    fn open(&mut self, at: u32) -> Result<(), Fault> {
        self.output.raw("{")?;
        self.deeper()?;
        if at != DOCUMENT {
            self.path.push(self.tree.get(at).map_or("", |node| node.name));
        }
        let groups = self.groups(at).into_iter();
        self.stack.push(Frame {
            groups,
            is_first_group: true,
            next: NONE,
            in_list: false,
            is_first_item: true,
        });
        Ok(())
    }

    /// Chains the children of each key, in the order in which keys first appear; the text comes last.
    fn groups(&mut self, at: u32) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut places: BTreeMap<Cow<'a, str>, usize> = BTreeMap::new();
        let mut next = self.tree.get(at).map_or(NONE, |node| node.first);
        let mut text = None;
        if self.has_text(at) {
            text = Some(self.tree.push(Node { first: at, ..Node::new(Kind::AllText) }));
        }
        while let Some(&node) = self.tree.get(next) {
            let (child, kind) = (next, node.kind);
            next = node.next;
            let key: Cow<'a, str> = match kind {
                Kind::Element => Cow::Borrowed(node.name),
                Kind::Attribute => Cow::Owned([&self.reader.keys.attribute_prefix, node.name].concat()),
                _ => continue,
            };
            let forced = kind == Kind::Element && self.reader.is_list(&self.path, node.name);
            self.add(&mut groups, &mut places, key, child, forced);
        }
        if let Some(text) = text {
            let key = Cow::Owned(self.reader.keys.text_key.clone());
            self.add(&mut groups, &mut places, key, text, false);
        }
        groups
    }

    fn add(
        &mut self,
        groups: &mut Vec<Group<'a>>,
        places: &mut BTreeMap<Cow<'a, str>, usize>,
        key: Cow<'a, str>,
        node: u32,
        forced: bool,
    ) {
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            None => groups.push(Group { key, first: node, last: node, is_list: forced }),
            Some(group) => {
                if let Some(last) = self.tree.get_mut(group.last) {
                    last.same = node;
                }
                group.last = node;
                group.is_list = true;
            }
        }
    }

    /// Whether there is text in an element beside what only lays out its children.
    fn has_text(&self, at: u32) -> bool {
        self.tree.children(at).any(|(_, child)| match child.kind {
            Kind::Text => !is_blank(child.text),
            kind => kind == Kind::Reference,
        })
    }

    /// All text of an element as a string: of one with children without the runs that are white space alone.
    fn all_text(&mut self, at: u32, blanks: bool) -> Result<(), Fault> {
        self.output.raw("\"")?;
        let mut next = self.tree.get(at).map_or(NONE, |node| node.first);
        // A run begins at `run`, and counts from the first piece of it that is no white space.
        let (mut run, mut counts) = (next, blanks);
        while let Some(&node) = self.tree.get(next) {
            let is_text = matches!(node.kind, Kind::Text | Kind::Reference);
            if !is_text {
                (run, counts) = (node.next, blanks);
            } else if counts {
                self.piece(&node)?;
            } else if node.kind == Kind::Reference || !is_blank(node.text) {
                counts = true;
                let mut from = run;
                while let Some(&before) = self.tree.get(from) {
                    self.piece(&before)?;
                    if from == next {
                        break;
                    }
                    from = before.next;
                }
            }
            next = node.next;
        }
        self.output.raw("\"")
    }

    fn piece(&mut self, node: &Node<'a>) -> Result<(), Fault> {
        if node.kind == Kind::Reference {
            return self.character(node.text);
        }
        // Line breaks of any kind are one line feed (section 2.11).
        for (at, line) in node.text.split('\r').enumerate() {
            let line = match (at, line.strip_prefix('\n')) {
                (0, _) => line,
                (_, rest) => {
                    self.output.escape("\n")?;
                    rest.unwrap_or(line)
                }
            };
            self.output.escape(line)?;
        }
        Ok(())
    }

    fn character(&mut self, reference: &str) -> Result<(), Fault> {
        let mut buffer = [0; 4];
        match resolve(reference) {
            Some(c) => self.output.escape(c.encode_utf8(&mut buffer)),
            None => Ok(()),
        }
    }

    /// The value of an attribute: white space of any kind is a blank (section 3.3.3).
    fn attribute(&mut self, text: &str) -> Result<(), Fault> {
        let mut rest = text;
        while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.output.escape(plain)?;
            rest = if let Some(reference) = special.strip_prefix('&') {
                let (name, behind) = reference.split_once(';').unwrap_or((reference, ""));
                self.character(name)?;
                behind
            } else {
                self.output.escape(" ")?;
                special.strip_prefix("\r\n").or(special.get(1..)).unwrap_or_default()
            };
        }
        self.output.escape(rest)
    }
}
