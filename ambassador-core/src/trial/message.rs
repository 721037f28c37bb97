//! Messages of HTTP as files hold them: a head as it goes over the wire or as `curl -i` shows it, and a body.

use std::fmt::Write as _;

use crate::exchange::whole::Message;

/// As many headers as Envoy takes.
const MOST_HEADERS: usize = 100;
/// Headers that say how a body went over the wire. What is in a file has left it.
const FRAMING: [&str; 3] = ["connection", "keep-alive", "transfer-encoding"];

/// An answer, with what is strange about it.
#[derive(Debug)]
pub struct Answer {
    /// What it says.
    pub message: Message,
    /// What is strange about it.
    pub warnings: Vec<String>,
}

/// Whether this begins with a head, and is not a body alone.
pub fn has_head(text: &[u8]) -> bool {
    text.starts_with(b"HTTP/")
}

/// Reads a request: its first line is `GET /path`, with or without a version.
pub fn request(text: &[u8]) -> Result<Message, String> {
    if text.trim_ascii().is_empty() {
        return Err("it is empty".to_owned());
    }
    let (line, rest) = first_line(text);
    let line = String::from_utf8_lossy(line);
    let line = if line.split_whitespace().count() == 2 {
        format!("{} HTTP/1.1", line.trim())
    } else {
        line.into_owned()
    };
    let text = [line.as_bytes(), b"\n", &with_end_of_head(rest)].concat();
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(&text) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err("its head does not end".to_owned()),
        Err(error) => return Err(format!("{error}; it begins with a line such as `GET /stock/7`")),
    };
    let (method, path) = (parsed.method.unwrap_or_default(), parsed.path.unwrap_or_default());
    if !path.starts_with('/') {
        return Err(format!("`{}` is no path, which begins with `/`", path.escape_debug()));
    }
    let fields = fields(parsed.headers);
    let host = fields
        .iter()
        .find(|(name, _)| name == "host")
        .map_or(b"localhost".to_vec(), |(_, value)| value.clone());
    let pseudo = [
        (":method", method.as_bytes().to_vec()),
        (":path", path.as_bytes().to_vec()),
        (":scheme", b"http".to_vec()),
        (":authority", host),
    ];
    let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value));
    let fields = fields.into_iter().filter(|(name, _)| name != "host");
    let body = text.get(length..).unwrap_or_default().to_vec();
    let mut message = Message { headers: pseudo.into_iter().chain(fields).collect(), body };
    frame(&mut message);
    Ok(message)
}

/// Reads an answer; `status` and `content_type` are those of one that is a body alone.
pub fn answer(text: &[u8], status: u16, content_type: Option<&str>) -> Result<Answer, String> {
    if !has_head(text) {
        let status = (":status".to_owned(), status.to_string().into_bytes());
        let content_type = content_type.map(|value| ("content-type".to_owned(), value.as_bytes().to_vec()));
        let mut message = Message {
            headers: [Some(status), content_type].into_iter().flatten().collect(),
            body: text.to_vec(),
        };
        frame(&mut message);
        return Ok(Answer { message, warnings: Vec::new() });
    }
    // After an interim answer such as 100 there is another head, as `curl -i` shows it.
    let mut rest = text;
    loop {
        let (message, behind) = head_and_body(rest)?;
        if !message.headers.first().is_some_and(|(_, status)| status.starts_with(b"1")) || !has_head(behind) {
            return Ok(with_warnings(message));
        }
        rest = behind;
    }
}

fn head_and_body(text: &[u8]) -> Result<(Message, &[u8]), String> {
    let (line, rest) = first_line(text);
    // What curl writes for HTTP/2 and HTTP/3, and what people write, has no more than the number.
    let line = String::from_utf8_lossy(line);
    let status = line.split_whitespace().nth(1).unwrap_or_default();
    let with_head = with_end_of_head(rest);
    let text = [format!("HTTP/1.1 {status} \n").as_bytes(), &with_head].concat();
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let length = match parsed.parse(&text) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err("its head does not end".to_owned()),
        Err(error) => return Err(format!("{error}; it begins with a line such as `HTTP/1.1 200 OK`")),
    };
    let status = (":status".to_owned(), status.as_bytes().to_vec());
    let headers: Vec<_> = std::iter::once(status).chain(fields(parsed.headers)).collect();
    let size = text.len() - length;
    let body = rest.get(rest.len().saturating_sub(size)..).filter(|_| size <= rest.len()).unwrap_or_default();
    Ok((Message { headers, body: body.to_vec() }, body))
}

