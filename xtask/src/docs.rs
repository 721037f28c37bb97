//! `cargo xtask docs`: the papers as a site, by mdBook, into `target/book`.
//!
//! The pages lie in several folders, and lead to manifests, sources and each other. So the site's source is a copy of
//! just those files at the places they have in the repository, and no link has to be written anew for it.

pub(crate) mod links;
mod site;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{cargo, paths, progress};

/// The version that is built once into the cache.
const VERSION: &str = "0.5.4";
/// The table of contents, with links as they are in its folder.
const SUMMARY: &str = "docs/SUMMARY.md";

/// How to show the site.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Serve it on loopback until Ctrl-C, by Python's own server
    #[arg(long)]
    serve: bool,

    /// The port to serve it on
    #[arg(long, default_value_t = 3000, requires = "serve")]
    port: u16,
}

/// Builds the site, checks it, and serves it if asked to.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let book = build()?;
    println!("{}", book.join("index.html").display());
    if !args.serve {
        return Ok(());
    }
    eprintln!("http://127.0.0.1:{}/ until Ctrl-C", args.port);
    let mut server = Command::new("python3");
    server.args(["-m", "http.server", "--bind", "127.0.0.1", &args.port.to_string(), "--directory"]);
    // In place of this program, so that it ends with it.
    Err(server.arg(&book).exec()).context("cannot run python3, which serves the site")
}

/// Builds the site and checks it.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let mdbook = mdbook()?;
    let (stage, book) = (paths::target().join("book-source"), paths::target().join("book"));
    let pages = lay_out(&paths::root(), &stage)?;
    let title = format!("building the site of {} pages", pages.len());
    progress::run(&title, Command::new(&mdbook).arg("build").arg(&stage).arg("--dest-dir").arg(&book))?;
    let problems = site::problems(&book)?;
    if !problems.is_empty() {
        bail!("the site is not whole:\n{}", problems.join("\n"));
    }
    Ok(book)
}

/// Built only where a site is: it takes minutes.
pub(crate) fn mdbook() -> anyhow::Result<PathBuf> {
    let root = paths::cache()?.join("mdbook").join(VERSION);
    let program = root.join("bin/mdbook");
    if program.is_file() {
        progress::ready(&format!("mdbook {VERSION}"));
        return Ok(program);
    }
    // Its server would be half of what is built.
    let mut install = cargo::command();
    install
        .args(["install", "--quiet", "--locked", "--version", VERSION, "--no-default-features"])
        .args(["--features", "search", "mdbook", "--root"])
        .arg(&root);
    progress::run(&format!("building mdbook {VERSION} (minutes, once)"), &mut install)?;
    Ok(program)
}

/// Pages of the table of contents, from the root, in order.
pub(crate) fn pages(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let text = read(root, SUMMARY.as_ref())?;
    let targets = links::links(&text).into_iter();
    Ok(targets
        .filter_map(|(_, link)| links::target(Path::new(SUMMARY), &link))
        .map(|(path, _)| path)
        .collect())
}

/// Copies the pages, and what they lead to, into `stage`.
fn lay_out(root: &Path, stage: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if stage.exists() {
        std::fs::remove_dir_all(stage).with_context(|| format!("cannot clear {}", stage.display()))?;
    }
    let source = stage.join("src");
    let pages = pages(root)?;
    let broken = links::broken(root, &pages);
    if !broken.is_empty() {
        bail!("links lead nowhere:\n{}", broken.join("\n"));
    }
    for page in &pages {
        let text = read(root, page)?;
        for (line, link) in links::links(&text) {
            let Some((path, _)) = links::target(page, &link) else { continue };
            if root.join(&path).is_dir() {
                bail!("{}:{line}: a site has no folders; lead to a file in {link}", page.display());
            }
            if !pages.contains(&path) {
                put(&source.join(&path), std::fs::read(root.join(&path))?)?;
            }
        }
        let name = if page.ends_with("README.md") { page.with_file_name("index.md") } else { page.clone() };
        put(&source.join(name), with_index(&text))?;
    }
    put(&stage.join("book.toml"), read(root, "docs/book.toml".as_ref())?)?;
    put(&source.join("SUMMARY.md"), with_index(&from_the_root(&read(root, SUMMARY.as_ref())?)))?;
    Ok(pages)
}

fn read(root: &Path, page: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(root.join(page)).with_context(|| format!("cannot read {}", page.display()))
}

fn put(target: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    std::fs::create_dir_all(target.parent().context("a file is in a folder")?)?;
    std::fs::write(target, content).with_context(|| format!("cannot write {}", target.display()))
}

/// What GitHub shows of a folder is README.md, and what a site does is index.html. The table of contents is beside each
/// page of a site, and a page of its own by another name.
fn with_index(text: &str) -> String {
    let text = text.replace("README.md)", "index.md)").replace("README.md#", "index.md#");
    text.replace("(docs/SUMMARY.md)", "(toc.html)")
}

/// The table of contents with links as they are from the root, where mdBook wants it to be.
fn from_the_root(summary: &str) -> String {
    summary.replace("](", "](docs/").replace("](docs/../", "](")
}
