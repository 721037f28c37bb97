//! What the CLI and the plugin are made of, as `CycloneDX` tells it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use super::{VERSION, epoch};
use crate::{cargo, paths, progress, python};

/// The version that is built once into the cache.
const CYCLONEDX: &str = "0.5.9";

/// What its files are called, without the ending.
const FILE: &str = "release-sbom";
/// The packages that are shipped, by their folders, and what their SBOMs are called.
const SHIPPED: [(&str, &str); 2] =
    [("kubectl-ambassador", "kubectl-ambassador"), ("plugin-wasm", "kubectl-ambassador-plugin")];
/// Says whether a file keeps to the schema.
const VALIDATE: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(problem and str(problem))
";

/// Writes one for each of the two into a folder.
pub(super) fn write(dir: &Path) -> anyhow::Result<()> {
    let mut command = cargo::with(&cargo::installed("cargo-cyclonedx", CYCLONEDX)?);
    command
        .args(["cyclonedx", "--all", "--format", "json", "--spec-version", "1.5", "--target", "all"])
        .args(["--override-filename", FILE])
        .env("SOURCE_DATE_EPOCH", epoch().to_string());
    progress::run("listing what all of it is made of", &mut command)?;
    // It has left one beside each package of the workspace.
    for package in packages()? {
        let written = package.with_file_name(format!("{FILE}.json"));
        let text = std::fs::read_to_string(&written)
            .with_context(|| format!("cannot read {}", written.display()))?;
        std::fs::remove_file(&written)?;
        let folder = package.parent().and_then(Path::file_name).unwrap_or_default();
        let Some((_, name)) = SHIPPED.iter().find(|(package, _)| folder == *package) else { continue };
        let path = dir.join(format!("{name}-{VERSION}.cdx.json"));
        std::fs::write(&path, anywhere(&text)?).context("cannot write the SBOM")?;
        progress::quietly(Command::new(python::cyclonedx()?).args(["-c", VALIDATE]).arg(&path))
            .context("its schema does not allow the SBOM")?;
    }
    Ok(())
}

/// The manifests of the workspace's packages.
fn packages() -> anyhow::Result<Vec<PathBuf>> {
    let output = cargo::command().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata says nothing")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages.filter_map(|package| Some(package["manifest_path"].as_str()?.into())).collect())
}

/// The same without paths of this machine.
fn anywhere(text: &str) -> anyhow::Result<String> {
    let root = paths::root();
    let text = text.replace(&format!("file://{}", root.display()), "file:///ambassador");
    let sbom: Value = serde_json::from_str(&text).context("cargo-cyclonedx writes no JSON")?;
    Ok(format!("{sbom:#}\n"))
}
