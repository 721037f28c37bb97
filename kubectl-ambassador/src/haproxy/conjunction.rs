//! What must hold of a request or an answer: what a route or the `match` of a rule can say.

/// All that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Conjunction {
    /// A host, `api.example.org` or `*.example.org`; case and port do not count.
    pub(super) host: Option<String>,
    /// A path as in a rule's `match`.
    pub(super) path: Option<String>,
    pub(super) methods: Option<Vec<String>>,
    /// Names and patterns, negated by `!`.
    pub(super) headers: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    /// Statuses of answers.
    pub(super) status: Option<Vec<u16>>,
}

/// What two of them are together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Both {
    Hold(Conjunction),
    /// They exclude each other.
    Never,
    /// It cannot be written as one.
    Unsaid,
}

impl Conjunction {
    pub(super) fn and(&self, other: &Self) -> Both {
        let mut both = self.clone();
        for (mine, theirs, narrower) in [
            (&mut both.host, &other.host, narrower_host as Narrower),
            (&mut both.path, &other.path, narrower_path),
        ] {
            match merged(mine.take(), theirs.clone(), narrower) {
                Some(merged) => *mine = merged,
                None => return Both::Never,
            }
        }
        for (mine, theirs) in [(&mut both.headers, &other.headers), (&mut both.query, &other.query)] {
            for (name, pattern) in theirs {
                match mine.iter().find(|(known, _)| known == name) {
                    None => mine.push((name.clone(), pattern.clone())),
                    Some((_, known)) if known == pattern => {}
                    Some(_) => return Both::Unsaid,
                }
            }
        }
        both.methods = shared(self.methods.as_deref(), other.methods.as_deref());
        both.status = shared(self.status.as_deref(), other.status.as_deref());
        let is_empty = both.methods.as_ref().is_some_and(Vec::is_empty)
            || both.status.as_ref().is_some_and(Vec::is_empty);
        if is_empty { Both::Never } else { Both::Hold(both) }
    }
}

/// The narrower of two patterns; `None` if nothing is meant by both.
type Narrower = fn(&str, &str) -> Option<String>;

#[expect(clippy::option_option, reason = "the outer one says that nothing is meant by both")]
fn merged(one: Option<String>, other: Option<String>, narrower: Narrower) -> Option<Option<String>> {
    match (one, other) {
        (Some(one), Some(other)) => narrower(&one, &other).map(Some),
        (one, other) => Some(one.or(other)),
    }
}

fn shared<T: Clone + PartialEq>(one: Option<&[T]>, other: Option<&[T]>) -> Option<Vec<T>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.iter().filter(|item| other.contains(item)).cloned().collect()),
        (one, other) => one.or(other).map(<[T]>::to_vec),
    }
}

fn narrower_host(one: &str, other: &str) -> Option<String> {
    let within = |narrow: &str, wide: &str| match wide.strip_prefix('*') {
        Some(below) => narrow.trim_start_matches('*').ends_with(below),
        None => narrow == wide,
    };
    if within(one, other) {
        Some(one.to_owned())
    } else if within(other, one) {
        Some(other.to_owned())
    } else {
        None
    }
}

fn narrower_path(one: &str, other: &str) -> Option<String> {
    let within = |narrow: &str, wide: &str| match wide.strip_suffix("/**") {
        Some(above) => {
            let narrow = narrow.trim_end_matches("/**");
            narrow == above || narrow.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
        }
        None => narrow == wide,
    };
    if within(one, other) {
        Some(one.to_owned())
    } else if within(other, one) {
        Some(other.to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Conjunction {
        Conjunction { path: Some(path.to_owned()), ..Conjunction::default() }
    }

    fn host(host: &str) -> Conjunction {
        Conjunction { host: Some(host.to_owned()), ..Conjunction::default() }
    }

    #[test]
    fn the_narrower_pattern_is_meant_by_both() {
        for (one, other, expected) in [
            (path("/a"), path("/a"), Some(path("/a"))),
            (path("/a"), path("/b"), None),
            (path("/a/**"), path("/a/b"), Some(path("/a/b"))),
            (path("/a/**"), path("/a"), Some(path("/a"))),
            (path("/a/**"), path("/a/b/**"), Some(path("/a/b/**"))),
            (path("/a/**"), path("/ab"), None),
            (path("/**"), path("/ab"), Some(path("/ab"))),
            (host("a.b"), host("*.b"), Some(host("a.b"))),
            (host("*.a.b"), host("*.b"), Some(host("*.a.b"))),
            (host("ab"), host("*.b"), None),
        ] {
            let expected = expected.map_or(Both::Never, Both::Hold);
            assert_eq!(one.and(&other), expected, "{one:?} {other:?}");
            assert_eq!(other.and(&one), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn different_things_are_said_together() {
        let get = Conjunction { methods: Some(vec!["GET".to_owned()]), ..Conjunction::default() };
        let put = Conjunction { methods: Some(vec!["PUT".to_owned()]), ..Conjunction::default() };
        let header = |value: &str| Conjunction {
            headers: vec![("x".to_owned(), value.to_owned())],
            ..Conjunction::default()
        };
        let both = Conjunction { path: Some("/a".to_owned()), ..get.clone() };
        assert_eq!(path("/a").and(&get), Both::Hold(both));
        assert_eq!(get.and(&put), Both::Never);
        assert_eq!(header("1").and(&header("1")), Both::Hold(header("1")));
        assert_eq!(header("1").and(&header("2*")), Both::Unsaid);
    }
}
