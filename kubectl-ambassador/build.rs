//! Puts the plugin, in both its flavours, inside the CLI: the modules that `AMBASSADOR_PLUGIN_WASM` and
//! `AMBASSADOR_PLUGIN_JSON_WASM` name, as `cargo xtask build` sets them, or nothing, so that plain cargo works without a
//! wasm32 toolchain. They are compressed, to less than half, and their hashes are beside them, so that who needs but these
//! need not unpack.

use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

const BEST: u8 = 10;

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for (given, inside) in
        [("AMBASSADOR_PLUGIN_WASM", "plugin.wasm"), ("AMBASSADOR_PLUGIN_JSON_WASM", "plugin-json.wasm")]
    {
        println!("cargo::rerun-if-env-changed={given}");
        let module = match std::env::var_os(given).filter(|path| !path.is_empty()).map(PathBuf::from) {
            Some(path) => {
                println!("cargo::rerun-if-changed={}", path.display());
                std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            }
            None => Vec::new(),
        };
        let compressed = miniz_oxide::deflate::compress_to_vec_zlib(&module, BEST);
        let leave = |suffix: &str, bytes: &[u8]| {
            std::fs::write(out.join(format!("{inside}.{suffix}")), bytes).expect("OUT_DIR can be written to");
        };
        leave("z", &compressed);
        let mut hash = String::new();
        for byte in Sha256::digest(&module) {
            write!(hash, "{byte:02x}").expect("a String takes all");
        }
        leave("sha256", if module.is_empty() { b"" } else { hash.as_bytes() });
    }
}
