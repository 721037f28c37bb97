//! Going back: to the latest fork for its next value, or to the one that takes an error.

use std::rc::Rc;

use super::{Machine, Next, narrow};
use crate::RunError;
use crate::code::{Address, Op, Operand, Register};
use crate::fault::{Fault, Raised, plain};
use crate::fuel::Exhausted;
use crate::json::Document;
use crate::value::{Array, Object, Type, Value, path};

/// What to do when the machine goes back.
#[derive(Debug)]
pub(super) enum Resume {
    /// Jump.
    Jump,
    /// Give the next item.
    Each { to: Register, path: Option<Register>, items: Items, at: Value },
    /// Give the next number.
    Range { to: Register, next: f64, end: f64, by: f64 },
    /// Go on going back; an error jumps.
    Try { error: Register },
    /// Jump unless the register holds true, on errors as well.
    Else { found: Register },
    /// Go on going back; an error jumps, and is the one that counts if nothing else does.
    OrElse,
    /// Go on going back; an error passes all forks down to this many.
    Outside { forks: u32 },
}

/// The items that are left of an array or an object.
#[derive(Debug)]
pub(super) enum Items {
    Nodes { next: u32, end: u32, index: usize },
    Array { items: Rc<Array>, index: usize },
    Own { items: std::vec::IntoIter<Value>, index: usize },
    Entries { entries: std::vec::IntoIter<(Value, Value)> },
}

/// A point to go back to.
#[derive(Debug)]
pub struct Fork {
    resume: Resume,
    to: Address,
    frame: u32,
    /// How much of each stack was in use.
    frames: u32,
    registers: u32,
    arguments: u32,
}

impl Items {
    /// The next item, with its key if that is wanted.
    fn next(&mut self, input: &Document, with_key: bool) -> Option<(Value, Value)> {
        let key = |index: &mut usize| {
            let key = if with_key { Value::count(*index) } else { Value::Null };
            *index += 1;
            key
        };
        match self {
            Self::Nodes { next, end, index } => {
                if *next >= *end {
                    return None;
                }
                let node = *next;
                *next = input.behind(node);
                Some((key(index), Value::Node(node)))
            }
            Self::Array { items, index } => {
                let item = items.items().get(*index)?.clone();
                Some((key(index), item))
            }
            Self::Own { items, index } => {
                let item = items.next()?;
                Some((key(index), item))
            }
            Self::Entries { entries } => entries.next(),
        }
    }
}

impl Machine<'_, '_> {
    pub(super) fn fork(&mut self, resume: Resume, to: Address) {
        self.forks.push(Fork {
            resume,
            to,
            frame: self.frame,
            frames: narrow(self.frames.len()),
            registers: narrow(self.registers.len()),
            arguments: narrow(self.arguments.len()),
        });
    }

    /// Frames from this one on are not needed to go back.
    pub(super) fn protected(&self) -> u32 {
        self.forks.last().map_or(0, |fork| fork.frames)
    }

    #[inline(never)]
    pub(super) fn each(
        &mut self,
        to: Register,
        path: Option<Register>,
        from: Operand,
        at: Operand,
        optional: bool,
    ) -> Result<Next, Fault> {
        let at = if path.is_some() { self.look(at).clone() } else { Value::Null };
        if let (Some(_), Value::Bool(_)) = (path, &at) {
            return Err(self.off_path(from, None));
        }
        let value = self.value(from);
        let items = match (value.kind(self.input), value) {
            (Type::Array, Value::Node(node)) => {
                let end = self.input.behind(node).saturating_sub(1);
                Items::Nodes { next: node + 1, end, index: 0 }
            }
            (Type::Array, Value::Array(array)) => match Rc::try_unwrap(array) {
                Ok(mut array) => {
                    let items = array.edit(std::mem::take);
                    Items::Own { items: items.into_iter(), index: 0 }
                }
                Err(items) => Items::Array { items, index: 0 },
            },
            (Type::Object, Value::Object(object)) => {
                self.fuel.charge(object.len())?;
                Items::Entries { entries: crate::value::object::into_entries(object).into_iter() }
            }
            (Type::Object, Value::Node(node)) => {
                self.fuel.charge(self.input.count(node))?;
                Items::Entries { entries: Object::of_input(node, self.input).into_entries().into_iter() }
            }
            _ if optional => return Ok(Next::Back),
            (_, value) => return Err(Raised::Iterate(value).into()),
        };
        self.account()?;
        self.fork(Resume::Each { to, path, items, at }, narrow(self.at));
        Ok(Next::Back)
    }

