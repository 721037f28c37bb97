//! Names of what there is, for completion: the metadata of objects, and nothing else of them.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};

use super::Cluster;
use super::error::attempting;
use crate::failure::Result;
use crate::workload::Kind;

/// More would not be read by anybody.
const MOST: u32 = 500;

impl Cluster {
    /// The names of the objects of a kind in the namespace.
    pub(crate) async fn names(&self, kind: &Kind) -> Result<Vec<String>> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.name);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let list = api.list_metadata(&ListParams::default().limit(MOST)).await;
        let list = list.map_err(attempting(format!("cannot list {}", kind.plural)))?;
        Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }

    /// The names of all namespaces.
    pub(crate) async fn namespaces(&self) -> Result<Vec<String>> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let list = api.list_metadata(&ListParams::default().limit(MOST)).await;
        let list = list.map_err(attempting("cannot list namespaces"))?;
        Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }
}
