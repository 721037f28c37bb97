//! What compiles for wasm32 here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{TARGET, on_path};

/// Debian's packages that make up a wasm32 toolchain.
pub const DEBIAN: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "lld", "binaryen"];

/// The first minor version of Rust 1 that can make a panic a trap at once.
const IMMEDIATE_ABORT: u32 = 92;

/// How wasm32 is built here.
#[derive(Debug)]
pub enum Toolchain {
    /// The active toolchain, with the standard library from source.
    Active,
    /// The active toolchain, with its own build of the standard library: a larger module, in which Brotli and its
    /// dictionary have no room.
    Prebuilt,
    /// Debian's: its rustc and cargo, and the standard library from source.
    Debian {
        /// The compiler.
        rustc: PathBuf,
        /// cargo of the same version.
        cargo: PathBuf,
    },
}

impl Toolchain {
    /// The best one that is there.
    #[must_use]
    pub fn find() -> Option<Self> {
        Self::active().or_else(Self::prebuilt).or_else(Self::debian)
    }

    /// [`Toolchain::Active`], if it is there.
    #[must_use]
    pub fn active() -> Option<Self> {
        let new = minor_version().is_some_and(|minor| minor >= IMMEDIATE_ABORT);
        (new && has_sources()).then_some(Self::Active)
    }

    /// Whether the active toolchain would do as [`Toolchain::Active`] if it had the sources of the standard library.
    #[must_use]
    pub fn needs_only_sources() -> bool {
        minor_version().is_some_and(|minor| minor >= IMMEDIATE_ABORT) && !has_sources()
    }

    /// [`Toolchain::Prebuilt`], if it is there.
    #[must_use]
    pub fn prebuilt() -> Option<Self> {
        has_target(TARGET).then_some(Self::Prebuilt)
    }

    /// [`Toolchain::Debian`], if it is there.
    #[must_use]
    pub fn debian() -> Option<Self> {
        on_path("wasm-ld")?;
        Some(Self::Debian {
            rustc: file_of("rustc-web", "/rustc")?,
            cargo: file_of("cargo-web", "/bin/cargo")?,
        })
    }

    /// Which it is.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Active => "the active Rust toolchain, and the standard library from its sources",
            Self::Prebuilt => {
                "the active Rust toolchain and its wasm32 target; without Brotli, which rust-src makes room for"
            }
            Self::Debian { .. } => "Debian's rustc-web, since rustup cannot add the target here",
        }
    }
}

/// What the active toolchain's `rustc` says to a question.
fn ask_rustc(args: &[&str]) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(args).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// That of the active toolchain.
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

/// Whether the active toolchain has the standard library of a target.
#[must_use]
pub fn has_target(target: &str) -> bool {
    let dir = ask_rustc(&["--print", "target-libdir", "--target", target]).unwrap_or_default();
    let files = std::fs::read_dir(dir.trim()).into_iter().flatten().flatten();
    files.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("libcore"))
}

/// A file of an installed package of Debian whose path ends so.
fn file_of(package: &str, suffix: &str) -> Option<PathBuf> {
    let output = Command::new("dpkg").args(["-L", package]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find(|line| line.ends_with(suffix)).map(Into::into)
}
