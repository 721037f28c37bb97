//! `kubectl ambassador completion`: a script by which a shell completes `kubectl-ambassador`.

use clap_complete::env::Shells;

use crate::completion::VARIABLE;
use crate::failure::{Failure, Result};
use crate::output;

/// Print the script by which a shell completes commands, flags and names
#[derive(clap::Args)]
#[command(
    after_help = "The script is for `kubectl-ambassador`, as a program of its own. `kubectl ambassador` is completed by kubectl,
which asks a program called kubectl_complete-ambassador: the same program under another name.

Examples:
  # Complete `kubectl ambassador`, by kubectl's own completion
  ln -s \"$(command -v kubectl-ambassador)\" ~/.local/bin/kubectl_complete-ambassador

  # Complete `kubectl-ambassador` in this shell
  source <(kubectl ambassador completion bash)

  # And in all later ones
  kubectl ambassador completion fish > ~/.config/fish/completions/kubectl-ambassador.fish"
)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
    };
    let program = "kubectl-ambassador";
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let shell = shells.completer(name).ok_or_else(|| Failure::usage(format!("unknown shell {name}")))?;
    shell
        .write_registration(VARIABLE, program, program, program, &mut script)
        .map_err(|error| Failure::unchanged(format!("cannot write the script: {error}")))?;
    output::print(&String::from_utf8_lossy(&script))
}
