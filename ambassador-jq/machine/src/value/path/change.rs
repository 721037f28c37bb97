//! Changing values by keys and paths.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Place, bounds, get, get_path, item, place};
use crate::fault::{Fault, Raised, one, plain};
use crate::fuel::Fuel;
use crate::json::Document;
use crate::value::{ITEM, Object, Type, Value, order};

/// The longest array that a program can make by setting an item far behind its end.
const LONGEST: usize = 1 << 29;

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
                *value = Value::object(Object::default());
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
                fuel.reserve(missing.saturating_mul(ITEM))?;
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
