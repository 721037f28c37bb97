//! The plugin that this program carries, in two flavours of which the smaller one does for most configs, or another one
//! from a file.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use ambassador_core::config::{Config, Flavour};
use sha2::{Digest as _, Sha256};

use crate::carried::{self, Carried};
use crate::failure::{Failure, Result};
use crate::source;

/// Far more than fits into a ConfigMap, since an image may have it instead.
const LARGEST: u64 = 16 << 20;

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
    module: Module,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: String,
}

#[derive(Debug, Clone)]
enum Module {
    /// Unpacked by who needs it: most need the hash alone.
    Carried(&'static Carried),
    Read(Vec<u8>),
}

impl Plugin {
    /// The smallest of those that this program carries which does all that the config says.
    pub(crate) fn embedded_for(config: &Config) -> Result<Self> {
        let small = Self::carried(&carried::PLUGIN_JSON).filter(|_| config.flavour() == Flavour::Json);
        small.or_else(|| Self::carried(&carried::PLUGIN)).ok_or_else(|| {
            Failure::unchanged("this build of kubectl-ambassador carries no plugin")
                .hint("build it with `cargo xtask build`, or name a module with --plugin-file")
        })
    }

    /// All that this program carries, the smallest first; none in a build for development.
    pub(crate) fn all() -> Vec<Self> {
        [&carried::PLUGIN_JSON, &carried::PLUGIN].into_iter().filter_map(Self::carried).collect()
    }

    fn carried(carried: &'static Carried) -> Option<Self> {
        let module = Module::Carried(carried);
        carried.is_there().then(|| Self { module, sha256: carried.sha256.to_owned() })
    }

    fn new(module: Vec<u8>) -> Self {
        Self { sha256: hex(&module), module: Module::Read(module) }
    }

    /// The same without its bytes, which are many, for plans that need but its name.
    pub(crate) fn stub(&self) -> Self {
        Self { module: Module::Read(Vec::new()), sha256: self.sha256.clone() }
    }

    /// The module.
    pub(crate) fn module(&self) -> Cow<'_, [u8]> {
        match &self.module {
            Module::Carried(carried) => Cow::Owned(carried.unpacked()),
            Module::Read(module) => Cow::Borrowed(module),
        }
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        match &self.module {
            Module::Carried(carried) => carried.len(),
            Module::Read(module) => module.len(),
        }
    }

    /// What it is, in a few words.
    pub(crate) fn flavour(&self) -> &'static str {
        match self.sha256.as_str() {
            hash if hash == carried::PLUGIN_JSON.sha256 => "plugin for JSON and text",
            hash if hash == carried::PLUGIN.sha256 => "plugin with all formats",
            _ => "plugin from a file",
        }
    }

    /// The ConfigMap that holds it: named by its content, so that it never changes and pods can share it.
    pub(crate) fn config_map(&self) -> String {
        format!("ambassador-plugin-{}", self.sha256.get(..12).unwrap_or_default())
    }

    /// One of no use to Envoy.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self { module: Module::Read(b"\0asm".to_vec()), sha256: "0123456789abcdef".to_owned() }
    }
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
