//! Targets for bodies in other formats and codings.

use ambassador_core::coding;
use ambassador_core::config::Format;
use ambassador_core::format::{Reader, Writer};
use ambassador_core::problem::Path;
use serde::de::IgnoredAny;

/// Enough for every seed, and soon reached by what grows.
const LIMIT: usize = 1 << 16;

/// What the first byte chooses.
const READERS: [&str; 14] = [
    r#""ndjson""#,
    r#""xml""#,
    r#"{"xml":{"namespaces":"strip","attributePrefix":"","forceList":["a","a/b"]}}"#,
    r#""csv""#,
    r#"{"csv":{"header":false,"types":"infer","delimiter":";"}}"#,
    r#""tsv""#,
    r#"{"tsv":{"escapes":true,"header":false}}"#,
    r#""yaml""#,
    r#""text""#,
    r#"{"text":{"lines":"^(?P<a>[a-z]*):? *(?P<b>.*)$"}}"#,
    r#"{"text":{"lines":"(?P<a>[0-9]+)","unmatched":"skip"}}"#,
    r#""form""#,
    r#"{"form":{"lists":"always"}}"#,
    r#""json""#,
];

/// All of them write what was read.
const WRITERS: [&str; 9] = [
    r#""ndjson""#,
    r#"{"xml":{"root":"r"}}"#,
    r#""csv""#,
    r#"{"tsv":{"escapes":true}}"#,
    r#"{"csv":{"columns":["a","b"],"delimiter":";"}}"#,
    r#""yaml""#,
    r#""text""#,
    r#""form""#,
    r#""prometheus""#,
];

fn format(written: &str) -> Format {
    Format::from_json(written.as_bytes()).expect("a format")
}

fn reader(written: &str) -> Reader {
    Reader::new(&format(written), &Path::root(), &mut Vec::new()).expect("a reader")
}

/// A byte that chooses a format, and a body: what is read is strict JSON within the limit, every format writes it or says
/// why not, and YAML reads back what it wrote.
#[expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]
pub fn formats(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else { return };
    let written = READERS.get(usize::from(choice) % READERS.len()).copied().unwrap_or_default();
    let charset: Option<&[u8]> = (choice >= 128).then_some(b"text/plain; charset=windows-1252");
    let Ok(json) = reader(written).read(body, charset, LIMIT) else { return };
    assert!(json.len() <= LIMIT);
    let is_json = serde_json::from_slice::<IgnoredAny>(&json).is_ok();
    assert!(is_json || written == "\"json\"", "{}", String::from_utf8_lossy(&json));
    for written in WRITERS {
        let writer = Writer::new(&format(written), &Path::root(), &mut Vec::new()).expect("a writer");
        let Ok(body) = writer.write(json.to_vec(), LIMIT) else { continue };
        assert!(body.len() <= LIMIT && std::str::from_utf8(&body).is_ok());
        if written == "\"yaml\"" {
            let again = reader(written).read(&body, None, LIMIT * 8).expect("our own YAML");
            let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
            if let Some(value_of_json) = value(&json) {
                assert_eq!(value(&again), Some(value_of_json), "{}", String::from_utf8_lossy(&body));
            }
        }
    }
}

/// A byte that chooses a coding, and a body: it is decoded within the limit, or not.
#[expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]
pub fn codings(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else { return };
    let names: [&[u8]; 6] = [b"gzip", b"deflate", b"br", b"zstd", b"br, gzip", b"gzip, zstd"];
    let name = names.get(usize::from(choice) % names.len()).copied().unwrap_or_default();
    let codings = coding::stack(std::iter::once(name)).expect("known");
    if let Ok(decoded) = codings.decode(body, LIMIT) {
        assert!(decoded.len() <= LIMIT);
    }
}
