//! Manifests that nobody would write, in all manners that YAML knows, through both ways.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Decisions, from a tape that proptest makes shorter and simpler when one of them breaks something.
struct Tape<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Tape<'_> {
    fn below(&mut self, count: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(byte) % count
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    fn pick<'p, T>(&mut self, of: &'p [T]) -> &'p T {
        &of[self.below(of.len())]
    }
}

/// An object of some kind, whose pods have some of what the planner changes.
fn object(tape: &mut Tape<'_>) -> Value {
    let kind = tape.pick(&crate::workload::KINDS);
    let version = if kind.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group) };
    let mut pod = json!({});
    match tape.below(6) {
        0 => {}
        1 => pod["metadata"] = json!({"annotations": {}}),
        2 => pod["metadata"] = json!({"annotations": null}),
        3 => {
            pod["metadata"] = json!({"annotations": {"a": "b # c", "kubectl.kubernetes.io/default-container": "c0"}, "labels": {"x": "yes"}});
        }
        4 => pod["metadata"] = json!({"labels": {"x": "1"}, "annotations": {"text": "a\nb\n"}}),
        _ => pod["metadata"] = json!({}),
    }
    let containers: Vec<Value> = (0..=tape.below(3)).map(|index| container(tape, index)).collect();
    let mut fields = vec![("containers", Value::from(containers))];
    match tape.below(5) {
        0 => {}
        1 => fields.push(("initContainers", json!([]))),
        2 => fields.push(("initContainers", json!(null))),
        _ => {
            fields.push(("initContainers", json!([{"name": "first", "image": "i:1", "args": ["a", "--b"]}])));
        }
    }
    match tape.below(5) {
        0 => {}
        1 => fields.push(("volumes", json!([]))),
        2 => fields.push(("volumes", json!(null))),
        _ => fields.push((
            "volumes",
            json!([{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "w"}}]),
        )),
    }
    match tape.below(6) {
        0 | 1 => {}
        2 => fields.push(("securityContext", json!({}))),
        3 => fields.push(("securityContext", json!({"fsGroup": 1, "sysctls": []}))),
        4 => fields.push(("securityContext", json!({"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "1024"}, {"name": "a", "value": "b"}]}))),
        _ => fields.push(("securityContext", json!({"runAsUser": 1000}))),
    }
    fields.push(("futureField", json!({"deep": [[1, 2], {"x": "line\n"}], "text": "a: b"})));
    let turn = tape.below(fields.len());
    fields.rotate_left(turn);
    pod["spec"] = Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
    if kind.is_pod() {
        pod["apiVersion"] = version.into();
        pod["kind"] = kind.name.into();
        entry(&mut pod, "metadata")["name"] = "p".into();
        return pod;
    }
    let mut object =
        json!({"apiVersion": version, "kind": kind.name, "metadata": {"name": "w", "namespace": "n"}});
    let steps: Vec<&str> = kind.template.split('/').skip(1).collect();
    let spec = steps.iter().rev().fold(pod, |inner, step| json!({*step: inner, "zone": 1}));
    for (key, value) in spec.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn entry<'v>(value: &'v mut Value, key: &str) -> &'v mut Value {
    if !value[key].is_object() {
        value[key] = json!({});
    }
    &mut value[key]
}

fn container(tape: &mut Tape<'_>, index: usize) -> Value {
    let mut container = json!({"name": format!("c{index}")});
    if index == 0 || tape.one_in(2) {
        let port = json!({"containerPort": 8775, "name": "http", "protocol": "TCP"});
        let mut port = port.as_object().unwrap().clone();
        if tape.one_in(2) {
            port.shift_remove("protocol");
        }
        if tape.one_in(2) {
            let name = port.shift_remove("name").unwrap();
            port.insert("name".to_owned(), name);
        }
        if index > 0 {
            port.insert("containerPort".to_owned(), json!(9000 + index));
        }
        container["ports"] = json!([port]);
        if tape.one_in(2) {
            container["livenessProbe"] = json!({"httpGet": {"path": "/", "port": "http"}});
            container["lifecycle"] = json!({"preStop": {"tcpSocket": {"port": "http"}}});
        }
    }
    container
}

/// Writes a value in some manner.
struct Writer<'t, 'b> {
    tape: &'t mut Tape<'b>,
    out: String,
    dash: usize,
    step: usize,
}

impl Writer<'_, '_> {
    fn scalar(&mut self, value: &Value) -> String {
        let Value::String(text) = value else {
            return if value.is_null() {
                (*self.tape.pick(&["~", "null", ""])).to_owned()
            } else {
                value.to_string()
            };
        };
        match self.tape.below(3) {
            0 if super::super::scalar::write(text) == *text => text.clone(),
            1 if !text.contains('\n') => format!("'{}'", text.replace('\'', "''")),
            _ => super::super::scalar::quoted(text),
        }
    }

    fn flow(&mut self, value: &Value) {
        let gap = *self.tape.pick(&["", " ", "\n                                        "]);
        match value {
            Value::Object(fields) => {
                self.out.push('{');
                self.out.push_str(gap);
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    let key = self.scalar(&Value::from(key.as_str()));
                    self.out.push_str(&key);
                    self.out.push_str(": ");
                    self.flow(value);
                }
                if !fields.is_empty() && self.tape.one_in(4) {
                    self.out.push(',');
                }
                self.out.push_str(gap);
                self.out.push('}');
            }
            Value::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                        self.out.push_str(if gap.is_empty() { " " } else { gap });
                    }
                    self.flow(item);
                }
                self.out.push_str(gap);
                self.out.push(']');
            }
            Value::Null => self.out.push_str("null"),
            _ => {
                let text = self.scalar(value);
                self.out.push_str(&text);
            }
        }
    }

    fn end_line(&mut self, indent: usize) {
        if self.tape.one_in(5) {
            self.out.push_str(" # so: [it] {is}");
        }
        self.out.push('\n');
        match self.tape.below(12) {
            9 => self.out.push('\n'),
            10 => self.out.push_str("# a remark\n"),
            11 => {
                self.out.push_str(&" ".repeat(indent));
                self.out.push_str("# off: it\n");
            }
            _ => {}
        }
    }

    /// What stands behind a key or a dash in column `indent`.
    fn after(&mut self, value: &Value, indent: usize, key: bool) {
        match value {
            Value::Object(fields) if !fields.is_empty() && !self.tape.one_in(6) => {
                if key {
                    self.end_line(indent);
                    let deeper = indent + self.step;
                    self.out.push_str(&" ".repeat(deeper));
                    self.fields(fields, deeper);
                } else {
                    self.out.push(' ');
                    self.fields(fields, indent + 2);
                }
            }
            Value::Array(items) if key && !items.is_empty() && !self.tape.one_in(6) => {
                self.end_line(indent);
                let indent = indent + self.dash;
                for item in items {
                    self.out.push_str(&" ".repeat(indent));
                    self.out.push('-');
                    self.after(item, indent, false);
                }
            }
            Value::String(text) if key && text.ends_with('\n') && self.tape.one_in(2) => {
                self.out.push_str(" |\n");
                for line in text.lines() {
                    self.out.push_str(&" ".repeat(indent + 3));
                    self.out.push_str(line);
                    self.out.push('\n');
                }
            }
            Value::Object(_) | Value::Array(_) => {
                self.out.push(' ');
                self.flow(value);
                self.end_line(indent);
            }
            _ => {
                let text = self.scalar(value);
                if !text.is_empty() || !key {
                    self.out.push(' ');
                }
                self.out.push_str(&text);
                self.end_line(indent);
            }
        }
    }

    fn fields(&mut self, fields: &serde_json::Map<String, Value>, indent: usize) {
        for (index, (key, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push_str(&" ".repeat(indent));
            }
            let key = self.scalar(&Value::from(key.as_str()));
            self.out.push_str(&key);
            self.out.push(':');
            self.after(value, indent, true);
        }
    }
}

