//! ACLs and the conditions made of them (configuration manual, section 7).

use super::Refusal;
use super::conjunction::Conjunction;
use super::decide::Formula;
use super::file::Line;

/// What a condition means here, or why it means nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// The reason, where it cannot be said.
    pub(super) formula: Result<Formula, String>,
    /// What about it is not quite as HAProxy has it.
    pub(super) differences: Vec<String>,
    /// The lines of the ACLs in it.
    pub(super) lines: Vec<usize>,
}

impl Condition {
    /// Of what is done in any case.
    pub(super) fn always() -> Self {
        Self { formula: Ok(Formula::True), differences: Vec::new(), lines: Vec::new() }
    }
}

/// A named ACL: the line, whose words are `acl NAME CRITERION …`.
pub(super) type Acls<'a> = [&'a Line];

/// ACLs that HAProxy brings, by what they are here.
fn predefined(name: &str) -> Option<Result<Formula, String>> {
    let methods = |methods: &[&str]| {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        Formula::Holds(Conjunction { methods: Some(methods), ..Conjunction::default() })
    };
    Some(match name {
        "TRUE" | "HTTP" => Ok(Formula::True),
        "FALSE" => Ok(Formula::False),
        // HAProxy's own definition has both.
        "METH_GET" => Ok(methods(&["GET", "HEAD"])),
        "METH_CONNECT" | "METH_DELETE" | "METH_HEAD" | "METH_OPTIONS" | "METH_POST" | "METH_PUT"
        | "METH_TRACE" => Ok(methods(&[name.trim_start_matches("METH_")])),
        "HTTP_1.0" | "HTTP_1.1" | "HTTP_2.0" | "HTTP_CONTENT" | "HTTP_URL_ABS" | "HTTP_URL_SLASH"
        | "HTTP_URL_STAR" | "LOCALHOST" | "RDP_COOKIE" | "REQ_CONTENT" | "WAIT_END" => {
            Err(format!("the ACL {name} cannot be said in a match"))
        }
        _ => return None,
    })
}

/// Reads the condition that begins with the word at this index, `if` or `unless`; none is one that always holds.
pub(super) fn condition(line: &Line, at: usize, acls: &Acls<'_>) -> Result<Condition, Refusal> {
    let negated = match line.word(at) {
        "if" => false,
        "unless" => true,
        _ => return Ok(Condition::always()),
    };
    if line.words.len() == at + 1 {
        return Err(line.refuse(at + 1, "a condition is expected"));
    }
    let mut reader = Reader { line, at: at + 1, acls, differences: Vec::new(), lines: Vec::new() };
    let mut alternatives = vec![Vec::new()];
    let mut unsaid = None;
    while reader.at < line.words.len() {
        if matches!(reader.line.word(reader.at), "||" | "or") {
            alternatives.push(Vec::new());
            reader.at += 1;
            continue;
        }
        match reader.term()? {
            Ok(term) => alternatives.last_mut().into_iter().for_each(|terms| terms.push(term.clone())),
            Err(why) => unsaid = unsaid.or(Some(why)),
        }
    }
    let any = Formula::Any(alternatives.into_iter().map(Formula::All).collect());
    let formula = if negated { any.negated() } else { any };
    let formula = unsaid.map_or(Ok(formula.simplified()), Err);
    Ok(Condition { formula, differences: reader.differences, lines: reader.lines })
}

struct Reader<'a> {
    line: &'a Line,
    at: usize,
    acls: &'a Acls<'a>,
    differences: Vec<String>,
    lines: Vec<usize>,
}

type Said = Result<Formula, String>;

impl Reader<'_> {
    /// `name`, `!name`, `! name`, `{ … }`, `!{ … }`.
    fn term(&mut self) -> Result<Said, Refusal> {
        let mut negated = false;
        let mut word = self.line.word(self.at);
        while let Some(rest) = word.strip_prefix('!') {
            negated = !negated;
            if rest.is_empty() {
                self.at += 1;
                word = self.line.word(self.at);
            } else {
                word = rest;
            }
        }
        let said = if word == "{" { self.anonymous()? } else { self.named(word)? };
        Ok(said.map(|formula| if negated { formula.negated() } else { formula }))
    }

    fn anonymous(&mut self) -> Result<Said, Refusal> {
        let start = self.at + 1;
        let end = (start..self.line.words.len()).find(|&index| self.line.word(index) == "}");
        let Some(end) = end else {
            return Err(self.line.refuse(self.at, "missing closing '}' in condition"));
        };
        self.at = end + 1;
        let words: Vec<&str> = (start..end).map(|index| self.line.word(index)).collect();
        Ok(criterion(&words, &mut self.differences))
    }

    /// All lines of one name are alternatives.
    fn named(&mut self, name: &str) -> Result<Said, Refusal> {
        let lines: Vec<&Line> = self.acls.iter().copied().filter(|acl| acl.word(1) == name).collect();
        if lines.is_empty() {
            let known = predefined(name);
            let missing = || self.line.refuse(self.at, format!("no such ACL : '{name}'"));
            let said = known.ok_or_else(missing)?;
            self.at += 1;
            return Ok(said);
        }
        self.at += 1;
        let mut parts = Vec::new();
        for line in lines {
            self.lines.push(line.number);
            match criterion(&line.from(2), &mut self.differences) {
                Ok(part) => parts.push(part),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(Formula::Any(parts)))
    }
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Is,
    Begins,
    Ends,
    Contains,
    Found,
    /// `_dom`: one or more labels of a host.
    Domain,
    Other,
}

