//! `server` and `default-server` (configuration manual, section 5.2), and addresses.

use super::Refusal;
use super::file::Line;
use super::notes::Notes;
use super::time::milliseconds;

/// Options that take a value and that are not carried over, but for those that [`Server::option`] knows.
const WITH_VALUE: [&str; 46] = [
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "ca-file",
    "check-alpn",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "cookie",
    "crl-file",
    "crt",
    "curves",
    "downinter",
    "error-limit",
    "fastinter",
    "id",
    "init-addr",
    "log-bufsize",
    "log-proto",
    "max-reuse",
    "maxqueue",
    "minconn",
    "namespace",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "proto",
    "proxy-v2-options",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "shard",
    "slowstart",
    "sni",
];
/// More of those.
const WITH_VALUE_TOO: [&str; 9] =
    ["socks4", "source", "ssl-max-ver", "ssl-min-ver", "tcp-ut", "track", "usesrc", "verify", "verifyhost"];
/// Options that stand alone.
const ALONE: [&str; 29] = [
    "agent-check",
    "allow-0rtt",
    "check-send-proxy",
    "check-ssl",
    "check-via-socks4",
    "enabled",
    "force-sslv3",
    "force-tlsv10",
    "force-tlsv11",
    "force-tlsv12",
    "force-tlsv13",
    "no-agent-check",
    "no-backup",
    "no-check",
    "no-check-ssl",
    "no-send-proxy",
    "no-send-proxy-v2",
    "no-ssl",
    "no-ssl-reuse",
    "no-sslv3",
    "no-tls-tickets",
    "no-tlsv10",
    "no-tlsv11",
    "no-tlsv12",
    "no-tlsv13",
    "no-verifyhost",
    "non-stick",
    "stick",
    "tfo",
];

/// What `default-server` and `server` say alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) check: bool,
    pub(super) backup: bool,
    pub(super) disabled: bool,
    pub(super) weight: Option<u32>,
    pub(super) maxconn: Option<u32>,
    pub(super) interval: Option<u64>,
    pub(super) rise: Option<u32>,
    pub(super) fall: Option<u32>,
    /// What makes it a server that cannot be talked to without TLS or the PROXY protocol.
    pub(super) needs: Option<&'static str>,
    /// The lines of `default-server` that say something of it.
    pub(super) lines: Vec<usize>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) line: usize,
    pub(super) address: Address,
    pub(super) options: Options,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Empty for this pod.
    pub(super) host: String,
    /// `None`: the port that the client asked.
    pub(super) port: Option<u16>,
}

impl Address {
    /// As an ambassador.yaml has it; `asked` is the port that the client asked.
    pub(super) fn written(&self, asked: u16) -> String {
        let port = self.port.unwrap_or(asked);
        match self.host.as_str() {
            "" => port.to_string(),
            host if host.contains(':') => format!("[{host}]:{port}"),
            host => format!("{host}:{port}"),
        }
    }

    pub(super) fn is_local(&self) -> bool {
        self.host.is_empty()
    }
}

/// Reads `server NAME ADDRESS OPTIONS`; `None` where it cannot be carried over, which is noted.
pub(super) fn server(line: &Line, defaults: &Options, notes: &mut Notes) -> Result<Option<Server>, Refusal> {
    if line.words.len() < 3 {
        let message = "'server' expects <name> and <addr>[:<port>] as arguments";
        return Err(line.refuse(line.words.len(), message));
    }
    let mut options = defaults.clone();
    read_options(line, 3, &mut options, notes)?;
    let Some(address) = address(line, 2)? else {
        notes.lost(line, format!("`{}` is no address of TCP, so this server gets no requests", line.word(2)));
        return Ok(None);
    };
    if let Some(needs) = options.needs {
        notes.lost(line, format!("{needs}, so this server gets no requests"));
        return Ok(None);
    }
    if options.disabled || options.weight == Some(0) {
        notes.anyway(line, "it is left out, since HAProxy sends it no requests unless told so at run time");
        return Ok(None);
    }
    Ok(Some(Server { line: line.number, address, options }))
}

/// Reads options from the word at this index on.
pub(super) fn read_options(
    line: &Line,
    at: usize,
    options: &mut Options,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let mut at = at;
    while at < line.words.len() {
        at += option(line, at, options, notes)?;
    }
    Ok(())
}

