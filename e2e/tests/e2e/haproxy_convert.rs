//! What `convert` makes of a config of HAProxy, beside HAProxy with that very config: the same requests, asked of both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::curl::Answer;
use e2e::envoy::{Envoy, ask, validate};
use e2e::kube::repository;
use e2e::process::{Background, Output, run};
use e2e::upstream::{Reply, Upstream};
use e2e::{free_port, provided};

/// `@name` is a port: of a program, or one that HAProxy has and Envoy has another for.
const CONFIG: &str = "
global
    maxconn 256

defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s

listen lab
    bind 127.0.0.1:@lab
    server server1 127.0.0.1:@a maxconn 32

frontend web
    bind 127.0.0.1:@web
    acl api path_beg /api/
    acl shop hdr(host) -i shop.example WWW.shop.example
    http-request set-header X-Proto http
    http-request add-header X-Api \"1 # one\" if api
    http-request del-header X-Debug unless api
    http-response del-header X-Powered-By
    http-response set-header X-Missing yes if { status 404 410 }
    use_backend api if api
    use_backend shop if shop { method GET }
    use_backend rest unless shop or { hdr(x-canary) -m found }
    default_backend canary

backend api
    http-request set-header X-Backend api
    server a 127.0.0.1:@a

backend shop
    server b 127.0.0.1:@b

backend canary
    http-request set-path /all if { path /old }
    http-response set-status 203 if { status 200 }
    server b 127.0.0.1:@b

backend rest
    server c 127.0.0.1:@c

listen turns
    bind 127.0.0.1:@turns
    balance roundrobin
    server a 127.0.0.1:@a weight 2
    server b 127.0.0.1:@b weight 1

listen checked
    bind 127.0.0.1:@checked
    option httpchk GET /health
    http-check expect status 200
    default-server check inter 200ms rise 1 fall 1
    server none 127.0.0.1:@none
    server ill 127.0.0.1:@ill
    server b 127.0.0.1:@b

listen spare
    bind 127.0.0.1:@spare
    server none 127.0.0.1:@none check inter 200ms fall 1
    server c 127.0.0.1:@c check backup

listen one
    bind 127.0.0.1:@one
    server slow 127.0.0.1:@slow maxconn 1

listen silent
    bind 127.0.0.1:@silent
    timeout server 500ms
    timeout client 500ms
    server slow 127.0.0.1:@slower

listen dead
    bind 127.0.0.1:@dead
    server none 127.0.0.1:@none

listen raw
    mode tcp
    bind 127.0.0.1:@raw
    server a 127.0.0.1:@a
";
/// Where HAProxy, and where Envoy, listens.
const LISTENS: [&str; 9] = ["lab", "web", "turns", "checked", "spare", "one", "silent", "dead", "raw"];

/// What is asked, by port, path and curl's arguments: one answer, and one request to a program, are the same of both.
const REQUESTS: &[(&str, &str, &[&str])] = &[
    ("lab", "/", &[]),
    ("lab", "/missing?q=1", &["-X", "DELETE"]),
    ("lab", "/", &["--data", "body", "-H", "Host: any.example:81", "-H", "X-Debug: 1"]),
    ("lab", "/moved", &[]),
    ("web", "/api/x", &["-H", "X-Debug: 1"]),
    ("web", "/api/missing", &[]),
    ("web", "/", &["-H", "Host: shop.example", "-H", "X-Debug: 1"]),
    ("web", "/missing", &["-H", "Host: Www.Shop.Example"]),
    ("web", "/", &["-H", "Host: shop.example", "--data", "x"]),
    ("web", "/old?q=1", &["-H", "Host: shop.example", "-X", "PUT"]),
    ("web", "/old?q=1", &[]),
    ("web", "/", &["-H", "X-Canary: yes"]),
    ("web", "/missing", &["-H", "X-Canary: yes"]),
    ("web", "/", &["-X", "OPTIONS"]),
    ("raw", "/", &["-H", "X-Debug: 1"]),
    ("dead", "/", &[]),
    ("silent", "/", &[]),
];

/// What is told as a difference, and is one.
const DIFFERENT: &[(&str, &str, &[&str])] =
    &[("web", "/api", &[]), ("web", "/", &["-H", "Host: shop.example:8080"])];

struct Both {
    haproxy: Background,
    envoy: Envoy,
    ports: [BTreeMap<&'static str, u16>; 2],
    programs: BTreeMap<&'static str, Upstream>,
}

fn program(name: &'static str, delay: u64, is_well: bool) -> Upstream {
    Upstream::start(move |head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (status, more) = match path.split('?').next().unwrap_or_default() {
            "/health" if !is_well => ("500 No", ("x-more", "")),
            "/missing" | "/api/missing" => ("404 Not Found", ("x-more", "")),
            "/moved" => ("302 Found", ("location", "http://127.0.0.1:8775/elsewhere")),
            _ => ("200 OK", ("x-more", "")),
        };
        let body = if head.starts_with("HEAD") { "" } else { name };
        let headers = [("content-type", "text/plain"), ("server", "old"), ("x-powered-by", "COBOL"), more];
        Reply { delay: Duration::from_millis(delay), ..Reply::with(status, &headers, body.as_bytes()) }
    })
}

