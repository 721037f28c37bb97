//! Child processes that end with the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program in the background; killed when dropped.
#[derive(Debug)]
pub struct Background {
    child: Child,
    log: PathBuf,
}

impl Background {
    /// Starts it with its output in `log`.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let output = File::create(log).expect("the log can be written");
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a file can be cloned")).stderr(output);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `done`, or fails with what the program has written.
    ///
    /// # Panics
    ///
    /// If the time is up, or the program has ended.
    pub fn wait_until(&mut self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done() {
            let ended = self.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "{what}: the program ended ({ended:?})\n{}", self.log());
            assert!(Instant::now() < deadline, "{what}: not within 30 s\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command has said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output of a command that must succeed.
    ///
    /// # Panics
    ///
    /// If it failed, with all that it said.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "failed\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs a command to its end.
///
/// # Panics
///
/// If it cannot be started.
pub fn run(command: &mut Command) -> Output {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    output.into()
}

/// Waits until a program has ended that was started with its output in pipes.
///
/// # Panics
///
/// If it cannot be waited for.
pub fn end(child: Child) -> Output {
    child.wait_with_output().expect("an end").into()
}

/// Sends a signal, such as `-INT`.
///
/// # Panics
///
/// If the program has ended.
pub fn signal(child: &Child, signal: &str) {
    run(Command::new("kill").args([signal, &child.id().to_string()])).ok();
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
