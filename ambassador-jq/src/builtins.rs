//! The native part of the library.

use crate::arithmetic;
pub(crate) use crate::code::{Context, Native};
use crate::fault::{Fault, one, plain};
use crate::json::Document;
use crate::prelude::PRELUDE;
use crate::value::{Type, Value, object, order, path, print};

pub(crate) mod array;
mod format;
mod math;
#[cfg(feature = "library")]
mod regex;
mod string;
#[cfg(feature = "library")]
mod time;

/// Name, number of arguments, function.
type Entry = (&'static str, usize, Native);

pub(crate) use format::{FORMATS, format};

/// `del(.[key])`
pub(crate) const DELETE_KEY: Native = |cx, values| {
    let (mut value, key) = (take(values, 0), take(values, 1));
    path::delete_key(&mut value, key, cx.input, cx.fuel)?;
    Ok(value)
};

/// `delpaths`, for assignments.
pub(crate) const DELETE_PATHS: Native = delete_paths;

const GENERAL: &[Entry] = &[
    ("length", 0, length),
    ("type", 0, |cx, v| Ok(Value::string(take(v, 0).kind(cx.input).name()))),
    ("keys", 0, |cx, v| keys(cx, v, true)),
    ("keys_unsorted", 0, |cx, v| keys(cx, v, false)),
    ("has", 1, has),
    ("contains", 1, contains),
    ("add", 0, add),
    ("_tojson", 0, to_json),
    ("fromjson", 0, from_json),
    ("tostring", 0, to_string),
    ("tonumber", 0, to_number),
    ("toboolean", 0, to_boolean),
    ("getpath", 1, get_path),
    ("setpath", 2, set_path),
    ("delpaths", 1, delete_paths),
    ("from_entries", 0, from_entries),
    ("now", 0, |cx, _| Ok(Value::Number(cx.fuel.now()))),
    ("infinite", 0, |_, _| Ok(Value::Number(f64::INFINITY))),
    ("nan", 0, |_, _| Ok(Value::Number(f64::NAN))),
    ("null", 0, |_, _| Ok(Value::Null)),
    ("true", 0, |_, _| Ok(Value::Bool(true))),
    ("false", 0, |_, _| Ok(Value::Bool(false))),
];

const USUAL: [&[Entry]; 6] =
    [GENERAL, array::TABLE, string::TABLE, math::USUAL, math::USUAL_OTHERS, math::TESTS];

/// What a build without the feature `library` does without: much code, and few programs call it.
#[cfg(feature = "library")]
const RARE: [&[Entry]; 6] = [
    math::rare::UNARY,
    math::rare::OTHERS,
    math::rare::PAIRS,
    time::TABLE,
    regex::TABLE,
    &[("builtins", 0, builtins)],
];
#[cfg(not(feature = "library"))]
const RARE: [&[Entry]; 0] = [];

fn tables() -> impl Iterator<Item = &'static [Entry]> {
    USUAL.into_iter().chain(RARE)
}

/// Whether only builds with the feature `library` have this native function.
pub(crate) fn is_rare(name: &str, arity: usize) -> bool {
    RARE.into_iter().flatten().any(|entry| entry.0 == name && entry.1 == arity)
}

/// The native function of this name.
pub(crate) fn native(name: &str, arity: usize) -> Option<Native> {
    let entries = tables().flatten();
    entries.filter(|entry| entry.0 == name && entry.1 == arity).map(|entry| entry.2).next()
}

const SPECIAL: [(&str, usize); 5] = [("empty", 0), ("error", 1), ("path", 1), ("first", 1), ("getpath", 1)];

/// Every function of the library, as `name/arity`.
fn all() -> impl Iterator<Item = (&'static str, usize)> {
    let native = tables().flatten().map(|entry| (entry.0, entry.1));
    let defined = PRELUDE.iter().map(|entry| (entry.0, entry.1));
    native.chain(defined).chain(SPECIAL).filter(|(name, _)| !name.starts_with('_'))
}

/// The names of the library.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _)| name)
}

/// How many arguments the functions of this name take.
pub(crate) fn arities(name: &str) -> Vec<usize> {
    all().filter(|(known, _)| *known == name).map(|(_, arity)| arity).collect()
}

const NO_MORE: &str = "a program has one input, and gives its outputs at once";
const NO_PROCESS: &str = "a program cannot end the proxy that runs it";
const NO_LOG: &str = "a program cannot write to the log of the proxy that runs it";
const NO_ENVIRONMENT: &str = "a program does not see the environment of the proxy that runs it";
const NO_FILES: &str = "a program reads no files";

