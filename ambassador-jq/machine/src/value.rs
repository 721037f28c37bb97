//! The values that programs work on.
//!
//! A value of the input is only the number of its node in the input's index until a program changes it: reading it
//! costs nothing but the look, and writing it copies its text. What a program makes is counted by references and
//! changed in place where there is but one.

use std::borrow::Cow;
use std::rc::Rc;

use crate::json::{Document, index, number, string};
use crate::meter::Share;

pub mod object;
pub mod order;
pub mod path;
pub mod print;

pub use object::Object;

/// A value of the language, or (the last kind) a path to one, which programs never see.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    /// A number whose text says more than a double can.
    Literal(Rc<Literal>),
    String(Rc<Text>),
    Array(Rc<Array>),
    Object(Rc<Object>),
    /// A node of the input.
    Node(u32),
    /// A path that is being followed; see [`path::Link`].
    Path(Rc<path::Link>),
}

/// What jq calls the type of a value, in the order in which values of different types are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    Null,
    False,
    True,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A number as it is written.
#[derive(Debug)]
pub struct Literal {
    pub text: Box<str>,
    pub value: f64,
    _share: Share,
}

/// A string.
#[derive(Debug)]
pub struct Text {
    text: String,
    share: Share,
}

/// An array.
#[derive(Debug)]
pub struct Array {
    items: Vec<Value>,
    share: Share,
}

/// What each payload takes on top of what it holds.
const OVERHEAD: usize = 48;
/// What an item of an array takes.
pub const ITEM: usize = size_of::<Value>();

impl Text {
    fn new(text: String) -> Self {
        let mut new = Self { text, share: Share::default() };
        new.settle();
        new
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends, in place.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.settle();
    }

    fn settle(&mut self) {
        self.share.set(OVERHEAD + self.text.capacity());
    }
}

impl Array {
    fn new(items: Vec<Value>) -> Self {
        let mut new = Self { items, share: Share::default() };
        new.settle();
        new
    }

    pub fn items(&self) -> &[Value] {
        &self.items
    }

    pub fn push(&mut self, item: Value) {
        self.items.push(item);
        self.settle();
    }

    pub fn item_mut(&mut self, at: usize) -> Option<&mut Value> {
        self.items.get_mut(at)
    }

    /// Changes the items, in place.
    pub fn edit<T>(&mut self, change: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        let result = change(&mut self.items);
        self.settle();
        result
    }

    fn settle(&mut self) {
        self.share.set(OVERHEAD + self.items.capacity() * ITEM);
    }
}

impl Clone for Array {
    fn clone(&self) -> Self {
        Self::new(self.items.clone())
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_last_container) {
            drop_deep(std::mem::take(&mut self.items));
        }
    }
}

/// Drops values that may nest without end, without recursion.
pub fn drop_deep(mut values: Vec<Value>) {
    while let Some(value) = values.pop() {
        match value {
            Value::Array(array) => {
                if let Some(mut array) = Rc::into_inner(array)
                    && array.items.iter().any(Value::is_last_container)
                {
                    values.append(&mut array.items);
                }
            }
            Value::Object(object) => {
                // One that holds no container goes by itself.
                if let Some(object) = Rc::into_inner(object)
                    && object.is_nested()
                {
                    object.into_parts(&mut values);
                }
            }
            _ => {}
        }
    }
}

/// The same, with what room they had left to its owner.
pub(crate) fn drop_all(values: &mut Vec<Value>) {
    if values.iter().any(Value::is_last_container) {
        let room = values.capacity();
        drop_deep(std::mem::replace(values, Vec::with_capacity(room)));
    }
    values.clear();
}

