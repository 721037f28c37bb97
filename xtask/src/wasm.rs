//! Builds the filter for wasm32 with whatever toolchain there is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};

use crate::{cargo, debian, paths, progress};

const TARGET: &str = "wasm32-unknown-unknown";
const PLUGIN: &str = "plugin-wasm";
/// A ConfigMap holds 1 MiB, its other fields included.
pub(crate) const LARGEST: u64 = 1_000_000;
/// What the flavour that most configs need may have.
pub(crate) const LARGEST_JSON: u64 = 512 << 10;
/// Bytes a module may ever grow to in Envoy.
const MAX_MEMORY: u32 = 256 << 20;
/// Debian's packages that make up a wasm32 toolchain.
const DEBIAN: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "lld", "binaryen"];

/// How wasm32 is built here.
enum Toolchain {
    /// The active toolchain, with the standard library from source.
    Active,
    /// The active toolchain, with its own build of the standard library: a larger module, in which Brotli and its
    /// dictionary have no room.
    Prebuilt,
    /// Debian's: its rustc and cargo, and the standard library from source.
    Debian { rustc: PathBuf, cargo: PathBuf },
}

/// The modules in both their flavours.
#[derive(Debug, Clone)]
pub(crate) struct Plugins {
    /// All formats and codings.
    pub(crate) full: PathBuf,
    /// JSON, text, and what is always there.
    pub(crate) json: PathBuf,
}

/// The first minor version of Rust 1 that can make a panic a trap at once.
const IMMEDIATE_ABORT: u32 = 92;

/// Builds `plugin.wasm` and `plugin-json.wasm` into `target/dist`.
pub(crate) fn build() -> anyhow::Result<Plugins> {
    let toolchain = choose()?;
    // Without the standard library from source the smaller one is too large for its aim, but does all it should.
    let most = if matches!(toolchain, Toolchain::Prebuilt) { LARGEST } else { LARGEST_JSON };
    let mut json = command(&toolchain, PLUGIN);
    let json = flavour("plugin-json.wasm", json.arg("--no-default-features"), most)?;
    let mut command = command(&toolchain, PLUGIN);
    if matches!(toolchain, Toolchain::Prebuilt) {
        command.args(["--no-default-features", "--features", "formats,zstd"]);
    }
    let full = flavour("plugin.wasm", &mut command, LARGEST)?;
    Ok(Plugins { full, json })
}

fn flavour(name: &str, command: &mut Command, most: u64) -> anyhow::Result<PathBuf> {
    progress::run(&format!("building {name}"), command)?;
    let plugin = paths::dist().join(name);
    std::fs::create_dir_all(paths::dist())?;
    shrink(&built("plugin_wasm.wasm"), &plugin)?;
    let size = std::fs::metadata(&plugin)?.len();
    if size > most {
        bail!(
            "{name} has {size} bytes, more than the {most} that it may have\n\
            hint: install binaryen, whose wasm-opt makes it smaller, and rustup component add rust-src"
        );
    }
    progress::ready(&format!("{name}, {size} bytes of at most {most}"));
    Ok(plugin)
}

/// Builds a module with these features of `plugin-wasm` and these options of cargo, beside the one that is used; gives its
/// bytes.
pub(crate) fn size_with(features: &str, options: &[&str]) -> anyhow::Result<u64> {
    let mut command = command(&choose()?, PLUGIN);
    command.args(["--no-default-features", "--features", features]).args(options);
    progress::run(&format!("building with {features} {}", options.join(" ")), &mut command)?;
    let shrunk = paths::dist().join("measured.wasm");
    let _ = std::fs::remove_file(&shrunk);
    shrink(&built("plugin_wasm.wasm"), &shrunk)?;
    Ok(std::fs::metadata(&shrunk)?.len())
}

/// Builds what is measured in V8, by the flags of the plugin.
pub(crate) fn bench() -> anyhow::Result<PathBuf> {
    let mut command = command(&choose()?, "bench");
    command.arg("--lib");
    // jaq is built for speed, as our machine is; what is generic in it is compiled where it is used, in `jaq-peer`.
    for name in ["jaq-core", "jaq-json", "jaq-peer", "jaq-std"] {
        command.args(["--config", &format!("profile.wasm.package.{name}.opt-level=3")]);
    }
    progress::run("building bench.wasm", &mut command)?;
    let bench = paths::dist().join("bench.wasm");
    std::fs::create_dir_all(paths::dist())?;
    shrink(&built("bench.wasm"), &bench)?;
    Ok(bench)
}

