//! What a run may still use.

use crate::{Limits, Resource, RunError, meter};

/// A limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    pub which: Resource,
    pub limit: usize,
}

impl From<Exhausted> for RunError {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted { which: exhausted.which, limit: exhausted.limit }
    }
}

/// How many steps are taken before memory is looked at again. No step takes more than a few hundred bytes unless it has
/// asked for them.
const SLICE: usize = 256;

/// What it costs to make a value with memory of its own.
const STEPS_TO_MAKE: usize = 2;

/// The steps and bytes that a run may still use. A step is about what one instruction costs; work that grows with the
/// data is charged in proportion.
#[derive(Debug)]
pub struct Fuel {
    /// Steps until the next look at memory.
    slice: usize,
    /// Steps behind that.
    left: usize,
    limits: Limits,
    /// Bytes that all values may take.
    bytes: usize,
    /// Bytes that are no values': the input's index, the machine's stacks.
    other: usize,
    now: f64,
}

impl Fuel {
    pub fn new(limits: Limits, input: usize, now: f64) -> Self {
        let bytes = limits.bytes.saturating_add(input.saturating_mul(crate::limits::BYTES_A_BYTE));
        let slice = SLICE.min(limits.steps);
        Self { slice, left: limits.steps - slice, limits, bytes, other: 0, now }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn now(&self) -> f64 {
        self.now
    }

    /// Steps taken so far.
    pub fn steps(&self) -> usize {
        self.limits.steps.saturating_sub(self.left).saturating_sub(self.slice)
    }

    /// Takes so many steps.
    #[inline]
    pub fn charge(&mut self, steps: usize) -> Result<(), Exhausted> {
        if steps < self.slice {
            self.slice -= steps;
            return Ok(());
        }
        self.refill(steps)
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, steps: usize) -> Result<(), Exhausted> {
        let steps = steps.saturating_add(meter::made().saturating_mul(STEPS_TO_MAKE));
        let beyond = steps.saturating_sub(self.slice);
        if beyond >= self.left {
            self.left = 0;
            self.slice = 0;
            return Err(Exhausted { which: Resource::Steps, limit: self.limits.steps });
        }
        self.left -= beyond;
        self.slice = SLICE.min(self.left);
        self.left -= self.slice;
        self.reserve(0)
    }

    /// Asks for memory before it is taken; what is taken says so itself, see [`meter`].
    pub fn reserve(&self, bytes: usize) -> Result<(), Exhausted> {
        if meter::live().saturating_add(self.other).saturating_add(bytes) > self.bytes {
            return Err(Exhausted { which: Resource::Bytes, limit: self.bytes });
        }
        Ok(())
    }

    /// Says what is taken by other things than values.
    pub fn set_other(&mut self, bytes: usize) {
        self.other = bytes;
    }
}
