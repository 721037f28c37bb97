//! Regular expressions, by the `regex-lite` crate: linear in the text, and small. What costs a machine with
//! backtracking its bounds, look-around and back-references, it does not have.

use std::rc::Rc;

use regex_lite::{Regex, RegexBuilder};

use super::{Context, Entry, take};
use crate::fault::{Fault, Raised, one, plain};
use crate::value::{Object, Type, Value};

pub(super) const TABLE: &[Entry] = &[("_match", 3, find), ("_capture", 0, |cx, v| Ok(capture(cx, v)))];

/// The expressions that a run has compiled.
type Cache = Vec<Rc<Compiled>>;

struct Compiled {
    pattern: Box<str>,
    flags: Box<str>,
    regex: Regex,
    global: bool,
    skip_empty: bool,
    /// Bytes that its automaton takes at most: what a byte of text can cost.
    size: usize,
}

/// Bytes that the automaton of an expression may take.
const LARGEST: usize = 1 << 18;
/// Expressions that a run may use.
const MOST: usize = 64;

fn compile(pattern: &str, flags: &str) -> Result<Compiled, Fault> {
    let (mut global, mut skip_empty) = (false, false);
    let (mut insensitive, mut extended, mut dot_all) = (false, false, false);
    for flag in flags.chars() {
        match flag {
            'g' => global = true,
            'n' => skip_empty = true,
            'i' => insensitive = true,
            'x' => extended = true,
            's' => {}
            'p' => dot_all = true,
            // The longest match is what a leftmost-first machine cannot promise.
            'l' => return Err(plain("the flag l (longest match) is not supported")),
            _ => {
                let text = format!("{flags} is not a valid modifier string");
                return Err(Raised::Private(text, "the flags of a regular expression are not valid").into());
            }
        }
    }
    let builder = |size: usize| {
        let mut builder = RegexBuilder::new(pattern);
        builder.case_insensitive(insensitive).ignore_whitespace(extended).dot_matches_new_line(dot_all);
        builder.multi_line(true).nest_limit(50).size_limit(size);
        builder.build()
    };
    // The crate does not say how large an automaton is, but it keeps to a limit.
    let mut size = 1 << 10;
    loop {
        match builder(size) {
            Ok(regex) => {
                let (pattern, flags) = (pattern.into(), flags.into());
                return Ok(Compiled { pattern, flags, regex, global, skip_empty, size });
            }
            Err(_) if size < LARGEST => size *= 4,
            Err(error) => {
                let text = format!("{pattern} (at offset 0) is not a valid regex: {error}");
                return Err(Raised::Private(text, "a regular expression is not valid, or too large").into());
            }
        }
    }
}

fn compiled(cx: &mut Context, pattern: &str, flags: &str) -> Result<Rc<Compiled>, Fault> {
    let cache = cx.kept.get_or_insert_with(|| Box::new(Cache::default())).downcast_mut::<Cache>();
    let Some(cache) = cache else { return Err(plain("regular expressions have no memory")) };
    let known = cache.iter().find(|known| *known.pattern == *pattern && *known.flags == *flags);
    if let Some(known) = known {
        return Ok(Rc::clone(known));
    }
    cx.fuel.charge(200 + pattern.len() * 16)?;
    cx.fuel.reserve(LARGEST)?;
    let compiled = Rc::new(compile(pattern, flags)?);
    cx.fuel.charge(compiled.size / 4)?;
    if cache.len() >= MOST {
        cache.clear();
    }
    cache.push(Rc::clone(&compiled));
    Ok(compiled)
}