/// Builds the core as a browser calls it into a folder, which it gives: `playground.js` and `playground_bg.wasm`. It is not
/// shrunk: that would make it a twelfth smaller, but a little larger compressed, as it travels.
pub(crate) fn playground() -> anyhow::Result<PathBuf> {
    let mut command = command(&choose()?, "playground");
    progress::run("building the playground's module", command.arg("--lib"))?;
    let dir = paths::target().join("playground-wasm");
    progress::run(
        "wasm-bindgen",
        Command::new(bindgen()?)
            .args(["--target", "web", "--no-typescript", "--out-dir"])
            .arg(&dir)
            .arg(built("playground.wasm")),
    )?;
    Ok(dir)
}

/// The program that makes JavaScript for a module, of the version that the module is built with.
fn bindgen() -> anyhow::Result<PathBuf> {
    let lock = std::fs::read_to_string(paths::root().join("Cargo.lock"))?;
    let version =
        lock.split_once("name = \"wasm-bindgen\"\nversion = \"").and_then(|(_, rest)| rest.split_once('"'));
    let (version, _) = version.context("Cargo.lock has no wasm-bindgen")?;
    let root = paths::cache()?.join("wasm-bindgen").join(version);
    let program = root.join("bin/wasm-bindgen");
    if !program.is_file() {
        progress::run(
            &format!("building wasm-bindgen-cli {version} (minutes, once)"),
            cargo::command()
                .args(["install", "--quiet", "wasm-bindgen-cli", "--bin", "wasm-bindgen"])
                .args(["--version", &format!("={version}"), "--root"])
                .arg(&root),
        )?;
    }
    Ok(program)
}

fn built(name: &str) -> PathBuf {
    target_dir().join(TARGET).join("wasm").join(name)
}

/// Finds or gets a toolchain, and says which it is.
fn choose() -> anyhow::Result<Toolchain> {
    if minor_version().is_some_and(|minor| minor >= IMMEDIATE_ABORT)
        && (has_sources() || ask_rustup(&["component", "add", "rust-src"])? && has_sources())
    {
        progress::ready("wasm32: the active Rust toolchain, and the standard library from its sources");
        return Ok(Toolchain::Active);
    }
    if target_installed() || ask_rustup(&["target", "add", TARGET])? && target_installed() {
        progress::ready(&format!(
            "wasm32: the active Rust toolchain and its target {TARGET}; without Brotli, which rust-src makes room for"
        ));
        return Ok(Toolchain::Prebuilt);
    }
    let found =
        || Some((debian::file_of("rustc-web", "/rustc")?, debian::file_of("cargo-web", "/bin/cargo")?));
    let (rustc, cargo) = if let Some(found) = found().filter(|_| paths::on_path("wasm-ld").is_some()) {
        found
    } else {
        progress::step("installing Debian's wasm32 toolchain", |step| debian::install(step, &DEBIAN))
            .with_context(|| format!("no wasm32 toolchain\nhint: rustup target add {TARGET}"))?;
        found().context("Debian's rustc-web holds no rustc")?
    };
    progress::ready("wasm32: Debian's rustc-web, since rustup cannot add the target here");
    Ok(Toolchain::Debian { rustc, cargo })
}

/// What the active toolchain's `rustc` says to a question.
fn ask_rustc(args: &[&str]) -> Option<String> {
    let output = Command::new("rustc").args(args).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

fn minor_version() -> Option<u32> {
    let said = ask_rustc(&["-vV"])?;
    said.lines().find_map(|line| line.strip_prefix("release: 1."))?.split('.').next()?.parse().ok()
}

/// Whether the active toolchain comes with the sources of the standard library.
fn has_sources() -> bool {
    let sysroot = ask_rustc(&["--print", "sysroot"]);
    sysroot.is_some_and(|root| {
        Path::new(root.trim()).join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
    })
}

/// Whether the active toolchain has the target.
fn target_installed() -> bool {
    let dir = ask_rustc(&["--print", "target-libdir", "--target", TARGET]).unwrap_or_default();
    let files = std::fs::read_dir(dir.trim()).into_iter().flatten().flatten();
    files.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("libcore"))
}

