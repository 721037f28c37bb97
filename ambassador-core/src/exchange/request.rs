//! The request: what a client cannot say, which rules may be for it, and what one of them makes of it.

use std::rc::Rc;

use super::answer::Asked;
use super::{Edit, Failure, Head, HeaderList, LocalReply, Outcome, Reason, Report, Side};
use super::{failure, policy, variables};
use crate::Ambassador;
use crate::matcher::{Mismatch, content_type};
use crate::ports::{Port, Target};
use crate::rules::{Host, Known, OnError, RequestPart, Reshaper, Rule, Wrapping};
use crate::way_back::Client;

/// The header that tells Envoy's router the cluster. Only the filter may set it.
pub const UPSTREAM_HEADER: &str = "x-ambassador-upstream";

/// Headers of a request by which a client could steer the ambassador (`x-ambassador-`) or Envoy's router
/// (`x-envoy-`: timeouts, retries, statistics), which trusts every client of a cluster.
const STEERING: [&str; 2] = ["x-ambassador-", "x-envoy-"];

/// What to do with a request, once its head is known.
#[derive(Debug)]
pub enum Begun {
    /// Make these changes to its head and send it on, its body as it comes.
    Forward {
        /// The changes of the head.
        edits: Vec<Edit>,
        /// What waits for the answer.
        asked: Asked,
        /// What became of the request, if a rule matched it.
        report: Option<Report>,
    },
    /// Make these changes to its head, and keep it back until its body is known.
    Hold {
        /// The changes of the head.
        edits: Vec<Edit>,
        /// What waits for the body.
        held: Box<HeldRequest>,
    },
    /// Ask nobody: this is the answer.
    Reply {
        /// The answer.
        reply: LocalReply,
        /// What became of the request, if a rule matched it.
        report: Option<Report>,
    },
}

/// Reads the head of a request that came in on `port`; `ends` says that no body follows. `None` if the port is not one
/// of ours.
pub fn begin(ambassador: &Rc<Ambassador>, port: u16, headers: &HeaderList, ends: bool) -> Option<Begun> {
    let head = Head(headers);
    let entry = ambassador.ports.listening_on(port)?;
    let Some(target) = entry.choose(head) else {
        return Some(Begun::Reply { reply: failure::no_route(), report: None });
    };
    let mut edits = strip_steering(head);
    edits.push(Edit::Set(UPSTREAM_HEADER.into(), target.cluster.clone().into_bytes()));
    let found = candidates(ambassador, entry, target, head);
    let rules = &ambassador.rules;
    let reshaping = found
        .answers
        .iter()
        .filter_map(|&index| Some((index, rules.get(index)?)))
        .filter(|(_, rule)| rule.reshaper().is_some());
    let reshapes = reshaping.clone().next().is_some();
    let conditions = if reshapes { policy::ask(head, &reshaping, &mut edits) } else { Vec::new() };
    let matched = found.request.and_then(|index| Some((index, rules.get(index)?)));
    let changes = matched.and_then(|(_, rule)| rule.request.as_ref());
    let wants_request = reshaping.clone().filter_map(|(_, rule)| rule.reshaper()).any(Reshaper::uses_request)
        || changes.and_then(|changes| changes.body.as_ref()).is_some_and(Reshaper::uses_request);
    let request = if wants_request { variables::request(port, head) } else { Vec::new() };
    let mut client = if ambassador.maps_addresses { Client::new(head) } else { None };
    let host = changes.map_or(&Host::OfPort, |changes| &changes.host);
    edit_host(head, target, host, port, &mut edits);
    if let Some(changes) = changes {
        edit_line(head, changes, client.as_mut(), &mut edits);
    }
    let asked = Asked {
        target: Rc::clone(target),
        candidates: found.answers,
        is_head: head.get(":method") == Some(b"HEAD"),
        reshapes,
        known: Known { request, response: Vec::new() },
        vary: found.vary,
        conditions,
        client,
        ambassador: Rc::clone(ambassador),
    };
    let Some(((index, rule), changes)) = matched.zip(changes) else {
        return Some(Begun::Forward { edits, asked, report: None });
    };
    Some(begin_body(head, ends, edits, asked, index, rule, changes))
}

