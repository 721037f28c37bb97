//! Programs that users run beside ours, built from their Go modules once and kept in the cache: what comes out of our
//! pipes must go into the real ones.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{paths, progress};

/// A program that `go install` builds.
struct Tool {
    name: &'static str,
    module: &'static str,
    version: &'static str,
}

/// The newest that Go 1.26 builds.
const KUSTOMIZE: Tool =
    Tool { name: "kustomize", module: "sigs.k8s.io/kustomize/kustomize/v5", version: "v5.8.1" };
const HELM: Tool = Tool { name: "helm", module: "helm.sh/helm/v4/cmd/helm", version: "v4.1.1" };
/// Its post-renderers are programs, and those of Helm 4 plugins.
const HELM_3: Tool = Tool { name: "helm", module: "helm.sh/helm/v3/cmd/helm", version: "v3.22.0" };

/// Its newest version as a Go module has the number of a commit only.
pub(crate) const ISTIO_VERSION: &str = "v0.0.0-20260827124520-eed52ebb66ad";
const ISTIOCTL: Tool =
    Tool { name: "istioctl", module: "istio.io/istio/istioctl/cmd/istioctl", version: ISTIO_VERSION };

/// kubectl's manager of plugins, and what its index checks manifests with.
const KREW: Tool = Tool { name: "krew", module: "sigs.k8s.io/krew/cmd/krew", version: "v0.5.0" };
const KREW_VALIDATOR: Tool = Tool {
    name: "validate-krew-manifest",
    module: "sigs.k8s.io/krew/cmd/validate-krew-manifest",
    version: "v0.5.0",
};
/// Reads workflows of GitHub.
const ACTIONLINT: Tool =
    Tool { name: "actionlint", module: "github.com/rhysd/actionlint/cmd/actionlint", version: "v1.7.12" };

/// krew, by its path.
pub(crate) fn krew() -> anyhow::Result<PathBuf> {
    KREW.ensure()
}

/// `validate-krew-manifest`, by its path.
pub(crate) fn krew_validator() -> anyhow::Result<PathBuf> {
    KREW_VALIDATOR.ensure()
}

/// actionlint, by its path.
pub(crate) fn actionlint() -> anyhow::Result<PathBuf> {
    ACTIONLINT.ensure()
}

/// kustomize, by its path.
pub(crate) fn kustomize() -> anyhow::Result<PathBuf> {
    KUSTOMIZE.ensure()
}

/// Helm 4 and Helm 3, by the variables that tell tests where they are.
pub(crate) fn helm() -> anyhow::Result<[(&'static str, PathBuf); 2]> {
    Ok([("AMBASSADOR_HELM", HELM.ensure()?), ("AMBASSADOR_HELM_3", HELM_3.ensure()?)])
}

/// istioctl, by its path.
pub(crate) fn istioctl() -> anyhow::Result<PathBuf> {
    ISTIOCTL.ensure()
}

/// The Go module of Kubernetes' API, whose test data has an object of each kind with all its fields.
const API: &str = "k8s.io/api@v0.34.4";

/// The folder with those objects.
pub(crate) fn objects() -> anyhow::Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", API])
        .current_dir(paths::cache()?)
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .output()
        .context("cannot run go\nhint: https://go.dev/dl has it")?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let Some(dir) = answer["Dir"].as_str() else {
        bail!("{API} cannot be had: {}", answer["Error"].as_str().unwrap_or("go says nothing"));
    };
    Ok(PathBuf::from(dir).join("testdata/HEAD"))
}

impl Tool {
    fn ensure(&self) -> anyhow::Result<PathBuf> {
        let Self { name, module, version } = self;
        let dir = paths::cache()?.join(name).join(version);
        let program = dir.join(name);
        if program.is_file() {
            progress::ready(&format!("{name} {version}"));
            return Ok(program);
        }
        if paths::on_path("go").is_none() {
            bail!("building {name} needs Go, which is not on PATH\nhint: https://go.dev/dl has it");
        }
        // Built beside and moved: what is in the cache is whole.
        let unfinished = dir.join("build");
        std::fs::create_dir_all(&unfinished)?;
        progress::run(
            &format!("building {name} {version} (minutes, once)"),
            Command::new("go")
                .args(["install", "-trimpath", "-ldflags", "-s -w", &format!("{module}@{version}")])
                .env("GOBIN", &unfinished)
                .env("GOFLAGS", "")
                .env("GOWORK", "off"),
        )?;
        std::fs::rename(unfinished.join(name), &program)
            .with_context(|| format!("go install left no {name}"))?;
        std::fs::remove_dir(&unfinished)?;
        Ok(program)
    }
}
