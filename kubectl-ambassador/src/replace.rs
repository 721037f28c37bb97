//! Another proxy's container in a pod: which one it is, and where its config is mounted from.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::failure::{Failure, Result};
use crate::findings::Neighbours;
use crate::haproxy::{self, Conversion, Environment};
use crate::output::say;
use crate::plan::{list, text};
use crate::source::{self, Source};
use crate::workload::{self, name_of};

/// Where HAProxy's images have their config.
const DEFAULT_PATH: &str = "/usr/local/etc/haproxy/haproxy.cfg";
/// The lists of containers of a pod.
pub(crate) const LISTS: [&str; 2] = ["containers", "initContainers"];

/// A config of HAProxy, and what is known about where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// What people are told it comes from.
    pub(crate) file: String,
    /// What the config is called.
    pub(crate) name: String,
    pub(crate) content: String,
    pub(crate) environment: Environment,
}

impl Text {
    /// Converts it, or says what HAProxy would refuse about it.
    pub(crate) fn convert(&self) -> Result<Conversion> {
        let place = |refusal: &haproxy::Refusal| {
            let haproxy::Refusal { line, column, message } = refusal;
            Failure::usage(format!("{}:{line}:{column}: {message}", self.file))
        };
        let conversion =
            haproxy::convert(&self.name, &self.content, &self.environment).map_err(|refusals| {
                let Some((last, others)) = refusals.split_last() else {
                    return Failure::usage(format!("{} cannot be read", self.file));
                };
                others.iter().for_each(|refusal| place(refusal).say());
                place(last)
            })?;
        // What is written is read by the same code as what people write.
        source::load("the config that was made", conversion.config.clone())?;
        Ok(conversion)
    }

    /// The same as a config to inject.
    pub(crate) fn source(&self) -> Result<Source> {
        let Conversion { config, notes } = self.convert()?;
        Ok(source::load(&format!("the config of {}", self.file), config)?.converted_from(&self.file, notes))
    }
}

/// Tells what is not carried over as it was.
pub(crate) fn tell(file: &str, conversion: &Conversion) {
    for note in &conversion.notes {
        let how = if note.kind == haproxy::Kind::Lost { "warning" } else { "note" };
        let title = note.kind.title();
        say(&format!("{how}: {file}:{}: `{}` {title}: {}", note.line, note.directive, note.message));
    }
}

/// A container that runs HAProxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    /// The file that it reads.
    path: String,
}

/// The ConfigMap that has a file, and its key in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) config_map: String,
    key: String,
}

/// The container of this name; or else the only one with an image that is called so.
pub(crate) fn container(object: &Value, template: &str, wanted: Option<&str>) -> Result<Container> {
    let shown = name_of(object);
    let pod = workload::template(object, template)?;
    let all: Vec<&Value> = LISTS.iter().flat_map(|kind| list(pod, &format!("/spec/{kind}"))).collect();
    let found: Vec<&Value> = match wanted {
        Some(name) => all.iter().copied().filter(|container| text(container, "/name") == name).collect(),
        None => all.iter().copied().filter(|container| is_haproxy(text(container, "/image"))).collect(),
    };
    let names = |containers: &[&Value]| {
        let names: Vec<&str> = containers.iter().map(|container| text(container, "/name")).collect();
        names.join(", ")
    };
    match (found.as_slice(), wanted) {
        ([one], _) => Ok(Container {
            name: text(one, "/name").to_owned(),
            image: text(one, "/image").to_owned(),
            path: path(&shown, one)?,
        }),
        ([], Some(name)) => Err(Failure::usage(format!("{shown} has no container {name}"))
            .hint(format!("it has {}", names(&all)))),
        ([], None) => Err(Failure::usage(format!("{shown} has no container with an image called haproxy"))
            .hint(format!("say which one it is by --container; it has {}", names(&all)))),
        (several, _) => Err(Failure::usage(format!(
            "{shown} has several containers with such an image: {}",
            names(several)
        ))
        .hint("say which one is meant by --container")),
    }
}

/// Whether an image is called so: `haproxy:1.7`, `docker.io/haproxytech/haproxy-alpine@sha256:…`.
pub(crate) fn is_haproxy(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    name == "haproxy" || name.starts_with("haproxy-")
}

