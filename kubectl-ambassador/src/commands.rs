//! One file a command: its arguments and what it does.

pub(crate) mod inject;
pub(crate) mod render;
pub(crate) mod uninject;
