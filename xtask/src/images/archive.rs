//! An image as an archive of one layer, as `docker save` writes it, which `ctr images import`, `kind load image-archive` and
//! `minikube image load` take.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Image;
use crate::{legacy, paths, progress};

/// Changed when what goes into the images changes other than by what is in their layers.
const RECIPE: &str = "3";

/// What is in an image's one layer: programs of this machine, links and texts, by their paths in it.
#[derive(Clone, Default)]
pub(super) struct Layer {
    files: BTreeMap<String, PathBuf>,
    links: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

/// The image of this name, made unless it is in the cache.
pub(super) fn image(name: &str, layer: &Layer, entrypoint: &[&str]) -> anyhow::Result<Image> {
    let key = legacy::short_hash(layer.identity(name, entrypoint)?.as_bytes());
    let short = name.rsplit('/').next().unwrap_or(name).replace(':', "-");
    let archive = paths::cache()?.join("images").join(format!("{short}-{key}.tar"));
    if !archive.is_file() {
        std::fs::create_dir_all(archive.parent().context("the cache has no parent")?)?;
        progress::step(&format!("making image {name}"), |_| {
            write_archive(name, layer, entrypoint, &archive)
        })?;
    }
    Ok(Image { name: name.to_owned(), archive })
}

impl Layer {
    /// With busybox under the names of all that it can do.
    pub(super) fn with_busybox(mut self, busybox: &Path) -> anyhow::Result<Self> {
        self.files.insert("/bin/busybox".to_owned(), busybox.canonicalize()?);
        let list = Command::new(busybox).arg("--list").output().context("cannot run busybox")?;
        for applet in String::from_utf8_lossy(&list.stdout).lines().filter(|applet| *applet != "busybox") {
            self = self.with_link(&format!("/bin/{applet}"), "busybox");
        }
        Ok(self)
    }

    /// With a program, and the shared libraries that it needs where the loader looks for them.
    pub(super) fn with(mut self, path: &str, program: &Path) -> anyhow::Result<Self> {
        self.files.insert(path.to_owned(), program.canonicalize()?);
        let output = Command::new("ldd").arg(program).output().context("cannot run ldd")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if let Some(missing) = text.lines().find(|line| line.contains("not found")) {
            bail!("{} needs a library that is not here: {}", program.display(), missing.trim());
        }
        for library in libraries(&text) {
            self.files.insert(library.clone(), Path::new(&library).canonicalize()?);
        }
        Ok(self)
    }

    pub(super) fn with_link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.to_owned(), target.to_owned());
        self
    }

    pub(super) fn with_text(mut self, path: &str, text: &str) -> Self {
        self.texts.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Names the content without reading large files: their sizes and times tell whether they changed.
    fn identity(&self, name: &str, entrypoint: &[&str]) -> anyhow::Result<String> {
        let mut identity = format!("{RECIPE}\n{name}\n{entrypoint:?}\n");
        for (path, source) in &self.files {
            let file =
                std::fs::metadata(source).with_context(|| format!("cannot read {}", source.display()))?;
            writeln!(identity, "{path} {} {:?}", file.len(), file.modified()?)?;
        }
        for (path, content) in self.links.iter().chain(&self.texts) {
            writeln!(identity, "{path} {content}")?;
        }
        Ok(identity)
    }
}

/// The paths in ldd's output: `libc.so.6 => /lib/libc.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`.
fn libraries(ldd: &str) -> Vec<String> {
    ldd.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(str::to_owned)
        .collect()
}

fn write_archive(name: &str, layer: &Layer, entrypoint: &[&str], archive: &Path) -> anyhow::Result<()> {
    let layer_file = archive.with_extension("layer");
    let digest = write_layer(layer, &layer_file)?;
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": {"Entrypoint": entrypoint, "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
        "history": [{"created_by": "cargo xtask setup"}],
    });
    let config = config.to_string().into_bytes();
    let config_name = format!("{}.json", hex(&Sha256::digest(&config)));
    let layer_name = format!("{digest}/layer.tar");
    let manifest = json!([{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}]).to_string();
    let unfinished = archive.with_extension("new");
    let mut tar = tar::Builder::new(File::create(&unfinished)?);
    tar.append_data(&mut header(config.len() as u64, 0o644), &config_name, config.as_slice())?;
    let size = std::fs::metadata(&layer_file)?.len();
    tar.append_data(&mut header(size, 0o644), &layer_name, File::open(&layer_file)?)?;
    tar.append_data(&mut header(manifest.len() as u64, 0o644), "manifest.json", manifest.as_bytes())?;
    tar.into_inner()?.flush()?;
    std::fs::remove_file(&layer_file)?;
    std::fs::rename(&unfinished, archive)?;
    Ok(())
}

/// Writes the layer and gives its digest. The same content gives the same bytes: no times, no owners.
fn write_layer(layer: &Layer, path: &Path) -> anyhow::Result<String> {
    let mut tar = tar::Builder::new(Hashing { file: File::create(path)?, hash: Sha256::new() });
    for (dir, mode) in [("etc/", 0o755), ("tmp/", 0o1777), ("var/", 0o755), ("run/", 0o755)] {
        let mut header = header(0, mode);
        header.set_entry_type(tar::EntryType::Directory);
        tar.append_data(&mut header, dir, std::io::empty())?;
    }
    let users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
    tar.append_data(&mut header(users.len() as u64, 0o644), "etc/passwd", users.as_bytes())?;
    let groups = "root:x:0:\nnogroup:x:65534:\n";
    tar.append_data(&mut header(groups.len() as u64, 0o644), "etc/group", groups.as_bytes())?;
    for (inside, source) in &layer.files {
        let file = File::open(source).with_context(|| format!("cannot read {}", source.display()))?;
        let size = file.metadata()?.len();
        tar.append_data(&mut header(size, 0o755), inside.trim_start_matches('/'), file)?;
    }
    for (inside, text) in &layer.texts {
        let mut header = header(text.len() as u64, 0o644);
        tar.append_data(&mut header, inside.trim_start_matches('/'), text.as_bytes())?;
    }
    for (inside, target) in &layer.links {
        let mut header = header(0, 0o777);
        header.set_entry_type(tar::EntryType::Symlink);
        tar.append_link(&mut header, inside.trim_start_matches('/'), target)?;
    }
    let hashing = tar.into_inner()?;
    if hashing.file.metadata()?.len() == 0 {
        bail!("an empty layer");
    }
    Ok(hex(&hashing.hash.finalize()))
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// A file whose content is hashed as it is written.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ldd() {
        let text = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        assert_eq!(libraries(text), ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
        assert_eq!(libraries("\tstatically linked\n"), Vec::<String>::new());
    }
}
