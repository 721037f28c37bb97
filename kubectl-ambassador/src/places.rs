//! Folders of the user's for what this program keeps, and what there is for nobody else's eyes.
//!
//! On Windows they are below `%LOCALAPPDATA%`, which others cannot read; elsewhere they are where XDG says, and private by
//! their mode.

use std::fs::{DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// For what must outlast this run.
pub(crate) fn state() -> Result<PathBuf> {
    place("XDG_STATE_HOME", ".local/state", "no place for a backup of the pod")
}

/// For what can be made again.
pub(crate) fn cache() -> Result<PathBuf> {
    place("XDG_CACHE_HOME", ".cache", "there is no cache directory")
}

fn place(variable: &str, below_home: &str, without: &str) -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let user = if cfg!(windows) {
        ("LOCALAPPDATA", folder("LOCALAPPDATA"))
    } else {
        ("HOME", folder("HOME").map(|home| home.join(below_home)))
    };
    let chosen = folder(variable).filter(|path| path.is_absolute());
    let base = chosen
        .or(user.1)
        .ok_or_else(|| Failure::unchanged(format!("{without}: neither {variable} nor {} is set", user.0)))?;
    Ok(base.join("kubectl-ambassador"))
}

/// Makes a folder, and those above it, that nobody else may look into.
pub(crate) fn create_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens files for writing that nobody else may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
