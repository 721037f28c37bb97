//! `cargo xtask build`: the plugin in its flavours, the playground, and the CLI that carries them.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::{cargo, paths, playground, progress, wasm};

/// What is left in `target/dist`.
#[derive(Debug, Clone)]
pub(crate) struct Dist {
    pub(crate) plugin: PathBuf,
    pub(crate) cli: PathBuf,
    pub(crate) page: PathBuf,
}

/// Builds all of them; fast when nothing changed.
pub(crate) fn build() -> anyhow::Result<Dist> {
    let plugins = wasm::build()?;
    let page = playground::build()?;
    // Its build script finds the plugins where they are now. Here it is without the commit, of which there are many.
    let mut command = cargo::command();
    command
        .args(["build", "--locked", "--release", "--package", "kubectl-ambassador"])
        .env("AMBASSADOR_COMMIT", "")
        .env("AMBASSADOR_PLAYGROUND_PAGE", &page.shell)
        .env("AMBASSADOR_PLAYGROUND_WASM", &page.module);
    progress::run("building kubectl-ambassador", &mut command)?;
    let built = paths::target().join("release/kubectl-ambassador");
    let cli = paths::dist().join("kubectl-ambassador");
    // A running program's file cannot be written, but it can be replaced.
    let fresh = cli.with_extension("new");
    std::fs::copy(&built, &fresh).with_context(|| format!("cannot copy {}", built.display()))?;
    std::fs::rename(&fresh, &cli)?;
    // By this name kubectl looks for what completes `kubectl ambassador`.
    let completion = paths::dist().join("kubectl_complete-ambassador");
    if completion.symlink_metadata().is_err() {
        std::os::unix::fs::symlink("kubectl-ambassador", &completion)?;
    }
    progress::ready(&format!("{}", cli.display()));
    Ok(Dist { plugin: plugins.full, cli, page: page.whole })
}
