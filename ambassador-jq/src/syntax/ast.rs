//! The syntax tree. Nodes stand in one vector and name each other by number, so that a long program is no deep one
//! to build or to drop.

use std::ops::Range;

pub(crate) use crate::code::{Comparison, Operator};

/// A node's number in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u32);

/// A node and the bytes of the program that it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// All nodes of a program.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    pub(crate) root: Id,
}

impl Tree {
    pub(super) fn new(nodes: Vec<Node>, root: Id) -> Self {
        Self { nodes, root }
    }

    /// The node of this number.
    pub(crate) fn node(&self, id: Id) -> &Node {
        const NONE: &Node = &Node { kind: Kind::Identity, range: 0..0 };
        self.nodes.get(id.0 as usize).unwrap_or(NONE)
    }
}

/// Puts a node into a tree that is being built.
pub(super) fn push(nodes: &mut Vec<Node>, kind: Kind, range: Range<usize>) -> Id {
    // A program has at most a mebibyte, and no node without a byte.
    let id = Id(u32::try_from(nodes.len()).unwrap_or(u32::MAX));
    nodes.push(Node { kind, range });
    id
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// `.`
    Identity,
    /// `..`
    RecurseDefault,
    /// A number, as it is written.
    Number(String),
    /// A string, with the format of its interpolations: `@base64 "…\(.)…"`.
    String(Option<String>, Vec<Piece>),
    /// `@base64` alone.
    Format(String),
    /// `[…]`, or `[]` with nothing.
    Array(Option<Id>),
    /// `{…}`
    Object(Vec<Entry>),
    /// `$x`
    Variable(String),
    /// `$__loc__`
    Location,
    /// `-…`
    Negate(Id),
    /// `a | b | c`, two at least.
    Pipe(Vec<Id>),
    /// `a, b, c`, two at least.
    Comma(Vec<Id>),
    /// `a // b`
    Alternative(Id, Id),
    /// `a + b - c`: the first and what follows it, from left to right; all of one precedence.
    Arithmetic(Id, Vec<(Operator, Range<usize>, Id)>),
    /// `a < b`
    Compare(Comparison, Id, Id),
    /// `a and b`
    And(Id, Id),
    /// `a or b`
    Or(Id, Id),
    /// `a = b`, `a |= b`, `a += b` and so on.
    Assign(Assignment, Id, Id),
    /// `a.b`, `a["b"]`, `a.["b"]`: the key is evaluated with the input of the whole.
    Index(Id, Id),
    /// `a[]`
    Iterate(Id),
    /// `a[from:to]`
    Slice(Id, Option<Id>, Option<Id>),
    /// `a.b?`, `a[b]?`, `a[]?`, `a[b:c]?`: the last step alone may fail, which gives nothing.
    Optional(Id),
    /// `(a)?`, and `try a catch b`.
    Try(Id, Option<Id>),
    /// `if a then b elif c then d else e end`
    If(Vec<(Id, Id)>, Option<Id>),
    /// `source as pattern ?// pattern | body`
    Bind(Id, Vec<Pattern>, Id),
    /// `reduce source as pattern (init; update)`
    Reduce(Id, Vec<Pattern>, Id, Id),
    /// `foreach source as pattern (init; update; extract)`
    Foreach(Id, Vec<Pattern>, Id, Id, Option<Id>),
    /// `label $x | body`
    Label(String, Id),
    /// `break $x`
    Break(String),
    /// `def f: body; def g: body; rest`
    Def(Vec<Definition>, Id),
    /// `f`, `f(a; b)`
    Call(String, Vec<Id>),
}

/// A piece of a string.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Interpolation(Id),
}

/// An entry of an object: a key, which gives strings, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Id,
    /// Where there is none, the input at that key: `{a}`; or the variable's value: `{$x}`.
    pub(crate) value: Value,
}

/// The value of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `{a}`, `{"a"}`, `{"\(…)"}`
    OfInput,
    /// All others; `{$x}` is `{x: $x}`.
    Given(Id),
}

/// What a value is taken apart by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pattern {
    /// `$x`
    Variable(String),
    /// `[pattern, …]`
    Array(Vec<Pattern>),
    /// `{key: pattern, …}`
    Object(Vec<PatternEntry>),
}

/// An entry of an object pattern: `$x`, `$x: pattern`, `key: pattern`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PatternEntry {
    /// Bound to the value as a whole.
    pub(crate) variable: Option<String>,
    pub(crate) key: Id,
    pub(crate) pattern: Option<Pattern>,
}

/// `def name(parameters): body;`
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Id,
    pub(crate) range: Range<usize>,
}

/// A parameter of a definition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// `$name`: bound to a value, and a filter as well.
    pub(crate) is_value: bool,
}

/// How the values at paths are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignment {
    /// `=`
    Set,
    /// `|=`
    Update,
    /// `+=` and its like.
    Arithmetic(Operator),
    /// `//=`
    Alternative,
}