/// What stands behind `-f`, wherever a command line has it.
fn path(shown: &str, container: &Value) -> Result<String> {
    let words = ["/command", "/args"].iter().flat_map(|list_at| list(container, list_at));
    let words = words.filter_map(Value::as_str).flat_map(str::split_whitespace);
    let mut words = words.map(|word| word.trim_matches(['"', '\'']));
    let mut files = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("-f") {
            Some("") => files.extend(words.next().map(str::to_owned)),
            Some(file) if file.starts_with('/') => files.push(file.to_owned()),
            _ => {}
        }
    }
    match files.as_slice() {
        [] => Ok(DEFAULT_PATH.to_owned()),
        [one] => Ok(one.clone()),
        several => Err(Failure::usage(format!(
            "container {} of {shown} reads several files: {}",
            text(container, "/name"),
            several.join(", ")
        ))
        .hint("put them together, and convert that: cat FILE FILE | kubectl ambassador convert -")),
    }
}

/// Where the file is mounted from.
pub(crate) fn place(object: &Value, template: &str, container: &Container) -> Result<Place> {
    let shown = name_of(object);
    let pod = workload::template(object, template)?;
    let path = container.path.as_str();
    let all = LISTS.iter().flat_map(|kind| list(pod, &format!("/spec/{kind}")));
    let mounts =
        all.filter(|other| text(other, "/name") == container.name).flat_map(|own| list(own, "/volumeMounts"));
    let mut found: Option<(&Value, String)> = None;
    for mount in mounts {
        let at = text(mount, "/mountPath").trim_end_matches('/');
        let Some(rest) = path.strip_prefix(at).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            continue;
        };
        let longer = found
            .as_ref()
            .is_none_or(|(known, _)| text(known, "/mountPath").len() < text(mount, "/mountPath").len());
        if longer {
            let below = [text(mount, "/subPath"), rest.trim_matches('/')].join("/");
            found = Some((mount, below.trim_matches('/').to_owned()));
        }
    }
    let elsewhere = |what: &str| {
        Failure::usage(format!("{path} of container {} of {shown} {what}", container.name)).hint(format!(
            "read it there: kubectl exec {shown} -c {} -- cat {path} | kubectl ambassador convert -",
            container.name
        ))
    };
    let Some((mount, file)) = found else { return Err(elsewhere("is not mounted: it is in its image")) };
    let name = text(mount, "/name");
    let volume = list(pod, "/spec/volumes").iter().find(|volume| text(volume, "/name") == name);
    let volume = volume.ok_or_else(|| elsewhere("is in a volume that is not there"))?;
    let projected = list(volume, "/projected/sources").iter();
    let sources = std::iter::once(volume).chain(projected).rev();
    let mut maps = sources.clone().filter_map(|source| {
        let map = source.get("configMap")?;
        let items = list(map, "/items");
        let item = items.iter().find(|item| text(item, "/path") == file).map(|item| text(item, "/key"));
        let key = if items.is_empty() { (!file.contains('/')).then_some(file.as_str()) } else { item };
        Some(Place { config_map: text(map, "/name").to_owned(), key: key?.to_owned() })
    });
    if let Some(place) = maps.next() {
        return Ok(place);
    }
    if sources.into_iter().any(|source| source.get("secret").is_some()) {
        return Err(elsewhere(
            "comes from a Secret, which is not read: the new config would be in a ConfigMap",
        ));
    }
    Err(elsewhere(&format!("is in the volume {name}, which is no ConfigMap")))
}

/// What the container reads, given the ConfigMap.
pub(crate) fn text_of(
    object: &Value,
    template: &str,
    container: &Container,
    place: &Place,
    map: &Value,
) -> Result<Text> {
    let pod = workload::template(object, template)?;
    let all = LISTS.iter().flat_map(|kind| list(pod, &format!("/spec/{kind}")));
    let own = all.into_iter().find(|other| text(other, "/name") == container.name).unwrap_or(&Value::Null);
    let literal = |variable: &Value| {
        Some((text(variable, "/name").to_owned(), variable.get("value")?.as_str()?.to_owned()))
    };
    let file = format!("configmap/{}/{}", place.config_map, place.key);
    let content = map.get("data").and_then(|data| data.get(&place.key)).and_then(Value::as_str);
    let content = content.ok_or_else(|| Failure::unchanged(format!("{file} is not there")))?;
    Ok(Text {
        file,
        name: text(object, "/metadata/name").to_owned(),
        content: content.to_owned(),
        environment: list(own, "/env").iter().filter_map(literal).collect(),
    })
}

