//! What an injected pod remembers of itself, so that `uninject` is exact.

use std::collections::BTreeMap;

use ambassador_core::ports::PortMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::{Failure, Result};
use crate::plan::{Asked, Removed};

/// The annotation's name.
pub(crate) const NAME: &str = "kubectl-ambassador.dev/injected";

/// Where a pod, or a pod template, has it.
pub(crate) fn pointer() -> String {
    format!("/metadata/annotations/{}", NAME.replace('/', "~1"))
}

/// What is in the annotation, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Injected {
    /// The version that injected.
    pub(crate) version: String,
    /// SHA-256 of the config's text.
    pub(crate) config: String,
    /// The ConfigMap with the config and what is rendered from it.
    pub(crate) config_map: String,
    /// The ConfigMap with the module.
    pub(crate) plugin: String,
    /// The ports that the ambassador listens on, its health listener's among them.
    pub(crate) listens: Vec<u16>,
    /// JSON pointers of fields that were changed, with what stood there; null where nothing stood.
    pub(crate) originals: Map<String, Value>,
    /// What ours has taken the place of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed: Vec<Removed>,
    /// What stood in a manifest where text was replaced or taken away, by the JSON pointer of the value; only a file has
    /// such.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) texts: BTreeMap<String, Kept>,
    /// What a person has asked for, other than the defaults.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub(crate) resources: Asked,
    /// The `uid` of the pod that this one has taken the place of: no other pod can have done that, so one that stands
    /// there after an answer was lost is known by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<String>,
}

/// Text of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// What stood there: in place of the value; or the field as a whole, where one of the others is set.
    pub(crate) text: String,
    /// The field that it stood behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// The field that it stood before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
}

impl Kept {
    /// Whether it stands for the value, and not for a field that is gone.
    pub(crate) fn is_value(&self) -> bool {
        self.after.is_none() && self.before.is_none()
    }
}

impl Injected {
    pub(crate) fn new(
        ports: &PortMap,
        health_port: u16,
        config: &str,
        config_map: &str,
        plugin: &str,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: crate::plugin::hex(config.as_bytes()),
            config_map: config_map.to_owned(),
            plugin: plugin.to_owned(),
            listens: ports.iter().map(|port| port.listen).chain([health_port]).collect(),
            originals: Map::new(),
            removed: Vec::new(),
            texts: BTreeMap::new(),
            resources: Asked::default(),
            replaces: None,
        }
    }

    /// What it says of the injection, without what belongs to one manifest or to one pod.
    pub(crate) fn anywhere(self) -> Self {
        Self { texts: BTreeMap::new(), replaces: None, ..self }
    }

    /// The container that ours has taken the place of.
    pub(crate) fn replaced(&self) -> Option<&str> {
        self.removed.iter().find_map(Removed::container)
    }

    /// Whether a later version than this one made it.
    pub(crate) fn is_newer(&self) -> bool {
        let numbers = |version: &str| -> Vec<u64> {
            // What stands behind `-` or `+` is no order that we would need.
            let release = version.split(['-', '+']).next().unwrap_or_default();
            release.split('.').map(|number| number.parse().unwrap_or_default()).collect()
        };
        numbers(&self.version) > numbers(env!("CARGO_PKG_VERSION"))
    }

    /// Notes in an injected pod which one it takes the place of.
    pub(crate) fn note_replaced(pod: &mut Value, uid: &str) -> Result<()> {
        let Some(injected) = Self::of(pod)? else { return Ok(()) };
        let injected = Self { replaces: Some(uid.to_owned()), ..injected };
        if let Some(annotation) = pod.pointer_mut(&pointer()) {
            *annotation = Value::from(serde_json::to_string(&injected).unwrap_or_default());
        }
        Ok(())
    }

    /// Reads it from a pod; `None` if the pod is not injected.
    pub(crate) fn of(pod: &Value) -> Result<Option<Self>> {
        let text = pod.pointer("/metadata/annotations").and_then(|all| all.get(NAME)).and_then(Value::as_str);
        let Some(text) = text else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| {
            Failure::unchanged(format!("the annotation {NAME} cannot be read: {error}"))
                .hint("it was made by another version, or edited; use the version that injected the pod")
        })
    }
}