    #[inline(never)]
    pub(super) fn range(
        &mut self,
        to: Register,
        from: Operand,
        end: Operand,
        by: Operand,
    ) -> Result<Next, Fault> {
        let number = |from: Operand| self.look(from).as_number(self.input);
        let (Some(next), Some(end), Some(by)) = (number(from), number(end), number(by)) else {
            return Err(plain("Range bounds must be numeric"));
        };
        self.fork(Resume::Range { to, next, end, by }, narrow(self.at));
        Ok(Next::Back)
    }

    /// Resumes the latest fork; false if there is none.
    pub(super) fn back(&mut self) -> Result<bool, Exhausted> {
        loop {
            self.fuel.charge(1)?;
            let Some(fork) = self.forks.last_mut() else { return Ok(false) };
            let (to, frame) = (fork.to, fork.frame);
            self.frames.truncate(fork.frames as usize);
            self.registers.truncate(fork.registers as usize);
            self.arguments.truncate(fork.arguments as usize);
            self.frame = frame;
            self.base = self.frames.get(frame as usize).map_or(0, |frame| frame.registers as usize);
            match &mut fork.resume {
                Resume::Jump => {
                    self.forks.pop();
                    self.at = to as usize;
                    return Ok(true);
                }
                Resume::Each { to: register, path, items, at } => {
                    let (register, path) = (*register, *path);
                    if let Some((key, value)) = items.next(self.input, path.is_some()) {
                        if path.is_some() {
                            let longer = path::longer(at, key);
                            self.set_path(path, longer);
                        }
                        self.set(register, value);
                        self.at = to as usize;
                        return Ok(true);
                    }
                    self.forks.pop();
                }
                Resume::Range { to: register, next, end, by } => {
                    let (register, value) = (*register, *next);
                    if (*by > 0.0 && value < *end) || (*by < 0.0 && value > *end) {
                        *next += *by;
                        self.set(register, Value::Number(value));
                        self.at = to as usize;
                        return Ok(true);
                    }
                    self.forks.pop();
                }
                Resume::Else { found } => {
                    let found = *found;
                    self.forks.pop();
                    if !self.register(found).is_true(self.input) {
                        self.at = to as usize;
                        return Ok(true);
                    }
                }
                Resume::Try { .. } | Resume::OrElse | Resume::Outside { .. } => {
                    self.forks.pop();
                }
            }
        }
    }

    /// Gives an error to the latest fork that takes it.
    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    pub(super) fn raise(&mut self, at: usize, raised: Raised) -> Result<(), RunError> {
        while let Some(fork) = self.forks.pop() {
            self.fuel.charge(1)?;
            let error = match fork.resume {
                Resume::Outside { forks } => {
                    self.forks.truncate(forks as usize);
                    continue;
                }
                Resume::Try { error } => Some(error),
                Resume::OrElse | Resume::Else { .. } => None,
                _ => continue,
            };
            let back = fork.to as usize;
            let found = if let Resume::Else { found } = fork.resume { Some(found) } else { None };
            self.forks.push(Fork { resume: Resume::Jump, ..fork });
            self.back()?;
            if let Some(found) = found
                && self.register(found).is_true(self.input)
            {
                // It gave something before: the error only ends it.
                self.back_or_end()?;
                return Ok(());
            }
            self.at = back;
            if let Some(error) = error {
                // Without a handler nobody asks for the words.
                if !matches!(self.code.ops.get(back), Some(Op::Back)) {
                    let value = raised.into_value(self.input, &mut self.fuel);
                    self.set(error, value);
                }
            }
            return Ok(());
        }
        let range = self.place(at);
        // The program fills in the line and the column.
        Err(RunError::Raised { range, line: 1, column: 1, message: raised.public(self.input) })
    }

    /// Goes back; where there is nothing to go back to, to the end of the code.
    fn back_or_end(&mut self) -> Result<(), Exhausted> {
        if !self.back()? {
            self.at = self.code.ops.len();
        }
        Ok(())
    }

    /// The bytes of the program that an instruction stands for, or the call of the library that led there.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub(super) fn place(&self, at: usize) -> std::ops::Range<usize> {
        let range = |at: usize| {
            let range = self.code.ranges.get(at).filter(|range| range.end > range.start)?;
            Some(range.start as usize..range.end as usize)
        };
        let mut found = range(at);
        let mut frame = self.frame;
        while found.is_none() && frame > 0 {
            let Some(own) = self.frames.get(frame as usize) else { break };
            found = (own.back as usize).checked_sub(1).and_then(range);
            frame = own.caller;
        }
        found.unwrap_or(0..0)
    }
}
