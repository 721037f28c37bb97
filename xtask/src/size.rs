//! `cargo xtask size`: what each part of the module costs, in bytes, as `docs/size.md`.

use std::fmt::Write as _;

use anyhow::Context as _;

use crate::{paths, wasm};

/// All that a module can do beyond what is always there, as features of `plugin-wasm`.
const ALL: [(&str, &str); 6] = [
    ("br", "Brotli, with its dictionary of 122,784 bytes"),
    ("zstd", "Zstandard"),
    ("xml", "XML"),
    ("csv", "CSV and TSV"),
    ("yaml-body", "YAML"),
    ("library", "regular expressions, times and the rarer functions of mathematics"),
];

/// Builds the module without each part in turn, and writes down the differences.
pub(crate) fn run() -> anyhow::Result<()> {
    let features = |without: &str| {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).filter(|name| *name != without).collect();
        names.join(",")
    };
    let full = wasm::size_with(&features(""), &[])?;
    let json = wasm::size_with("", &[])?;
    let mut rows = String::new();
    let mut row = |what: &str, bytes: u64, flavours: &str| {
        let _ = writeln!(rows, "| {what} | {} | {flavours} |", thousands(bytes));
    };
    for (name, what) in ALL {
        row(what, full.saturating_sub(wasm::size_with(&features(name), &[])?), "full");
    }
    let small = ["--config", "profile.wasm.package.ambassador-jq-machine.opt-level=\"z\""];
    let for_size = wasm::size_with("", &small)?;
    row("`ambassador-jq-machine` built for speed, not for size", json.saturating_sub(for_size), "both");
    row(
        "all else: the engine, rules, the exchange, JSON, NDJSON, text, forms, Prometheus, gzip and deflate",
        for_size,
        "both",
    );
    let text = format!(
        "# What the module costs\n\n\
        <!-- Written by `cargo xtask size`. -->\n\n\
        There are two flavours of the plugin, and `kubectl ambassador` takes the smaller one that does all that a config says:\n\n\
        | flavour | bytes | at most | for |\n|---|---|---|---|\n\
        | json | {} | {} | answers in JSON, NDJSON, text, forms, to those and to Prometheus, with gzip and deflate, by the usual library of jq |\n\
        | full | {} | {} | all formats and codings, bodies of requests, the whole library |\n\n\
        A ConfigMap holds 1 MiB. Each part is measured by leaving it out, so what two parts share counts for neither.\n\n\
        | part | bytes | flavour |\n|---|---|---|\n{rows}\n\
        The json flavour is built by `cargo build --package plugin-wasm --no-default-features`. What a ConfigMap may have that a\n\
        client-side `kubectl apply` can record, some 190,000 bytes, no flavour comes near.\n",
        thousands(json),
        thousands(wasm::LARGEST_JSON),
        thousands(full),
        thousands(wasm::LARGEST),
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
