//! Conditions with negations, and several that add up, as a list of which the first entry that matches is used.
//!
//! HAProxy evaluates each condition by itself. Of what they are made of, some holds for a request and the rest does not:
//! an entry for each such set, the largest sets first, is one that the first match finds rightly.

use super::conjunction::{Both, Conjunction};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Formula {
    True,
    False,
    Holds(Conjunction),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

/// More entries than this are not written: nobody could read them.
const MOST: usize = 128;

impl Formula {
    pub(super) fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// The same, where parts of it always or never hold.
    pub(super) fn simplified(self) -> Self {
        match self {
            Self::Not(inner) => inner.simplified().negated(),
            Self::All(parts) => {
                let mut parts: Vec<Self> = parts.into_iter().map(Self::simplified).collect();
                if parts.contains(&Self::False) {
                    return Self::False;
                }
                parts.retain(|part| *part != Self::True);
                match parts.len() {
                    0 => Self::True,
                    1 => parts.remove(0),
                    _ => Self::All(parts),
                }
            }
            Self::Any(parts) => {
                let mut parts: Vec<Self> = parts.into_iter().map(Self::simplified).collect();
                if parts.contains(&Self::True) {
                    return Self::True;
                }
                parts.retain(|part| *part != Self::False);
                match parts.len() {
                    0 => Self::False,
                    1 => parts.remove(0),
                    _ => Self::Any(parts),
                }
            }
            other => other,
        }
    }

    /// What it is made of, each once.
    pub(super) fn atoms(&self, atoms: &mut Vec<Conjunction>) {
        match self {
            Self::True | Self::False => {}
            Self::Holds(atom) => {
                if !atoms.contains(atom) {
                    atoms.push(atom.clone());
                }
            }
            Self::Not(inner) => inner.atoms(atoms),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.atoms(atoms)),
        }
    }

    /// Whether it holds where exactly these do.
    pub(super) fn holds(&self, true_ones: &[&Conjunction]) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Holds(atom) => true_ones.contains(&atom),
            Self::Not(inner) => !inner.holds(true_ones),
            Self::All(parts) => parts.iter().all(|part| part.holds(true_ones)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(true_ones)),
        }
    }

    /// As alternatives, without negations; `None` where that cannot be.
    pub(super) fn alternatives(&self) -> Option<Vec<Conjunction>> {
        match self {
            Self::True => Some(vec![Conjunction::default()]),
            Self::False => Some(Vec::new()),
            Self::Holds(atom) => Some(vec![atom.clone()]),
            Self::Not(_) => None,
            Self::Any(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(Self::alternatives).collect();
                Some(parts?.concat())
            }
            Self::All(parts) => parts.iter().try_fold(vec![Conjunction::default()], |all, part| {
                let part = part.alternatives()?;
                let mut both = Vec::new();
                for (one, other) in all.iter().flat_map(|one| part.iter().map(move |other| (one, other))) {
                    match one.and(other) {
                        Both::Hold(conjunction) => both.push(conjunction),
                        Both::Never => {}
                        Both::Unsaid => return None,
                    }
                }
                (both.len() <= MOST).then_some(both)
            }),
        }
    }
}

/// The list; `effect` says what is to be done where exactly these hold. `None` if that is too much, or cannot be said.
pub(super) fn list<E: PartialEq>(
    atoms: &[Conjunction],
    effect: impl Fn(&[&Conjunction]) -> E,
) -> Option<Vec<(Conjunction, E)>> {
    let mut sets: Vec<(Vec<usize>, Conjunction)> = vec![(Vec::new(), Conjunction::default())];
    for (index, atom) in atoms.iter().enumerate() {
        let mut more = Vec::new();
        for (set, conjunction) in &sets {
            match conjunction.and(atom) {
                Both::Hold(both) => more.push(([set.as_slice(), &[index]].concat(), both)),
                Both::Never => {}
                Both::Unsaid => return None,
            }
        }
        sets.extend(more);
        if sets.len() > MOST {
            return None;
        }
    }
    sets.sort_by_key(|(set, _)| std::cmp::Reverse(set.len()));
    // From the end: an entry that does what the next one does that would be found without it says nothing.
    let mut kept: Vec<(Vec<usize>, Conjunction, E)> = Vec::new();
    for (set, conjunction) in sets.into_iter().rev() {
        let holding: Vec<&Conjunction> = set.iter().filter_map(|&index| atoms.get(index)).collect();
        let effect = effect(&holding);
        let next = kept.iter().rev().find(|(other, ..)| other.iter().all(|index| set.contains(index)));
        if next.is_none_or(|(.., other)| *other != effect) {
            kept.push((set, conjunction, effect));
        }
    }
    Some(kept.into_iter().rev().map(|(_, conjunction, effect)| (conjunction, effect)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Conjunction {
        Conjunction { path: Some(path.to_owned()), ..Conjunction::default() }
    }

    fn method(method: &str) -> Conjunction {
        Conjunction { methods: Some(vec![method.to_owned()]), ..Conjunction::default() }
    }

    /// Two conditions, each with an effect of its own, as a list.
    fn listed(one: &Formula, two: &Formula) -> Vec<(Conjunction, [bool; 2])> {
        let mut atoms = Vec::new();
        one.atoms(&mut atoms);
        two.atoms(&mut atoms);
        list(&atoms, |holding| [one.holds(holding), two.holds(holding)]).unwrap()
    }

    #[test]
    fn the_first_match_does_what_all_conditions_say() {
        let (a, get) = (path("/a/**"), method("GET"));
        let both = Conjunction { methods: get.methods.clone(), ..a.clone() };
        assert_eq!(
            listed(&Formula::Holds(a.clone()), &Formula::Holds(get.clone()).negated()),
            [
                (both, [true, false]),
                (a.clone(), [true, true]),
                (get, [false, false]),
                (Conjunction::default(), [false, true]),
            ]
        );
        // What excludes each other, and what makes no difference, needs no entry.
        let b = path("/b");
        assert_eq!(
            listed(
                &Formula::Holds(a.clone()),
                &Formula::Any(vec![Formula::Holds(b.clone()), Formula::Holds(a.clone())])
            ),
            [(a, [true, true]), (b, [false, true]), (Conjunction::default(), [false, false])]
        );
    }

    #[test]
    fn too_many_are_not_written() {
        let headers = (0..20).map(|index| Conjunction {
            headers: vec![(format!("x{index}"), "1".to_owned())],
            ..Conjunction::default()
        });
        let atoms: Vec<Conjunction> = headers.collect();
        assert_eq!(list(&atoms, |holding| holding.len()), None);
    }
}
