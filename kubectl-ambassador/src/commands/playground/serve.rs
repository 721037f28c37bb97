//! Serves one page on this machine's loopback, to whoever has its address.
//!
//! The page may hold an answer of somebody's program, and other users of the machine can connect to its loopback, as can any
//! page in the browser by a name that leads here. So the address has a part that cannot be guessed, and requests that were
//! not made to it are refused.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::rc::Rc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::failure::{Failure, Result};

/// A server that listens.
pub(super) struct Server {
    listener: TcpListener,
    site: Rc<Site>,
}

/// What is served, and where.
struct Site {
    port: u16,
    /// The path, whose middle nobody can guess.
    path: String,
    page: Bytes,
}

impl Server {
    /// Listens on a port of 127.0.0.1; 0 is a free one.
    pub(super) async fn bind(port: u16, page: String) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            Failure::unchanged(format!("cannot listen on 127.0.0.1:{port}: {error}"))
                .hint("--port names another one; without it a free one is taken")
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(cannot)?;
        let port = listener.local_addr().map_err(cannot)?.port();
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| Failure::unchanged(format!("the system gives no random bytes: {error}")))?;
        let mut path = "/".to_owned();
        for byte in random {
            // Writing to a String cannot fail.
            let _ = write!(path, "{byte:02x}");
        }
        path.push('/');
        Ok(Self { listener, site: Rc::new(Site { port, path, page: page.into() }) })
    }

    /// Where the page is.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.site.port, self.site.path)
    }

    /// Until the program is ended.
    pub(super) async fn run(self) -> Result<()> {
        let tasks = tokio::task::LocalSet::new();
        tasks.run_until(self.accept()).await
    }

    async fn accept(self) -> Result<()> {
        loop {
            // A connection that is gone before it is taken is nobody's loss; of sockets there may be more later.
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            let site = Rc::clone(&self.site);
            let service = hyper::service::service_fn(move |request| {
                let answer = site.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::task::spawn_local(connection);
        }
    }
}

impl Site {
    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let (status, body) = self.choose(request);
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = status;
        let html = status == StatusCode::OK;
        let headers: [(HeaderName, &str); 8] = [
            (CONTENT_TYPE, if html { "text/html; charset=utf-8" } else { "text/plain" }),
            (CACHE_CONTROL, "no-store"),
            (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
            (REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("x-content-type-options"), "nosniff"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (ALLOW, "GET, HEAD"),
        ];
        for (name, value) in headers {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    fn choose<B>(&self, request: &Request<B>) -> (StatusCode, Bytes) {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(request.uri().authority().map(http::uri::Authority::as_str)).unwrap_or_default();
        let ours = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        if !ours.iter().any(|name| host.eq_ignore_ascii_case(name)) {
            return (
                StatusCode::MISDIRECTED_REQUEST,
                Bytes::from_static(b"this is not the host that was asked\n"),
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return (StatusCode::METHOD_NOT_ALLOWED, Bytes::from_static(b"the page can only be read\n"));
        }
        if request.uri().path() == self.path {
            (StatusCode::OK, self.page.clone())
        } else {
            (
                StatusCode::NOT_FOUND,
                Bytes::from_static(b"the address of the page was printed when it was served\n"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &str, host: Option<&str>, uri: &str) -> u16 {
        let site = Site { port: 8000, path: "/t0ken/".to_owned(), page: Bytes::from_static(b"page") };
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        site.answer(&request.body(()).expect("a request")).status().as_u16()
    }

    #[test]
    fn only_who_has_the_address_gets_the_page() {
        let ours = Some("127.0.0.1:8000");
        for (method, host, uri, expected) in [
            ("GET", ours, "/t0ken/", 200),
            ("HEAD", ours, "/t0ken/", 200),
            ("GET", Some("LocalHost:8000"), "/t0ken/?a", 200),
            ("GET", Some("localhost"), "/t0ken/", 421),
            ("GET", Some("localhost:8001"), "/t0ken/", 421),
            ("GET", Some("rebound.example:8000"), "/t0ken/", 421),
            ("GET", None, "/t0ken/", 421),
            ("GET", ours, "/", 404),
            ("GET", ours, "/t0ken", 404),
            ("GET", ours, "/t0ken/x", 404),
            ("POST", ours, "/t0ken/", 405),
            ("OPTIONS", ours, "/t0ken/", 405),
        ] {
            assert_eq!(status(method, host, uri), expected, "{method} {host:?} {uri}");
        }
    }
}
