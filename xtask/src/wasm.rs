//! Builds the filter for wasm32 with whatever toolchain there is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};

use crate::{cargo, debian, paths, progress};

const TARGET: &str = "wasm32-unknown-unknown";
/// A ConfigMap holds 1 MiB, its other fields included.
const LARGEST: u64 = 1_000_000;
/// Bytes a module may ever grow to in Envoy.
const MAX_MEMORY: u32 = 256 << 20;
/// Debian's packages that make up a wasm32 toolchain.
const DEBIAN: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "lld", "binaryen"];

/// How wasm32 is built here.
enum Toolchain {
    /// The active toolchain has the target.
    Installed,
    /// Debian's: its rustc and cargo, and the standard library from source.
    Debian { rustc: PathBuf, cargo: PathBuf },
}

/// Builds `plugin.wasm` into `target/dist`.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let toolchain = choose()?;
    progress::run("building plugin.wasm", &mut command(&toolchain))?;
    let built = target_dir().join(TARGET).join("wasm").join("plugin_wasm.wasm");
    let plugin = paths::dist().join("plugin.wasm");
    std::fs::create_dir_all(paths::dist())?;
    shrink(&built, &plugin)?;
    let size = std::fs::metadata(&plugin)?.len();
    if size > LARGEST {
        bail!("plugin.wasm has {size} bytes, more than the {LARGEST} that fit into a ConfigMap");
    }
    progress::ready(&format!("plugin.wasm, {size} bytes of at most {LARGEST}"));
    Ok(plugin)
}

/// Finds or gets a toolchain, and says which it is.
fn choose() -> anyhow::Result<Toolchain> {
    if target_installed() {
        progress::ready(&format!("wasm32: the active Rust toolchain has the target {TARGET}"));
        return Ok(Toolchain::Installed);
    }
    if add_target()? {
        progress::ready(&format!("wasm32: rustup target add {TARGET}"));
        return Ok(Toolchain::Installed);
    }
    let found =
        || Some((debian::file_of("rustc-web", "/rustc")?, debian::file_of("cargo-web", "/bin/cargo")?));
    let (rustc, cargo) = if let Some(found) =
        found().filter(|_| paths::on_path("wasm-ld").is_some() && paths::on_path("wasm-opt").is_some())
    {
        found
    } else {
        progress::step("installing Debian's wasm32 toolchain", |step| debian::install(step, &DEBIAN))
            .with_context(|| format!("no wasm32 toolchain\nhint: rustup target add {TARGET}"))?;
        found().context("Debian's rustc-web holds no rustc")?
    };
    progress::ready("wasm32: Debian's rustc-web, since rustup cannot add the target here");
    Ok(Toolchain::Debian { rustc, cargo })
}

fn target_installed() -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let Ok(output) = output else { return false };
    let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    output.status.success()
        && files.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("libcore"))
}

/// Asks rustup for the target, for a minute at most. A refusal is remembered for a day.
fn add_target() -> anyhow::Result<bool> {
    if paths::on_path("rustup").is_none() {
        return Ok(false);
    }
    let refusal = paths::cache()?.join("rustup-cannot-add-wasm32");
    let age = std::fs::metadata(&refusal)
        .and_then(|file| file.modified())
        .map(|time| SystemTime::now().duration_since(time));
    if matches!(age, Ok(Ok(age)) if age < Duration::from_secs(86_400)) {
        return Ok(false);
    }
    let added = progress::step(&format!("asking rustup for the target {TARGET}"), |_| {
        let mut child = Command::new("rustup")
            .args(["target", "add", TARGET])
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
    Ok(added && target_installed())
}

fn command(toolchain: &Toolchain) -> Command {
    let mut command = match toolchain {
        Toolchain::Installed => cargo::command(),
        Toolchain::Debian { cargo, .. } => cargo::with(cargo),
    };
    command.args(["build", "--locked", "--profile", "wasm", "--target", TARGET, "--package", "plugin-wasm"]);
    let mut flags = format!("-Clink-arg=--max-memory={MAX_MEMORY}");
    if let Toolchain::Debian { rustc, .. } = toolchain {
        // With the standard library from source, what would format a message before it traps can be left out.
        flags += " -Zunstable-options -Cpanic=immediate-abort";
        command
            .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
            .env("RUSTC", rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
    }
    command.env("CARGO_TARGET_DIR", target_dir()).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
    command
}

/// A target directory of its own, so that this build waits for no other's lock.
fn target_dir() -> PathBuf {
    paths::target().join("wasm32")
}

/// Makes the module smaller with binaryen's `wasm-opt` where that is at hand and can read the module; the module
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
    let optimized = paths::dist().join("plugin.opt.wasm");
    let done = paths::on_path("wasm-opt").is_some()
        && progress::run(
            "shrinking plugin.wasm with wasm-opt",
            Command::new("wasm-opt")
                .args(["-Oz", "--strip-debug", "--strip-producers"])
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
