//! Puts the plugin, in both its flavours, inside the CLI: the modules that `AMBASSADOR_PLUGIN_WASM` and
//! `AMBASSADOR_PLUGIN_JSON_WASM` name, as `cargo xtask build` sets them; else, for a release, as `cargo install` makes one,
//! those that it builds itself; else nothing, so that plain cargo works without a wasm32 toolchain.
//!
//! They are compressed, to less than half, and their hashes are beside them, so that who needs but these need not unpack.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use plugin_build::{Builder, Plugins, TARGET, Toolchain};
use sha2::{Digest as _, Sha256};

const BEST: u8 = 10;
const FULL: &str = "AMBASSADOR_PLUGIN_WASM";
const JSON: &str = "AMBASSADOR_PLUGIN_JSON_WASM";
/// What was checked out, or empty if nobody is to know: `cargo xtask build` does not build again for each commit.
const COMMIT: &str = "AMBASSADOR_COMMIT";
/// What the modules are made from.
const SOURCES: [&str; 5] = ["plugin-wasm", "ambassador-core", "ambassador-jq", "Cargo.toml", "Cargo.lock"];

fn main() {
    if let Err(error) = run() {
        // cargo shows it as it stands.
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}

fn run() -> anyhow::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    for name in [FULL, JSON] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let mut commit = std::env::var(COMMIT);
    let [full, json] = if std::env::var_os(FULL).is_some() || std::env::var("PROFILE")? != "release" {
        [FULL, JSON].map(|name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from))
    } else {
        if commit.is_err() {
            commit = Ok(said(git().arg("HEAD")));
            // Each commit adds a line to it.
            let log = said(git().args(["--git-path", "logs/HEAD"]));
            if Path::new(&log).is_file() {
                println!("cargo::rerun-if-changed={log}");
            }
        }
        let Plugins { full, json } = build()?;
        [full, json].map(Some)
    };
    pack(&out, "plugin.wasm", full.as_deref())?;
    pack(&out, "plugin-json.wasm", json.as_deref())?;
    println!("cargo::rustc-env=AMBASSADOR_TARGET={}", std::env::var("TARGET")?);
    let rustc = said(Command::new(std::env::var_os("RUSTC").context("cargo sets RUSTC")?).arg("--version"));
    println!("cargo::rustc-env=AMBASSADOR_RUSTC={}", rustc.split(' ').nth(1).unwrap_or_default());
    println!(
        "cargo::rerun-if-env-changed={COMMIT}\ncargo::rustc-env={COMMIT}={}",
        commit.unwrap_or_default()
    );
    Ok(())
}

fn git() -> Command {
    let mut command = Command::new("git");
    command.args(["rev-parse", "--path-format=absolute"]);
    command
}

/// What a command says, if it can be run.
fn said(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// Builds both, where `cargo xtask build` does too, so that neither does it again.
fn build() -> anyhow::Result<Plugins> {
    let here =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let root = here.parent().context("the package is in a checkout")?.to_owned();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let toolchain = Toolchain::find().with_context(|| {
        format!(
            "there is nothing to build the filter with, which goes inside kubectl-ambassador\n\
            hint: rustup target add {TARGET}, or on Debian, as root: apt-get install {}; \
            {FULL}= builds without it",
            plugin_build::DEBIAN.join(" ")
        )
    })?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    Builder { root, target_dir: target.join("wasm32"), toolchain }.build(
        &target.join("dist"),
        &mut |_, command| {
            let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
            if !status.success() {
                bail!("{command:?} failed: {status}");
            }
            Ok(())
        },
    )
}

/// Leaves a module, compressed, and its hash where the program includes them from; both empty for none.
fn pack(out: &Path, name: &str, module: Option<&Path>) -> anyhow::Result<()> {
    let module = match module {
        Some(path) => {
            println!("cargo::rerun-if-changed={}", path.display());
            std::fs::read(path).with_context(|| path.display().to_string())?
        }
        None => Vec::new(),
    };
    std::fs::write(out.join(format!("{name}.z")), miniz_oxide::deflate::compress_to_vec_zlib(&module, BEST))?;
    let mut hash = String::new();
    if !module.is_empty() {
        for byte in Sha256::digest(&module) {
            write!(hash, "{byte:02x}")?;
        }
    }
    std::fs::write(out.join(format!("{name}.sha256")), hash).context("OUT_DIR can be written to")
}
