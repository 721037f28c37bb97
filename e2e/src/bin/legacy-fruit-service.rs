//! The legacy program: a list of fruit on port 8775, whether one likes the port and the format or not.
//!
//! It stands for software that cannot be changed, so it takes no options. Standard library only: it is built with
//! plain `rustc`, statically, into a container image.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Hard-coded: that is the point of it.
const ADDRESS: &str = "0.0.0.0:8775";
const FRUIT: &str = "[\"apple\",\"banana\",\"pear\"]\n";
/// Bytes of the longest head that is read.
const LONGEST_HEAD: u64 = 64 << 10;

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(ADDRESS)?;
    eprintln!("listening on {ADDRESS}");
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve(stream));
    }
    Ok(())
}

/// Answers requests of one connection until the client closes it or errs.
fn serve(stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let _ = stream.set_nodelay(true);
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        if answer(&mut writer, &request).is_err() || request.close {
            return;
        }
    }
}

struct Request {
    method: String,
    path: String,
    close: bool,
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = reader.take(LONGEST_HEAD);
    let mut line = String::new();
    head.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target, version) =
        (words.next()?.to_owned(), words.next()?.to_owned(), words.next()?.to_owned());
    let mut close = version == "HTTP/1.0";
    let mut length = 0_u64;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "connection" => close = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    let path = target.split('?').next().unwrap_or_default().to_owned();
    Some(Request { method, path, close })
}

fn answer(writer: &mut TcpStream, request: &Request) -> std::io::Result<()> {
    let (status, content_type, body) = match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/") => ("200 OK", "application/json", FRUIT),
        (_, "/") => ("405 Method Not Allowed", "text/plain", "method not allowed\n"),
        _ => ("404 Not Found", "text/plain", "not found\n"),
    };
    let connection = if request.close { "close" } else { "keep-alive" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: legacy-fruit-service/1\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n"
    );
    let body = if request.method == "HEAD" { "" } else { body };
    writer.write_all(&[head.as_bytes(), body.as_bytes()].concat())
}
