//! Where a frontend leads: `use_backend` and `default_backend`.

use super::Refusal;
use super::acl::{self, Condition};
use super::conjunction::Conjunction;
use super::decide::{self, Formula};
use super::file::Line;
use super::model::From;
use super::notes::Notes;
use super::proxy::Proxy;
use super::targets::Targets;

/// One of `routes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// More of them where only they differ.
    pub(super) hosts: Vec<String>,
    pub(super) matches: Conjunction,
    pub(super) target: From<String>,
}

/// Where a frontend leads.
#[derive(Debug)]
pub(super) struct Leads<'p> {
    /// In order; the first that matches is used.
    choices: Vec<(Conjunction, Option<&'p Proxy<'p>>, Vec<usize>)>,
    pub(super) default: Option<&'p Proxy<'p>>,
    /// The lines that make it that.
    pub(super) default_lines: Vec<usize>,
}

impl<'p> Leads<'p> {
    /// All backends, each once.
    pub(super) fn backends(&self) -> impl Iterator<Item = &'p Proxy<'p>> {
        let mut all: Vec<&Proxy<'_>> = Vec::new();
        for backend in self.choices.iter().filter_map(|(_, backend, _)| *backend).chain(self.default) {
            if !all.iter().any(|known| known.name == backend.name) {
                all.push(backend);
            }
        }
        all.into_iter()
    }

    pub(super) fn has_choices(&self) -> bool {
        !self.choices.is_empty()
    }
}

/// A frontend in one mode that leads to a backend in the other.
const MIXED: &str = "a port and what it leads to speak the same, http or tcp, so nothing leads there";

/// Finds out where a frontend leads.
pub(super) fn leads<'p>(
    proxy: &'p Proxy<'p>,
    proxies: &'p [Proxy<'p>],
    notes: &mut Notes,
) -> Result<Leads<'p>, Refusal> {
    let find = |line: &Line, directive: &str| {
        let name = line.word(1);
        let missing = || line.refuse(1, format!("unable to find required {directive}: '{name}'"));
        proxies.iter().find(|other| other.has_servers() && other.name == name).ok_or_else(missing)
    };
    let mut default = match proxy.default_backend {
        Some(line) if line.words.len() < 2 => return Err(line.refuse(1, "'default_backend' expects a name")),
        Some(line) => {
            let backend = find(line, "default_backend")?;
            (backend.is_tcp() == proxy.is_tcp()).then_some(backend).or_else(|| {
                notes.lost(line, MIXED);
                None
            })
        }
        None => proxy.has_servers().then_some(proxy),
    };
    let mut default_lines: Vec<usize> = proxy.default_backend.iter().map(|line| line.number).collect();
    let mut rules = Vec::new();
    for line in &proxy.use_backends {
        if line.word(1).contains('%') {
            notes.lost(line, "which backend that is depends on the request, so nothing leads there");
            continue;
        }
        let backend = find(line, "use_backend")?;
        let condition = acl::condition(line, 2, &proxy.acls)?;
        if backend.is_tcp() != proxy.is_tcp() {
            notes.lost(line, MIXED);
            continue;
        }
        if let Some(formula) = said(line, &condition, proxy.is_tcp(), notes) {
            rules.push((*line, formula, backend, condition.lines));
        }
    }
    let mut choices = choices(&rules, default).unwrap_or_else(|| {
        for (line, ..) in &rules {
            let message =
                "together with the others, these conditions are too many to be routes; nothing leads there";
            notes.lost(line, message);
        }
        Vec::new()
    });
    // What is for all requests is the default, and what stands behind it is never used.
    if let Some(at) = choices.iter().position(|(conjunction, ..)| *conjunction == Conjunction::default()) {
        let mut rest = choices.split_off(at).into_iter();
        if let Some((_, backend, lines)) = rest.next() {
            default = backend;
            default_lines.extend(lines);
        }
    }
    Ok(Leads { choices, default, default_lines })
}

fn said(line: &Line, condition: &Condition, is_tcp: bool, notes: &mut Notes) -> Option<Formula> {
    match &condition.formula {
        Err(why) => {
            notes.lost(line, format!("{why}, so nothing leads there by this condition"));
            None
        }
        Ok(Formula::True) => Some(Formula::True),
        Ok(_) if is_tcp => {
            notes.lost(line, "a tcp port leads to one target, whatever is said on it");
            None
        }
        Ok(formula) => {
            for difference in &condition.differences {
                notes.different(line, difference.clone());
            }
            Some(formula.clone())
        }
    }
}

type Rules<'p> = [(&'p Line, Formula, &'p Proxy<'p>, Vec<usize>)];

#[expect(clippy::type_complexity, reason = "what `Leads` has")]
fn choices<'p>(
    rules: &Rules<'p>,
    default: Option<&'p Proxy<'p>>,
) -> Option<Vec<(Conjunction, Option<&'p Proxy<'p>>, Vec<usize>)>> {
    let lines = |line: &Line, acls: &[usize]| {
        let mut lines = [acls, &[line.number]].concat();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    let in_order: Option<Vec<_>> = rules
        .iter()
        .map(|(line, formula, backend, acls)| {
            let alternatives = formula.alternatives()?;
            Some(
                alternatives
                    .into_iter()
                    .map(|one| (one, Some(*backend), lines(line, acls)))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    if let Some(in_order) = in_order {
        return Some(in_order.concat());
    }
    let mut atoms = Vec::new();
    rules.iter().for_each(|(_, formula, ..)| formula.atoms(&mut atoms));
    let list =
        decide::list(&atoms, |holding| rules.iter().position(|(_, formula, ..)| formula.holds(holding)))?;
    let choices =
        list.into_iter().map(|(conjunction, index)| match index.and_then(|index| rules.get(index)) {
            Some((line, _, backend, acls)) => (conjunction, Some(*backend), lines(line, acls)),
            None => (conjunction, default, Vec::new()),
        });
    Some(choices.collect())
}

/// As they are written: those that differ by their host alone are one.
pub(super) fn routes(leads: &Leads<'_>, targets: &Targets<'_>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for (matches, backend, lines) in &leads.choices {
        let Some(mut target) = backend.and_then(|backend| targets.leads_to(backend)) else { continue };
        target.lines.extend(lines);
        target.lines.sort_unstable();
        target.lines.dedup();
        let host = matches.host.clone();
        let matches = Conjunction { host: None, ..matches.clone() };
        match (routes.last_mut(), host) {
            (Some(last), Some(host))
                if !last.hosts.is_empty() && last.matches == matches && last.target.value == target.value =>
            {
                last.hosts.push(host);
                last.target.lines.extend(target.lines);
                last.target.lines.sort_unstable();
                last.target.lines.dedup();
            }
            (_, host) => routes.push(Route { hosts: host.into_iter().collect(), matches, target }),
        }
    }
    routes
}