/// Decides what becomes of the body of a request that a rule is for.
fn begin_body(
    head: Head<'_>,
    ends: bool,
    mut edits: Vec<Edit>,
    asked: Asked,
    index: usize,
    rule: &Rule,
    part: &RequestPart,
) -> Begun {
    let mut after = Vec::new();
    part.headers.apply(head, &mut after);
    let content_type = head.get("content-type");
    let mut forward = |edits: Vec<Edit>, outcome| {
        let edits = [edits, std::mem::take(&mut after)].concat();
        let report = Report::new(index, Side::Request, outcome);
        (edits, report)
    };
    let outcome = match &part.body {
        None => Some(Outcome::Headers),
        Some(_) if ends || is_upgrade(head) => Some(Outcome::Passed(Reason::NoBody)),
        Some(_) if content_type.is_some_and(content_type::is_grpc) => Some(Outcome::Passed(Reason::Stream)),
        Some(_) => None,
    };
    let (Some(body), None) = (&part.body, outcome) else {
        let (edits, report) = forward(edits, outcome.unwrap_or(Outcome::Headers));
        return Begun::Forward { edits, asked, report: Some(report) };
    };
    let limit = asked.ambassador.limits.body as usize;
    let wrapping = head.wrapping();
    let failure = match (&wrapping, head.content_length()) {
        (None, _) => Some(Failure::UnknownCoding),
        (_, Some(length)) if length > limit as u64 => Some(Failure::TooLarge { limit }),
        _ if !body.can_read(content_type) => Some(Failure::UnknownFormat),
        _ => None,
    };
    match (failure, part.on_error, wrapping) {
        (None, _, Some(wrapping)) => {
            let mut reshaped = Vec::new();
            policy::reshaped_request(head, body.content_type(), &mut reshaped);
            let waiting = HeldRequest { asked, index, wrapping, reshaped, after };
            Begun::Hold { edits, held: Box::new(waiting) }
        }
        (Some(failure), OnError::Pass, _) => {
            let report = Report::failed(index, Side::Request, &failure, true, 0);
            edits.append(&mut after);
            Begun::Forward { edits, asked, report: Some(report) }
        }
        (failure, _, _) => {
            let failure = failure.unwrap_or(Failure::UnknownCoding);
            let report = Report::failed(index, Side::Request, &failure, false, 0);
            Begun::Reply { reply: failure.reply(&rule.name, Side::Request), report: Some(report) }
        }
    }
}

/// Which rules have to do with a request.
#[derive(Default)]
struct Candidates {
    /// The one that says what becomes of it.
    request: Option<usize>,
    /// Those that may say what becomes of its answer.
    answers: Vec<usize>,
    /// The headers by which routes and rules choose that are for it otherwise.
    vary: Vec<String>,
}

impl Candidates {
    /// Notes the headers by which something may have been chosen.
    fn depends_on<'a>(&mut self, matches: &Result<(), Mismatch<'_>>, names: impl Iterator<Item = &'a str>) {
        if !matches!(matches, Ok(()) | Err(Mismatch::Header(_))) {
            return;
        }
        for name in names {
            if !name.starts_with(':') && !self.vary.iter().any(|known| known == name) {
                self.vary.push(name.to_owned());
            }
        }
    }
}

fn candidates(ambassador: &Ambassador, entry: &Port, target: &Target, head: Head<'_>) -> Candidates {
    let mut found = Candidates::default();
    if head.get(":method") == Some(b"CONNECT") {
        return found;
    }
    for route in &entry.routes {
        let matches = route.matches(head);
        found.depends_on(&matches, route.header_names());
        if matches.is_ok() {
            break;
        }
    }
    for (index, rule) in ambassador.rules.iter().enumerate() {
        let matches = rule.matcher.request(entry.listen, target.name.as_deref(), head);
        found.depends_on(&matches, rule.matcher.header_names());
        if matches.is_ok() {
            if rule.decides_requests() && found.request.is_none() {
                found.request = Some(index);
            }
            if rule.decides_answers() {
                found.answers.push(index);
            }
        }
    }
    found
}

fn strip_steering(head: Head<'_>) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (name, _) in head.0 {
        if STEERING.iter().any(|prefix| name.starts_with(prefix)) {
            let remove = Edit::Remove(name.clone().into());
            if !edits.contains(&remove) {
                edits.push(remove);
            }
        }
    }
    edits
}

/// Whether the request asks to leave HTTP (RFC 9110, section 7.8): what follows its head is no body.
fn is_upgrade(head: Head<'_>) -> bool {
    head.get("upgrade").is_some() && head.lists("connection", "upgrade")
}

/// Changes method and path as the rule says.
fn edit_line(head: Head<'_>, part: &RequestPart, client: Option<&mut Client>, edits: &mut Vec<Edit>) {
    if let Some(path) = &part.path {
        let asked = head.get(":path").unwrap_or_default();
        let new = path.of(asked);
        if let Some(client) = client {
            client.moved(asked, &new);
        }
        edits.push(Edit::Set(":path".into(), new));
    }
    // An answer to HEAD has no body, whatever the legacy program thinks it was asked.
    let is_head = head.get(":method") == Some(b"HEAD");
    if let Some(method) = part.method.as_ref().filter(|_| !is_head) {
        edits.push(Edit::Set(":method".into(), method.clone().into_bytes()));
    }
}

