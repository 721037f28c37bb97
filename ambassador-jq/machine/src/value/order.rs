//! The order of all values, and sorting by it.

use std::cmp::Ordering;

use super::{Type, Value};
use crate::fuel::{Exhausted, Fuel};
use crate::json::{Document, number};

/// What is left to compare, in pairs; the last comes first.
type Work = Vec<(Value, Value)>;

/// Compares as jq sorts: by type, then numbers by value, strings by code points, arrays item by item, objects by their
/// sorted keys and then by the values of these. Without recursion; charges for each pair.
pub fn compare(a: &Value, b: &Value, input: &Document, fuel: &mut Fuel) -> Result<Ordering, Exhausted> {
    if let Some(order) = scalars(a, b, input, fuel)? {
        return Ok(order);
    }
    let mut work: Work = Vec::new();
    expand(a, b, input, fuel, &mut work)?;
    while let Some((a, b)) = work.pop() {
        match scalars(&a, &b, input, fuel)? {
            Some(Ordering::Equal) => {}
            Some(order) => return Ok(order),
            None => expand(&a, &b, input, fuel, &mut work)?,
        }
    }
    Ok(Ordering::Equal)
}

/// Whether two values are equal.
pub fn equal(a: &Value, b: &Value, input: &Document, fuel: &mut Fuel) -> Result<bool, Exhausted> {
    Ok(compare(a, b, input, fuel)? == Ordering::Equal)
}

/// The order of two values if it can be told without looking into containers.
fn scalars(a: &Value, b: &Value, input: &Document, fuel: &mut Fuel) -> Result<Option<Ordering>, Exhausted> {
    fuel.charge(1)?;
    if let (Value::Number(a), Value::Number(b)) = (a, b) {
        return Ok(Some(doubles(*a, *b)));
    }
    let (kind, other) = (a.kind(input), b.kind(input));
    if kind != other {
        return Ok(Some(kind.cmp(&other)));
    }
    Ok(match kind {
        Type::Null | Type::False | Type::True => Some(Ordering::Equal),
        Type::Number => Some(numbers(a, b, input)),
        Type::String => {
            let (a, b) = (a.as_str(input).unwrap_or_default(), b.as_str(input).unwrap_or_default());
            fuel.charge(a.len().min(b.len()) / 32)?;
            Some(a.as_bytes().cmp(b.as_bytes()))
        }
        Type::Array | Type::Object => match (a, b) {
            (Value::Node(a), Value::Node(b)) if a == b => Some(Ordering::Equal),
            (Value::Array(a), Value::Array(b)) if std::rc::Rc::ptr_eq(a, b) => Some(Ordering::Equal),
            (Value::Object(a), Value::Object(b)) if std::rc::Rc::ptr_eq(a, b) => Some(Ordering::Equal),
            _ => None,
        },
    })
}

/// As jq has it: NaN is less than every number, itself included.
pub fn doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(if a.is_nan() { Ordering::Less } else { Ordering::Greater })
}

fn numbers(a: &Value, b: &Value, input: &Document) -> Ordering {
    let order = doubles(a.as_number(input).unwrap_or(f64::NAN), b.as_number(input).unwrap_or(f64::NAN));
    if order != Ordering::Equal {
        return order;
    }
    // Two texts can differ where their doubles do not.
    match (a.number_text(input), b.number_text(input)) {
        (Some(a), Some(b)) if a.len() > 15 || b.len() > 15 => number::compare_texts(a, b),
        _ => order,
    }
}

/// Puts the parts of two containers of one type on the list of work, and the order of what is not compared itself.
#[cfg_attr(ambassador_small, optimize(size))]
fn expand(a: &Value, b: &Value, input: &Document, fuel: &mut Fuel, work: &mut Work) -> Result<(), Exhausted> {
    let start = work.len();
    if let (Some(a), Some(b)) = (a.as_items(input), b.as_items(input)) {
        fuel.charge(a.len().min(b.len()))?;
        work.extend(a.iter().cloned().zip(b.iter().cloned()));
        if a.len() != b.len() {
            work.push((Value::count(a.len()), Value::count(b.len())));
        }
    } else if let (Some(a), Some(b)) = (a.as_object(input), b.as_object(input)) {
        fuel.charge(4 * (a.len() + b.len()))?;
        let (a, b) = (a.sorted(input), b.sorted(input));
        let (a_keys, b_keys): (Vec<_>, Vec<_>) =
            (a.iter().map(|(key, _)| key.clone()).collect(), b.iter().map(|(key, _)| key.clone()).collect());
        work.push((Value::array(a_keys), Value::array(b_keys)));
        work.extend(a.into_iter().map(|(_, value)| value).zip(b.into_iter().map(|(_, value)| value)));
    }
    work.get_mut(start..).unwrap_or_default().reverse();
    Ok(())
}

