//! curl, as users have it.

use std::process::Command;

/// An answer as curl saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status; 0 if there was no answer.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Trailers in order, names in lower case.
    pub trailers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
    /// curl's exit code: not 0 if the transfer was cut or timed out.
    pub exit: i32,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks a URL, with more of curl's arguments.
///
/// # Panics
///
/// If curl cannot be run.
pub fn curl(url: &str, args: &[&str]) -> Answer {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let (head, body) = (dir.path().join("head"), dir.path().join("body"));
    let status = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--noproxy", "*", "--dump-header"])
        .arg(&head)
        .arg("--output")
        .arg(&body)
        .args(args)
        .arg(url)
        .status()
        .expect("curl can be run");
    let head = String::from_utf8_lossy(&std::fs::read(head).unwrap_or_default()).into_owned();
    // After an interim answer such as 100, or a redirect that was followed, there is another head; the last one counts.
    // Trailers come after it, without a status line.
    let blocks: Vec<&str> = head.trim_end().split("\r\n\r\n").collect();
    let last = blocks.iter().rposition(|block| block.starts_with("HTTP/")).unwrap_or(0);
    let mut lines = blocks[last].lines();
    let code =
        lines.next().and_then(|line| line.split_whitespace().nth(1)).and_then(|code| code.parse().ok());
    let fields = |lines: std::str::Lines<'_>| {
        let fields = lines.filter_map(|line| line.split_once(':'));
        fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect::<Vec<_>>()
    };
    Answer {
        status: code.unwrap_or(0),
        headers: fields(lines),
        trailers: blocks.iter().skip(last + 1).flat_map(|block| fields(block.lines())).collect(),
        body: std::fs::read(body).unwrap_or_default(),
        exit: status.code().unwrap_or(-1),
    }
}
