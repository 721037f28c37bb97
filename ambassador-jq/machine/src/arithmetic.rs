//! `+`, `-`, `*`, `/` and `%`, on all types that they are for.

use std::rc::Rc;

use crate::code::Operator;
use crate::fault::{Fault, Raised, one};
use crate::fuel::Fuel;
use crate::json::Document;
use crate::value::{Object, Type, Value, order};

/// On two numbers; nothing for a division by zero, which is an error.
#[inline]
pub fn numbers(operator: Operator, a: f64, b: f64) -> Option<f64> {
    Some(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide if b != 0.0 => a / b,
        Operator::Modulo => return modulo(a, b),
        Operator::Divide => return None,
    })
}

/// Of the integers that the numbers are cut to; the sign is that of the first.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as jq does; casts saturate"
)]
#[cfg_attr(ambassador_small, optimize(size))]
fn modulo(a: f64, b: f64) -> Option<f64> {
    if a.is_nan() || b.is_nan() {
        return Some(f64::NAN);
    }
    let (a, b) = (a as i64, b as i64);
    if b == 0 {
        return None;
    }
    let rest = (a.unsigned_abs() % b.unsigned_abs()) as f64;
    Some(if a < 0 { -rest } else { rest })
}

/// `-x`
#[cfg_attr(ambassador_small, optimize(size))]
pub fn negate(value: &Value, input: &Document) -> Result<Value, Fault> {
    match value.as_number(input) {
        Some(number) => Ok(match value.number_text(input) {
            // The digits stay as they are.
            Some(text) => Value::literal(&match text.strip_prefix('-') {
                Some(text) => text.to_owned(),
                None => format!("-{text}"),
            }),
            None => Value::Number(-number),
        }),
        None => Err(one(value, "cannot be negated")),
    }
}

/// On any two values.
pub fn apply(
    operator: Operator,
    a: Value,
    b: Value,
    input: &Document,
    fuel: &mut Fuel,
) -> Result<Value, Fault> {
    if let (Some(x), Some(y)) = (a.as_number(input), b.as_number(input)) {
        return match numbers(operator, x, y) {
            Some(number) => Ok(Value::Number(number)),
            None if operator == Operator::Divide => {
                Err(Raised::Two(a, b, "cannot be divided because the divisor is zero").into())
            }
            None => {
                Err(Raised::Two(a, b, "cannot be divided (remainder) because the divisor is zero").into())
            }
        };
    }
    let (kind, other) = (a.kind(input), b.kind(input));
    match operator {
        Operator::Add => match (kind, other) {
            (Type::Null, _) => Ok(b),
            (_, Type::Null) => Ok(a),
            (Type::String, Type::String) => concat(a, &b, input, fuel),
            (Type::Array, Type::Array) => append(a, b, input, fuel),
            (Type::Object, Type::Object) => merge(a, &b, input, fuel),
            _ => Err(Raised::Two(a, b, "cannot be added").into()),
        },
        Operator::Subtract => match (a.as_items(input), b.as_items(input)) {
            (Some(items), Some(gone)) => {
                let mut left = Vec::new();
                for item in items.iter() {
                    let mut found = false;
                    for other in gone.iter() {
                        found = found || order::equal(item, other, input, fuel)?;
                    }
                    if !found {
                        left.push(item.clone());
                    }
                }
                Ok(Value::array(left))
            }
            _ => Err(Raised::Two(a, b, "cannot be subtracted").into()),
        },
        Operator::Multiply => match (kind, other) {
            (Type::String, Type::Number) => repeat(&a, b.as_number(input).unwrap_or(0.0), input, fuel),
            (Type::Number, Type::String) => repeat(&b, a.as_number(input).unwrap_or(0.0), input, fuel),
            (Type::Object, Type::Object) => merge_deep(a, &b, input, fuel),
            _ => Err(Raised::Two(a, b, "cannot be multiplied").into()),
        },
        Operator::Divide => match (kind, other) {
            (Type::String, Type::String) => split(&a, &b, input, fuel),
            _ => Err(Raised::Two(a, b, "cannot be divided").into()),
        },
        Operator::Modulo => Err(Raised::Two(a, b, "cannot be divided (remainder)").into()),
    }
}

fn concat(mut a: Value, b: &Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let more = b.as_str(input).unwrap_or_default();
    fuel.charge(more.len() / 32)?;
    if let Value::String(text) = &mut a
        && let Some(text) = Rc::get_mut(text)
    {
        // It may have to move to grow.
        fuel.reserve(more.len() * 2)?;
        text.push(&more);
        return Ok(a);
    }
    let text = a.as_str(input).unwrap_or_default();
    fuel.charge(text.len() / 32)?;
    fuel.reserve(text.len() + more.len())?;
    let mut sum = String::with_capacity(text.len() + more.len());
    sum.push_str(&text);
    sum.push_str(&more);
    Ok(Value::string(sum))
}