fn convert(file: &Path) -> Output {
    run(Command::new(provided("AMBASSADOR_CLI")).arg("convert").arg(file))
}

fn haproxy(file: &Path) -> Command {
    let mut command = Command::new(provided("AMBASSADOR_HAPROXY"));
    command.arg("-db").arg("-f").arg(file);
    command
}

impl Both {
    fn start(dir: &Path) -> Self {
        let programs = BTreeMap::from([
            ("a", program("a", 0, true)),
            ("b", program("b", 0, true)),
            ("c", program("c", 0, true)),
            ("ill", program("ill", 0, false)),
            ("slow", program("slow", 100, true)),
            ("slower", program("slower", 2000, true)),
        ]);
        let none = free_port();
        let write = |name: &str| {
            let ports: BTreeMap<&str, u16> = LISTENS.iter().map(|listen| (*listen, free_port())).collect();
            let mut all: Vec<(&str, u16)> = ports.iter().map(|(name, port)| (*name, *port)).collect();
            all.extend(programs.iter().map(|(name, program)| (*name, program.port)));
            all.push(("none", none));
            // The longest names first: one may begin as another does.
            all.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
            let text = all.iter().fold(CONFIG.to_owned(), |text, (name, port)| {
                text.replace(&format!("@{name}"), &port.to_string())
            });
            let file = dir.join(name);
            std::fs::write(&file, text).expect("written");
            (file, ports)
        };
        let (theirs, their_ports) = write("haproxy.cfg");
        let (ours, our_ports) = write("ours.cfg");
        let mut haproxy = Background::start(&mut haproxy(&theirs), &dir.join("haproxy.log"));
        let raw = their_ports["raw"];
        haproxy.wait_until("HAProxy", || TcpStream::connect(("127.0.0.1", raw)).is_ok());
        let converted = convert(&ours);
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let envoy = Envoy::start(&converted.stdout);
        Self { haproxy, envoy, ports: [their_ports, our_ports], programs }
    }

    /// What a client gets and what programs were asked, of HAProxy and of ours.
    fn exchange(&self, listen: &str, path: &str, args: &[&str]) -> [String; 2] {
        self.ports.each_ref().map(|ports| {
            let before = self.asked();
            let answer = ask(ports[listen], path, args);
            let after = self.asked();
            let fresh = after.iter().filter(|(_, head)| !head.contains(" /health"));
            let count =
                |(name, _): &&(&str, String)| before.iter().filter(|(other, _)| other == name).count();
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            let mut shown = client_sees(&answer);
            for one in fresh {
                let index = seen.entry(one.0).or_default();
                *index += 1;
                if *index > count(&one) {
                    let _ = write!(shown, "{} is asked:\n{}", one.0, program_sees(&one.1));
                }
            }
            // The address that was asked is another one.
            shown.replace(&format!(":{}", ports[listen]), ":PORT")
        })
    }

    /// All requests so far but for checks, by program.
    fn asked(&self) -> Vec<(&'static str, String)> {
        let heads = self.programs.iter().flat_map(|(name, program)| {
            program
                .heads()
                .into_iter()
                .filter(|head| !head.contains(" /health"))
                .map(move |head| (*name, head))
        });
        heads.collect()
    }

    /// How often each program answers.
    fn counts(&self, listen: &str, times: usize) -> [BTreeMap<String, usize>; 2] {
        self.ports.each_ref().map(|ports| {
            let mut counts = BTreeMap::new();
            for _ in 0..times {
                let answer = ask(ports[listen], "/", &[]);
                *counts.entry(format!("{} {}", answer.status, answer.text())).or_default() += 1;
            }
            counts
        })
    }
}

/// Status, headers and body. Answers of a proxy's own differ in all but the status.
fn client_sees(answer: &Answer) -> String {
    if answer.status >= 500 {
        return format!("{}\n", answer.status);
    }
    // What an ambassador that routes by a header tells caches is a difference that is told.
    let told = answer.headers.iter().filter(|(name, value)| name != "vary" || value != "x-canary");
    let hop = ["connection", "date", "keep-alive"];
    let mut headers: Vec<String> = told
        .filter(|(name, _)| !hop.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    headers.sort();
    format!("{}\n{}{}\n", answer.status, headers.concat(), answer.text())
}

/// The request's line and headers, without what an ambassador adds, which is told.
fn program_sees(head: &str) -> String {
    let added = ["connection", "x-forwarded-for", "x-forwarded-proto", "x-request-id"];
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim()));
    // Envoy says of other requests than GET and HEAD that they have no body, where HAProxy says nothing.
    let headers = headers.filter(|(name, value)| {
        !added.contains(&name.as_str()) && (name != "content-length" || *value != "0")
    });
    let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}\n")).collect();
    headers.sort();
    format!("{first}\n{}", headers.concat())
}

