//! TCP ports in a real Envoy: bytes pass as they are, connections end as they should.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::envoy::{Envoy, ask};
use e2e::process::{Background, Output, run};
use e2e::upstream::{Reply, Upstream};
use e2e::{free_port, provided};

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";

/// A server of any protocol: `serve` is given each connection.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

fn ambassador(port: u16, target: &str, limits: &str) -> Envoy {
    Envoy::start(&format!(
        "{HEAD}  ports: [{{name: tcp, listen: {port}, target: '{target}', protocol: tcp}}]\n  limits: {{{limits}}}\n"
    ))
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

/// Reads as much as is expected, and compares.
#[track_caller]
fn expect_next(stream: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).expect("read");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// Whether the other side has closed the connection, in whatever way.
fn is_closed(stream: &mut TcpStream, wait: Duration) -> bool {
    stream.set_read_timeout(Some(wait)).expect("a timeout");
    match stream.read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => panic!("bytes that nobody sent"),
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

struct Redis {
    _process: Background,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().expect("a folder"));
        let mut command = Command::new(provided("AMBASSADOR_REDIS_SERVER"));
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"])
            .args(["--protected-mode", "no"])
            .current_dir(dir.path());
        let mut process = Background::start(&mut command, &dir.path().join("redis.log"));
        process.wait_until("Redis", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { _process: process, port, _dir: dir }
    }
}

fn redis_cli(port: u16, args: &[&str]) -> Output {
    run(Command::new(provided("AMBASSADOR_REDIS_CLI"))
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args(args))
}

#[test]
fn a_redis_program_talks_to_a_redis_elsewhere_through_localhost() {
    let redis = Redis::start();
    let (cache, http) = (free_port(), free_port());
    let upstream = Upstream::start(|_| Reply::ok("text/plain", b"http"));
    // By a name, so that Envoy has to look it up; beside an HTTP port, as in a pod.
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{name: http, listen: {http}, target: {}}}
    - {{name: cache, listen: '127.0.0.1:{cache}', target: 'localhost:{}', protocol: tcp}}
",
        upstream.port, redis.port
    ));
    assert_eq!(redis_cli(cache, &["set", "fruit", "apple"]).ok(), "OK\n");
    assert_eq!(redis_cli(redis.port, &["get", "fruit"]).ok(), "apple\n");
    // Pipelined, with values of many sizes, binary ones among them.
    let script: Vec<String> = (0..2000).map(|n| format!("SETRANGE big {} x\r\n", n * 1000)).collect();
    let mut stream = connect(cache);
    stream.write_all(script.concat().as_bytes()).expect("written");
    stream.write_all(b"STRLEN big\r\nQUIT\r\n").expect("written");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("read");
    assert!(answers.ends_with(":1999001\r\n+OK\r\n"), "{}", &answers[answers.len() - 80..]);
    let value = redis_cli(cache, &["get", "big"]).ok();
    assert_eq!(value.len(), 1_999_002);
    // A subscription: the server speaks when it likes.
    let mut subscriber = connect(cache);
    subscriber.write_all(b"SUBSCRIBE news\r\n").expect("written");
    expect_next(&mut subscriber, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    redis_cli(cache, &["publish", "news", "hello"]).ok();
    expect_next(&mut subscriber, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    assert_eq!(ask(http, "/", &[]).text(), "http");
    assert!(envoy.stat("envoy_tcp_downstream_cx_total") >= 5.0);
}

#[test]
fn bytes_pass_both_ways_at_once_and_unchanged() {
    // 32 MiB there and back, far more than any buffer holds.
    const SIZE: usize = 32 << 20;
    let echo = server(|mut stream| {
        let mut reader = stream.try_clone().expect("cloned");
        let _ = std::io::copy(&mut reader, &mut stream);
        let _ = stream.shutdown(Shutdown::Write);
    });
    let port = free_port();
    let _envoy = ambassador(port, &echo.to_string(), "");
    let byte = |at: usize| u8::try_from((at.wrapping_mul(2_654_435_761) >> 13) % 256).unwrap_or(0);
    let stream = connect(port);
    let mut writer = stream.try_clone().expect("cloned");
    let sender = std::thread::spawn(move || {
        let sent: Vec<u8> = (0..SIZE).map(byte).collect();
        writer.write_all(&sent).expect("written");
        // Half-closed: the echo of what is under way still comes.
        writer.shutdown(Shutdown::Write).expect("half-closed");
        sent
    });
    let mut received = Vec::with_capacity(SIZE);
    (&stream).read_to_end(&mut received).expect("read");
    assert!(sender.join().expect("no panic") == received, "{} bytes came back", received.len());
}

#[test]
fn either_side_may_end_first() {
    // The client ends; the server answers only then.
    let counter = server(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("read");
        stream.write_all(format!("{} bytes", all.len()).as_bytes()).expect("written");
    });
    // The server ends; the client speaks only then.
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let greeter = server(move |mut stream| {
        stream.write_all(b"hello").expect("written");
        stream.shutdown(Shutdown::Write).expect("half-closed");
        let mut all = String::new();
        stream.read_to_string(&mut all).expect("read");
        tell.lock().expect("no panic").send(all).expect("sent");
    });
    let (first, second) = (free_port(), free_port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: {first}, target: {counter}, protocol: tcp}}
    - {{listen: {second}, target: {greeter}, protocol: tcp}}
