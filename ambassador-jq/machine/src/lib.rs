//! The machine under the jq engine: JSON bodies, values and code, and what runs code on bodies within limits.
//!
//! It knows nothing of the language: `ambassador-jq` compiles programs to [`code`], and brings the library of native
//! functions. It is a crate of its own since a module for Envoy is built for size, and this part for speed.
//!
//! [`json`] indexes a body, [`value`] is what programs work on, [`run`] runs [`code`] until [`fuel`] ends. Its interface
//! is for `ambassador-jq` alone, which shows [`Limits`], [`Outputs`] and [`RunError`] to the world.
//!
//! All of it is built for speed; functions that no common program runs often are marked to be built for size where the
//! compiler knows how (`ambassador_small`), which saves a module 15 KB.
//!
//! It needs `std` for one thing: a counter of memory for each thread (see `meter`), which saves every value a pointer.
#![cfg_attr(ambassador_small, feature(optimize_attribute))]
#![forbid(unsafe_code)]
#![expect(missing_docs, reason = "names of instructions and kinds of values say what they are")]
#![expect(clippy::len_without_is_empty, reason = "nobody asks; it is no interface for the world")]

pub mod arithmetic;
pub mod code;
mod error;
pub mod fault;
pub mod fuel;
pub mod json;
mod limits;
mod meter;
mod outputs;
pub mod run;
mod spare;
pub mod value;

pub use error::{Resource, RunError};
pub use limits::Limits;
pub use outputs::Outputs;
