//! Body formats: what the legacy program sends becomes one JSON text for a rule's program, and what that gives becomes
//! what the client is sent.
//!
//! A [`Reader`] is compiled from a rule's `from`, a [`Writer`] from its `to`. Both work in time and memory that grow with
//! the body alone, bounded by a limit, without recursion, and keep the text of numbers. `docs/formats.md` says what each
//! format makes of what.

mod charset;
#[cfg(feature = "csv")]
mod csv;
mod error;
mod form;
mod ndjson;
mod options;
mod output;
mod prometheus;
#[cfg(feature = "csv")]
mod table;
mod text;
#[cfg(feature = "csv")]
mod tsv;
#[cfg(feature = "xml")]
mod xml;
#[cfg(feature = "yaml-body")]
mod yaml;

use std::borrow::Cow;

use ambassador_jq::json::Json;

pub use error::{FormatError, Place};
pub use ndjson::Lines;

use crate::config;
use crate::matcher::content_type as media;
use crate::problem::{Path, Problem};
use error::Fault;
use options::Name;
use output::Output;

/// How deep bodies may nest, as in the engine.
const DEPTH: usize = 128;
/// Bytes that one line of a stream may have.
const MOST_LINE: usize = 1 << 20;

/// A format to read from, with its options.
#[derive(Debug)]
pub struct Reader(Read);

#[derive(Debug)]
enum Read {
    Json,
    Ndjson,
    #[cfg(feature = "xml")]
    Xml(xml::Reader),
    #[cfg(feature = "csv")]
    Csv(csv::Reader),
    #[cfg(feature = "csv")]
    Tsv(tsv::Reader),
    #[cfg(feature = "yaml-body")]
    Yaml,
    Text(text::Reader),
    Form(form::Reader),
}

impl Reader {
    /// The reader that a rule's `from` asks for; notes what is wrong with it.
    pub fn new(written: &config::Format, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let (name, path) = options::named(written, path, problems)?;
        let options = match written {
            config::Format::Name(_) => &config::FormatOptions::default(),
            config::Format::Options(options) => options,
        };
        Some(Self(match name {
            Name::Json => Read::Json,
            Name::Ndjson => Read::Ndjson,
            #[cfg(feature = "xml")]
            Name::Xml => {
                Read::Xml(xml::Reader::new(&options.xml.clone().unwrap_or_default(), &path, problems))
            }
            #[cfg(feature = "csv")]
            Name::Csv => {
                Read::Csv(csv::Reader::new(&options.csv.clone().unwrap_or_default(), &path, problems))
            }
            #[cfg(feature = "csv")]
            Name::Tsv => {
                Read::Tsv(tsv::Reader::new(&options.tsv.clone().unwrap_or_default(), &path, problems))
            }
            #[cfg(feature = "yaml-body")]
            Name::Yaml => Read::Yaml,
            Name::Text => {
                Read::Text(text::Reader::new(&options.text.clone().unwrap_or_default(), &path, problems)?)
            }
            Name::Form => {
                Read::Form(form::Reader::new(&options.form.clone().unwrap_or_default(), &path, problems))
            }
            Name::Prometheus => {
                let problem = Problem::new(&path, "prometheus can only be written");
                problems.push(problem.hint("read it as text, with `lines`"));
                return None;
            }
            #[cfg(not(all(feature = "xml", feature = "csv", feature = "yaml-body")))]
            name => return not_built_in(name, &path, problems),
        }))
    }

    /// The reader, with default options, that a Content-Type asks for; JSON where there is none, as legacy programs
    /// forget it. `None` for a type that no format is for.
    pub fn for_content_type(content_type: Option<&[u8]>) -> Option<Self> {
        let Some(content_type) = content_type else { return Some(Self(Read::Json)) };
        let (kind, subtype) = media::parts(content_type)?;
        let all = [
            Read::Json,
            Read::Ndjson,
            #[cfg(feature = "xml")]
            Read::Xml(xml::Reader::default()),
            #[cfg(feature = "csv")]
            Read::Csv(csv::Reader::default()),
            #[cfg(feature = "csv")]
            Read::Tsv(tsv::Reader::default()),
            #[cfg(feature = "yaml-body")]
            Read::Yaml,
            Read::Form(form::Reader::default()),
        ];
        let found = all.into_iter().find(|read| read.is_of(kind, subtype));
        let text = || {
            let plain = kind.eq_ignore_ascii_case(b"text") && subtype.eq_ignore_ascii_case(b"plain");
            plain.then(|| Read::Text(text::Reader::default()))
        };
        found.or_else(text).map(Self)
    }

    /// Whether a Content-Type is of this format, or there is none.
    pub fn reads(&self, content_type: Option<&[u8]>) -> bool {
        content_type.is_none_or(|found| {
            media::parts(found).is_some_and(|(kind, subtype)| self.0.is_of(kind, subtype))
        })
    }

