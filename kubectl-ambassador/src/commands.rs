//! One file a command: its arguments and what it does.

mod change;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod inject;
mod pipe;
pub(crate) mod playground;
pub(crate) mod plugin;
pub(crate) mod render;
pub(crate) mod resume;
mod target;
pub(crate) mod test;
pub(crate) mod uninject;
pub(crate) mod version;
