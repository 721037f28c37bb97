//! Label selectors, as Kubernetes means them.

use serde_json::{Map, Value};

use crate::plan::{list, text};

/// Whether the labels of an object have all these values: a Service's selector.
pub(super) fn equals(wanted: &Map<String, Value>, object: &Value) -> bool {
    wanted.iter().all(|(key, value)| label(object, key) == value.as_str())
}

/// Whether a label selector (`matchLabels` and `matchExpressions`), or the plain map of a `ReplicationController`, selects
/// an object. An empty one selects all.
pub(super) fn matches(selector: &Value, object: &Value) -> bool {
    if selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none() {
        return selector.as_object().is_some_and(|wanted| equals(wanted, object));
    }
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    labels.is_none_or(|wanted| equals(wanted, object))
        && list(selector, "/matchExpressions").iter().all(|expression| holds(expression, object))
}

fn holds(expression: &Value, object: &Value) -> bool {
    let value = label(object, text(expression, "/key"));
    let among = |value| list(expression, "/values").iter().any(|one| one.as_str() == Some(value));
    match text(expression, "/operator") {
        "In" => value.is_some_and(among),
        "NotIn" => !value.is_some_and(among),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(key)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selects_as_kubernetes_does() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "db"}}), false),
            (json!({"app": "web", "tier": "front"}), true),
            (json!({"app": "web", "tier": "back"}), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["db", "web"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}), false),
            (json!({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}), true),
            (json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}), false),
            (
                json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}),
                true,
            ),
        ] {
            assert_eq!(matches(&selector, &object), expected, "{selector}");
        }
    }
}
