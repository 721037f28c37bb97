//! `cargo xtask test`: all tests, with everything they need.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::cluster::Cluster;
use crate::{
    cargo, cluster, codegen, debian, deny, dist, docs, envoy, go_tools, images, node, paths, progress,
    python, release,
};

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
    let cluster = cluster::up(images::all)?;
    cluster::control_planes_up()?;
    let readers = python::readers()?;
    let manual = python::jq_manual()?;
    let program = |name: &str| images::find(name).with_context(|| format!("{name} is not on PATH"));
    let (haproxy, redis_server, redis_cli) =
        (program("haproxy")?, program("redis-server")?, program("redis-cli")?);
    let chromium = chromium()?;
    let (kustomize, helm) = (go_tools::kustomize()?, go_tools::helm()?);
    let dist = dist::build()?;
    if args.filter.is_none() {
        eprintln!("Checking");
        check(args.update)?;
        release::try_out(&dist)?;
    }
    eprintln!("Testing");
    let mut command = cargo::command();
    command
        .args(["test", "--locked", "--workspace", "--exclude", "plugin-wasm", "--all-features"])
        .args(args.filter.iter().flat_map(|filter| ["--", filter]))
        .env("PATH", cluster::path_with_kubectl()?)
        .env("AMBASSADOR_ENVOY", &envoy.path)
        .env("AMBASSADOR_HAPROXY", haproxy)
        .env("AMBASSADOR_PYTHON", readers)
        .env("AMBASSADOR_JQ_MANUAL", manual)
        .env("AMBASSADOR_CHROMIUM", chromium)
        .env("AMBASSADOR_KUSTOMIZE", kustomize)
        .envs(helm)
        .env("AMBASSADOR_OBJECTS", go_tools::objects()?)
        .env("AMBASSADOR_REDIS_SERVER", redis_server)
        .env("AMBASSADOR_REDIS_CLI", redis_cli)
        .env("AMBASSADOR_PLUGIN", &dist.plugin)
        .env("AMBASSADOR_CLI", &dist.cli)
        .env("PLAYGROUND_PAGE", &dist.page)
        .env("PLAYGROUND_MODULES", node::modules()?)
        .env("AMBASSADOR_KUBECONFIG", &cluster.kubeconfig)
        .env("AMBASSADOR_DEV_KUBECONFIG", &cluster.dev_kubeconfig)
        // Most of the time a test waits for a pod.
        .env("RUST_TEST_THREADS", "4");
    for plane in &cluster::CONTROL_PLANES {
        command.env(plane.variable, plane.kubeconfig()?);
    }
    if args.update {
        command.env("UPDATE_EXPECT", "1");
    }
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("tests failed");
    }
    if args.filter.is_none() {
        eprintln!("Showing");
        demos(&cluster)?;
    }
    eprintln!(
        "All tests passed in {} s. The cluster is still up; `cargo xtask cluster down` ends it.",
        started.elapsed().as_secs()
    );
    Ok(())
}

/// A browser, as one of the clients.
pub(crate) fn chromium() -> anyhow::Result<PathBuf> {
    if images::find("chromium").is_none() {
        progress::step("installing Chromium", |step| debian::install(step, &["chromium"]))?;
    }
    images::find("chromium").context("chromium is not on PATH")
}

/// All that can be checked without running anything of ours.
fn check(update: bool) -> anyhow::Result<()> {
    codegen::run(!update)?;
    progress::run("cargo fmt --check", cargo::command().args(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-Dwarnings"];
    progress::run("cargo clippy", cargo::command().args(clippy))?;
    let mut lint = Command::new(go_tools::actionlint()?);
    progress::run("actionlint", lint.current_dir(paths::root()))?;
    deny::check()?;
    docs::build().map(drop)
}

/// The demo in each of its ways: what the README shows first must work.
fn demos(cluster: &Cluster) -> anyhow::Result<()> {
    let this = std::env::current_exe().context("this program has no path")?;
    let demo = |args: &[&str]| {
        let mut command = Command::new(&this);
        command.arg("demo").args(args).env("KUBECONFIG", &cluster.kubeconfig);
        progress::run(&format!("cargo xtask demo {}", args.join(" ")), &mut command)
    };
    demo(&[])?;
    demo(&["--context", cluster::CONTEXT])?;
    demo(&["--local"])
}
