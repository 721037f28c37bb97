//! The only module that calls a cluster. Everything else works on values.

mod around;
mod connect;
mod error;
mod names;
mod pods;
mod retry;
mod talk;
mod versions;
mod warnings;
mod workloads;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
};
use kube::{Api, Client};
use serde_json::Value;

pub(crate) use connect::{Args, Named};
pub(crate) use error::{NotCreated, NotDeleted};
pub(crate) use pods::is_created_by;
pub(crate) use talk::Answer;
pub(crate) use workloads::{NotPatched, Resource};

use crate::failure::{Failure, Result};
use crate::plan::{MANAGED_BY, is_ours, text};
use crate::workload::KINDS;
use error::{attempting, is_not_found};

/// Our name as the manager of the fields that we write.
pub(crate) const FIELD_MANAGER: &str = "kubectl-ambassador";

/// Runs a command that talks to a cluster.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::unchanged(format!("cannot start: {error}")))?.block_on(command)
}

/// Whether the server is to carry out what it is asked, or only to say what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Do it.
    Real,
    /// Run admission and validation only.
    DryRun,
}

/// A namespace of a cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
    /// The API server's address.
    pub(crate) server: String,
    /// The flags that led here, as a shell takes them, for commands that are to lead here again; no secrets.
    pub(crate) flags: String,
    /// The namespace that commands work in.
    pub(crate) namespace: String,
    /// The name under which the server records what is written.
    pub(crate) field_manager: String,
    /// Whether fields of our ConfigMaps are taken from whoever else has written them.
    force_conflicts: bool,
}

/// One right that is needed: a verb, and a resource such as `pods`, `pods/exec` or `deployments.apps`.
pub(crate) type Right = (&'static str, &'static str);

impl Cluster {
    /// The same, with changes recorded under that name.
    pub(crate) fn writing_as(self, field_manager: &str) -> Self {
        Self { field_manager: field_manager.to_owned(), ..self }
    }

    /// The same cluster, in another namespace.
    pub(crate) fn within(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// The same, with conflicts about our ConfigMaps decided for us, or left to be refused.
    pub(crate) fn forcing_conflicts(self, force_conflicts: bool) -> Self {
        Self { force_conflicts, ..self }
    }

    /// All pods of the namespace.
    pub(crate) async fn pods(&self) -> Result<Vec<Value>> {
        let list = self.pods_as_values().list(&ListParams::default()).await;
        let list = list.map_err(attempting("cannot list pods"))?;
        Ok(list.items.into_iter().map(value).collect())
    }

    /// The workloads of this name, as `TYPE/NAME`.
    pub(crate) async fn workloads(&self, name: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for kind in KINDS.iter().filter(|kind| !kind.is_pod()) {
            let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.name);
            let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
            let api: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
            // Kinds that one may not read cannot be offered; the error for the pod stands without them.
            if let Ok(Some(_)) = api.get_opt(name).await {
                found.push(format!("{}/{name}", kind.name.to_lowercase()));
            }
        }
        Ok(found)
    }

    /// Reads a ConfigMap; `None` if there is none of that name.
    pub(crate) async fn config_map(&self, name: &str) -> Result<Option<Value>> {
        let found = self.config_maps().get_opt(name).await;
        let found = found.map_err(attempting(format!("cannot read configmap/{name}")))?;
        Ok(found.map(|map| serde_json::to_value(map).unwrap_or_default()))
    }

    /// Applies a ConfigMap of ours, server-side.
    pub(crate) async fn apply_config_map(&self, map: &Value, mode: Mode) -> Result<()> {
        let name = text(map, "/metadata/name");
        let params = PatchParams {
            dry_run: mode == Mode::DryRun,
            force: self.force_conflicts,
            ..PatchParams::apply(&self.field_manager)
        };
        let applied = self.config_maps().patch(name, &params, &Patch::Apply(map)).await;
        applied.map(drop).map_err(|error| {
            let conflict = matches!(&error, kube::Error::Api(status) if status.code == 409);
            let failure = attempting(format!("cannot apply configmap/{name}"))(error);
            if conflict {
                failure.hint("--force-conflicts takes over what others have changed")
            } else {
                failure
            }
        })
    }

    /// Deletes a ConfigMap, if it is there and ours.
    pub(crate) async fn delete_config_map(&self, name: &str) -> Result<()> {
        let ours = self.config_map(name).await?.is_some_and(|map| is_ours(&map));
        if !ours {
            return Ok(());
        }
        match self.config_maps().delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(error) if is_not_found(&error) => Ok(()),
            Err(error) => Err(attempting(format!("cannot delete configmap/{name}"))(error)),
        }
    }

    /// All ConfigMaps of ours in the namespace, without what they hold.
    pub(crate) async fn config_maps_of_ours(&self) -> Result<Vec<Value>> {
        let params = ListParams::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
        let list = self.config_maps().list_metadata(&params).await;
        let list = list.map_err(attempting("cannot list configmaps"))?;
        Ok(list.items.into_iter().map(|map| serde_json::to_value(map).unwrap_or_default()).collect())
    }

    /// Those of these rights, as verb and resource, that the user lacks.
    pub(crate) async fn missing_rights<'a>(
        &self,
        rights: &[(&'a str, &'a str)],
    ) -> Result<Vec<(&'a str, &'a str)>> {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let mut missing = Vec::new();
        for &(verb, resource) in rights {
            let (resource_name, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let (resource_name, group) = resource_name.split_once('.').unwrap_or((resource_name, ""));
            let attributes = ResourceAttributes {
                namespace: Some(self.namespace.clone()),
                verb: Some(verb.to_owned()),
                group: Some(group.to_owned()),
                resource: Some(resource_name.to_owned()),
                subresource: Some(subresource.to_owned()).filter(|name| !name.is_empty()),
                ..ResourceAttributes::default()
            };
            let review = SelfSubjectAccessReview {
                spec: SelfSubjectAccessReviewSpec {
                    resource_attributes: Some(attributes),
                    ..Default::default()
                },
                ..Default::default()
            };
            let review = reviews.create(&PostParams::default(), &review).await;
            let review = review.map_err(attempting("cannot ask which rights you have"))?;
            if !review.status.is_some_and(|status| status.allowed) {
                missing.push((verb, resource));
            }
        }
        Ok(missing)
    }

    /// All that the server says about its version.
    pub(crate) async fn version(&self) -> Result<Value> {
        let version = self.client.apiserver_version().await;
        let version = version.map_err(attempting("cannot ask the server's version"))?;
        Ok(serde_json::to_value(version).unwrap_or_default())
    }

    fn pods_as_values(&self) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<Pod>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

fn value(object: DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
