//! Looking into values, and changing them, by keys and by paths of keys.

use std::rc::Rc;

use super::{OVERHEAD, Type, Value, order};
use crate::fault::{Fault, Raised, plain};
use crate::fuel::Fuel;
use crate::json::Document;
use crate::meter::Share;

mod change;

pub use change::{delete_key, delete_paths, set, set_path, take_path};

/// The last key of a path and the path before it. Paths that begin alike share their beginnings.
#[derive(Debug)]
pub struct Link {
    before: Option<Rc<Link>>,
    key: Value,
    _share: Share,
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(mut link) = before.and_then(Rc::into_inner) {
            before = link.before.take();
        }
    }
}

/// A path one key longer; null is the empty path.
pub fn longer(path: &Value, key: Value) -> Value {
    let before = match path {
        Value::Path(link) => Some(link.clone()),
        _ => None,
    };
    let mut share = Share::default();
    share.set(OVERHEAD);
    Value::Path(Rc::new(Link { before, key, _share: share }))
}

/// The keys of a path, in order.
pub fn keys(path: &Value) -> Vec<Value> {
    let mut keys = Vec::new();
    if let Value::Path(link) = path {
        let mut next = Some(link);
        while let Some(link) = next {
            keys.push(link.key.clone());
            next = link.before.as_ref();
        }
    }
    keys.reverse();
    keys
}

/// What a key asks for.
enum Place {
    /// An item; negative from the end.
    Item(f64),
    /// `.[from:to]`
    Slice(Option<f64>, Option<f64>),
}

fn place(key: &Value, input: &Document) -> Option<Place> {
    if let Some(number) = key.as_number(input) {
        return Some(Place::Item(number));
    }
    let object = key.as_object(input)?;
    let bound = |name: &str| match object.get(name, input) {
        None => Some(None),
        Some(value) if value.kind(input) == Type::Null => Some(None),
        Some(value) => value.as_number(input).map(Some),
    };
    Some(Place::Slice(bound("start")?, bound("end")?))
}

/// From where to where a slice of something of this length goes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a length")]
fn bounds(from: Option<f64>, to: Option<f64>, length: usize) -> (usize, usize) {
    #[expect(clippy::cast_precision_loss, reason = "no length reaches 2^53")]
    let all = length as f64;
    let bound = |value: f64| if value < 0.0 { value + all } else { value }.clamp(0.0, all);
    let from = from.filter(|from| !from.is_nan()).map_or(0.0, bound).floor();
    let to = to.filter(|to| !to.is_nan()).map_or(all, bound).ceil();
    (from as usize, (to as usize).max(from as usize))
}

/// The item that a number stands for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and saturating")]
#[expect(clippy::cast_precision_loss, reason = "no length reaches 2^53")]
fn item(number: f64, length: usize) -> Option<usize> {
    let number = number.floor();
    let number = if number < 0.0 { number + length as f64 } else { number };
    (number >= 0.0).then_some(number as usize)
}

/// `{"start": from, "end": to}`, the key of a slice.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn slice_key(from: Value, to: Value, input: &Document) -> Value {
    let entries = vec![(Value::string("start"), from), (Value::string("end"), to)];
    Value::object(super::Object::of_distinct(entries, input))
}

/// `value[key]`
pub fn get(value: &Value, key: &Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let fail = || Err(Raised::Index(value.clone(), key.clone()).into());
    let (kind, key_kind) = (value.kind(input), key.kind(input));
    match (kind, key_kind) {
        (Type::Null, Type::String | Type::Number | Type::Null) => Ok(Value::Null),
        (Type::Null, Type::Object) => match place(key, input) {
            Some(_) => Ok(Value::Null),
            None => Err(plain("Start and end indices of an array slice must be numbers")),
        },
        (Type::Object, Type::String) => {
            let Some(name) = key.as_str(input) else { return fail() };
            match value {
                Value::Object(object) => Ok(object.get(&name, input).cloned().unwrap_or(Value::Null)),
                Value::Node(node) => {
                    fuel.charge(input.count(*node) / 4)?;
                    Ok(input.lookup(*node, &name).map_or(Value::Null, Value::Node))
                }
                _ => fail(),
            }
        }
        (Type::Array, Type::Number) => {
            let Some(number) = key.as_number(input) else { return fail() };
            match value {
                Value::Array(array) => {
                    let items = array.items();
                    let found = item(number, items.len()).and_then(|at| items.get(at));
                    Ok(found.cloned().unwrap_or(Value::Null))
                }
                Value::Node(node) => {
                    let count = input.count(*node);
                    let Some(at) = item(number, count).filter(|&at| at < count) else {
                        return Ok(Value::Null);
                    };
                    fuel.charge(at / 4)?;
                    Ok(input.children(*node).nth(at).map_or(Value::Null, Value::Node))
                }
                _ => fail(),
            }
        }
        (Type::Array, Type::Object) => {
            let Some(Place::Slice(from, to)) = place(key, input) else {
                return Err(plain("Start and end indices of an array slice must be numbers"));
            };
            let items = value.as_items(input).unwrap_or_default();
            fuel.charge(items.len() / 4)?;
            let (from, to) = bounds(from, to, items.len());
            fuel.charge((to - from) / 4)?;
            fuel.reserve((to - from) * super::ITEM)?;
            Ok(Value::array(items.get(from..to).unwrap_or_default().to_vec()))
        }
        (Type::String, Type::Object) => {
            let Some(Place::Slice(from, to)) = place(key, input) else {
                return Err(plain("Start and end indices of an array slice must be numbers"));
            };
            let text = value.as_str(input).unwrap_or_default();
            fuel.charge(text.len() / 16)?;
            let (from, to) = bounds(from, to, text.chars().count());
            let at = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
            Ok(Value::string(text.get(at(from)..at(to)).unwrap_or_default()))
        }
        (Type::Array, Type::Array) => indices(value, key, input, fuel),
        _ => fail(),
    }
}

/// The value at a path.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn get_path(value: &Value, keys: &[Value], input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let mut value = value.clone();
    for key in keys {
        fuel.charge(1)?;
        if value.kind(input) == Type::Null {
            return Ok(Value::Null);
        }
        value = get(&value, key, input, fuel)?;
    }
    Ok(value)
}

/// Where an array occurs in another one.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn indices(value: &Value, wanted: &Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let items = value.as_items(input).unwrap_or_default();
    let wanted = wanted.as_items(input).unwrap_or_default();
    let mut found = Vec::new();
    if !wanted.is_empty() {
        for (at, window) in items.windows(wanted.len()).enumerate() {
            let mut same = true;
            for (a, b) in window.iter().zip(wanted.iter()) {
                same = same && order::equal(a, b, input, fuel)?;
                if !same {
                    break;
                }
            }
            if same {
                found.push(Value::count(at));
            }
        }
        return Ok(Value::array(found));
    }
    Ok(Value::Null)
}
