//! Finds the cluster as kubectl does.

use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::Cluster;
use super::error::root_cause;
use crate::failure::{Failure, Result};

/// Which cluster, and where in it; named and meant as kubectl's.
#[derive(Debug, Clone, Default, clap::Args)]
// Its name is that of the arguments it is flattened into, and groups must have different ones.
#[group(skip)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct Args {
    /// Namespace to work in [default: the context's]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,

    /// Context of the kubeconfig to use [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Kubeconfig file to use [default: $KUBECONFIG or ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Args {
    /// Reads the kubeconfig; the cluster itself is first asked by the first call.
    pub(crate) async fn connect(&self) -> Result<Cluster> {
        let config = self.config().await?;
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let url = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| {
            Failure::unchanged(format!("cannot connect to {url}: {}", root_cause(&error)))
        })?;
        Ok(Cluster { client, server: url, namespace })
    }

    async fn config(&self) -> Result<Config> {
        let hint =
            "`kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses";
        let failed = |error: &KubeconfigError| {
            let why = match error {
                KubeconfigError::ReadConfig(error, file) => {
                    format!("cannot read {}: {error}", file.display())
                }
                KubeconfigError::LoadContext(name) => format!("the kubeconfig has no context {name}"),
                other => other.to_string(),
            };
            Failure::unchanged(format!("no cluster: {why}")).hint(hint)
        };
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let kubeconfig = match &self.kubeconfig {
            Some(file) => Kubeconfig::read_from(file),
            None if std::env::var_os("KUBECONFIG").is_some() => match Kubeconfig::from_env() {
                Ok(Some(kubeconfig)) => Ok(kubeconfig),
                Ok(None) => Kubeconfig::read(),
                Err(error) => Err(error),
            },
            None => Kubeconfig::read(),
        };
        match kubeconfig {
            Ok(kubeconfig) => {
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| failed(&error))
            }
            // In a pod there is no kubeconfig but a service account.
            Err(error) if self.kubeconfig.is_none() && self.context.is_none() => {
                Config::incluster().map_err(|_| failed(&error))
            }
            Err(error) => Err(failed(&error)),
        }
    }
}
