//! Reads what stands around an object: kinds of the namespace, and of the cluster as a whole.

use kube::Api;
use kube::api::{DynamicObject, GroupVersionKind, ListParams};
use serde_json::Value;

use super::error::attempting;
use super::{Cluster, Resource};
use crate::failure::Result;

/// Kinds beside the workloads that matter to an injection.
impl Resource {
    fn other(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self::from_parts(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// Who may talk to pods.
    pub(crate) fn network_policies() -> Self {
        Self::other("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
    }

    /// What sets the number of pods by their use.
    pub(crate) fn autoscalers() -> Self {
        Self::other("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
    }

    /// How many pods may be away.
    pub(crate) fn budgets() -> Self {
        Self::other("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
    }

    /// How much a namespace may use.
    pub(crate) fn quotas() -> Self {
        Self::other("", "v1", "ResourceQuota", "resourcequotas")
    }

    /// How much a pod may use.
    pub(crate) fn limit_ranges() -> Self {
        Self::other("", "v1", "LimitRange", "limitranges")
    }

    /// Of the cluster as a whole.
    pub(crate) fn namespaces() -> Self {
        Self::other("", "v1", "Namespace", "namespaces")
    }

    /// Of the cluster as a whole.
    pub(crate) fn nodes() -> Self {
        Self::other("", "v1", "Node", "nodes")
    }

    /// Of the cluster as a whole.
    pub(crate) fn mutating_webhooks() -> Self {
        Self::other(
            "admissionregistration.k8s.io",
            "v1",
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
        )
    }

    /// Of the cluster as a whole; served from 1.36 on, or where it is switched on.
    pub(crate) fn mutating_policies() -> Self {
        Self::other(
            "admissionregistration.k8s.io",
            "v1",
            "MutatingAdmissionPolicy",
            "mutatingadmissionpolicies",
        )
    }

    /// Of the cluster as a whole.
    pub(crate) fn validating_webhooks() -> Self {
        Self::other(
            "admissionregistration.k8s.io",
            "v1",
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
        )
    }
}

impl Cluster {
    /// Reads an object that is in no namespace; `None` if there is none of that name.
    pub(crate) async fn object_of_cluster(&self, resource: &Resource, name: &str) -> Result<Option<Value>> {
        let found = self.all_of(resource).get_opt(name).await;
        let found = found.map_err(attempting(format!("cannot read {}/{name}", resource.printed())))?;
        Ok(found.map(|object| resource.filled_in(object)))
    }

    /// All objects of a kind that is in no namespace.
    pub(crate) async fn objects_of_cluster(&self, resource: &Resource) -> Result<Vec<Value>> {
        self.objects_everywhere(resource, None).await
    }

    /// All objects of a kind, whatever namespace they are in; of all names, or of those with these labels.
    pub(crate) async fn objects_everywhere(
        &self,
        resource: &Resource,
        selector: Option<&str>,
    ) -> Result<Vec<Value>> {
        let params = ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default() };
        let list = self.all_of(resource).list(&params).await;
        let list = list.map_err(attempting(format!("cannot list {}", resource.in_rights())))?;
        Ok(list.items.into_iter().map(|object| resource.filled_in(object)).collect())
    }

    fn all_of(&self, resource: &Resource) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), resource.api())
    }
}
