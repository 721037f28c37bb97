//! What is kept on disk while a bare pod is being replaced, so that it can be finished or put back whatever becomes of
//! this program: both bodies, the ConfigMaps as they were, and how far it is.
//!
//! One file a pod, in `$XDG_STATE_HOME/kubectl-ambassador/journal` (else under `~/.local/state`), for the user's eyes
//! only. It is written and synced before anything is changed, and removed once the pod is safe.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use same_file::Handle;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::output::say;
use crate::places;

/// How far a replacement is. The cluster decides what is true; this says what was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Step {
    /// Nothing but ConfigMaps may have been changed.
    Prepared,
    /// The old pod may have been deleted.
    Deleting,
    /// The old pod is gone, and the new one may have been created.
    Creating,
    /// The new pod is there and has not been seen ready.
    Verifying,
    /// The new pod is to give way to the old one.
    PuttingBack,
}

/// A ConfigMap that was changed for the new pod.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Needed {
    /// Its name.
    pub(crate) name: String,
    /// As it was; nothing where there was none.
    pub(crate) before: Option<Value>,
}

/// What the file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// The version that wrote it.
    pub(crate) version: String,
    /// The API server's address.
    pub(crate) server: String,
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The flags that led to the cluster, as a shell takes them, each with a space before it.
    #[serde(default)]
    pub(crate) flags: String,
    /// Its name.
    pub(crate) pod: String,
    /// The `uid` of the pod that is replaced.
    pub(crate) uid: String,
    /// The name under which the server records what is created.
    pub(crate) manager: String,
    /// `injected` or `uninjected`: what the pod is in the end.
    pub(crate) done: String,
    /// How far it is.
    pub(crate) step: Step,
    /// The config that the new pod's ports are asked by; nothing for a pod without ambassador.
    pub(crate) config: Option<String>,
    /// Whether Services are left as they are.
    #[serde(default)]
    pub(crate) keeps_services: bool,
    /// ConfigMaps that were changed for the new pod.
    pub(crate) needed: Vec<Needed>,
    /// ConfigMaps that the old pod alone may have used.
    pub(crate) leftovers: Vec<String>,
    /// The pod as it was, as it can be created.
    pub(crate) old: Value,
    /// What takes its place.
    pub(crate) new: Value,
}

/// An entry on disk, which no other run of this program touches meanwhile.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) entry: Entry,
    path: PathBuf,
    /// Held as long as it is open.
    _lock: File,
}

impl Journal {
    /// Writes a first entry, synced: no journal, no go.
    pub(crate) fn begin(entry: Entry) -> Result<Self> {
        let dir = directory()?;
        let path = dir.join(file_name(&entry.server, &entry.namespace, &entry.pod));
        let lock = lock(&path, &entry.pod)?;
        if path.exists() {
            return Err(unfinished(&entry.pod, &path));
        }
        let journal = Self { entry, path, _lock: lock };
        if let Err(error) = journal.write() {
            let failure = cannot_write(&journal.path, &error);
            let _ = std::fs::remove_file(journal.beside());
            journal.finish();
            return Err(failure);
        }
        Ok(journal)
    }

    /// Takes up what another run has left.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let entry = read(path)?;
        let lock = lock(path, &entry.pod)?;
        // What was read may have been finished before the lock was had.
        Ok(Self { entry: read(path)?, path: path.to_owned(), _lock: lock })
    }

    /// Notes how far it is. The bodies are on disk since the beginning, so what cannot be written now is told, and no
    /// reason to stop halfway.
    pub(crate) fn at(&mut self, step: Step) {
        self.entry.step = step;
        if let Err(error) = self.write() {
            say(&format!("warning: cannot write {}: {error}", self.path.display()));
        }
    }

    /// The pod is safe: nothing of this needs to be known any more.
    pub(crate) fn finish(self) {
        let removed = std::fs::remove_file(&self.path);
        if let Err(error) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            say(&format!("warning: cannot remove {}: {error}", self.path.display()));
        }
        let _ = std::fs::remove_file(lock_path(&self.path));
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn beside(&self) -> PathBuf {
        self.path.with_extension("new")
    }

    /// Written beside and moved into place: the file is always a whole one.
    fn write(&self) -> std::io::Result<()> {
        let beside = self.beside();
        let mut file = places::private_file().truncate(true).open(&beside)?;
        file.write_all(format!("{:#}\n", serde_json::json!(self.entry)).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        // The name is on disk when its folder is.
        self.path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    }
}

