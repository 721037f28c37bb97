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
//! From the text to the outputs: `syntax` reads a program into a tree, `compile` makes code of it, with the library in
//! `builtins` and `prelude`; the crate `ambassador-jq-machine` runs that on the body.
#![forbid(unsafe_code)]

mod builtins;
mod compile;
mod error;
pub mod json;
mod prelude;
mod program;
mod syntax;

pub use ambassador_jq_machine::{Limits, Outputs, Resource, RunError};
pub use error::{Problem, Problems};
pub use program::{Program, Run};

use ambassador_jq_machine::{arithmetic, code, fault, fuel, run, value};
