//! What programs are compiled to: flat code for a machine with registers that can go back.
//!
//! Each function has its own registers. An instruction that can give several values leaves a fork; going back resumes
//! the latest fork, which writes its registers anew. Registers are not restored: every register is written again before
//! it is read again, or it is meant to last (what `reduce` gathers).

use std::any::Any;
use std::ops::Range;

use crate::fault::Fault;
use crate::fuel::Fuel;
use crate::json::{Document, Strings};
use crate::value::Value;

/// Arithmetic on two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// Comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What native functions can reach.
pub struct Context<'r, 'd> {
    /// The body.
    pub input: &'r Document<'d>,
    /// What the run may still use.
    pub fuel: &'r mut Fuel,
    /// What the library keeps from call to call of one run.
    pub kept: &'r mut Option<Box<dyn Any>>,
}

/// A native function: its input comes first, then its arguments. It may spoil them.
pub type Native = fn(&mut Context<'_, '_>, &mut [Value]) -> Result<Value, Fault>;

/// A register of the function that runs.
pub type Register = u32;
/// The number of an instruction.
pub type Address = u32;

/// Where an instruction finds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand(u32);

/// The kinds of [`Operand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A register, which others read as well.
    Shared(Register),
    /// A register whose value nobody needs again.
    Taken(Register),
    /// A constant of the program.
    Constant(u32),
}

impl Operand {
    const TAKEN: u32 = 1 << 30;
    const CONSTANT: u32 = 1 << 31;

    pub fn shared(register: Register) -> Self {
        Self(register)
    }

    pub fn taken(register: Register) -> Self {
        Self(register | Self::TAKEN)
    }

    pub fn constant(number: u32) -> Self {
        Self(number | Self::CONSTANT)
    }

    #[inline]
    pub fn place(self) -> Place {
        let index = self.0 & !(Self::TAKEN | Self::CONSTANT);
        if self.0 & Self::CONSTANT != 0 {
            Place::Constant(index)
        } else if self.0 & Self::TAKEN != 0 {
            Place::Taken(index)
        } else {
            Place::Shared(index)
        }
    }

    /// The same without taking.
    #[must_use]
    pub fn share(self) -> Self {
        Self(self.0 & !Self::TAKEN)
    }
}

/// A variable or label of this function or of one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outer {
    /// How many functions further out.
    pub hops: u32,
    pub register: Register,
}

/// An argument that is a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// One made here: its code runs with the registers of this function around it.
    Made { function: u32 },
    /// One that was given to this function or to one around it.
    Given { hops: u32, slot: u32 },
}

