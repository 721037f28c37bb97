//! What manifests hold around an object, found by labels and names: a file can have ten thousand objects, and looking at all
//! of them for each would take a hundred million steps.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::World;
use crate::plan::text;

/// How many pods that one Service selects are looked at.
const MOST_PODS: usize = 100;

/// All objects of manifests that can matter to others, read before any of those is looked at.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    services: Selecting,
    network_policies: Selecting,
    budgets: Selecting,
    /// By each of their labels.
    pods: HashMap<String, Vec<Value>>,
    /// By the name of what they scale.
    autoscalers: HashMap<String, Vec<Value>>,
    /// By name; their metadata only.
    config_maps: HashMap<String, Vec<Value>>,
    /// Whether what is in them is wanted too.
    keeps_data: bool,
    /// Few, and about all that is in their namespace: quotas, ranges, namespaces.
    others: Vec<Value>,
}

impl Neighbours {
    /// None yet, of which ConfigMaps are kept as a whole.
    pub(crate) fn with_data(keeps_data: bool) -> Self {
        Self { keeps_data, ..Self::default() }
    }

    /// Whether objects of this kind can matter to others.
    pub(crate) fn wants(kind: &str) -> bool {
        matches!(
            kind,
            "ConfigMap"
                | "HorizontalPodAutoscaler"
                | "LimitRange"
                | "Namespace"
                | "NetworkPolicy"
                | "Pod"
                | "PodDisruptionBudget"
                | "ResourceQuota"
                | "Service"
        )
    }

    /// Takes one more object in.
    pub(crate) fn add(&mut self, object: Value) {
        match text(&object, "/kind") {
            "Service" => self.services.add(object, "/spec/selector"),
            "NetworkPolicy" => self.network_policies.add(object, "/spec/podSelector/matchLabels"),
            "PodDisruptionBudget" => self.budgets.add(object, "/spec/selector/matchLabels"),
            "HorizontalPodAutoscaler" => {
                let name = text(&object, "/spec/scaleTargetRef/name").to_owned();
                self.autoscalers.entry(name).or_default().push(object);
            }
            "ConfigMap" => {
                let mut stub = json!({"kind": "ConfigMap", "metadata": object.get("metadata")});
                if let Some(data) = object.get("data").filter(|_| self.keeps_data) {
                    stub["data"] = data.clone();
                }
                self.config_maps.entry(text(&object, "/metadata/name").to_owned()).or_default().push(stub);
            }
            "Pod" => {
                for label in labels(&object, "/metadata/labels") {
                    let pods = self.pods.entry(label).or_default();
                    if pods.len() < MOST_PODS {
                        pods.push(object.clone());
                    }
                }
            }
            kind if Self::wants(kind) => self.others.push(object),
            _ => {}
        }
    }

    /// ConfigMaps of this name where an object is.
    pub(crate) fn config_maps(&self, object: &Value, name: &str) -> Vec<Value> {
        let named = self.config_maps.get(name).into_iter().flatten();
        named.filter(|map| are_near(object, map)).cloned().collect()
    }

    /// What stands around an object, but for ConfigMaps.
    pub(crate) fn around(&self, object: &Value, template: &str) -> World {
        let labels = labels(object, &format!("{template}/metadata/labels"));
        let near = |all: Vec<&Value>| -> Vec<Value> {
            all.into_iter().filter(|other| are_near(object, other)).cloned().collect()
        };
        let autoscalers = self.autoscalers.get(text(object, "/metadata/name"));
        let services = near(self.services.around(&labels));
        let pods =
            services.iter().filter_map(|service| self.pods.get(&first_label(service, "/spec/selector")?));
        let mut world = World {
            pods: near(pods.flatten().collect()),
            services,
            network_policies: near(self.network_policies.around(&labels)),
            budgets: near(self.budgets.around(&labels)),
            autoscalers: near(autoscalers.into_iter().flatten().collect()),
            ..World::default()
        };
        for other in self.others.iter().filter(|other| are_near(object, other)) {
            let list = match text(other, "/kind") {
                "Namespace" => &mut world.namespaces,
                "ResourceQuota" => &mut world.quotas,
                _ => &mut world.limit_ranges,
            };
            list.push(other.clone());
        }
        world
    }
}

