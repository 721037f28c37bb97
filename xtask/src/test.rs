//! `cargo xtask test`: all tests, with everything they need.

use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::{cargo, cluster, codegen, dist, envoy, images, progress};

/// How to run the tests.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only tests whose name contains this
    filter: Option<String>,

    /// Rewrite the expected output of golden tests
    #[arg(long)]
    update: bool,
}

/// Sets up, checks what can be checked without running, then runs all tests.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let started = Instant::now();
    eprintln!("Setting up");
    let envoy = envoy::ensure()?;
    let cluster = cluster::up()?;
    let haproxy = images::find("haproxy").context("haproxy is not on PATH")?;
    let dist = dist::build()?;
    if args.filter.is_none() {
        eprintln!("Checking");
        codegen::run(!args.update)?;
        progress::run("cargo fmt --check", cargo::command().args(["fmt", "--all", "--check"]))?;
        let clippy = [
            "clippy",
            "--locked",
            "--workspace",
            "--exclude",
            "plugin-wasm",
            "--all-targets",
            "--",
            "-Dwarnings",
        ];
        progress::run("cargo clippy", cargo::command().args(clippy))?;
    }
    eprintln!("Testing");
    let mut command = cargo::command();
    command
        .args(["test", "--locked", "--workspace", "--exclude", "plugin-wasm", "--all-features"])
        .args(args.filter.iter().flat_map(|filter| ["--", filter]))
        .env("AMBASSADOR_ENVOY", &envoy.path)
        .env("AMBASSADOR_HAPROXY", haproxy)
        .env("AMBASSADOR_PLUGIN", &dist.plugin)
        .env("AMBASSADOR_CLI", &dist.cli)
        .env("AMBASSADOR_KUBECONFIG", &cluster.kubeconfig)
        .env("AMBASSADOR_DEV_KUBECONFIG", &cluster.dev_kubeconfig)
        // Most of the time a test waits for a pod.
        .env("RUST_TEST_THREADS", "4");
    if args.update {
        command.env("UPDATE_EXPECT", "1");
    }
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("tests failed");
    }
    eprintln!(
        "All tests passed in {} s. The cluster is still up; `cargo xtask cluster down` ends it.",
        started.elapsed().as_secs()
    );
    Ok(())
}
