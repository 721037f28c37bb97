//! Builds the filter for wasm32, by `plugin-build`, with a toolchain that is got where there is none.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use plugin_build::{Builder, DEBIAN, PACKAGE, Plugins, TARGET, Toolchain};
pub(crate) use plugin_build::{LARGEST, LARGEST_JSON};

use crate::{cargo, debian, paths, progress};

/// Builds `plugin.wasm` and `plugin-json.wasm` into `target/dist`.
pub(crate) fn build() -> anyhow::Result<Plugins> {
    let plugins = builder()?.build(&paths::dist(), &mut progress::run)?;
    for (file, most) in [(&plugins.json, LARGEST_JSON), (&plugins.full, LARGEST)] {
        let (name, size) = (file.file_name().unwrap_or_default(), std::fs::metadata(file)?.len());
        progress::ready(&format!("{}, {size} bytes of at most {most}", name.to_string_lossy()));
    }
    Ok(plugins)
}

/// Builds a module with these features of `plugin-wasm` and these options of cargo, beside the one that is used; gives its
/// bytes.
pub(crate) fn size_with(features: &str, options: &[&str]) -> anyhow::Result<u64> {
    let builder = builder()?;
    let mut command = builder.command(PACKAGE);
    command.args(["--no-default-features", "--features", features]).args(options);
    progress::run(&format!("building with {features} {}", options.join(" ")), &mut command)?;
    let shrunk = paths::dist().join("measured.wasm");
    let _ = std::fs::remove_file(&shrunk);
    plugin_build::shrink(&builder.built("plugin_wasm.wasm"), &shrunk, &mut progress::run)
}

/// Builds what is measured in V8, by the flags of the plugin.
pub(crate) fn bench() -> anyhow::Result<PathBuf> {
    let builder = builder()?;
    let mut command = builder.command("bench");
    command.arg("--lib");
    // jaq is built for speed, as our machine is; what is generic in it is compiled where it is used, in `jaq-peer`.
    for name in ["jaq-core", "jaq-json", "jaq-peer", "jaq-std"] {
        command.args(["--config", &format!("profile.wasm.package.{name}.opt-level=3")]);
    }
    progress::run("building bench.wasm", &mut command)?;
    let bench = paths::dist().join("bench.wasm");
    plugin_build::shrink(&builder.built("bench.wasm"), &bench, &mut progress::run)?;
    Ok(bench)
}

/// Builds the core as a browser calls it into a folder, which it gives: `playground.js` and `playground_bg.wasm`. It is not
/// shrunk: that would make it a twelfth smaller, but a little larger compressed, as it travels.
pub(crate) fn playground() -> anyhow::Result<PathBuf> {
    let builder = builder()?;
    let mut command = builder.command("playground");
    progress::run("building the playground's module", command.arg("--lib"))?;
    let dir = paths::target().join("playground-wasm");
    progress::run(
        "wasm-bindgen",
        Command::new(bindgen()?)
            .args(["--target", "web", "--no-typescript", "--out-dir"])
            .arg(&dir)
            .arg(builder.built("playground.wasm")),
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

fn builder() -> anyhow::Result<Builder> {
    let toolchain = choose()?;
    progress::ready(&format!("wasm32: {}", toolchain.describe()));
    if paths::on_path("wasm-opt").is_none() {
        // Where it cannot be had, the module is whole without, and larger.
        let _ = progress::step("installing binaryen", |step| debian::install(step, &["binaryen"]));
    }
    Ok(Builder { root: paths::root(), target_dir: paths::target().join("wasm32"), toolchain })
}

/// Finds or gets a toolchain.
fn choose() -> anyhow::Result<Toolchain> {
    if Toolchain::needs_only_sources() {
        ask_rustup(&["component", "add", "rust-src"])?;
    }
    if let Some(found) = Toolchain::active().or_else(Toolchain::prebuilt) {
        return Ok(found);
    }
    if ask_rustup(&["target", "add", TARGET])?
        && let Some(found) = Toolchain::prebuilt()
    {
        return Ok(found);
    }
    if let Some(found) = Toolchain::debian() {
        return Ok(found);
    }
    progress::step("installing Debian's wasm32 toolchain", |step| debian::install(step, &DEBIAN))
        .with_context(|| format!("no wasm32 toolchain\nhint: rustup target add {TARGET}"))?;
    Toolchain::debian().context("Debian's rustc-web holds no rustc")
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
