//! Event streams (WHATWG HTML, section 9.2): events, each of lines, with an empty line behind it.

use crate::exchange::Failure;

/// Cuts an event stream into its events as it comes.
#[derive(Debug)]
pub(super) struct Events {
    /// The beginning of an event whose end has not come yet.
    pending: Vec<u8>,
    /// How much of it has been looked at.
    seen: usize,
    /// Where the line begins that is being looked at.
    line: usize,
    limit: usize,
}

impl Events {
    /// Events of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { pending: Vec::new(), seen: 0, line: 0, limit }
    }

    /// Takes a part of the stream and shows each event that ends in it.
    pub(super) fn push(&mut self, part: &[u8], mut show: impl FnMut(&Event<'_>)) -> Result<(), Failure> {
        self.pending.extend_from_slice(part);
        let mut start = 0_usize;
        while let Some(&byte) = self.pending.get(self.seen) {
            let after = self.seen.saturating_add(1);
            let next = self.pending.get(after);
            // A line ends with CR, LF or both; whether LF follows a CR at the end of a part is not known yet.
            let end = match (byte, next) {
                (b'\r', Some(b'\n')) => after.saturating_add(1),
                (b'\n', _) | (b'\r', Some(_)) => after,
                (b'\r', None) => break,
                _ => {
                    self.seen = after;
                    continue;
                }
            };
            let is_blank = self.line == self.seen;
            self.seen = end;
            self.line = end;
            if is_blank {
                let lines = self.pending.get(start..end).unwrap_or_default();
                show(&Event { lines });
                start = end;
            }
        }
        self.pending.drain(..start);
        self.seen = self.seen.saturating_sub(start);
        self.line = self.line.saturating_sub(start);
        if self.pending.len() > self.limit {
            return Err(Failure::PieceTooLarge { limit: self.limit });
        }
        Ok(())
    }
}

/// One event, with the empty line behind it.
#[derive(Debug)]
pub(super) struct Event<'a> {
    lines: &'a [u8],
}

impl Event<'_> {
    /// Its data, lines joined; `None` if it has none: a comment, or an event that is not dispatched.
    pub(super) fn data(&self) -> Option<Vec<u8>> {
        let mut data: Option<Vec<u8>> = None;
        for value in self.each_line().filter_map(data_of) {
            match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => data = Some(value.to_vec()),
            }
        }
        data
    }

    pub(super) fn write_as_it_came(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(self.lines);
    }

    /// Writes the event with other data: JSON, in which a line break stands between words only.
    pub(super) fn write_with(&self, data: &[u8], output: &mut Vec<u8>) {
        for line in self.each_line().filter(|line| !line.is_empty() && data_of(line).is_none()) {
            output.extend_from_slice(line);
            output.push(b'\n');
        }
        output.extend_from_slice(b"data: ");
        output.extend(data.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        output.extend_from_slice(b"\n\n");
    }

    fn each_line(&self) -> impl Iterator<Item = &[u8]> {
        // CR LF gives an empty line more, which nothing looks at.
        self.lines.split(|&byte| byte == b'\n' || byte == b'\r')
    }
}

fn data_of(line: &[u8]) -> Option<&[u8]> {
    // A stream may begin with a byte order mark.
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let rest = line.strip_prefix(b"data")?;
    match rest.split_first() {
        None => Some(b""),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nevent: a\nid: 7\ndata: {\"x\":\ndata:1}\n\r\ndata\r\rretry: 5\r\n\r\ndatum: no\n\ndata: cut";

    fn run(size: usize) -> (Vec<Option<String>>, String) {
        let mut events = Events::new(1_000);
        let (mut seen, mut copy) = (Vec::new(), Vec::new());
        for part in STREAM.as_bytes().chunks(size) {
            events
                .push(part, |event| {
                    seen.push(event.data().map(|data| String::from_utf8(data).unwrap()));
                    event.write_as_it_came(&mut copy);
                })
                .unwrap();
        }
        (seen, String::from_utf8(copy).unwrap())
    }

    #[test]
    fn finds_events_in_parts_of_any_size() {
        for size in 1..STREAM.len() {
            let (seen, copy) = run(size);
            let data = |text: &str| Some(text.to_owned());
            assert_eq!(seen, [None, data("{\"x\":\n1}"), data(""), None, None], "parts of {size}");
            assert_eq!(copy, STREAM.strip_suffix("data: cut").unwrap(), "parts of {size}");
        }
    }

    #[test]
    fn other_data_keeps_the_other_fields() {
        let event = Event { lines: b"event: a\r\nid: 7\r\ndata: 1\r\ndata: 2\r\n: note\r\n\r\n" };
        let mut output = Vec::new();
        event.write_with(b"[1,\n2]", &mut output);
        assert_eq!(String::from_utf8(output).unwrap(), "event: a\nid: 7\n: note\ndata: [1, 2]\n\n");
    }

    #[test]
    fn an_event_without_end_is_bounded() {
        let mut events = Events::new(10);
        assert!(events.push(b"data: 1234", |_| {}).is_ok());
        assert_eq!(events.push(b"5", |_| {}), Err(Failure::PieceTooLarge { limit: 10 }));
    }
}
