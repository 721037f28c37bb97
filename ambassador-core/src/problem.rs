//! A problem of a config, as data: where, what, and what to do. Rendering it is the caller's.

use std::fmt;
use std::ops::Range;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A field of an object.
    Key(String),
    /// An item of a list, from zero.
    Index(usize),
}

/// Where in a config something stands, such as `spec.rules[0].response.jq`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

impl Path {
    /// The config as a whole.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The field `name` of what this path names.
    #[must_use]
    pub fn key(&self, name: &str) -> Self {
        self.step(Step::Key(name.to_owned()))
    }

    /// Item `index` of what this path names.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// Goes a step further.
    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Goes back by a step.
    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) if position == 0 => f.write_str(name)?,
                Step::Key(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// One problem of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The value that is wrong, or the object in which something is missing.
    pub path: Path,
    /// Whether the field's name is meant, not its value: an unknown field.
    pub at_key: bool,
    /// The bytes within that value which are wrong, where it is a text such as a jq program.
    pub range: Option<Range<usize>>,
    /// What is wrong: lower case, one line, no final dot.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of the value at `path`.
    pub fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.clone(), at_key: false, range: None, message: message.into(), hint: None }
    }

    /// With a hint: what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Narrowed to these bytes of the value.
    #[must_use]
    pub fn range(self, range: Range<usize>) -> Self {
        Self { range: Some(range), ..self }
    }

    /// About the name of the field, not its value.
    #[must_use]
    pub fn at_key(self) -> Self {
        Self { at_key: true, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.steps().is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}
