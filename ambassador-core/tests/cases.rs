//! Whole exchanges as text: those of `docs/rules.md` and of the cookbook, and cases of HTTP that nobody wants to read about
//! there.
//!
//! A block of YAML holds rules. The block of an exchange after it holds, by the beginning of its lines, what the client
//! sends (`>`), what the legacy program is asked (`>>`, left out where that is the same), what it answers (`<`), what the
//! client gets (`<<`), and what is counted (`!`). `UPDATE_EXPECT=1` writes what comes out into the file, to be read.

use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use ambassador_core::Ambassador;
use ambassador_core::config::yaml;
use ambassador_core::exchange::Side;
use ambassador_core::exchange::whole::{Message, run};
use ambassador_core::rules::Rule;

const NOW: f64 = 1_425_599_621.0;

fn ambassador(block: &str) -> Rc<Ambassador> {
    let indented: Vec<String> = block.lines().map(|line| format!("  {line}\n")).collect();
    let ports = "[{name: http, listen: 80, target: 8775}, {name: metrics, listen: 9102, target: 8775}]";
    let text = format!(
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: {ports}\n{}",
        indented.concat()
    );
    match yaml::load(&text) {
        Ok(loaded) => loaded.ambassador,
        Err(problems) => panic!("{block}\n{problems:?}"),
    }
}

/// The lines with this beginning.
fn part(block: &str, prefix: &str) -> Option<String> {
    let lines: Vec<&str> = block
        .lines()
        .filter_map(|line| line.split_once(' ').or(Some((line, ""))).filter(|(start, _)| *start == prefix))
        .map(|(_, rest)| rest)
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `\n`, `\r`, `\\` and `\xNN` in texts.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let (byte, length) = match rest.as_bytes()[at + 1] {
            b'n' => (b'\n', 2),
            b'r' => (b'\r', 2),
            b'x' => (u8::from_str_radix(&rest[at + 2..at + 4], 16).expect("two digits"), 4),
            other => (other, 2),
        };
        bytes.push(byte);
        rest = &rest[at + length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\\' => text.push_str("\\\\"),
                c if c.is_control() || c == '\u{feff}' => {
                    c.to_string().bytes().for_each(|byte| write!(text, "\\x{byte:02X}").expect("a text"));
                }
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| write!(text, "\\x{byte:02X}").expect("a text"));
    }
    text
}

/// A first line, headers, an empty line, a body.
fn message(text: &str) -> (String, Message) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
    let mut lines = head.lines();
    let first = lines.next().expect("a first line").to_owned();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
        (name.to_owned(), unescape(value.trim()))
    });
    let headers = headers.collect();
    // A body is on lines as it is written; what ends with a line break says so by `\n`.
    (first, Message { headers, body: unescape(body) })
}

fn request(text: &str) -> (u16, Message) {
    let (first, mut message) = message(text);
    let mut words = first.split(' ');
    let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
    let port = words.next().map_or(80, |port| port.trim_start_matches(':').parse().expect("a port"));
    let mut host = b"fruit.example".to_vec();
    message.headers.retain(|(name, value)| {
        if name == "host" {
            host.clone_from(value);
        }
        name != "host"
    });
    let pseudo = [(":method", method.as_bytes()), (":path", path.as_bytes()), (":authority", &host)];
    let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.to_vec()));
    message.headers = pseudo.into_iter().chain(message.headers).collect();
    (port, message)
}

fn answer(text: &str) -> Message {
    let (status, mut message) = message(text);
    message.headers.insert(0, (":status".to_owned(), status.into_bytes()));
    message
}

fn show(prefix: &str, message: &Message, pseudo: &[&str]) -> String {
    let get = |wanted: &str| message.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let first: Vec<String> = pseudo.iter().filter_map(|name| get(name)).map(|value| escape(value)).collect();
    let mut text = format!("{prefix} {}\n", first.join(" "));
    let hidden = [":method", ":path", ":status", "x-ambassador-upstream"];
    for (name, value) in message.headers.iter().filter(|(name, _)| !hidden.contains(&name.as_str())) {
        let name = if name == ":authority" { "host" } else { name };
        if name != "host" || value != b"fruit.example" {
            writeln!(text, "{prefix} {name}: {}", escape(value)).expect("a text");
        }
    }
    if !message.body.is_empty() {
        writeln!(text, "{prefix}\n{prefix} {}", escape(&message.body)).expect("a text");
    }
    text
}

