//! Debian packages: asked for by name, installed where that is possible.

use std::process::Command;

use anyhow::bail;

use crate::{paths, progress};

/// Whether packages can be installed here: Debian or its kin, and root.
pub(crate) fn can_install() -> bool {
    paths::on_path("apt-get").is_some() && rustix::process::geteuid().is_root()
}

/// Installs packages, or says what to install.
pub(crate) fn install(step: &progress::Step, packages: &[&str]) -> anyhow::Result<()> {
    let list = packages.join(" ");
    if !can_install() {
        bail!("needs {list}\nhint: on Debian or Ubuntu, as root: apt-get install {list}");
    }
    step.say(&format!("apt-get install {list}"));
    progress::run_in(step, apt_get().arg("update"))?;
    progress::run_in(step, apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive");
    command
}
