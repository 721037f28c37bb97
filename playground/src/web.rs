//! What JavaScript calls.
#![allow(unsafe_code, reason = "wasm-bindgen generates it")]

use wasm_bindgen::prelude::wasm_bindgen;

use crate::Asked;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn milliseconds() -> f64;
}

/// Tries what the JSON says; gives JSON. `now` is the time in seconds since 1970-01-01 in UTC.
#[wasm_bindgen]
pub fn run(asked: &str, now: f64) -> String {
    crate::run(&Asked::from_json(asked), now, milliseconds).to_string()
}