impl How {
    fn named(name: &str) -> Self {
        match name {
            "str" => Self::Is,
            "beg" => Self::Begins,
            "end" => Self::Ends,
            "sub" => Self::Contains,
            "found" => Self::Found,
            "dom" => Self::Domain,
            _ => Self::Other,
        }
    }
}

/// What an ACL looks at.
struct Sample<'a> {
    /// `hdr`, `path`, …, without what says how it is compared.
    fetch: &'a str,
    argument: &'a str,
    how: How,
    /// Whether case counts, and whether a port that is part of a host does.
    insensitive: bool,
    without_port: bool,
}

/// `hdr_dom(host),lower -i -m end a b`: a sample, flags and patterns.
fn criterion(words: &[&str], differences: &mut Vec<String>) -> Said {
    let Some((first, rest)) = words.split_first() else { return Err("it is empty".to_owned()) };
    let unsaid = || format!("`{first}` cannot be said in a match");
    let mut sample = sample(first).ok_or_else(unsaid)?;
    let mut rest = rest.iter().copied();
    let mut values = Vec::new();
    while let Some(word) = rest.next() {
        match word {
            "-i" if values.is_empty() => sample.insensitive = true,
            "-n" if values.is_empty() => {}
            "-m" if values.is_empty() => sample.how = How::named(rest.next().unwrap_or_default()),
            "-f" | "-M" | "-u" if values.is_empty() => {
                return Err(format!("`{word}` takes patterns from elsewhere, which are not read"));
            }
            "--" if values.is_empty() => values.extend(rest.by_ref()),
            value => values.push(value),
        }
    }
    if sample.how == How::Other {
        return Err(unsaid());
    }
    said(&sample, &values, differences).unwrap_or_else(|| Err(unsaid()))
}

fn sample(word: &str) -> Option<Sample<'_>> {
    let mut parts = split_converters(word).into_iter();
    let first = parts.next()?;
    let (name, argument) = match first.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')')?),
        None => (first, ""),
    };
    let name = name.strip_prefix("req.").or_else(|| name.strip_prefix("req_")).unwrap_or(name);
    let (fetch, how) = match name.rsplit_once('_') {
        Some((fetch, how)) if matches!(fetch, "hdr" | "fhdr" | "path" | "url_param" | "urlp" | "method") => {
            (fetch, How::named(how))
        }
        _ => (name, How::Is),
    };
    let mut sample = Sample { fetch, argument, how, insensitive: false, without_port: false };
    for converter in parts {
        match converter {
            // What is compared is in lower case then, as patterns for it are.
            "lower" => sample.insensitive = true,
            "host_only" | "field(1,:)" => sample.without_port = true,
            _ => return None,
        }
    }
    Some(sample)
}

