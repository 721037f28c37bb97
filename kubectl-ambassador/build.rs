//! Puts what the CLI carries inside it: the plugin in both its flavours, and the playground page with its module, from the
//! files that variables name. Where the plugins are not named, a release, as `cargo install` makes one, builds them itself. What
//! is neither named nor built is left out, so that plain cargo works without a wasm32 toolchain.
//!
//! All of it is one Brotli stream, since three modules made of the same crates have much in common: that is 260 KB less for
//! the plugins alone than deflate makes of each. Hashes and places are beside it, so that who needs but these need not unpack.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use plugin_build::{Builder, Plugins, TARGET, Toolchain};
use sha2::{Digest as _, Sha256};

const FULL: &str = "AMBASSADOR_PLUGIN_WASM";
const JSON: &str = "AMBASSADOR_PLUGIN_JSON_WASM";
/// What is inside, and the variable that names its file; the smallest that most commands want comes first.
const PARTS: [(&str, &str); 4] = [
    ("PLUGIN_JSON", JSON),
    ("PLUGIN", FULL),
    ("PAGE", "AMBASSADOR_PLAYGROUND_PAGE"),
    ("PAGE_MODULE", "AMBASSADOR_PLAYGROUND_WASM"),
];
/// What was checked out, or empty if nobody is to know: `cargo xtask build` does not build again for each commit.
const COMMIT: &str = "AMBASSADOR_COMMIT";
/// What the plugins are made from.
const SOURCES: [&str; 5] = ["plugin-wasm", "ambassador-core", "ambassador-jq", "Cargo.toml", "Cargo.lock"];

fn main() {
    if let Err(error) = run() {
        // cargo shows it as it stands.
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}

fn run() -> anyhow::Result<()> {
    let is_release = std::env::var("PROFILE")? == "release";
    let plugins = if is_release && std::env::var_os(FULL).is_none() { Some(build()?) } else { None };
    tell_versions(plugins.is_some())?;
    let mut all = Vec::new();
    let mut places = String::new();
    for (inside, given) in PARTS {
        println!("cargo::rerun-if-env-changed={given}");
        let path = match (&plugins, given) {
            (Some(built), FULL) => Some(built.full.clone()),
            (Some(built), JSON) => Some(built.json.clone()),
            _ => std::env::var_os(given).filter(|path| !path.is_empty()).map(PathBuf::from),
        };
        let part = path.map_or_else(|| Ok(Vec::new()), |path| read(&path))?;
        let mut hash = String::new();
        if !part.is_empty() {
            for byte in Sha256::digest(&part) {
                write!(hash, "{byte:02x}")?;
            }
        }
        let (at, length) = (all.len(), part.len());
        writeln!(
            places,
            "/// From `{given}`.\npub(crate) static {inside}: Carried = Carried {{ at: {at}, length: {length}, sha256: \"{hash}\" }};"
        )?;
        all.extend(part);
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    std::fs::write(out.join("carried.rs"), places)?;
    std::fs::write(out.join("carried.br"), compressed(&all, is_release)?).context("OUT_DIR can be written to")
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    println!("cargo::rerun-if-changed={}", path.display());
    std::fs::read(path).with_context(|| path.display().to_string())
}

fn compressed(bytes: &[u8], is_release: bool) -> anyhow::Result<Vec<u8>> {
    // Builds for development are not waited for.
    let quality = if is_release { 11 } else { 2 };
    let parameters =
        brotli::enc::BrotliEncoderParams { quality, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &parameters)?;
    Ok(compressed)
}

/// Builds the plugins, where `cargo xtask build` does too, so that neither does it again.
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
    let builder = Builder { root, target_dir: target.join("wasm32"), toolchain };
    builder.build(&target.join("dist"), &mut |_, command| {
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        if !status.success() {
            bail!("{command:?} failed: {status}");
        }
        Ok(())
    })
}

/// Puts into the program what it is made from, for and by. Who builds by cargo alone is told the commit too.
fn tell_versions(by_cargo_alone: bool) -> anyhow::Result<()> {
    let tell = |name: &str, value: &str| println!("cargo::rustc-env={name}={value}");
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let commit = match std::env::var(COMMIT) {
        Ok(commit) => commit,
        Err(_) if by_cargo_alone => {
            // Each commit adds a line to it.
            let log = git(&["--git-path", "logs/HEAD"]);
            if Path::new(&log).is_file() {
                println!("cargo::rerun-if-changed={log}");
            }
            git(&["HEAD"])
        }
        Err(_) => String::new(),
    };
    tell(COMMIT, &commit);
    tell("AMBASSADOR_TARGET", &std::env::var("TARGET")?);
    let rustc = std::env::var_os("RUSTC").context("cargo sets RUSTC")?;
    let rustc = said(Command::new(rustc).arg("--version"));
    tell("AMBASSADOR_RUSTC", rustc.split(' ').nth(1).unwrap_or_default());
    Ok(())
}

/// What git knows of the checkout, if it is one.
fn git(args: &[&str]) -> String {
    said(Command::new("git").args(["rev-parse", "--path-format=absolute"]).args(args))
}

/// What a command says, if it can be run.
fn said(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