/// Reads one, and gives how many words it takes.
fn option(line: &Line, at: usize, options: &mut Options, notes: &mut Notes) -> Result<usize, Refusal> {
    let name = line.word(at);
    let value = || {
        let missing = || line.refuse(at, format!("'{name}' expects an argument"));
        if line.words.len() > at + 1 { Ok(line.word(at + 1)) } else { Err(missing()) }
    };
    let number = || {
        let number = value()?.parse::<u32>();
        number.map_err(|_| line.refuse(at + 1, format!("'{name}' expects an integer argument")))
    };
    match name {
        "check" => options.check = true,
        "no-check" => options.check = false,
        "backup" => options.backup = true,
        "no-backup" => options.backup = false,
        "disabled" => options.disabled = true,
        "enabled" => options.disabled = false,
        "ssl" => options.needs = Some("the ambassador does not speak TLS to servers"),
        "no-ssl" => options.needs = None,
        "send-proxy" | "send-proxy-v2" | "send-proxy-v2-ssl" | "send-proxy-v2-ssl-cn" => {
            options.needs = Some("the ambassador does not speak the PROXY protocol to servers");
        }
        "weight" => options.weight = Some(number()?),
        "maxconn" => options.maxconn = Some(number()?).filter(|&maxconn| maxconn > 0),
        "rise" => options.rise = Some(number()?),
        "fall" => options.fall = Some(number()?),
        "inter" => {
            let time = milliseconds(value()?);
            let time = time.ok_or_else(|| line.refuse(at + 1, "'inter' expects a delay as argument"))?;
            options.interval = Some(time);
        }
        alone if ALONE.contains(&alone) => {
            if !matches!(alone, "no-ssl-reuse" | "no-tls-tickets" | "tfo" | "allow-0rtt" | "stick")
                && !alone.contains("tlsv")
                && !alone.starts_with("no-")
            {
                notes.lost(line, format!("of it, `{alone}` is not done"));
            }
            return Ok(1);
        }
        with_value if WITH_VALUE.contains(&with_value) || WITH_VALUE_TOO.contains(&with_value) => {
            let value = value()?;
            let message = match with_value {
                "cookie" => {
                    "its cookie is not used: no client is kept with one server by a cookie".to_owned()
                }
                "resolvers" | "resolve-prefer" | "init-addr" | "resolve-opts" | "resolve-net" => {
                    notes.anyway(
                        line,
                        format!("of it, `{with_value}`: names are looked up by Envoy, again and again, as the pod's resolv.conf says"),
                    );
                    return Ok(2);
                }
                "minconn" => "of it, `minconn` is not done: maxconn counts whatever the load is".to_owned(),
                other => format!("of it, `{other} {value}` is not done"),
            };
            notes.lost(line, message);
            return Ok(2);
        }
        unknown => {
            return Err(line.refuse(at, format!("unknown keyword '{}'", unknown.escape_debug())));
        }
    }
    Ok(if matches!(name, "weight" | "maxconn" | "rise" | "fall" | "inter") { 2 } else { 1 })
}

/// Reads `127.0.0.1:8775`, `[::1]:80`, `ipv4@10.0.0.1:80`, `name`; `None` if it is none of TCP.
fn address(line: &Line, at: usize) -> Result<Option<Address>, Refusal> {
    let text = line.word(at);
    let text = ["ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"]
        .iter()
        .find_map(|family| text.strip_prefix(family))
        .unwrap_or(text);
    if text.contains('@') || text.starts_with('/') {
        return Ok(None);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let port = match port {
        None | Some("") => None,
        // Relative to the port that the client asked.
        Some(port) if port.starts_with(['+', '-']) => return Ok(None),
        Some(port) => {
            let number = port.parse::<u16>().ok().filter(|&port| port > 0);
            Some(number.ok_or_else(|| line.refuse(at, format!("invalid port '{port}'")))?)
        }
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = matches!(host, "" | "*" | "0.0.0.0" | "127.0.0.1" | "localhost" | "::1" | "::");
    // The program that listens on IPv6's loopback alone is asked there.
    let host = if is_local && !host.contains(':') { "" } else { host };
    Ok(Some(Address { host: if host == "::" { "::1".to_owned() } else { host.to_owned() }, port }))
}
