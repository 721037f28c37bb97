//! The lab's own solution, HAProxy, beside ours: the same port, the same limits.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use e2e::curl::Answer;
use e2e::envoy::{Envoy, ask};
use e2e::kube::repository;
use e2e::process::Background;
use e2e::upstream::{Reply, Upstream};
use e2e::{free_port, provided};

/// Runs HAProxy with the lab's config; its two addresses are this test's, and what `change` changes.
fn lab(upstream: &Upstream, dir: &std::path::Path, change: impl Fn(String) -> String) -> (Background, u16) {
    let manifest =
        std::fs::read_to_string(repository("manifests/lab/haproxy.yaml")).expect("the lab's manifest");
    let (_, rest) = manifest.split_once("haproxy.cfg: |\n").expect("a haproxy.cfg");
    let (config, _) = rest.split_once("---").expect("a second document");
    let port = free_port();
    let config = config
        .replace("bind *:80", &format!("bind 127.0.0.1:{port}"))
        .replace("127.0.0.1:8775", &format!("127.0.0.1:{}", upstream.port));
    let file = dir.join("haproxy.cfg");
    std::fs::write(&file, change(config)).expect("written");
    let mut haproxy = Background::start(
        Command::new(provided("AMBASSADOR_HAPROXY")).arg("-db").arg("-f").arg(file),
        &dir.join("haproxy.log"),
    );
    haproxy.wait_until("HAProxy", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (haproxy, port)
}

fn ours(upstream: &Upstream, limits: &str) -> (Envoy, u16) {
    let port = free_port();
    let envoy = Envoy::start(&format!(
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: [{{listen: {port}, target: {}}}]\n  limits: {{{limits}}}\n",
        upstream.port
    ));
    (envoy, port)
}

fn ask_many(port: u16, count: usize) -> Vec<Answer> {
    let threads: Vec<_> = (0..count).map(|_| std::thread::spawn(move || ask(port, "/", &[]))).collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

#[test]
fn both_ask_the_legacy_program_32_times_at_a_time() {
    let slow = || {
        Upstream::start(|_| Reply { delay: Duration::from_millis(1500), ..Reply::ok("text/plain", b"ok") })
    };
    let dir = tempfile::tempdir().expect("a folder");
    let (behind_lab, behind_ours) = (slow(), slow());
    let (_haproxy, lab) = lab(&behind_lab, dir.path(), |config| config);
    let (_envoy, ours) = ours(&behind_ours, "");
    for (port, upstream) in [(lab, &behind_lab), (ours, &behind_ours)] {
        let answers = ask_many(port, 48);
        assert!(answers.iter().all(|answer| answer.status == 200), "those beyond 32 wait");
        assert_eq!(upstream.most_at_a_time(), 32);
    }
}

#[test]
fn both_serve_256_connections_and_no_more() {
    let upstream = Arc::new(Upstream::start(|_| Reply::ok("text/plain", b"ok")));
    let dir = tempfile::tempdir().expect("a folder");
    let (_haproxy, lab) = lab(&upstream, dir.path(), |config| config);
    let (_envoy, ours) = ours(&upstream, "");
    for port in [lab, ours] {
        let idle: Vec<TcpStream> = (0..255).map(|_| connect(port)).collect();
        assert_eq!(ask(port, "/", &["--max-time", "20"]).status, 200, "the 256th");
        let last = connect(port);
        // HAProxy lets the next one wait, Envoy closes it: neither serves it.
        assert_eq!(ask(port, "/", &["--max-time", "2"]).status, 0, "the 257th");
        drop((idle, last));
    }
}

/// A connection that has begun a request: one that says nothing may not be accepted yet.
fn connect(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.write_all(b"GET / HTTP/1.1\r\n").expect("written");
    stream
}

#[test]
fn both_have_the_labs_timeouts() {
    // The defaults are the lab's numbers.
    let upstream =
        Upstream::start(|_| Reply { delay: Duration::from_secs(4), ..Reply::ok("text/plain", b"ok") });
    let (envoy, _) = ours(&upstream, "");
    let read = |name: &str| {
        std::fs::read_to_string(envoy.rendered.dir.path().join("config").join(name)).expect("rendered")
    };
    assert!(read("clusters.yaml").contains("connect_timeout: 5s"));
    assert!(read("listeners.yaml").contains("stream_idle_timeout: 50s"));
    // And mean the same, seen with a second instead of 50: a program that stays silent is given up.
    let dir = tempfile::tempdir().expect("a folder");
    let (_haproxy, lab) = lab(&upstream, dir.path(), |config| {
        assert_eq!(config.matches("50000").count(), 2, "client and server");
        config.replace("50000", "1000")
    });
    let (_envoy, ours) = ours(&upstream, "idleTimeout: 1s");
    for port in [lab, ours] {
        assert_eq!(ask(port, "/", &[]).status, 504);
    }
}
