//! What the CLI and the plugin are made of, as `CycloneDX` tells it.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use super::{VERSION, epoch};
use crate::{cargo, paths, progress, python};

/// The version that is built once into the cache.
const CYCLONEDX: &str = "0.5.9";

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
    let program = cargo::installed("cargo-cyclonedx", CYCLONEDX)?;
    for (package, name) in
        [("kubectl-ambassador", "kubectl-ambassador"), ("plugin-wasm", "kubectl-ambassador-plugin")]
    {
        let mut command = cargo::with(&program);
        command
            .args(["cyclonedx", "--format", "json", "--spec-version", "1.5", "--target", "all"])
            .args(["--override-filename", "release-sbom", "--manifest-path"])
            .arg(paths::root().join(package).join("Cargo.toml"))
            .env("SOURCE_DATE_EPOCH", epoch().to_string());
        progress::run(&format!("listing what {package} is made of"), &mut command)?;
        let written = paths::root().join(package).join("release-sbom.json");
        let text = std::fs::read_to_string(&written)
            .with_context(|| format!("cannot read {}", written.display()))?;
        std::fs::remove_file(&written)?;
        let sbom = anywhere(&text)?;
        let path = dir.join(format!("{name}-{VERSION}.cdx.json"));
        std::fs::write(&path, sbom).context("cannot write the SBOM")?;
        progress::quietly(Command::new(python::cyclonedx()?).args(["-c", VALIDATE]).arg(&path))
            .context("its schema does not allow the SBOM")?;
    }
    Ok(())
}

/// The same without paths of this machine.
fn anywhere(text: &str) -> anyhow::Result<String> {
    let root = paths::root();
    let text = text.replace(&format!("file://{}", root.display()), "file:///ambassador");
    let sbom: Value = serde_json::from_str(&text).context("cargo-cyclonedx writes no JSON")?;
    Ok(format!("{sbom:#}\n"))
}
