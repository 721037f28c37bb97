//! Whether a site is whole: each link of its pages leads to a file and a place that are there, and nothing is loaded
//! from elsewhere, so that it works offline and from any folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::links;

/// What is wrong with the site in a folder, one line each.
pub(super) fn problems(book: &Path) -> anyhow::Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    for file in files(book)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "html")) {
        let text = std::fs::read_to_string(book.join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        pages.insert(file, text);
    }
    let ids: BTreeMap<&PathBuf, BTreeSet<&str>> =
        pages.iter().map(|(file, text)| (file, attributes(text, "id").map(|(_, id)| id).collect())).collect();
    let mut found = Vec::new();
    // The page for what is not there is shown for any address, so its links are from a root that nobody knows.
    for (page, text) in pages.iter().filter(|(page, _)| *page != Path::new("404.html")) {
        for (element, link) in attributes(text, "href").chain(attributes(text, "src")) {
            let mut tell = |what: &str| found.push(format!("{}: {link}: {what}", page.display()));
            let Some((target, anchor)) = links::target(page, link) else {
                if element != "a" {
                    tell("is loaded from elsewhere");
                }
                continue;
            };
            if !book.join(&target).is_file() {
                tell("leads nowhere");
            } else if let (Some(anchor), Some(ids)) = (anchor, ids.get(&target))
                && !anchor.is_empty()
                && !ids.contains(anchor.as_str())
            {
                tell("that page has no such place");
            }
        }
    }
    for file in files(book)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "css")) {
        let text = std::fs::read_to_string(book.join(&file)).unwrap_or_default();
        if text.contains("url(http") || text.contains("url(//") || text.contains("@import \"http") {
            found.push(format!("{}: loads something from elsewhere", file.display()));
        }
    }
    Ok(found)
}

/// All files below a folder, by their paths from there.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let full = dir.join(&folder);
        for entry in std::fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// The values of an attribute, with the name of the element that has it.
fn attributes<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    html.split('<').skip(1).filter_map(move |tag| {
        let tag = tag.split('>').next()?;
        let element = tag.split_whitespace().next()?;
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some((element, rest.split('"').next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_and_what_is_elsewhere_is_told() {
        let book = std::env::temp_dir().join(format!("ambassador-site-{}", std::process::id()));
        std::fs::create_dir_all(book.join("docs")).expect("a folder");
        let page = r##"<script src="https://cdn.example/x.js"></script><a href="docs/b.html#there">b</a>
            <a href="docs/b.html#gone">c</a> <a href="docs/c.html">d</a> <a href="https://example.org/">e</a>"##;
        std::fs::write(book.join("index.html"), page).expect("a file");
        std::fs::write(
            book.join("docs/b.html"),
            r##"<h2 id="there">There</h2><a href="../index.html">up</a>"##,
        )
        .expect("a file");
        let found = problems(&book);
        std::fs::remove_dir_all(&book).expect("it can be removed");
        assert_eq!(
            found.expect("a list"),
            [
                "index.html: docs/b.html#gone: that page has no such place",
                "index.html: docs/c.html: leads nowhere",
                "index.html: https://cdn.example/x.js: is loaded from elsewhere"
            ]
        );
    }
}
