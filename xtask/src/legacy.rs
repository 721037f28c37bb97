//! Builds the legacy program of the lab as one static file.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::{paths, progress};

const SOURCE: &str = "e2e/src/bin/legacy-fruit-service.rs";

/// The program, built if its source has changed.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let source = paths::root().join(SOURCE);
    let text = std::fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let program = paths::cache()?.join("legacy").join(short_hash(&text)).join("legacy-fruit-service");
    if program.is_file() {
        progress::ready("legacy-fruit-service");
        return Ok(program);
    }
    std::fs::create_dir_all(program.parent().context("the cache has no parent")?)?;
    let unfinished = program.with_extension("new");
    progress::run(
        "building legacy-fruit-service",
        Command::new("rustc")
            .args(["-O", "--edition", "2024", "-Ctarget-feature=+crt-static", "-Cstrip=symbols", "-o"])
            .arg(&unfinished)
            .arg(&source),
    )?;
    std::fs::rename(&unfinished, &program)?;
    Ok(program)
}

/// Enough of a SHA-256 to tell versions of a file apart.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
