//! What the words of a command line name: `TYPE/NAME`, `TYPE NAME`, `NAME`, or all of a type, as in kubectl.

use super::Args;
use crate::failure::{Failure, Result};
use crate::names::is_name;
use crate::workload::Kind;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Single objects; without a type, of whatever type has the name.
    Named(Vec<(Option<String>, String)>),
    /// All objects of these types, or of all types if there are none.
    Selected(Vec<String>),
}

/// Reads the words.
pub(super) fn wanted(args: &Args) -> Result<Wanted> {
    if args.all_namespaces && args.selector.is_none() && !args.all {
        return Err(Failure::usage("a name means an object of one namespace, so -A goes with -l or --all")
            .hint("choose by -l SELECTOR or --all, or name the namespace with -n NAME"));
    }
    if args.selector.is_some() || args.all {
        return selected(&args.words);
    }
    let named = match args.words.as_slice() {
        [] => Err(Failure::usage("nothing is named").hint(WHAT))?,
        [one] if is_type(one) => {
            return Err(Failure::usage(format!("`{one}` is a type, and nothing of it is named"))
                .hint(format!("write {one}/NAME, or choose by -l SELECTOR or --all")));
        }
        [kind, names @ ..] if is_type(kind) => {
            if let Some(whole) = names.iter().find(|name| name.contains('/')) {
                return Err(Failure::usage(format!(
                    "`{whole}` names its type itself, so `{kind}` is too much"
                ))
                .hint("write TYPE NAME NAME, or TYPE/NAME TYPE/NAME"));
            }
            let one = |name: &String| is_name(name).then(|| (Some(kind.clone()), name.clone()));
            let all = names.iter().map(|name| one(name).ok_or_else(|| not_a_name(name)));
            all.collect::<Result<Vec<_>>>()?
        }
        words => words.iter().map(|word| split(word)).collect::<Result<Vec<_>>>()?,
    };
    let mut once: Vec<(Option<String>, String)> = Vec::new();
    for one in named {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    Ok(Wanted::Named(once))
}

/// What can be named.
const WHAT: &str = "name a pod or a workload: NAME or TYPE/NAME; or choose by -l SELECTOR or --all";

fn selected(words: &[String]) -> Result<Wanted> {
    let types: Vec<String> = match words {
        [] => Vec::new(),
        [types] => types.split(',').map(str::to_owned).collect(),
        _ => Vec::from([String::new()]),
    };
    match types.iter().find(|word| word.contains('/') || !is_type(word)) {
        None => Ok(Wanted::Selected(types)),
        Some(_) => Err(Failure::usage("names, and -l or --all, exclude each other")
            .hint("with -l or --all write types only, such as deployments,statefulsets")),
    }
}

fn is_type(word: &str) -> bool {
    Kind::named(word).is_some()
}

fn split(word: &str) -> Result<(Option<String>, String)> {
    match word.split_once('/') {
        Some((kind, name)) if is_name(name) && is_name(&kind.to_ascii_lowercase()) => {
            Ok((Some(kind.to_owned()), name.to_owned()))
        }
        None if is_type(word) => {
            Err(Failure::usage(format!("`{word}` is a type, and stands after names")).hint(WHAT))
        }
        None if is_name(word) => Ok((None, word.to_owned())),
        _ => Err(not_a_name(word)),
    }
}

fn not_a_name(word: &str) -> Failure {
    Failure::usage(format!("`{}` is not the name of an object", word.escape_debug()))
        .hint("name a pod or a workload: NAME or TYPE/NAME")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the words of a line mean, one object a word of the answer.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let mut args = Args::default();
        for word in line.split_whitespace() {
            match word {
                "-l" => args.selector = Some("app=web".to_owned()),
                "--all" => args.all = true,
                "-A" => args.all_namespaces = true,
                word => args.words.push(word.to_owned()),
            }
        }
        let told = match wanted(&args) {
            Ok(Wanted::Named(all)) => all
                .iter()
                .map(|(kind, name)| format!("{}/{name}", kind.as_deref().unwrap_or("?")))
                .collect::<Vec<_>>()
                .join(" "),
            Ok(Wanted::Selected(types)) => format!("all of [{}]", types.join(" ")),
            Err(failure) => failure.message().to_owned(),
        };
        assert_eq!(told, expected, "{line}");
    }

    #[test]
    fn objects_are_named_as_in_kubectl() {
        check("web", "?/web");
        check("web api", "?/web ?/api");
        check("deploy/web", "deploy/web");
        check("deploy/web sts/db web", "deploy/web sts/db ?/web");
        check("deploy web api", "deploy/web deploy/api");
        check("Deployments.apps web", "Deployments.apps/web");
        check("rollouts.argoproj.io/web", "rollouts.argoproj.io/web");
        check("deploy/web deploy/web", "deploy/web");
    }

    #[test]
    fn objects_are_selected_as_in_kubectl() {
        check("-l", "all of []");
        check("--all", "all of []");
        check("deploy -l", "all of [deploy]");
        check("deploy -A --all", "all of [deploy]");
        check("deploy,sts,pods --all", "all of [deploy sts pods]");
        check("deploy web -l", "names, and -l or --all, exclude each other");
        check("deploy/web --all", "names, and -l or --all, exclude each other");
        check("web -l", "names, and -l or --all, exclude each other");
    }

    #[test]
    fn what_names_nothing_is_refused() {
        check("", "nothing is named");
        check("deploy", "`deploy` is a type, and nothing of it is named");
        check("deploy deploy/web", "`deploy/web` names its type itself, so `deploy` is too much");
        check("web deploy", "`deploy` is a type, and stands after names");
        check("deploy/", "`deploy/` is not the name of an object");
        check("/web", "`/web` is not the name of an object");
        check("..", "`..` is not the name of an object");
        check("../../secrets", "`../../secrets` is not the name of an object");
        check("deploy We_b", "`We_b` is not the name of an object");
        check("Web", "`Web` is not the name of an object");
        check("web -A", "a name means an object of one namespace, so -A goes with -l or --all");
        check("deploy -A", "a name means an object of one namespace, so -A goes with -l or --all");
    }
}
