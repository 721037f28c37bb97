//! The jq engine: compile a program once, run it on any number of JSON bodies.
//!
//! This crate is pure: no I/O, no clock, no environment. It knows nothing of HTTP, Envoy or Kubernetes.
//!
//! ```
//! use ambassador_jq::{Limits, Program};
//!
//! let program = Program::compile("{fruits: map({name: .}), count: length}").unwrap();
//! let outputs = program.run(br#"["apple","pear"]"#, &[], &Limits::default()).unwrap();
//! let texts: Vec<&[u8]> = outputs.iter().collect();
//! assert_eq!(texts, [br#"{"fruits":[{"name":"apple"},{"name":"pear"}],"count":2}"#]);
//! ```
//!
//! The interface is final; what stands behind it is a thin layer over the [jaq](https://github.com/01mf02/jaq)
//! crates, which bounds the depth of the input and the size of the output but neither steps nor memory.
#![forbid(unsafe_code)]

mod error;
mod jaq;
mod json;
mod limits;
mod outputs;
#[cfg_attr(not(test), expect(dead_code, reason = "the compiler of the own engine comes next"))]
mod syntax;

pub use error::{Problem, Problems, Resource, RunError};
pub use jaq::Program;
pub use limits::Limits;
pub use outputs::Outputs;
