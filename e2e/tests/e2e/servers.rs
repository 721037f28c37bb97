//! Targets of several servers in a real Envoy: which of them is asked, and what happens to those that are down.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use e2e::envoy::{Envoy, ask};
use e2e::free_port;
use e2e::h2::Program;
use e2e::upstream::{Reply, Upstream};

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";

/// A server that answers its name, and at `/health` whether it is well.
struct Server {
    upstream: Upstream,
    is_well: Arc<AtomicBool>,
    is_busy: Arc<AtomicBool>,
}

impl Server {
    fn start(name: &'static str) -> Self {
        let (is_well, is_busy) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (well, busy) = (Arc::clone(&is_well), Arc::clone(&is_busy));
        let upstream = Upstream::start(move |head| {
            if head.contains(" /health") && !well.load(Ordering::SeqCst) {
                return Reply::with("503 Service Unavailable", &[], b"");
            }
            if head.contains(" /busy ") {
                busy.store(true, Ordering::SeqCst);
                wait_until("it is not busy any more", || !busy.load(Ordering::SeqCst));
            }
            let delay = Duration::from_millis(if head.contains("/slow") { 150 } else { 0 });
            Reply { delay, ..Reply::ok("text/plain", name.as_bytes()) }
        });
        Self { upstream, is_well, is_busy }
    }

    fn port(&self) -> u16 {
        self.upstream.port
    }

    fn is_well(&self, is_well: bool) {
        self.is_well.store(is_well, Ordering::SeqCst);
    }

    /// What it was asked for below this path.
    fn asked(&self, below: &str) -> Vec<String> {
        let lines = self.upstream.requests().into_iter().map(|request| request.line().to_owned());
        lines.filter_map(|line| Some(line.split_once(below)?.1.to_owned())).collect()
    }
}

#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ports(servers: &[&Server]) -> String {
    servers.iter().map(|server| server.port().to_string()).collect::<Vec<_>>().join(", ")
}

/// Asks so often below a path, and tells how often each server was asked.
fn counts(port: u16, below: &str, asks: u16, servers: &[&Server], args: &[&str]) -> Vec<usize> {
    let answer = ask(port, &format!("{below}[1-{asks}]"), args);
    assert_eq!((answer.exit, answer.status), (0, 200), "{below}");
    servers.iter().map(|server| server.asked(below).len()).collect()
}

