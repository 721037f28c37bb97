//! `kubectl ambassador`: puts an Envoy ambassador into a pod, takes it out again, and tries its rules.

mod admission;
mod annotation;
mod carried;
mod cluster;
mod commands;
mod completion;
mod duration;
mod envoy;
mod failure;
mod findings;
mod haproxy;
mod journal;
mod leftovers;
mod names;
mod offline;
mod output;
mod places;
mod plan;
mod plugin;
mod quantity;
mod recreate;
#[cfg(test)]
mod reference;
mod replace;
mod report;
mod rollout;
mod signals;
mod source;
mod survey;
mod verify;
mod versions;
mod workload;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Put an Envoy ambassador into pods: it maps ports and reshapes answers by jq rules
#[derive(Parser)]
#[command(name = "kubectl-ambassador", bin_name = "kubectl ambassador", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inject(commands::inject::Args),
    Uninject(commands::uninject::Args),
    Resume(commands::resume::Args),
    Check(commands::check::Args),
    Diff(commands::diff::Args),
    Convert(commands::convert::Args),
    Render(commands::render::Args),
    Test(commands::test::Args),
    Playground(commands::playground::Args),
    Completion(commands::completion::Args),
    Version(commands::version::Args),
    Plugin(commands::plugin::Args),
}

fn main() -> std::process::ExitCode {
    if completion::answer(Cli::command) {
        return std::process::ExitCode::SUCCESS;
    }
    let result = match Cli::parse().command {
        Command::Completion(args) => commands::completion::run(&args),
        Command::Version(args) => commands::version::run(args),
        Command::Check(args) => commands::check::run(&args),
        Command::Convert(args) => commands::convert::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Render(args) => commands::render::run(&args),
        Command::Plugin(args) => commands::plugin::run(&args),
        Command::Test(args) => commands::test::run(&args),
        Command::Playground(args) => cluster::block_on(commands::playground::run(&args)),
        Command::Inject(args) => commands::inject::run(&args),
        Command::Resume(args) => cluster::block_on(commands::resume::run(&args)),
        Command::Uninject(args) => commands::uninject::run(&args),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_makes_sense_to_clap() {
        super::Cli::command().debug_assert();
    }
}