const REFUSED: &[(&str, usize, &str)] = &[
    ("input", 0, NO_MORE),
    ("inputs", 0, NO_MORE),
    ("input_filename", 0, NO_FILES),
    ("input_line_number", 0, NO_FILES),
    ("get_search_list", 0, NO_FILES),
    ("modulemeta", 0, NO_FILES),
    ("debug", 0, NO_LOG),
    ("debug", 1, NO_LOG),
    ("stderr", 0, NO_LOG),
    ("halt", 0, NO_PROCESS),
    ("halt_error", 0, NO_PROCESS),
    ("halt_error", 1, NO_PROCESS),
    ("env", 0, NO_ENVIRONMENT),
    ("$ENV", 0, NO_ENVIRONMENT),
    ("$__prog_args", 0, NO_ENVIRONMENT),
];

/// Why something of jq's is not here.
pub(crate) fn refused(name: &str, arity: usize) -> Option<&'static str> {
    REFUSED.iter().find(|entry| entry.0 == name && entry.1 == arity).map(|entry| entry.2)
}

/// An argument, which nobody else needs.
fn take(values: &mut [Value], at: usize) -> Value {
    values.get_mut(at).map_or(Value::Null, Value::take)
}

fn length(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    Ok(match value.kind(cx.input) {
        Type::Null => Value::Number(0.0),
        Type::Number => return math::absolute(&value, cx),
        Type::String => {
            let text = value.as_str(cx.input).unwrap_or_default();
            cx.fuel.charge(text.len() / 32)?;
            Value::count(text.chars().count())
        }
        Type::Array | Type::Object => match &value {
            Value::Node(_) if value.kind(cx.input) == Type::Object => {
                cx.fuel.charge(value.width(cx.input))?;
                Value::count(value.as_object(cx.input).map_or(0, |object| object.len()))
            }
            value => Value::count(value.width(cx.input)),
        },
        Type::False | Type::True => return Err(one(&value, "has no length")),
    })
}

fn keys(cx: &mut Context, values: &mut [Value], sorted: bool) -> Result<Value, Fault> {
    let value = take(values, 0);
    let width = value.width(cx.input);
    cx.fuel.charge(width * if sorted { 4 } else { 1 })?;
    if let Some(object) = value.as_object(cx.input) {
        let entries = if sorted { object.sorted(cx.input) } else { object.entries().to_vec() };
        return Ok(Value::array(entries.into_iter().map(|(key, _)| key).collect()));
    }
    if value.kind(cx.input) == Type::Array {
        cx.fuel.reserve(width * crate::value::ITEM)?;
        return Ok(Value::array((0..width).map(Value::count).collect()));
    }
    Err(one(&value, "has no keys"))
}

fn has(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, key) = (take(values, 0), take(values, 1));
    let (kind, key_kind) = (value.kind(cx.input), key.kind(cx.input));
    match (kind, key.as_str(cx.input), key.as_number(cx.input)) {
        (Type::Object, Some(key), _) => {
            cx.fuel.charge(if let Value::Node(_) = value { value.width(cx.input) / 4 } else { 1 })?;
            Ok(Value::Bool(match &value {
                Value::Node(node) => cx.input.lookup(*node, &key).is_some(),
                Value::Object(object) => object.get(&key, cx.input).is_some(),
                _ => false,
            }))
        }
        (Type::Array, _, Some(key)) => {
            let length = Value::count(value.width(cx.input)).as_number(cx.input).unwrap_or(0.0);
            Ok(Value::Bool(key >= 0.0 && key < length))
        }
        _ => Err(plain(format!("Cannot check whether {} has a {} key", kind.name(), key_kind.name()))),
    }
}

