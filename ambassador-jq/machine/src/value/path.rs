//! Looking into values, and changing them, by keys and by paths of keys.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{OVERHEAD, Type, Value, order};
use crate::fault::{Fault, Raised, one, plain};
use crate::fuel::Fuel;
use crate::json::Document;
use crate::meter::Share;

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

/// The longest array that a program can make by setting an item far behind its end.
const LONGEST: usize = 1 << 29;

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

/// What a key leads to, to be changed in place; made if it is not there. Not for slices.
fn place_mut<'v>(
    value: &'v mut Value,
    key: &Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<&'v mut Value, Fault> {
    let kind = value.kind(input);
    // A first change copies what others hold too, or what is of the input.
    let shared = match value {
        Value::Array(array) => Rc::strong_count(array) > 1,
        Value::Object(object) => Rc::strong_count(object) > 1,
        _ => true,
    };
    if shared && kind >= Type::Array {
        let width = value.width(input);
        fuel.charge(width)?;
        fuel.reserve(width * size_of::<(Value, Value)>())?;
    }
    match (kind, key.kind(input)) {
        (Type::Null | Type::Object, Type::String) => {
            if kind == Type::Null {
                *value = Value::object(super::Object::default());
            }
            let name = key.as_str(input).unwrap_or_default();
            let Some(object) = value.object_mut(input) else { return Err(plain("no object")) };
            if object.get(&name, input).is_none() {
                object.insert(key.clone(), Value::Null, input);
            }
            object.get_mut(&name, input).ok_or_else(|| plain("no object"))
        }
        (Type::Null | Type::Array, Type::Number) => {
            if kind == Type::Null {
                *value = Value::array(Vec::new());
            }
            let number = key.as_number(input).unwrap_or(0.0);
            let Some(array) = value.array_mut(input) else { return Err(plain("no array")) };
            let length = array.items().len();
            let Some(at) = item(number, length) else {
                return Err(plain(if number.is_nan() {
                    "Cannot set array element at NaN index"
                } else {
                    "Out of bounds negative array index"
                }));
            };
            if at >= LONGEST {
                return Err(plain("Array index too large"));
            }
            if at >= length {
                let missing = at + 1 - length;
                fuel.charge(missing / 16)?;
                fuel.reserve(missing.saturating_mul(super::ITEM))?;
                array.edit(|items| items.resize(at + 1, Value::Null));
            }
            array.item_mut(at).ok_or_else(|| plain("Array index too large"))
        }
        _ => Err(Raised::Index(value.clone(), key.clone()).into()),
    }
}