/// One instruction.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    Move {
        to: Register,
        from: Operand,
    },
    Load {
        to: Register,
        from: Outer,
    },
    /// What is optional gives nothing where it would fail.
    Index {
        to: Register,
        from: Operand,
        key: Operand,
        optional: bool,
    },
    SliceKey {
        to: Register,
        from: Operand,
        end: Operand,
    },
    Each {
        to: Register,
        path: Option<Register>,
        from: Operand,
        at: Operand,
        optional: bool,
    },
    Range {
        to: Register,
        from: Operand,
        end: Operand,
        by: Operand,
    },
    Arithmetic {
        operator: Operator,
        to: Register,
        a: Operand,
        b: Operand,
    },
    Compare {
        comparison: Comparison,
        to: Register,
        a: Operand,
        b: Operand,
    },
    Negate {
        to: Register,
        from: Operand,
    },
    /// Makes an object: keys and values in turn in the list.
    Object {
        to: Register,
        list: u32,
    },
    /// The same, where the keys are constant strings and all different.
    Record {
        to: Register,
        list: u32,
    },
    /// A string of the pieces in the list.
    Concat {
        to: Register,
        list: u32,
    },
    /// Appends to an array and goes back.
    Append {
        to: Register,
        from: Operand,
    },
    Native {
        native: Native,
        to: Register,
        list: u32,
    },
    Error {
        from: Operand,
    },

    Jump {
        to: Address,
    },
    /// Jumps if the value is null or false.
    Unless {
        from: Operand,
        to: Address,
    },
    /// Going back here jumps there.
    Fork {
        to: Address,
    },
    Back,
    /// Notes how many forks there are.
    Mark {
        to: Register,
    },
    /// Drops the forks since a mark.
    Cut {
        mark: Register,
    },
    /// Drops the forks since a mark and goes back.
    Break {
        mark: Outer,
    },
    /// Counts down; at zero drops the forks since the mark.
    Count {
        counter: Register,
        mark: Register,
    },
    /// Counts down; goes back until it is at zero.
    Skip {
        counter: Register,
    },
    /// An error until [`Op::Leave`] jumps there, with its value in the register.
    Try {
        to: Address,
        error: Register,
        mark: Register,
    },
    /// An error or the end jumps there, unless the register holds true.
    Else {
        to: Address,
        found: Register,
        mark: Register,
    },
    /// Outside of what [`Op::Try`] and [`Op::Else`] watch over.
    Leave {
        mark: Register,
    },
    /// The pattern failed or what follows it did: an error jumps there.
    OrElse {
        to: Address,
    },

    Call {
        function: u32,
        to: Register,
        path: Option<Register>,
        list: u32,
        arguments: u32,
        hops: u32,
        tail: bool,
    },
    CallArgument {
        hops: u32,
        slot: u32,
        to: Register,
        path: Option<Register>,
        list: u32,
        tail: bool,
    },
    Return {
        from: Operand,
    },
    ReturnPath {
        from: Operand,
        path: Operand,
    },
    /// An output of the program.
    Output {
        from: Operand,
    },

    /// The path of a step by a key; fails if there is no path.
    Step {
        to: Register,
        path: Operand,
        key: Operand,
        from: Operand,
    },
    /// A path that leads nowhere, unless the value is the one that is there anyway.
    NoPath {
        to: Register,
        value: Operand,
        input: Operand,
        path: Operand,
    },
    /// A path as an array.
    PathArray {
        to: Register,
        path: Operand,
        value: Operand,
    },
    /// `getpath` with a path.
    GetPath {
        to: Register,
        path: Register,
        from: Operand,
        at: Operand,
        keys: Operand,
    },
    /// Takes out what is at a path, to be changed.
    TakeAt {
        to: Register,
        root: Register,
        path: Operand,
    },
    /// Takes out what is at a key, to be changed.
    TakeKey {
        to: Register,
        root: Register,
        key: Operand,
    },
    /// Puts a value at a key.
    PutKey {
        root: Register,
        key: Operand,
        from: Operand,
    },
    /// Puts a value at a path.
    PutAt {
        root: Register,
        path: Operand,
        from: Operand,
    },
}

/// A function, or a filter given as an argument.
#[derive(Debug, Clone, Copy, Default)]
pub struct Function {
    pub entry: Address,
    pub registers: u32,
    /// Where the same begins that also gives paths, if anybody asks for it.
    pub path_entry: Address,
    pub path_registers: u32,
}

/// A constant, as text: values are made of it when a run begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    Null,
    Bool(bool),
    Number(f64),
    Literal(String),
    String(String),
    EmptyArray,
}

/// A compiled program.
#[derive(Debug, Default)]
pub struct Code {
    pub ops: Vec<Op>,
    /// The bytes of the program that each instruction stands for; empty for what is of the library.
    pub ranges: Vec<Range<u32>>,
    pub constants: Vec<Constant>,
    /// The strings among the constants, in their order.
    pub strings: Strings,
    pub lists: Vec<Box<[Operand]>>,
    pub arguments: Vec<Box<[Argument]>>,
    pub functions: Vec<Function>,
    pub registers: u32,
    /// Which of the global variables it uses, and whether it asks for the time.
    pub uses: Vec<bool>,
    pub uses_now: bool,
    /// Whether it calls what is only in the whole library.
    pub uses_library: bool,
}

impl Code {
    /// The last step: from now on no constant is added.
    pub fn finish(&mut self) {
        for constant in &self.constants {
            if let Constant::String(text) = constant {
                self.strings.push(text);
            }
        }
    }
}