/// Asks rustup for something, for a minute at most. A refusal is remembered for a day.
fn ask_rustup(args: &[&str]) -> anyhow::Result<bool> {
    if paths::on_path("rustup").is_none() {
        return Ok(false);
    }
    let refusal = paths::cache()?.join(format!("rustup-refused-{}", args.join("-")));
    let age = std::fs::metadata(&refusal)
        .and_then(|file| file.modified())
        .map(|time| SystemTime::now().duration_since(time));
    if matches!(age, Ok(Ok(age)) if age < Duration::from_secs(86_400)) {
        return Ok(false);
    }
    let added = progress::step(&format!("rustup {}", args.join(" ")), |_| {
        let mut child = Command::new("rustup")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        for _ in 0..600 {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        child.kill()?;
        child.wait()?;
        Ok(false)
    })?;
    if !added {
        std::fs::write(&refusal, "")?;
    }
    Ok(added)
}

fn command(toolchain: &Toolchain, package: &str) -> Command {
    let mut command = match toolchain {
        Toolchain::Active | Toolchain::Prebuilt => cargo::command(),
        Toolchain::Debian { cargo, .. } => cargo::with(cargo),
    };
    command.args(["build", "--locked", "--profile", "wasm", "--target", TARGET, "--package", package]);
    let mut flags = format!("-Clink-arg=--max-memory={MAX_MEMORY}");
    if !matches!(toolchain, Toolchain::Prebuilt) {
        // With the standard library from source, what would format a message before it traps can be left out.
        flags += " -Zunstable-options -Cpanic=immediate-abort --cfg=ambassador_small";
        command
            .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
            // The allocator is a good part of a short run.
            .args(["--config", "profile.wasm.package.dlmalloc.opt-level=3"])
            .env("RUSTC_BOOTSTRAP", "1");
    }
    if let Toolchain::Debian { rustc, .. } = toolchain {
        command.env("RUSTC", rustc).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
    }
    command.env("CARGO_TARGET_DIR", target_dir()).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
    command
}

/// A target directory of its own, so that this build waits for no other's lock.
fn target_dir() -> PathBuf {
    paths::target().join("wasm32")
}

/// Makes the module smaller and faster with binaryen's `wasm-opt` where that is at hand and can read the module; the module
/// is whole without.
fn shrink(built: &Path, plugin: &Path) -> anyhow::Result<()> {
    let fresh = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified());
    if matches!((fresh(built), fresh(plugin)), (Ok(built), Ok(plugin)) if plugin > built) {
        return Ok(());
    }
    let features = [
        "bulk-memory",
        "sign-ext",
        "mutable-globals",
        "nontrapping-float-to-int",
        "multivalue",
        "reference-types",
    ];
    if paths::on_path("wasm-opt").is_none() {
        // Where it cannot be had, the module is whole without, and larger.
        let _ = progress::step("installing binaryen", |step| debian::install(step, &["binaryen"]));
    }
    let optimized = paths::dist().join("plugin.opt.wasm");
    let done = paths::on_path("wasm-opt").is_some()
        && progress::run(
            "shrinking it with wasm-opt",
            Command::new("wasm-opt")
                // Level 4 gives a module that is a tenth faster than that of `-Oz`, and no larger. Nothing of it is at the
                // bottom of the memory but the end of the stack, and Envoy gives it memory of zeros.
                .args(["-O4", "--low-memory-unused", "--zero-filled-memory"])
                .args(["--strip-debug", "--strip-producers"])
                .args(features.map(|feature| format!("--enable-{feature}")))
                .arg(built)
                .arg("-o")
                .arg(&optimized),
        )
        .is_ok();
    if done && std::fs::metadata(&optimized)?.len() < std::fs::metadata(built)?.len() {
        std::fs::rename(&optimized, plugin)?;
    } else {
        std::fs::copy(built, plugin).with_context(|| format!("cannot copy {}", built.display()))?;
    }
    Ok(())
}
