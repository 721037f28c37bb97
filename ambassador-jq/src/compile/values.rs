//! What makes values: literals, variables, strings, arrays, objects, and several outputs.

use super::names::{self, Scope};
use super::{Compiler, Expr, Flow, Made};
use crate::builtins::{self, Native};
use crate::code::{Constant, Op, Operand, Outer, Place};
use crate::syntax::ast::{Id, Piece, Value};

impl Compiler<'_> {
    pub(super) fn literal(&mut self, input: Flow, value: Operand) -> Flow {
        self.off_path(input, Flow { value, path: None, forks: false })
    }

    pub(super) fn number(&mut self, text: &str) -> Operand {
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        let mut written = Vec::new();
        crate::json::number::write(value, &mut written);
        // What JSON would not write so is no text to keep: `.5`, `1.`, `007`.
        let is_json = crate::json::Document::new(text.as_bytes(), 1, usize::MAX).is_ok();
        if written == text.as_bytes() || !is_json {
            self.constant(Constant::Number(value))
        } else {
            self.constant(Constant::Literal(text.to_owned()))
        }
    }

    pub(super) fn location(&mut self, input: Flow) -> Flow {
        // The library does not use it, so this is of the program.
        let before = self.text.get(..self.at.start as usize).unwrap_or_default();
        let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
        let keys = ["file", "line"].map(|name| self.constant(Constant::String(name.to_owned())));
        let file = self.constant(Constant::String("<top-level>".to_owned()));
        let line = self.number(&line.to_string());
        let [file_key, line_key] = keys;
        let list = self.list(vec![file_key, file, line_key, line]);
        let to = self.fresh();
        self.op(Op::Object { to, list });
        self.off_path(input, Self::made(to, false))
    }

    pub(super) fn variable(&mut self, name: &str, scope: &Scope) -> Operand {
        if let Some((level, register)) = scope.variable(name) {
            let global = (level == 0).then(|| (register as usize).checked_sub(1)).flatten();
            if let Some(used) = global.and_then(|at| self.code.uses.get_mut(at)) {
                *used = true;
            }
            if level == self.level {
                return Operand::shared(register);
            }
            let to = self.fresh();
            self.op(Op::Load { to, from: Outer { hops: self.level - level, register } });
            return Operand::taken(to);
        }
        if let Some(reason) = builtins::refused(&format!("${name}"), 0) {
            self.note(format!("${name} is not available: {reason}"));
        } else {
            let hint = names::hint(name, scope.variables().chain(self.globals.iter().copied()));
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean `${near}`?"));
            self.note(format!("variable ${name} is not defined{hint}"));
        }
        self.constant(Constant::Null)
    }

    pub(super) fn format(&mut self, name: &str) -> Made<Native> {
        match builtins::format(name) {
            Some(native) => Ok(native),
            None => {
                self.problem(format!("`{name}` is not a format; there are {}", builtins::FORMATS.join(", ")))
            }
        }
    }

    /// Gathers all that an expression gives into an array.
    pub(super) fn collect(
        &mut self,
        input: Flow,
        inner: impl FnOnce(&mut Self, Flow) -> Made<Flow>,
    ) -> Made<Flow> {
        let to = self.fresh();
        let empty = self.constant(Constant::EmptyArray);
        self.op(Op::Move { to, from: empty });
        let end = self.op(Op::Fork { to: 0 });
        let next = self.next;
        let out = inner(self, Flow { path: None, ..input })?;
        self.op(Op::Append { to, from: out.value });
        self.land(end);
        self.next = next;
        Ok(Self::made(to, false))
    }

    pub(super) fn string(
        &mut self,
        tree: usize,
        format: Option<&str>,
        pieces: &[Piece],
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let native = self.format(format.unwrap_or("@text"))?;
        if !pieces.iter().any(|piece| matches!(piece, Piece::Interpolation(_))) {
            let text =
                pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" });
            let text = self.constant(Constant::String(text.collect()));
            return Ok(self.literal(input, text));
        }
        let (mut operands, mut forks) = (Vec::new(), false);
        // The first piece varies fastest.
        for piece in pieces.iter().rev() {
            let operand = match piece {
                Piece::Text(text) => self.constant(Constant::String(text.clone())),
                Piece::Interpolation(id) => {
                    let inner = self.emit(Expr { tree, id: *id }, scope, input.plain(), false)?;
                    if inner.forks {
                        operands.iter_mut().for_each(|operand: &mut Operand| *operand = operand.share());
                        forks = true;
                    }
                    self.native(native, vec![inner.value], false).value
                }
            };
            operands.push(operand);
        }
        operands.reverse();
        let list = self.list(operands);
        let to = self.fresh();
        self.op(Op::Concat { to, list });
        Ok(self.off_path(input, Self::made(to, forks)))
    }

    pub(super) fn object(
        &mut self,
        tree: usize,
        entries: &[crate::syntax::ast::Entry],
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (mut operands, mut forks): (Vec<Operand>, bool) = (Vec::new(), false);
        let next = self.next;
        for entry in entries {
            let mut parts = [entry.key, entry.key].map(|id| Expr { tree, id });
            let key = self.emit(parts[0], scope, input.plain(), false)?;
            operands.push(key.value);
            let value = match entry.value {
                Value::Given(id) => {
                    parts[1] = Expr { tree, id };
                    self.emit(parts[1], scope, input.plain(), false)?
                }
                Value::OfInput => {
                    let to = self.fresh();
                    self.op(Op::Index {
                        to,
                        from: input.value.share(),
                        key: key.value.share(),
                        optional: false,
                    });
                    Self::made(to, false)
                }
            };
            if key.forks || value.forks {
                operands.iter_mut().for_each(|operand| *operand = operand.share());
                forks = true;
            }
            operands.push(value.value);
        }
        let distinct = self.has_distinct_keys(&operands);
        let list = self.list(operands);
        if !forks {
            self.next = next;
        }
        let to = self.fresh();
        self.op(if distinct { Op::Record { to, list } } else { Op::Object { to, list } });
        Ok(self.off_path(input, Self::made(to, forks)))
    }

    /// Whether the keys among these keys and values are constant strings, and all different.
    fn has_distinct_keys(&self, operands: &[Operand]) -> bool {
        let mut names = std::collections::BTreeSet::new();
        operands.iter().step_by(2).all(|key| match key.place() {
            Place::Constant(number) => match self.code.constants.get(number as usize) {
                Some(Constant::String(name)) => names.insert(name.as_str()),
                _ => false,
            },
            _ => false,
        })
    }

    pub(super) fn comma(
        &mut self,
        tree: usize,
        parts: &[Id],
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let mut ends = Vec::new();
        for (at, id) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            let fork = (!last).then(|| self.op(Op::Fork { to: 0 }));
            let out = self.emit(Expr { tree, id: *id }, scope, input.shared_if(!last), tail)?;
            self.move_to(out, value, path);
            if let Some(fork) = fork {
                ends.push(self.op(Op::Jump { to: 0 }));
                self.land(fork);
            }
        }
        ends.into_iter().for_each(|end| self.land(end));
        Ok(Self::of(value, path, true))
    }
}
