//! A way to the API server that fails as told: requests that are refused, that never get an answer, whose answer is lost,
//! or that wait while the test does something else.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Background;
use crate::{free_port, provided};

/// How long a request is held at most, and waited for: on a busy machine pods take their time.
const HELD: Duration = Duration::from_secs(120);

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never reaches the server, and never gets an answer.
    Timeout,
    /// The server's answer is an error with this status.
    Answer(u16),
    /// The server does it, and nobody hears of it.
    LostReply,
    /// It waits until the test lets it go on.
    Pause,
}

/// A request as the API server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// How many requests came before it.
    pub number: usize,
    /// Whether it changes what the server keeps.
    pub is_change: bool,
    /// How many changes have been asked for before it.
    pub changes: usize,
    /// How many pods have been deleted before it.
    pub deleted: u32,
    /// How many pods have been created before it.
    pub created: u32,
    /// How many pod templates have been changed before it.
    pub patched: u32,
}

impl Request {
    /// A pod template is to be changed.
    pub fn is_patch(&self) -> bool {
        self.is_change && self.method == "PATCH" && self.path.contains("/deployments/")
    }

    /// A pod is to be created.
    pub fn is_creation(&self) -> bool {
        self.is_change && self.method == "POST" && self.path.contains("/pods?")
    }

    /// A pod is to be deleted.
    pub fn is_deletion(&self) -> bool {
        self.is_change && self.method == "DELETE" && self.path.contains("/pods/")
    }

    /// A pod is read.
    pub fn is_look(&self) -> bool {
        self.method == "GET" && self.path.contains("/pods/")
    }
}

/// Says of each request what happens to it.
type Rule = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

#[derive(Default)]
struct State {
    rule: Option<Rule>,
    seen: Vec<Request>,
    changes: usize,
    deleted: u32,
    created: u32,
    patched: u32,
}

impl State {
    /// Counts a request, and says what happens to it, and whether it is a change.
    fn take(&mut self, method: &str, path: &str) -> (Option<Fault>, bool) {
        let asks = ["dryRun=All", "/selfsubjectaccessreviews", "/exec?", "/portforward?"];
        let is_change = method != "GET" && !asks.iter().any(|ask| path.contains(ask));
        let (changes, deleted, created, patched) = (self.changes, self.deleted, self.created, self.patched);
        let (method, path, number) = (method.to_owned(), path.to_owned(), self.seen.len());
        let request = Request { method, path, number, is_change, changes, deleted, created, patched };
        self.changes += usize::from(request.is_change);
        self.deleted += u32::from(request.is_deletion());
        self.created += u32::from(request.is_creation());
        self.patched += u32::from(request.is_patch());
        let fault = self.rule.as_mut().and_then(|rule| rule(&request));
        self.seen.push(request);
        (fault, is_change)
    }
}

/// The API server itself, by a proxy that asks as the cluster's admin; shared by all that need it at a time.
#[derive(Debug)]
pub struct Server {
    port: u16,
    _proxy: Background,
    _log: tempfile::TempDir,
}

impl Server {
    /// The one that runs, or a new one.
    ///
    /// # Panics
    ///
    /// If kubectl does not start.
    pub fn shared() -> Arc<Self> {
        static ONE: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = one.upgrade() {
            return running;
        }
        let port = free_port();
        let log = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new("kubectl");
        command
            .args(["proxy", "--disable-filter", &format!("--port={port}")])
            .env("KUBECONFIG", provided("AMBASSADOR_KUBECONFIG"));
        let mut proxy = Background::start(&mut command, &log.path().join("proxy.log"));
        proxy.wait_until("kubectl proxy listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let new = Arc::new(Self { port, _proxy: proxy, _log: log });
        *one = Arc::downgrade(&new);
        new
    }

    /// Its answer to a request without faults: status and body.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let kind = if method == "PATCH" { "merge-patch+json" } else { "json" };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("kubectl proxy");
        // This old version has no chunks, and ends with the connection.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nContent-Type: application/{kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), serde_json::from_str(body).unwrap_or_default())
    }
}

/// A way to the API server that fails, on a port of loopback.
pub struct FaultyApi {
    /// Its port.
    pub port: u16,
    /// What is behind it.
    pub server: Arc<Server>,
    state: Arc<Mutex<State>>,
    paused: Receiver<Sender<()>>,
}

impl std::fmt::Debug for FaultyApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyApi").field("port", &self.port).finish_non_exhaustive()
    }
}