    /// The name of the format.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Read::Json => "json",
            Read::Ndjson => "ndjson",
            #[cfg(feature = "xml")]
            Read::Xml(_) => "xml",
            #[cfg(feature = "csv")]
            Read::Csv(_) => "csv",
            #[cfg(feature = "csv")]
            Read::Tsv(_) => "tsv",
            #[cfg(feature = "yaml-body")]
            Read::Yaml => "yaml",
            Read::Text(_) => "text",
            Read::Form(_) => "form",
        }
    }

    /// The body as a JSON text of at most `limit` bytes. Content-Type gives the charset.
    ///
    /// JSON in UTF-8 is only borrowed: whether it is JSON is for the engine to say. All other formats give strict JSON.
    pub fn read<'a>(
        &self,
        body: &'a [u8],
        content_type: Option<&[u8]>,
        limit: usize,
    ) -> Result<Cow<'a, [u8]>, FormatError> {
        let format = self.name();
        let text = charset::decode(body, content_type, format == "xml")
            .map_err(|fault| fault.unreadable(format, b"", limit))?;
        if matches!(self.0, Read::Json) {
            return if text.len() > limit { Err(FormatError::TooLarge { format, limit }) } else { Ok(text) };
        }
        let mut output = Output::new(limit, text.len());
        let result = std::str::from_utf8(&text)
            .map_err(|error| Fault::at(error.valid_up_to(), "it is not UTF-8 here"))
            .and_then(|text| self.0.read(text, &mut output));
        result.map_err(|fault| fault.unreadable(format, &text, limit))?;
        Ok(Cow::Owned(output.finish()))
    }
}

impl Read {
    fn read(&self, text: &str, output: &mut Output) -> Result<(), Fault> {
        match self {
            Self::Json => output.raw(text),
            Self::Ndjson => ndjson::read(text, output),
            #[cfg(feature = "xml")]
            Self::Xml(reader) => reader.read(text, output),
            #[cfg(feature = "csv")]
            Self::Csv(reader) => reader.read(text, output),
            #[cfg(feature = "csv")]
            Self::Tsv(reader) => reader.read(text, output),
            #[cfg(feature = "yaml-body")]
            Self::Yaml => yaml::read(text, output),
            Self::Text(reader) => reader.read(text, output),
            Self::Form(reader) => reader.read(text, output),
        }
    }

    /// Whether bodies of this format are called `kind/subtype`.
    fn is_of(&self, kind: &[u8], subtype: &[u8]) -> bool {
        let (application, is_text) =
            (kind.eq_ignore_ascii_case(b"application"), kind.eq_ignore_ascii_case(b"text"));
        let one_of = |names: &[&str]| names.iter().any(|name| subtype.eq_ignore_ascii_case(name.as_bytes()));
        match self {
            Self::Json => (application || is_text) && media::subtype_is(subtype, b"json"),
            Self::Ndjson => {
                application && one_of(&["x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines"])
            }
            #[cfg(feature = "xml")]
            Self::Xml(_) => media::subtype_is(subtype, b"xml"),
            #[cfg(feature = "csv")]
            Self::Csv(_) => (is_text || application) && one_of(&["csv", "comma-separated-values"]),
            #[cfg(feature = "csv")]
            Self::Tsv(_) => is_text && one_of(&["tab-separated-values"]),
            #[cfg(feature = "yaml-body")]
            Self::Yaml => {
                (is_text || application)
                    && (media::subtype_is(subtype, b"yaml") || one_of(&["x-yaml", "vnd.yaml"]))
            }
            Self::Text(_) => is_text,
            Self::Form(_) => application && one_of(&["x-www-form-urlencoded"]),
        }
    }
}

#[cfg(not(all(feature = "xml", feature = "csv", feature = "yaml-body")))]
fn not_built_in<T>(name: Name, path: &Path, problems: &mut Vec<Problem>) -> Option<T> {
    problems.push(Problem::new(path, format!("this build cannot handle {}", name.text())));
    None
}

/// A format to write, with its options.
#[derive(Debug)]
pub struct Writer(Write);

#[derive(Debug)]
enum Write {
    Json,
    Ndjson,
    #[cfg(feature = "xml")]
    Xml(xml::Writer),
    #[cfg(feature = "csv")]
    Csv(csv::Writer),
    #[cfg(feature = "csv")]
    Tsv(tsv::Writer),
    #[cfg(feature = "yaml-body")]
    Yaml,
    Text,
    Form,
    Prometheus,
}

