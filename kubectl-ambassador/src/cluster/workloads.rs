//! Reads and patches objects of any kind: workloads and their pods, the Services in front of them.

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::{Api, discovery};
use serde_json::Value;

use super::error::{attempting, is_not_found, root_cause};
use super::{Cluster, Mode, value};
use crate::failure::{Failure, Result};
use crate::workload::Kind;

/// What the API server calls objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource(ApiResource);

/// Why an object was not patched.
#[derive(Debug)]
pub(crate) enum NotPatched {
    /// There is none of that name any more.
    Gone,
    /// It is not as the patch says that it is, or the server does not want what would come of it.
    Refused(String),
    /// Others change it all the time.
    Conflict(String),
    /// Anything else.
    Failed(Failure),
}

impl Resource {
    /// Of a kind that Kubernetes brings.
    pub(crate) fn of(kind: &Kind) -> Self {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.name);
        Self(ApiResource::from_gvk_with_plural(&gvk, kind.plural))
    }

    /// Pods.
    pub(crate) fn pods() -> Self {
        Self(ApiResource::erase::<Pod>(&()))
    }

    /// Services.
    pub(crate) fn services() -> Self {
        Self(ApiResource::erase::<Service>(&()))
    }

    /// What Services lead to.
    pub(crate) fn endpoint_slices() -> Self {
        Self(ApiResource::erase::<EndpointSlice>(&()))
    }

    /// Of any kind.
    pub(super) fn from_parts(kind: &GroupVersionKind, plural: &str) -> Self {
        Self(ApiResource::from_gvk_with_plural(kind, plural))
    }

    /// As the client has it.
    pub(super) fn api(&self) -> &ApiResource {
        &self.0
    }

    /// As kubectl prints kinds: `deployment.apps`, and `pod` where there is no group.
    pub(crate) fn printed(&self) -> String {
        let kind = self.0.kind.to_ascii_lowercase();
        if self.0.group.is_empty() { kind } else { format!("{kind}.{}", self.0.group) }
    }

    /// As rights name it: `deployments.apps`.
    pub(crate) fn in_rights(&self) -> String {
        if self.0.group.is_empty() {
            self.0.plural.clone()
        } else {
            format!("{}.{}", self.0.plural, self.0.group)
        }
    }

    /// With what lists leave out of their items.
    pub(super) fn filled_in(&self, object: DynamicObject) -> Value {
        let mut object = value(object);
        if object.get("kind").is_none() {
            object["apiVersion"] = self.0.api_version.as_str().into();
            object["kind"] = self.0.kind.as_str().into();
        }
        object
    }
}

impl Cluster {
    /// Reads an object; `None` if there is none of that name.
    pub(crate) async fn object(&self, resource: &Resource, name: &str) -> Result<Option<Value>> {
        let found = self.objects_of(resource).get_opt(name).await;
        let found = found.map_err(attempting(format!("cannot read {}/{name}", resource.printed())))?;
        Ok(found.map(|object| resource.filled_in(object)))
    }

    /// All objects of a kind in the namespace; of all names, or of those with these labels.
    pub(crate) async fn objects(&self, resource: &Resource, selector: Option<&str>) -> Result<Vec<Value>> {
        let params = ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default() };
        let list = self.objects_of(resource).list(&params).await;
        let list = list.map_err(attempting(format!("cannot list {}", resource.in_rights())))?;
        Ok(list.items.into_iter().map(|object| resource.filled_in(object)).collect())
    }

    /// Changes an object by a JSON Patch (RFC 6902), all of it or nothing, and gives what it is then.
    pub(crate) async fn patch(
        &self,
        resource: &Resource,
        name: &str,
        operations: &Value,
        mode: Mode,
    ) -> std::result::Result<Value, NotPatched> {
        let patch = serde_json::from_value(operations.clone())
            .map_err(|error| NotPatched::Refused(error.to_string()))?;
        let params = PatchParams {
            dry_run: mode == Mode::DryRun,
            field_manager: Some(self.field_manager.clone()),
            ..PatchParams::default()
        };
        match self.objects_of(resource).patch(name, &params, &Patch::Json::<()>(patch)).await {
            Ok(object) => Ok(resource.filled_in(object)),
            Err(error) if is_not_found(&error) => Err(NotPatched::Gone),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                Err(NotPatched::Conflict(status.message.clone()))
            }
            Err(kube::Error::Api(status)) if status.code == 422 => {
                Err(NotPatched::Refused(status.message.clone()))
            }
            Err(error) => {
                let what = format!("cannot patch {}/{name}", resource.printed());
                Err(NotPatched::Failed(attempting(what)(error)))
            }
        }
    }

    /// The kind of this plural, or of this name, in a group: what no table of ours knows.
    pub(crate) async fn discover(&self, word: &str) -> Result<Option<Resource>> {
        let Some((name, group)) = word.split_once('.') else { return Ok(None) };
        let found = match discovery::group(&self.client, group).await {
            Ok(found) => found,
            Err(kube::Error::Discovery(_)) => return Ok(None),
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => {
                let why = root_cause(&error);
                return Err(Failure::unchanged(format!("cannot ask for the kinds of {group}: {why}")));
            }
        };
        let named = |resource: &ApiResource| {
            resource.plural.eq_ignore_ascii_case(name) || resource.kind.eq_ignore_ascii_case(name)
        };
        let mut resources = found.recommended_resources().into_iter().map(|(resource, _)| resource);
        Ok(resources.find(named).map(Resource))
    }

    fn objects_of(&self, resource: &Resource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource.0)
    }
}
