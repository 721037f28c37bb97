//! `cargo xtask playground`: the page that tries rules in a browser, built and served.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{node, paths, progress, test, wasm};

/// What the page may weigh, compressed as servers do it.
const LARGEST: u64 = 1_000_000;

/// What to do with the page.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of 127.0.0.1 to serve it on; 0 is a free one
    #[arg(long, default_value_t = 8780)]
    port: u16,

    /// Build it, and serve nothing
    #[arg(long, conflicts_with = "screenshots")]
    build: bool,

    /// Take the pictures of docs/playground.md, and serve nothing
    #[arg(long)]
    screenshots: bool,
}

/// What is built.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The page with its module inside: all that a file server needs.
    pub(crate) whole: PathBuf,
    /// The page without, and the module: what the CLI carries.
    pub(crate) shell: PathBuf,
    pub(crate) module: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let page = build()?;
    if args.screenshots {
        return screenshots(&page);
    }
    if args.build { Ok(()) } else { serve(args.port, &page.whole) }
}

/// Builds `target/playground/index.html`.
pub(crate) fn build() -> anyhow::Result<Page> {
    let modules = node::modules()?;
    let wasm = wasm::playground()?;
    let out = paths::target().join("playground");
    let page = Page {
        whole: out.join("index.html"),
        shell: wasm.join("carried/shell.html"),
        module: wasm.join("carried/playground_bg.wasm"),
    };
    std::fs::create_dir_all(&out)?;
    std::fs::create_dir_all(wasm.join("carried"))?;
    let shell = wasm.join("shell.html");
    progress::run(
        "bundling the playground page",
        Command::new("node")
            .arg(paths::root().join("playground/web/build.js"))
            .arg(&wasm)
            .args([&shell, &page.whole])
            .env("PLAYGROUND_MODULES", &modules),
    )?;
    plugin_build::keep(&shell, &page.shell)?;
    plugin_build::keep(&wasm.join("playground_bg.wasm"), &page.module)?;
    let size: u64 = std::fs::read_to_string(wasm.join("weight"))?.parse()?;
    anyhow::ensure!(size <= LARGEST, "the page weighs {size} bytes compressed, more than {LARGEST}");
    progress::ready(&format!("{}, {size} bytes compressed", page.whole.display()));
    Ok(page)
}

/// The pictures of the documentation, by the same script that tests the page.
fn screenshots(page: &Page) -> anyhow::Result<()> {
    progress::run(
        "taking pictures",
        Command::new("node")
            .arg(paths::root().join("playground/web/tests/screenshots.js"))
            .arg(paths::root().join("docs/images"))
            .env("PLAYGROUND_MODULES", node::modules()?)
            .env("PLAYGROUND_PAGE", &page.whole)
            .env("AMBASSADOR_CHROMIUM", test::chromium()?),
    )
}

/// Serves the one file there is, to this machine alone.
fn serve(port: u16, page: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("cannot listen on 127.0.0.1:{port}\nhint: --port 0 takes a free one"))?;
    println!("http://{}/", listener.local_addr()?);
    eprintln!("Ctrl-C ends it");
    for stream in listener.incoming() {
        // Who hangs up early loses nothing.
        let _ = stream.and_then(|stream| answer(stream, page));
    }
    Ok(())
}

fn answer(mut stream: TcpStream, page: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let is_page = first.split(' ').nth(1).is_some_and(|path| path.split('?').next() == Some("/"));
    let (status, body) =
        if is_page { ("200 OK", std::fs::read(page)?) } else { ("404 Not Found", Vec::new()) };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
