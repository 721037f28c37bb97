//! Operators, conditions, and `try`.

use std::ops::Range;

use super::names::Scope;
use super::{Compiler, Expr, Flow, Made};
use crate::code::{Constant, Op, Operand};
use crate::syntax::ast::{Id, Operator};

impl Compiler<'_> {
    pub(super) fn alternative(
        &mut self,
        first: Expr,
        second: Expr,
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let (found, mark) = (self.fresh(), self.fresh());
        let no = self.constant(Constant::Bool(false));
        self.op(Op::Move { to: found, from: no });
        let other = self.op(Op::Else { to: 0, found, mark });
        let out = self.emit(first, scope, input.shared(), false)?;
        let falsy = self.op(Op::Unless { from: out.value.share(), to: 0 });
        let yes = self.constant(Constant::Bool(true));
        self.op(Op::Move { to: found, from: yes });
        self.op(Op::Leave { mark });
        self.move_to(out, value, path);
        let end = self.op(Op::Jump { to: 0 });
        self.land(falsy);
        self.op(Op::Back);
        self.land(other);
        let out_second = self.emit(second, scope, input, tail)?;
        self.move_to(out_second, value, path);
        self.land(end);
        Ok(Self::of(value, path, out.forks || out_second.forks))
    }

    pub(super) fn arithmetic(
        &mut self,
        tree: usize,
        first: Id,
        rest: &[(Operator, Range<usize>, Id)],
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        // The right operand is evaluated before the left one, so the last of all comes first.
        let plain = Flow { path: None, ..input };
        let mut operands = Vec::new();
        let mut forks = false;
        for (_, _, id) in rest.iter().rev() {
            let out = self.emit(Expr { tree, id: *id }, scope, plain.shared(), false)?;
            if out.forks {
                operands.iter_mut().for_each(|operand: &mut Operand| *operand = operand.share());
            }
            operands.push(out.value);
            forks |= out.forks;
        }
        let kept = forks || operands.iter().any(|operand| plain.is_read_by(*operand));
        let left = self.emit(Expr { tree, id: first }, scope, plain.shared_if(kept), false)?;
        if left.forks {
            operands.iter_mut().for_each(|operand| *operand = operand.share());
            forks = true;
        }
        // What a later operand needs cannot be taken by the first.
        let needed = operands.split_last().is_some_and(|(_, later)| later.contains(&left.value.share()));
        let mut value = if needed { left.value.share() } else { left.value };
        for ((operator, sign, _), operand) in rest.iter().zip(operands.into_iter().rev()) {
            let to = self.fresh();
            let before = self.at.clone();
            if tree == 0 {
                let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                self.at = bound(sign.start)..bound(sign.end);
            }
            self.op(Op::Arithmetic { operator: *operator, to, a: value, b: operand });
            self.at = before;
            value = Operand::taken(to);
        }
        Ok(self.off_path(input, Flow { value, path: None, forks }))
    }

    pub(super) fn logic(&mut self, a: Expr, b: Expr, and: bool, scope: &Scope, input: Flow) -> Made<Flow> {
        let to = self.fresh();
        let plain = Flow { path: None, ..input };
        let truth = |value| Constant::Bool(value);
        let (yes, no) = (self.constant(truth(true)), self.constant(truth(false)));
        let first = self.emit(a, scope, plain.shared(), false)?;
        let first_false = self.op(Op::Unless { from: first.value, to: 0 });
        let mut ends = Vec::new();
        if !and {
            self.op(Op::Move { to, from: yes });
            ends.push(self.op(Op::Jump { to: 0 }));
            self.land(first_false);
        }
        let second = self.emit(b, scope, plain.shared_if(first.forks), false)?;
        let second_false = self.op(Op::Unless { from: second.value, to: 0 });
        self.op(Op::Move { to, from: yes });
        ends.push(self.op(Op::Jump { to: 0 }));
        if and {
            self.land(first_false);
        }
        self.land(second_false);
        self.op(Op::Move { to, from: no });
        ends.into_iter().for_each(|end| self.land(end));
        Ok(self.off_path(input, Self::made(to, first.forks || second.forks)))
    }

    pub(super) fn attempt(
        &mut self,
        body: Expr,
        handler: Option<Expr>,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let (error, mark) = (self.fresh(), self.fresh());
        let attempt = self.op(Op::Try { to: 0, error, mark });
        let out = self.emit(body, scope, input.shared(), false)?;
        self.op(Op::Leave { mark });
        self.move_to(out, value, path);
        let end = self.op(Op::Jump { to: 0 });
        self.land(attempt);
        let mut forks = out.forks;
        match handler {
            None => {
                self.op(Op::Back);
            }
            Some(handler) => {
                let caught = Flow { value: Operand::taken(error), path: None, forks: false };
                let rescue = self.emit(handler, scope, caught, false)?;
                forks |= rescue.forks;
                let rescue = self.off_path(input, rescue);
                self.move_to(rescue, value, path);
            }
        }
        self.land(end);
        Ok(Self::of(value, path, forks))
    }

    pub(super) fn condition(
        &mut self,
        tree: usize,
        branches: &[(Id, Id)],
        otherwise: Option<Id>,
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let (mut ends, mut forks) = (Vec::new(), false);
        for (condition, branch) in branches {
            let test = self.emit(Expr { tree, id: *condition }, scope, input.plain(), false)?;
            forks |= test.forks;
            let no = self.op(Op::Unless { from: test.value, to: 0 });
            let out = self.emit(Expr { tree, id: *branch }, scope, input.shared_if(forks), tail)?;
            let branch_forks = out.forks;
            self.move_to(out, value, path);
            ends.push((self.op(Op::Jump { to: 0 }), branch_forks));
            self.land(no);
        }
        let out = match otherwise {
            Some(id) => self.emit(Expr { tree, id }, scope, input.shared_if(forks), tail)?,
            None => Flow { forks: false, ..input.shared_if(forks) },
        };
        forks |= out.forks;
        self.move_to(out, value, path);
        for (end, branch_forks) in ends {
            self.land(end);
            forks |= branch_forks;
        }
        Ok(Self::of(value, path, forks))
    }
}