"
    ));
    let mut stream = connect(first);
    stream.write_all(&vec![7; 100_000]).expect("written");
    stream.shutdown(Shutdown::Write).expect("half-closed");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    assert_eq!(answer, "100000 bytes");

    let mut stream = connect(second);
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).expect("read");
    assert_eq!(greeting, "hello");
    stream.write_all(b"and goodbye").expect("written");
    drop(stream);
    assert_eq!(told.recv_timeout(Duration::from_secs(10)).expect("told"), "and goodbye");
}

#[test]
fn one_connection_beyond_the_limit_is_closed() {
    let silent = server(|mut stream| {
        let _ = stream.read(&mut [0]);
    });
    for (limits, name) in
        [("connections: 2", "connections"), ("upstreamConnections: 2", "upstreamConnections")]
    {
        let port = free_port();
        let _envoy = ambassador(port, &silent.to_string(), limits);
        let mut kept: Vec<TcpStream> = (0..2).map(|_| connect(port)).collect();
        assert!(kept.iter_mut().all(|stream| !is_closed(stream, Duration::from_millis(300))), "{name}");
        assert!(is_closed(&mut connect(port), Duration::from_secs(5)), "{name}");
        // A place that is left is free again.
        kept.pop();
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_closed(&mut connect(port), Duration::from_millis(300)) {
            assert!(Instant::now() < deadline, "{name}");
        }
    }
}

#[test]
fn more_clients_than_http_has_connections_are_served_at_once() {
    let silent = server(|mut stream| {
        let _ = stream.read(&mut [0]);
    });
    let port = free_port();
    let _envoy = ambassador(port, &silent.to_string(), "");
    let mut all: Vec<TcpStream> = (0..100).map(|_| connect(port)).collect();
    std::thread::sleep(Duration::from_millis(500));
    assert!(all.iter_mut().all(|stream| !is_closed(stream, Duration::from_millis(1))));
}

#[test]
fn a_target_that_refuses_closes_the_connection_and_one_that_is_silent_does_in_time() {
    let (refusing, port) = (free_port(), free_port());
    let _envoy = ambassador(port, &refusing.to_string(), "connectTimeout: 1s");
    let started = Instant::now();
    assert!(is_closed(&mut connect(port), Duration::from_secs(5)));
    assert!(started.elapsed() < Duration::from_millis(900), "at once, not after the timeout");

    // A queue that is full: the kernel does not answer who wants to connect.
    let full = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = full.local_addr().expect("it has an address");
    let queue = fill(address);
    let port = free_port();
    let _envoy = ambassador(port, &address.to_string(), "connectTimeout: 1s");
    let started = Instant::now();
    let mut stream = connect(port);
    assert!(is_closed(&mut stream, Duration::from_secs(5)));
    assert!(started.elapsed() >= Duration::from_millis(900), "it was tried for the whole second");
    drop(queue);
}

/// Connections until one more is not answered.
fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(stream);
        assert!(queue.len() < 10_000, "the queue has no end");
    }
    queue
}

