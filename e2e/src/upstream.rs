//! A legacy program that says exactly the bytes that a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it answers, as bytes on the wire.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status line and headers, without the empty line.
    pub head: String,
    /// The rest, in pieces that are sent one by one.
    pub pieces: Vec<Vec<u8>>,
    /// How long it waits before it answers.
    pub delay: Duration,
    /// How long it waits after the first piece.
    pub pause: Duration,
    /// Whether it closes the connection after the last piece.
    pub close: bool,
}

impl Reply {
    /// 200 with a body of exact length.
    pub fn ok(content_type: &str, body: &[u8]) -> Self {
        Self::with("200 OK", &[("content-type", content_type)], body)
    }

    /// Any status and headers, with a body of exact length.
    pub fn with(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("HTTP/1.1 {status}\r\n{}content-length: {}", headers.concat(), body.len());
        Self { head, pieces: vec![body.to_vec()], ..Self::default() }
    }

    /// 200 with a chunked body, in chunks of `size`.
    pub fn chunked(content_type: &str, body: &[u8], size: usize) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked");
        let mut pieces: Vec<Vec<u8>> = body
            .chunks(size)
            .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
            .collect();
        pieces.push(b"0\r\n\r\n".to_vec());
        Self { head, pieces, ..Self::default() }
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Request line and headers, without the empty line.
    pub head: String,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }

    /// The method and what it asks for.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }
}

/// A running legacy program.
#[derive(Debug)]
pub struct Upstream {
    /// Its port on loopback.
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    most: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts it; `answer` is given each request's head.
    ///
    /// # Panics
    ///
    /// If there is no port.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let most = Arc::new(AtomicUsize::new(0));
        let shared = Shared {
            answer: Box::new(answer),
            requests: Arc::clone(&requests),
            now: AtomicUsize::new(0),
            most: Arc::clone(&most),
        };
        let shared = Arc::new(shared);
        // Lives as long as the process: tests are short.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { port, requests, most }
    }

    /// The heads of all requests so far.
    ///
    /// # Panics
    ///
    /// If a thread of it panicked.
    pub fn heads(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.head).collect()
    }

    /// All requests so far.
    ///
    /// # Panics
    ///
    /// If a thread of it panicked.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no thread panicked").clone()
    }

    /// The latest request.
    ///
    /// # Panics
    ///
    /// If there was none.
    #[track_caller]
    pub fn last(&self) -> Request {
        self.requests().pop().expect("a request")
    }

    /// The most requests that it had at a time.
    pub fn most_at_a_time(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

type Answer = Box<dyn Fn(&str) -> Reply + Send + Sync>;

struct Shared {
    answer: Answer,
    requests: Arc<Mutex<Vec<Request>>>,
    now: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some(request) = read_request(&mut reader) {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let reply = (self.answer)(&request.head);
            self.requests.lock().expect("no thread panicked").push(request);
            std::thread::sleep(reply.delay);
            // Before the answer: with it, the proxy may send the next request.
            self.now.fetch_sub(1, Ordering::SeqCst);
            let sent = send(&mut writer, &reply);
            if sent.is_err() || reply.close {
                return;
            }
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = String::new();
    loop {
        let line = read_line(reader)?;
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let mut request = Request { head, body: Vec::new() };
    if request.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(reader)?;
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            read_more(reader, size, &mut request.body)?;
            if size == 0 {
                while read_line(reader)? != "\r\n" {}
                return Some(request);
            }
            read_line(reader)?;
        }
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    read_more(reader, length, &mut request.body)?;
    Some(request)
}

/// A line with its line break; bytes that are no text are replaced.
fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    let count = reader.read_until(b'\n', &mut line).ok()?;
    (count > 0).then(|| String::from_utf8_lossy(&line).into_owned())
}

fn read_more(reader: &mut BufReader<TcpStream>, size: usize, body: &mut Vec<u8>) -> Option<()> {
    let start = body.len();
    body.resize(start + size, 0);
    reader.read_exact(&mut body[start..]).ok()
}

fn send(writer: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    writer.write_all(format!("{}\r\n\r\n", reply.head).as_bytes())?;
    for (index, piece) in reply.pieces.iter().enumerate() {
        if index == 1 {
            std::thread::sleep(reply.pause);
        }
        writer.write_all(piece)?;
    }
    Ok(())
}
