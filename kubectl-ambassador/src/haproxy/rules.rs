//! `http-request` and `http-response` as rules. HAProxy does what each of its rules says; of an ambassador's, the first
//! that matches is used: so each says all that is to be done where it matches.

use super::Refusal;
use super::acl::{self, Condition};
use super::conjunction::Conjunction;
use super::decide::{self, Formula};
use super::edits::{self, Action, Edits, Side};
use super::file::Line;
use super::model::Spec;
use super::notes::Notes;
use super::proxy::Proxy;
use super::routes::Leads;
use super::targets::Targets;

/// One of `rules`.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) port: Option<String>,
    pub(super) target: Option<String>,
    pub(super) matches: Conjunction,
    pub(super) side: Side,
    pub(super) edits: Edits,
    /// The lines of the conditions.
    pub(super) lines: Vec<usize>,
}

/// What a proxy does to requests and answers.
#[derive(Debug)]
pub(super) struct Read<'p> {
    /// By the backend that a request leads to; without one, whatever that is.
    steps: Vec<(Option<&'p Proxy<'p>>, Vec<Step<'p>>)>,
}

#[derive(Debug, Clone)]
struct Step<'p> {
    line: &'p Line,
    formula: Formula,
    acls: Vec<usize>,
    side: Side,
    action: Action,
}

impl<'p> Read<'p> {
    pub(super) fn new(proxy: &'p Proxy<'p>, leads: &Leads<'p>, notes: &mut Notes) -> Result<Self, Refusal> {
        let own = steps(proxy, notes)?;
        let mut of_backends = Vec::new();
        for backend in leads.backends().filter(|backend| backend.name != proxy.name && !proxy.is_tcp()) {
            of_backends.push((backend, steps(backend, notes)?));
        }
        let by_target = leads.has_choices() && of_backends.iter().any(|(_, steps)| !steps.is_empty());
        if !by_target {
            let of_backends = of_backends.into_iter().flat_map(|(_, steps)| steps);
            let all = own.into_iter().chain(of_backends).collect();
            return Ok(Self { steps: vec![(None, all)] });
        }
        // What leads to none of those that say something themselves does what the frontend says.
        let of_backends = of_backends.into_iter().filter(|(_, steps)| !steps.is_empty());
        let mut steps: Vec<_> =
            of_backends.map(|(backend, steps)| (Some(backend), [own.clone(), steps].concat())).collect();
        steps.push((None, own));
        Ok(Self { steps })
    }
}

impl Read<'_> {
    /// Whether rules are for this backend alone, which then needs a name.
    pub(super) fn names(&self, backend: &Proxy<'_>) -> bool {
        self.steps.iter().any(|(known, _)| known.is_some_and(|known| known.name == backend.name))
    }
}

fn steps<'p>(proxy: &'p Proxy<'p>, notes: &mut Notes) -> Result<Vec<Step<'p>>, Refusal> {
    let mut steps = Vec::new();
    for line in &proxy.rules {
        if proxy.is_tcp() {
            notes.anyway(line, "in tcp mode it is not done by HAProxy either");
            continue;
        }
        let Some((side, action, at)) = edits::action(line, notes)? else { continue };
        let Condition { formula, differences, lines } = acl::condition(line, at, &proxy.acls)?;
        match formula {
            Err(why) => notes.lost(line, format!("{why}, so it is not done")),
            Ok(Formula::False) => notes.anyway(line, "its condition never holds"),
            Ok(formula) => {
                differences.into_iter().for_each(|difference| notes.different(line, difference));
                steps.push(Step { line, formula, acls: lines, side, action });
            }
        }
    }
    Ok(steps)
}

/// Writes the rules of a proxy for all its ports.
pub(super) fn write(
    spec: &mut Spec,
    proxy: &Proxy<'_>,
    read: &Read<'_>,
    targets: &Targets<'_>,
    notes: &mut Notes,
) {
    let is_its = |lines: &[usize]| lines.contains(&proxy.head.number);
    let ports: Vec<String> = spec
        .ports
        .iter()
        .filter(|port| port.tcp.is_none() && is_its(&port.name.lines))
        .map(|port| port.name.value.clone())
        .collect();
    if ports.is_empty() {
        for step in read.steps.iter().flat_map(|(_, steps)| steps) {
            notes.lost_if_silent(step.line, "no http port leads there, so it is not done");
        }
        return;
    }
    let is_only = spec.ports.iter().filter(|port| port.tcp.is_none()).count() == ports.len();
    if ports.is_empty() {
        return;
    }
    let mut rules = Vec::new();
    for (backend, steps) in &read.steps {
        let target = match backend {
            Some(backend) => match targets.leads_to(backend) {
                Some(target) => Some(target.value),
                None => continue,
            },
            None => None,
        };
        for side in [Side::Request, Side::Response] {
            let steps: Vec<&Step<'_>> = steps.iter().filter(|step| step.side == side).collect();
            match listed(&steps) {
                Some(list) => rules.extend(
                    list.into_iter()
                        .map(|(matches, edits, lines)| (target.clone(), side, matches, edits, lines)),
                ),
                None => {
                    for step in steps {
                        notes.lost(step.line, "together with the others, these conditions are too many to be rules, so it is not done");
                    }
                }
            }
        }
    }
    let of_ports: Vec<Option<&String>> = if is_only { vec![None] } else { ports.iter().map(Some).collect() };
    for port in of_ports {
        for (target, side, matches, edits, lines) in &rules {
            let name = format!("{}-{}", port.or(ports.first()).map_or("", String::as_str), side.name());
            let taken = |name: &str| spec.rules.iter().any(|rule| rule.name == name);
            let name = super::model::plain_name(&name, taken);
            let (port, target) = (port.cloned(), target.clone());
            spec.rules.push(Rule {
                name,
                port,
                target,
                matches: matches.clone(),
                side: *side,
                edits: edits.clone(),
                lines: lines.clone(),
            });
        }
    }
}

type Listed = Vec<(Conjunction, Edits, Vec<usize>)>;

/// Without the entries at the end that do nothing; `None` if there would be too many.
fn listed(steps: &[&Step<'_>]) -> Option<Listed> {
    if steps.is_empty() {
        return Some(Vec::new());
    }
    let mut atoms = Vec::new();
    steps.iter().for_each(|step| step.formula.atoms(&mut atoms));
    let done = |holding: &[&Conjunction]| -> Vec<usize> {
        let all = steps.iter().enumerate();
        all.filter(|(_, step)| step.formula.holds(holding)).map(|(index, _)| index).collect()
    };
    let list = decide::list(&atoms, done)?;
    let mut listed: Listed = list
        .into_iter()
        .map(|(matches, done)| {
            let mut edits = Edits::default();
            let mut lines = Vec::new();
            for step in done.iter().filter_map(|&index| steps.get(index)) {
                edits.apply(&step.action, step.line.number);
                lines.extend(&step.acls);
            }
            lines.sort_unstable();
            lines.dedup();
            (matches, edits, lines)
        })
        .collect();
    while listed.last().is_some_and(|(_, edits, _)| edits.is_empty()) {
        listed.pop();
    }
    Some(listed)
}
