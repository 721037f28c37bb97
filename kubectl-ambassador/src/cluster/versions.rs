//! Asks for the versions of what runs pods.

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;

use super::Cluster;
use super::error::attempting;
use crate::failure::{Failure, Result};
use crate::versions::{Kubelet, Kubelets, Versions, minor};

/// How many nodes are asked for at once.
const PAGE: u32 = 500;

impl Cluster {
    /// The server's minor version, as in 1.34.
    pub(crate) async fn minor_version(&self) -> Result<u32> {
        let version =
            self.client.apiserver_version().await.map_err(attempting("cannot ask the server's version"))?;
        minor(&version.minor).ok_or_else(|| {
            Failure::unchanged(format!("the server tells no version: {}", version.git_version))
        })
    }

    /// The versions of the server and of the oldest kubelet.
    pub(crate) async fn versions(&self) -> Result<Versions> {
        Ok(Versions { server: self.minor_version().await?, kubelets: self.kubelets().await? })
    }

    async fn kubelets(&self) -> Result<Kubelets> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let mut oldest: Option<Kubelet> = None;
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let page = match nodes.list(&params).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 403 => return Ok(Kubelets::Hidden),
                Err(error) => return Err(attempting("cannot list nodes")(error)),
            };
            let kubelets = page.items.into_iter().filter_map(kubelet);
            oldest = oldest.into_iter().chain(kubelets).min_by_key(|kubelet| kubelet.minor);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(Kubelets::Oldest(oldest)),
            }
        }
    }
}

/// The kubelet of a node that could run our pods: those of Windows do not.
fn kubelet(node: Node) -> Option<Kubelet> {
    let info = node.status?.node_info?;
    let minor = minor(&info.kubelet_version)?;
    (info.operating_system != "windows").then(|| Kubelet {
        node: node.metadata.name.unwrap_or_default(),
        version: info.kubelet_version,
        minor,
    })
}
