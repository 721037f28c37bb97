//! The Kubernetes programs, built from the Go module `k8s.io/kubernetes` once and kept in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{paths, progress};

/// 1.34 still accepts cgroup v1 and containerd 1.6, so it runs on machines of this decade.
const VERSION: &str = "1.34.4";
/// What a cluster with a node is made of.
const NODE: &[&str] =
    &["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"];

/// The programs of one version.
pub(super) struct Release {
    version: String,
    programs: Vec<&'static str>,
}

impl Release {
    /// Of the cluster that tests and demos use: all programs of a node, and kubectl unless there is one.
    pub(super) fn of_the_cluster() -> Self {
        let version = std::env::var("KUBE_VERSION").unwrap_or_else(|_| VERSION.to_owned());
        let kubectl = paths::on_path("kubectl").is_none().then_some("kubectl");
        Self { version, programs: NODE.iter().copied().chain(kubectl).collect() }
    }

    /// Some programs of some version.
    pub(super) fn of(version: &str, programs: impl Iterator<Item = &'static str>) -> Self {
        Self { version: version.to_owned(), programs: programs.collect() }
    }

    /// Where the programs are.
    fn dir(&self) -> anyhow::Result<PathBuf> {
        Ok(paths::cache()?.join("kubernetes").join(&self.version))
    }

    /// One of the programs.
    pub(super) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        Ok(self.dir()?.join(name))
    }

    /// Whether a program has to be built yet.
    pub(super) fn is_missing(&self) -> bool {
        !self.dir().is_ok_and(|dir| self.programs.iter().all(|program| dir.join(program).is_file()))
    }

    /// Builds what is not there. The API server alone takes minutes.
    pub(super) fn ensure(&self) -> anyhow::Result<()> {
        let (dir, version) = (self.dir()?, &self.version);
        if !self.is_missing() {
            progress::ready(&format!("Kubernetes {version}"));
            return Ok(());
        }
        let module = dir.join("build");
        std::fs::create_dir_all(&module)?;
        progress::step(&format!("getting Kubernetes {version} as a Go module"), |step| {
            prepare(step, &module, version, &self.programs)
        })?;
        for program in &self.programs {
            if !dir.join(program).is_file() {
                build(&dir, &module, version, program)?;
            }
        }
        std::fs::remove_dir_all(&module)?;
        Ok(())
    }
}

/// kubectl: the one on PATH, else the one built here.
pub(super) fn kubectl() -> anyhow::Result<PathBuf> {
    paths::on_path("kubectl").map_or_else(|| Release::of_the_cluster().program("kubectl"), Ok)
}

/// Kubernetes' own go.mod names its staging modules as version 0.0.0, found in its repository; outside of it each
/// is replaced by the one that was published with it.
fn prepare(step: &progress::Step, module: &Path, version: &str, programs: &[&str]) -> anyhow::Result<()> {
    let head = "module kubernetes-tools\ngo 1.24.0\n";
    std::fs::write(module.join("go.mod"), head)?;
    let output = go(module)
        .args(["mod", "download", "-json", &format!("k8s.io/kubernetes@v{version}")])
        .output()
        .context("cannot run go")?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let Some(source) = answer["Dir"].as_str() else {
        bail!(
            "k8s.io/kubernetes@v{version} cannot be had: {}",
            answer["Error"].as_str().unwrap_or("go says nothing")
        );
    };
    let go_mod = std::fs::read_to_string(Path::new(source).join("go.mod"))?;
    let staging = version.strip_prefix("1.").context("KUBE_VERSION is not 1.x.y")?;
    let replacements: Vec<String> =
        staging_modules(&go_mod).iter().map(|name| format!("\t{name} => {name} v0.{staging}")).collect();
    let replacements = replacements.join("\n");
    let text = format!(
        "{head}godebug default=go1.24\nrequire k8s.io/kubernetes v{version}\nreplace (\n{replacements}\n)\n"
    );
    std::fs::write(module.join("go.mod"), text)?;
    let imports: Vec<String> =
        programs.iter().map(|program| format!("\t_ \"k8s.io/kubernetes/cmd/{program}\"")).collect();
    let imports = imports.join("\n");
    std::fs::write(
        module.join("tools.go"),
        format!("//go:build tools\npackage tools\nimport (\n{imports}\n)\n"),
    )?;
    progress::run_in(step, go(module).args(["mod", "tidy"]))
}

fn build(dir: &Path, module: &Path, version: &str, program: &str) -> anyhow::Result<()> {
    let minor = version.split('.').nth(1).unwrap_or_default();
    // Servers tell the one or the other, by their age.
    let flags = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].map(|variables| {
        format!(
            "-X {variables}.gitVersion=v{version} -X {variables}.gitMajor=1 -X {variables}.gitMinor={minor}"
        )
    });
    let flags = format!("-s -w {}", flags.join(" "));
    let unfinished = dir.join(format!("{program}.new"));
    progress::run(
        &format!("building {program} {version} (minutes, once)"),
        go(module)
            .args(["build", "-mod=mod", "-trimpath", "-ldflags", &flags, "-o"])
            .arg(&unfinished)
            .arg(format!("k8s.io/kubernetes/cmd/{program}")),
    )?;
    std::fs::rename(unfinished, dir.join(program))?;
    Ok(())
}

fn go(module: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(module).env("GOFLAGS", "").env("GOWORK", "off");
    command
}

/// The modules that a go.mod requires as `v0.0.0`.
fn staging_modules(go_mod: &str) -> Vec<String> {
    let mut names: Vec<String> = go_mod
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            (name.starts_with("k8s.io/") && version == "v0.0.0").then(|| name.to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_staging_modules() {
        let text = "require (\n\tk8s.io/api v0.0.0\n\tk8s.io/klog/v2 v2.130.1\n\tk8s.io/kubelet v0.0.0 // indirect\n)\n\
            replace k8s.io/api => ./staging/src/k8s.io/api\n";
        assert_eq!(staging_modules(text), ["k8s.io/api", "k8s.io/kubelet"]);
    }
}
