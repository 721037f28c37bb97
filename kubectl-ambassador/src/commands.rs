//! One file a command: its arguments and what it does.

mod change;
pub(crate) mod completion;
pub(crate) mod inject;
pub(crate) mod render;
mod target;
pub(crate) mod test;
pub(crate) mod uninject;
pub(crate) mod version;
