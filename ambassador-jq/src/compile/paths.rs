//! What follows paths: suffixes, and assignments.

use std::ops::Range;

use super::names::Scope;
use super::{Compiler, Expr, Flow, Made, Noted};
use crate::builtins;
use crate::code::{Constant, Op, Operand, Place};
use crate::syntax::ast::{Assignment, Id, Kind, Piece};

impl Compiler<'_> {
    /// `a.b[c][d:e][]`: the chain as a loop. The keys are evaluated from the last to the first, then what they are
    /// keys of.
    pub(super) fn suffixes(&mut self, tree: usize, kind: &Kind, scope: &Scope, input: Flow) -> Made<Flow> {
        enum Step {
            Each,
            Key(Operand),
        }
        let Some(nodes) = self.trees.get(tree).cloned() else { return Err(Noted) };
        let (mut kind, mut forks, mut kept) = (kind, false, false);
        let mut steps: Vec<(Step, Range<u32>, bool)> = Vec::new();
        let base = loop {
            let at = self.at.clone();
            let mut optional = false;
            if let Kind::Optional(of) = kind {
                optional = true;
                kind = &nodes.node(*of).kind;
            }
            let (of, step) = match kind {
                Kind::Iterate(of) => (*of, Step::Each),
                Kind::Index(of, key) => {
                    let key = self.emit(Expr { tree, id: *key }, scope, input.plain(), false)?;
                    forks |= key.forks;
                    kept |= key.forks || input.is_read_by(key.value);
                    (*of, Step::Key(key.value.share()))
                }
                Kind::Slice(of, from, to) => {
                    let mut bound = |compiler: &mut Self, id: &Option<Id>| -> Made<Operand> {
                        let Some(id) = *id else { return Ok(compiler.constant(Constant::Null)) };
                        let out = compiler.emit(Expr { tree, id }, scope, input.plain(), false)?;
                        forks |= out.forks;
                        Ok(out.value.share())
                    };
                    let (from, end) = (bound(self, from)?, bound(self, to)?);
                    let key = self.fresh();
                    self.op(Op::SliceKey { to: key, from, end });
                    (*of, Step::Key(Operand::shared(key)))
                }
                _ => break None,
            };
            steps.push((step, at, optional));
            let node = nodes.node(of);
            kind = &node.kind;
            if !matches!(kind, Kind::Iterate(_) | Kind::Index(..) | Kind::Slice(..) | Kind::Optional(_)) {
                break Some(of);
            }
        };
        let Some(base) = base else { return Err(Noted) };
        let mut flow = self.emit(Expr { tree, id: base }, scope, input.shared_if(forks || kept), false)?;
        forks |= flow.forks;
        for (step, at, optional) in steps.into_iter().rev() {
            let before = std::mem::replace(&mut self.at, at);
            flow = match step {
                Step::Key(key) => self.index(flow, key, optional),
                Step::Each => {
                    forks = true;
                    self.each(flow, optional)
                }
            };
            self.at = before;
        }
        Ok(Flow { forks, ..flow })
    }

    pub(super) fn index(&mut self, of: Flow, key: Operand, optional: bool) -> Flow {
        let path = of.path.map(|path| {
            let to = self.fresh();
            self.op(Op::Step { to, path: path.share(), key, from: of.value.share() });
            to
        });
        let to = self.fresh();
        self.op(Op::Index { to, from: of.value, key, optional });
        Self::of(to, path, of.forks)
    }

    pub(super) fn each(&mut self, of: Flow, optional: bool) -> Flow {
        let (to, path) = (self.fresh(), self.fresh_path(of));
        let at = of.path.map_or(of.value.share(), Operand::share);
        self.op(Op::Each { to, path, from: of.value, at, optional });
        Self::of(to, path, true)
    }

    pub(super) fn assign(
        &mut self,
        assignment: Assignment,
        target: Expr,
        value: Expr,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let plain = Flow { path: None, ..input };
        if assignment == Assignment::Update {
            let always = (self.is_single(value), true);
            let out = self.update(target, scope, plain, always, |compiler, old| {
                compiler.emit(value, scope, old, false)
            })?;
            return Ok(self.off_path(input, out));
        }
        // The new value is evaluated with the whole as input, once for all paths.
        let right = self.emit(value, scope, plain.shared(), false)?;
        let forks = right.forks;
        let kept = forks || plain.is_read_by(right.value);
        let right = Flow { value: right.value.share(), path: None, forks: false };
        let always = (true, assignment != Assignment::Set);
        let out =
            self.update(target, scope, plain.shared_if(kept), always, |compiler, old| match assignment {
                Assignment::Set | Assignment::Update => Ok(right),
                Assignment::Arithmetic(operator) => {
                    let to = compiler.fresh();
                    compiler.op(Op::Arithmetic { operator, to, a: old.value, b: right.value });
                    Ok(Self::made(to, false))
                }
                Assignment::Alternative => {
                    let to = compiler.fresh();
                    compiler.op(Op::Move { to, from: old.value });
                    let no = compiler.op(Op::Unless { from: Operand::shared(to), to: 0 });
                    let end = compiler.op(Op::Jump { to: 0 });
                    compiler.land(no);
                    compiler.op(Op::Move { to, from: right.value });
                    compiler.land(end);
                    Ok(Self::made(to, false))
                }
            })?;
        Ok(self.off_path(input, Flow { forks: forks || out.forks, ..out }))
    }

    /// Changes what is at each path of the target: the first value that `new` gives; where it gives none, what is there
    /// goes, after all paths have been visited. `always` says that it gives one, and the second flag whether it looks at
    /// what was there.
    pub(super) fn update(
        &mut self,
        target: Expr,
        scope: &Scope,
        input: Flow,
        (always, needs_old): (bool, bool),
        new: impl FnOnce(&mut Self, Flow) -> Made<Flow>,
    ) -> Made<Flow> {
        if always && let Some(key) = self.plain_key(target) {
            let key = self.emit(key, scope, input.plain(), false)?.value;
            let root = self.fresh();
            self.op(Op::Move { to: root, from: input.value });
            let old = self.fresh();
            if needs_old {
                self.op(Op::TakeKey { to: old, root, key: key.share() });
            }
            let out = new(self, Self::made(old, false))?;
            self.op(Op::PutKey { root, key: key.share(), from: out.value });
            return Ok(Self::made(root, false));
        }
        let (root, gone, path_root) = (self.fresh(), self.fresh(), self.fresh());
        let null = self.constant(Constant::Null);
        let empty = self.constant(Constant::EmptyArray);
        // The paths are those of the value as it was.
        let before = self.fresh();
        self.op(Op::Move { to: before, from: input.value });
        self.op(Op::Move { to: root, from: Operand::shared(before) });
        self.op(Op::Move { to: gone, from: empty });
        self.op(Op::Move { to: path_root, from: null });
        let end = self.op(Op::Fork { to: 0 });
        let at = Self::of(before, Some(path_root), false);
        let at = self.emit(target, scope, at, false)?;
        let path = self.fresh();
        self.op(Op::PathArray { to: path, path: at.path.unwrap_or(null), value: at.value.share() });
        // Let go of what is there, so that it can be changed in place; and of the whole, unless more paths come of it.
        if let Place::Taken(register) = at.value.place() {
            self.op(Op::Move { to: register, from: null });
        }
        if !at.forks {
            self.op(Op::Move { to: before, from: null });
        }
        let (mark, old) = (self.fresh(), self.fresh());
        self.op(Op::Mark { to: mark });
        let none = self.op(Op::Fork { to: 0 });
        self.op(Op::TakeAt { to: old, root, path: Operand::shared(path) });
        let out = new(self, Self::made(old, false))?;
        self.op(Op::Cut { mark });
        self.op(Op::PutAt { root, path: Operand::taken(path), from: out.value });
        self.op(Op::Back);
        self.land(none);
        self.op(Op::Append { to: gone, from: Operand::taken(path) });
        self.land(end);
        let list = self.list(vec![Operand::taken(root), Operand::taken(gone)]);
        let to = self.fresh();
        self.op(Op::Native { native: builtins::DELETE_PATHS, to, list });
        Ok(Self::made(to, false))
    }

    /// The key of a path that is nothing but one key of the input.
    pub(super) fn plain_key(&self, target: Expr) -> Option<Expr> {
        let tree = self.trees.get(target.tree)?;
        let Kind::Index(of, key) = tree.node(target.id).kind else { return None };
        let key_expr = Expr { tree: target.tree, id: key };
        let is_text = match &tree.node(key).kind {
            Kind::String(_, pieces) => matches!(pieces.as_slice(), [] | [Piece::Text(_)]),
            Kind::Variable(_) | Kind::Number(_) => true,
            _ => false,
        };
        (tree.node(of).kind == Kind::Identity && is_text).then_some(key_expr)
    }
}
