//! Prometheus' text format, version 0.0.4: a list of metric families.
//!
//! `[{"name": "fruit_total", "help": "...", "type": "counter", "samples": [{"labels": {"kind": "fig"}, "value": 3}]}]`

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ambassador_jq::json::{Json, Value, View};

use super::error::Fault;
use super::output::Output;

/// The Content-Type of what is written.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Types of families, and of each the suffixes that names of its samples may have.
const TYPES: [(&str, &[&str]); 5] = [
    ("counter", &[""]),
    ("gauge", &[""]),
    ("histogram", &["_bucket", "_sum", "_count"]),
    ("summary", &["", "_sum", "_count"]),
    ("untyped", &[""]),
];

/// What has been written, to notice what comes twice.
#[derive(Default)]
struct Seen {
    /// Names of samples with the family that each belongs to.
    names: BTreeMap<String, usize>,
    /// Names of samples with their labels in order.
    series: BTreeSet<Vec<u8>>,
}

/// Writes families.
pub(super) fn write(value: View<'_>, output: &mut Output) -> Result<(), Fault> {
    let Value::Array(families) = value.value() else {
        return Err(Fault::new("metrics are a list of families, each with `name` and `samples`"));
    };
    let mut seen = Seen::default();
    for (at, family) in families.enumerate() {
        let place = Place { family: at.saturating_add(1), sample: None };
        Family::new(family, place)?.write(&mut seen, output)?;
    }
    Ok(())
}

/// Which family, and which sample of it, an error is about.
#[derive(Debug, Clone, Copy)]
struct Place {
    family: usize,
    sample: Option<usize>,
}

impl Place {
    fn fault(self, what: &str) -> Fault {
        Fault::new(match self.sample {
            Some(sample) => format!("sample {sample} of family {}: {what}", self.family),
            None => format!("family {}: {what}", self.family),
        })
    }

    /// The fields of an object that has no others than these.
    fn fields<'a, const N: usize>(
        self,
        value: View<'a>,
        known: [&str; N],
        what: &str,
    ) -> Result<[Option<View<'a>>; N], Fault> {
        let Value::Object(entries) = value.value() else { return Err(self.fault("it is not an object")) };
        let mut found = [None; N];
        for (key, value) in entries {
            match known.iter().position(|name| *name == key).and_then(|at| found.get_mut(at)) {
                Some(place) => *place = Some(value),
                None => return Err(self.fault(what)),
            }
        }
        Ok(found)
    }

    fn text<'a>(self, value: Option<View<'a>>, what: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        match value.map(View::value) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.fault(what)),
        }
    }
}

struct Family<'a> {
    place: Place,
    name: Cow<'a, str>,
    help: Option<Cow<'a, str>>,
    kind: &'static str,
    suffixes: &'static [&'static str],
    samples: View<'a>,
}

impl<'a> Family<'a> {
    fn new(value: View<'a>, place: Place) -> Result<Self, Fault> {
        let [name, help, kind, samples] = place.fields(
            value,
            ["name", "help", "type", "samples"],
            "it has a field beside `name`, `help`, `type` and `samples`",
        )?;
        let name = place.text(name, "its `name` is not a string")?;
        let name = name.filter(|name| is_name(name, true)).ok_or_else(|| {
            place.fault("its `name` is not one of a metric: letters, digits, `_` and `:`, no digit first")
        })?;
        let kind = place.text(kind, "its `type` is not a string")?.unwrap_or(Cow::Borrowed("untyped"));
        let known = TYPES.iter().find(|(known, _)| *known == kind);
        let &(kind, suffixes) = known.ok_or_else(|| {
            place.fault("its `type` is none of counter, gauge, histogram, summary and untyped")
        })?;
        let samples = samples.ok_or_else(|| place.fault("it has no `samples`"))?;
        Ok(Self {
            place,
            name,
            help: place.text(help, "its `help` is not a string")?,
            kind,
            suffixes,
            samples,
        })
    }

    fn write(&self, seen: &mut Seen, output: &mut Output) -> Result<(), Fault> {
        for suffix in [""].iter().chain(self.suffixes) {
            let name = [&self.name, *suffix].concat();
            if *seen.names.entry(name).or_insert(self.place.family) != self.place.family {
                return Err(self.place.fault("its name is taken by a family before it"));
            }
        }
        if let Some(help) = &self.help {
            output.raw("# HELP ")?;
            output.raw(self.name.as_bytes())?;
            output.raw(" ")?;
            escape(help, false, output)?;
            output.raw("\n")?;
        }
        for part in ["# TYPE ", &self.name, " ", self.kind, "\n"] {
            output.raw(part)?;
        }
        let Value::Array(samples) = self.samples.value() else {
            return Err(self.place.fault("its `samples` are not a list"));
        };
        for (at, sample) in samples.enumerate() {
            let place = Place { sample: Some(at.saturating_add(1)), ..self.place };
            self.sample(sample, place, seen, output)?;
        }
        Ok(())
    }

