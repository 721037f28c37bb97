//! Reads all that stands around an object before it is injected. What cannot be read is no failure: it is told as unseen.

use serde_json::Value;

use crate::cluster::{Cluster, Resource};
use crate::failure::Result;
use crate::findings::{Unseen, World};
use crate::plan::text;

/// What stands around an object. It takes `list` of the kinds in the namespace, and, of the cluster, `get` of the
/// namespace and of the node of a bare pod, and `list` of the webhooks.
pub(crate) async fn around(cluster: &Cluster, object: &Value) -> World {
    // All that is asked at a time makes a future that is too large for those around it.
    Box::pin(read(cluster, object)).await
}

async fn read(cluster: &Cluster, object: &Value) -> World {
    let list = |resource: Resource| async move {
        let found = cluster.objects(&resource, None).await;
        let right = format!("list {}", resource.in_rights());
        (resource.in_rights(), right, true, found)
    };
    let (pods, services, network_policies, autoscalers, budgets, quotas, limit_ranges) = tokio::join!(
        list(Resource::pods()),
        list(Resource::services()),
        list(Resource::network_policies()),
        list(Resource::autoscalers()),
        list(Resource::budgets()),
        list(Resource::quotas()),
        list(Resource::limit_ranges()),
    );
    let list = |resource: Resource| async move {
        let found = cluster.objects_of_cluster(&resource).await;
        let right = format!("list {}", resource.in_rights());
        (resource.in_rights(), right, false, found)
    };
    let get = |resource: Resource, name: String| async move {
        let name = Some(name).filter(|name| !name.is_empty());
        let found = match &name {
            Some(name) => cluster.object_of_cluster(&resource, name).await,
            None => Ok(None),
        };
        let printed = format!("{}/{}", resource.printed(), name.unwrap_or_default());
        (
            printed,
            format!("get {}", resource.in_rights()),
            false,
            found.map(|found| found.into_iter().collect()),
        )
    };
    let (namespaces, nodes, mutating, validating) = tokio::join!(
        get(Resource::namespaces(), cluster.namespace.clone()),
        get(Resource::nodes(), text(object, "/spec/nodeName").to_owned()),
        list(Resource::mutating_webhooks()),
        list(Resource::validating_webhooks()),
    );
    let mut unseen = Vec::new();
    let mut seen = |(what, right, namespaced, found): (String, String, bool, Result<Vec<Value>>)| {
        found.unwrap_or_else(|failure| {
            unseen.push(Unseen { what, right, why: why(failure.message()), namespaced });
            Vec::new()
        })
    };
    let mut world = World {
        is_live: true,
        pods: seen(pods),
        services: seen(services),
        network_policies: seen(network_policies),
        autoscalers: seen(autoscalers),
        budgets: seen(budgets),
        quotas: seen(quotas),
        limit_ranges: seen(limit_ranges),
        namespaces: seen(namespaces),
        nodes: seen(nodes),
        webhooks: [seen(mutating), seen(validating)].concat(),
        ..World::default()
    };
    world.unseen = unseen;
    world
}

/// What the server said, without what was attempted: that is told already.
fn why(message: &str) -> Option<String> {
    let why = message.split_once(": ").map_or(message, |(_, why)| why);
    // `pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "y"`
    (!why.contains(" is forbidden: ")).then(|| why.to_owned())
}