/// Whether two objects are, or may be, in one namespace: what leaves it open goes where the rest goes.
fn are_near(object: &Value, other: &Value) -> bool {
    let [one, other_one] = [object, other].map(|object| text(object, "/metadata/namespace"));
    one == other_one || one.is_empty() || other_one.is_empty()
}

/// Objects that select pods by labels, each with its place among all.
#[derive(Debug, Default)]
struct Selecting {
    count: usize,
    /// By the first label that they want.
    by_label: HashMap<String, Vec<(usize, Value)>>,
    /// Those that want none, or by other means.
    others: Vec<(usize, Value)>,
}

impl Selecting {
    fn add(&mut self, object: Value, selector: &str) {
        let list = match first_label(&object, selector) {
            Some(label) => self.by_label.entry(label).or_default(),
            None => &mut self.others,
        };
        list.push((self.count, object));
        self.count += 1;
    }

    /// Those that may select a pod with these labels, in their order.
    fn around(&self, labels: &[String]) -> Vec<&Value> {
        let by_label = labels.iter().filter_map(|label| self.by_label.get(label)).flatten();
        let mut found: Vec<&(usize, Value)> = by_label.chain(&self.others).collect();
        found.sort_by_key(|(place, _)| *place);
        found.into_iter().map(|(_, object)| object).collect()
    }
}

fn first_label(object: &Value, pointer: &str) -> Option<String> {
    object.pointer(pointer).and_then(Value::as_object).and_then(|wanted| wanted.iter().next()).map(label)
}

fn labels(object: &Value, pointer: &str) -> Vec<String> {
    object.pointer(pointer).and_then(Value::as_object).into_iter().flat_map(Map::iter).map(label).collect()
}

fn label((key, value): (&String, &Value)) -> String {
    format!("{key}={}", value.as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_can_be_about_an_object_and_little_else() {
        let mut neighbours = Neighbours::default();
        let named = |kind: &str, name: &str, namespace: &str, spec: Value| json!({"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec});
        let scaled = |name: &str| json!({"scaleTargetRef": {"kind": "Deployment", "name": name}});
        let guarding = |labels: Value| json!({"podSelector": {"matchLabels": labels}});
        let mut pod = named("Pod", "p", "", json!({}));
        pod["metadata"]["labels"] = json!({"app": "web"});
        for object in [
            named("Service", "any-namespace", "", json!({"selector": {"app": "web"}})),
            named("Service", "of-another", "shop", json!({"selector": {"app": "other", "tier": "x"}})),
            named("Service", "elsewhere", "else", json!({"selector": {"app": "web"}})),
            named("Service", "here", "shop", json!({"selector": {"tier": "x", "app": "web"}})),
            named("NetworkPolicy", "by-label", "shop", guarding(json!({"app": "web"}))),
            named("NetworkPolicy", "all", "shop", json!({"podSelector": {}})),
            named("NetworkPolicy", "others", "shop", guarding(json!({"app": "other"}))),
            named("HorizontalPodAutoscaler", "of-web", "shop", scaled("web")),
            named("HorizontalPodAutoscaler", "of-other", "shop", scaled("other")),
            named("ResourceQuota", "quota", "shop", json!({})),
            named("ResourceQuota", "elsewhere", "else", json!({})),
            json!({"kind": "Namespace", "metadata": {"name": "shop"}}),
            named("ConfigMap", "map", "shop", json!({})),
            named("Secret", "nothing", "shop", json!({})),
            pod,
        ] {
            neighbours.add(object);
        }
        let labels = json!({"app": "web", "tier": "x"});
        let web = json!({
            "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"metadata": {"labels": labels}}},
        });
        let world = neighbours.around(&web, "/spec/template");
        let called = |objects: &[Value]| -> Vec<String> {
            objects.iter().map(|object| text(object, "/metadata/name").to_owned()).collect()
        };
        assert_eq!(called(&world.services), ["any-namespace", "here"]);
        assert_eq!(called(&world.network_policies), ["by-label", "all"]);
        assert_eq!(called(&world.autoscalers), ["of-web"]);
        assert_eq!(called(&world.quotas), ["quota"]);
        assert_eq!(called(&world.namespaces), ["shop"]);
        assert_eq!(called(&world.pods), ["p"]);
        assert_eq!(called(&neighbours.config_maps(&web, "map")), ["map"]);
        assert!(neighbours.config_maps(&web, "other").is_empty());
    }
}
