//! Finds and reads kubeconfig files as kubectl does.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kube::config::{Kubeconfig, KubeconfigError};

use super::no_cluster;
use crate::failure::Result;

/// What the kubeconfig files hold together.
#[derive(Debug)]
pub(super) struct Found {
    /// Of all files, the first that says something wins.
    pub(super) kubeconfig: Kubeconfig,
    /// The files that were looked for in vain, with the reason.
    missing: Vec<String>,
}

impl Found {
    /// Whether they say nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.kubeconfig.contexts.is_empty() && self.kubeconfig.clusters.is_empty()
    }

    /// Why they say nothing.
    pub(super) fn what_is_missing(&self) -> String {
        match self.missing.as_slice() {
            [] => "the kubeconfig is empty".to_owned(),
            missing => missing.join(", "),
        }
    }
}

/// Reads the file that a flag names, which must be there; else those of `KUBECONFIG` and else the one in the home, of
/// which any may be missing.
pub(super) fn read(file: Option<&Path>) -> Result<Found> {
    let files = match file {
        Some(file) => vec![file.to_owned()],
        None => files(),
    };
    let mut found = Found { kubeconfig: Kubeconfig::default(), missing: Vec::new() };
    if files.is_empty() {
        found.missing.push("neither KUBECONFIG nor HOME is set".to_owned());
    }
    for path in files {
        match Kubeconfig::read_from(&path) {
            Ok(next) => {
                let merged = found.kubeconfig.merge(next);
                found.kubeconfig = merged.map_err(|error| no_cluster(super::chain(&error)))?;
            }
            Err(KubeconfigError::ReadConfig(error, path)) => {
                let what = format!("cannot read {}: {error}", path.display());
                if file.is_some() || error.kind() != ErrorKind::NotFound {
                    return Err(no_cluster(what));
                }
                found.missing.push(what);
            }
            Err(error) => {
                return Err(no_cluster(format!("{}: {}", path.display(), super::chain(&error))));
            }
        }
    }
    Ok(found)
}

fn files() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        return std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect();
    }
    std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect()
}

/// What a kubeconfig has names for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    /// A cluster, a user and a namespace.
    Context,
    /// Where an API server is.
    Cluster,
    /// Who one is.
    User,
}

impl Found {
    /// All names of that sort.
    pub(super) fn names(&self, sort: Named) -> Vec<String> {
        let kubeconfig = &self.kubeconfig;
        match sort {
            Named::Context => kubeconfig.contexts.iter().map(|named| named.name.clone()).collect(),
            Named::Cluster => kubeconfig.clusters.iter().map(|named| named.name.clone()).collect(),
            Named::User => kubeconfig.auth_infos.iter().map(|named| named.name.clone()).collect(),
        }
    }
}
