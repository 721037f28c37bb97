//! Builds the filter for wasm32 with a toolchain that is there: for `cargo xtask build`, which gets one where there is
//! none, and for the CLI's build script, which is what `cargo install` runs. Nothing is downloaded or installed here.

mod toolchain;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

pub use toolchain::{DEBIAN, Toolchain, has_target};

/// What the filter is built for.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The package that is the filter.
pub const PACKAGE: &str = "plugin-wasm";
/// Bytes a module may have: a ConfigMap holds 1 MiB, its other fields included.
pub const LARGEST: u64 = 1_000_000;
/// What the flavour that most configs need may have.
pub const LARGEST_JSON: u64 = 512 << 10;
/// Bytes a module may ever grow to in Envoy.
const MAX_MEMORY: u32 = 256 << 20;

/// The modules in both their flavours.
#[derive(Debug, Clone)]
pub struct Plugins {
    /// All formats and codings.
    pub full: PathBuf,
    /// JSON, text, and what is always there.
    pub json: PathBuf,
}

/// Where to build, and by what.
#[derive(Debug)]
pub struct Builder {
    /// The root of the checkout.
    pub root: PathBuf,
    /// A target directory of its own, so that this build waits for no other's lock.
    pub target_dir: PathBuf,
    /// What compiles it.
    pub toolchain: Toolchain,
}

/// Runs a command, which is what its first argument says.
pub type Run<'a> = &'a mut dyn FnMut(&str, &mut Command) -> anyhow::Result<()>;

impl Builder {
    /// Builds `plugin.wasm` and `plugin-json.wasm` into a folder; fast when nothing changed.
    pub fn build(&self, dir: &Path, run: Run<'_>) -> anyhow::Result<Plugins> {
        let prebuilt = matches!(self.toolchain, Toolchain::Prebuilt);
        // Without the standard library from source the smaller one is too large for its aim, but does all it should.
        let most = if prebuilt { LARGEST } else { LARGEST_JSON };
        let mut json = self.command(PACKAGE);
        let json =
            self.flavour(&dir.join("plugin-json.wasm"), json.arg("--no-default-features"), most, run)?;
        let mut full = self.command(PACKAGE);
        if prebuilt {
            full.args(["--no-default-features", "--features", "formats,zstd"]);
        }
        let full = self.flavour(&dir.join("plugin.wasm"), &mut full, LARGEST, run)?;
        Ok(Plugins { full, json })
    }

    fn flavour(&self, to: &Path, command: &mut Command, most: u64, run: Run<'_>) -> anyhow::Result<PathBuf> {
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        run(&format!("building {name}"), command)?;
        let size = shrink(&self.built("plugin_wasm.wasm"), to, run)?;
        if size > most {
            bail!(
                "{name} has {size} bytes, more than the {most} that it may have\n\
                hint: install binaryen, whose wasm-opt makes it smaller, and rustup component add rust-src"
            );
        }
        Ok(to.to_owned())
    }

    /// Where cargo leaves a module.
    #[must_use]
    pub fn built(&self, name: &str) -> PathBuf {
        self.target_dir.join(TARGET).join("wasm").join(name)
    }

    /// A command of cargo that builds a package as the filter is built.
    #[must_use]
    pub fn command(&self, package: &str) -> Command {
        let mut command = match &self.toolchain {
            Toolchain::Active | Toolchain::Prebuilt => cargo("cargo".as_ref(), &self.root),
            Toolchain::Debian { cargo: program, .. } => cargo(program.as_ref(), &self.root),
        };
        command.args(["build", "--locked", "--profile", "wasm", "--target", TARGET, "--package", package]);
        let mut flags = format!("-Clink-arg=--max-memory={MAX_MEMORY}");
        if !matches!(self.toolchain, Toolchain::Prebuilt) {
            // With the standard library from source, what would format a message before it traps can be left out.
            flags += " -Zunstable-options -Cpanic=immediate-abort --cfg=ambassador_small";
            command
                .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
                // The allocator is a good part of a short run.
                .args(["--config", "profile.wasm.package.dlmalloc.opt-level=3"])
                .env("RUSTC_BOOTSTRAP", "1");
        }
        if let Toolchain::Debian { rustc, .. } = &self.toolchain {
            command.env("RUSTC", rustc).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
        }
        command
            .env("CARGO_TARGET_DIR", &self.target_dir)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
        command
    }
}

/// A cargo in the root of the checkout, without what the cargo that runs this program has set for it: flags that are meant
/// for another target, and variables that build scripts watch, which would run again each time one changes.
#[must_use]
pub fn cargo(program: &OsStr, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root);
    let set = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CFG_", "CARGO_FEATURE_"];
    let named = ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_LINKER"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if named.contains(&text.as_ref()) || set.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The first file of this name on PATH.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let program = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|dir| dir.join(&program)).find(|file| file.is_file())
}

/// Makes the module smaller and faster with binaryen's `wasm-opt` where that is at hand and can read the module; the module
/// is whole without. A module that is as it was is left alone, whenever it was linked: each of two flavours is linked anew by
/// every build, since cargo leaves both in one place. Gives its size.
pub fn shrink(built: &Path, plugin: &Path, run: Run<'_>) -> anyhow::Result<u64> {
    let mut last = plugin.file_name().unwrap_or_default().to_owned();
    last.push(".last");
    let last = built.with_file_name(last);
    if !plugin.is_file() || !same(built, &last) {
        if let Some(dir) = plugin.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let optimized = plugin.with_extension("opt.wasm");
        let done = on_path("wasm-opt").is_some()
            && run("shrinking it with wasm-opt", &mut wasm_opt(built, &optimized)).is_ok();
        if done && std::fs::metadata(&optimized)?.len() < std::fs::metadata(built)?.len() {
            std::fs::rename(&optimized, plugin)?;
        } else {
            std::fs::copy(built, plugin).with_context(|| format!("cannot copy {}", built.display()))?;
        }
        std::fs::copy(built, &last).with_context(|| format!("cannot copy {}", built.display()))?;
    }
    Ok(std::fs::metadata(plugin)?.len())
}

/// Copies a file, unless what is there has the same bytes: it then keeps its time, and what is built of it is not built again.
pub fn keep(from: &Path, to: &Path) -> anyhow::Result<()> {
    if !same(from, to) {
        std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// Whether two files are there and have the same bytes.
fn same(one: &Path, other: &Path) -> bool {
    matches!((std::fs::read(one), std::fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

fn wasm_opt(built: &Path, optimized: &Path) -> Command {
    let features = [
        "bulk-memory",
        "sign-ext",
        "mutable-globals",
        "nontrapping-float-to-int",
        "multivalue",
        "reference-types",
    ];
    let mut command = Command::new("wasm-opt");
    command
        // Level 4 gives a module that is a tenth faster than that of `-Oz`, and no larger. Nothing of it is at the
        // bottom of the memory but the end of the stack, and Envoy gives it memory of zeros.
        .args(["-O4", "--low-memory-unused", "--zero-filled-memory"])
        .args(["--strip-debug", "--strip-producers"])
        .args(features.map(|feature| format!("--enable-{feature}")))
        .arg(built)
        .arg("-o")
        .arg(optimized);
    command
}
