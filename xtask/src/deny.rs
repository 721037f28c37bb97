//! Checks the dependencies' licences, sources and bans by cargo-deny, as `deny.toml` says.
//!
//! Advisories are not checked here: their database is fetched from outside of the registries.

use crate::{cargo, progress};

/// The version that is built once into the cache.
const VERSION: &str = "0.20.2";

/// Fails if a dependency is not one that `deny.toml` allows.
pub(crate) fn check() -> anyhow::Result<()> {
    let program = cargo::installed("cargo-deny", VERSION)?;
    let mut check = cargo::with(&program);
    progress::run("cargo deny check", check.args(["check", "bans", "licenses", "sources"]))
}
