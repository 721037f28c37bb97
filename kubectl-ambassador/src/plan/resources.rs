//! What our container asks for and may use, so that its pod stays in the class of quality of service that it had.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::list;
use crate::failure::{Failure, Result};
use crate::quantity::{parse, read};

/// What has a request and a limit: name, default request, default limit, and both in a pod whose class is Guaranteed.
/// There, memory is what may be used elsewhere, since large answers need it; CPU is no whole number, so that kubelet's
/// static policy keeps no core for it.
const RESOURCES: [(&str, &str, &str, &str); 2] =
    [("cpu", "20m", "2", "500m"), ("memory", "64Mi", "512Mi", "512Mi")];
/// The least memory: with less, Envoy does not start.
const LEAST_MEMORY: i128 = (16 << 20) * UNIT;
/// The most CPUs: what is more was meant to be thousandths.
const MOST_CPUS: i128 = 256 * UNIT;
const UNIT: i128 = 1_000_000_000;

/// An amount as Kubernetes writes it, such as `100m` or `64Mi`; `None` is for the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Amount(Option<String>);

impl Amount {
    /// Of CPUs, as a flag has it.
    pub(crate) fn of_cpu(text: &str) -> std::result::Result<Self, String> {
        let amount = Self::from_str(text)?;
        match amount.value() {
            Some(value) if value > MOST_CPUS => Err(format!("that is {text} CPUs; did you mean {text}m?")),
            _ => Ok(amount),
        }
    }

    /// Of bytes, as a flag has it.
    pub(crate) fn of_memory(text: &str) -> std::result::Result<Self, String> {
        let amount = Self::from_str(text)?;
        match amount.value() {
            Some(value) if value < LEAST_MEMORY => {
                Err(format!("that is {} bytes, and Envoy does not start with less than 16Mi", value / UNIT))
            }
            _ => Ok(amount),
        }
    }

    fn value(&self) -> Option<i128> {
        self.0.as_deref().and_then(parse)
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "default" {
            return Ok(Self(None));
        }
        match parse(text) {
            Some(value) if value > 0 => Ok(Self(Some(text.to_owned()))),
            Some(_) => Err("expected more than nothing".to_owned()),
            None => {
                Err("expected an amount as Kubernetes writes it, such as 100m CPUs or 64Mi bytes".to_owned())
            }
        }
    }
}

/// What a person has asked for; all else is ours to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_limit: Option<String>,
}

impl Asked {
    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(&self, resource: &str) -> (Option<&str>, Option<&str>) {
        let (request, limit) = match resource {
            "cpu" => (&self.cpu_request, &self.cpu_limit),
            _ => (&self.memory_request, &self.memory_limit),
        };
        (request.as_deref(), limit.as_deref())
    }
}

/// The flags.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Flags {
    /// CPU that is kept for the ambassador's container, such as 100m; `default` goes back to what it is without the flag
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::of_cpu)]
    cpu_request: Option<Amount>,

    /// CPU that it may use at most
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::of_cpu)]
    cpu_limit: Option<Amount>,

    /// Memory that is kept for it, such as 128Mi
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::of_memory)]
    memory_request: Option<Amount>,

    /// Memory that it may use at most
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::of_memory)]
    memory_limit: Option<Amount>,
}

impl Flags {
    /// What is asked for now, and where nothing is said, what was asked for before.
    pub(crate) fn over(&self, before: Option<&Asked>) -> Result<Asked> {
        let nothing = Asked::default();
        let before = before.unwrap_or(&nothing);
        let either = |flag: &Option<Amount>, before: &Option<String>| match flag {
            Some(Amount(said)) => said.clone(),
            None => before.clone(),
        };
        let asked = Asked {
            cpu_request: either(&self.cpu_request, &before.cpu_request),
            cpu_limit: either(&self.cpu_limit, &before.cpu_limit),
            memory_request: either(&self.memory_request, &before.memory_request),
            memory_limit: either(&self.memory_limit, &before.memory_limit),
        };
        for (resource, ..) in RESOURCES {
            if let (Some(request), Some(limit)) = asked.of(resource)
                && parse(limit) < parse(request)
            {
                return Err(Failure::usage(format!(
                    "--{resource}-limit {limit} is below --{resource}-request {request}"
                ))
                .hint(
                    "a container may always use what is kept for it: raise the limit, or lower the request",
                ));
            }
        }
        Ok(asked)
    }
}

