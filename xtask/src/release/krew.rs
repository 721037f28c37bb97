//! The manifest by which krew, kubectl's manager of plugins, installs the archives; read and tried by krew itself.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::{Archive, VERSION};
use crate::{cluster, go_tools, progress};

/// What users read of it, between the versions and the archives.
const ABOUT: &str = "  homepage: URL
  shortDescription: Map ports and reshape answers of pods by Envoy
  description: |
    Puts an ambassador, Envoy with a Proxy-Wasm filter, into the pod of a
    container that cannot be changed. It maps ports, and reshapes answers by
    rules in jq:

      kubectl ambassador inject fruit-service --jq 'map({name: .})'

    Takes it out again to the byte, and works on manifests in pipes too.
  caveats: |
    For completion of `kubectl ambassador`, once:

      ln -s kubectl-ambassador \"${KREW_ROOT:-$HOME/.krew}/bin/kubectl_complete-ambassador\"
  platforms:
";

/// The manifest of archives at a URL.
pub(super) fn manifest(url: &str, archives: &[Archive]) -> String {
    // Of a GitHub release that is the repository.
    let homepage = url.split("/releases/").next().unwrap_or(url);
    let mut text = format!(
        "apiVersion: krew.googlecontainertools.github.com/v1alpha2\nkind: Plugin\nmetadata:\n  name: ambassador\n\
        spec:\n  version: v{VERSION}\n{}",
        ABOUT.replace("URL", homepage)
    );
    for Archive { system, name, sha256 } in archives {
        let ((os, arch), program) = (system.names(), system.program());
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "  - selector:\n      matchLabels:\n        os: {os}\n        arch: {arch}\n    uri: {url}/{name}\n    \
            sha256: {sha256}\n    bin: {program}\n    files:\n    - from: {program}\n      to: .\n    - from: LICENSE\n      \
            to: .\n"
        );
    }
    text
}

/// Has krew's own checker of its index read it.
pub(super) fn validate(manifest: &Path) -> anyhow::Result<()> {
    let mut check = Command::new(go_tools::krew_validator()?);
    progress::quietly(check.args(["-skip-install", "-manifest"]).arg(manifest))
        .context("krew refuses the manifest")?;
    progress::ready("krew's own check of the manifest");
    Ok(())
}

/// Installs an archive by krew into a folder, and runs what that gives, through kubectl.
pub(super) fn install(manifest: &Path, archive: &Path, root: &Path) -> anyhow::Result<()> {
    let mut install = Command::new(go_tools::krew()?);
    install
        .arg("install")
        .arg("--manifest")
        .arg(manifest)
        .arg("--archive")
        .arg(archive)
        .env("KREW_ROOT", root);
    progress::quietly(&mut install)?;
    let path = crate::paths::path_with(Some(&root.join("bin")), &cluster::path_with_kubectl()?);
    let mut version = Command::new("kubectl");
    let output = version.args(["ambassador", "version", "--client"]).env("PATH", path).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.starts_with(&format!("Client Version: v{VERSION}\n")) {
        bail!(
            "kubectl ambassador, installed by krew, says: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    progress::ready("krew has installed the archive, and kubectl runs it");
    Ok(())
}
