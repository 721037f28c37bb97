//! What one run may use.

/// Bounds of one run of a [`Program`](crate::Program). Reaching one is
/// [`RunError::Exhausted`](crate::RunError::Exhausted), never a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps that a run may take. A step is about one instruction; work that grows with the data, such as sorting or
    /// comparing, costs steps in proportion. Default 5,000,000.
    pub steps: usize,
    /// Bytes that values may take at a time, on top of 32 bytes for each byte of the input. Default 4 MiB.
    pub bytes: usize,
    /// How deep arrays and objects may nest: of the input, of what `fromjson` reads, and of the outputs. Default 128;
    /// more than 1,024 counts as 1,024.
    pub depth: usize,
    /// How many characters a number of the input may have. Default 1,000.
    pub digits: usize,
    /// Bytes that all outputs of a run may take together, as compact JSON. Default 16 MiB.
    pub output: usize,
}

/// Bytes of memory for each byte of input.
pub(crate) const BYTES_A_BYTE: usize = 32;

impl Limits {
    /// The most that [`depth`](Self::depth) can be.
    pub const DEEPEST: usize = 1_024;
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 5_000_000, bytes: 4 << 20, depth: 128, digits: 1_000, output: 16 << 20 }
    }
}
