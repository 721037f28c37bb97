//! What the end-to-end tests stand on: a real Envoy, a scripted legacy program, a real cluster, real clients.
//!
//! Every thing a test starts has ports, folders and a namespace of its own and ends with it. With
//! `AMBASSADOR_E2E_KEEP=1` folders and namespaces stay.

pub mod bench;
pub mod curl;
pub mod envoy;
pub mod faults;
pub mod h2;
pub mod kube;
pub mod names;
pub mod process;
pub mod upstream;
pub mod webhook;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program or file that `cargo xtask test` has set up, by the name of the variable that tells where it is.
///
/// # Panics
///
/// If the variable is not set: nothing is skipped in silence.
pub fn provided(variable: &str) -> PathBuf {
    std::env::var_os(variable)
        .map_or_else(|| panic!("{variable} is not set: run these tests by `cargo xtask test`"), PathBuf::from)
}

/// Whether what tests leave behind is to be kept.
pub fn keep() -> bool {
    std::env::var_os("AMBASSADOR_E2E_KEEP").is_some_and(|value| value == "1")
}

/// Makes a key, and a certificate of it that holds for the name and for loopback; gives their files.
///
/// # Panics
///
/// If openssl cannot.
pub fn certificate(dir: &Path, name: &str) -> (String, String) {
    let file = |kind: &str| dir.join(format!("{name}.{kind}")).to_string_lossy().into_owned();
    let (key, certificate) = (file("key"), file("crt"));
    let (subject, also) = (format!("/CN={name}"), "subjectAltName=IP:127.0.0.1");
    let files = ["-keyout", &key, "-out", &certificate];
    let new =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    process::run(Command::new("openssl").args(new).args(["-subj", &subject, "-addext", also]).args(files))
        .ok();
    (key, certificate)
}

/// A port of loopback that is free now, and that no other test of this process was given.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    // Below the ports that the kernel gives to clients, so that none of those takes it in between.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 20_000 + u16::try_from(std::process::id() % 4_000).unwrap_or(0) * 2;
    for _ in 0..2_000 {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed) % 4_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {base} on");
}
