//! `cargo xtask size`: what each part of the module costs, in bytes, as `docs/size.md`.

use std::fmt::Write as _;

use anyhow::Context as _;

use crate::{paths, wasm};

/// All that a module can do beyond what is always there, as features of `plugin-wasm`.
const ALL: [(&str, &str); 5] = [
    ("br", "Brotli, with its dictionary of 122,784 bytes"),
    ("zstd", "Zstandard"),
    ("xml", "XML"),
    ("csv", "CSV and TSV"),
    ("yaml-body", "YAML"),
];

/// Builds the module without each part in turn, and writes down the differences.
pub(crate) fn run() -> anyhow::Result<()> {
    let features = |without: &str| {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).filter(|name| *name != without).collect();
        names.join(",")
    };
    let whole = wasm::size_with(&features(""), &[])?;
    let mut rows = String::new();
    for (name, what) in ALL {
        let without = wasm::size_with(&features(name), &[])?;
        let _ = writeln!(rows, "| {what} | {} |", thousands(whole.saturating_sub(without)));
    }
    let small = ["--config", "profile.wasm.package.ambassador-jq-machine.opt-level=\"z\""];
    let for_size = wasm::size_with(&features(""), &small)?;
    let _ = writeln!(
        rows,
        "| `ambassador-jq-machine` built for speed, not for size | {} |",
        thousands(whole.saturating_sub(for_size))
    );
    let rest = wasm::size_with("", &[])?;
    let _ = writeln!(
        rows,
        "| all else: the engine, rules, the exchange, JSON, NDJSON, text, forms, Prometheus, gzip and deflate | {} |",
        thousands(rest)
    );
    let text = format!(
        "# What the module costs\n\n\
        <!-- Written by `cargo xtask size`. -->\n\n\
        `plugin.wasm` has {} bytes of the 1,000,000 that `cargo xtask build` lets it have; a ConfigMap holds 1 MiB. Each part is\n\
        measured by leaving it out, so what two parts share counts for neither.\n\n\
        | part | bytes |\n|---|---|\n{rows}\n\
        A module without the parts that have a feature of their own is built by\n\
        `cargo build --package plugin-wasm --no-default-features`. The aims are 524,288 bytes, and 190,000 for one whose ConfigMap\n\
        a client-side `kubectl apply` could record.\n",
        thousands(whole)
    );
    let path = paths::root().join("docs/size.md");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// `1,234,567`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