    fn sample(
        &self,
        value: View<'_>,
        place: Place,
        seen: &mut Seen,
        output: &mut Output,
    ) -> Result<(), Fault> {
        let [labels, value, suffix] = place.fields(
            value,
            ["labels", "value", "suffix"],
            "it has a field beside `labels`, `value` and `suffix`",
        )?;
        let value = value.ok_or_else(|| place.fault("it has no `value`"))?;
        // What is not known now is left out.
        let Some(number) = number(value, place)? else { return Ok(()) };
        let suffix = place.text(suffix, "its `suffix` is not a string")?.unwrap_or_default();
        if !self.suffixes.contains(&suffix.as_ref()) {
            return Err(place.fault(match self.kind {
                "histogram" => "the `suffix` of a sample of a histogram is _bucket, _sum or _count",
                "summary" => "the `suffix` of a sample of a summary is _sum, _count or none",
                _ => "only samples of histograms and summaries have a `suffix`",
            }));
        }
        let labels = self.labels(labels, &suffix, place)?;
        let mut series = [self.name.as_bytes(), suffix.as_bytes()].concat();
        if !labels.is_empty() {
            let mut line = Output::new(usize::MAX, 64);
            for (at, (name, text)) in labels.iter().enumerate() {
                line.raw(if at > 0 { "," } else { "{" })?;
                line.raw(name.as_bytes())?;
                line.raw("=\"")?;
                escape(text, true, &mut line)?;
                line.raw("\"")?;
            }
            line.raw("}")?;
            series.extend(line.finish());
        }
        output.raw(&series)?;
        if !seen.series.insert(series) {
            return Err(place.fault("there is a sample with these labels already"));
        }
        output.raw(" ")?;
        output.raw(number.as_bytes())?;
        output.raw("\n")
    }

    /// The labels, sorted by name.
    fn labels<'b>(
        &self,
        labels: Option<View<'b>>,
        suffix: &str,
        place: Place,
    ) -> Result<BTreeMap<Cow<'b, str>, Cow<'b, str>>, Fault> {
        let mut sorted = BTreeMap::new();
        match labels.map(View::value) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    if !is_name(&name, false) || name.starts_with("__") {
                        let what = "a label's name is letters, digits and `_`, no digit first, and not `__`";
                        return Err(place.fault(what));
                    }
                    let text = match value.value() {
                        Value::Null => continue,
                        Value::Bool(true) => Cow::Borrowed("true"),
                        Value::Bool(false) => Cow::Borrowed("false"),
                        Value::Number(text) => Cow::Borrowed(text),
                        Value::String(text) => text,
                        Value::Array(_) | Value::Object(_) => {
                            return Err(place.fault("the value of a label is neither a string nor a number"));
                        }
                    };
                    sorted.insert(name, text);
                }
            }
            Some(_) => return Err(place.fault("its `labels` are not an object")),
        }
        match (self.kind, suffix) {
            ("histogram", "_bucket") if !sorted.get("le").is_some_and(|le| is_number(le)) => {
                Err(place.fault("a bucket has a label `le` with a number or +Inf"))
            }
            ("summary", "") if !sorted.get("quantile").is_some_and(|quantile| is_number(quantile)) => {
                Err(place.fault("a quantile of a summary has a label `quantile` with a number"))
            }
            _ => Ok(sorted),
        }
    }
}

/// A value as text: numbers keep theirs, null is no value.
fn number(value: View<'_>, place: Place) -> Result<Option<Cow<'_, str>>, Fault> {
    let text = match value.value() {
        Value::Null => return Ok(None),
        Value::Bool(value) => return Ok(Some(Cow::Borrowed(if value { "1" } else { "0" }))),
        Value::Number(text) => Cow::Borrowed(text),
        Value::String(text) if is_number(&text) => text,
        _ => return Err(place.fault("its `value` is neither a number, a boolean nor +Inf, -Inf or NaN")),
    };
    // Beyond all doubles: readers differ in what they make of it.
    Ok(Some(match text.parse::<f64>() {
        Ok(f64::INFINITY) => Cow::Borrowed("+Inf"),
        Ok(f64::NEG_INFINITY) => Cow::Borrowed("-Inf"),
        _ => text,
    }))
}

/// Whether a string is a number of JSON, or one of those that JSON does not have.
fn is_number(text: &str) -> bool {
    matches!(text, "+Inf" | "-Inf" | "Inf" | "NaN")
        || (text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && text.ends_with(|c: char| c.is_ascii_digit())
            && Json::read(text.as_bytes(), 1).is_ok())
}

fn is_name(text: &str, colons: bool) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && colons);
    !text.is_empty() && text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// A help text or, in quotes, the value of a label.
fn escape(text: &str, in_quotes: bool, output: &mut Output) -> Result<(), Fault> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '\\' || c == '\n' || (c == '"' && in_quotes)) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        output.raw(plain)?;
        output.raw(match special.bytes().next() {
            Some(b'\n') => "\\n",
            Some(b'"') => "\\\"",
            _ => "\\\\",
        })?;
        rest = special.get(1..).unwrap_or_default();
    }
    output.raw(rest)
}