/// The names of those who answered three requests in a row, each once.
fn who(port: u16) -> Vec<String> {
    let mut names: Vec<String> = (0..3)
        .map(|_| {
            let answer = ask(port, "/", &[]);
            if answer.status == 200 { answer.text() } else { answer.status.to_string() }
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Waits until just these answer.
#[track_caller]
fn wait_for(port: u16, expected: &[&str]) {
    wait_until(&format!("{expected:?}"), || who(port) == expected);
}

#[test]
fn servers_are_chosen_as_the_target_says() {
    let [a, b, c] = ["a", "b", "c"].map(Server::start);
    let all = [&a, &b, &c];
    let [turns, weights, least, random, client, path] = std::array::from_fn(|_| free_port());
    let three = ports(&all);
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: {turns}, target: turns}}
    - {{listen: {weights}, target: weights}}
    - {{listen: {least}, target: least}}
    - {{listen: {random}, target: random}}
    - {{listen: {client}, target: client}}
    - {{listen: {path}, target: path}}
  targets:
    - {{name: turns, servers: [{three}]}}
    - {{name: weights, servers: [{}, {{address: {}, weight: 2}}, {{address: {}, weight: 3}}]}}
    - {{name: least, balance: leastConnections, servers: [{three}]}}
    - {{name: random, balance: random, servers: [{three}]}}
    - {{name: client, balance: clientAddress, servers: [{three}]}}
    - {{name: path, balance: path, servers: [{three}]}}
  accessLog: true
",
        a.port(),
        b.port(),
        c.port()
    ));
    assert_eq!(counts(turns, "/turns/", 30, &all, &[]), [10, 10, 10]);
    assert_eq!(counts(weights, "/weights/", 60, &all, &[]), [10, 20, 30]);

    let random = counts(random, "/random/", 60, &all, &[]);
    assert!(random.iter().all(|&count| count > 5), "{random:?}");

    // The same server for the same client, whenever it comes.
    let server_of = |address: &str, time: &str| {
        let counts = counts(client, &format!("/{time}-{address}/"), 5, &all, &["--interface", address]);
        counts.iter().position(|&count| count == 5).unwrap_or_else(|| panic!("{address}: {counts:?}"))
    };
    let clients: Vec<String> = (1..=8).map(|n| format!("127.0.0.{n}")).collect();
    let servers = |time| clients.iter().map(|client| server_of(client, time)).collect::<Vec<_>>();
    let first = servers("first");
    assert_eq!(servers("again"), first);
    assert!(first.iter().any(|&server| server != first[0]), "{first:?}");

    // The same server for the same path, whatever the query and the client.
    for address in ["127.0.0.3", "127.0.0.4"] {
        counts(path, "/path/", 30, &all, &["--interface", address]);
        ask(path, "/path/[1-30]?query=[1-2]", &["--interface", address]);
    }
    ask(path, "/path/7", &["--http2-prior-knowledge"]);
    let mut asked: Vec<(usize, String)> = Vec::new();
    for (index, server) in all.iter().enumerate() {
        let paths = server.asked("/path/").into_iter();
        asked.extend(paths.map(|path| (index, path.split('?').next().unwrap_or_default().to_owned())));
    }
    assert_eq!(asked.len(), 2 * (30 + 60) + 1);
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 30, "each path has one server: {asked:?}");
    assert!(all.iter().all(|server| !server.asked("/path/").is_empty()), "each server has some");

    // One is busy: the others are asked.
    std::thread::scope(|scope| {
        scope.spawn(|| ask(least, "/busy", &[]));
        let is_busy = |server: &&Server| server.is_busy.load(Ordering::SeqCst);
        wait_until("one is busy", || all.iter().any(is_busy));
        counts(least, "/least/", 6, &all, &[]);
        let busy = all.iter().find(|server| is_busy(server)).expect("one of them");
        let asked = busy.asked("/least/").len();
        busy.is_busy.store(false, Ordering::SeqCst);
        assert_eq!(asked, 0);
    });
    // The access log says which one was asked.
    let line = envoy.access_log(30 + 60 + 60 + 80 + 181 + 7).swap_remove(0);
    assert!(all.iter().any(|server| line["target"] == format!("127.0.0.1:{}", server.port())), "{line}");
}

#[test]
fn servers_that_are_down_are_not_asked_until_they_are_up() {
    let [a, b, spare] = ["a", "b", "spare"].map(Server::start);
    let (port, tcp) = (free_port(), free_port());
    let check = "{path: /health, interval: 50ms, timeout: 5s, rise: 2, fall: 2}";
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {port}, target: t}}, {{listen: {tcp}, target: t, protocol: tcp}}]
  targets: [{{name: t, servers: [{}, {}, {{address: {}, backup: true}}], healthCheck: {check}}}]\n",
        a.port(),
        b.port(),
        spare.port()
    ));
    assert_eq!(who(port), ["a", "b"], "a backup is not asked while others are up");
    a.is_well(false);
    wait_for(port, &["b"]);
    b.is_well(false);
    wait_for(port, &["spare"]);
    let direct = format!("127.0.0.1:{}", a.port());
    let lines = |server: &Server| server.upstream.last().head.to_lowercase();
    assert!(lines(&a).starts_with("get /health http/1.1"), "{}", lines(&a));
    assert!(lines(&a).contains(&format!("host: {direct}\r\n")), "{}", lines(&a));
    wait_for(tcp, &["spare"]);
    spare.is_well(false);
    wait_for(port, &["503"]);
    assert_eq!(ask(tcp, "/", &[]).status, 0, "a tcp port closes the connection");
    a.is_well(true);
    wait_for(port, &["a"]);
    wait_for(tcp, &["a"]);
    b.is_well(true);
    wait_for(port, &["a", "b"]);
    assert!(envoy.stat("envoy_cluster_health_check_failure") > 0.0);
}

