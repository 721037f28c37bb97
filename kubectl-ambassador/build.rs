//! Puts the plugin, in both its flavours, inside the CLI: the modules that `AMBASSADOR_PLUGIN_WASM` and
//! `AMBASSADOR_PLUGIN_JSON_WASM` name, as `cargo xtask build` sets them, or nothing, so that plain cargo works without a
//! wasm32 toolchain.

use std::path::PathBuf;

fn main() {
    for (given, inside) in [
        ("AMBASSADOR_PLUGIN_WASM", "AMBASSADOR_PLUGIN_FILE"),
        ("AMBASSADOR_PLUGIN_JSON_WASM", "AMBASSADOR_PLUGIN_JSON_FILE"),
    ] {
        println!("cargo::rerun-if-env-changed={given}");
        let plugin = if let Some(path) = std::env::var_os(given).filter(|path| !path.is_empty()) {
            PathBuf::from(path)
        } else {
            let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
            let empty = PathBuf::from(out).join("no-plugin.wasm");
            std::fs::write(&empty, []).expect("OUT_DIR can be written to");
            empty
        };
        println!("cargo::rerun-if-changed={}", plugin.display());
        println!("cargo::rustc-env={inside}={}", plugin.display());
    }
}
