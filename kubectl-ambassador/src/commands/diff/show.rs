//! Shows pairs of objects as a unified diff: our own, or that of the program that `KUBECTL_EXTERNAL_DIFF` names, which
//! gets two folders, as from kubectl.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use similar::TextDiff;

use crate::failure::{Failure, Result};
use crate::output;
use crate::plan::{text, without_server_fields};
use crate::plugin::hex;

/// kubectl's name for the variable.
const EXTERNAL: &str = "KUBECTL_EXTERNAL_DIFF";

/// An object as it is and as it would be; `None` where it is not.
pub(super) struct Pair {
    pub(super) live: Option<Value>,
    pub(super) new: Option<Value>,
}

/// Prints all that differs, and says whether anything does.
pub(super) fn all(pairs: &[Pair]) -> Result<bool> {
    let mut texts = Vec::new();
    for pair in pairs {
        let [live, new] = [&pair.live, &pair.new].map(|object| object.as_ref().map(yaml).transpose());
        let (live, new) = (live?.unwrap_or_default(), new?.unwrap_or_default());
        if live != new {
            let name = file_name(pair.live.as_ref().or(pair.new.as_ref()).unwrap_or(&Value::Null));
            texts.push((name, live, new));
        }
    }
    if texts.is_empty() {
        return Ok(false);
    }
    if let Some(command) = std::env::var(EXTERNAL).ok().filter(|command| !command.trim().is_empty()) {
        return external(&command, &texts);
    }
    output::print(&texts.iter().map(|(name, live, new)| unified(name, live, new)).collect::<String>())?;
    Ok(true)
}

/// `apps.v1.Deployment.NAMESPACE.NAME`, as kubectl calls them.
fn file_name(object: &Value) -> String {
    let version = text(object, "/apiVersion").replace('/', ".");
    let parts = [
        &version,
        text(object, "/kind"),
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name"),
    ];
    parts.join(".")
}

/// Without what only the server sets; of binary data, what tells one from another.
fn yaml(object: &Value) -> Result<String> {
    let mut object = if text(object, "/kind") == "Pod" {
        crate::plan::without_what_the_server_sets(object)
    } else {
        without_server_fields(object)
    };
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(binary) = object.get_mut("binaryData").and_then(Value::as_object_mut) {
        for value in binary.values_mut() {
            *value = format!("sha256:{}", hex(value.as_str().unwrap_or_default().as_bytes())).into();
        }
    }
    serde_saphyr::to_string(&sorted(object))
        .map_err(|error| Failure::unchanged(format!("cannot write YAML: {error}")))
}

/// The server sorts the keys of maps, and what we add stands last: neither is a difference.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            fields.into_iter().collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn unified(name: &str, live: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(live, new);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(&format!("live/{name}"), &format!("new/{name}"))
        .to_string();
    if std::io::stdout().is_terminal() { coloured(&text) } else { text }
}

fn coloured(text: &str) -> String {
    let line = |line: &str| {
        let colour = match line.as_bytes().first() {
            Some(b'+') => "32",
            Some(b'-') => "31",
            Some(b'@') => "36",
            _ => return format!("{line}\n"),
        };
        format!("\u{1b}[{colour}m{line}\u{1b}[0m\n")
    };
    text.lines().map(line).collect()
}

fn external(command: &str, texts: &[(String, String, String)]) -> Result<bool> {
    let failed =
        |error: std::io::Error| Failure::unchanged(format!("cannot run {EXTERNAL}, `{command}`: {error}"));
    let dir = tempfile::Builder::new().prefix("kubectl-ambassador-").tempdir().map_err(failed)?;
    let [live, new] = ["LIVE", "NEW"].map(|side| dir.path().join(side));
    let write = |side: &Path, name: &str, text: &str| {
        if text.is_empty() { Ok(()) } else { std::fs::write(side.join(name), text) }
    };
    for side in [&live, &new] {
        std::fs::create_dir(side).map_err(failed)?;
    }
    for (name, before, after) in texts {
        write(&live, name, before).and_then(|()| write(&new, name, after)).map_err(failed)?;
    }
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let status = Command::new(program).args(words).args([&live, &new]).status().map_err(failed)?;
    match status.code() {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err(Failure::unchanged(format!("{EXTERNAL}, `{command}`, failed: {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn shows_what_a_person_can_read() {
        let live = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "c", "namespace": "shop", "uid": "1", "resourceVersion": "2", "managedFields": []},
            "data": {"b": "1", "a": "two\nlines\n"}, "binaryData": {"plugin.wasm": "AGFzbQ=="}, "status": {},
        });
        let mut new = live.clone();
        new["binaryData"]["plugin.wasm"] = "AGFzbQE=".into();
        new["data"]["a"] = "three\nlines\n".into();
        new["metadata"]["resourceVersion"] = "3".into();
        let shown = unified(&file_name(&live), &yaml(&live).unwrap(), &yaml(&new).unwrap());
        expect![[r#"
            --- live/v1.ConfigMap.shop.c
            +++ new/v1.ConfigMap.shop.c
            @@ -1,9 +1,9 @@
             apiVersion: v1
             binaryData:
            -  plugin.wasm: sha256:5da877bb864364bc0360e29c1972ebbb2d2c722eb4859adc283b2c3ba0a462f1
            +  plugin.wasm: sha256:7a2893d9cf5d255f8bfd8955c2cad4d88e87d089aa141779fbef07116f337d0b
             data:
               a: |
            -    two
            +    three
                 lines
               b: "1"
             kind: ConfigMap
        "#]]
        .assert_eq(&shown);
        let same = Pair { live: Some(live.clone()), new: Some(live) };
        assert!(!all(&[same]).unwrap());
    }

    #[test]
    fn colours_whole_lines() {
        expect![[r#"
            ESC[36m@@ -1 +1 @@ESC[0m
             a
            ESC[31m-bESC[0m
            ESC[32m+cESC[0m
        "#]]
        .assert_eq(&coloured("@@ -1 +1 @@\n a\n-b\n+c\n").replace('\u{1b}', "ESC"));
    }
}
