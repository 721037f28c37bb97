//! The jq engine: compile a program once, run it on any number of JSON bodies.
//!
//! This crate is pure: no I/O, no clock, no environment. It knows nothing of HTTP, Envoy or Kubernetes.
//!
//! ```
//! use ambassador_jq::{Program, Run};
//!
//! let program = Program::compile("{fruits: map({name: .}), count: length}").unwrap();
//! let outputs = program.run(br#"["apple","pear"]"#, &Run::default()).unwrap();
//! let texts: Vec<&[u8]> = outputs.iter().collect();
//! assert_eq!(texts, [br#"{"fruits":[{"name":"apple"},{"name":"pear"}],"count":2}"#]);
//! ```
//!
//! A run is bounded by [`Limits`]: whatever the program and the input, it ends, and takes no more memory than it may.
//! What a program does not change leaves as the very text that came. The language is jq 1.8's, with the deviations that
//! `docs/jq.md` lists.
//!
//! From the text to the outputs: `syntax` reads a program into a tree, `compile` makes `code` of it, `machine` runs that
//! on `value`s of the input that `json` has indexed, with the library in `builtins` and `prelude`, until `fuel` ends.
//!
//! It needs `std` for one thing: a counter of memory for each thread (see `meter`), which saves every value a pointer.
#![forbid(unsafe_code)]

mod builtins;
mod code;
mod compile;
mod error;
mod fault;
mod fuel;
mod json;
mod limits;
mod machine;
mod meter;
mod outputs;
mod prelude;
mod program;
mod syntax;
mod value;

pub use error::{Problem, Problems, Resource, RunError};
pub use limits::Limits;
pub use outputs::Outputs;
pub use program::{Program, Run};
