//! Objects that a program made or changed.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{OVERHEAD, Value, drop_deep};
use crate::json::Document;
use crate::meter::Share;

/// Up to here keys are compared one after the other; beyond, there is an index.
const SMALL: usize = 16;

/// An object: its entries in the order in which they were first set, and from [`SMALL`] entries on an index of them.
/// The index is an ordered tree and no hash table, so no choice of keys makes it slow.
#[derive(Debug, Default)]
pub struct Object {
    /// Keys are strings, their own or the input's.
    entries: Vec<(Value, Value)>,
    index: Option<BTreeMap<Box<str>, u32>>,
    /// Bytes of the keys in the index.
    indexed: usize,
    share: Share,
}

impl Clone for Object {
    fn clone(&self) -> Self {
        let mut new = Self {
            entries: self.entries.clone(),
            index: self.index.clone(),
            indexed: self.indexed,
            share: Share::default(),
        };
        new.settle();
        new
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.is_nested() {
            let mut values = Vec::new();
            values.extend(self.entries.drain(..).map(|(_, value)| value));
            drop_deep(values);
        }
    }
}

/// Whether a key, which is a string, is this text.
fn is_key(key: &Value, text: &str, input: &Document) -> bool {
    match key {
        Value::String(key) => key.as_str() == text,
        Value::Node(node) => input.is_string(input.node(*node as usize), text),
        _ => key.as_str(input).is_some_and(|key| key == text),
    }
}

impl Object {
    /// An empty one with room for so many entries.
    pub fn with_capacity(count: usize) -> Self {
        Self { entries: Vec::with_capacity(count), index: None, indexed: 0, share: Share::default() }
    }

    /// Of entries whose keys are known to be strings and all different.
    pub fn of_distinct(entries: Vec<(Value, Value)>, input: &Document) -> Self {
        let mut new = Self { entries, index: None, indexed: 0, share: Share::default() };
        new.reindex(input);
        new
    }

    /// An object of the input: of keys that are there several times the last one counts.
    pub fn of_input(node: u32, input: &Document) -> Self {
        // What is made of it is most often one entry longer.
        let mut new = Self::with_capacity(input.count(node) + 1);
        if input.has_plain_keys(node) {
            new.entries
                .extend(input.entries(node).map(|(key, value)| (Value::Node(key), Value::Node(value))));
            new.settle();
            return new;
        }
        for (key, value) in input.entries(node) {
            new.insert(Value::Node(key), Value::Node(value), input);
        }
        new
    }

    /// Whether it holds a container that nobody else does.
    pub(crate) fn is_nested(&self) -> bool {
        self.entries.iter().any(|(_, value)| value.is_last_container())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    fn position(&self, key: &str, input: &Document) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).map(|&at| at as usize),
            None => self.entries.iter().position(|(found, _)| is_key(found, key, input)),
        }
    }

    pub fn get(&self, key: &str, input: &Document) -> Option<&Value> {
        self.position(key, input).and_then(|at| self.entries.get(at)).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &str, input: &Document) -> Option<&mut Value> {
        let at = self.position(key, input)?;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// Sets the value of a key, which is a string. A new key comes last.
    pub fn insert(&mut self, key: Value, value: Value, input: &Document) {
        let Some(text) = key.as_str(input) else { return };
        if let Some(at) = self.position(&text, input) {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.1 = value;
            }
            return;
        }
        if let (Some(index), Ok(at)) = (&mut self.index, u32::try_from(self.entries.len())) {
            self.indexed += text.len();
            index.insert(Box::from(text.as_ref()), at);
        }
        drop(text);
        self.entries.push((key, value));
        if self.index.is_none() && self.entries.len() > SMALL {
            self.reindex(input);
        }
        self.settle();
    }

    /// Removes all of these keys that are there.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn remove(&mut self, keys: &[&str], input: &Document) {
        let before = self.entries.len();
        if keys.len() <= SMALL {
            self.entries.retain(|(key, _)| !keys.iter().any(|gone| is_key(key, gone, input)));
        } else {
            let gone: std::collections::BTreeSet<&str> = keys.iter().copied().collect();
            self.entries.retain(|(key, _)| !key.as_str(input).is_some_and(|key| gone.contains(key.as_ref())));
        }
        if self.entries.len() != before {
            self.reindex(input);
        }
    }

    fn reindex(&mut self, input: &Document) {
        self.index = None;
        self.indexed = 0;
        if self.entries.len() > SMALL {
            let mut index = BTreeMap::new();
            for (at, (key, _)) in (0_u32..).zip(&self.entries) {
                if let Some(key) = key.as_str(input) {
                    self.indexed += key.len();
                    index.insert(Box::from(key.as_ref()), at);
                }
            }
            self.index = Some(index);
        }
        self.settle();
    }

    /// Gives away its values, to be dropped elsewhere.
    pub(crate) fn into_parts(mut self, values: &mut Vec<Value>) {
        values.extend(self.entries.drain(..).map(|(_, value)| value));
    }

    /// Its entries, to be made something else of.
    pub fn into_entries(mut self) -> Vec<(Value, Value)> {
        std::mem::take(&mut self.entries)
    }

    /// Its entries, in the order of their keys.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn sorted(&self, input: &Document) -> Vec<(Value, Value)> {
        let mut entries = self.entries.clone();
        if let Some(index) = &self.index {
            return index.values().filter_map(|&at| self.entries.get(at as usize).cloned()).collect();
        }
        entries.sort_by(|(a, _), (b, _)| a.as_str(input).cmp(&b.as_str(input)));
        entries
    }

    fn settle(&mut self) {
        let index = self.index.as_ref().map_or(0, |index| self.indexed + 48 * index.len());
        self.share.set(OVERHEAD + self.entries.capacity() * size_of::<(Value, Value)>() + index);
    }
}

/// Of an object that is counted by references: its entries, without a copy if nobody else holds it.
pub fn into_entries(object: Rc<Object>) -> Vec<(Value, Value)> {
    match Rc::try_unwrap(object) {
        Ok(object) => object.into_entries(),
        Err(object) => object.entries.clone(),
    }
}
