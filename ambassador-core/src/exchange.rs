//! One HTTP exchange as a state machine: events in, steps out, no I/O.
//!
//! Each phase is a type of its own, made by the phase before it and consumed by the next, so that a step in the
//! wrong phase does not compile:
//!
//! ```text
//! begin ── Forward ─────────────────────▶ Asked ── answered ─┬─ Pass
//!       └─ Hold ─ HeldRequest ─ finish ──▶                    ├─ Hold ── Held ─ finish ── Release
//!                             └─ Reply                        ├─ Stream ── Streaming ─ push* ─ finish
//!                                                             └─ Replace
//! ```
//!
//! [`begin`] reads the head of a request; [`Asked::answered`] reads the head of its answer. [`whole::run`] goes all the
//! way with an exchange that is there as a whole.

mod answer;
mod edit;
mod failure;
mod head;
mod held;
mod policy;
mod report;
mod request;
mod stream;
mod variables;
pub mod whole;

pub use answer::{Asked, Decision};
pub use edit::Edit;
pub use failure::{Failure, FailureKind, LocalReply, PROBLEM_TYPE};
pub use head::{Head, HeaderList};
pub use held::{Held, Release};
pub use policy::DIGESTS;
pub use report::{Outcome, Reason, Report, Side};
pub use request::{Begun, HeldRequest, RequestRelease, UPSTREAM_HEADER, begin};
pub use stream::{StreamStep, Streaming};