fn with_warnings(mut message: Message) -> Answer {
    let value = |name: &str| message.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value);
    let said = value("content-length")
        .and_then(|value| std::str::from_utf8(value).ok()?.trim().parse::<usize>().ok());
    let mut warnings = Vec::new();
    if let Some(said) = said.filter(|said| *said != message.body.len() && !message.body.is_empty()) {
        let real = message.body.len();
        warnings.push(format!(
            "the answer's Content-Length says {said}, and its body has {real} bytes, which counts"
        ));
    }
    frame(&mut message);
    Answer { message, warnings }
}

/// Makes the head say of the body what Envoy would say: its length is what there is of it.
fn frame(message: &mut Message) {
    message.headers.retain(|(name, _)| !FRAMING.contains(&name.as_str()));
    if message.body.is_empty() {
        // Of an answer to HEAD, say, the length is that of a body that is not there.
        return;
    }
    let length = message.body.len().to_string().into_bytes();
    match message.headers.iter_mut().find(|(name, _)| name == "content-length") {
        Some((_, value)) => *value = length,
        None => message.headers.push(("content-length".to_owned(), length)),
    }
}

/// Adds a header, as `curl -H` does.
pub fn add_header(message: &mut Message, name: &str, value: &str) -> Result<(), &'static str> {
    let name = name.trim().to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("not a header name");
    }
    let value = value.trim();
    if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
        return Err("a header's value has no control characters");
    }
    if name == "host" {
        message.headers.retain(|(found, _)| found != ":authority");
        message.headers.insert(0, (":authority".to_owned(), value.as_bytes().to_vec()));
    } else {
        message.headers.push((name, value.as_bytes().to_vec()));
    }
    Ok(())
}

/// The head as text, with an empty line behind it.
pub fn head(message: &Message) -> String {
    let value = |name: &str| {
        let found = message.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    let mut text = match value(":status") {
        Some(status) => format!("HTTP/1.1 {status}\n"),
        None => format!(
            "{} {} HTTP/1.1\n",
            value(":method").unwrap_or_default(),
            value(":path").unwrap_or_default()
        ),
    };
    if let Some(host) = value(":authority") {
        let _ = writeln!(text, "host: {host}");
    }
    for (name, value) in message.headers.iter().filter(|(name, _)| !name.starts_with(':')) {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value));
    }
    text + "\n"
}

fn fields(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect()
}

fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |&byte| byte == b'\n');
    let line = parts.next().unwrap_or_default();
    (line.trim_ascii_end(), parts.next().unwrap_or_default())
}

