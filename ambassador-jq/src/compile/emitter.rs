//! Instructions, registers, constants, and problems.

use super::{Compiler, Flow, Made, Noted};
use crate::Problem;
use crate::builtins::Native;
use crate::code::{Constant, Op, Operand, Place, Register};

impl Compiler<'_> {
    pub(super) fn fresh(&mut self) -> Register {
        let register = self.next;
        self.next += 1;
        self.most = self.most.max(self.next);
        register
    }

    /// A register for a path, where paths are followed.
    pub(super) fn fresh_path(&mut self, input: Flow) -> Option<Register> {
        input.path.map(|_| self.fresh())
    }

    pub(super) fn here(&self) -> u32 {
        u32::try_from(self.code.ops.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn op(&mut self, op: Op) -> usize {
        self.code.ops.push(op);
        self.code.ranges.push(self.at.clone());
        self.code.ops.len() - 1
    }

    /// Lets the jump made there lead here.
    pub(super) fn land(&mut self, jump: usize) {
        let here = self.here();
        if let Some(
            Op::Jump { to }
            | Op::Unless { to, .. }
            | Op::Fork { to }
            | Op::Try { to, .. }
            | Op::Else { to, .. }
            | Op::OrElse { to },
        ) = self.code.ops.get_mut(jump)
        {
            *to = here;
        }
    }

    pub(super) fn constant(&mut self, constant: Constant) -> Operand {
        let constants = &mut self.code.constants;
        // A long program is not searched as a whole for each of its constants.
        let recent = constants.len().saturating_sub(64);
        let found = constants.iter().skip(recent).position(|known| *known == constant);
        let number = if let Some(at) = found {
            recent + at
        } else {
            constants.push(constant);
            constants.len() - 1
        };
        Operand::constant(u32::try_from(number).unwrap_or(0))
    }

    pub(super) fn list(&mut self, operands: Vec<Operand>) -> u32 {
        self.code.lists.push(operands.into_boxed_slice());
        u32::try_from(self.code.lists.len() - 1).unwrap_or(0)
    }

    pub(super) fn problem<T>(&mut self, message: impl Into<String>) -> Made<T> {
        self.note(message);
        Err(Noted)
    }

    /// Notes a problem; what follows is compiled all the same, to find the others.
    pub(super) fn note(&mut self, message: impl Into<String>) {
        let range = self.at.start as usize..self.at.end as usize;
        self.problems.push(Problem { range, message: message.into() });
    }

    /// A value that was made by an instruction just now.
    pub(super) fn made(register: Register, forks: bool) -> Flow {
        Flow { value: Operand::taken(register), path: None, forks }
    }

    /// Where paths are followed: a value that was not reached by a path.
    pub(super) fn off_path(&mut self, input: Flow, out: Flow) -> Flow {
        let Some(path) = input.path else { return out };
        let to = self.fresh();
        self.op(Op::NoPath { to, value: out.value.share(), input: input.value.share(), path: path.share() });
        Flow { path: Some(Operand::taken(to)), ..out }
    }

    pub(super) fn move_to(&mut self, out: Flow, value: Register, path: Option<Register>) {
        if out.value.place() != Place::Taken(value) {
            self.op(Op::Move { to: value, from: out.value });
        }
        if let (Some(to), Some(from)) = (path, out.path) {
            self.op(Op::Move { to, from });
        }
    }

    pub(super) fn of(value: Register, path: Option<Register>, forks: bool) -> Flow {
        Flow { value: Operand::taken(value), path: path.map(Operand::taken), forks }
    }

    pub(super) fn native(&mut self, native: Native, list: Vec<Operand>, forks: bool) -> Flow {
        let list = self.list(list);
        let to = self.fresh();
        self.op(Op::Native { native, to, list });
        Self::made(to, forks)
    }
}
