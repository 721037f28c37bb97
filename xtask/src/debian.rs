//! Debian packages: asked for by name, installed where that is possible, or unpacked into the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

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

/// The files of a package that is not installed, since installing it would start a service on this machine. The folder has
/// the package's version in its name; deleting it gets the newest.
pub(crate) fn unpacked(package: &str) -> anyhow::Result<PathBuf> {
    let dir = paths::cache()?.join("debian").join(package);
    std::fs::create_dir_all(&dir)?;
    let is_whole =
        |path: &PathBuf| path.is_dir() && path.extension().is_none_or(|extension| extension != "new");
    let entries = std::fs::read_dir(&dir)?.flatten().map(|entry| entry.path());
    if let Some(files) = entries.filter(is_whole).max() {
        return Ok(files);
    }
    progress::step(&format!("getting {package}"), |step| {
        let download = dir.join("download.new");
        if download.exists() {
            std::fs::remove_dir_all(&download)?;
        }
        std::fs::create_dir_all(&download)?;
        let get = || {
            let mut command = apt_get();
            // As the user that this is run as, who owns the folder.
            command.args(["-o", "APT::Sandbox::User=root", "download", package]).current_dir(&download);
            progress::run_in(step, &mut command)
        };
        if get().is_err() {
            progress::run_in(step, apt_get().arg("update"))?;
            get().with_context(|| {
                format!("{package} is not to be had\nhint: it is a package of Debian and Ubuntu")
            })?;
        }
        let archive =
            std::fs::read_dir(&download)?.flatten().next().context("apt-get left no package")?.path();
        let name =
            archive.file_stem().context("a package without name")?.to_string_lossy().replace("%3a", ":");
        let unfinished = download.join("files");
        progress::run_in(step, Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&unfinished))?;
        let files = dir.join(name);
        std::fs::rename(&unfinished, &files)?;
        std::fs::remove_dir_all(&download)?;
        Ok(files)
    })
}
