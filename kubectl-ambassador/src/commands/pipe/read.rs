//! Where manifests come from: files, folders, stdin, and kustomize.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::source::read_bytes;

/// The largest file that is read: endless ones such as `/dev/zero` do no harm.
const LARGEST: u64 = 256 << 20;
/// What kubectl takes for manifests in a folder.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// What is read instead of a cluster.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(in crate::commands) struct Files {
    /// Take manifests from this file or folder, `-` for stdin, and write them to stdout; no cluster is called
    #[arg(short = 'f', long, value_name = "FILE", group = "manifests")]
    filename: Vec<PathBuf>,

    /// With -f: take the folders in a folder too
    #[arg(short = 'R', long, requires = "filename")]
    recursive: bool,

    /// Take what kustomize makes of this folder, and write it to stdout; no cluster is called
    #[arg(short = 'k', long, value_name = "DIR", group = "manifests", conflicts_with = "filename")]
    kustomize: Option<PathBuf>,
}

/// A text and what people know it as.
#[derive(Debug)]
pub(in crate::commands) struct Input {
    pub(in crate::commands) name: String,
    pub(in crate::commands) text: String,
}

impl Files {
    /// Whether this is about files, and no cluster.
    pub(in crate::commands) fn are_given(&self) -> bool {
        !self.filename.is_empty() || self.kustomize.is_some()
    }

    /// Whether stdin is one of them.
    pub(super) fn takes_stdin(&self) -> bool {
        self.filename.iter().any(|file| file == Path::new("-"))
    }

    /// Reads all of it.
    pub(in crate::commands) fn read(&self) -> Result<Vec<Input>> {
        if let Some(dir) = &self.kustomize {
            return Ok(vec![kustomized(dir)?]);
        }
        let mut files = Vec::new();
        for file in &self.filename {
            if file.is_dir() {
                let before = files.len();
                manifests(file, self.recursive, &mut files)?;
                if files.len() == before {
                    let failure = Failure::usage(format!("{} has no manifests", file.display()));
                    return Err(
                        failure.hint("files named .yaml, .yml and .json are; -R looks into its folders too")
                    );
                }
            } else {
                files.push(file.clone());
            }
        }
        files.iter().map(|file| input(file)).collect()
    }
}

fn input(file: &Path) -> Result<Input> {
    let name = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let bytes = read_bytes(file, LARGEST)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::usage(format!("{name} is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    Ok(Input { name, text })
}

/// The manifests of a folder, by name.
fn manifests(dir: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let cannot = |error| Failure::usage(format!("cannot read {}: {error}", dir.display()));
    let entries = std::fs::read_dir(dir).map_err(cannot)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(cannot)?;
    paths.sort();
    for path in paths {
        // What a link leads to may be above it, and so without end.
        let is_link = path.is_symlink();
        if path.is_dir() && recursive && !is_link {
            manifests(&path, recursive, found)?;
        } else if path.is_file()
            && path
                .extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|extension| EXTENSIONS.contains(&extension))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// What the user's own kustomize makes: kubectl's, or else the program.
fn kustomized(dir: &Path) -> Result<Input> {
    let ways: [(&str, &[&str]); 2] = [("kubectl", &["kustomize"]), ("kustomize", &["build"])];
    for (program, args) in ways {
        let output =
            Command::new(program).args(args).arg(dir).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = match output {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::usage(format!("cannot run {program}: {error}"))),
        };
        let name = format!("{program} {} {}", args.join(" "), dir.display());
        if !output.status.success() {
            return Err(Failure::usage(format!("`{name}` failed")));
        }
        let text = String::from_utf8(output.stdout)
            .map_err(|_| Failure::usage(format!("`{name}` gave what is not UTF-8")))?;
        return Ok(Input { name, text });
    }
    Err(Failure::usage("-k needs kubectl or kustomize, and neither is on PATH")
        .hint("or build it elsewhere and pipe it in: kustomize build DIR | kubectl ambassador inject -f -"))
}