/// A head that ends with the file needs no empty line.
fn with_end_of_head(rest: &[u8]) -> Vec<u8> {
    let ends = rest.starts_with(b"\n")
        || rest.starts_with(b"\r\n")
        || rest.windows(2).any(|two| two == b"\n\n")
        || rest.windows(3).any(|three| three == b"\n\r\n");
    if ends {
        rest.to_vec()
    } else {
        [rest, if rest.is_empty() || rest.ends_with(b"\n") { b"\n".as_slice() } else { b"\n\n" }].concat()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn show(message: &Message) -> String {
        let lines = message
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={}\n", String::from_utf8_lossy(value)));
        format!("{}{:?}", lines.collect::<String>(), String::from_utf8_lossy(&message.body))
    }

    #[track_caller]
    fn check_answer(text: &str, expected: &Expect) {
        let shown = match answer(text.as_bytes(), 200, Some("text/csv")) {
            Ok(answer) => format!(
                "{}{}",
                show(&answer.message),
                answer.warnings.iter().map(|warning| format!("\n{warning}")).collect::<Vec<_>>().concat()
            ),
            Err(why) => why,
        };
        expected.assert_eq(&shown);
    }

    #[track_caller]
    fn check_request(text: &str, expected: &Expect) {
        expected.assert_eq(&request(text.as_bytes()).map_or_else(|why| why, |message| show(&message)));
    }

    #[test]
    fn reads_answers_as_curl_shows_them() {
        check_answer(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[1]",
            &expect![[r#"
            :status=200
            content-type=application/json
            content-length=3
            "[1]""#]],
        );
        check_answer(
            "HTTP/2 404 \r\nx-a: 1\r\nX-A: 2\r\n\r\n",
            &expect![[r#"
            :status=404
            x-a=1
            x-a=2
            """#]],
        );
        check_answer(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\nbody",
            &expect![[r#"
            :status=200
            a=b
            content-length=4
            "body""#]],
        );
        check_answer(
            "HTTP/1.1 200 OK\ncontent-length: 3\ntransfer-encoding: chunked\n\n[1]\n",
            &expect![[r#"
            :status=200
            content-length=4
            "[1]\n"
            the answer's Content-Length says 3, and its body has 4 bytes, which counts"#]],
        );
        check_answer(
            "HTTP/1.1 304",
            &expect![[r#"
            :status=304
            """#]],
        );
        check_answer(
            "HTTP/1.1 304\na: b",
            &expect![[r#"
            :status=304
            a=b
            """#]],
        );
        check_answer(
            "HTTP/1.1 200 OK\n\nHTTP/1.1 is in this body\n\n",
            &expect![[r#"
            :status=200
            content-length=26
            "HTTP/1.1 is in this body\n\n""#]],
        );
    }

    #[test]
    fn reads_bodies_alone() {
        check_answer(
            "a,b\n1,2\n",
            &expect![[r#"
            :status=200
            content-type=text/csv
            content-length=8
            "a,b\n1,2\n""#]],
        );
        check_answer(
            "",
            &expect![[r#"
            :status=200
            content-type=text/csv
            """#]],
        );
    }

    #[test]
    fn refuses_what_is_no_answer() {
        check_answer(
            "HTTP/1.1 20 OK\n\n",
            &expect!["invalid response status; it begins with a line such as `HTTP/1.1 200 OK`"],
        );
        check_answer(
            "HTTP/1.1\n\n",
            &expect!["invalid response status; it begins with a line such as `HTTP/1.1 200 OK`"],
        );
        check_answer(
            "HTTP/1.1 200 OK\nno colon\n\n",
            &expect!["invalid header name; it begins with a line such as `HTTP/1.1 200 OK`"],
        );
    }

    #[test]
    fn reads_requests() {
        check_request(
            "GET /stock/7?all=1",
            &expect![[r#"
            :method=GET
            :path=/stock/7?all=1
            :scheme=http
            :authority=localhost
            """#]],
        );
        check_request(
            "POST / HTTP/1.1\r\nHost: fruit:9102\r\nContent-Type: text/plain\r\n\r\nabc",
            &expect![[r#"
                :method=POST
                :path=/
                :scheme=http
                :authority=fruit:9102
                content-type=text/plain
                content-length=3
                "abc""#]],
        );
        check_request(
            "put /\nA: b\n",
            &expect![[r#"
            :method=put
            :path=/
            :scheme=http
            :authority=localhost
            a=b
            """#]],
        );
    }

    #[test]
    fn refuses_what_is_no_request() {
        check_request("", &expect!["it is empty"]);
        check_request("GET", &expect!["invalid token; it begins with a line such as `GET /stock/7`"]);
        check_request("GET stock", &expect!["`stock` is no path, which begins with `/`"]);
        check_request(
            "GET /a b c d",
            &expect!["invalid HTTP version; it begins with a line such as `GET /stock/7`"],
        );
        check_request(
            "G@T / HTTP/1.1\n\n",
            &expect!["invalid token; it begins with a line such as `GET /stock/7`"],
        );
    }
}
