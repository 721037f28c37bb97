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
