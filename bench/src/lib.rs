//! What is measured, for the native benchmark and for the one in V8: five programs on bodies of records, by our engine
//! and by jaq.

pub mod body;

use ambassador_jq::{Limits, Program, Run};
use jaq_peer::Jaq;

/// The programs, from one that changes nothing to one that sorts and sums.
pub const PROGRAMS: [&str; 5] = [
    ".",
    "{fruits: map({name, cost: .price}), count: length}",
    "map(select(.price > 3)) | sort_by(.name) | .[:10]",
    "map(.total = .price * .count | del(.nested))",
    "group_by(.name) | map({name: .[0].name, total: map(.price) | add})",
];

/// About how many bytes the bodies have.
pub const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// An engine with a program.
pub enum Engine {
    /// Ours.
    Ambassador(Box<Program>),
    /// jaq's crates.
    Jaq(Box<Jaq>),
}

impl Engine {
    /// Compiles a program for the engine of this number: 0 is ours, 1 is jaq.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the programs are constants")]
    pub fn new(engine: usize, program: &str) -> Self {
        if engine == 0 {
            Self::Ambassador(Box::new(Program::compile(program).expect("a program of ours")))
        } else {
            Self::Jaq(Box::new(Jaq::new(program).expect("a program")))
        }
    }

    /// Reads a body, runs the program and writes what it gives; the bytes written.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the bodies are ours")]
    pub fn run(&self, body: &[u8]) -> usize {
        match self {
            Self::Ambassador(program) => {
                let limits = Limits { steps: usize::MAX >> 1, ..Limits::default() };
                let outputs = program.run(body, &Run { limits, ..Run::default() }).expect("outputs");
                outputs.iter().map(<[u8]>::len).sum()
            }
            Self::Jaq(jaq) => {
                let mut output = Vec::new();
                jaq.run(body, |value| jaq_peer::write_to(&mut output, value)).expect("outputs");
                output.len()
            }
        }
    }
}

/// What V8 calls, through numbers alone.
#[cfg(target_family = "wasm")]
#[expect(unsafe_code, unreachable_pub, reason = "names for the world outside of the module")]
mod exports {
    use std::cell::RefCell;

    use super::{Engine, PROGRAMS, body};

    thread_local! {
        static READY: RefCell<Option<(Engine, Vec<u8>)>> = const { RefCell::new(None) };
    }

    /// Makes an engine, a program and a body of about this size ready; gives the size.
    #[unsafe(no_mangle)]
    pub extern "C" fn prepare(engine: usize, program: usize, size: usize) -> usize {
        let text = PROGRAMS.get(program).copied().unwrap_or(".");
        let body = body::records(size);
        let length = body.len();
        READY.set(Some((Engine::new(engine, text), body)));
        length
    }

    /// Runs the hostile program of this number within the default limits; gives what it was, or 2 where there is none.
    #[unsafe(no_mangle)]
    pub extern "C" fn hostile(number: usize) -> usize {
        let programs = include_str!("../../ambassador-jq/tests/cases/hostile.txt");
        let Some(text) = programs.lines().filter(|line| !line.starts_with('#')).nth(number) else { return 2 };
        let Ok(program) = ambassador_jq::Program::compile(text) else { return 3 };
        usize::from(program.run(b"null", &ambassador_jq::Run::default()).is_ok())
    }

    /// Compiles the second program so many times.
    #[unsafe(no_mangle)]
    pub extern "C" fn compile(times: usize) -> usize {
        let text = PROGRAMS.get(1).copied().unwrap_or(".");
        (0..times).filter(|_| ambassador_jq::Program::compile(text).is_ok()).count()
    }

    /// Runs it so many times; gives the bytes written by the last one.
    #[unsafe(no_mangle)]
    pub extern "C" fn run(times: usize) -> usize {
        READY.with_borrow(|ready| {
            let Some((engine, body)) = ready else { return 0 };
            (0..times).map(|_| engine.run(body)).last().unwrap_or(0)
        })
    }
}