/// All matches as an array of objects, or with the last argument true, whether there is one.
fn find(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, mut pattern, mut flags, only_whether) =
        (take(values, 0), take(values, 1), take(values, 2), take(values, 3));
    if let Some(both) = pattern.as_items(cx.input) {
        let part = |at: usize| both.get(at).cloned().unwrap_or(Value::Null);
        let (first, second) = (part(0), part(1));
        if flags.kind(cx.input) == Type::Null {
            flags = second;
        }
        drop(both);
        pattern = first;
    }
    let Some(text) = value.as_str(cx.input) else {
        return Err(one(&value, "cannot be matched, as it is not a string"));
    };
    let Some(pattern_text) = pattern.as_str(cx.input) else {
        return Err(one(&pattern, "cannot be matched, as it is not a string"));
    };
    let flags_text = match flags.kind(cx.input) {
        Type::Null => std::borrow::Cow::Borrowed(""),
        Type::String => flags.as_str(cx.input).unwrap_or_default(),
        _ => return Err(one(&flags, "is not a string")),
    };
    let compiled = compiled(cx, &pattern_text, &flags_text)?;
    // Every byte can visit every state, of about 24 bytes each.
    let cost = |length: usize| length.saturating_mul(1 + compiled.size / 512) / 4;
    cx.fuel.charge(8 + cost(text.len()))?;
    if only_whether.is_true(cx.input) {
        let found = if compiled.skip_empty {
            compiled.regex.find_iter(&text).any(|found| !found.is_empty())
        } else {
            compiled.regex.is_match(&text)
        };
        return Ok(Value::Bool(found));
    }
    let mut found = Vec::new();
    let names: Vec<Option<&str>> = compiled.regex.capture_names().collect();
    // Offsets count code points: they go up, so each is counted from the one before.
    let (mut bytes, mut chars) = (0, 0);
    let mut chars_at = |at: usize| -> usize {
        if at < bytes {
            return text.get(..at).unwrap_or_default().chars().count();
        }
        chars += text.get(bytes..at).unwrap_or_default().chars().count();
        bytes = at;
        chars
    };
    let mut start = 0;
    while let Some(captures) = compiled.regex.captures_at(&text, start) {
        let Some(whole) = captures.get(0) else { break };
        let skipped = compiled.skip_empty && whole.as_str().is_empty();
        if !skipped {
            cx.fuel.charge(8 + 4 * captures.len())?;
            let offset = chars_at(whole.start());
            let mut groups = Vec::new();
            for (at, name) in names.iter().enumerate().skip(1) {
                let group = captures.get(at);
                let offset = group.map_or(Value::Number(-1.0), |group| {
                    let before = text.get(whole.start()..group.start()).unwrap_or_default();
                    Value::count(offset + before.chars().count())
                });
                groups.push(object(cx, offset, group.map(|group| group.as_str()), *name));
            }
            cx.fuel.charge(whole.as_str().len() / 8 * names.len())?;
            let mut entry = vec![
                (Value::string("offset"), Value::count(offset)),
                (Value::string("length"), Value::count(whole.as_str().chars().count())),
                (Value::string("string"), Value::string(whole.as_str())),
            ];
            entry.push((Value::string("captures"), Value::array(groups)));
            found.push(Value::object(Object::of_distinct(entry, cx.input)));
            if found.len() % 16 == 0 {
                cx.fuel.reserve(0)?;
            }
        }
        if !compiled.global && !skipped {
            break;
        }
        start = whole.end();
        if whole.as_str().is_empty() {
            let Some(next) = text.get(start..).and_then(|rest| rest.chars().next()) else { break };
            start += next.len_utf8();
        }
    }
    Ok(Value::array(found))
}

fn object(cx: &Context, offset: Value, text: Option<&str>, name: Option<&str>) -> Value {
    let length = text.map_or(0, |text| text.chars().count());
    let name = name.map_or(Value::Null, Value::string);
    let mut entries = vec![
        (Value::string("offset"), offset),
        (Value::string("length"), Value::count(length)),
        (Value::string("string"), text.map_or(Value::Null, Value::string)),
        (Value::string("name"), name),
    ];
    if text.is_none() {
        // As jq orders them.
        entries.swap(1, 2);
    }
    Value::object(Object::of_distinct(entries, cx.input))
}

/// The named groups of a match as an object.
fn capture(cx: &Context, values: &mut [Value]) -> Value {
    let value = take(values, 0);
    let mut named = Object::default();
    let captures = value.as_object(cx.input).and_then(|found| found.get("captures", cx.input).cloned());
    for group in captures.unwrap_or(Value::Null).as_items(cx.input).unwrap_or_default().iter() {
        let Some(group) = group.as_object(cx.input) else { continue };
        let name = group.get("name", cx.input).cloned().unwrap_or(Value::Null);
        if name.kind(cx.input) == Type::String {
            let text = group.get("string", cx.input).cloned().unwrap_or(Value::Null);
            named.insert(name, text, cx.input);
        }
    }
    Value::object(named)
}
