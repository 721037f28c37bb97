//! Values as JSON text.

use super::{Object, Value};
use crate::Resource;
use crate::fuel::{Exhausted, Fuel};
use crate::json::index::Kind;
use crate::json::{Document, append, number, string};

/// A container whose items are being written.
struct Open<'v> {
    items: Items<'v>,
    first: bool,
}

enum Items<'v> {
    Array(std::slice::Iter<'v, Value>),
    Object(&'v [(Value, Value)]),
}

/// Appends a value as compact JSON; what is of the input as it came. Fails where it nests too deep.
pub fn write(
    value: &Value,
    input: &Document,
    fuel: &mut Fuel,
    output: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    let depth = fuel.limits().depth.min(crate::Limits::DEEPEST);
    let mut open: Vec<Open> = Vec::new();
    let mut next = value;
    loop {
        fuel.charge(1)?;
        match next {
            Value::Array(array) => {
                output.push(b'[');
                open.push(Open { items: Items::Array(array.items().iter()), first: true });
            }
            Value::Object(object) => {
                output.push(b'{');
                open.push(Open { items: Items::Object(Object::entries(object)), first: true });
            }
            value => scalar(value, input, open.len(), depth, fuel, output)?,
        }
        reserve(0, fuel, output)?;
        if open.len() > depth {
            return Err(Exhausted { which: Resource::Depth, limit: depth });
        }
        // What comes next: an item of the innermost container that has one left.
        next = loop {
            let level = open.len();
            let Some(last) = open.last_mut() else { return Ok(()) };
            let (key, item, end) = match &mut last.items {
                Items::Array(items) => (None, items.next(), b']'),
                Items::Object(entries) => {
                    if run_of_input(entries, &mut last.first, level, depth, input, fuel, output)? {
                        continue;
                    }
                    match entries.split_first() {
                        Some(((key, value), rest)) => {
                            *entries = rest;
                            (Some(key), Some(value), b'}')
                        }
                        None => (None, None, b'}'),
                    }
                }
            };
            let Some(item) = item else {
                output.push(end);
                open.pop();
                continue;
            };
            if !std::mem::replace(&mut last.first, false) {
                output.push(b',');
            }
            if let Some(key) = key {
                scalar(key, input, 0, depth, fuel, output)?;
                output.push(b':');
            }
            break item;
        };
    }
}

/// Copies the entries of the input that come next as one text, as far as they stand there one behind the other and
/// without blanks; false if there is none.
fn run_of_input(
    entries: &mut &[(Value, Value)],
    first: &mut bool,
    level: usize,
    depth: usize,
    input: &Document,
    fuel: &mut Fuel,
    output: &mut Vec<u8>,
) -> Result<bool, Exhausted> {
    let mut span: Option<(usize, usize)> = None;
    while let Some(((Value::Node(key), Value::Node(value)), rest)) = entries.split_first() {
        if *value != key + 1 {
            break;
        }
        let Some((from, to)) = input.compact_entry(*key) else { break };
        span = match span {
            None => Some((from, to)),
            // Only a comma stands between them.
            Some((start, end)) if from == end + 1 => Some((start, to)),
            Some(_) => break,
        };
        if input.node(*value as usize).kind() >= Kind::Array && level + input.depth(*value, depth) > depth {
            return Err(Exhausted { which: Resource::Depth, limit: depth });
        }
        fuel.charge(1)?;
        *entries = rest;
    }
    let Some((from, to)) = span else { return Ok(false) };
    fuel.charge((to - from) / 256)?;
    reserve(to - from, fuel, output)?;
    if !std::mem::replace(first, false) {
        output.push(b',');
    }
    append(output, input.span(from, to));
    Ok(true)
}

/// All but containers that the program made.
fn scalar(
    value: &Value,
    input: &Document,
    level: usize,
    depth: usize,
    fuel: &mut Fuel,
    output: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    fuel.charge(1)?;
    match value {
        Value::Null | Value::Path(_) | Value::Array(_) | Value::Object(_) => {
            output.extend_from_slice(b"null");
        }
        Value::Bool(true) => output.extend_from_slice(b"true"),
        Value::Bool(false) => output.extend_from_slice(b"false"),
        Value::Number(value) => number::write(*value, output),
        Value::Literal(literal) => append(output, literal.text.as_bytes()),
        Value::String(text) => {
            let text = text.as_str();
            fuel.charge(text.len() / 64)?;
            reserve(text.len(), fuel, output)?;
            string::write(text, output);
        }
        Value::Node(node) => {
            let text = input.text(*node as usize);
            fuel.charge(text.len() / 256)?;
            reserve(text.len(), fuel, output)?;
            if input.node(*node as usize).kind() < Kind::Array {
                append(output, text);
                return Ok(());
            }
            // A part of the input nests no deeper than the input may, so only one that is put deeper has to be looked at.
            if level > 0 && level + input.depth(*node, depth) > depth {
                return Err(Exhausted { which: Resource::Depth, limit: depth });
            }
            input.write_compact(*node as usize, output);
        }
    }
    Ok(())
}

/// Refuses to write what could never be sent.
fn reserve(more: usize, fuel: &Fuel, output: &[u8]) -> Result<(), Exhausted> {
    let limit = fuel.limits().output;
    if output.len().saturating_add(more) > limit {
        return Err(Exhausted { which: Resource::Output, limit });
    }
    Ok(())
}