#[test]
fn statuses_and_connections_tell_who_is_up() {
    let [a, b] = ["a", "b"].map(Server::start);
    let program = Program::start();
    let (status, connect, modern) = (free_port(), free_port(), free_port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: {status}, target: status}}
    - {{listen: {connect}, target: connect}}
    - {{listen: {modern}, target: modern, appProtocol: kubernetes.io/h2c}}
  targets:
    - {{name: status, servers: [{}, {}], healthCheck: {{path: /health, status: 5xx, interval: 50ms, fall: 1, rise: 1}}}}
    - {{name: connect, servers: [{}, {}, 'localhost:{}'], healthCheck: {{interval: 50ms}}}}
    - {{name: modern, servers: [{}], healthCheck: {{path: /10/json, interval: 50ms}}}}
",
        a.port(),
        b.port(),
        a.port(),
        free_port(),
        b.port(),
        program.port
    ));
    // Nobody is asked before it is known to be up.
    assert_eq!(ask(connect, "/connect/[1-20]", &[]).status, 200);
    assert_eq!(a.asked("/connect/").len() + b.asked("/connect/").len(), 20);
    assert!(!b.asked("/connect/").is_empty(), "a server by its name");
    assert_eq!(ask(modern, "/10/json", &["--http2-prior-knowledge"]).status, 200);
    assert_eq!(who(status), ["503"]);
    b.is_well(false);
    wait_for(status, &["b"]);
}

#[test]
fn who_cannot_be_reached_is_not_asked_although_nobody_looked() {
    let [a, b] = ["a", "b"].map(Server::start);
    let (port, hashed, tcp) = (free_port(), free_port(), free_port());
    let dead = [free_port(), free_port()];
    let servers = format!("[{}, {}, {}, {}]", dead[0], a.port(), dead[1], b.port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: {port}, target: t}}
    - {{listen: {hashed}, target: hashed}}
    - {{listen: {tcp}, target: t, protocol: tcp}}
  targets: [{{name: t, servers: {servers}}}, {{name: hashed, balance: path, servers: {servers}}}]\n",
    ));
    for (port, times) in [(port, 12), (hashed, 12), (tcp, 6)] {
        for number in 0..times {
            let answer = ask(port, &format!("/{port}/{number}"), &["--data", "a body"]);
            assert_eq!(answer.status, 200, "{port} {number}");
        }
        // Nothing was sent twice.
        assert_eq!(
            a.asked(&format!("/{port}/")).len() + b.asked(&format!("/{port}/")).len(),
            times,
            "{port}"
        );
    }
    assert_eq!(b.upstream.last().body, b"a body");
}

#[test]
fn what_was_sent_is_never_sent_again() {
    let cutting = || Upstream::start(|_| Reply { close: true, ..Reply::default() });
    let (a, b) = (cutting(), cutting());
    let port = free_port();
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {port}, target: t}}]\n  targets: [{{name: t, servers: [{}, {}]}}]\n",
        a.port, b.port
    ));
    for method in ["GET", "POST"] {
        assert_eq!(ask(port, "/", &["--request", method]).status, 502, "{method}");
    }
    assert_eq!(a.requests().len() + b.requests().len(), 2);
}

#[test]
fn targets_and_ports_have_limits_of_their_own() {
    let [a, b, c] = ["a", "b", "c"].map(Server::start);
    let [narrow, wide, few, short] = std::array::from_fn(|_| free_port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: {narrow}, target: narrow}}
    - {{listen: {wide}, target: wide}}
    - {{listen: {few}, target: narrow, limits: {{connections: 1}}}}
    - {{listen: {short}, target: narrow, limits: {{requestTimeout: 50ms}}}}
  targets:
    - {{name: narrow, servers: [{}], limits: {{upstreamConnections: 2}}}}
    - {{name: wide, servers: [{{address: {}, connections: 1}}, {{address: {}, connections: 1}}]}}
  limits: {{connections: 20}}
