//! `docs/cli.md`, made of what the command line says of itself. `cargo xtask codegen` writes it.

use std::fmt::Write as _;

use clap::builder::PossibleValue;
use clap::{Arg, Command, CommandFactory as _};
use expect_test::expect_file;

use crate::Cli;

const HEAD: &str = "# Commands

Generated from the program by `cargo xtask codegen`; `kubectl ambassador COMMAND --help` says the same.

Data goes to stdout, talk to stderr. What a command is about is named as in kubectl: `TYPE/NAME`, `TYPE NAME`, a `NAME`
alone (a pod, else the one workload of that name), or `-l LABELS`; several at once are gone through in turn, up to the first
that fails. What something else has made leads to that: a pod to its Deployment. `-A` goes with `-l` or `--all`, and not
with `inject`: a port map that is right for one namespace may be wrong for another.

Without `-o`, a line an object, or a finding, is for people; `-o yaml`, `json` and `name` are for programs. There is no
`-o table` and no `-o wide`, as `kubectl apply` and `kubectl diff` have none: nothing more is known than these lines say.
`--wait=false` returns when the change is sent: it is not watched, not tried and not taken back, and Services whose numeric
`targetPort` is to change stay as they are until the same command is run again.

| exit code | means |
|---|---|
| 0 | done, or nothing to do |
| 1 | it failed, and nothing was changed |
| 2 | the command line or a file is wrong |
| 3 | it failed, and what had been changed was put back |
| 4 | it failed midway and needs a person; the command that helps is printed |

It is the same in every output format. With several objects, it is about the one that failed; those before it are done,
and printed.
";

/// The heading of the flags that all commands have which talk to a cluster.
const CLUSTER: &str = "Cluster";

/// The whole page.
fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut page = HEAD.to_owned();
    let commands: Vec<&Command> = cli.get_subcommands().filter(|command| is_told(command)).collect();
    page.push_str("\n| command | what it does |\n|---|---|\n");
    for command in &commands {
        let name = command.get_name();
        _ = writeln!(page, "| [`{name}`](#{name}) | {} |", about(command));
    }
    for command in &commands {
        section(&mut page, command, 2);
    }
    if let Some(command) = commands.iter().find(|command| command.get_arguments().any(is_about_the_cluster)) {
        page.push_str("\n## Flags about the cluster\n\nNamed and meant as kubectl's.\n\n");
        table(&mut page, command.get_arguments().filter(|arg| is_about_the_cluster(arg)));
    }
    page
}

fn section(page: &mut String, command: &Command, level: usize) {
    let name = command.get_bin_name().unwrap_or_default().trim_start_matches("kubectl ambassador ");
    _ = writeln!(page, "\n{} {name}\n\n{}.", "#".repeat(level), about(command));
    let usage = command.clone().render_usage().to_string();
    _ = writeln!(page, "\n```text\n{}\n```", usage.trim_start_matches("Usage: "));
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !is_about_the_cluster(arg) && arg.get_id() != "help")
        .collect();
    if !own.is_empty() {
        page.push('\n');
        table(page, own.into_iter());
    }
    if command.get_arguments().any(is_about_the_cluster) {
        page.push_str("\nAnd [those about the cluster](#flags-about-the-cluster).\n");
    }
    let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (text, examples) = more.split_once("Examples:\n").unwrap_or((&more, ""));
    if !text.trim().is_empty() {
        _ = writeln!(page, "\n{}", text.trim());
    }
    if !examples.is_empty() {
        let lines = examples.trim_end().lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
        _ = writeln!(page, "\n```sh\n{}\n```", lines.collect::<Vec<_>>().join("\n"));
    }
    for command in command.get_subcommands().filter(|command| is_told(command)) {
        section(page, command, level + 1);
    }
}

fn table<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    page.push_str("| flag | what it says |\n|---|---|\n");
    for arg in args {
        let mut help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let values: Vec<PossibleValue> =
            arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect();
        // Those of a flag without value are true and false.
        if arg.get_action().takes_values() && !values.is_empty() && arg.get_id() != "insecure_skip_tls_verify"
        {
            let values = values.iter().map(|value| match value.get_help() {
                Some(help) => format!("`{}` ({})", value.get_name(), lower(&help.to_string())),
                None => format!("`{}`", value.get_name()),
            });
            _ = write!(help, ": {}", values.collect::<Vec<_>>().join(", "));
        }
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if arg.get_action().takes_values() && !default.is_empty() {
            _ = write!(help, " [default: {}]", default.join(" "));
        }
        let cell = help.replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|");
        let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        _ = writeln!(page, "| `{short}{}` | {cell} |", arg.to_string().replace('|', "\\|"));
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default().replace('|', "\\|")
}

fn is_told(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn is_about_the_cluster(arg: &Arg) -> bool {
    arg.get_help_heading() == Some(CLUSTER)
}

/// As it stands within a sentence: words in capitals stay.
fn lower(text: &str) -> String {
    let mut characters = text.chars();
    let first =
        characters.next().filter(|_| characters.as_str().starts_with(|next: char| !next.is_uppercase()));
    first.map_or_else(|| text.to_owned(), |first| format!("{}{}", first.to_lowercase(), characters.as_str()))
}

#[test]
fn the_page_about_commands_is_up_to_date() {
    expect_file!["../../docs/cli.md"].assert_eq(&page());
}

/// All commands, with the ones inside of them.
fn all(command: &Command) -> Vec<Command> {
    let inner = command.get_subcommands().filter(|command| is_told(command)).flat_map(all);
    std::iter::once(command.clone()).chain(inner).collect()
}

#[test]
fn every_command_has_examples_that_it_understands() {
    let mut cli = Cli::command();
    cli.build();
    for command in all(&cli).into_iter().skip(1).filter(|command| !command.has_subcommands()) {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{name}: no examples"));
        let lines = examples.lines().filter_map(|line| line.split_once("kubectl ambassador "));
        let mut count = 0;
        for (before, line) in lines.filter(|(before, _)| !before.trim_start().starts_with('#')) {
            let within = before.ends_with('(');
            let line = if within { line.split(')').next().unwrap_or_default() } else { line };
            let words = shlex::split(line).unwrap_or_else(|| panic!("{name}: {line}"));
            let ends = |word: &String| matches!(word.as_str(), "|" | ">" | "<" | "&&" | "||" | ";");
            let words = words.split(ends).next().unwrap_or_default().iter().map(String::as_str);
            let parsed =
                Cli::command().try_get_matches_from(std::iter::once("kubectl-ambassador").chain(words));
            if let Err(error) = parsed {
                panic!("{name}: {line}: {error}");
            }
            count += 1;
        }
        assert!(count > 0, "{name}: no example");
    }
}

#[test]
fn every_flag_says_what_it_is_for() {
    let mut cli = Cli::command();
    cli.build();
    for command in all(&cli) {
        for arg in command.get_arguments() {
            let said = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let name = format!("{} {arg}", command.get_bin_name().unwrap_or_default());
            assert!(!said.is_empty(), "{name} has no help");
            assert!(!said.ends_with('.'), "{name}: a final dot");
        }
    }
}