fn append(mut a: Value, b: Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let more = b.width(input);
    let copied =
        if matches!(&a, Value::Array(array) if Rc::strong_count(array) == 1) { 0 } else { a.width(input) };
    fuel.charge((more + copied) / 4)?;
    fuel.reserve((more + copied).saturating_mul(crate::value::ITEM))?;
    let items = b.into_items(input).unwrap_or_default();
    if let Some(array) = a.array_mut(input) {
        array.edit(|all| all.extend(items));
    }
    Ok(a)
}

#[cfg_attr(ambassador_small, optimize(size))]
fn merge(mut a: Value, b: &Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let more = b.width(input);
    let copied =
        if matches!(&a, Value::Object(object) if Rc::strong_count(object) == 1) { 0 } else { a.width(input) };
    fuel.charge(more + copied)?;
    fuel.reserve((more + copied).saturating_mul(size_of::<(Value, Value)>()))?;
    let entries = b.as_object(input).map(|object| object.entries().to_vec()).unwrap_or_default();
    if let Some(object) = a.object_mut(input) {
        for (key, value) in entries {
            object.insert(key, value, input);
        }
    }
    Ok(a)
}

/// Objects within objects are merged as well. A stack of what is being merged instead of recursion: each entry holds
/// the object, what is still to be put into it, and the key under which it goes into the one before.
#[cfg_attr(ambassador_small, optimize(size))]
fn merge_deep(a: Value, b: &Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    type Rest = std::vec::IntoIter<(Value, Value)>;
    let open = |a: Value, b: &Value, key: Value, fuel: &mut Fuel| -> Result<(Object, Rest, Value), Fault> {
        fuel.charge(a.width(input) + b.width(input))?;
        fuel.reserve((a.width(input) + b.width(input)) * size_of::<(Value, Value)>())?;
        let object = a.as_object(input).unwrap_or_default().into_owned();
        let rest = b.as_object(input).map(|object| object.entries().to_vec()).unwrap_or_default();
        Ok((object, rest.into_iter(), key))
    };
    let mut stack = vec![open(a, b, Value::Null, fuel)?];
    loop {
        let Some((object, rest, _)) = stack.last_mut() else { return Ok(Value::Null) };
        if let Some((key, value)) = rest.next() {
            let name = key.as_str(input).unwrap_or_default();
            let old = object.get(&name, input);
            let both =
                value.kind(input) == Type::Object && old.is_some_and(|old| old.kind(input) == Type::Object);
            match old.cloned() {
                Some(old) if both => {
                    let inner = open(old, &value, key.clone(), fuel)?;
                    stack.push(inner);
                }
                _ => object.insert(key.clone(), value, input),
            }
            continue;
        }
        let Some((object, _, key)) = stack.pop() else { return Ok(Value::Null) };
        match stack.last_mut() {
            Some((outer, _, _)) => outer.insert(key, Value::object(object), input),
            None => return Ok(Value::object(object)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and saturating")]
#[cfg_attr(ambassador_small, optimize(size))]
fn repeat(text: &Value, times: f64, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    if times < 0.0 || times.is_nan() {
        return Ok(Value::Null);
    }
    let text = text.as_str(input).unwrap_or_default();
    let times = times as usize;
    let length = text.len().saturating_mul(times);
    fuel.reserve(length)?;
    fuel.charge(length / 64)?;
    Ok(Value::string(text.repeat(times)))
}

/// The parts of a string between another one.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn split(value: &Value, by: &Value, input: &Document, fuel: &mut Fuel) -> Result<Value, Fault> {
    let (text, by) = (value.as_str(input).unwrap_or_default(), by.as_str(input).unwrap_or_default());
    if text.is_empty() {
        return Ok(Value::array(Vec::new()));
    }
    fuel.charge(text.len() / 4)?;
    let mut parts = Vec::new();
    let mut add = |part: &str| -> Result<(), Fault> {
        fuel.charge(1)?;
        parts.push(Value::string(part));
        if parts.len() % 64 == 0 {
            fuel.reserve(0)?;
        }
        Ok(())
    };
    if by.is_empty() {
        let mut buffer = [0; 4];
        for c in text.chars() {
            add(c.encode_utf8(&mut buffer))?;
        }
    } else {
        for part in text.split(by.as_ref()) {
            add(part)?;
        }
    }
    Ok(Value::array(parts))
}
