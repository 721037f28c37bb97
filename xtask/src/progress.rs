//! Shows what takes time: a spinner on a terminal, plain lines with a heartbeat elsewhere.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::paths;

/// Runs `work` under `title`, with the time it takes.
pub(crate) fn step<T>(title: &str, work: impl FnOnce(&Step) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let step = Step::start(title);
    let result = work(&step);
    step.end(result.is_ok());
    result
}

/// Says that something is there already.
pub(crate) fn ready(what: &str) {
    eprintln!("  ✓ {what}");
}

/// A step under way.
pub(crate) struct Step {
    title: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    fn start(title: &str) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}");
            let spinner = ProgressBar::new_spinner().with_message(title.to_owned());
            spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        if spinner.is_none() {
            eprintln!("  … {title}");
        }
        Self { title: title.to_owned(), started: Instant::now(), spinner }
    }

    /// Says what is being done now, within the step.
    pub(crate) fn say(&self, detail: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(format!("{}: {detail}", self.title)),
            None => eprintln!("    {detail}"),
        }
    }

    /// Called often while waiting: without a terminal, a line each half minute shows that there is life.
    fn heartbeat(&self, last: &mut Instant) {
        if self.spinner.is_none() && last.elapsed() > Duration::from_secs(30) {
            *last = Instant::now();
            eprintln!("    still {} after {} s", self.title, self.started.elapsed().as_secs());
        }
    }

    fn end(self, ok: bool) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        let mark = if ok { '✓' } else { '✗' };
        eprintln!("  {mark} {} ({:.1} s)", self.title, self.started.elapsed().as_secs_f64());
    }
}

/// Runs a command under `title`. Its output goes to a log file, whose end is shown if it fails.
pub(crate) fn run(title: &str, command: &mut Command) -> anyhow::Result<()> {
    step(title, |step| run_in(step, command))
}

/// Like [`run`], as part of a step that has begun.
pub(crate) fn run_in(step: &Step, command: &mut Command) -> anyhow::Result<()> {
    let log = log_file(&step.title)?;
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let status = wait(step, command)?;
    if !status.success() {
        bail!("{} failed: {status}\n{}\nall of its output: {}", shown(command), tail(&log), log.display());
    }
    Ok(())
}

fn wait(step: &Step, command: &mut Command) -> anyhow::Result<ExitStatus> {
    let mut child = command.spawn().with_context(|| format!("cannot run {}", shown(command)))?;
    let mut last = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        step.heartbeat(&mut last);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A command as it would be typed.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs a command that is quick, without a word unless it fails.
pub(crate) fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", shown(command)))?;
    if !output.status.success() {
        bail!("{}: {}", shown(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn log_file(title: &str) -> anyhow::Result<PathBuf> {
    let dir = paths::cache()?.join("logs");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let name: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).take(60).collect();
    Ok(dir.join(format!("{name}.log")))
}

fn tail(log: &std::path::Path) -> String {
    let mut text = String::new();
    let read = File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    if read.is_err() {
        return String::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