/// Sorts keys and what belongs to them by the keys, keeping the order of equals.
pub fn sort(keyed: &mut Vec<(Value, Value)>, input: &Document, fuel: &mut Fuel) -> Result<(), Exhausted> {
    let rounds = usize::BITS - keyed.len().leading_zeros();
    let all = |wanted: Type| keyed.iter().all(|(key, _)| key.kind(input) == wanted);
    if all(Type::String) {
        // Each string is compared about once a round.
        let length: usize = keyed.iter().map(|(key, _)| 1 + key.width(input) / 8).sum();
        fuel.charge(length.saturating_mul(rounds as usize) / 2)?;
        let texts: Vec<_> = keyed.iter().map(|(key, _)| key.as_str(input).unwrap_or_default()).collect();
        // The first bytes as a number decide most comparisons; the place decides between equals.
        let mut order: Vec<(u64, &str, usize)> =
            texts.iter().enumerate().map(|(at, text)| (first_bytes(text), text.as_ref(), at)).collect();
        order.sort_unstable();
        let order: Vec<usize> = order.into_iter().map(|(_, _, at)| at).collect();
        drop(texts);
        permute(keyed, &order);
        return Ok(());
    }
    if all(Type::Number)
        && keyed.iter().all(|(key, _)| key.number_text(input).is_none_or(|text| text.len() <= 15))
    {
        fuel.charge(keyed.len() * rounds as usize / 2)?;
        let keys: Vec<f64> = keyed.iter().map(|(key, _)| key.as_number(input).unwrap_or(0.0)).collect();
        if !keys.iter().any(|key| key.is_nan()) {
            let at = |index: usize| keys.get(index).copied().unwrap_or(0.0);
            let order = permutation(keyed.len(), |a, b| doubles(at(a), at(b)));
            permute(keyed, &order);
            return Ok(());
        }
    }
    let order = merge_sort(keyed, input, fuel)?;
    permute(keyed, &order);
    Ok(())
}

/// The first eight bytes, in the order in which texts are compared.
fn first_bytes(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    u64::from_be_bytes(bytes)
}

fn permutation(length: usize, mut order: impl FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..length).collect();
    indices.sort_by(|&a, &b| order(a, b));
    indices
}

fn permute(keyed: &mut Vec<(Value, Value)>, order: &[usize]) {
    let mut take = |&at: &usize| {
        keyed.get_mut(at).map_or((Value::Null, Value::Null), |(key, value)| (key.take(), value.take()))
    };
    let sorted = order.iter().map(&mut take).collect();
    *keyed = sorted;
}

/// A merge sort from below that can be given up: the standard library's can not, and it may panic where an order is
/// none, which NaN's is not.
#[cfg_attr(ambassador_small, optimize(size))]
fn merge_sort(keyed: &[(Value, Value)], input: &Document, fuel: &mut Fuel) -> Result<Vec<usize>, Exhausted> {
    let length = keyed.len();
    let mut from: Vec<usize> = (0..length).collect();
    let mut to: Vec<usize> = Vec::with_capacity(length);
    let mut run = 1;
    while run < length {
        to.clear();
        for start in (0..length).step_by(2 * run) {
            let (middle, end) = ((start + run).min(length), (start + 2 * run).min(length));
            let (mut left, mut right) = (start, middle);
            while left < middle && right < end {
                let (Some(&a), Some(&b)) = (from.get(left), from.get(right)) else { break };
                let (Some((a_key, _)), Some((b_key, _))) = (keyed.get(a), keyed.get(b)) else { break };
                if compare(b_key, a_key, input, fuel)? == Ordering::Less {
                    to.push(b);
                    right += 1;
                } else {
                    to.push(a);
                    left += 1;
                }
            }
            to.extend_from_slice(from.get(left..middle).unwrap_or_default());
            to.extend_from_slice(from.get(right..end).unwrap_or_default());
        }
        std::mem::swap(&mut from, &mut to);
        run *= 2;
    }
    Ok(from)
}
