//! npm packages, set once in the cache: what bundles the playground page, and what tests it in a browser.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::{debian, paths, progress};

/// The folder with what `playground/web/package-lock.json` names, in `node_modules`.
pub(crate) fn modules() -> anyhow::Result<PathBuf> {
    if paths::on_path("npm").is_none() {
        progress::step("installing Node.js", |step| debian::install(step, &["nodejs", "npm"]))?;
    }
    let web = paths::root().join("playground/web");
    let files = ["package.json", "package-lock.json"];
    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(web.join(file)).with_context(|| format!("cannot read {file}"))?);
    }
    let mut key = String::new();
    for byte in hash.finalize().iter().take(6) {
        write!(key, "{byte:02x}")?;
    }
    let dir = paths::cache()?.join("npm").join(key);
    // Written last: what is in the cache is whole.
    let whole = dir.join("whole");
    if !whole.is_file() {
        std::fs::create_dir_all(&dir)?;
        for file in files {
            std::fs::copy(web.join(file), dir.join(file))?;
        }
        progress::run(
            "installing CodeMirror, esbuild and Playwright (npm)",
            Command::new("npm").current_dir(&dir).args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ]),
        )?;
        std::fs::write(&whole, "").context("cannot write into the cache")?;
    }
    progress::ready("CodeMirror, esbuild and Playwright from npm");
    Ok(dir.join("node_modules"))
}
