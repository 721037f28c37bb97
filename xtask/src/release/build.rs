//! Builds the CLI for Linux and Windows on this machine: cargo-zigbuild has zig, which knows all systems, compile what is C
//! and link. Rust's standard library is that of the active toolchain, else it is built from source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use plugin_build::{Plugins, Toolchain, has_target};

use super::{System, epoch, git};
use crate::playground::Page;
use crate::{cargo, paths, progress, python};

/// The version that is built once into the cache.
const ZIGBUILD: &str = "0.24.1";

/// Refuses what cannot be built here, before anything is.
pub(super) fn refuse(system: System) -> anyhow::Result<()> {
    if system.is_darwin() {
        bail!(
            "what links programs for macOS is on macOS alone\nhint: build it there, by cargo build --release --target \
            {}, and name it here, by --cli {}=FILE",
            system.triple(),
            system.name()
        );
    }
    Ok(())
}

/// Builds it with the plugins and the playground's page inside.
pub(super) fn cli(system: System, plugins: &Plugins, page: &Page) -> anyhow::Result<PathBuf> {
    let triple = system.triple();
    let zigbuild = cargo::installed("cargo-zigbuild", ZIGBUILD)?;
    let zig = python::zig()?;
    let target_dir = paths::target().join("release-build");
    let mut command = cargo::with(&zigbuild);
    command
        .args(["zigbuild", "--locked", "--release", "--package", "kubectl-ambassador", "--target", triple])
        .env("CARGO_ZIGBUILD_ZIG_PATH", zig)
        .env("CARGO_TARGET_DIR", &target_dir)
        .env("SOURCE_DATE_EPOCH", epoch().to_string())
        .env("AMBASSADOR_COMMIT", git(&["rev-parse", "HEAD"]).unwrap_or_default())
        .env("AMBASSADOR_PLUGIN_WASM", &plugins.full)
        .env("AMBASSADOR_PLUGIN_JSON_WASM", &plugins.json)
        .env("AMBASSADOR_PLAYGROUND_PAGE", &page.shell)
        .env("AMBASSADOR_PLAYGROUND_WASM", &page.module);
    from_source(&mut command, triple)?;
    // No path of this machine is to be in it: neither in messages of panics, nor in what C keeps of its sources.
    let places = places();
    let flags: Vec<String> =
        places.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    let macros = places.iter().map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display()));
    command.env("CFLAGS", macros.collect::<Vec<_>>().join(" "));
    let variable = format!("CARGO_TARGET_{}_RUSTFLAGS", triple.to_uppercase().replace('-', "_"));
    command.env(variable, flags.join(" "));
    progress::run(&format!("building kubectl-ambassador for {triple}"), &mut command)?;
    let built = target_dir.join(triple).join("release").join(system.program());
    refuse_paths(&built, &places)?;
    Ok(built)
}

/// Where the active toolchain lacks the target, Debian's builds the standard library from its sources.
fn from_source(command: &mut Command, triple: &str) -> anyhow::Result<()> {
    if has_target(triple) {
        return Ok(());
    }
    let Some(Toolchain::Debian { rustc, cargo }) = Toolchain::debian() else {
        bail!("no standard library for {triple}\nhint: rustup target add {triple}");
    };
    progress::ready(&format!("{triple}: Debian's rustc-web, and the standard library from source"));
    command
        .arg("-Zbuild-std=std,panic_abort")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO", cargo)
        .env("RUSTC", rustc);
    Ok(())
}

/// Folders of this machine that would be told, and what is told instead.
fn places() -> Vec<(PathBuf, &'static str)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let mut places = vec![
        (paths::root(), "/ambassador"),
        (cargo_home.clone(), "/cargo"),
        (PathBuf::from("/usr/src"), "/rust"),
    ];
    // The folder of a registry has its host in its name.
    let registries = std::fs::read_dir(cargo_home.join("registry/src")).into_iter().flatten().flatten();
    places.extend(registries.map(|entry| (entry.path(), "/crates")));
    places
}

/// Fails if a built file tells any of them.
fn refuse_paths(built: &Path, places: &[(PathBuf, &str)]) -> anyhow::Result<()> {
    let bytes = std::fs::read(built).with_context(|| format!("cannot read {}", built.display()))?;
    for (place, _) in places {
        let text = place.to_string_lossy();
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        if let Some(at) = found {
            let rest = bytes.get(at..bytes.len().min(at + 160)).unwrap_or_default();
            bail!("{} tells a path of this machine: {}", built.display(), String::from_utf8_lossy(rest));
        }
    }
    Ok(())
}
