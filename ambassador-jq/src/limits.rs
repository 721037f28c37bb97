//! What one run may use.

/// Bounds of one run of a [`Program`](crate::Program). Reaching one is
/// [`RunError::Exhausted`](crate::RunError::Exhausted), never a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How deep arrays and objects of the input may nest. Default 128, at most 128 with this engine.
    pub depth: usize,
    /// How many characters a number of the input may have. Default 1,000.
    pub digits: usize,
    /// Bytes that all outputs of a run may take together, as compact JSON. Default 16 MiB.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128, digits: 1_000, output: 16 << 20 }
    }
}