impl Writer {
    /// The writer that a rule's `to` asks for; notes what is wrong with it.
    pub fn new(written: &config::Format, path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let (name, path) = options::named(written, path, problems)?;
        let options = match written {
            config::Format::Name(_) => &config::FormatOptions::default(),
            config::Format::Options(options) => options,
        };
        let from = |written: &[(&str, bool)], problems: &mut Vec<Problem>| {
            options::refuse("from", written, &path, problems);
        };
        Some(Self(match name {
            Name::Json => Write::Json,
            Name::Ndjson => Write::Ndjson,
            #[cfg(feature = "xml")]
            Name::Xml => {
                Write::Xml(xml::Writer::new(&options.xml.clone().unwrap_or_default(), &path, problems))
            }
            #[cfg(feature = "csv")]
            Name::Csv => {
                Write::Csv(csv::Writer::new(&options.csv.clone().unwrap_or_default(), &path, problems))
            }
            #[cfg(feature = "csv")]
            Name::Tsv => {
                Write::Tsv(tsv::Writer::new(&options.tsv.clone().unwrap_or_default(), &path, problems))
            }
            #[cfg(feature = "yaml-body")]
            Name::Yaml => Write::Yaml,
            Name::Prometheus => Write::Prometheus,
            Name::Text => {
                if let Some(text) = &options.text {
                    let written = [("lines", text.lines.is_some()), ("unmatched", text.unmatched.is_some())];
                    from(&written, problems);
                }
                Write::Text
            }
            Name::Form => {
                if let Some(form) = &options.form {
                    from(&[("lists", form.lists.is_some())], problems);
                }
                Write::Form
            }
            #[cfg(not(all(feature = "xml", feature = "csv", feature = "yaml-body")))]
            name => return not_built_in(name, &path, problems),
        }))
    }

    /// The writer of a rule without `to`.
    pub fn json() -> Self {
        Self(Write::Json)
    }

    /// The name of the format.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Write::Json => "json",
            Write::Ndjson => "ndjson",
            #[cfg(feature = "xml")]
            Write::Xml(_) => "xml",
            #[cfg(feature = "csv")]
            Write::Csv(_) => "csv",
            #[cfg(feature = "csv")]
            Write::Tsv(_) => "tsv",
            #[cfg(feature = "yaml-body")]
            Write::Yaml => "yaml",
            Write::Prometheus => "prometheus",
            Write::Text => "text",
            Write::Form => "form",
        }
    }

    /// The Content-Type of what is written.
    pub fn content_type(&self) -> &'static str {
        match &self.0 {
            Write::Json => "application/json",
            Write::Ndjson => "application/x-ndjson",
            #[cfg(feature = "xml")]
            Write::Xml(_) => "application/xml",
            #[cfg(feature = "csv")]
            Write::Csv(_) => "text/csv; charset=utf-8",
            #[cfg(feature = "csv")]
            Write::Tsv(_) => "text/tab-separated-values; charset=utf-8",
            #[cfg(feature = "yaml-body")]
            Write::Yaml => "application/yaml",
            Write::Prometheus => prometheus::CONTENT_TYPE,
            Write::Text => "text/plain; charset=utf-8",
            Write::Form => "application/x-www-form-urlencoded",
        }
    }

    /// Whether several outputs of a program are one body in this format, by [`write_all`](Self::write_all).
    pub fn joins_outputs(&self) -> bool {
        matches!(self.0, Write::Ndjson)
    }

    /// A body of at most `limit` bytes from a JSON text as the engine wrote it. JSON is not copied.
    pub fn write(&self, json: Vec<u8>, limit: usize) -> Result<Vec<u8>, FormatError> {
        let format = self.name();
        if matches!(self.0, Write::Json) {
            return if json.len() > limit { Err(FormatError::TooLarge { format, limit }) } else { Ok(json) };
        }
        let mut output = Output::new(limit, json.len());
        let document = Json::read(&json, DEPTH).map_err(|_| not_json().unwritable(format, limit))?;
        self.0.write(&document, &mut output).map_err(|fault| fault.unwritable(format, limit))?;
        Ok(output.finish())
    }

    /// A body from all outputs of a program: each is a line of its own, arrays too.
    ///
    /// Only where [`joins_outputs`](Self::joins_outputs) says so there may be another number of outputs than one.
    pub fn write_all<'a>(
        &self,
        outputs: impl Iterator<Item = &'a [u8]>,
        limit: usize,
    ) -> Result<Vec<u8>, FormatError> {
        let format = self.name();
        let mut body = Output::new(limit, 0);
        for (at, output) in outputs.enumerate() {
            let result = match Json::read(output, DEPTH) {
                Err(_) => Err(not_json()),
                Ok(document) if matches!(self.0, Write::Ndjson) => ndjson::line(document.root(), &mut body),
                Ok(_) if at > 0 => Err(Fault::new("it is several values where one is needed")),
                Ok(document) => self.0.write(&document, &mut body),
            };
            result.map_err(|fault| fault.unwritable(format, limit))?;
        }
        Ok(body.finish())
    }
}

fn not_json() -> Fault {
    Fault::new("it is not JSON of at most 128 levels")
}

impl Write {
    fn write(&self, document: &Json<'_>, output: &mut Output) -> Result<(), Fault> {
        let value = document.root();
        match self {
            Self::Json => output.raw(value.text()),
            Self::Ndjson => ndjson::write(value, output),
            #[cfg(feature = "xml")]
            Self::Xml(writer) => writer.write(value, output),
            #[cfg(feature = "csv")]
            Self::Csv(writer) => writer.write(value, output),
            #[cfg(feature = "csv")]
            Self::Tsv(writer) => writer.write(value, output),
            #[cfg(feature = "yaml-body")]
            Self::Yaml => yaml::write(value, output),
            Self::Prometheus => prometheus::write(value, output),
            Self::Text => text::write(value, output),
            Self::Form => form::write(value, output),
        }
    }
}

#[cfg(test)]
mod tests;
