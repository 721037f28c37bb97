//! Puts what the CLI carries inside it: the plugin in both its flavours, and the playground page with its module, from the
//! files that variables name, as `cargo xtask build` sets them. What is not named is left out, so that plain cargo works
//! without a wasm32 toolchain.
//!
//! All of it is one Brotli stream, since three modules made of the same crates have much in common: that is 260 KB less for
//! the plugins alone than deflate makes of each. Hashes and places are beside it, so that who needs but these need not unpack.

use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// What is inside, and the variable that names its file; the smallest that most commands want comes first.
const PARTS: [(&str, &str); 4] = [
    ("PLUGIN_JSON", "AMBASSADOR_PLUGIN_JSON_WASM"),
    ("PLUGIN", "AMBASSADOR_PLUGIN_WASM"),
    ("PAGE", "AMBASSADOR_PLAYGROUND_PAGE"),
    ("PAGE_MODULE", "AMBASSADOR_PLAYGROUND_WASM"),
];

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut all = Vec::new();
    let mut places = String::new();
    for (inside, given) in PARTS {
        println!("cargo::rerun-if-env-changed={given}");
        let part = match std::env::var_os(given).filter(|path| !path.is_empty()).map(PathBuf::from) {
            Some(path) => {
                println!("cargo::rerun-if-changed={}", path.display());
                std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            }
            None => Vec::new(),
        };
        let mut hash = String::new();
        if !part.is_empty() {
            for byte in Sha256::digest(&part) {
                write!(hash, "{byte:02x}").expect("a String takes all");
            }
        }
        let (at, length) = (all.len(), part.len());
        writeln!(places, "/// From `{given}`.\npub(crate) static {inside}: Carried = Carried {{ at: {at}, length: {length}, sha256: \"{hash}\" }};")
            .expect("a String takes all");
        all.extend(part);
    }
    let leave = |name: &str, bytes: &[u8]| {
        std::fs::write(out.join(name), bytes).expect("OUT_DIR can be written to");
    };
    leave("carried.rs", places.as_bytes());
    leave("carried.br", &compressed(&all));
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    // Builds for development are not waited for.
    let quality = if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") { 11 } else { 2 };
    let parameters =
        brotli::enc::BrotliEncoderParams { quality, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &parameters).expect("a Vec takes all");
    compressed
}
