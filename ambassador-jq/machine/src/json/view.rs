//! Reading a JSON text without making values of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Document;
use super::index::Kind;
use super::string::unescape;
use crate::RunError;

/// A JSON text that is proven to be one value, with the index of what is in it: 8 bytes a value.
#[derive(Debug)]
pub struct Json<'a>(Document<'a>);

impl<'a> Json<'a> {
    /// Reads a text as RFC 8259 defines it, in UTF-8, that nests at most `depth` levels.
    pub fn read(text: &'a [u8], depth: usize) -> Result<Self, RunError> {
        Document::new(text, depth, usize::MAX).map(Self)
    }

    /// The value that the text is.
    pub fn root(&self) -> View<'_> {
        View { document: &self.0, node: 0 }
    }
}

/// A value of a [`Json`] text.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    document: &'a Document<'a>,
    node: u32,
}

/// What a [`View`] shows.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A number as its text.
    Number(&'a str),
    /// A string without its escapes; half of a surrogate pair is U+FFFD.
    String(Cow<'a, str>),
    /// An array.
    Array(Items<'a>),
    /// An object.
    Object(Entries<'a>),
}

impl<'a> View<'a> {
    /// What this value is.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn value(self) -> Value<'a> {
        let node = self.document.node(self.node as usize);
        match node.kind() {
            Kind::Null | Kind::End => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Number => Value::Number(std::str::from_utf8(self.text()).unwrap_or_default()),
            Kind::String => Value::String(unescape(self.document.between(node))),
            Kind::Array => {
                Value::Array(Items { document: self.document, at: self.node + 1, end: self.end() })
            }
            Kind::Object => Value::Object(Entries {
                document: self.document,
                at: self.node + 1,
                end: self.end(),
                replaced: self.replaced(),
            }),
        }
    }

    /// The text of the value as it stands in the JSON text.
    pub fn text(self) -> &'a [u8] {
        self.document.text(self.node as usize)
    }

    /// The value of a key, if this is an object that has it.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn get(self, key: &str) -> Option<View<'a>> {
        let is_object = self.document.node(self.node as usize).kind() == Kind::Object;
        let found = is_object.then(|| self.document.lookup(self.node, key)).flatten()?;
        Some(View { document: self.document, node: found })
    }

    /// The node that ends this container.
    fn end(self) -> u32 {
        self.document.behind(self.node).saturating_sub(1)
    }

    /// For each key that stands in this object more than once: where it stands first the last value, elsewhere nothing.
    #[cfg_attr(ambassador_small, optimize(size))]
    fn replaced(self) -> BTreeMap<u32, Option<u32>> {
        let mut replaced = BTreeMap::new();
        if self.document.has_plain_keys(self.node) {
            return replaced;
        }
        let mut first: BTreeMap<Cow<'_, str>, u32> = BTreeMap::new();
        for (key, value) in self.document.entries(self.node) {
            let text = unescape(self.document.between(self.document.node(key as usize)));
            let earliest = *first.entry(text).or_insert(key);
            if earliest != key {
                replaced.insert(earliest, Some(value));
                replaced.insert(key, None);
            }
        }
        replaced
    }
}

/// The items of an array, in order.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Items<'a> {
    type Item = View<'a>;

    #[cfg_attr(ambassador_small, optimize(size))]
    fn next(&mut self) -> Option<View<'a>> {
        if self.at >= self.end {
            return None;
        }
        let item = View { document: self.document, node: self.at };
        self.at = self.document.behind(self.at);
        Some(item)
    }
}

/// The entries of an object, in order. A key that stands there more than once is shown where it stands first, with its
/// last value, as jq reads it.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
    replaced: BTreeMap<u32, Option<u32>>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Cow<'a, str>, View<'a>);

    #[cfg_attr(ambassador_small, optimize(size))]
    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.end {
            let key = self.at;
            self.at = self.document.behind(key + 1);
            let node = match self.replaced.get(&key) {
                Some(None) => continue,
                Some(Some(last)) => *last,
                None => key + 1,
            };
            let text = unescape(self.document.between(self.document.node(key as usize)));
            return Some((text, View { document: self.document, node }));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_values_as_they_are() {
        let text = br#" {"a\n": [1.10, "x\u00e9", null, true, [], {}], "b": false} "#;
        let json = Json::read(text, 8).unwrap();
        let Value::Object(entries) = json.root().value() else { panic!("an object") };
        let entries: Vec<_> = entries.collect();
        assert_eq!(entries.iter().map(|(key, _)| key.as_ref()).collect::<Vec<_>>(), ["a\n", "b"]);
        let Value::Array(items) = entries[0].1.value() else { panic!("an array") };
        let texts: Vec<_> =
            items.clone().map(|item| String::from_utf8_lossy(item.text()).into_owned()).collect();
        assert_eq!(texts, ["1.10", r#""x\u00e9""#, "null", "true", "[]", "{}"]);
        assert!(matches!(items.clone().nth(1).map(View::value), Some(Value::String(text)) if text == "xé"));
        assert!(matches!(json.root().get("b").map(View::value), Some(Value::Bool(false))));
        assert!(json.root().get("c").is_none() && entries[0].1.get("a").is_none());
    }

    #[test]
    fn of_a_key_that_comes_twice_the_last_value_counts() {
        let many = (0..20).map(|n| format!(r#","k{n}":{n}"#)).collect::<Vec<_>>().concat();
        for text in [r#"{"a":1,"b":2,"a":3}"#.to_owned(), format!(r#"{{"a":1,"b":2,"\u0061":3{many}}}"#)] {
            let json = Json::read(text.as_bytes(), 8).unwrap();
            let Value::Object(entries) = json.root().value() else { panic!("an object") };
            let shown: Vec<_> = entries
                .take(2)
                .map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(value.text())))
                .collect();
            assert_eq!(shown, ["a=3", "b=2"]);
        }
    }
}
