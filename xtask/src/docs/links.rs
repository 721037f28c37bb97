//! Links of Markdown: where they stand, where they lead, and which headings a page has.
//!
//! Enough of Markdown for our own papers: inline links, `#` headings, fences. What a site makes of it is checked by
//! [`super::site`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// The targets of the links of a page, as they are written, with the lines they stand in. Code is passed over.
pub(crate) fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, prose) in prose(text) {
        let without_code: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for rest in without_code.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((line, target.to_owned()));
        }
    }
    found
}

/// Lines that are not within a fence, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        (!is_fence && !is_fenced).then_some((number, line))
    })
}

/// The anchors of a page's headings, as GitHub and mdBook make them: letters, digits, `-` and `_`, small, with `-` for
/// blanks, and a number behind those that come again.
pub(crate) fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    headings
        .filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' '))
        .map(|heading| {
            let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
            let count = seen.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
        })
        .collect()
}

/// Where a link of `page` leads: a path from the root, and an anchor. `None` if it leads out of the repository's files.
pub(crate) fn target(page: &Path, link: &str) -> Option<(PathBuf, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_owned())),
        None => (link, None),
    };
    if path.is_empty() {
        return Some((page.to_owned(), anchor));
    }
    let from = page.parent().unwrap_or(Path::new(""));
    Some((normal(&from.join(path)), anchor))
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts
}

/// What is wrong with the links of `pages`, whose paths are from `root`.
pub(crate) fn broken(root: &Path, pages: &[PathBuf]) -> Vec<String> {
    let read = |page: &Path| std::fs::read_to_string(root.join(page)).unwrap_or_default();
    let mut found = Vec::new();
    for page in pages {
        for (line, link) in links(&read(page)) {
            let Some((path, anchor)) = target(page, &link) else { continue };
            let mut tell = |what: &str| found.push(format!("{}:{line}: {link}: {what}", page.display()));
            if !root.join(&path).exists() {
                tell("there is no such file");
            } else if let Some(anchor) = anchor.filter(|_| path.extension().is_some_and(|end| end == "md"))
                && !anchors(&read(&path)).contains(&anchor)
            {
                tell("that page has no such heading");
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_code_are_none() {
        let text = "See [a](b.md#c), [d](e.md \"f\") and `[g](h.md)`.\n```sh\n[i](j.md)\n```\n[`k`](l.md)";
        let found: Vec<String> =
            links(text).into_iter().map(|(line, link)| format!("{line} {link}")).collect();
        assert_eq!(found, ["1 b.md#c", "1 e.md", "5 l.md"]);
    }

    #[test]
    fn headings_have_the_anchors_that_github_gives_them() {
        let text = "# 1. Rename fields\n## `check`, and *more*\n## CSV and TSV\n```\n# no heading\n```\n## CSV and TSV\n#no";
        let expected = ["1-rename-fields", "check-and-more", "csv-and-tsv", "csv-and-tsv-1"];
        assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        let root = std::env::temp_dir().join(format!("ambassador-links-{}", std::process::id()));
        std::fs::create_dir_all(root.join("docs")).expect("a folder");
        std::fs::write(root.join("README.md"), "# Top\n[a](docs/b.md#there) [c](docs/b.md#gone) [d](e.md)")
            .expect("a file");
        std::fs::write(root.join("docs/b.md"), "## There\n[up](../README.md#top) [x](https://example.org/)")
            .expect("a file");
        let found = broken(&root, &["README.md".into(), "docs/b.md".into()]);
        std::fs::remove_dir_all(&root).expect("it can be removed");
        assert_eq!(
            found,
            [
                "README.md:2: docs/b.md#gone: that page has no such heading",
                "README.md:2: e.md: there is no such file"
            ]
        );
    }
}
