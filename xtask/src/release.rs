//! `cargo xtask release`: archives for all systems, their checksums, what they are made of, and the manifest for krew.
//!
//! What is for Linux and Windows is built here, on Linux; what is for macOS is built there, and given.

mod archive;
mod build;
mod krew;
mod sbom;
mod system;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use plugin_build::Plugins;
use sha2::{Digest as _, Sha256};

use crate::dist::Dist;
use crate::{paths, playground, progress, wasm};
use archive::Content;
pub(crate) use system::System;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// With the names of the others and their SHA-256, as `sha256sum -c` reads it.
const CHECKSUMS: &str = "checksums.txt";

/// What to release.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only for this system (repeatable)
    #[arg(long, value_enum, value_name = "SYSTEM")]
    target: Vec<System>,

    /// Where the archives will be, for krew's manifest [default: where GitHub has those of the repository that its workflow
    /// runs for]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Take this program for a system, and build none; macOS has what its own are linked with (repeatable)
    #[arg(long, value_name = "SYSTEM=FILE", value_parser = system::with_program)]
    cli: Vec<(System, PathBuf)>,
}

/// Builds all of it into `target/release-archives`.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let tag = std::env::var("GITHUB_REF_NAME")
        .ok()
        .filter(|_| std::env::var("GITHUB_REF_TYPE").is_ok_and(|kind| kind == "tag"));
    if let Some(tag) = tag.filter(|tag| *tag != format!("v{VERSION}")) {
        bail!("the tag is {tag}, and the version in Cargo.toml {VERSION}");
    }
    let dir = Folder::make("release-archives")?;
    let archives = dir.archives(args)?;
    let url = args.url.clone().unwrap_or_else(default_url);
    let manifest = dir.manifest(&url, &archives)?;
    let sums = dir.checksums()?;
    krew::validate(&manifest)?;
    if let Some(ours) = archives.iter().find(|archive| Some(archive.system) == System::this()) {
        krew::install(&manifest, &dir.0.join(&ours.name), &empty("release-krew")?)?;
    }
    progress::ready(&format!("{}\n{sums}", dir.0.display()));
    Ok(())
}

/// Makes an archive of what is built for this machine, and installs it by krew: what `run` does, as far as it is quick.
pub(crate) fn try_out(dist: &Dist) -> anyhow::Result<()> {
    let Some(system) = System::this() else {
        bail!("no archives are made for this machine");
    };
    let dir = Folder::make("release-try")?;
    let archive = dir.archive(system, &dist.cli)?;
    let manifest = dir.manifest(&default_url(), std::slice::from_ref(&archive))?;
    dir.checksums()?;
    progress::quietly(
        Command::new("sha256sum").args(["--check", "--strict", CHECKSUMS]).current_dir(&dir.0),
    )?;
    krew::validate(&manifest)?;
    krew::install(&manifest, &dir.0.join(&archive.name), &empty("release-krew")?)
}

/// An archive in the folder.
struct Archive {
    system: System,
    name: String,
    sha256: String,
}

/// Where all of a release is put.
struct Folder(PathBuf);

impl Folder {
    /// Those that are wanted, of programs that were given or else are built.
    fn archives(&self, args: &Args) -> anyhow::Result<Vec<Archive>> {
        let given =
            |system: System| args.cli.iter().find(|(of, _)| *of == system).map(|(_, program)| program);
        let wanted = |system: &System| match args.target.as_slice() {
            [] => !system.is_darwin() || given(*system).is_some(),
            some => some.contains(system),
        };
        let systems: Vec<System> = System::ALL.into_iter().filter(wanted).collect();
        systems
            .iter()
            .filter(|system| given(**system).is_none())
            .try_for_each(|system| build::refuse(*system))?;
        let mut inside = None;
        let mut archives = Vec::new();
        for system in systems {
            let cli = match (given(system), &inside) {
                (Some(program), _) => program.clone(),
                (None, Some((plugins, page))) => build::cli(system, plugins, page)?,
                (None, None) => {
                    let (plugins, page) = inside.insert((wasm::build()?, playground::build()?));
                    self.add_modules(plugins)?;
                    sbom::write(&self.0)?;
                    build::cli(system, plugins, page)?
                }
            };
            archives.push(self.archive(system, &cli)?);
        }
        Ok(archives)
    }

