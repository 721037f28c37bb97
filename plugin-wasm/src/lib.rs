//! The Proxy-Wasm filter: a thin shell that hands Envoy's events to `ambassador-core` and carries out its steps.
//!
//! What happens to an exchange is decided there, not here. All calls to the host are in [`host`].

mod filter;
mod host;
mod metrics;

use proxy_wasm::traits::RootContext;
use proxy_wasm::types::LogLevel;

// The macro's exports carry `#[no_mangle]`.
#[allow(unsafe_code, missing_docs)]
mod entry {
    use super::{LogLevel, RootContext, filter};

    proxy_wasm::main! {{
        proxy_wasm::set_log_level(LogLevel::Warn);
        proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(filter::Root::default()) });
    }}
}
