//! Runs cargo as a person would from a shell.

use std::process::Command;

use crate::paths;

/// cargo, in the root of the checkout.
pub(crate) fn command() -> Command {
    with("cargo".as_ref())
}

/// A certain cargo, without what the cargo that runs this program has set for it: build scripts that watch such
/// variables would run again, and all that depends on them would be built again, each time one changes between
/// `cargo build` and `cargo xtask build`.
pub(crate) fn with(program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    command
}
