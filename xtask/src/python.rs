//! Python packages, each set in a virtual environment of its own in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{debian, paths, progress};

/// Readers that are not ours, of what we write; and HTTP/2 as a legacy program may speak it.
const READERS: [&str; 3] = ["prometheus-client==0.26.0", "PyYAML==6.0.4", "h2==4.4.1"];

/// A Python that has [`READERS`].
pub(crate) fn readers() -> anyhow::Result<PathBuf> {
    let dir = paths::cache()?.join("readers").join(READERS.join("+").replace("==", "-"));
    let python = dir.join("bin/python");
    // Written last: what is in the cache is whole.
    let whole = dir.join("whole");
    if !whole.is_file() {
        progress::step(&format!("installing {} (PyPI)", READERS.join(" and ")), |step| {
            make_venv(step, &dir)?;
            progress::run_in(
                step,
                Command::new(dir.join("bin/pip")).args(["install", "--quiet"]).args(READERS),
            )?;
            std::fs::write(&whole, "").context("cannot write into the cache")
        })?;
    }
    progress::ready(&format!("{} from PyPI", READERS.join(", ")));
    Ok(python)
}

/// Makes a virtual environment; on Debian installs what that needs.
pub(crate) fn make_venv(step: &progress::Step, venv: &Path) -> anyhow::Result<()> {
    let make = || progress::run_in(step, Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv));
    if make().is_err() {
        debian::install(step, &["python3", "python3-venv"])?;
        make().context("python3 cannot make a virtual environment")?;
    }
    Ok(())
}
