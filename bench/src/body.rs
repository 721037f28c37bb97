//! Bodies to measure with: an array of records with numbers, strings and nested objects.

use std::fmt::Write as _;

const NAMES: [&str; 12] =
    ["apple", "pear", "plum", "cherry", "banana", "kiwi", "grape", "fig", "lemon", "lime", "mango", "peach"];

/// An array of about this many bytes, always the same.
#[must_use]
pub fn records(size: usize) -> Vec<u8> {
    let mut text = String::from("[");
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut id = 0;
    while text.len() < size {
        let name = NAMES.get(usize::try_from(random(12)).unwrap_or(0)).copied().unwrap_or("apple");
        let separator = if id == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{separator}{{"id":{id},"name":"{name}{}","price":{}.{:02},"count":{},"nested":{{"color":"red","tags":["a","b","c"],"deep":{{"x":{id},"y":null,"z":true}}}},"note":"some text that is here"}}"#,
            random(50),
            random(10),
            random(100),
            1 + random(100),
        );
        id += 1;
    }
    text.push(']');
    text.into_bytes()
}
