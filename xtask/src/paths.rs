//! Where things are: the checkout, what is built, and the cache that outlives both.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub(crate) use plugin_build::on_path;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where `cargo xtask build` leaves what it builds.
pub(crate) fn dist() -> PathBuf {
    target().join("dist")
}

/// What is costly to get or to build, keyed by version: `$AMBASSADOR_CACHE`, else `kubectl-ambassador` in the
/// user's cache directory. Made if it is not there.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let user = || {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        base.map(|base| base.join("kubectl-ambassador"))
    };
    let cache = std::env::var_os("AMBASSADOR_CACHE")
        .map(PathBuf::from)
        .or_else(user)
        .context("no place for a cache: neither AMBASSADOR_CACHE nor HOME is set")?;
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    Ok(cache)
}

/// PATH with a folder in front of it.
pub(crate) fn path_with(dir: Option<&Path>, path: &OsStr) -> OsString {
    let all = dir.map(Path::to_owned).into_iter().chain(std::env::split_paths(path));
    // Fails for folders with a colon in their name alone, which PATH cannot hold.
    std::env::join_paths(all).unwrap_or_else(|_| path.to_owned())
}