#[test]
fn both_do_the_same_request_by_request() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut both = Both::start(dir.path());
    let mut wrong = Vec::new();
    for (listen, path, args) in REQUESTS {
        let [theirs, ours] = both.exchange(listen, path, args);
        if theirs != ours {
            wrong.push(format!("{listen} {path} {args:?}\nHAProxy:\n{theirs}\nours:\n{ours}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (listen, path, args) in DIFFERENT {
        let [theirs, ours] = both.exchange(listen, path, args);
        assert_ne!(theirs, ours, "{listen} {path} {args:?}");
    }
    let [theirs, ours] = both.counts("turns", 12);
    assert_eq!(theirs, ours, "by turns");
    // Once both have found out who is down, all requests are answered by the one that is left.
    for (listen, good) in [("checked", "200 b"), ("spare", "200 c")] {
        let Both { haproxy, ports, .. } = &mut both;
        for ports in ports.iter() {
            haproxy.wait_until(&format!("{listen} knows who is down"), || {
                (0..6).all(|_| {
                    let answer = ask(ports[listen], "/", &[]);
                    format!("{} {}", answer.status, answer.text()) == good
                })
            });
        }
    }
    // What is beyond a server's maxconn waits.
    for ports in both.ports.each_ref() {
        let port = ports["one"];
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(move || ask(port, "/", &[]))).collect();
        let answers = threads.into_iter().map(|thread| thread.join().expect("no panic").status);
        assert_eq!(answers.collect::<Vec<_>>(), [200; 4]);
    }
    assert_eq!(both.programs["slow"].most_at_a_time(), 1);
    let config = both.envoy.rendered.dir.path().join("config/validate.yaml");
    assert_eq!(validate(&config).code, 0);
}

/// The files that the unit tests convert.
fn cases() -> std::path::PathBuf {
    repository("kubectl-ambassador/src/haproxy/tests")
}

#[test]
fn what_is_refused_is_refused_by_haproxy_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = std::fs::read_to_string(cases().join("refused.cfgs")).expect("the cases");
    for text in all.split("----\n") {
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, text).expect("written");
        let theirs = run(haproxy(&file).arg("-c"));
        let ours = convert(&file);
        assert_ne!(theirs.code, 0, "HAProxy takes it: {text}");
        assert_eq!((ours.code, ours.stdout.as_str()), (2, ""), "{text}");
        assert!(ours.stderr.contains("haproxy.cfg:"), "{}", ours.stderr);
    }
}

#[test]
fn what_is_converted_is_valid_for_envoy() {
    let file = cases().join("lab.cfg");
    let output = convert(&file);
    let expected = std::fs::read_to_string(cases().join("lab.out")).expect("the expected output");
    let limits = |text: &str| {
        text.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limits(&output.stdout), limits(&expected));
    assert!(output.stderr.contains("`daemon` needs nothing"), "{}", output.stderr);
    for name in ["shop", "tcp", "old", "negations", "empty-pieces"] {
        let output = convert(&cases().join(format!("{name}.cfg")));
        let rendered = e2e::envoy::render(&output.stdout);
        assert_eq!(rendered.output.code, 0, "{name}: {}", rendered.output.stderr);
        let valid = validate(&rendered.dir.path().join("config/validate.yaml"));
        assert_eq!(valid.code, 0, "{name}: {}", valid.stderr);
    }
}

#[test]
fn losses_can_be_made_an_exit_code() {
    let file = cases().join("shop.cfg");
    let run_with =
        |args: &[&str]| run(Command::new(provided("AMBASSADOR_CLI")).arg("convert").arg(&file).args(args));
    assert_eq!(run_with(&[]).code, 0);
    assert_eq!(run_with(&["--fail-on=lost"]).code, 1);
    let json = run_with(&["-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let deny =
        value["notes"].as_array().expect("a list").iter().find(|note| note["line"] == 38).expect("line 38");
    assert_eq!((deny["kind"].as_str(), json.stderr.as_str()), (Some("lost"), ""));
    let lab = cases().join("lab.cfg");
    let lab = run(Command::new(provided("AMBASSADOR_CLI")).arg("convert").arg(lab).arg("--fail-on=lost"));
    assert_eq!(lab.code, 0, "{}", lab.stderr);
}