#[test]
fn a_connection_may_be_silent_for_so_long_and_no_longer() {
    let silent = server(|mut stream| {
        let _ = stream.read(&mut [0]);
    });
    let (short, long) = (free_port(), free_port());
    let _one = ambassador(short, &silent.to_string(), "tcpIdleTimeout: 1s");
    // The timeout of HTTP is not that of TCP.
    let _other = ambassador(long, &silent.to_string(), "idleTimeout: 1s");
    let (mut one, mut other) = (connect(short), connect(long));
    let started = Instant::now();
    assert!(is_closed(&mut one, Duration::from_secs(10)));
    assert!(started.elapsed() > Duration::from_millis(900));
    assert!(!is_closed(&mut other, Duration::from_millis(1500)));
}

#[test]
fn an_edit_adds_and_removes_ports_and_leaves_the_connections_of_others_alone() {
    let echo = server(|mut stream| {
        let mut reader = stream.try_clone().expect("cloned");
        let _ = std::io::copy(&mut reader, &mut stream);
    });
    let (first, second) = (free_port(), free_port());
    let line = |port: u16| format!("{{listen: {port}, target: {echo}, protocol: tcp}}");
    let envoy = Envoy::start(&format!("{HEAD}  ports: [{}]\n", line(first)));
    let mut kept = connect(first);
    let says = |stream: &mut TcpStream| {
        stream.write_all(b"hello").expect("written");
        expect_next(stream, "hello");
    };
    says(&mut kept);
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < deadline, "{what}\n{}", envoy.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let listens = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok();
    envoy.change(&format!("{HEAD}  ports: [{}, {}]\n", line(first), line(second))).ok();
    until("the second port listens", &|| listens(second));
    says(&mut connect(second));
    says(&mut kept);
    envoy.change(&format!("{HEAD}  ports: [{}]\n", line(first))).ok();
    until("the second port is gone", &|| !listens(second));
    says(&mut kept);
}

#[test]
fn a_port_listens_where_it_is_told() {
    let upstream = Upstream::start(|_| Reply::ok("text/plain", b"ok"));
    let (http, tcp, six) = (free_port(), free_port(), free_port());
    let _envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: '127.0.0.2:{http}', target: {target}}}
    - {{listen: '127.0.0.3:{tcp}', target: {target}, protocol: tcp}}
    - {{listen: '127.0.0.4:{tcp}', name: other, target: {target}, protocol: tcp}}
    - {{listen: '[::1]:{six}', target: {target}}}
",
        target = upstream.port
    ));
    for (address, listens) in [
        (format!("127.0.0.2:{http}"), true),
        (format!("127.0.0.1:{http}"), false),
        (format!("127.0.0.3:{tcp}"), true),
        (format!("127.0.0.4:{tcp}"), true),
        (format!("127.0.0.2:{tcp}"), false),
        (format!("[::1]:{six}"), true),
        (format!("127.0.0.1:{six}"), false),
    ] {
        let answer = e2e::curl::curl(&format!("http://{address}/"), &["--globoff"]);
        assert_eq!(answer.status, if listens { 200 } else { 0 }, "{address}");
    }
}

#[test]
fn all_addresses_are_those_of_both_families() {
    let upstream = Upstream::start(|_| Reply::ok("text/plain", b"ok"));
    let (http, tcp) = (free_port(), free_port());
    let envoy = Envoy::start(&format!(
        "{HEAD}  ports:
    - {{listen: '[::]:{http}', target: {target}}}
    - {{listen: '[::]:{tcp}', target: {target}, protocol: tcp}}
  accessLog: true
",
        target = upstream.port
    ));
    for host in ["127.0.0.1", "[::1]"] {
        for port in [http, tcp] {
            let answer = e2e::curl::curl(&format!("http://{host}:{port}/"), &["--globoff"]);
            assert_eq!(answer.status, 200, "{host}:{port}");
        }
    }
    // Clients are seen as what they are, not as IPv4 addresses within IPv6 ones.
    let mut clients: Vec<String> =
        envoy.access_log(4).iter().map(|line| line["client"].to_string()).collect();
    clients.sort_unstable();
    assert_eq!(clients, [r#""127.0.0.1""#, r#""127.0.0.1""#, r#""::1""#, r#""::1""#]);
}

#[test]
fn a_target_may_have_an_ipv6_address() {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("loopback has IPv6");
    let target = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"six");
        }
    });
    let port = free_port();
    let _envoy = ambassador(port, &target.to_string(), "");
    let mut answer = String::new();
    connect(port).read_to_string(&mut answer).expect("read");
    assert_eq!(answer, "six");
}