    /// The filter by itself, for images that have it inside.
    fn add_modules(&self, plugins: &Plugins) -> anyhow::Result<()> {
        for module in [&plugins.full, &plugins.json] {
            std::fs::copy(module, self.0.join(module.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Empty.
    fn make(name: &str) -> anyhow::Result<Self> {
        empty(name).map(Self)
    }

    fn archive(&self, system: System, cli: &Path) -> anyhow::Result<Archive> {
        let name = format!("kubectl-ambassador-{VERSION}-{}", system.archive());
        let bytes = archive::pack(&content(system, cli)?, system.is_windows(), epoch())?;
        std::fs::write(self.0.join(&name), &bytes).with_context(|| format!("cannot write {name}"))?;
        progress::ready(&format!("{name}, {} bytes", bytes.len()));
        Ok(Archive { system, name, sha256: hex(&bytes) })
    }

    /// The manifest by which krew installs the archives. Its name is the plugin's, as krew wants it.
    fn manifest(&self, url: &str, archives: &[Archive]) -> anyhow::Result<PathBuf> {
        let path = self.0.join("ambassador.yaml");
        std::fs::write(&path, krew::manifest(url, archives)).context("cannot write krew's manifest")?;
        Ok(path)
    }

    /// Writes the sums of all that is there, and gives them.
    fn checksums(&self) -> anyhow::Result<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.0)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<anyhow::Result<_>>()?;
        names.sort();
        let mut sums = String::new();
        for name in names {
            // Writing to a String cannot fail.
            let _ = writeln!(sums, "{}  {name}", hex(&std::fs::read(self.0.join(&name))?));
        }
        std::fs::write(self.0.join(CHECKSUMS), &sums).context("cannot write the checksums")?;
        Ok(sums)
    }
}

/// A folder of that name in `target`, with nothing in it.
fn empty(name: &str) -> anyhow::Result<PathBuf> {
    let dir = paths::target().join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}

/// What an archive has, all of it at its top: `tar x` puts what is named where one is.
fn content(system: System, cli: &Path) -> anyhow::Result<Vec<Content>> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let paper = |name: &str| {
        anyhow::Ok(Content { name: name.to_owned(), program: false, bytes: read(&paths::root().join(name))? })
    };
    let mut all = vec![paper("LICENSE")?, paper("README.md")?];
    let program = |name: &str, bytes: Vec<u8>| Content { name: name.to_owned(), program: true, bytes };
    all.push(program(system.program(), read(cli)?));
    if !system.is_windows() {
        // Not a link: krew unpacks none.
        let script = include_bytes!("release/kubectl_complete-ambassador");
        all.push(program("kubectl_complete-ambassador", script.to_vec()));
    }
    Ok(all)
}

/// The time that all of it is said to be of, in seconds since 1970: that of the commit, unless somebody says another.
fn epoch() -> u64 {
    let said = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    said.or_else(|| git(&["log", "-1", "--format=%ct"])?.parse().ok()).unwrap_or_default()
}

/// What git says of the checkout, if it is one.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(paths::root()).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Where GitHub has what is released from the repository that its workflow runs for; elsewhere a place that is nobody's.
fn default_url() -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (set("GITHUB_SERVER_URL"), set("GITHUB_REPOSITORY")) {
        (Some(server), Some(repository)) => format!("{server}/{repository}/releases/download/v{VERSION}"),
        _ => format!("https://example.org/kubectl-ambassador/v{VERSION}"),
    }
}

/// The SHA-256 of bytes, in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
