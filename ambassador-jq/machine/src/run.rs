//! Runs code: the usual instructions here, the rest in the modules below.

use std::any::Any;

use crate::arithmetic;
use crate::code::{Code, Comparison, Constant, Context, Op, Operand, Place, Register};
use crate::fault::Fault;
use crate::fuel::{Exhausted, Fuel};
use crate::json::Document;
use crate::json::index::Kind;
use crate::spare::Stacks;
use crate::value::{Object, Value, order, path};
use crate::{Limits, Outputs, RunError, meter};

mod back;
mod calls;
mod rare;

pub use back::Fork;
use back::Resume;
pub use calls::{Closure, Frame};

/// What a step leads to.
enum Next {
    Step,
    Back,
    Output(Operand),
}

/// A program that runs, with its stacks.
struct Machine<'r, 'd> {
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

    fn take(&mut self, register: Register) -> Value {
        self.registers.get_mut(self.base + register as usize).map_or(Value::Null, Value::take)
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
