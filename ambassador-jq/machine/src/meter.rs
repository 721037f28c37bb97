//! How much memory the values of a run take.
//!
//! Every value with memory of its own says here how much, when it is made, grows, shrinks and goes. The sum is kept per
//! thread, not per run: a run keeps to its thread from start to end, and a counter that each value would have to point
//! to would cost every value a pointer. This is what the crate needs `std` for.

use std::cell::Cell;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static MADE: Cell<usize> = const { Cell::new(0) };
}

/// Forgets what was counted before: a run begins.
pub(crate) fn reset() {
    LIVE.set(0);
    MADE.set(0);
}

/// Bytes that the values of this run take now.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// How many values with memory of their own were made since this was asked last: each costs a call or two of the
/// allocator, which is more than a step.
pub(crate) fn made() -> usize {
    MADE.replace(0)
}

/// What one payload has said it takes. Dropped with it.
#[derive(Debug, Default)]
pub(crate) struct Share(usize);

impl Share {
    /// Says that the payload now takes so many bytes.
    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes != self.0 {
            if self.0 == 0 {
                MADE.set(MADE.get().wrapping_add(1));
            }
            LIVE.set(LIVE.get().wrapping_sub(self.0).wrapping_add(bytes));
            self.0 = bytes;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().wrapping_sub(self.0));
    }
}
