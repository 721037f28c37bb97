//! `cargo xtask codegen`: files that are made from the code, committed so that others can read them.

use anyhow::{Context as _, bail};

use crate::{cargo, paths};

/// The test that compares the page about commands with the program, and writes it if it may.
const REFERENCE: &str = "the_page_about_commands_is_up_to_date";

/// Writes the generated files, or with `check` only says which are stale.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let schema = format!("{:#}\n", ambassador_core::config::json_schema());
    for (name, text) in [("docs/rules.schema.json", schema)] {
        let path = paths::root().join(name);
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        if there == text {
            continue;
        }
        if check {
            bail!("{name} is stale\nhint: cargo xtask codegen");
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {name}");
    }
    reference(check)
}

/// `docs/cli.md`. Only the program itself knows its flags, and this one is built without it: it would take minutes.
fn reference(check: bool) -> anyhow::Result<()> {
    let mut command = cargo::command();
    command.args(["test", "--quiet", "--locked", "--package", "kubectl-ambassador", REFERENCE]);
    if !check {
        command.env("UPDATE_EXPECT", "1");
    }
    let output = command.output().context("cannot run cargo")?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{said}docs/cli.md is stale\nhint: cargo xtask codegen");
    }
    if !said.contains("1 passed") {
        bail!("{said}there is no test {REFERENCE}");
    }
    Ok(())
}
