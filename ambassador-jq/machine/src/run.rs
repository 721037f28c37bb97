//! Runs code.

use std::any::Any;
use std::rc::Rc;

use crate::arithmetic;
use crate::code::{
    Address, Argument, Code, Comparison, Constant, Context, Op, Operand, Outer, Place, Register,
};
use crate::fault::{Fault, Raised, plain};
use crate::fuel::{Exhausted, Fuel};
use crate::json::Document;
use crate::json::index::Kind;
use crate::spare::Stacks;
use crate::value::{Array, Object, Type, Value, order, path};
use crate::{Limits, Outputs, RunError, meter};

/// The registers of one call of a function.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Where the caller goes on, and which frame it has.
    back: Address,
    caller: u32,
    /// The frame of the function around this one.
    outer: u32,
    /// Where its registers and its arguments begin.
    registers: u32,
    arguments: u32,
    /// Where the caller wants the value and its path.
    to: Register,
    path: Option<Register>,
}

/// A filter given to a function: its code and the frame around it.
#[derive(Debug, Clone, Copy)]
pub struct Closure {
    function: u32,
    outer: u32,
}

/// What to do when the machine goes back.
#[derive(Debug)]
enum Resume {
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
enum Items {
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

/// What a step leads to.
enum Next {
    Step,
    Back,
    Output(Operand),
}

pub struct Machine<'r, 'd> {
    code: &'r Code,
    input: &'r Document<'d>,
    fuel: Fuel,
    constants: Vec<Value>,
    registers: Vec<Value>,
    arguments: Vec<Closure>,
    frames: Vec<Frame>,
    forks: Vec<Fork>,
    kept: Option<Box<dyn Any>>,
    /// The instruction that comes next, the frame that is active and where its registers begin.
    at: usize,
    frame: u32,
    base: usize,
    scratch: Vec<Value>,
}

const NULL: &Value = &Value::Null;

fn narrow(index: usize) -> u32 {
    // All stacks are bounded by the limit of bytes, far below.
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Runs a program and writes all its outputs.
pub fn run(
    code: &Code,
    input: &Document,
    variables: Vec<Value>,
    fuel: Fuel,
    outputs: &mut Outputs,
) -> Result<usize, RunError> {
    // The strings stand behind the input.
    let mut string = narrow(input.first_string());
    let constants = code.constants.iter().map(|constant| match constant {
        Constant::Null => Value::Null,
        Constant::Bool(value) => Value::Bool(*value),
        Constant::Number(value) => Value::Number(*value),
        Constant::Literal(text) => Value::literal(text),
        Constant::String(_) => {
            string += 1;
            Value::Node(string - 1)
        }
        Constant::EmptyArray => Value::array(Vec::new()),
    });
    let mut stacks = Stacks::get();
    stacks.constants.extend(constants);
    stacks.registers.push(Value::Node(0));
    stacks.registers.extend(variables);
    stacks.registers.resize(code.registers as usize, Value::Null);
    let main = Frame { back: 0, caller: 0, outer: 0, registers: 0, arguments: 0, to: 0, path: None };
    stacks.frames.push(main);
    let mut machine = Machine {
        code,
        input,
        fuel,
        constants: stacks.constants,
        registers: stacks.registers,
        arguments: stacks.arguments,
        frames: stacks.frames,
        forks: stacks.forks,
        kept: None,
        at: 0,
        frame: 0,
        base: 0,
        scratch: stacks.scratch,
    };
    let result = machine.run(outputs).map(|()| machine.fuel.steps());
    let stacks = Stacks {
        constants: machine.constants,
        registers: machine.registers,
        scratch: machine.scratch,
        arguments: machine.arguments,
        frames: machine.frames,
        forks: machine.forks,
    };
    stacks.leave();
    result
}

impl Machine<'_, '_> {
    fn run(&mut self, outputs: &mut Outputs) -> Result<(), RunError> {
        let mut written = 0_usize;
        loop {
            let at = self.at;
            let next = match self.step() {
                Ok(next) => next,
                Err(Fault::Exhausted(exhausted)) => return Err(exhausted.into()),
                Err(Fault::Raised(raised)) => {
                    self.raise(at, *raised)?;
                    continue;
                }
            };
            match next {
                Next::Step => {}
                Next::Back => {
                    if !self.back()? {
                        return Ok(());
                    }
                }
                Next::Output(from) => {
                    let value = self.value(from);
                    let buffer = outputs.buffer();
                    if buffer.capacity() == 0 {
                        // Outputs are seldom much smaller than this, and growing means copying.
                        let likely = if let Value::Node(0) = value { 1 } else { 4 };
                        buffer.reserve(self.input.length() / likely);
                    }
                    crate::value::print::write(&value, self.input, &mut self.fuel, buffer)?;
                    written += 1;
                    let limit = self.fuel.limits().output;
                    if buffer.len().saturating_add(written) > limit {
                        return Err(RunError::Exhausted { which: crate::Resource::Output, limit });
                    }
                    outputs.finish_one();
                    if !self.back()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn register(&self, register: Register) -> &Value {
        self.registers.get(self.base + register as usize).unwrap_or(NULL)
    }

    fn set(&mut self, register: Register, value: Value) {
        if let Some(place) = self.registers.get_mut(self.base + register as usize) {
            *place = value;
        }
    }

    fn set_path(&mut self, register: Option<Register>, value: Value) {
        if let Some(register) = register {
            self.set(register, value);
        }
    }

    fn look(&self, from: Operand) -> &Value {
        match from.place() {
            Place::Shared(register) | Place::Taken(register) => self.register(register),
            Place::Constant(number) => self.constants.get(number as usize).unwrap_or(NULL),
        }
    }

    fn value(&mut self, from: Operand) -> Value {
        match from.place() {
            Place::Taken(register) => {
                self.registers.get_mut(self.base + register as usize).map_or(Value::Null, Value::take)
            }
            _ => self.look(from).clone(),
        }
    }

    fn outer_frame(&self, hops: u32) -> u32 {
        let mut frame = self.frame;
        for _ in 0..hops {
            frame = self.frames.get(frame as usize).map_or(0, |frame| frame.outer);
        }
        frame
    }

    fn outer_value(&self, from: Outer) -> &Value {
        let frame = self.frames.get(self.outer_frame(from.hops) as usize);
        let base = frame.map_or(0, |frame| frame.registers as usize);
        self.registers.get(base + from.register as usize).unwrap_or(NULL)
    }

    fn fork(&mut self, resume: Resume, to: Address) {
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
    fn protected(&self) -> u32 {
        self.forks.last().map_or(0, |fork| fork.frames)
    }

    #[inline(never)]
    fn account(&mut self) -> Result<(), Exhausted> {
        let bytes = self.registers.capacity() * size_of::<Value>()
            + self.frames.capacity() * size_of::<Frame>()
            + self.forks.capacity() * size_of::<Fork>()
            + self.arguments.capacity() * size_of::<Closure>()
            + self.input.bytes();
        self.fuel.set_other(bytes);
        self.fuel.reserve(0)
    }

    /// Carries out one instruction. The usual ones stand here, so that this stays small enough to be fast.
    #[inline]
    fn step(&mut self) -> Result<Next, Fault> {
        self.fuel.charge(1)?;
        let Some(op) = self.code.ops.get(self.at) else { return Ok(Next::Back) };
        self.at += 1;
        match *op {
            Op::Move { to, from } => {
                let value = self.value(from);
                self.set(to, value);
            }
            Op::Index { to, from, key, optional } => {
                let value = match self.index(from, key) {
                    Err(Fault::Raised(_)) if optional => return Ok(Next::Back),
                    result => result?,
                };
                self.set(to, value);
            }
            Op::Each { to, path, from, at, optional } => return self.each(to, path, from, at, optional),
            Op::Arithmetic { operator, to, a, b } => {
                // The first may be taken from where the second is.
                let b = self.value(b);
                let a = self.value(a);
                let value = if let (Value::Number(a), Value::Number(b)) = (&a, &b)
                    && let Some(value) = arithmetic::numbers(operator, *a, *b)
                {
                    Value::Number(value)
                } else {
                    arithmetic::apply(operator, a, b, self.input, &mut self.fuel)?
                };
                self.set(to, value);
            }
            Op::Compare { comparison, to, a, b } => {
                let b = self.value(b);
                let a = self.value(a);
                let order = order::compare(&a, &b, self.input, &mut self.fuel)?;
                self.set(to, Value::Bool(holds(comparison, order)));
            }
            Op::Record { to, list } => {
                let list = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
                let mut entries = Vec::with_capacity(list.len() / 2);
                for entry in list.chunks_exact(2) {
                    let [key, value] = *entry else { break };
                    let (key, value) = (self.value(key), self.value(value));
                    entries.push((key, value));
                }
                self.set(to, Value::object(Object::of_distinct(entries, self.input)));
            }
            Op::Append { to, from } => {
                let value = self.value(from);
                let place = self.registers.get_mut(self.base + to as usize);
                if let Some(array) = place.and_then(|array| array.array_mut(self.input)) {
                    array.push(value);
                }
                return Ok(Next::Back);
            }
            Op::Native { native, to, list } => {
                let mut arguments = std::mem::take(&mut self.scratch);
                // The input comes last: it may be taken from where an argument is.
                let operands = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
                for operand in operands.iter().rev() {
                    let value = self.value(*operand);
                    arguments.push(value);
                }
                arguments.reverse();
                let mut context = Context { input: self.input, fuel: &mut self.fuel, kept: &mut self.kept };
                let result = native(&mut context, &mut arguments);
                arguments.clear();
                self.scratch = arguments;
                self.set(to, result?);
            }
            Op::Jump { to } => self.at = to as usize,
            Op::Unless { from, to } => {
                let holds = match self.look(from) {
                    Value::Bool(value) => *value,
                    value => value.is_true(self.input),
                };
                if !holds {
                    self.at = to as usize;
                }
            }
            Op::Fork { to } => self.fork(Resume::Jump, to),
            Op::Back => return Ok(Next::Back),
            Op::Output { from } => return Ok(Next::Output(from)),
            Op::TakeKey { to, root, key } => {
                let key = [self.look(key).clone()];
                let mut value = self.take(root);
                let found = path::take_path(&mut value, &key, self.input, &mut self.fuel);
                self.set(root, value);
                self.set(to, found?);
            }
            Op::PutKey { root, key, from } => {
                let (key, new) = (self.look(key).clone(), self.value(from));
                let mut value = self.take(root);
                path::set(&mut value, &key, new, self.input, &mut self.fuel)?;
                self.set(root, value);
            }
            ref op => return self.step_rare(op),
        }
        Ok(Next::Step)
    }

    #[inline(never)]
    #[expect(clippy::too_many_lines, reason = "one arm for each instruction")]
    #[cfg_attr(ambassador_small, optimize(size))]
    fn step_rare(&mut self, op: &Op) -> Result<Next, Fault> {
        match *op {
            Op::Load { to, from } => {
                let value = self.outer_value(from).clone();
                self.set(to, value);
            }
            Op::SliceKey { to, from, end } => {
                let key = path::slice_key(self.look(from).clone(), self.look(end).clone(), self.input);
                self.set(to, key);
            }
            Op::Range { to, from, end, by } => return self.range(to, from, end, by),
            Op::Negate { to, from } => {
                let value = self.value(from);
                let value = arithmetic::negate(&value, self.input)?;
                self.set(to, value);
            }
            Op::Object { to, list } => {
                let value = self.object(list)?;
                self.set(to, value);
            }
            Op::Concat { to, list } => {
                let value = self.concat(list)?;
                self.set(to, value);
            }
            Op::Error { from } => {
                let value = self.value(from);
                return Err(Raised::Value(value).into());
            }
            Op::Mark { to } => {
                let forks = Value::count(self.forks.len());
                self.set(to, forks);
            }
            Op::Cut { mark } => {
                let forks = self.mark(Outer { hops: 0, register: mark });
                self.forks.truncate(forks);
            }
            Op::Break { mark } => {
                let forks = self.mark(mark);
                self.forks.truncate(forks);
                return Ok(Next::Back);
            }
            Op::Count { counter, mark } => {
                let left = self.register(counter).as_number(self.input).unwrap_or(0.0) - 1.0;
                self.set(counter, Value::Number(left));
                if left <= 0.0 {
                    let forks = self.mark(Outer { hops: 0, register: mark });
                    self.forks.truncate(forks);
                }
            }
            Op::Skip { counter } => {
                let left = self.register(counter).as_number(self.input).unwrap_or(0.0);
                if left > 0.0 {
                    self.set(counter, Value::Number(left - 1.0));
                    return Ok(Next::Back);
                }
            }
            Op::Try { to, error, mark } => {
                let forks = Value::count(self.forks.len());
                self.set(mark, forks);
                self.fork(Resume::Try { error }, to);
            }
            Op::Else { to, found, mark } => {
                let forks = Value::count(self.forks.len());
                self.set(mark, forks);
                self.fork(Resume::Else { found }, to);
            }
            Op::OrElse { to } => self.fork(Resume::OrElse, to),
            Op::Leave { mark } => {
                let forks = self.mark(Outer { hops: 0, register: mark });
                if self.forks.len() == forks + 1 {
                    self.forks.pop();
                } else {
                    self.fork(Resume::Outside { forks: narrow(forks) }, 0);
                }
            }
            Op::Call { function, to, path, list, arguments, hops, tail } => {
                self.call(function, to, path, list, Some((arguments, hops)), tail)?;
            }
            Op::CallArgument { hops, slot, to, path, list, tail } => {
                let frame = self.frames.get(self.outer_frame(hops) as usize);
                let start = frame.map_or(0, |frame| frame.arguments as usize);
                let closure = self.arguments.get(start + slot as usize).copied();
                let Some(closure) = closure else { return Ok(Next::Back) };
                self.call_closure(closure, to, path, list, tail)?;
            }
            Op::Return { from } => {
                let value = self.value(from);
                let (to, _) = self.leave();
                self.set(to, value);
            }
            Op::ReturnPath { from, path } => {
                let (value, path) = (self.value(from), self.value(path));
                let (to, to_path) = self.leave();
                self.set(to, value);
                self.set_path(to_path, path);
            }
            Op::Step { to, path, key, from } => {
                let key = self.look(key).clone();
                if let Value::Bool(_) = self.look(path) {
                    return Err(self.off_path(from, Some(&key)));
                }
                let longer = path::longer(self.look(path), key);
                self.set(to, longer);
            }
            Op::NoPath { to, value, input, path } => {
                let path = self.no_path(value, input, path);
                self.set(to, path);
            }
            Op::PathArray { to, path, value } => {
                if let Value::Bool(_) = self.look(path) {
                    return Err(self.off_path(value, None));
                }
                let keys = path::keys(self.look(path));
                self.fuel.charge(keys.len())?;
                self.set(to, Value::array(keys));
            }
            Op::GetPath { to, path, from, at, keys } => {
                let keys = self.value(keys);
                let Some(keys) = keys.as_items(self.input) else {
                    return Err(plain("Path must be specified as an array"));
                };
                let value = self.look(from).clone();
                let found = path::get_path(&value, &keys, self.input, &mut self.fuel)?;
                let mut longer = self.look(at).clone();
                if let Value::Bool(_) = longer {
                    return Err(self.off_path(from, keys.first()));
                }
                for key in keys.iter() {
                    longer = path::longer(&longer, key.clone());
                }
                self.set(to, found);
                self.set(path, longer);
            }
            Op::TakeAt { to, root, path } => {
                let keys = self.look(path).clone();
                let keys = keys.as_items(self.input).unwrap_or_default();
                let mut value = self.take(root);
                let found = path::take_path(&mut value, &keys, self.input, &mut self.fuel);
                self.set(root, value);
                self.set(to, found?);
            }
            Op::PutAt { root, path, from } => {
                let (keys, new) = (self.value(path), self.value(from));
                let keys = keys.as_items(self.input).unwrap_or_default();
                let mut value = self.take(root);
                path::set_path(&mut value, &keys, new, self.input, &mut self.fuel)?;
                self.set(root, value);
            }
            // Carried out by `step`.
            _ => {}
        }
        Ok(Next::Step)
    }

    fn take(&mut self, register: Register) -> Value {
        self.registers.get_mut(self.base + register as usize).map_or(Value::Null, Value::take)
    }

    fn mark(&self, mark: Outer) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was made of a length"
        )]
        self.outer_value(mark).as_number(self.input).map_or(0, |forks| forks as usize)
    }

    fn index(&mut self, from: Operand, key: Operand) -> Result<Value, Fault> {
        // The usual case first: a name in an object of the input.
        if let (Value::Node(node), Value::Node(name)) = (self.look(from), self.look(key))
            && self.input.node(*node as usize).kind() == Kind::Object
            && self.input.node(*name as usize).kind() == Kind::String
        {
            let found = self.input.lookup_node(*node, self.input.node(*name as usize));
            let count = self.input.count(*node);
            self.fuel.charge(count / 4)?;
            return Ok(found.map_or(Value::Null, Value::Node));
        }
        let Self { input, .. } = *self;
        let key = self.look(key).clone();
        // What is taken is let go of, so that what is in it can be changed in place.
        let value = self.value(from);
        path::get(&value, &key, input, &mut self.fuel)
    }

    #[inline(never)]
    fn each(
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
    fn range(&mut self, to: Register, from: Operand, end: Operand, by: Operand) -> Result<Next, Fault> {
        let number = |from: Operand| self.look(from).as_number(self.input);
        let (Some(next), Some(end), Some(by)) = (number(from), number(end), number(by)) else {
            return Err(plain("Range bounds must be numeric"));
        };
        self.fork(Resume::Range { to, next, end, by }, narrow(self.at));
        Ok(Next::Back)
    }

    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    fn object(&mut self, list: u32) -> Result<Value, Fault> {
        let list = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
        let mut object = Object::with_capacity(list.len() / 2);
        for entry in list.chunks_exact(2) {
            let [key, value] = *entry else { break };
            let (key, value) = (self.value(key), self.value(value));
            if key.kind(self.input) != Type::String {
                return Err(Raised::Key(key).into());
            }
            object.insert(key, value, self.input);
        }
        Ok(Value::object(object))
    }

    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    fn concat(&mut self, list: u32) -> Result<Value, Fault> {
        let list = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
        let mut text = String::new();
        for operand in list {
            let value = self.value(*operand);
            let piece = value.as_str(self.input).unwrap_or_default();
            self.fuel.charge(piece.len() / 32)?;
            self.fuel.reserve(text.len() + piece.len())?;
            text.push_str(&piece);
        }
        Ok(Value::string(text))
    }

    #[cfg_attr(ambassador_small, optimize(size))]
    fn no_path(&self, value: Operand, input: Operand, path: Operand) -> Value {
        let (value, input) = (self.look(value), self.look(input));
        let kind = value.kind(self.input);
        let same = kind == input.kind(self.input)
            && match kind {
                Type::Null | Type::False | Type::True => true,
                Type::Number => value.as_number(self.input) == input.as_number(self.input),
                _ => false,
            };
        // What is off the path for jq too is marked by a boolean, which no path is.
        if same { self.look(path).clone() } else { Value::Bool(false) }
    }

    #[cold]
    #[cfg_attr(ambassador_small, optimize(size))]
    fn off_path(&mut self, value: Operand, key: Option<&Value>) -> Fault {
        let value = self.look(value).clone();
        let mut show = |value: &Value| {
            let mut text = Vec::new();
            let _ = crate::value::print::write(value, self.input, &mut self.fuel, &mut text);
            let mut text = String::from_utf8(text).unwrap_or_default();
            if text.len() > 29 {
                text = text.chars().take(26).collect::<String>() + "...";
            }
            text
        };
        let text = match key {
            Some(key) => {
                let key = show(key);
                format!("Invalid path expression near attempt to access element {key} of {}", show(&value))
            }
            None => format!("Invalid path expression with result {}", show(&value)),
        };
        Raised::Private(text, "a path is needed here, but this value is not a part of the input").into()
    }

    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    fn call(
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
    fn call_closure(
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
    fn pop(&mut self, frame: u32) {
        let Some(own) = self.frames.get(frame as usize).copied() else { return };
        self.frames.truncate(frame as usize);
        self.registers.truncate(own.registers as usize);
        self.arguments.truncate(own.arguments as usize);
    }

    /// Goes back to the caller; gives where it wants what the function gave.
    fn leave(&mut self) -> (Register, Option<Register>) {
        let Some(own) = self.frames.get(self.frame as usize).copied() else { return (0, None) };
        if self.frame >= self.protected() {
            self.pop(self.frame);
        }
        self.frame = own.caller;
        self.base = self.frames.get(own.caller as usize).map_or(0, |frame| frame.registers as usize);
        self.at = own.back as usize;
        (own.to, own.path)
    }

    /// Resumes the latest fork; false if there is none.
    fn back(&mut self) -> Result<bool, Exhausted> {
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
    fn raise(&mut self, at: usize, raised: Raised) -> Result<(), RunError> {
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
    fn place(&self, at: usize) -> std::ops::Range<usize> {
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

fn holds(comparison: Comparison, order: std::cmp::Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Makes the fuel of a run: what is counted begins anew.
pub fn fuel(limits: &Limits, input: &Document, now: f64) -> Fuel {
    meter::reset();
    let mut fuel = Fuel::new(*limits, input.length(), now);
    fuel.set_other(input.bytes());
    fuel
}
