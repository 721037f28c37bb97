//! Runs cargo as a person would from a shell.

use std::path::PathBuf;
use std::process::Command;

use crate::{paths, progress};

/// cargo, in the root of the checkout.
pub(crate) fn command() -> Command {
    with("cargo".as_ref())
}

/// A certain cargo, without what the cargo that runs this program has set for it.
pub(crate) fn with(program: &std::path::Path) -> Command {
    plugin_build::cargo(program.as_ref(), &paths::root())
}

/// A program that is a crate of the same name, built once into the cache.
pub(crate) fn installed(name: &str, version: &str) -> anyhow::Result<PathBuf> {
    let root = paths::cache()?.join(name).join(version);
    let program = root.join("bin").join(name);
    if !program.is_file() {
        let mut install = command();
        install.args(["install", "--quiet", "--locked", "--version", version, name, "--root"]).arg(&root);
        progress::run(&format!("building {name} {version} (minutes, once)"), &mut install)?;
    }
    Ok(program)
}