#[expect(clippy::too_many_lines, reason = "one search, whose state is local")]
fn contains(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    // Pairs that must hold, and for the items of arrays, alternatives: a stack of searches instead of recursion.
    enum Task {
        Pair(Value, Value),
        /// The wanted value is in one of the items from this one on.
        Any {
            items: Value,
            from: usize,
            wanted: Value,
            depth: usize,
        },
    }
    let mut tasks = vec![Task::Pair(take(values, 0), take(values, 1))];
    let mut choices: Vec<Vec<Task>> = Vec::new();
    let clone = |task: &Task| match task {
        Task::Pair(a, b) => Task::Pair(a.clone(), b.clone()),
        Task::Any { items, from, wanted, depth } => {
            Task::Any { items: items.clone(), from: *from, wanted: wanted.clone(), depth: *depth }
        }
    };
    let mut first = true;
    loop {
        let Some(task) = tasks.pop() else { return Ok(Value::Bool(true)) };
        cx.fuel.charge(4 + choices.len() / 8)?;
        let holds = match task {
            Task::Pair(a, b) => {
                let (kind, other) = (a.kind(cx.input), b.kind(cx.input));
                match (kind, other) {
                    (Type::Object, Type::Object) => {
                        let (a, b) = (a.as_object(cx.input), b.as_object(cx.input));
                        let (Some(a), Some(b)) = (a, b) else { return Ok(Value::Bool(false)) };
                        cx.fuel.charge(a.len() + b.len())?;
                        let mut all = true;
                        for (key, wanted) in b.entries() {
                            let key = key.as_str(cx.input).unwrap_or_default();
                            match a.get(&key, cx.input) {
                                Some(found) => tasks.push(Task::Pair(found.clone(), wanted.clone())),
                                None => all = false,
                            }
                        }
                        all
                    }
                    (Type::Array, Type::Array) => {
                        for wanted in b.as_items(cx.input).unwrap_or_default().iter() {
                            let (items, wanted) = (a.clone(), wanted.clone());
                            tasks.push(Task::Any { items, from: 0, wanted, depth: 0 });
                        }
                        true
                    }
                    (Type::String, Type::String) => {
                        let (a, b) = (a.as_str(cx.input), b.as_str(cx.input));
                        let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
                        cx.fuel.charge(a.len() / 16)?;
                        a.contains(b.as_ref())
                    }
                    _ if kind == other
                        || (kind <= Type::True
                            && other <= Type::True
                            && kind != Type::Null
                            && other != Type::Null) =>
                    {
                        order::equal(&a, &b, cx.input, cx.fuel)?
                    }
                    _ if first => {
                        return Err(
                            crate::fault::Raised::Two(a, b, "cannot have their containment checked").into()
                        );
                    }
                    _ => false,
                }
            }
            Task::Any { items, from, wanted, depth } => {
                let list = items.as_items(cx.input).unwrap_or_default();
                cx.fuel.charge(if let Value::Node(_) = items { list.len() / 4 } else { 0 })?;
                let kind = wanted.kind(cx.input);
                let at = (from..list.len()).find(|&at| {
                    list.get(at).is_some_and(|item| {
                        let found = item.kind(cx.input);
                        found == kind
                            || (found <= Type::True
                                && kind <= Type::True
                                && found != Type::Null
                                && kind != Type::Null)
                    })
                });
                match at {
                    None => false,
                    Some(at) => {
                        let item = list.get(at).cloned().unwrap_or(Value::Null);
                        if item.kind(cx.input) < Type::String {
                            // A scalar decides at once.
                            if order::equal(&item, &wanted, cx.input, cx.fuel)? {
                                true
                            } else {
                                tasks.push(Task::Any { items: items.clone(), from: at + 1, wanted, depth });
                                true
                            }
                        } else {
                            let mut other: Vec<Task> = tasks.iter().map(clone).collect();
                            cx.fuel.charge(other.len())?;
                            other.push(Task::Any {
                                items: items.clone(),
                                from: at + 1,
                                wanted: wanted.clone(),
                                depth,
                            });
                            choices.push(other);
                            tasks.push(Task::Pair(item, wanted));
                            true
                        }
                    }
                }
            }
        };
        first = false;
        if !holds {
            match choices.pop() {
                Some(other) => tasks = other,
                None => return Ok(Value::Bool(false)),
            }
        }
    }
}

fn add(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    use crate::code::Operator::Add;
    let value = take(values, 0);
    let items = match value {
        Value::Object(object) => object::into_entries(object).into_iter().map(|(_, value)| value).collect(),
        Value::Node(_) if value.kind(cx.input) == Type::Object => {
            let object = value.as_object(cx.input).unwrap_or_default().into_owned();
            object.into_entries().into_iter().map(|(_, value)| value).collect()
        }
        value if value.kind(cx.input) == Type::Array => value.into_items(cx.input).unwrap_or_default(),
        value if value.kind(cx.input) == Type::Null => return Ok(Value::Null),
        value => return Err(crate::fault::Raised::Iterate(value).into()),
    };
    let mut sum = Value::Null;
    for item in items {
        cx.fuel.charge(1)?;
        sum = arithmetic::apply(Add, sum, item, cx.input, cx.fuel)?;
    }
    Ok(sum)
}

/// The text of a value as JSON.
fn json_text(value: &Value, cx: &mut Context) -> Result<String, Fault> {
    let mut text = Vec::new();
    print::write(value, cx.input, cx.fuel, &mut text)?;
    cx.fuel.reserve(text.len())?;
    Ok(String::from_utf8(text).unwrap_or_default())
}

fn to_json(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    Ok(Value::string(json_text(&take(values, 0), cx)?))
}

fn to_string(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    if value.kind(cx.input) == Type::String { Ok(value) } else { Ok(Value::string(json_text(&value, cx)?)) }
}

