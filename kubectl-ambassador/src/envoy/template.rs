//! Envoy's resources as values: taken from the commented YAML, changed field by field.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::failure::{Failure, Result};

/// One of the resources of a file.
pub(super) fn resource(text: &'static str, index: usize) -> Result<Value> {
    take(&mut template(text)?, &format!("/resources/{index}"))
}

/// The value of a file of ours, each of which is read once: a pipe renders many configs.
pub(super) fn template(text: &'static str) -> Result<Value> {
    static READ: Mutex<BTreeMap<&'static str, Value>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = read.get(text) {
        return Ok(value.clone());
    }
    let value: Value = serde_saphyr::from_str(text)
        .map_err(|error| Failure::unchanged(format!("an Envoy resource of ours is broken: {error}")))?;
    read.insert(text, value.clone());
    Ok(value)
}

pub(super) fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    let broken = || Failure::unchanged(format!("an Envoy resource of ours has no {pointer}"));
    value.pointer_mut(pointer).ok_or_else(broken)
}

pub(super) fn take(value: &mut Value, pointer: &str) -> Result<Value> {
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = value.pointer_mut(parent)
    {
        return Ok(fields.shift_remove(key).unwrap_or_default());
    }
    at(value, pointer).map(Value::take)
}

pub(super) fn set(value: &mut Value, pointer: &str, new: impl Into<Value>) -> Result<()> {
    *at(value, pointer)? = new.into();
    Ok(())
}

/// Envoy writes times as seconds (protobuf's Duration in JSON).
pub(super) fn duration(milliseconds: u64) -> String {
    match (milliseconds / 1000, milliseconds % 1000) {
        (seconds, 0) => format!("{seconds}s"),
        (seconds, rest) => format!("{seconds}.{rest:03}s"),
    }
}
