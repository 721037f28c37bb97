//! Variables bound by patterns, and the loops over what a source gives.

use super::names::{self, Binding, Scope};
use super::{Compiler, Expr, Flow, Made};
use crate::code::{Constant, Op, Operand};
use crate::syntax::ast::{Id, Pattern, PatternEntry};

impl Compiler<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of the construct")]
    pub(super) fn bind(
        &mut self,
        tree: usize,
        source: Id,
        patterns: &[Pattern],
        body: Id,
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let source = self.emit(Expr { tree, id: source }, scope, input.plain(), false)?;
        let mut forks = source.forks;
        let [pattern] = patterns else {
            return self.bind_any(tree, source, patterns, body, scope, input);
        };
        let (scope, more) = self.pattern(tree, pattern, source.value, scope, scope)?;
        forks |= more;
        let out = self.emit(Expr { tree, id: body }, &scope, input.shared_if(forks), tail)?;
        Ok(Flow { forks: forks || out.forks, ..out })
    }

    /// `source as p ?// q | body`: an error in the first leads to the second. All variables of all of them are there,
    /// null where the pattern does not bind them.
    fn bind_any(
        &mut self,
        tree: usize,
        source: Flow,
        patterns: &[Pattern],
        body: Id,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let mut names = Vec::new();
        patterns.iter().for_each(|pattern| names::of_pattern(pattern, &mut names));
        let null = self.constant(Constant::Null);
        let source_value = self.fresh();
        self.op(Op::Move { to: source_value, from: source.value });
        let mut ends = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            let mut all = scope.clone();
            for name in &names {
                let register = self.fresh();
                self.op(Op::Move { to: register, from: null });
                all = all.with(Binding::Variable { name: name.clone(), level: self.level, register });
            }
            let last = at + 1 == patterns.len();
            let other = (!last).then(|| self.op(Op::OrElse { to: 0 }));
            let (bound, _) = self.pattern(tree, pattern, Operand::shared(source_value), &all, &all)?;
            let out = self.emit(Expr { tree, id: body }, &bound, input.shared(), false)?;
            self.move_to(out, value, path);
            ends.push(self.op(Op::Jump { to: 0 }));
            if let Some(other) = other {
                self.land(other);
            }
        }
        ends.into_iter().for_each(|end| self.land(end));
        Ok(Self::of(value, path, true))
    }

    /// Binds the variables of a pattern. Keys of objects are evaluated in the scope outside, with the variables that
    /// stand before them.
    pub(super) fn pattern(
        &mut self,
        tree: usize,
        pattern: &Pattern,
        value: Operand,
        scope: &Scope,
        outside: &Scope,
    ) -> Made<(Scope, bool)> {
        match pattern {
            Pattern::Variable(name) => {
                let register = self.fresh();
                self.op(Op::Move { to: register, from: value });
                let binding = Binding::Variable { name: name.clone(), level: self.level, register };
                Ok((scope.with(binding), false))
            }
            Pattern::Array(items) => {
                let (mut scope, mut forks) = (scope.clone(), false);
                for (at, item) in items.iter().enumerate() {
                    let key = self.number(&at.to_string());
                    let to = self.fresh();
                    self.op(Op::Index { to, from: value.share(), key, optional: false });
                    let (inner, more) = self.pattern(tree, item, Operand::shared(to), &scope, outside)?;
                    scope = inner;
                    forks |= more;
                }
                Ok((scope, forks))
            }
            Pattern::Object(entries) => {
                let (mut scope, mut forks) = (scope.clone(), false);
                for entry in entries {
                    let (inner, more) = self.pattern_entry(tree, entry, value.share(), &scope, outside)?;
                    scope = inner;
                    forks |= more;
                }
                Ok((scope, forks))
            }
        }
    }

    fn pattern_entry(
        &mut self,
        tree: usize,
        entry: &PatternEntry,
        value: Operand,
        scope: &Scope,
        outside: &Scope,
    ) -> Made<(Scope, bool)> {
        let input = Flow { value, path: None, forks: false };
        let key = self.emit(Expr { tree, id: entry.key }, scope, input, false)?;
        let to = self.fresh();
        self.op(Op::Index { to, from: value, key: key.value.share(), optional: false });
        let (mut scope, mut forks) = (scope.clone(), key.forks);
        if let Some(name) = &entry.variable {
            scope = scope.with(Binding::Variable { name: name.clone(), level: self.level, register: to });
        }
        if let Some(pattern) = &entry.pattern {
            let (inner, more) = self.pattern(tree, pattern, Operand::shared(to), &scope, outside)?;
            scope = inner;
            forks |= more;
        }
        Ok((scope, forks))
    }

    /// Binds what a source gives to patterns, the first that fits.
    pub(super) fn source(
        &mut self,
        tree: usize,
        (source, patterns): (Id, &[Pattern]),
        scope: &Scope,
        input: Flow,
    ) -> Made<Scope> {
        let out = self.emit(Expr { tree, id: source }, scope, Flow { path: None, ..input }, false)?;
        let [pattern] = patterns else {
            return self.problem("`?//` can stand only in `… as … |`");
        };
        Ok(self.pattern(tree, pattern, out.value, scope, scope)?.0)
    }

    pub(super) fn reduce(
        &mut self,
        tree: usize,
        source: (Id, &[Pattern]),
        init: Id,
        update: Id,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let init = self.emit(Expr { tree, id: init }, scope, input.shared(), false)?;
        self.move_to(init, value, path);
        let end = self.op(Op::Fork { to: 0 });
        let scope = self.source(tree, source, scope, input.shared_if(init.forks))?;
        let (taken, taken_path) = (self.fresh(), self.fresh_path(input));
        self.move_to(Self::of(value, path, false), taken, taken_path);
        let out = self.emit(Expr { tree, id: update }, &scope, Self::of(taken, taken_path, false), false)?;
        self.move_to(out, value, path);
        self.op(Op::Back);
        self.land(end);
        Ok(Self::of(value, path, init.forks))
    }

    pub(super) fn foreach(
        &mut self,
        tree: usize,
        source: (Id, &[Pattern]),
        (init, update, extract): (Id, Id, Option<Id>),
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let init = self.emit(Expr { tree, id: init }, scope, input.shared(), false)?;
        self.move_to(init, value, path);
        let scope = self.source(tree, source, scope, input.shared_if(init.forks))?;
        let (taken, taken_path) = (self.fresh(), self.fresh_path(input));
        self.move_to(Self::of(value, path, false), taken, taken_path);
        let out = self.emit(Expr { tree, id: update }, &scope, Self::of(taken, taken_path, false), false)?;
        self.move_to(out, value, path);
        let state = Self::of(value, path, true).shared();
        let out = match extract {
            Some(extract) => self.emit(Expr { tree, id: extract }, &scope, state, false)?,
            None => state,
        };
        Ok(Flow { forks: true, ..out })
    }
}