/// Kubernetes' classes of quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    BestEffort,
    Burstable,
    Guaranteed,
}

impl Class {
    /// As the status of a pod has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BestEffort => "BestEffort",
            Self::Burstable => "Burstable",
            Self::Guaranteed => "Guaranteed",
        }
    }

    /// The class of a pod: by its own resources if it has any, else by those of all its containers. A request that is left
    /// open is the limit.
    pub(crate) fn of(pod: &Value) -> Self {
        let (mut any, mut all) = (false, true);
        let own = pod.pointer("/spec/resources").filter(|own| is_set(own));
        let containers = ["/spec/initContainers", "/spec/containers"].iter().flat_map(|kind| list(pod, kind));
        let each = |container| Value::pointer(container, "/resources").unwrap_or(&Value::Null);
        let resources: Vec<&Value> = match own {
            Some(own) => vec![own],
            None => containers.map(each).collect(),
        };
        for resources in resources {
            for (resource, ..) in RESOURCES {
                let limit = amount(resources, "limits", resource);
                let request = amount(resources, "requests", resource).or(limit);
                any |= request.is_some();
                all &= limit.is_some() && request == limit;
            }
        }
        match (any, all) {
            (true, true) => Self::Guaranteed,
            (true, false) => Self::Burstable,
            (false, _) => Self::BestEffort,
        }
    }
}

/// Whether a pod's own resources say anything about its class.
fn is_set(own: &Value) -> bool {
    let kinds = ["limits", "requests"];
    kinds.iter().any(|kind| RESOURCES.iter().any(|(resource, ..)| amount(own, kind, resource).is_some()))
}

/// `requests` or `limits` of a resource; nothing is as good as none.
fn amount(resources: &Value, kind: &str, resource: &str) -> Option<i128> {
    resources.pointer(&format!("/{kind}/{resource}")).and_then(read).filter(|amount| *amount > 0)
}

/// The resources of our container in `pod`, which is without it.
pub(super) fn of_ours(pod: &Value, asked: &Asked, is_guaranteed: bool) -> Value {
    let (mut requests, mut limits) = (Map::new(), Map::new());
    for (resource, request, limit, both) in RESOURCES {
        let (request, limit) = match (asked.of(resource), is_guaranteed) {
            // What the pod as a whole may use, its containers share.
            ((None, None), _) if is_of_pod(pod, resource) => continue,
            ((None, None), true) => (both, both),
            ((None, None), false) => (request, limit),
            ((Some(request), Some(limit)), _) => (request, limit),
            ((Some(one), None) | (None, Some(one)), true) => (one, one),
            ((Some(asked), None), false) => (asked, if parse(limit) < parse(asked) { asked } else { limit }),
            ((None, Some(asked)), false) => {
                (if parse(asked) < parse(request) { asked } else { request }, asked)
            }
        };
        requests.insert(resource.to_owned(), request.into());
        limits.insert(resource.to_owned(), limit.into());
    }
    if requests.is_empty() { json!({}) } else { json!({"requests": requests, "limits": limits}) }
}

/// Whether a pod has its own request or limit of a resource.
fn is_of_pod(pod: &Value, resource: &str) -> bool {
    ["limits", "requests"]
        .iter()
        .any(|kind| pod.pointer(&format!("/spec/resources/{kind}/{resource}")).is_some())
}

/// Whether two containers have the same amounts; servers write them in their own way.
pub(super) fn are_same(one: &Value, other: &Value) -> bool {
    let kinds = ["resources/limits", "resources/requests"];
    kinds.iter().all(|kind| {
        RESOURCES.iter().all(|(resource, ..)| amount(one, kind, resource) == amount(other, kind, resource))
    })
}

#[cfg(test)]
mod tests;
