//! Archives that depend on nothing but what is in them and the time that they are said to be of.

use std::io::{Cursor, Write as _};

use anyhow::Context as _;
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A file of an archive.
pub(super) struct Content {
    pub(super) name: String,
    /// Whether it is one to be run.
    pub(super) program: bool,
    pub(super) bytes: Vec<u8>,
}

impl Content {
    fn mode(&self) -> u32 {
        if self.program { 0o755 } else { 0o644 }
    }
}

/// A `.tar.gz`, or a `.zip`.
pub(super) fn pack(all: &[Content], zipped: bool, epoch: u64) -> anyhow::Result<Vec<u8>> {
    if zipped { zip(all) } else { tar_gz(all, epoch) }
}

fn tar_gz(all: &[Content], epoch: u64) -> anyhow::Result<Vec<u8>> {
    let gz = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gz);
    for one in all {
        let mut header = tar::Header::new_gnu();
        header.set_size(one.bytes.len() as u64);
        header.set_mode(one.mode());
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, &one.name, one.bytes.as_slice())?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// Its times are local ones of nowhere, so it has the first that the format knows.
fn zip(all: &[Content]) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for one in all {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .unix_permissions(one.mode());
        zip.start_file(&one.name, options).with_context(|| format!("cannot zip {}", one.name))?;
        zip.write_all(&one.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn content() -> Vec<Content> {
        let file = |name: &str, program| Content {
            name: name.to_owned(),
            program,
            bytes: name.repeat(99).into_bytes(),
        };
        vec![file("LICENSE", false), file("kubectl-ambassador", true)]
    }

    #[test]
    fn a_tarball_has_names_modes_and_the_time_alone() {
        let packed = pack(&content(), false, 1_700_000_000).expect("an archive");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut seen = Vec::new();
        for entry in tar.entries().expect("entries") {
            let mut entry = entry.expect("an entry");
            let (header, name) =
                (entry.header().clone(), entry.path().expect("a name").display().to_string());
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("its content");
            assert_eq!(text, name.repeat(99));
            assert_eq!(
                (header.mtime().ok(), header.uid().ok(), header.gid().ok()),
                (Some(1_700_000_000), Some(0), Some(0))
            );
            seen.push((name, header.mode().expect("a mode")));
        }
        assert_eq!(seen, [("LICENSE".to_owned(), 0o644), ("kubectl-ambassador".to_owned(), 0o755)]);
    }

    #[test]
    fn a_zip_has_what_was_put_in() {
        let packed = pack(&content(), true, 0).expect("an archive");
        let mut zip = zip::ZipArchive::new(Cursor::new(packed)).expect("a zip");
        for (at, one) in content().iter().enumerate() {
            let mut file = zip.by_index(at).expect("a file");
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("its content");
            assert_eq!(file.last_modified(), Some(DateTime::default()));
            assert_eq!((file.name().expect("a name").as_ref(), &bytes), (one.name.as_str(), &one.bytes));
        }
    }
}
