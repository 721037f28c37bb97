//! Injecting manifests in a pipe, beside `istioctl kube-inject`: the same files, in one run, in turns.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use super::manifests;
use crate::{dist, go_tools, paths, progress};

/// The headline of the section.
pub(super) const TITLE: &str = "## Injecting manifests";

/// How many documents a file has, and how often it is injected.
const FILES: [(usize, usize); 4] = [(1, 15), (100, 15), (1_000, 7), (10_000, 3)];

/// What a run of a program took.
#[derive(Debug, Clone, Copy)]
struct Spent {
    /// CPU of the user and of the system, in milliseconds.
    cpu: f64,
    /// The most memory that it had at a time, in MB.
    memory: f64,
}

/// What was measured with a file.
struct Row {
    documents: usize,
    ours: Vec<Spent>,
    istioctl: Vec<Spent>,
}

/// Measures; gives the section of the document.
pub(super) fn section() -> anyhow::Result<String> {
    let cli = dist::build()?.cli;
    let istioctl = go_tools::istioctl()?;
    let dir = paths::target().join("bench");
    std::fs::create_dir_all(&dir)?;
    let configs = configs(&istioctl, &dir)?;
    let mut rows = Vec::new();
    for (documents, times) in FILES {
        let file = dir.join(format!("manifests-{documents}.yaml"));
        std::fs::write(&file, manifests::documents(documents))?;
        let row = progress::step(&format!("injecting {documents} documents, {times} times"), |_| {
            let mut row = Row { documents, ours: Vec::new(), istioctl: Vec::new() };
            for _ in 0..times {
                row.ours.push(spent(Command::new(&cli).args(["inject", "-f"]).arg(&file))?);
                // Without a revision it would ask a cluster for one, and wait.
                let mut istioctl = Command::new(&istioctl);
                istioctl.args(["kube-inject", "--revision=default"]).args(&configs).arg("-f").arg(&file);
                row.istioctl.push(spent(&mut istioctl)?);
            }
            anyhow::Ok(row)
        })?;
        rows.push(row);
    }
    Ok(document(&rows))
}

/// What istioctl puts in, without a cluster: as its own installation would have it.
fn configs(istioctl: &Path, dir: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new(istioctl).args(["manifest", "generate"]).stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "istioctl manifest generate failed");
    let text = String::from_utf8(output.stdout)?;
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).context("istioctl gave no YAML")?;
    let config = |map: &str, key: &str| {
        let map =
            objects.iter().find(|object| object["kind"] == "ConfigMap" && object["metadata"]["name"] == map);
        map.and_then(|map| map["data"][key].as_str()).with_context(|| format!("istioctl has no {key}"))
    };
    let mut flags = Vec::new();
    for (flag, map, key) in [
        ("injectConfigFile", "istio-sidecar-injector", "config"),
        ("valuesFile", "istio-sidecar-injector", "values"),
        ("meshConfigFile", "istio", "mesh"),
    ] {
        let file = dir.join(flag);
        std::fs::write(&file, config(map, key)?)?;
        flags.push(format!("--{flag}={}", file.display()));
    }
    Ok(flags)
}

/// Runs a command by a process of its own, whose children's use is that of this one alone.
fn spent(command: &mut Command) -> anyhow::Result<Spent> {
    let output = Command::new(std::env::current_exe()?)
        .arg("spent")
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args())
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "{} failed", progress::shown(command));
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [cpu, memory] = numbers[..] else { anyhow::bail!("no numbers: {text}") };
    Ok(Spent { cpu, memory })
}

/// `cargo xtask spent`: runs a command without its output; prints its milliseconds of CPU and its MB of memory.
pub(crate) fn run_and_tell(command: &[PathBuf]) -> anyhow::Result<()> {
    let [program, args @ ..] = command else { anyhow::bail!("no command") };
    let output = Command::new(program).args(args).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success() && !output.stdout.is_empty(), "{}: {said}", program.display());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time() + usage.system_time();
    let microseconds =
        f64::from(i32::try_from(cpu.tv_sec())?) * 1e6 + f64::from(i32::try_from(cpu.tv_usec())?);
    println!("{} {}", microseconds / 1e3, f64::from(i32::try_from(usage.max_rss())?) / 1024.0);
    Ok(())
}

fn document(rows: &[Row]) -> String {
    let mut text = format!(
        "{TITLE}\n\n\
        `kubectl ambassador inject -f FILE` beside `istioctl kube-inject -f FILE` {},\n\
        which puts in what `istioctl manifest generate` has for it. Both run without a cluster, on the same files, in one run, in\n\
        which they take turns. A file has a Deployment, a Service and a ConfigMap of one program after the other, so about a third\n\
        of its documents is injected. Milliseconds of CPU, of the user and of the system, for a whole run of the program, its start\n\
        among them, and MB of memory at the peak; ratios are those of the medians, and at least 5 is promised. `linkerd inject` is\n\
        not here: there is no Go module to build it from. On {}.\n\n\
        | documents | ours, least | median | memory | istioctl, least | median | memory | ratio |\n\
        |---|---|---|---|---|---|---|---|\n",
        go_tools::ISTIO_VERSION,
        super::machine(),
    );
    for row in rows {
        let (ours, istioctl) = (cpu(&row.ours), cpu(&row.istioctl));
        let peak = |spent: &[Spent]| spent.iter().map(|spent| spent.memory).fold(0.0, f64::max);
        let ratio = median(&istioctl) / median(&ours);
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {ratio:.1} |",
            row.documents,
            least(&ours),
            median(&ours),
            peak(&row.ours),
            least(&istioctl),
            median(&istioctl),
            peak(&row.istioctl),
        );
    }
    let costs = rows.iter().skip(1).map(|row| {
        let documents = f64::from(u32::try_from(row.documents).unwrap_or(1));
        format!("{:.0} µs in a file of {}", least(&cpu(&row.ours)) * 1e3 / documents, row.documents)
    });
    let _ = writeln!(
        text,
        "\nThe cost grows with the documents: one takes {}.\n\
        All of a file is in memory, old and new, since nothing is written before all of it is known to be right.",
        costs.collect::<Vec<_>>().join(", ")
    );
    text
}

fn cpu(spent: &[Spent]) -> Vec<f64> {
    let mut all: Vec<f64> = spent.iter().map(|spent| spent.cpu).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn least(sorted: &[f64]) -> f64 {
    sorted.first().copied().unwrap_or(0.0)
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
