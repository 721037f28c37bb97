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

/// A running legacy program.
#[derive(Debug)]
pub struct Upstream {
    /// Its port on loopback.
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
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
        let heads = Arc::new(Mutex::new(Vec::new()));
        let most = Arc::new(AtomicUsize::new(0));
        let shared = Shared {
            answer: Box::new(answer),
            heads: Arc::clone(&heads),
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
        Self { port, heads, most }
    }

    /// The heads of all requests so far.
    ///
    /// # Panics
    ///
    /// If a thread of it panicked.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no thread panicked").clone()
    }

    /// The most requests that it had at a time.
    pub fn most_at_a_time(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

type Answer = Box<dyn Fn(&str) -> Reply + Send + Sync>;

struct Shared {
    answer: Answer,
    heads: Arc<Mutex<Vec<String>>>,
    now: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some(head) = read_head(&mut reader) {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let reply = (self.answer)(&head);
            self.heads.lock().expect("no thread panicked").push(head);
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

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    Some(head)
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
