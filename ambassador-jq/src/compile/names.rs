//! What names mean, and where.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use super::Expr;
use crate::code::Register;
use crate::syntax::ast::{self, Id, Kind, Pattern, Piece, Tree, Value};

/// The names that can be seen from somewhere, the nearest first. Scopes share their tails.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(Option<Rc<Link>>);

#[derive(Debug)]
struct Link {
    binding: Binding,
    outer: Scope,
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut outer = self.outer.0.take();
        while let Some(mut link) = outer.and_then(Rc::into_inner) {
            outer = link.outer.0.take();
        }
    }
}

/// A filter given as an argument: an expression and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Closure {
    pub(super) expr: Expr,
    pub(super) scope: Scope,
    pub(super) place: Range<u32>,
}

/// What a name means.
#[derive(Debug)]
pub(super) enum Binding {
    Variable {
        name: String,
        level: u32,
        register: Register,
    },
    Label {
        name: String,
        level: u32,
        register: Register,
    },
    /// A parameter that is known while compiling.
    Closure {
        name: String,
        closure: Closure,
    },
    /// A parameter of a function.
    Given {
        name: String,
        level: u32,
        slot: u32,
    },
    Definition(Rc<Definition>),
}

/// A definition.
#[derive(Debug)]
pub(super) struct Definition {
    name: String,
    arity: usize,
    pub(super) tree: usize,
    node: Id,
    index: usize,
    /// What it sees, but for itself.
    pub(super) scope: Scope,
    pub(super) level: u32,
    pub(super) recursive: bool,
    /// Its number as a function, and which of its code has been asked for.
    pub(super) function: Cell<Option<u32>>,
    pub(super) asked: Cell<bool>,
    pub(super) asked_path: Cell<bool>,
}

impl Scope {
    pub(super) fn with(&self, binding: Binding) -> Self {
        Self(Some(Rc::new(Link { binding, outer: self.clone() })))
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        let mut next = self.0.as_deref();
        std::iter::from_fn(move || {
            let link = next?;
            next = link.outer.0.as_deref();
            Some(link)
        })
    }

    pub(super) fn variable(&self, wanted: &str) -> Option<(u32, Register)> {
        self.links().find_map(|link| match &link.binding {
            Binding::Variable { name, level, register } if name == wanted => Some((*level, *register)),
            _ => None,
        })
    }

    pub(super) fn label(&self, wanted: &str) -> Option<(u32, Register)> {
        self.links().find_map(|link| match &link.binding {
            Binding::Label { name, level, register } if name == wanted => Some((*level, *register)),
            _ => None,
        })
    }

