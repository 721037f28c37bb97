//! The project's only build tool: `cargo xtask`.

mod debian;
mod dist;
mod envoy;
mod paths;
mod progress;
mod wasm;

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
    /// Build target/dist/plugin.wasm and target/dist/kubectl-ambassador
    Build,
}

fn main() {
    let result = match Cli::parse().command {
        Command::Build => dist::build().map(drop),
    };
    if let Err(error) = result {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}
