//! Puts the plugin inside the CLI: the module that `AMBASSADOR_PLUGIN_WASM` names, as `cargo xtask build` sets it,
//! or nothing, so that plain cargo works without a wasm32 toolchain.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=AMBASSADOR_PLUGIN_WASM");
    let plugin =
        if let Some(path) = std::env::var_os("AMBASSADOR_PLUGIN_WASM").filter(|path| !path.is_empty()) {
            PathBuf::from(path)
        } else {
            let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
            let empty = PathBuf::from(out).join("no-plugin.wasm");
            std::fs::write(&empty, []).expect("OUT_DIR can be written to");
            empty
        };
    println!("cargo::rerun-if-changed={}", plugin.display());
    println!("cargo::rustc-env=AMBASSADOR_PLUGIN_FILE={}", plugin.display());
}