impl FaultyApi {
    /// Opens it, with no fault yet.
    ///
    /// # Panics
    ///
    /// If no port can be had or kubectl does not start.
    pub fn start() -> Self {
        let server = Server::shared();
        let upstream = server.port;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (pause, paused) = channel();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (shared, pause) = (Arc::clone(&shared), pause.clone());
                std::thread::spawn(move || carry(client, upstream, &shared, &pause));
            }
        });
        Self { port, server, state, paused }
    }

    /// From now on, this rule holds; counting begins anew.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn rule(&self, rule: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        let rule: Option<Rule> = Some(Box::new(rule));
        *self.state.lock().expect("a lock") = State { rule, ..State::default() };
    }

    /// The first request that is chosen fails so.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn fail(&self, fault: Fault, choice: impl Fn(&Request) -> bool + Send + 'static) {
        let mut is_over = false;
        self.rule(move |request| {
            let fails = !is_over && choice(request);
            is_over |= fails;
            fails.then_some(fault)
        });
    }

    /// From the first request that is chosen on, all fail so.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn fail_from(&self, fault: Fault, choice: impl Fn(&Request) -> bool + Send + 'static) {
        let mut has_begun = false;
        self.rule(move |request| {
            has_begun |= choice(request);
            has_begun.then_some(fault)
        });
    }

    /// All requests that are chosen fail so.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn fail_all(&self, fault: Fault, choice: impl Fn(&Request) -> bool + Send + 'static) {
        self.rule(move |request| choice(request).then_some(fault));
    }

    /// Each request fails as it is told, but for when it is made again: every second one of its kind.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn fail_each_once(&self, fault: impl Fn(&Request) -> Option<Fault> + Send + 'static) {
        let mut failed = BTreeSet::new();
        self.rule(move |request| {
            let (fault, key) = (fault(request)?, (request.method.clone(), request.path.clone()));
            (!failed.remove(&key)).then(|| {
                failed.insert(key);
                fault
            })
        });
    }

    /// No faults any more; counting begins anew. What was asked for until now.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn heal(&self) -> Vec<Request> {
        std::mem::take(&mut *self.state.lock().expect("a lock")).seen
    }

    /// Waits until a request is held; it goes on when told so, or ends when that is dropped. `None`: none came.
    pub fn held(&self) -> Option<Sender<()>> {
        self.paused.recv_timeout(HELD).ok()
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "faulty",
            "clusters": [{"name": "faulty", "cluster": {"server": format!("http://127.0.0.1:{}", self.port)}}],
            "users": [{"name": "faulty", "user": {}}],
            "contexts": [{"name": "faulty", "context": {"cluster": "faulty", "user": "faulty"}}],
        })
        .to_string()
    }
}

/// One request a connection: the answer's head says that it closes.
fn carry(mut client: TcpStream, upstream: u16, state: &Mutex<State>, pause: &Sender<Sender<()>>) {
    let Some(head) = read_head(&mut client) else { return };
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut words = text.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (fault, is_change) = state.lock().expect("a lock").take(method, path);
    match fault {
        None => {}
        Some(Fault::Timeout) => {
            // Until the client gives up.
            let _ = std::io::copy(&mut client, &mut std::io::sink());
            return;
        }
        Some(Fault::Answer(code)) => {
            let body = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused by the test",
                "reason": "Test", "code": code,
            })
            .to_string();
            let wait = if code == 429 && is_change { "Retry-After: 1\r\n" } else { "" };
            let length = body.len();
            let _ = write!(
                client,
                "HTTP/1.1 {code} Test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{wait}Connection: close\r\n\r\n{body}",
            );
            let _ = client.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut client, &mut std::io::sink());
            return;
        }
        Some(Fault::Pause) => {
            let (go, wait) = channel();
            if pause.send(go).is_err() || wait.recv_timeout(HELD).is_err() {
                return;
            }
        }
        Some(Fault::LostReply) => {
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", upstream)) else { return };
            let _ = server.write_all(&closing(&head));
            let Ok(from) = client.try_clone() else { return };
            let Ok(to) = server.try_clone() else { return };
            std::thread::spawn(move || pump(from, to));
            let _ = std::io::copy(&mut server, &mut std::io::sink());
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", upstream)) else { return };
    if server.write_all(&closing(&head)).is_err() {
        return;
    }
    let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || pump(from, to));
    pump(server, client);
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// The head with a wish to close the connection after the answer, unless it is to become a tunnel.
fn closing(head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(head);
    if text.to_ascii_lowercase().contains("\r\nupgrade:") {
        return head.to_vec();
    }
    let end = text.find("\r\n").unwrap_or_default();
    format!("{}\r\nConnection: close{}", &text[..end], &text[end..]).into_bytes()
}

/// What comes before the body. Byte by byte: the body's own bytes stay for whoever copies them.
fn read_head(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(head)
}