/// Changes the Host as rule and target say; what the client asked is then in X-Forwarded-Host and -Port, unless a
/// proxy before us has put it there.
fn edit_host(head: Head<'_>, target: &Target, host: &Host, listen: u16, edits: &mut Vec<Edit>) {
    let new = match host {
        Host::OfPort => target.upstream_host(),
        Host::Keep => None,
        Host::Upstream => target.authority(),
        Host::Named(name) => Some(name.clone()),
    };
    let (Some(new), Some(asked)) = (new, head.get(":authority")) else { return };
    if new.as_bytes() == asked {
        return;
    }
    // Outside of the pod nobody needs to know what the program calls the ambassador.
    let tells = !target.is_outward();
    if tells && head.get("x-forwarded-host").is_none() {
        edits.push(Edit::Set("x-forwarded-host".into(), asked.to_vec()));
    }
    if tells && head.get("x-forwarded-port").is_none() {
        let port = Client::new(head).map_or(listen, |client| client.port());
        edits.push(Edit::Set("x-forwarded-port".into(), port.to_string().into_bytes()));
    }
    edits.push(Edit::Set(":authority".into(), new.into_bytes()));
}

/// A request that is kept back until its body is known.
#[derive(Debug)]
pub struct HeldRequest {
    asked: Asked,
    index: usize,
    wrapping: Wrapping,
    /// What changes in the head if the body does.
    reshaped: Vec<Edit>,
    /// What changes in the head in any case.
    after: Vec<Edit>,
}

/// How a request that was held is released.
#[derive(Debug)]
pub enum RequestRelease {
    /// To the legacy program.
    Forward {
        /// The new body; `None` if it goes on as it came.
        body: Option<Vec<u8>>,
        /// The changes of the head.
        edits: Vec<Edit>,
        /// What waits for the answer.
        asked: Asked,
        /// What became of the request.
        report: Report,
    },
    /// To nobody: this is the answer.
    Reply {
        /// The answer.
        reply: LocalReply,
        /// What became of the request.
        report: Report,
    },
}

impl HeldRequest {
    /// Whether a body of this many bytes, with or without more to come, is too large to be reshaped.
    pub fn is_too_large(&self, size: usize) -> bool {
        size > self.limit()
    }

    /// Releases a request whose body [is too large](Self::is_too_large).
    pub fn give_up(self) -> RequestRelease {
        let limit = self.limit();
        self.fail(&Failure::TooLarge { limit }, 0)
    }

    /// Reshapes the whole body. `clock` gives the seconds since 1970-01-01 in UTC.
    pub fn finish(self, body: &[u8], clock: impl FnOnce() -> f64) -> RequestRelease {
        if body.is_empty() {
            let report = Report::new(self.index, Side::Request, Outcome::Passed(Reason::NoBody));
            return RequestRelease::Forward { body: None, edits: self.after, asked: self.asked, report };
        }
        let limit = self.limit();
        let reshaper = self.part().and_then(|part| part.body.as_ref()).ok_or(Failure::Empty);
        let known = &self.asked.known;
        match reshaper.and_then(|reshaper| reshaper.run(body, &self.wrapping, known, limit, clock)) {
            Err(failure) => self.fail(&failure, body.len()),
            Ok(new) => {
                let length = new.body.len();
                let report = Report {
                    bytes_in: body.len(),
                    bytes_out: length,
                    steps: new.steps,
                    ..Report::new(self.index, Side::Request, Outcome::Reshaped)
                };
                let mut edits = [self.reshaped, self.after].concat();
                edits.push(Edit::Set("content-length".into(), length.to_string().into_bytes()));
                RequestRelease::Forward { body: Some(new.body), edits, asked: self.asked, report }
            }
        }
    }

    fn fail(self, failure: &Failure, bytes_in: usize) -> RequestRelease {
        let passes = self.part().is_some_and(|part| part.on_error == OnError::Pass);
        let report = Report::failed(self.index, Side::Request, failure, passes, bytes_in);
        if passes {
            return RequestRelease::Forward { body: None, edits: self.after, asked: self.asked, report };
        }
        let name = self.asked.ambassador.rules.get(self.index).map_or("", |rule| &rule.name);
        RequestRelease::Reply { reply: failure.reply(name, Side::Request), report }
    }

    fn part(&self) -> Option<&RequestPart> {
        self.asked.ambassador.rules.get(self.index)?.request.as_ref()
    }

    fn limit(&self) -> usize {
        self.asked.ambassador.limits.body as usize
    }
}

#[cfg(test)]
mod tests;
