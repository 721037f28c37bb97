//! `cargo xtask bench`: how fast the engine is, beside jaq built by the same flags, and how fast manifests are injected,
//! beside istioctl, as `docs/benchmarks.md`.

mod manifests;
mod pipes;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::{cargo, debian, paths, progress, wasm};

/// What is measured, as `bench/src/lib.rs` has it, and what is promised of it in V8, in MB/s.
const PROGRAMS: [(&str, u32); 5] = [
    (".", 300),
    ("{fruits: map({name, cost: .price}), count: length}", 200),
    ("map(select(.price > 3)) | sort_by(.name) | .[:10]", 100),
    ("map(.total = .price * .count | del(.nested))", 80),
    ("group_by(.name) | map({name: .[0].name, total: map(.price) | add})", 60),
];
const SIZES: [(u64, &str); 4] =
    [(1_000, "1 KB"), (10_000, "10 KB"), (100_000, "100 KB"), (1_000_000, "1 MB")];

/// A rate of each engine, in bytes a microsecond, which are MB/s.
struct Rate {
    program: usize,
    size: usize,
    ours: f64,
    jaq: f64,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// The engine
    Engine,
    /// Injecting manifests
    Pipes,
}

/// Measures, all or one part, and writes down what was found.
pub(crate) fn run(part: Option<Part>) -> anyhow::Result<()> {
    let path = paths::root().join("docs/benchmarks.md");
    let there = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (engine, pipes) = there.split_at(there.find(pipes::TITLE).unwrap_or(there.len()));
    let engine =
        if part == Some(Part::Pipes) { engine.trim_end().to_owned() + "\n" } else { measured_engine()? };
    let pipes = if part == Some(Part::Engine) { pipes.to_owned() } else { pipes::section()? };
    std::fs::write(&path, format!("{engine}\n{pipes}"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    progress::ready(&format!("{}", path.display()));
    Ok(())
}

pub(crate) use pipes::run_and_tell;

/// The document up to what is said of pipes.
fn measured_engine() -> anyhow::Result<String> {
    let module = wasm::bench()?;
    progress::run(
        "building the native benchmarks",
        cargo::command().args(["bench", "--locked", "--package", "bench", "--no-run"]),
    )?;
    let in_v8 = v8(&module)?;
    progress::run(
        "measuring natively",
        cargo::command().args(["bench", "--locked", "--package", "bench", "--bench", "engine"]),
    )?;
    let memory = said(
        "counting memory",
        cargo::command().args([
            "run",
            "--quiet",
            "--locked",
            "--release",
            "--package",
            "bench",
            "--bin",
            "memory",
        ]),
    )?;
    document(&in_v8, &native()?, &memory)
}

fn v8(module: &Path) -> anyhow::Result<Value> {
    if paths::on_path("node").is_none() {
        progress::step("installing Node.js", |step| debian::install(step, &["nodejs"]))?;
    }
    let script = paths::root().join("bench/v8/run.mjs");
    let text = said("measuring in V8", Command::new("node").arg(script).arg(module))?;
    serde_json::from_str(&text).context("what the harness said is no JSON")
}

/// What a command writes to its standard output.
fn said(title: &str, command: &mut Command) -> anyhow::Result<String> {
    progress::step(title, |_| {
        let output = command.stderr(std::process::Stdio::inherit()).output()?;
        anyhow::ensure!(output.status.success(), "{} failed", progress::shown(command));
        Ok(String::from_utf8(output.stdout)?)
    })
}

/// The medians that criterion has left, of both engines.
fn native() -> anyhow::Result<(Vec<Rate>, f64)> {
    let nanoseconds = |of: String| -> anyhow::Result<(f64, f64)> {
        let file = |name: &str| paths::target().join("criterion").join(&of).join("new").join(name);
        let read = |name: &str| -> anyhow::Result<Value> {
            let file = file(name);
            let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok(serde_json::from_slice(&text)?)
        };
        let median = read("estimates.json")?.pointer("/median/point_estimate").and_then(Value::as_f64);
        let bytes = read("benchmark.json")?.pointer("/throughput/Bytes").and_then(Value::as_f64);
        Ok((median.context("criterion has no median")?, bytes.unwrap_or(0.0)))
    };
    let mut rates = Vec::new();
    for program in 0..PROGRAMS.len() {
        for (at, (size, _)) in SIZES.iter().enumerate() {
            let rate = |engine: &str| {
                let (time, bytes) = nanoseconds(format!("program {program}/{engine}/{size}"))?;
                anyhow::Ok(bytes * 1_000.0 / time)
            };
            rates.push(Rate { program, size: at, ours: rate("ambassador")?, jaq: rate("jaq")? });
        }
    }
    Ok((rates, nanoseconds("compile/ambassador".to_owned())?.0 / 1_000.0))
}

fn document(in_v8: &Value, native: &(Vec<Rate>, f64), memory: &str) -> anyhow::Result<String> {
    let number = |value: &Value, at: usize| value.get(at).and_then(Value::as_f64).unwrap_or(0.0);
    let rows = |name: &str| in_v8.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let whole = |value: &Value, at: usize| value.get(at).and_then(Value::as_u64).unwrap_or(0);
    let rates: Vec<Rate> = rows("rates")
        .iter()
        .map(|row| Rate {
            program: usize::try_from(whole(row, 0)).unwrap_or(0),
            size: SIZES.iter().position(|(size, _)| *size == whole(row, 1)).unwrap_or(0),
            ours: number(row, 2),
            jaq: number(row, 3),
        })
        .collect();
    anyhow::ensure!(rates.len() == PROGRAMS.len() * SIZES.len(), "the harness measured something else");
    let worst = rows("worst").iter().map(|row| number(row, 1)).fold(0.0, f64::max);
    let mut text = format!(
        "# Benchmarks\n\n\
        <!-- Written by `cargo xtask bench`. -->\n\n\
        The engine beside jaq {}, both built for speed by the same flags and measured in one run, in which they take turns. Bodies are\n\
        arrays of records with numbers, strings and nested objects; a run reads the body, runs the program and writes what it\n\
        gives. Medians, in MB of body a second of CPU. On {}, Rust {}, Node.js {} (V8 {}).\n\n\
        The ratios say more than the rates, which are those of this machine.\n",
        jaq_version()?,
        machine(),
        rust_version(),
        in_v8.get("node").and_then(Value::as_str).unwrap_or_default(),
        in_v8.get("v8").and_then(Value::as_str).unwrap_or_default(),
    );
    text += "\n## In V8, as the plugin is built\n\n";
    text += &table(&rates, true);
    text += "\n## Native\n\n";
    text += &table(&native.0, false);
    let compile = in_v8.get("compile").and_then(Value::as_f64).unwrap_or(0.0);
    let _ = write!(
        text,
        "\n## Compiling\n\nThe second program is compiled in {compile:.0} µs in V8 and {:.0} µs natively; at most 100 is promised.\n\n\
        ## What hostile programs cost\n\nOf the {} programs of `ambassador-jq/tests/cases/hostile.txt` the slowest reaches a limit after {worst:.0} ms of CPU in\n\
        V8; at most 250 is promised.\n",
        native.1,
        rows("worst").len(),
    );
    text += "\n## Peak memory\n\nOn top of the body, counted by the allocator natively, and by how much V8's memory grew in the first run; at most 8 times\n\
        the body is promised.\n\n| program | body | native peak | times the body | growth in V8 |\n|---|---|---|---|---|\n";
    for (line, grown) in memory.lines().zip(rows("memory")) {
        let numbers: Vec<u32> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [program, body, peak] = numbers[..] else { anyhow::bail!("no numbers: {line}") };
        let name = PROGRAMS.get(program as usize).map_or("", |(text, _)| *text);
        let times = f64::from(peak) / f64::from(body);
        let _ = writeln!(text, "| {} | {body} | {peak} | {times:.1} | {} |", code(name), whole(&grown, 2));
    }
    text += "\n## Linearity\n\nThe cost of a byte at 1 MB, as a multiple of that at 10 KB: at most twice it is what linear means here, caches being what\n\
        they are.\n\n| program | V8 | native |\n|---|---|---|\n";
    for (program, (name, _)) in PROGRAMS.iter().enumerate() {
        let growth = |rates: &[Rate]| {
            let of = |size: usize| rates.get(program * SIZES.len() + size).map_or(1.0, |rate| rate.ours);
            of(1) / of(3)
        };
        let _ = writeln!(text, "| {} | {:.2} | {:.2} |", code(name), growth(&rates), growth(&native.0));
    }
    Ok(text)
}

/// Programs as rows, with what is promised if that counts here.
fn table(rates: &[Rate], promised: bool) -> String {
    let mut text = String::from("| program | body | ours | jaq | ratio |");
    text += if promised { " promised |\n|---|---|---|---|---|---|\n" } else { "\n|---|---|---|---|---|\n" };
    for rate in rates {
        let (program, least) = PROGRAMS.get(rate.program).copied().unwrap_or_default();
        let size = SIZES.get(rate.size).map_or("", |(_, name)| *name);
        let ratio = rate.ours / rate.jaq;
        let _ =
            write!(text, "| {} | {size} | {:.0} | {:.0} | {ratio:.1} |", code(program), rate.ours, rate.jaq);
        let _ = if promised { writeln!(text, " {least} |") } else { writeln!(text) };
    }
    text
}

/// A program in a cell of a table.
fn code(program: &str) -> String {
    format!("`{}`", program.replace('|', "\\|"))
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} with {cores} cores", model.map_or("an unknown CPU", |(_, name)| name))
}

fn rust_version() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn jaq_version() -> anyhow::Result<String> {
    let lock = std::fs::read_to_string(paths::root().join("Cargo.lock"))?;
    let version = lock.split_once("name = \"jaq-core\"\nversion = \"").map(|(_, rest)| rest);
    let version = version.and_then(|rest| rest.split('"').next()).context("Cargo.lock has no jaq-core")?;
    Ok(version.to_owned())
}