impl Value {
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(Rc::new(Text::new(text.into())))
    }

    pub fn array(items: Vec<Value>) -> Self {
        Self::Array(Rc::new(Array::new(items)))
    }

    pub fn object(object: Object) -> Self {
        Self::Object(Rc::new(object))
    }

    /// A number as it is written, known to be a number of JSON.
    #[cfg_attr(ambassador_small, optimize(size))]
    pub fn literal(text: &str) -> Self {
        let value = number::read(text.as_bytes());
        let mut written = Vec::new();
        number::write(value, &mut written);
        if written == text.as_bytes() {
            return Self::Number(value);
        }
        let mut share = Share::default();
        share.set(OVERHEAD + text.len());
        Self::Literal(Rc::new(Literal { text: text.into(), value, _share: share }))
    }

    /// How many there are of something.
    #[expect(clippy::cast_precision_loss, reason = "no count reaches 2^53")]
    pub fn count(count: usize) -> Self {
        Self::Number(count as f64)
    }

    fn is_last_container(&self) -> bool {
        match self {
            Self::Array(array) => Rc::strong_count(array) == 1,
            Self::Object(object) => Rc::strong_count(object) == 1,
            _ => false,
        }
    }

    /// The value, leaving null.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Null)
    }

    pub fn kind(&self, input: &Document) -> Type {
        match self {
            Self::Null | Self::Path(_) => Type::Null,
            Self::Bool(false) => Type::False,
            Self::Bool(true) => Type::True,
            Self::Number(_) | Self::Literal(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::Array(_) => Type::Array,
            Self::Object(_) => Type::Object,
            Self::Node(node) => match input.node(*node as usize).kind() {
                index::Kind::Null | index::Kind::End => Type::Null,
                index::Kind::False => Type::False,
                index::Kind::True => Type::True,
                index::Kind::Number => Type::Number,
                index::Kind::String => Type::String,
                index::Kind::Array => Type::Array,
                index::Kind::Object => Type::Object,
            },
        }
    }

    /// All but null and false.
    pub fn is_true(&self, input: &Document) -> bool {
        match self {
            Self::Null | Self::Bool(false) => false,
            Self::Node(_) => self.kind(input) > Type::False,
            _ => true,
        }
    }

    /// The number, as a double.
    pub fn as_number(&self, input: &Document) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Literal(literal) => Some(literal.value),
            Self::Node(node) if input.node(*node as usize).kind() == index::Kind::Number => {
                Some(number::read(input.text(*node as usize)))
            }
            _ => None,
        }
    }

    /// The text of a number that came as text.
    pub fn number_text<'a>(&'a self, input: &'a Document) -> Option<&'a str> {
        match self {
            Self::Literal(literal) => Some(&literal.text),
            Self::Node(node) if input.node(*node as usize).kind() == index::Kind::Number => {
                std::str::from_utf8(input.text(*node as usize)).ok()
            }
            _ => None,
        }
    }

    /// The string, its escapes resolved.
    pub fn as_str<'a>(&'a self, input: &'a Document) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) => Some(Cow::Borrowed(text.as_str())),
            Self::Node(node) => {
                let node = input.node(*node as usize);
                if node.kind() != index::Kind::String {
                    return None;
                }
                let text = input.between(node);
                Some(if node.flag() { string::unescape(text) } else { Cow::Borrowed(text) })
            }
            _ => None,
        }
    }

    /// The items of an array; those of the input are made into nodes.
    pub fn as_items<'a>(&'a self, input: &Document) -> Option<Cow<'a, [Value]>> {
        match self {
            Self::Array(array) => Some(Cow::Borrowed(array.items())),
            Self::Node(node) if input.node(*node as usize).kind() == index::Kind::Array => {
                Some(Cow::Owned(input.children(*node).map(Value::Node).collect()))
            }
            _ => None,
        }
    }

    /// The items of an array, to be changed; of one that nobody else holds without a copy.
    pub fn into_items(self, input: &Document) -> Option<Vec<Value>> {
        match self {
            Self::Array(array) => Some(match Rc::try_unwrap(array) {
                Ok(mut array) => std::mem::take(&mut array.items),
                Err(array) => array.items.clone(),
            }),
            Self::Node(_) => self.as_items(input).map(Cow::into_owned),
            _ => None,
        }
    }

    /// An array of its own to change, in place if nobody else holds it.
    pub fn array_mut(&mut self, input: &Document) -> Option<&mut Array> {
        if let Self::Node(_) = self {
            let items = self.as_items(input)?.into_owned();
            *self = Self::array(items);
        }
        match self {
            Self::Array(array) => Some(Rc::make_mut(array)),
            _ => None,
        }
    }

    /// The object, made one of its own if it is of the input.
    pub fn as_object<'a>(&'a self, input: &Document) -> Option<Cow<'a, Object>> {
        match self {
            Self::Object(object) => Some(Cow::Borrowed(object)),
            Self::Node(node) if input.node(*node as usize).kind() == index::Kind::Object => {
                Some(Cow::Owned(Object::of_input(*node, input)))
            }
            _ => None,
        }
    }

    /// An object of its own to change, in place if nobody else holds it.
    pub fn object_mut(&mut self, input: &Document) -> Option<&mut Object> {
        if let Self::Node(_) = self {
            let object = self.as_object(input)?.into_owned();
            *self = Self::object(object);
        }
        match self {
            Self::Object(object) => Some(Rc::make_mut(object)),
            _ => None,
        }
    }

    /// How much work it is to look at all of it, a level deep.
    pub fn width(&self, input: &Document) -> usize {
        match self {
            Self::String(text) => text.as_str().len() / 8,
            Self::Array(array) => array.items().len(),
            Self::Object(object) => object.len(),
            Self::Literal(literal) => literal.text.len() / 8,
            Self::Node(node) => match input.node(*node as usize).kind() {
                index::Kind::Array | index::Kind::Object => input.count(*node),
                index::Kind::String | index::Kind::Number => input.node(*node as usize).extra() / 8,
                _ => 0,
            },
            _ => 0,
        }
    }
}