/// Commas within brackets belong to arguments.
fn split_converters(word: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in word.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.extend(word.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(word.get(start..));
    parts
}

fn said(sample: &Sample<'_>, values: &[&str], differences: &mut Vec<String>) -> Option<Said> {
    let is_host = matches!(sample.fetch, "hdr" | "fhdr") && sample.argument.eq_ignore_ascii_case("host");
    Some(match sample.fetch {
        "always_true" => Ok(Formula::True),
        // The ambassador takes no TLS off.
        "always_false" | "ssl_fc" => Ok(Formula::False),
        "hdr" | "fhdr" if is_host => any(values, |value| host(sample, value, differences)),
        "hdr" | "fhdr" if !sample.argument.is_empty() && !sample.argument.contains(',') => {
            let name = sample.argument.to_ascii_lowercase();
            insensitive(sample, differences);
            any_text(sample, values, |pattern| Conjunction {
                headers: vec![(name.clone(), pattern)],
                ..Conjunction::default()
            })
        }
        "url_param" | "urlp" if !sample.argument.is_empty() && !sample.argument.contains(',') => {
            insensitive(sample, differences);
            any_text(sample, values, |pattern| Conjunction {
                query: vec![(sample.argument.to_owned(), pattern)],
                ..Conjunction::default()
            })
        }
        "path" => {
            insensitive(sample, differences);
            any(values, |value| path(sample.how, value, differences))
        }
        "method" if sample.how == How::Is => {
            let methods = values.iter().map(|value| value.to_ascii_uppercase()).collect();
            Ok(Formula::Holds(Conjunction { methods: Some(methods), ..Conjunction::default() }))
        }
        "status" => statuses(values)?,
        _ => return None,
    })
}

fn any(values: &[&str], atom: impl FnMut(&str) -> Said) -> Said {
    Ok(Formula::Any(values.iter().copied().map(atom).collect::<Result<_, _>>()?))
}

fn any_text(sample: &Sample<'_>, values: &[&str], atom: impl Fn(String) -> Conjunction) -> Said {
    if sample.how == How::Found {
        return Ok(Formula::Holds(atom("*".to_owned())));
    }
    any(values, |value| {
        if value.contains('*') || value.starts_with('!') {
            return Err(format!("`{value}` would be a pattern in a match"));
        }
        let pattern = match sample.how {
            How::Is => value.to_owned(),
            How::Begins => format!("{value}*"),
            How::Ends => format!("*{value}"),
            How::Contains => format!("*{value}*"),
            _ => return Err("it cannot be said in a match".to_owned()),
        };
        Ok(Formula::Holds(atom(pattern)))
    })
}

fn insensitive(sample: &Sample<'_>, differences: &mut Vec<String>) {
    if sample.insensitive {
        differences.push("case counts".to_owned());
    }
}

/// A host: as a name where it is one, else by the header's text.
fn host(sample: &Sample<'_>, value: &str, differences: &mut Vec<String>) -> Said {
    let is_name = |name: &str| {
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        name.split('.').all(label)
    };
    let named = |host: String| Ok(Formula::Holds(Conjunction { host: Some(host), ..Conjunction::default() }));
    let lower = value.to_ascii_lowercase();
    match sample.how {
        How::Is if is_name(&lower) => {
            if !sample.without_port {
                differences.push("a host is meant with any port".to_owned());
            }
            named(lower)
        }
        How::Ends | How::Domain
            if lower.strip_prefix('.').is_some_and(is_name) && sample.how == How::Ends =>
        {
            named(format!("*{lower}"))
        }
        How::Domain if is_name(&lower) => {
            differences.push(
                "the host itself and all below it are meant, and not those that have it in their middle"
                    .to_owned(),
            );
            Ok(Formula::Any(vec![named(lower.clone())?, named(format!("*.{lower}"))?]))
        }
        _ => {
            insensitive(sample, differences);
            any_text(sample, &[value], |pattern| Conjunction {
                headers: vec![("host".to_owned(), pattern)],
                ..Conjunction::default()
            })
        }
    }
}

/// A path, by whole segments.
fn path(how: How, value: &str, differences: &mut Vec<String>) -> Said {
    let cannot = || format!("the path `{value}` cannot be said in a match");
    if !value.starts_with('/') || value.contains(['?', '#', '*']) {
        return Err(cannot());
    }
    let holds = |path: String| Ok(Formula::Holds(Conjunction { path: Some(path), ..Conjunction::default() }));
    match how {
        How::Is => holds(value.to_owned()),
        How::Begins if value == "/" => Ok(Formula::True),
        How::Begins => {
            let above = value.trim_end_matches('/');
            differences.push(if above == value {
                format!("{above} and what is below it is meant, and not {above}x")
            } else {
                format!("{above} itself is meant too")
            });
            holds(format!("{above}/**"))
        }
        _ => Err(cannot()),
    }
}

/// `200`, `400:499`, `ge 500`.
fn statuses(values: &[&str]) -> Option<Said> {
    let number = |text: &str| text.parse::<u16>().ok();
    let all = 200..=599_u16;
    let meant: Vec<u16> = match values {
        [operator @ ("eq" | "ge" | "gt" | "le" | "lt"), value] => {
            let value = number(value)?;
            all.filter(|status| match *operator {
                "eq" => *status == value,
                "ge" => *status >= value,
                "gt" => *status > value,
                "le" => *status <= value,
                _ => *status < value,
            })
            .collect()
        }
        values => {
            let ranges: Option<Vec<_>> = values
                .iter()
                .map(|value| match value.split_once(':') {
                    Some((first, last)) => Some(number(first)?..=number(last)?),
                    None => number(value).map(|status| status..=status),
                })
                .collect();
            let ranges = ranges?;
            all.filter(|status| ranges.iter().any(|range| range.contains(status))).collect()
        }
    };
    Some(Ok(Formula::Holds(Conjunction { status: Some(meant), ..Conjunction::default() })))
}
