//! Checks the dependencies' licences, sources and bans by cargo-deny, as `deny.toml` says.
//!
//! Advisories are not checked here: their database is fetched from outside of the registries.

use crate::{cargo, paths, progress};

/// The version that is built once into the cache.
const VERSION: &str = "0.20.2";

/// Fails if a dependency is not one that `deny.toml` allows.
pub(crate) fn check() -> anyhow::Result<()> {
    let root = paths::cache()?.join("cargo-deny").join(VERSION);
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        let mut install = cargo::command();
        install
            .args(["install", "--quiet", "--locked", "--version", VERSION, "cargo-deny", "--root"])
            .arg(&root);
        progress::run("building cargo-deny (minutes, once)", &mut install)?;
    }
    let mut check = cargo::with(&program);
    progress::run("cargo deny check", check.args(["check", "bans", "licenses", "sources"]))
}
