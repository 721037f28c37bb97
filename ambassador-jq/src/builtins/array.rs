//! Arrays.

use std::cmp::Ordering;

use super::{Context, Entry, take};
use crate::fault::{Fault, Raised, one, plain};
use crate::json::{Document, index, string};
use crate::value::{Object, Type, Value, order};

pub(super) const TABLE: &[Entry] = &[
    ("sort", 0, sort),
    ("_sort_by", 1, |cx, v| Ok(Value::array(sorted_by(cx, v)?.into_iter().map(|(_, item)| item).collect()))),
    ("_group_by", 1, group_by),
    ("_unique_by", 1, unique_by),
    ("_min_by", 1, |cx, v| extreme(cx, v, Ordering::Less)),
    ("_max_by", 1, |cx, v| extreme(cx, v, Ordering::Greater)),
    ("min", 0, |cx, v| extreme(cx, v, Ordering::Less)),
    ("max", 0, |cx, v| extreme(cx, v, Ordering::Greater)),
    ("reverse", 0, reverse),
    ("_flatten", 1, flatten),
    ("_indices", 1, indices_of),
    ("_bsearch", 1, bsearch),
];

/// Input and keys as pairs; without keys, the items are their own.
fn keyed(cx: &mut Context, values: &mut [Value]) -> Result<Vec<(Value, Value)>, Fault> {
    let value = take(values, 0);
    if value.kind(cx.input) != Type::Array {
        return Err(one(&value, "cannot be sorted, as it is not an array"));
    }
    cx.fuel.charge(value.width(cx.input))?;
    cx.fuel.reserve(value.width(cx.input).saturating_mul(3 * crate::value::ITEM))?;
    let items = value.into_items(cx.input).unwrap_or_default();
    if values.len() < 2 {
        return Ok(items.into_iter().map(|item| (item.clone(), item)).collect());
    }
    let keys = take(values, 1).into_items(cx.input).unwrap_or_default();
    Ok(keys.into_iter().zip(items).collect())
}

fn sorted_by(cx: &mut Context, values: &mut [Value]) -> Result<Vec<(Value, Value)>, Fault> {
    let mut keyed = keyed(cx, values)?;
    order::sort(&mut keyed, cx.input, cx.fuel)?;
    Ok(keyed)
}

fn sort(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    Ok(Value::array(sorted_by(cx, values)?.into_iter().map(|(_, item)| item).collect()))
}

fn group_by(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let mut groups: Vec<Value> = Vec::new();
    let mut group: Vec<Value> = Vec::new();
    let mut last: Option<Value> = None;
    for (key, item) in sorted_by(cx, values)? {
        if let Some(last) = &last
            && !order::equal(last, &key, cx.input, cx.fuel)?
        {
            groups.push(Value::array(std::mem::take(&mut group)));
        }
        last = Some(key);
        group.push(item);
    }
    if !group.is_empty() {
        groups.push(Value::array(group));
    }
    Ok(Value::array(groups))
}

fn unique_by(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let mut items = Vec::new();
    let mut last: Option<Value> = None;
    for (key, item) in sorted_by(cx, values)? {
        let known = match &last {
            Some(last) => order::equal(last, &key, cx.input, cx.fuel)?,
            None => false,
        };
        if !known {
            items.push(item);
            last = Some(key);
        }
    }
    Ok(Value::array(items))
}

