//! The way back: addresses of the legacy program in the headers of its answers become the one that the client asked.
//!
//! Only what is the legacy program's own by scheme, host and port is changed. Relative references, other hosts and
//! other ports stay as they are, and so does everything within them.

mod alt_svc;
mod authority;
mod cookie;
mod link;
mod location;
mod refresh;

use authority::Authority;

use crate::exchange::{Edit, Head};
use crate::ports::{Address, Port, PortMap, Target};

/// Names by which a program calls the machine that it runs on.
const LOOPBACK: [&[u8]; 4] = [b"localhost", b"127.0.0.1", b"[::1]", b"0.0.0.0"];

/// What the client asked, to be remembered until the answer comes.
#[derive(Debug, Clone)]
pub struct Client {
    /// Host and port as the client wrote them.
    authority: Vec<u8>,
    https: bool,
    /// The path that the client asked, and the one that the legacy program was asked, where a rule changed it.
    paths: Option<(Vec<u8>, Vec<u8>)>,
}

impl Client {
    /// What a request says about its client; `None` if it does not say what it asked.
    pub fn new(head: Head<'_>) -> Option<Self> {
        let authority = head.get(":authority").filter(|authority| !authority.is_empty())?;
        let scheme = head.get("x-forwarded-proto").or_else(|| head.get(":scheme"));
        let https = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"));
        Some(Self { authority: authority.to_vec(), https, paths: None })
    }

    /// A rule has changed the path that the client asked into another.
    pub fn moved(&mut self, asked: &[u8], legacy: &[u8]) {
        let path = |target: &[u8]| target.split(|&byte| byte == b'?').next().unwrap_or_default().to_vec();
        self.paths = Some((path(asked), path(legacy)));
    }

    /// The authority that the client asked.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// The port that the client asked.
    pub fn port(&self) -> u16 {
        Authority::parse(&self.authority).and_then(|authority| authority.port).unwrap_or(if self.https {
            443
        } else {
            80
        })
    }
}

/// Both addresses: that of the legacy program and that of the client.
struct WayBack<'a> {
    ports: &'a PortMap,
    target: &'a Target,
    client: &'a Client,
    asked: Authority<'a>,
}

/// The changes of the head of an answer from `target`; none for most answers.
pub fn edits(head: Head<'_>, ports: &PortMap, target: &Target, client: &Client) -> Vec<Edit> {
    if !head.0.iter().any(|(name, _)| concerns(name)) {
        return Vec::new();
    }
    let Some(asked) = Authority::parse(&client.authority) else { return Vec::new() };
    let way_back = WayBack { ports, target, client, asked };
    let mut edits = Vec::new();
    for name in HEADERS {
        let values: Vec<&[u8]> = head.all(name).collect();
        let new: Vec<Option<Vec<u8>>> = values.iter().map(|value| way_back.header(name, value)).collect();
        if new.iter().all(Option::is_none) {
            continue;
        }
        // All lines of the name again, each for itself.
        edits.push(Edit::Remove(name.into()));
        for (old, new) in values.iter().zip(new) {
            edits.push(Edit::Add(name.into(), new.unwrap_or_else(|| old.to_vec())));
        }
    }
    edits
}

/// Headers that hold addresses.
const HEADERS: [&str; 7] = [
    "location",
    "content-location",
    "link",
    "refresh",
    "set-cookie",
    "alt-svc",
    "access-control-allow-origin",
];

fn concerns(name: &str) -> bool {
    HEADERS.contains(&name)
}

impl WayBack<'_> {
    /// The new value of a header, if it is another one.
    fn header(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        match name {
            "link" => link::map(value, self),
            "refresh" => refresh::map(value, self),
            "set-cookie" => cookie::map(value, self),
            "alt-svc" => alt_svc::map(value, self),
            _ => location::map(value, self),
        }
    }

    /// The servers of the target that may call themselves so.
    fn called<'b>(&'b self, host: &'b [u8]) -> impl Iterator<Item = &'b Address> {
        let addresses = self.target.servers.iter().map(|server| &server.address);
        addresses.filter(move |address| {
            host.eq_ignore_ascii_case(self.asked.host)
                || host.eq_ignore_ascii_case(name_of(address).as_bytes())
                || (address.is_local() && LOOPBACK.iter().any(|name| host.eq_ignore_ascii_case(name)))
        })
    }

    /// Whether this is a name of a machine that the legacy program runs on.
    fn is_own_host(&self, host: &[u8]) -> bool {
        self.called(host).next().is_some()
    }

    /// What the client calls an address of the legacy program, without scheme; `None` if that is not its own, or is
    /// what the client calls it already.
    fn known_as(&self, host: &[u8], port: u16) -> Option<Vec<u8>> {
        if self.called(host).any(|address| address.port == port) {
            return Some(self.client.authority.clone());
        }
        // Another port of the same machine that is mapped too.
        let is_it = |other: &Address| {
            other.port == port && self.called(host).any(|address| name_of(address) == name_of(other))
        };
        let other = self.ports.iter().find(|other| is_http(other) && other.addresses().any(is_it))?;
        Some([self.asked.host, b":", other.listen.to_string().as_bytes()].concat())
    }

    fn scheme(&self) -> &'static [u8] {
        if self.client.https { b"https" } else { b"http" }
    }
}

fn name_of(address: &Address) -> String {
    address.host.to_string().trim_end_matches('.').to_owned()
}

fn is_http(port: &Port) -> bool {
    !port.is_tcp()
}

#[cfg(test)]
mod tests;
