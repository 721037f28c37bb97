//! The plugin that this program carries, in two flavours of which the smaller one does for most configs, or another one
//! from a file.

use std::fmt::Write as _;
use std::path::Path;

use ambassador_core::config::{Config, Flavour};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};
use crate::source;

/// Far more than fits into a ConfigMap, since an image may have it instead.
const LARGEST: u64 = 16 << 20;

static FULL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugin.wasm.z"));
static JSON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugin-json.wasm.z"));

/// Where the plugin of a command comes from.
#[derive(Debug)]
pub(crate) struct Plugins(Option<Plugin>);

impl Plugins {
    /// The one in this file, else those that this program carries.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else { return Ok(Self(None)) };
        let module = source::read_bytes(file, LARGEST)?;
        if !module.starts_with(b"\0asm") {
            return Err(Failure::usage(format!("{} is not a WebAssembly module", file.display())));
        }
        Ok(Self(Some(Plugin::new(module))))
    }

    /// The one for this config.
    pub(crate) fn choose(&self, config: &Config) -> Result<Plugin> {
        self.0.clone().map_or_else(|| Plugin::embedded_for(config), Ok)
    }
}

/// The module that Envoy runs, with its hash.
#[derive(Debug, Clone)]
pub(crate) struct Plugin {
    /// The module.
    pub(crate) module: Vec<u8>,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: String,
}

impl Plugin {
    /// The smallest of those that this program carries which does all that the config says.
    pub(crate) fn embedded_for(config: &Config) -> Result<Self> {
        let small = Some(JSON).filter(|_| config.flavour() == Flavour::Json);
        let module = small.into_iter().chain([FULL]).map(unpack).find(|module| !module.is_empty());
        let module = module.ok_or_else(|| {
            Failure::unchanged("this build of kubectl-ambassador carries no plugin")
                .hint("build it with `cargo xtask build`, or name a module with --plugin-file")
        })?;
        Ok(Self::new(module))
    }

    /// All that this program carries, the smallest first; none in a build for development.
    pub(crate) fn all() -> Vec<Self> {
        [JSON, FULL].map(unpack).into_iter().filter(|module| !module.is_empty()).map(Self::new).collect()
    }

    /// What it is, in a few words.
    pub(crate) fn flavour(&self) -> &'static str {
        match &self.module {
            module if *module == unpack(JSON) => "plugin for JSON and text",
            module if *module == unpack(FULL) => "plugin with all formats",
            _ => "plugin from a file",
        }
    }

    /// The ConfigMap that holds it: named by its content, so that it never changes and pods can share it.
    pub(crate) fn config_map(&self) -> String {
        format!("ambassador-plugin-{}", self.sha256.get(..12).unwrap_or_default())
    }

    fn new(module: Vec<u8>) -> Self {
        let sha256 = hex(&module);
        Self { module, sha256 }
    }
}

/// A module that this program carries; nothing if it was built without.
fn unpack(packed: &[u8]) -> Vec<u8> {
    miniz_oxide::inflate::decompress_to_vec_zlib(packed).unwrap_or_default()
}

/// The SHA-256 of `bytes` in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut text = String::with_capacity(64);
    for byte in digest {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