fn manifest(tape: &mut Tape<'_>) -> String {
    let mut text = String::new();
    let documents = 1 + tape.below(3);
    for _ in 0..documents {
        if !text.is_empty() || tape.one_in(3) {
            text.push_str("---\n");
        }
        let value = match tape.below(6) {
            4 => {
                json!({"kind": "Service", "apiVersion": "v1", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, "targetPort": "http"}]}})
            }
            5 => json!({"kind": "List", "apiVersion": "v1", "items": [object(tape), object(tape)]}),
            _ => object(tape),
        };
        let (dash, step) = (*tape.pick(&[0, 2, 4]), *tape.pick(&[2, 4, 3]));
        let mut writer = Writer { tape, out: String::new(), dash, step };
        writer.fields(value.as_object().unwrap(), 0);
        text.push_str(&writer.out);
    }
    if tape.one_in(4) {
        text = text.trim_end_matches('\n').to_owned();
    }
    if tape.one_in(4) {
        text = text.replace('\n', "\r\n");
    }
    if tape.one_in(6) {
        text.insert(0, '\u{feff}');
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_byte_for_byte(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = manifest(&mut Tape { bytes: &bytes, at: 0 });
        check(&text);
    }

    #[test]
    fn json_comes_out_byte_for_byte(bytes in prop::collection::vec(any::<u8>(), 0..100), pretty: bool) {
        let mut tape = Tape { bytes: &bytes, at: 0 };
        let value = object(&mut tape);
        check(&if pretty { format!("{value:#}\n") } else { value.to_string() });
    }
}
