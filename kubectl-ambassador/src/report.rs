//! Shows the problems of a config with the line they are in and an underline.

use ambassador_core::config::yaml::Located;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::failure::Failure;
use crate::output::{is_coloured, say};

/// Writes all problems of the text called `name` to stderr and gives the failure that ends the command.
pub(crate) fn config_problems(name: &str, text: &str, problems: &[Located]) -> Failure {
    for problem in problems {
        say(&format!("{}\n", rendered(name, text, problem)));
    }
    let count = problems.len();
    Failure::usage(format!("{name} has {count} problem{}", if count == 1 { "" } else { "s" }))
}

fn rendered(name: &str, text: &str, located: &Located) -> String {
    let problem = &located.problem;
    let title = problem.to_string();
    let snippet =
        Snippet::source(text).path(name).annotation(AnnotationKind::Primary.span(located.range.clone()));
    let mut report: Vec<Group<'_>> = vec![Level::ERROR.primary_title(title.as_str()).element(snippet)];
    if let Some((value, range)) = &located.within {
        let snippet = Snippet::source(value.as_str()).annotation(AnnotationKind::Primary.span(range.clone()));
        report.push(Level::NOTE.secondary_title("the value, as YAML reads it").element(snippet));
    }
    if let Some(hint) = &problem.hint {
        report.push(Group::with_title(Level::HELP.secondary_title(hint.as_str())));
    }
    let renderer = if is_coloured() { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&report)
}
