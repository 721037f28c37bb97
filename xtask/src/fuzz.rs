//! `cargo xtask fuzz`: looks for inputs that break a promise of the engine.
//!
//! libFuzzer on the active toolchain: what `cargo fuzz` asks a nightly compiler for, the sanitizers, finds faults of unsafe
//! code, of which there is none here. Its instrumentation is passed by flags that every compiler takes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{cargo, paths, progress};

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The targets: folders of `fuzz/corpus`. Default: all of them, side by side
    targets: Vec<String>,

    /// How long
    #[arg(long, default_value_t = 3600)]
    seconds: u32,
}

/// What makes the code tell libFuzzer where it has been.
const INSTRUMENTED: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// A target that is being fuzzed.
struct Fuzzing {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Fuzzes the targets side by side; fails if one of them finds something, and names the file that shows it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let seeds = paths::root().join("fuzz/corpus");
    let known = names(&seeds)?;
    if let Some(unknown) = args.targets.iter().find(|name| !known.contains(name)) {
        bail!("no target {unknown}\nhint: there are {}", known.join(", "));
    }
    let program = build()?;
    let wanted = if args.targets.is_empty() { known } else { args.targets.clone() };
    let running: Vec<Fuzzing> = wanted
        .into_iter()
        .map(|name| start(&program, &seeds, name, args.seconds))
        .collect::<Result<_, _>>()?;
    let title = format!("fuzzing for {} s", args.seconds);
    let found = progress::step(&title, |step| {
        let mut found = Vec::new();
        for mut fuzzing in running {
            let ended = fuzzing.child.wait()?;
            let log = std::fs::read_to_string(&fuzzing.log)?;
            step.say(&format!("{}: {}", fuzzing.name, summary(&log)));
            if !ended.success() {
                found.push(fuzzing);
            }
        }
        Ok(found)
    })?;
    if found.is_empty() {
        return Ok(());
    }
    let logs: Vec<String> =
        found.iter().map(|fuzzing| format!("{}: see {}", fuzzing.name, fuzzing.log.display())).collect();
    bail!("found inputs that break a promise\n{}", logs.join("\n"))
}

fn names(seeds: &Path) -> anyhow::Result<Vec<String>> {
    let folders = std::fs::read_dir(seeds).with_context(|| format!("cannot read {}", seeds.display()))?;
    let mut names: Vec<String> =
        folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn build() -> anyhow::Result<PathBuf> {
    let target = paths::target().join("fuzzer");
    let mut command = cargo::command();
    command
        .args([
            "build",
            "--locked",
            "--release",
            "--package",
            "fuzz",
            "--features",
            "libfuzzer",
            "--bin",
            "fuzz",
        ])
        // Given for the target alone, so that build scripts and macros are not instrumented.
        .args(["--target", host()?.as_str()])
        .env("CARGO_TARGET_DIR", &target)
        .env(
            "RUSTFLAGS",
            format!("{} --cfg fuzzing -Cdebug-assertions -Coverflow-checks", INSTRUMENTED.join(" ")),
        );
    progress::run("building the fuzzer", &mut command)?;
    Ok(target.join(host()?).join("release/fuzz"))
}

/// The triple of this machine.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it runs on")?.to_owned())
}

fn start(program: &Path, seeds: &Path, name: String, seconds: u32) -> anyhow::Result<Fuzzing> {
    let work = paths::target().join("fuzz").join(&name);
    std::fs::create_dir_all(&work)?;
    let log = work.with_extension("log");
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let child = Command::new(program)
        // New inputs go to the first folder, the seeds stay as they are.
        .args([&work, &seeds.join(&name)])
        .args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={}-", work.display())])
        .args(["-max_len=4096", "-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .env("FUZZ_TARGET", &name)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(Fuzzing { name, child, log })
}

/// What libFuzzer says at its end, in a line.
fn summary(log: &str) -> String {
    let last = |needle: &str| log.lines().rev().find_map(|line| line.strip_prefix(needle)).map(str::trim);
    let runs = last("stat::number_of_executed_units:").unwrap_or("?");
    let new = last("stat::new_units_added:").unwrap_or("?");
    let status = log.lines().rev().find(|line| line.contains(" cov: ")).unwrap_or_default();
    let coverage = status.split(" cov: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("?");
    format!("{runs} runs, {coverage} places of the code reached, {new} inputs kept")
}
