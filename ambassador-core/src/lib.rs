//! What Ambassador does, without Envoy and without Kubernetes: its config, the port map, the rules, and one
//! HTTP exchange as a state machine.
//!
//! The same code checks a config in the CLI and runs it in Envoy. It does no I/O, reads no clock and no
//! environment, and cannot panic.
#![forbid(unsafe_code)]
#![warn(clippy::panic, clippy::expect_used, clippy::indexing_slicing, clippy::unreachable, clippy::todo)]

pub mod coding;
pub mod config;
pub mod exchange;
pub mod format;
pub mod limits;
pub mod matcher;
pub mod ports;
pub mod problem;
pub mod rules;
#[cfg(feature = "trial")]
pub mod trial;
pub mod way_back;

mod ambassador;

pub use ambassador::Ambassador;
