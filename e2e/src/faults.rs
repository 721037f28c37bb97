//! A way to the API server that fails as told: requests that are refused, that never get an answer, whose answer is lost,
//! or that wait while the test does something else.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::process::Background;
use crate::{free_port, provided};

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
    /// How many pods have been deleted before it.
    pub deleted: u32,
    /// How many pods have been created before it.
    pub created: u32,
}

type Choice = Box<dyn Fn(&Request) -> bool + Send>;

struct Rule {
    choice: Choice,
    fault: Fault,
    /// How many requests it is for, at most.
    times: u32,
}

#[derive(Default)]
struct State {
    rule: Option<Rule>,
    deleted: u32,
    created: u32,
}

/// The way, on a port of loopback. It asks the server as the cluster's admin.
pub struct FaultyApi {
    /// Its port.
    pub port: u16,
    state: Arc<Mutex<State>>,
    paused: Receiver<Sender<()>>,
    _proxy: Background,
}

impl std::fmt::Debug for FaultyApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyApi").field("port", &self.port).finish_non_exhaustive()
    }
}

impl FaultyApi {
    /// Opens it, with no fault yet. `dir` is for logs.
    ///
    /// # Panics
    ///
    /// If no port can be had or kubectl does not start.
    pub fn start(dir: &Path) -> Self {
        let upstream = free_port();
        let mut command = Command::new("kubectl");
        command
            .args(["proxy", "--disable-filter", &format!("--port={upstream}")])
            .env("KUBECONFIG", provided("AMBASSADOR_KUBECONFIG"));
        let mut proxy = Background::start(&mut command, &dir.join("proxy.log"));
        proxy.wait_until("kubectl proxy listens", || TcpStream::connect(("127.0.0.1", upstream)).is_ok());
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
        Self { port, state, paused, _proxy: proxy }
    }

    /// From now on, the first request that is chosen fails so; counting begins anew.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn fail(&self, fault: Fault, choice: impl Fn(&Request) -> bool + Send + 'static) {
        self.fail_times(1, fault, choice);
    }

    /// The same of the first `times` that are chosen.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn fail_times(&self, times: u32, fault: Fault, choice: impl Fn(&Request) -> bool + Send + 'static) {
        let rule = Some(Rule { choice: Box::new(choice), fault, times });
        *self.state.lock().expect("a lock") = State { rule, ..State::default() };
    }

    /// No faults any more.
    ///
    /// # Panics
    ///
    /// If a thread has died.
    pub fn heal(&self) {
        self.state.lock().expect("a lock").rule = None;
    }

    /// Waits until a request is held; it goes on when told so, or ends when that is dropped.
    ///
    /// # Panics
    ///
    /// If none comes within 40 s.
    pub fn held(&self) -> Sender<()> {
        self.paused.recv_timeout(Duration::from_secs(40)).expect("a request that is held")
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> String {
        serde_json::json!({
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
    let (method, path) =
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let fault = {
        let mut state = state.lock().expect("a lock");
        let request = Request { method, path, deleted: state.deleted, created: state.created };
        let real = !request.path.contains("dryRun=All");
        if request.path.contains("/pods") && real {
            state.deleted += u32::from(request.method == "DELETE");
            state.created += u32::from(request.method == "POST" && !request.path.contains("/pods/"));
        }
        state.rule.as_mut().filter(|rule| rule.times > 0 && real && (rule.choice)(&request)).map(|rule| {
            rule.times -= 1;
            rule.fault
        })
    };
    match fault {
        None => {}
        Some(Fault::Timeout) => {
            // Until the client gives up.
            let _ = std::io::copy(&mut client, &mut std::io::sink());
            return;
        }
        Some(Fault::Answer(code)) => {
            let body = serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused by the test",
                "reason": "Test", "code": code,
            })
            .to_string();
            let _ = write!(
                client,
                "HTTP/1.1 {code} Test\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = client.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut client, &mut std::io::sink());
            return;
        }
        Some(Fault::Pause) => {
            let (go, wait) = channel();
            if pause.send(go).is_err() || wait.recv_timeout(Duration::from_secs(40)).is_err() {
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
