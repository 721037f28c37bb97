//! Checks a value against the JSON Schema of the config's types and finds all problems at once, where serde
//! would stop at the first. Knows the part of JSON Schema that `schemars` makes of those types.

use serde_json::{Map, Value};

use crate::problem::{Path, Problem};

/// All places where `value` is not what `schema` demands.
pub(super) fn check(value: &Value, schema: &Value) -> Vec<Problem> {
    let mut checker = Checker { definitions: schema.get("$defs"), problems: Vec::new() };
    checker.check(value, schema, &Path::root());
    checker.problems
}

struct Checker<'a> {
    definitions: Option<&'a Value>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn check(&mut self, value: &Value, schema: &'a Value, path: &Path) {
        let schema = self.resolve(schema);
        let types = types(schema);
        let name = type_of(value);
        let fits = |wanted: &&str| *wanted == name || (*wanted == "number" && name == "integer");
        if !types.is_empty() && !types.iter().any(fits) {
            let wanted: Vec<&str> = types.iter().filter(|&&t| t != "null").map(|t| in_words(t)).collect();
            let message = format!("expected {}, found {}", wanted.join(" or "), in_words(name));
            self.problems.push(Problem::new(path, message));
            return;
        }
        match value {
            Value::Object(fields) => self.check_fields(fields, schema, path),
            Value::Array(items) => {
                let Some(item_schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.check(item, item_schema, &path.index(index));
                }
            }
            Value::Number(number) => self.check_bounds(number, schema, path),
            _ => {}
        }
    }

    fn check_fields(&mut self, fields: &Map<String, Value>, schema: &'a Value, path: &Path) {
        // A map with keys of the user's own, such as `headers.set`, has no list of properties.
        let Some(known) = schema.get("properties").and_then(Value::as_object) else {
            if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
                self.problems.extend(fields.keys().map(|name| unknown_field(name, &Map::new(), path)));
            }
            return;
        };
        for (name, value) in fields {
            match known.get(name) {
                Some(field) => self.check(value, field, &path.key(name)),
                None => self.problems.push(unknown_field(name, known, path)),
            }
        }
        let required =
            schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for name in required.iter().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                let problem = Problem::new(path, format!("`{name}` is missing"));
                let description =
                    known.get(name).and_then(|field| field.get("description")).and_then(Value::as_str);
                self.problems.push(match description {
                    Some(text) => problem.hint(format!("{name}: {}", text.replace('\n', " "))),
                    None => problem,
                });
            }
        }
    }

    fn check_bounds(&mut self, number: &serde_json::Number, schema: &Value, path: &Path) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let default_maximum = match schema.get("format").and_then(Value::as_str) {
            Some("uint32") => Some(f64::from(u32::MAX)),
            Some("uint16") => Some(f64::from(u16::MAX)),
            _ => None,
        };
        let (minimum, maximum) = (bound("minimum"), bound("maximum").or(default_maximum));
        let Some(number) = number.as_f64() else { return };
        if minimum.is_some_and(|minimum| number < minimum) || maximum.is_some_and(|maximum| number > maximum)
        {
            let range = match (minimum, maximum) {
                (Some(minimum), Some(maximum)) => format!("must be from {minimum} to {maximum}"),
                (Some(minimum), None) => format!("must be at least {minimum}"),
                _ => "is out of range".to_owned(),
            };
            self.problems.push(Problem::new(path, range));
        }
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|link| link.strip_prefix("#/$defs/"));
        let named = name.and_then(|name| self.definitions.and_then(|all| all.get(name)));
        // `Option<Struct>` is `anyOf: [the struct, null]`; nulls never get here.
        let optional = schema.get("anyOf").and_then(Value::as_array).and_then(|choices| choices.first());
        match (named, optional) {
            (Some(schema), _) => schema,
            (None, Some(schema)) => self.resolve(schema),
            (None, None) => schema,
        }
    }
}

fn unknown_field(name: &str, known: &Map<String, Value>, path: &Path) -> Problem {
    let path_of_field = path.key(name);
    let problem = Problem::new(&path_of_field, format!("unknown field `{}`", name.escape_debug())).at_key();
    let closest = known.keys().map(|other| (strsim::damerau_levenshtein(name, other), other)).min();
    match closest {
        Some((distance, other)) if distance <= 2 && distance < name.len() => {
            problem.hint(format!("did you mean `{other}`?"))
        }
        _ if known.is_empty() => problem.hint("nothing is known here"),
        _ => {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            problem.hint(format!("known here: {}", names.join(", ")))
        }
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// YAML's words for JSON Schema's types.
fn in_words(name: &str) -> &'static str {
    match name {
        "null" => "nothing",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        _ => "an object",
    }
}
