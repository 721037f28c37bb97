//! `cargo xtask codegen`: files that are made from the code, committed so that others can read them.

use anyhow::{Context as _, bail};

use crate::paths;

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
    Ok(())
}