/// The first least, or the last greatest, item.
fn extreme(cx: &mut Context, values: &mut [Value], wanted: Ordering) -> Result<Value, Fault> {
    let mut best: Option<(Value, Value)> = None;
    for (key, item) in keyed(cx, values)? {
        let better = match &best {
            None => true,
            Some((known, _)) => {
                let order = order::compare(&key, known, cx.input, cx.fuel)?;
                order == wanted || (wanted == Ordering::Greater && order == Ordering::Equal)
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Value::Null, |(_, item)| item))
}

fn reverse(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    cx.fuel.charge(value.width(cx.input))?;
    if let Some(text) = value.as_str(cx.input) {
        return Ok(Value::string(text.chars().rev().collect::<String>()));
    }
    match value.kind(cx.input) {
        Type::Null => Ok(Value::array(Vec::new())),
        Type::Array => {
            let mut items = value.into_items(cx.input).unwrap_or_default();
            items.reverse();
            Ok(Value::array(items))
        }
        _ => Err(one(&value, "cannot be reversed, as it is not an array")),
    }
}

fn flatten(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, depth) = (take(values, 0), take(values, 1));
    let Some(depth) = depth.as_number(cx.input) else { return Err(plain("flatten depth must be a number")) };
    if depth < 0.0 {
        return Err(plain("flatten depth must not be negative"));
    }
    let items = match value.kind(cx.input) {
        Type::Array => value.into_items(cx.input).unwrap_or_default(),
        Type::Object => {
            let object = value.as_object(cx.input).unwrap_or_default();
            object.entries().iter().map(|(_, value)| value.clone()).collect()
        }
        _ => return Err(Raised::Iterate(value).into()),
    };
    let mut flat = Vec::new();
    let mut open = vec![items.into_iter()];
    while let Some(last) = open.last_mut() {
        cx.fuel.charge(2)?;
        let Some(item) = last.next() else {
            open.pop();
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "no depth reaches 2^53")]
        let level = open.len() as f64;
        if level <= depth && item.kind(cx.input) == Type::Array {
            cx.fuel.charge(3)?;
            cx.fuel.reserve(item.width(cx.input) * crate::value::ITEM)?;
            open.push(item.into_items(cx.input).unwrap_or_default().into_iter());
        } else {
            flat.push(item);
            if flat.len().is_power_of_two() {
                cx.fuel.reserve(flat.len() * 2 * crate::value::ITEM)?;
            }
        }
    }
    Ok(Value::array(flat))
}

fn indices_of(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, wanted) = (take(values, 0), take(values, 1));
    match (value.kind(cx.input), wanted.kind(cx.input)) {
        (Type::Null, _) => Ok(Value::Null),
        (Type::String, Type::String) => super::string::indices(&value, &wanted, cx.input, cx.fuel),
        (Type::Array, Type::Array) => crate::value::path::indices(&value, &wanted, cx.input, cx.fuel),
        (Type::Array, _) => {
            let mut found = Vec::new();
            let items = value.as_items(cx.input).unwrap_or_default();
            for (at, item) in items.iter().enumerate() {
                if order::equal(item, &wanted, cx.input, cx.fuel)? {
                    found.push(Value::count(at));
                }
            }
            Ok(Value::array(found))
        }
        _ => crate::value::path::get(&value, &wanted, cx.input, cx.fuel),
    }
}

fn bsearch(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, target) = (take(values, 0), take(values, 1));
    let Some(items) = value.as_items(cx.input) else {
        return Err(one(&value, "cannot be searched from"));
    };
    let (mut low, mut high) = (0, items.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let item = items.get(middle).unwrap_or(&Value::Null);
        match order::compare(item, &target, cx.input, cx.fuel)? {
            Ordering::Equal => return Ok(Value::count(middle)),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    let place = Value::count(low).as_number(cx.input).unwrap_or(0.0);
    Ok(Value::Number(-1.0 - place))
}

/// The value of a whole document, made the program's own: that of `fromjson` and of variables.
pub(crate) fn own(document: &Document) -> Value {
    enum Open {
        Array(Vec<Value>),
        Object(Object, Option<Value>),
    }
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while at < document.len() {
        let node = document.node(at);
        at += 1;
        let value = match node.kind() {
            index::Kind::Null => Value::Null,
            index::Kind::False => Value::Bool(false),
            index::Kind::True => Value::Bool(true),
            index::Kind::Number => Value::literal(std::str::from_utf8(document.text(at - 1)).unwrap_or("0")),
            index::Kind::String => {
                let text = document.between(node);
                Value::string(if node.flag() { string::unescape(text).into_owned() } else { text.to_owned() })
            }
            index::Kind::Array => {
                open.push(Open::Array(Vec::new()));
                continue;
            }
            index::Kind::Object => {
                open.push(Open::Object(Object::default(), None));
                continue;
            }
            index::Kind::End => match open.pop() {
                Some(Open::Array(items)) => Value::array(items),
                Some(Open::Object(object, _)) => Value::object(object),
                None => Value::Null,
            },
        };
        match open.last_mut() {
            None => return value,
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object(object, key)) => match key.take() {
                None => *key = Some(value),
                Some(key) => object.insert(key, value, document),
            },
        }
    }
    Value::Null
}
