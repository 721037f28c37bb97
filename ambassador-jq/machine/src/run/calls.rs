//! Calls of functions: frames, and the filters given to functions.

use super::{Machine, NULL, narrow};
use crate::code::{Address, Argument, Outer, Register};
use crate::fault::Fault;
use crate::value::Value;

/// The registers of one call of a function.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Where the caller goes on, and which frame it has.
    pub(super) back: Address,
    pub(super) caller: u32,
    /// The frame of the function around this one.
    pub(super) outer: u32,
    /// Where its registers and its arguments begin.
    pub(super) registers: u32,
    pub(super) arguments: u32,
    /// Where the caller wants the value and its path.
    pub(super) to: Register,
    pub(super) path: Option<Register>,
}

/// A filter given to a function: its code and the frame around it.
#[derive(Debug, Clone, Copy)]
pub struct Closure {
    pub(super) function: u32,
    pub(super) outer: u32,
}

impl Machine<'_, '_> {
    pub(super) fn outer_frame(&self, hops: u32) -> u32 {
        let mut frame = self.frame;
        for _ in 0..hops {
            frame = self.frames.get(frame as usize).map_or(0, |frame| frame.outer);
        }
        frame
    }

    pub(super) fn outer_value(&self, from: Outer) -> &Value {
        let frame = self.frames.get(self.outer_frame(from.hops) as usize);
        let base = frame.map_or(0, |frame| frame.registers as usize);
        self.registers.get(base + from.register as usize).unwrap_or(NULL)
    }

    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    pub(super) fn call(
        &mut self,
        function: u32,
        to: Register,
        path: Option<Register>,
        list: u32,
        given: Option<(u32, u32)>,
        tail: bool,
    ) -> Result<(), Fault> {
        let (arguments, hops) = given.unwrap_or((u32::MAX, 0));
        let outer = self.outer_frame(hops);
        let arguments = self.code.arguments.get(arguments as usize).map(Box::as_ref).unwrap_or_default();
        let mut closures: [Closure; 8] = [Closure { function: 0, outer: 0 }; 8];
        let mut more = Vec::new();
        for (at, argument) in arguments.iter().enumerate() {
            let closure = match *argument {
                Argument::Made { function } => Closure { function, outer: self.frame },
                Argument::Given { hops, slot } => {
                    let frame = self.frames.get(self.outer_frame(hops) as usize);
                    let start = frame.map_or(0, |frame| frame.arguments as usize);
                    let closure = self.arguments.get(start + slot as usize).copied();
                    closure.unwrap_or(Closure { function: 0, outer: 0 })
                }
            };
            match closures.get_mut(at) {
                Some(place) => *place = closure,
                None => more.push(closure),
            }
        }
        self.enter(Closure { function, outer }, to, path, list, tail)?;
        self.arguments.extend(closures.iter().take(arguments.len()));
        self.arguments.extend(more);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn call_closure(
        &mut self,
        closure: Closure,
        to: Register,
        path: Option<Register>,
        list: u32,
        tail: bool,
    ) -> Result<(), Fault> {
        // Its registers may be around those of the function that runs now.
        self.enter(closure, to, path, list, tail && closure.outer != self.frame)
    }

    /// Makes a frame for a function and goes to its code.
    fn enter(
        &mut self,
        closure: Closure,
        to: Register,
        path: Option<Register>,
        list: u32,
        tail: bool,
    ) -> Result<(), Fault> {
        let Some(function) = self.code.functions.get(closure.function as usize) else { return Ok(()) };
        let (entry, count) = match path {
            Some(_) => (function.path_entry, function.path_registers),
            None => (function.entry, function.registers),
        };
        let operands = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
        let value = operands.first().map_or(Value::Null, |from| self.value(*from));
        let value_path = operands.get(1).map_or(Value::Null, |from| self.value(*from));
        let mut frame = Frame {
            back: narrow(self.at),
            caller: self.frame,
            outer: closure.outer,
            registers: 0,
            arguments: 0,
            to,
            path,
        };
        if tail && let Some(own) = self.frames.get(self.frame as usize).copied() {
            // What is called returns to the caller of this function, whose frame is not needed any more.
            (frame.back, frame.caller) = (own.back, own.caller);
            (frame.to, frame.path) = (own.to, own.path);
            if self.frame >= self.protected() && closure.outer < self.frame {
                self.pop(self.frame);
            }
        }
        frame.registers = narrow(self.registers.len());
        frame.arguments = narrow(self.arguments.len());
        self.fuel.charge(5 + count as usize / 8)?;
        self.registers.push(value);
        self.registers.push(value_path);
        self.registers.resize(self.registers.len() + (count as usize).saturating_sub(2), Value::Null);
        self.frames.push(frame);
        self.frame = narrow(self.frames.len() - 1);
        self.base = frame.registers as usize;
        self.at = entry as usize;
        if self.frames.len().is_multiple_of(64) {
            self.account()?;
        }
        Ok(())
    }

    /// Drops the frames from this one on.
    pub(super) fn pop(&mut self, frame: u32) {
        let Some(own) = self.frames.get(frame as usize).copied() else { return };
        self.frames.truncate(frame as usize);
        self.registers.truncate(own.registers as usize);
        self.arguments.truncate(own.arguments as usize);
    }

    /// Goes back to the caller; gives where it wants what the function gave.
    pub(super) fn leave(&mut self) -> (Register, Option<Register>) {
        let Some(own) = self.frames.get(self.frame as usize).copied() else { return (0, None) };
        if self.frame >= self.protected() {
            self.pop(self.frame);
        }
        self.frame = own.caller;
        self.base = self.frames.get(own.caller as usize).map_or(0, |frame| frame.registers as usize);
        self.at = own.back as usize;
        (own.to, own.path)
    }
}