/// Puts a value at a key.
pub fn set(
    target: &mut Value,
    key: &Value,
    new: Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<(), Fault> {
    if key.kind(input) != Type::Object {
        *place_mut(target, key, input, fuel)? = new;
        return Ok(());
    }
    // A slice is replaced by what is put there.
    let kind = target.kind(input);
    if !matches!(kind, Type::Null | Type::Array) {
        return Err(if kind == Type::Object || kind == Type::String {
            plain(if kind == Type::Object {
                "Cannot update field at object index of object"
            } else {
                "Cannot update string slices"
            })
        } else {
            Raised::Index(target.clone(), key.clone()).into()
        });
    }
    let Some(Place::Slice(from, to)) = place(key, input) else {
        return Err(plain("Start and end indices of an array slice must be numbers"));
    };
    let Some(new) = new.into_items(input) else {
        return Err(plain("A slice of an array can only be assigned another array"));
    };
    if kind == Type::Null {
        *target = Value::array(Vec::new());
    }
    fuel.charge(target.width(input) + new.len())?;
    let Some(array) = target.array_mut(input) else { return Err(plain("no array")) };
    let (from, to) = bounds(from, to, array.items().len());
    array.edit(|items| drop(items.splice(from..to, new)));
    Ok(())
}

/// Puts a value at a path.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn set_path(
    target: &mut Value,
    keys: &[Value],
    new: Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<(), Fault> {
    let Some((last, before)) = keys.split_last() else {
        *target = new;
        return Ok(());
    };
    let mut place = target;
    for (at, key) in before.iter().enumerate() {
        fuel.charge(1)?;
        if key.kind(input) == Type::Object {
            // The slice is taken out, changed and put back; of several slices in a row each within the one before.
            let rest = keys.get(at + 1..).unwrap_or_default();
            return set_within_slice(place, key, rest, new, input, fuel);
        }
        place = place_mut(place, key, input, fuel)?;
    }
    set(place, last, new, input, fuel)
}

/// Puts a value at a path that begins with a slice.
#[cfg_attr(ambassador_small, optimize(size))]
fn set_within_slice(
    target: &mut Value,
    slice: &Value,
    rest: &[Value],
    new: Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<(), Fault> {
    let mut slices = vec![slice.clone()];
    let mut parts = vec![get(target, slice, input, fuel)?];
    let mut rest = rest;
    while let Some((key, behind)) = rest.split_first() {
        if behind.is_empty() || key.kind(input) != Type::Object {
            break;
        }
        let part = get(parts.last().unwrap_or(&Value::Null), key, input, fuel)?;
        parts.push(part);
        slices.push(key.clone());
        rest = behind;
    }
    if rest.iter().rev().skip(1).any(|key| key.kind(input) == Type::Object) {
        return Err(plain("a path can have slices only at one place"));
    }
    let mut new = Some(new);
    while let (Some(mut part), Some(slice)) = (parts.pop(), slices.pop()) {
        match new.take() {
            Some(new) if rest.is_empty() => part = new,
            Some(new) => set_path_plain(&mut part, rest, new, input, fuel)?,
            None => {}
        }
        match parts.last_mut() {
            Some(outer) => set(outer, &slice, part, input, fuel)?,
            None => set(target, &slice, part, input, fuel)?,
        }
    }
    Ok(())
}

/// As [`set_path`], for paths whose slices, if any, come last.
fn set_path_plain(
    target: &mut Value,
    keys: &[Value],
    new: Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<(), Fault> {
    let Some((last, before)) = keys.split_last() else {
        *target = new;
        return Ok(());
    };
    let mut place = target;
    for key in before {
        place = place_mut(place, key, input, fuel)?;
    }
    set(place, last, new, input, fuel)
}

/// Takes the value at a path out, leaving null there, so that it can be changed in place and put back. Gives a copy
/// where that cannot be had: on the way through slices or through what is not there.
pub fn take_path(
    target: &mut Value,
    keys: &[Value],
    input: &Document,
    fuel: &mut Fuel,
) -> Result<Value, Fault> {
    let value = get_path(target, keys, input, fuel)?;
    let is_shared = matches!(value, Value::Array(_) | Value::Object(_) | Value::String(_));
    if is_shared && keys.iter().all(|key| key.kind(input) != Type::Object) {
        set_path(target, keys, Value::Null, input, fuel)?;
    }
    Ok(value)
}

/// Removes a key.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn delete_key(target: &mut Value, key: Value, input: &Document, fuel: &mut Fuel) -> Result<(), Fault> {
    if target.kind(input) == Type::Null {
        // As far as the key could be one of null.
        get(target, &key, input, fuel)?;
    }
    delete_keys(target, &[key], input, fuel)
}

/// Removes what is at these paths.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn delete_paths(
    target: &mut Value,
    paths: Vec<Vec<Value>>,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<(), Fault> {
    let mut keyed: Vec<(Value, Value)> = Vec::with_capacity(paths.len());
    for path in paths {
        if path.is_empty() {
            *target = Value::Null;
            return Ok(());
        }
        // Long paths first: what is deeper goes before what it is in. Then by the path, so that siblings stand together.
        let path = Value::array(path);
        let length = -i64::try_from(path.width(input)).unwrap_or(i64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "no length reaches 2^53")]
        let key = Value::array(vec![Value::Number(length as f64), path.clone()]);
        keyed.push((key, path));
    }
    order::sort(&mut keyed, input, fuel)?;
    let paths: Vec<Vec<Value>> = keyed.into_iter().filter_map(|(_, path)| path.into_items(input)).collect();
    let mut rest = paths.as_slice();
    while let Some(first) = rest.first() {
        let Some((_, parent)) = first.split_last() else { break };
        let mut siblings = 0;
        for path in rest {
            let same = path.len() == first.len() && same_parent(path, parent, input, fuel)?;
            if !same {
                break;
            }
            siblings += 1;
        }
        let (group, behind) = rest.split_at(siblings.max(1));
        rest = behind;
        if get_path(target, parent, input, fuel)?.kind(input) == Type::Null {
            continue;
        }
        let keys: Vec<Value> = group.iter().filter_map(|path| path.last().cloned()).collect();
        let mut container = take_path(target, parent, input, fuel)?;
        delete_keys(&mut container, &keys, input, fuel)?;
        set_path(target, parent, container, input, fuel)?;
    }
    Ok(())
}

#[cfg_attr(ambassador_small, optimize(size))]
fn same_parent(path: &[Value], parent: &[Value], input: &Document, fuel: &mut Fuel) -> Result<bool, Fault> {
    for (a, b) in path.iter().zip(parent) {
        if order::compare(a, b, input, fuel)? != Ordering::Equal {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes some keys of one container.
#[cfg_attr(ambassador_small, optimize(size))]
fn delete_keys(
    container: &mut Value,
    keys: &[Value],
    input: &Document,
    fuel: &mut Fuel,
) -> Result<(), Fault> {
    let kind = container.kind(input);
    fuel.charge(container.width(input) + keys.len())?;
    match kind {
        Type::Null => Ok(()),
        Type::Object => {
            for key in keys {
                if key.as_str(input).is_none() {
                    return Err(Raised::Index(container.clone(), key.clone()).into());
                }
            }
            let names: Vec<_> = keys.iter().filter_map(|key| key.as_str(input)).collect();
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            if let Some(object) = container.object_mut(input) {
                object.remove(&names, input);
            }
            Ok(())
        }
        Type::Array => {
            let length = container.width(input);
            let mut gone = vec![false; length];
            for key in keys {
                match place(key, input) {
                    Some(Place::Item(number)) => {
                        if let Some(flag) = item(number, length).and_then(|at| gone.get_mut(at)) {
                            *flag = true;
                        }
                    }
                    Some(Place::Slice(from, to)) => {
                        let (from, to) = bounds(from, to, length);
                        gone.get_mut(from..to).unwrap_or_default().fill(true);
                    }
                    None => return Err(Raised::Index(container.clone(), key.clone()).into()),
                }
            }
            if let Some(array) = container.array_mut(input) {
                let mut gone = gone.into_iter();
                array.edit(|items| items.retain(|_| !gone.next().unwrap_or(false)));
            }
            Ok(())
        }
        _ => Err(match keys.first() {
            Some(key) if key.as_str(input).is_some() => Raised::Private(
                format!("Cannot delete fields from {}", kind.name()),
                "cannot delete a field of a scalar",
            )
            .into(),
            _ => one(container, "has no items that could be deleted"),
        }),
    }
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
