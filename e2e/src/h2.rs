//! A legacy program that speaks HTTP/2 without TLS, with trailers: a real implementation of it, Python's `h2`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::provided;

/// The running program; ended when dropped. `/SIZE/BODY` gives a body in frames of that size: `json`, `cut`, `lines`,
/// `open` (lines, of which the last has no end) or `grpc`. The query `trailers` adds trailers, `reset` breaks it off.
#[derive(Debug)]
pub struct Program {
    /// Its port on loopback.
    pub port: u16,
    child: Child,
}

impl Program {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start() -> Self {
        let mut child = Command::new(provided("AMBASSADOR_PYTHON"))
            .args(["-c", include_str!("h2_program.py")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python can be run");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its port");
        Self { port: line.trim().parse().expect("a port"), child }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