    pub(super) fn function(&self, wanted: &str, arity: usize) -> Option<&Binding> {
        self.links().map(|link| &link.binding).find(|binding| match binding {
            Binding::Closure { name, .. } | Binding::Given { name, .. } => arity == 0 && name == wanted,
            Binding::Definition(definition) => definition.arity == arity && definition.name == wanted,
            _ => false,
        })
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.links().filter_map(|link| match &link.binding {
            Binding::Variable { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = &str> {
        self.links().filter_map(|link| match &link.binding {
            Binding::Closure { name, .. } | Binding::Given { name, .. } => Some(name.as_str()),
            Binding::Definition(definition) => Some(definition.name.as_str()),
            _ => None,
        })
    }

    pub(super) fn arities(&self, wanted: &str) -> Vec<usize> {
        let arity = |link: &Link| match &link.binding {
            Binding::Definition(definition) if definition.name == wanted => Some(definition.arity),
            _ => None,
        };
        self.links().filter_map(arity).collect()
    }
}

impl Definition {
    /// The one that stands at this place of a tree.
    pub(super) fn new(
        scope: &Scope,
        (tree_number, tree): (usize, &Tree),
        node: Id,
        index: usize,
        level: u32,
    ) -> Option<Self> {
        let Kind::Def(definitions, _) = &tree.node(node).kind else { return None };
        let written = definitions.get(index)?;
        let arity = written.parameters.len();
        Some(Self {
            name: written.name.clone(),
            arity,
            tree: tree_number,
            node,
            index,
            scope: scope.clone(),
            level,
            recursive: calls(tree, written.body, &written.name, arity),
            function: Cell::new(None),
            asked: Cell::new(false),
            asked_path: Cell::new(false),
        })
    }

    /// How it is written.
    pub(super) fn written<'t>(&self, tree: &'t Tree) -> Option<&'t ast::Definition> {
        match &tree.node(self.node).kind {
            Kind::Def(definitions, _) => definitions.get(self.index),
            _ => None,
        }
    }
}

/// Whether an expression calls this function anywhere, as far as the name tells.
fn calls(tree: &Tree, body: Id, name: &str, arity: usize) -> bool {
    let mut work = vec![body];
    while let Some(id) = work.pop() {
        match &tree.node(id).kind {
            Kind::Call(called, arguments) => {
                if called == name && arguments.len() == arity {
                    return true;
                }
                work.extend(arguments);
            }
            kind => children(kind, &mut work),
        }
    }
    false
}

/// The expressions within one.
fn children(kind: &Kind, work: &mut Vec<Id>) {
    match kind {
        Kind::Identity
        | Kind::RecurseDefault
        | Kind::Number(_)
        | Kind::Format(_)
        | Kind::Array(None)
        | Kind::Variable(_)
        | Kind::Location
        | Kind::Break(_) => {}
        Kind::String(_, pieces) => work.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Interpolation(id) => Some(*id),
            Piece::Text(_) => None,
        })),
        Kind::Array(Some(id))
        | Kind::Negate(id)
        | Kind::Iterate(id)
        | Kind::Optional(id)
        | Kind::Label(_, id) => work.push(*id),
        Kind::Object(entries) => {
            for entry in entries {
                work.push(entry.key);
                if let Value::Given(id) = entry.value {
                    work.push(id);
                }
            }
        }
        Kind::Pipe(ids) | Kind::Comma(ids) | Kind::Call(_, ids) => work.extend(ids),
        Kind::Alternative(a, b) | Kind::Compare(_, a, b) | Kind::And(a, b) | Kind::Or(a, b) => {
            work.extend([a, b]);
        }
        Kind::Assign(_, a, b) | Kind::Index(a, b) => work.extend([a, b]),
        Kind::Arithmetic(first, rest) => {
            work.push(*first);
            work.extend(rest.iter().map(|(_, _, id)| *id));
        }
        Kind::Slice(of, from, to) => {
            work.push(*of);
            work.extend(from.iter().chain(to));
        }
        Kind::Try(body, handler) => {
            work.push(*body);
            work.extend(handler);
        }
        Kind::If(branches, otherwise) => {
            work.extend(branches.iter().flat_map(|(condition, branch)| [*condition, *branch]));
            work.extend(otherwise);
        }
        Kind::Bind(source, patterns, body) => {
            work.extend([source, body]);
            patterns.iter().for_each(|pattern| keys(pattern, work));
        }
        Kind::Reduce(source, patterns, init, update) => {
            work.extend([source, init, update]);
            patterns.iter().for_each(|pattern| keys(pattern, work));
        }
        Kind::Foreach(source, patterns, init, update, extract) => {
            work.extend([source, init, update]);
            work.extend(extract);
            patterns.iter().for_each(|pattern| keys(pattern, work));
        }
        Kind::Def(definitions, rest) => {
            work.push(*rest);
            work.extend(definitions.iter().map(|definition| definition.body));
        }
    }
}

/// The keys within a pattern.
fn keys(pattern: &Pattern, work: &mut Vec<Id>) {
    let mut patterns = vec![pattern];
    while let Some(pattern) = patterns.pop() {
        match pattern {
            Pattern::Variable(_) => {}
            Pattern::Array(items) => patterns.extend(items),
            Pattern::Object(entries) => {
                for entry in entries {
                    work.push(entry.key);
                    patterns.extend(&entry.pattern);
                }
            }
        }
    }
}

/// The variables that a pattern binds.
pub(super) fn of_pattern(pattern: &Pattern, names: &mut Vec<String>) {
    let mut patterns = vec![pattern];
    let mut add = |name: &String| {
        if !names.contains(name) {
            names.push(name.clone());
        }
    };
    while let Some(pattern) = patterns.pop() {
        match pattern {
            Pattern::Variable(name) => add(name),
            Pattern::Array(items) => patterns.extend(items),
            Pattern::Object(entries) => {
                for entry in entries {
                    entry.variable.iter().for_each(&mut add);
                    patterns.extend(&entry.pattern);
                }
            }
        }
    }
}

/// The name most like this one, if any is like it.
pub(super) fn hint<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let near = known.filter(|known| !known.starts_with('_')).map(|known| (distance(name, known), known));
    let (distance, near) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4 && distance < name.len()).then(|| near.to_owned())
}

/// How many letters have to be changed, added, left out or swapped with their neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > 3 || a.len() > 40 {
        return usize::MAX;
    }
    let mut rows: [Vec<usize>; 3] = [Vec::new(), Vec::new(), (0..=b.len()).collect()];
    for (i, letter) in a.iter().enumerate() {
        rows.rotate_left(1);
        let mut row = vec![i + 1];
        let above = rows.get(1).cloned().unwrap_or_default();
        let before = rows.first().cloned().unwrap_or_default();
        let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
        for (j, other) in b.iter().enumerate() {
            let mut best = (at(&above, j) + usize::from(letter != other))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(other) && b.get(j - 1) == Some(letter);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        if let Some(last) = rows.last_mut() {
            *last = row;
        }
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(usize::MAX)
}
