//! The outputs of one run.

/// The outputs of one run, in order, each a compact JSON text in UTF-8. All of them share one buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    text: Vec<u8>,
    /// Where each output ends in `text`; it starts where the one before it ends.
    ends: Vec<usize>,
    steps: usize,
}

impl Outputs {
    /// How many outputs there are; a jq program may give none, one or many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Steps that the run took, of those that [`Limits`](crate::Limits) allowed.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Whether the program gave no output at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The JSON text of each output.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, &end)| self.text.get(start..end))
    }

    /// The only output, without a copy, or the outputs back if there are none or several.
    pub fn into_single(self) -> Result<Vec<u8>, Self> {
        if self.ends.len() == 1 { Ok(self.text) } else { Err(self) }
    }

    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    pub fn set_steps(&mut self, steps: usize) {
        self.steps = steps;
    }

    pub fn finish_one(&mut self) {
        self.ends.push(self.text.len());
    }
}