fn from_json(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let Some(text) = value.as_str(cx.input) else {
        return Err(one(&value, "cannot be parsed as JSON"));
    };
    if text.trim() == "nan" {
        return Ok(Value::Number(f64::NAN));
    }
    cx.fuel.charge(text.len() / 4)?;
    cx.fuel.reserve(text.len() * 16)?;
    let limits = *cx.fuel.limits();
    match Document::new(text.as_bytes(), limits.depth.min(crate::Limits::DEEPEST), limits.digits) {
        Ok(document) => Ok(array::own(&document)),
        Err(crate::RunError::Exhausted { which, limit }) => {
            Err(crate::fuel::Exhausted { which, limit }.into())
        }
        Err(_) => {
            let shown: String = text.chars().take(30).collect();
            let text = format!("{shown} is not valid JSON");
            Err(crate::fault::Raised::Private(text, "`fromjson` was given a string that is not JSON").into())
        }
    }
}

fn to_number(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    if value.kind(cx.input) == Type::Number {
        return Ok(value);
    }
    if let Some(text) = value.as_str(cx.input) {
        cx.fuel.charge(text.len() / 16)?;
        if text.len() <= cx.fuel.limits().digits {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
            let is_number =
                digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
                    && digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'.');
            if is_number && Document::new(text.as_bytes(), 1, usize::MAX).is_ok() {
                return Ok(Value::literal(&text));
            }
            if is_number && let Ok(number) = text.parse() {
                return Ok(Value::Number(number));
            }
            if text == "nan" {
                return Ok(Value::Number(f64::NAN));
            }
        }
    }
    Err(one(&value, "cannot be parsed as a number"))
}

fn to_boolean(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let text = value.as_str(cx.input);
    match (value.kind(cx.input), text.as_deref()) {
        (Type::True, _) | (_, Some("true")) => Ok(Value::Bool(true)),
        (Type::False, _) | (_, Some("false")) => Ok(Value::Bool(false)),
        _ => Err(one(&value, "cannot be parsed as a boolean")),
    }
}

fn get_path(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, keys) = (take(values, 0), take(values, 1));
    let Some(keys) = keys.as_items(cx.input) else { return Err(plain("Path must be specified as an array")) };
    path::get_path(&value, &keys, cx.input, cx.fuel)
}

fn set_path(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (mut value, keys, new) = (take(values, 0), take(values, 1), take(values, 2));
    let Some(keys) = keys.as_items(cx.input) else { return Err(plain("Path must be specified as an array")) };
    path::set_path(&mut value, &keys, new, cx.input, cx.fuel)?;
    Ok(value)
}

fn delete_paths(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (mut value, paths) = (take(values, 0), take(values, 1));
    let Some(paths) = paths.as_items(cx.input) else {
        return Err(plain("Paths must be specified as an array"));
    };
    if paths.is_empty() {
        return Ok(value);
    }
    let mut lists = Vec::with_capacity(paths.len());
    for keys in paths.iter() {
        let Some(keys) = keys.as_items(cx.input) else {
            return Err(plain("Path must be specified as an array"));
        };
        cx.fuel.charge(1 + keys.len())?;
        lists.push(keys.into_owned());
    }
    path::delete_paths(&mut value, lists, cx.input, cx.fuel)?;
    Ok(value)
}

fn from_entries(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    let Some(items) = value.as_items(cx.input) else {
        return Err(crate::fault::Raised::Iterate(value).into());
    };
    let mut object = object::Object::default();
    for item in items.iter() {
        cx.fuel.charge(4)?;
        let mut key = Value::Null;
        let mut found = Value::Null;
        for name in ["key", "k", "name", "Name", "Key", "K"] {
            let name = Value::string(name);
            key = path::get(item, &name, cx.input, cx.fuel)?;
            if key.is_true(cx.input) || key.kind(cx.input) == Type::False {
                break;
            }
        }
        for name in ["value", "v", "Value", "V"] {
            let has = match item.as_object(cx.input) {
                Some(object) => object.get(name, cx.input).cloned(),
                None => None,
            };
            if let Some(value) = has {
                found = value;
                break;
            }
        }
        let key = match key.kind(cx.input) {
            Type::String => key,
            Type::False | Type::True | Type::Number => Value::string(json_text(&key, cx)?),
            _ => return Err(crate::fault::Raised::Key(key).into()),
        };
        object.insert(key, found, cx.input);
    }
    Ok(Value::object(object))
}

#[cfg(feature = "library")]
fn builtins(cx: &mut Context, _: &mut [Value]) -> Result<Value, Fault> {
    let names: Vec<Value> = all().map(|(name, arity)| Value::string(format!("{name}/{arity}"))).collect();
    cx.fuel.charge(names.len() * 4)?;
    Ok(Value::array(names))
}