/// The block as it should be. A rule's hash stands there as `HASH` and the rule's name: it changes with each version.
fn exchange(ambassador: &Rc<Ambassador>, block: &str) -> String {
    let rules = || ambassador.rules.iter();
    let hashed = |text: &str, rule: &Rule| text.replace(&format!("HASH-{}", rule.name), &rule.hash);
    let block = rules().fold(block.to_owned(), |text, rule| hashed(&text, rule));
    let found = exchange_with_hashes(ambassador, &block);
    rules().fold(found, |text, rule| text.replace(&rule.hash, &format!("HASH-{}", rule.name)))
}

fn exchange_with_hashes(ambassador: &Rc<Ambassador>, block: &str) -> String {
    let client = part(block, ">").unwrap_or_else(|| panic!("no request in\n{block}"));
    let legacy = part(block, "<");
    let (port, asked) = request(&client);
    let original = asked.clone();
    let reply = answer(legacy.as_deref().unwrap_or("200"));
    let told = run(ambassador, port, asked, |_| reply, NOW).expect("the port is mapped");
    let lines = |prefix: &str| {
        let found: Vec<&str> = block.lines().filter(|line| line.split(' ').next() == Some(prefix)).collect();
        found.iter().fold(String::new(), |text, line| text + line + "\n")
    };
    let mut text = lines(">");
    let line = [":method", ":path"];
    if let Some(request) = &told.request
        && show(">>", request, &line) != show(">>", &original, &line)
    {
        text += &show(">>", request, &line);
    }
    text += &lines("<");
    text += &show("<<", &told.answer, &[":status"]);
    for report in &told.reports {
        let rule = ambassador.rules.get(report.rule).map_or("", |rule| &rule.name);
        let side = if report.side == Side::Request { "request " } else { "" };
        writeln!(text, "! {rule} {side}{}", report.outcome.name()).expect("a text");
    }
    if told.cut {
        writeln!(text, "! cut off: {}", told.log.join(" ")).expect("a text");
    }
    text
}

/// Runs all exchanges of a file, each by the rules of the last YAML before it.
#[track_caller]
fn check(file: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).expect("the file");
    let mut new = String::new();
    let (mut count, mut rules) = (0, None);
    for (at, block) in text.split("```").enumerate() {
        if at > 0 {
            new += "```";
        }
        if at % 2 == 0 {
            new += block;
            continue;
        }
        let (kind, content) = block.split_once('\n').expect("a fenced block");
        match kind {
            "yaml" => rules = Some(ambassador(content)),
            "http" => {
                count += 1;
                let rules = rules.as_ref().expect("rules before an exchange");
                new += "http\n";
                new += &exchange(rules, content);
                continue;
            }
            _ => {}
        }
        new += block;
    }
    if new != text && std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &new).expect("the file can be written");
        return;
    }
    for (expected, found) in text.split("```").zip(new.split("```")) {
        assert_eq!(expected, found, "{file}; UPDATE_EXPECT=1 rewrites it");
    }
    assert!(count >= least, "only {count} exchanges in {file}");
}

#[test]
fn every_example_of_the_reference_holds() {
    check("../docs/rules.md", 20);
}

#[test]
fn every_rule_of_the_cookbook_holds_and_is_in_its_list() {
    let read = |file: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file))
            .expect("a page")
    };
    let list = read("cookbook.md");
    for (page, least) in [("shape", 20), ("values", 8), ("lists", 14), ("formats", 14), ("http", 17)] {
        check(&format!("../docs/cookbook/{page}.md"), least);
        let rules = read(&format!("cookbook/{page}.md")).matches("\n## ").count();
        assert_eq!(list.matches(&format!("](cookbook/{page}.md#")).count(), rules, "{page}");
    }
}

#[test]
fn every_case_of_http_holds() {
    check("tests/cases/http.md", 40);
}
