//! One real answer of a legacy program, past the ambassador: what a rule gets to see.

use std::fmt::Write as _;
use std::rc::Rc;

use ambassador_core::Ambassador;
use ambassador_core::exchange::whole::{self, Message};
use ambassador_core::exchange::{Head, UPSTREAM_HEADER};
use ambassador_core::ports::Port;
use ambassador_core::trial::message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::PathAndQuery;
use http::{Request, Response};
use hyper::body::Bytes;

use crate::cluster::Cluster;
use crate::failure::{Failure, Result};
use crate::source::Source;

/// What the page, and a link that is made of it, can carry well.
const LARGEST: usize = 1 << 20;
/// What is said of a body on its way; the page has it as a whole.
const FRAMING: [&str; 3] = ["connection", "keep-alive", "transfer-encoding"];

/// An answer as the page takes it.
pub(super) struct Fetched {
    /// Its head, and its body if that is a text.
    pub(super) answer: String,
    /// Its body, if it is none.
    pub(super) body_base64: Option<String>,
    /// What there is of it, in a few words.
    pub(super) told: String,
}

/// Asks the program in the pod what the ambassador would ask it, if a client asked for this path.
pub(super) async fn fetch(
    cluster: &Cluster,
    pod: &str,
    source: &Source,
    path: &PathAndQuery,
) -> Result<Fetched> {
    let ambassador = &source.loaded.ambassador;
    let by_hand = "leave --fetch out; an answer can be put into the page by hand";
    let port = ambassador.ports.iter().find(|port| !port.is_tcp() && port.local_ports().next().is_some());
    let port = port.ok_or_else(|| {
        Failure::usage("the config maps no http port to a program in the pod").hint(by_hand)
    })?;
    let asked = asked(ambassador, port, path)
        .map_err(|why| Failure::usage(format!("--fetch {path}: {why}")).hint(by_hand))?;
    Ok(fetched(&cluster.fetch(pod, asked.port, asked.request, LARGEST).await?))
}

/// What the program is asked, and on which of the pod's ports.
struct Asked {
    port: u16,
    request: Request<String>,
}

/// What a client's request becomes: routes lead it, and rules change it.
fn asked(
    ambassador: &Rc<Ambassador>,
    port: &Port,
    path: &PathAndQuery,
) -> std::result::Result<Asked, String> {
    let client = message::request(format!("GET {path}\nhost: localhost:{}\n", port.listen).as_bytes())?;
    let target = port.choose(Head(&client.headers)).ok_or("no route is for it")?;
    let local = target.servers.iter().map(|server| &server.address).find(|address| address.is_local());
    let local = local.ok_or_else(|| format!("it leads out of the pod, to {}", target.shown()))?.port;
    let told = whole::run(ambassador, port.listen, client, |_| Message::default(), 0.0);
    let asked =
        told.and_then(|told| told.request).ok_or("a rule answers it, and the program is not asked")?;
    let head = Head(&asked.headers);
    let value = |name: &str| head.get(name).unwrap_or_default();
    let mut request = Request::builder()
        .method(value(":method"))
        .uri(&*String::from_utf8_lossy(value(":path")))
        .header("host", value(":authority"));
    let plain = |name: &str| !name.starts_with(':') && name != UPSTREAM_HEADER && name != "content-length";
    for (name, value) in asked.headers.iter().filter(|(name, _)| plain(name)) {
        request = request.header(name, value.as_slice());
    }
    let agent = concat!("kubectl-ambassador/", env!("CARGO_PKG_VERSION"));
    request = request.header("user-agent", agent).header("accept", "*/*");
    let request = request
        .body(String::from_utf8_lossy(&asked.body).into_owned())
        .map_err(|error| format!("what the program would be asked is no request: {error}"))?;
    Ok(Asked { port: local, request })
}

fn fetched(answer: &Response<Bytes>) -> Fetched {
    let mut text = format!("HTTP/1.1 {}\n", answer.status().as_u16());
    for (name, value) in answer.headers() {
        if !FRAMING.contains(&name.as_str()) {
            let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    text.push('\n');
    let body = answer.body();
    let as_text = std::str::from_utf8(body).ok();
    Fetched {
        answer: text + as_text.unwrap_or_default(),
        body_base64: as_text.is_none().then(|| STANDARD.encode(body)),
        told: format!("{}, {} bytes", answer.status(), body.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(spec: &str, path: &str) -> std::result::Result<String, String> {
        let text = format!("apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n{spec}");
        let source = crate::source::load("a test", text).expect("a config");
        let ambassador = &source.loaded.ambassador;
        let port = ambassador.ports.iter().next().expect("a port");
        let Asked { port, request } = asked(ambassador, port, &path.parse().expect("a path"))?;
        Ok(format!("{port} {} {} {:?}", request.method(), request.uri(), request.headers().get("x-a")))
    }

    #[test]
    fn the_program_is_asked_what_the_ambassador_would_ask() {
        let ports = "  ports: [{listen: 80, target: 8775}]\n";
        assert_eq!(line(ports, "/a?b=1"), Ok("8775 GET /a?b=1 None".to_owned()));
        let rule = "  rules: [{name: r, request: {path: /x, headers: {set: {x-a: 1}}}}]\n";
        assert_eq!(line(&format!("{ports}{rule}"), "/a"), Ok("8775 GET /x Some(\"1\")".to_owned()));
    }

    #[test]
    fn a_route_leads_to_another_program_or_out_of_the_pod() {
        let ports = "  ports:\n    - {listen: 80, target: 8775, routes: [{path: /b, target: 8776}, {path: /c, target: \"c:1\"}]}\n";
        assert_eq!(line(ports, "/b"), Ok("8776 GET /b None".to_owned()));
        assert_eq!(line(ports, "/c"), Err("it leads out of the pod, to c:1".to_owned()));
    }

    #[test]
    fn an_answer_is_text_where_it_can_be() {
        let answer = |body: &'static [u8]| {
            let answer =
                Response::builder().status(404).header("transfer-encoding", "chunked").header("x-b", "1");
            fetched(&answer.body(Bytes::from_static(body)).expect("an answer"))
        };
        let text = answer(b"[1]");
        assert_eq!((text.answer.as_str(), text.body_base64), ("HTTP/1.1 404\nx-b: 1\n\n[1]", None));
        let binary = answer(b"\xff\x00");
        assert_eq!(
            (binary.answer.as_str(), binary.body_base64),
            ("HTTP/1.1 404\nx-b: 1\n\n", Some("/wA=".to_owned()))
        );
    }
}