/// The same from a cluster.
pub(crate) async fn live(
    cluster: &Cluster,
    object: &Value,
    template: &str,
    container: &Container,
) -> Result<Text> {
    let place = place(object, template, container)?;
    let map = cluster.config_map(&place.config_map).await?;
    let map =
        map.ok_or_else(|| Failure::unchanged(format!("configmap/{} is not there", place.config_map)))?;
    text_of(object, template, container, &place, &map)
}

/// The same from manifests.
pub(crate) fn offline(
    neighbours: &Neighbours,
    object: &Value,
    template: &str,
    container: &Container,
) -> Result<Text> {
    let place = place(object, template, container)?;
    let maps = neighbours.config_maps(object, &place.config_map);
    let map = maps.first().ok_or_else(|| {
        Failure::usage(format!("configmap/{} is not among the manifests", place.config_map))
            .hint("put it there, or name a config by -c: kubectl ambassador convert makes one")
    })?;
    text_of(object, template, container, &place, map)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(container: Value, volume: Value) -> Value {
        let mut container = container;
        container["name"] = "proxy".into();
        let mut volume = volume;
        volume["name"] = "v".into();
        json!({
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "app", "image": "app"}, container], "volumes": [volume]},
        })
    }

    fn found(container: Value, volume: Value) -> std::result::Result<String, String> {
        let pod = pod(container, volume);
        let proxy = self::container(&pod, "", None).map_err(|failure| failure.message().to_owned())?;
        let place = place(&pod, "", &proxy).map_err(|failure| failure.message().to_owned())?;
        Ok(format!("{}/{}", place.config_map, place.key))
    }

    #[test]
    fn the_config_is_found_wherever_it_is_mounted_from() {
        let map = json!({"configMap": {"name": "m"}});
        let renamed =
            json!({"configMap": {"name": "m", "items": [{"key": "k", "path": "conf/haproxy.cfg"}]}});
        let projected =
            json!({"projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "m"}}]}});
        let mounted = |path: &str, sub: &str| json!([{"name": "v", "mountPath": path, "subPath": sub}]);
        let default = |mounts: Value| json!({"image": "haproxy:1.7", "volumeMounts": mounts});
        let with = |args: Value, mounts: Value| json!({"image": "x/haproxytech/haproxy-alpine@sha256:0", "args": args, "volumeMounts": mounts});
        for (container, volume, expected) in [
            (default(mounted("/usr/local/etc/haproxy", "")), &map, "m/haproxy.cfg"),
            (default(mounted("/usr/local/etc/haproxy/haproxy.cfg", "own.cfg")), &map, "m/own.cfg"),
            (default(mounted("/usr/local/etc/haproxy/", "conf")), &renamed, "m/k"),
            (default(mounted("/usr/local/etc/haproxy", "")), &projected, "m/haproxy.cfg"),
            (with(json!(["-db", "-f", "/etc/h.cfg"]), mounted("/etc", "")), &map, "m/h.cfg"),
            (with(json!(["-f/etc/h.cfg"]), mounted("/etc", "")), &map, "m/h.cfg"),
            (with(json!(["-c", "exec haproxy -f '/etc/h.cfg' -db"]), mounted("/etc", "")), &map, "m/h.cfg"),
        ] {
            assert_eq!(found(container.clone(), volume.clone()).as_deref(), Ok(expected), "{container}");
        }
    }

    #[test]
    fn what_is_not_to_be_read_says_why() {
        let secret = json!({"secret": {"secretName": "s"}});
        let empty = json!({"emptyDir": {}});
        let mounts = json!([{"name": "v", "mountPath": "/usr/local/etc/haproxy"}]);
        let default = json!({"image": "haproxy", "volumeMounts": mounts});
        for (container, volume, expected) in [
            (default.clone(), &secret, "comes from a Secret"),
            (default, &empty, "is no ConfigMap"),
            (json!({"image": "haproxy"}), &empty, "is in its image"),
            (json!({"image": "nginx"}), &empty, "has no container with an image called haproxy"),
            (
                json!({"image": "haproxy", "args": ["-f", "a", "-f", "b"]}),
                &empty,
                "reads several files: a, b",
            ),
        ] {
            let message = found(container, volume.clone()).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