/// All that was left unfinished, by any run of this user, as paths and entries. What cannot be read is told.
pub(crate) fn all() -> Result<Vec<(PathBuf, Entry)>> {
    let dir = directory()?;
    let files = std::fs::read_dir(&dir)
        .map_err(|error| Failure::unchanged(format!("cannot read {}: {error}", dir.display())))?;
    let mut paths: Vec<PathBuf> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let entries = paths.into_iter().filter_map(|path| match read(&path) {
        Ok(entry) => Some((path, entry)),
        Err(failure) => {
            say(&format!("warning: {}", failure.message()));
            None
        }
    });
    Ok(entries.collect())
}

/// Refuses a pod whose last change was left unfinished.
pub(crate) fn refuse_unfinished(server: &str, namespace: &str, pod: &str) -> Result<()> {
    let path = directory()?.join(file_name(server, namespace, pod));
    if path.exists() { Err(unfinished(pod, &path)) } else { Ok(()) }
}

fn unfinished(pod: &str, path: &Path) -> Failure {
    let failure = Failure::unchanged(format!("an earlier change of pod/{pod} was left unfinished"));
    match read(path) {
        Ok(entry) => failure.hint(format!("finish it first: {}", entry.resume_command())),
        Err(unreadable) => failure.hint(unreadable.message()),
    }
}

impl Entry {
    /// The command that goes on with the pod, wherever the kubeconfig points by then.
    pub(crate) fn resume_command(&self) -> String {
        let Self { pod, namespace, flags, .. } = self;
        format!("kubectl ambassador resume pod/{pod} --namespace {namespace}{flags}")
    }
}

fn read(path: &Path) -> Result<Entry> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::unchanged(format!("cannot read the journal {}: {error}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

/// Names of pods are longer than some file systems allow, and clusters have the same ones.
fn file_name(server: &str, namespace: &str, pod: &str) -> String {
    let hash = crate::plugin::hex(format!("{server}\n{namespace}\n{pod}").as_bytes());
    let start: String = pod.chars().take(100).collect();
    format!("{start}-{}.json", hash.get(..16).unwrap_or_default())
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn lock(path: &Path, pod: &str) -> Result<File> {
    let path = lock_path(path);
    let busy = || {
        Failure::unchanged(format!("another kubectl ambassador is at work on pod/{pod}"))
            .hint("wait until it has ended")
    };
    let file = places::private_file().open(&path).map_err(|error| cannot_write(&path, &error))?;
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => Err(busy()),
        // Who had it may have removed it since it was opened: then the next one locks another file of that name.
        Ok(()) if !is_still(&file, &path) => Err(busy()),
        // Some network file systems have no locks; then there is the journal itself.
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(file),
    }
}

/// Whether an open file is the one that has its name.
fn is_still(file: &File, path: &Path) -> bool {
    let open = file.try_clone().and_then(Handle::from_file);
    matches!((open, Handle::from_path(path)), (Ok(open), Ok(named)) if open == named)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unchanged(format!("cannot write a backup of the pod to {}: {error}", path.display()))
        .hint("without one nothing is changed; XDG_STATE_HOME chooses another place")
}

/// The folder, made if it is not there.
fn directory() -> Result<PathBuf> {
    let dir = places::state()?.join("journal");
    places::create_private(&dir).map_err(|error| cannot_write(&dir, &error))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_each_pod_of_each_cluster() {
        let long = "a".repeat(253);
        let names = [
            file_name("https://a", "default", "web"),
            file_name("https://b", "default", "web"),
            file_name("https://a", "other", "web"),
            file_name("https://a", "default", &long),
        ];
        for (index, name) in names.iter().enumerate() {
            assert!(name.len() < 250, "{name}");
            assert!(!names[..index].contains(name), "{name}");
        }
    }
}
