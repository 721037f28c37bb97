//! Host and port of a URL (RFC 3986, section 3.2).

/// Host and port, without user information: with that, an address is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// The host, an IPv6 address in brackets.
    pub(super) host: &'a [u8],
    /// The port, if there is one.
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        if text.contains(&b'@') {
            return None;
        }
        // A colon within brackets is part of an IPv6 address.
        let bracket = text.iter().rposition(|&byte| byte == b']').unwrap_or(0);
        let colon = text.iter().rposition(|&byte| byte == b':').filter(|&at| at >= bracket);
        let (host, port) = match colon.and_then(|at| text.split_at_checked(at)) {
            Some((host, port)) => (host, Some(port.get(1..)?)),
            None => (text, None),
        };
        let port = match port {
            None | Some([]) => None,
            Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
                Some(std::str::from_utf8(digits).ok()?.parse().ok()?)
            }
            Some(_) => return None,
        };
        (!host.is_empty()).then_some(Self { host, port })
    }

    /// Whether the host is an address and no name.
    pub(super) fn is_address(&self) -> bool {
        self.host.first() == Some(&b'[')
            || self.host.iter().all(|&byte| byte == b'.' || byte.is_ascii_digit())
    }
}