",
        a.port(),
        b.port(),
        c.port()
    ));
    std::thread::scope(|scope| {
        let asks = [narrow, wide].into_iter().flat_map(|port| std::iter::repeat_n(port, 8));
        let asks: Vec<_> = asks.map(|port| scope.spawn(move || ask(port, "/slow", &[]).status)).collect();
        let statuses = asks.into_iter().map(|ask| ask.join().expect("no panic"));
        assert!(statuses.into_iter().all(|status| status == 200), "they wait for their turn");
    });
    let most = [&a, &b, &c].map(|server| server.upstream.most_at_a_time());
    assert_eq!(most, [2, 1, 1]);
    assert_eq!(b.asked("/slow").len(), 4, "by turns");

    assert_eq!(ask(short, "/slow", &[]).status, 504);
    let mut first = TcpStream::connect(("127.0.0.1", few)).expect("connected");
    first.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("written");
    first.read_exact(&mut [0; 12]).expect("an answer");
    assert_eq!(ask(few, "/", &[]).status, 0, "one connection more is closed");
    assert_eq!(ask(narrow, "/", &[]).status, 200);
}

#[test]
fn connections_to_a_tcp_port_take_turns() {
    let (port, one) = (free_port(), free_port());
    let servers = ["a", "b"].map(|name| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(name.as_bytes());
                std::thread::spawn(move || stream.read(&mut [0]));
            }
        });
        port
    });
    let [a, b] = servers;
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports: [{{listen: {port}, target: t, protocol: tcp}}, {{listen: {one}, target: client, protocol: tcp}}]
  targets:
    - {{name: t, servers: [{{address: {a}, connections: 2}}, {{address: {b}, connections: 2}}]}}
    - {{name: client, servers: [{a}, {b}], balance: clientAddress}}\n",
    ));
    let greeting = |stream: &mut TcpStream, patience: u64| {
        stream.set_read_timeout(Some(Duration::from_millis(patience))).expect("a timeout");
        let mut name = [0];
        let read = stream.read(&mut name);
        read.map(|count| String::from_utf8_lossy(&name[..count]).into_owned())
    };
    let connect = |port: u16| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        (greeting(&mut stream, 20_000).expect("a greeting"), stream)
    };
    let kept: Vec<(String, TcpStream)> = (0..4).map(|_| connect(port)).collect();
    assert_eq!(kept.iter().filter(|(name, _)| name == "a").count(), 2, "{kept:?}");
    let mut waiting = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let early = greeting(&mut waiting, 300).map_err(|error| error.kind());
    assert!(early.is_err(), "each server has its two connections: {early:?}");
    drop(kept);
    assert!(!greeting(&mut waiting, 20_000).expect("a greeting").is_empty());
    let names: Vec<String> = (0..6).map(|_| connect(one).0).collect();
    assert!(!names[0].is_empty() && names.iter().all(|name| *name == names[0]), "{names:?}");
}

#[test]
fn servers_come_and_go_while_it_runs() {
    let [a, b, c] = ["a", "b", "c"].map(Server::start);
    let port = free_port();
    let config = |servers: &[&Server], rest: &str| {
        format!(
            "{HEAD}  ports: [{{listen: {port}, target: t}}]\n  targets: [{{name: t, servers: [{}]{rest}}}]\n",
            ports(servers)
        )
    };
    let envoy = Envoy::start(&config(&[&a], ""));
    assert_eq!(who(port), ["a"]);
    for (servers, rest, expected) in [
        (&[&b, &c] as &[&Server], "", &["b", "c"] as &[&str]),
        (&[&a, &b, &c], ", healthCheck: {path: /health, interval: 50ms, fall: 1}", &["a", "b", "c"]),
        (&[&c], "", &["c"]),
    ] {
        assert_eq!(envoy.change(&config(servers, rest)).code, 0);
        wait_for(port, expected);
    }
}
