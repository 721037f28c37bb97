//! The project's only build tool: `cargo xtask`.

mod bench;
mod cargo;
mod cluster;
mod codegen;
mod debian;
mod demo;
mod deny;
mod dist;
mod docs;
mod envoy;
mod fuzz;
mod go_tools;
mod images;
mod legacy;
mod node;
mod paths;
mod playground;
mod progress;
mod python;
mod release;
mod setup;
mod size;
mod test;
#[cfg(test)]
mod tidy;
mod wasm;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Builds, tests and shows Ambassador. Each command sets up what it needs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the main job: the lab's pod, one command, the answer on port 80 and reshaped
    Demo(demo::Args),
    /// Run all tests, against a real Envoy and a real cluster
    Test(test::Args),
    /// Write the files that are generated from the code
    Codegen {
        /// Only say whether they are stale
        #[arg(long)]
        check: bool,
    },
    /// Build the plugin's flavours, the playground and kubectl-ambassador into target/dist
    Build,
    /// Build archives for all systems, with checksums, SBOMs and krew's manifest, into target/release-archives
    Release(release::Args),
    /// Build the page that tries rules in a browser into target/playground, and serve it on this machine
    Playground(playground::Args),
    /// Look for inputs that break the engine's promises, by libFuzzer
    Fuzz(fuzz::Args),
    /// Measure the engine beside jaq and injection beside istioctl, and write docs/benchmarks.md
    Bench {
        /// Only this part
        part: Option<bench::Part>,
    },
    /// Run a command and print what it used (for `bench`)
    #[command(hide = true)]
    Spent { command: Vec<PathBuf> },
    /// Measure what each part of the module costs, and write docs/size.md
    Size,
    /// Build the papers as a site into target/book
    Docs(docs::Args),
    /// Get everything that the other commands need, once
    Setup,
    /// Run a real one-node Kubernetes cluster on this machine
    Cluster {
        #[command(subcommand)]
        command: Cluster,
    },
}

#[derive(Subcommand)]
enum Cluster {
    /// Start it, or find it running
    Up,
    /// Start API servers of other Kubernetes versions beside it, without nodes, or find them running
    Versions,
    /// Stop all of it and remove its state
    Down,
    /// Say whether it is up
    Status,
    /// Print the path of its kubeconfig
    Kubeconfig,
    /// Carry connections into its network namespace (started by `up`)
    #[command(hide = true)]
    Relay {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        netns: PathBuf,
    },
}

fn cluster(command: Cluster) -> anyhow::Result<()> {
    match command {
        Cluster::Up => {
            let cluster = cluster::up(images::all)?;
            println!("export KUBECONFIG={}", cluster.kubeconfig.display());
            Ok(())
        }
        Cluster::Versions => {
            cluster::control_planes_up()?;
            for plane in &cluster::CONTROL_PLANES {
                println!("export {}={}", plane.variable, plane.kubeconfig()?.display());
            }
            Ok(())
        }
        Cluster::Down => cluster::down(),
        Cluster::Status => cluster::status(),
        Cluster::Kubeconfig => {
            println!("{}", cluster::kubeconfig()?.display());
            Ok(())
        }
        Cluster::Relay { port, netns } => cluster::relay(port, &netns),
    }
}

fn main() {
    let result = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Codegen { check } => codegen::run(check),
        Command::Build => dist::build().map(drop),
        Command::Release(args) => release::run(&args),
        Command::Playground(args) => playground::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bench { part } => bench::run(part),
        Command::Spent { command } => bench::run_and_tell(&command),
        Command::Size => size::run(),
        Command::Docs(args) => docs::run(&args),
        Command::Setup => setup::run(),
        Command::Cluster { command } => cluster(command),
    };
    if let Err(error) = result {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}
