//! Lets programs of this machine reach the API server, which lives in a network namespace of its own.
//!
//! A socket belongs to the namespace in which it was made: this process listens in the machine's, then enters the
//! cluster's and connects from there.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::Context as _;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where the API server listens, seen from inside.
const API_SERVER: &str = "127.0.0.1:6443";

/// Runs until it is ended.
pub(crate) fn run(port: u16, namespace: &Path) -> anyhow::Result<()> {
    let listener =
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("cannot listen on port {port}"))?;
    let namespace = File::open(namespace).with_context(|| format!("cannot open {}", namespace.display()))?;
    // Threads inherit the namespace of the one that starts them.
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .context("cannot enter the namespace")?;
    for client in listener.incoming().flatten() {
        std::thread::spawn(move || {
            if let Ok(server) = TcpStream::connect(API_SERVER) {
                join(client, server);
            }
        });
    }
    Ok(())
}

fn join(client: TcpStream, server: TcpStream) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    if let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) {
        std::thread::spawn(move || copy(client_too, server_too));
        copy(server, client);
    }
}

/// Copies one direction, and passes its end on.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(buffer.get(..count).unwrap_or_default()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
