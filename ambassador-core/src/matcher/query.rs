//! Parameters of a query (WHATWG URL, application/x-www-form-urlencoded), decoded one by one as they are looked for.

use std::borrow::Cow;

/// The names and values of the query of a request's target, decoded.
pub fn parameters(target: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let query =
        target.iter().position(|&byte| byte == b'?').and_then(|at| target.get(at.saturating_add(1)..));
    let pairs = query.unwrap_or_default().split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=');
        let (name, value) = at.and_then(|at| pair.split_at_checked(at)).unwrap_or((pair, b""));
        (decode(name), decode(value.strip_prefix(b"=").unwrap_or_default()))
    })
}

/// A part of a query: `+` is a space, `%` and two hexadecimal digits are a byte, all else is as it is.
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') && !text.contains(&b'+') {
        return Cow::Borrowed(text);
    }
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    Cow::Owned(percent_encoding::percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: &[(&str, &str)]) {
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
        let found: Vec<_> =
            parameters(target.as_bytes()).map(|(name, value)| (text(name), text(value))).collect();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{target}");
    }

    #[test]
    fn decodes_names_and_values() {
        check("/a", &[]);
        check("/a?", &[]);
        check("/a?x=1&y&&z=a=b", &[("x", "1"), ("y", ""), ("z", "a=b")]);
        check("/a?%78=%C3%A9+b%2B", &[("x", "é b+")]);
        check("/a?x=%&y=%4&z=%+1", &[("x", "%"), ("y", "%4"), ("z", "% 1")]);
    }
}
