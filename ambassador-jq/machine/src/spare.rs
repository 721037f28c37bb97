//! Memory that one run leaves for the next on the same thread: a run on a small body is so short that getting and giving
//! back its stacks is a good part of it.
//!
//! All of these have the same room when a run begins, whether they were there or are new, and are kept only if they did not
//! grow: what a run may use does not depend on what ran before.

use std::cell::Cell;

use crate::json::index::{Node, Open};
use crate::run::{Closure, Fork, Frame};
use crate::value::Value;

/// Room for the index of a body of some 2 KB, in nodes.
const NODES: usize = 384;
/// Room for registers and constants.
const VALUES: usize = 32;
const FORKS: usize = 8;
const FRAMES: usize = 8;
const LEVELS: usize = 16;

thread_local! {
    static STACKS: Cell<Option<Stacks>> = const { Cell::new(None) };
    static INDEX: Cell<Option<Index>> = const { Cell::new(None) };
}

/// The stacks of the machine, all of them empty.
pub(crate) struct Stacks {
    pub(crate) constants: Vec<Value>,
    pub(crate) registers: Vec<Value>,
    pub(crate) scratch: Vec<Value>,
    pub(crate) arguments: Vec<Closure>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) forks: Vec<Fork>,
}

impl Stacks {
    pub(crate) fn get() -> Self {
        STACKS.take().unwrap_or_else(|| Self {
            constants: Vec::with_capacity(VALUES),
            registers: Vec::with_capacity(VALUES),
            scratch: Vec::with_capacity(FRAMES),
            arguments: Vec::with_capacity(FRAMES),
            frames: Vec::with_capacity(FRAMES),
            forks: Vec::with_capacity(FORKS),
        })
    }

    /// Leaves them for the next run, unless they grew.
    pub(crate) fn leave(mut self) {
        self.constants.clear();
        self.scratch.clear();
        self.arguments.clear();
        self.frames.clear();
        self.forks.clear();
        // The values that are in it may be deep.
        crate::value::drop_all(&mut self.registers);
        let same = self.constants.capacity() == VALUES
            && self.registers.capacity() == VALUES
            && self.scratch.capacity() == FRAMES
            && self.arguments.capacity() == FRAMES
            && self.frames.capacity() == FRAMES
            && self.forks.capacity() == FORKS;
        if same {
            STACKS.set(Some(self));
        }
    }
}

/// What reading a body takes, empty.
pub(crate) struct Index {
    pub(crate) tape: Vec<Node>,
    pub(crate) open: Vec<Open>,
}

impl Index {
    /// For a text of so many bytes.
    pub(crate) fn get(length: usize) -> Self {
        // Records have a node for each seven bytes or so.
        let likely = length / 6;
        if likely <= NODES { INDEX.take().unwrap_or_else(|| Self::of(NODES)) } else { Self::of(likely) }
    }

    fn of(nodes: usize) -> Self {
        Self { tape: Vec::with_capacity(nodes), open: Vec::with_capacity(LEVELS) }
    }

    /// Leaves it for the next run, unless it is a large one.
    pub(crate) fn leave(mut self) {
        self.tape.clear();
        self.open.clear();
        if self.tape.capacity() == NODES && self.open.capacity() == LEVELS {
            INDEX.set(Some(self));
        }
    }
}
