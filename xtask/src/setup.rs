//! `cargo xtask setup`: everything that the other commands would get when they need it, in one go.

use crate::{cluster, dist, docs, envoy, go_tools, images, python, test};

/// Gets and builds all of it; says of each what was there already.
pub(crate) fn run() -> anyhow::Result<()> {
    let envoy = envoy::ensure()?;
    python::readers()?;
    python::jq_manual()?;
    dist::build()?;
    docs::mdbook()?;
    test::chromium()?;
    if let Some(why) = cluster::unsupported() {
        eprintln!("  - no cluster here: {why}");
        return Ok(());
    }
    cluster::dependencies()?;
    cluster::control_planes()?;
    go_tools::kustomize()?;
    go_tools::helm()?;
    go_tools::objects()?;
    go_tools::krew()?;
    go_tools::krew_validator()?;
    go_tools::actionlint()?;
    images::all(&envoy.path).map(drop)
}
