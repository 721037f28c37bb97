//! The rules of the repository that no lint knows, as tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::docs::{self, links};
use crate::paths;

/// Every file that git knows or would add.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .current_dir(paths::root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .output()
        .expect("git is there");
    assert!(output.status.success(), "git ls-files failed");
    let list = String::from_utf8(output.stdout).expect("names are UTF-8");
    let files: Vec<PathBuf> = list.split_terminator('\0').map(PathBuf::from).collect();
    assert!(files.len() > 50, "not the repository?");
    files.into_iter().filter(|file| paths::root().join(file).is_file()).collect()
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(paths::root().join(file)).expect("a file that git lists"))
        .into_owned()
}

/// Rust files with their text, this one left out: it names what it forbids.
fn rust() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    rust.filter(|file| !file.ends_with("tidy.rs")).map(|file| (file.clone(), read(&file))).collect()
}

#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// Lines of Rust that hold `needle` outside of `allowed`, comments left out.
fn uses(needle: &str, allowed: impl Fn(&Path) -> bool) -> Vec<String> {
    let files = rust().into_iter().filter(|(file, _)| !allowed(file));
    files
        .flat_map(|(file, text)| {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
            let found = lines.filter(|(_, line)| line.contains(needle));
            found
                .map(|(at, line)| format!("{}:{}: {}", file.display(), at + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn one_file_calls_the_proxy_wasm_host() {
    none("host calls elsewhere", &uses("hostcalls", |file| file == Path::new("plugin-wasm/src/host.rs")));
}

#[test]
fn one_module_calls_the_cluster() {
    let allowed =
        |file: &Path| file.starts_with("kubectl-ambassador/src/cluster") || file.ends_with("cluster.rs");
    // The tests have a module of that name.
    let not_the_tests_own = |line: &String| !line.contains("e2e::kube::") && !line.contains("crate::kube::");
    for needle in ["kube::", "Api<"] {
        let found: Vec<String> = uses(needle, allowed).into_iter().filter(not_the_tests_own).collect();
        none("calls of the cluster elsewhere", &found);
    }
}

#[test]
fn the_core_does_no_io() {
    let pure = |file: &Path| {
        let library = file.starts_with("ambassador-core/src") || file.starts_with("ambassador-jq/src");
        // Tests read their bodies from files.
        library && !file.starts_with("ambassador-jq/src/bin") && !file.ends_with("tests.rs")
    };
    for needle in ["std::fs", "std::net", "std::env", "std::time::SystemTime", "Instant::now", "std::process"]
    {
        none("the core and the engine read nothing but their arguments", &uses(needle, |file| !pure(file)));
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = rust().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    none("no //! at the top", &silent.map(|(file, _)| file.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    for needle in ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "TODO"] {
        none("unfinished", &uses(needle, |_| false));
    }
}

#[test]
fn modules_are_files_of_their_own_name() {
    let old = files().into_iter().filter(|file| file.ends_with("mod.rs"));
    none(
        "foo.rs with foo/, never foo/mod.rs",
        &old.map(|file| file.display().to_string()).collect::<Vec<_>>(),
    );
}

fn papers() -> Vec<PathBuf> {
    files().into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn links_in_the_papers_lead_somewhere() {
    none("broken links", &links::broken(&paths::root(), &papers()));
}

#[test]
fn every_paper_is_in_the_site() {
    let pages = docs::pages(&paths::root()).expect("a table of contents");
    let is_a_page = |paper: &&PathBuf| {
        // Cases of tests, and the table itself, are no pages.
        !paper.components().any(|part| part.as_os_str() == "tests") && !paper.ends_with("SUMMARY.md")
    };
    let papers = papers();
    let missing = papers.iter().filter(is_a_page).filter(|paper| !pages.contains(paper));
    none("not in docs/SUMMARY.md", &missing.map(|paper| paper.display().to_string()).collect::<Vec<_>>());
}

/// Fragments of the messages that a paper quotes: what stands between the `…` of its blocks of the kind `message`.
fn quoted(paper: &str) -> Vec<String> {
    let blocks = paper.split("\n```message\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let lines = blocks.flat_map(str::lines).map(|line| {
        let said_before = ["error: ", "hint: ", "help: ", "warning: "];
        said_before.iter().find_map(|start| line.strip_prefix(start)).unwrap_or(line)
    });
    let fragments = lines.flat_map(|line| line.split('…')).map(str::trim);
    fragments.filter(|fragment| fragment.len() > 2).map(str::to_owned).collect()
}

#[test]
fn messages_that_are_explained_are_said() {
    // What a test expects of a run is said too.
    let said = ["kubectl-ambassador/src", "plugin-wasm/src", "ambassador-core", "ambassador-jq", "e2e/tests"];
    let is_a_source = |file: &Path| said.iter().any(|dir| file.starts_with(dir));
    let sources = rust().into_iter().filter(|(file, _)| is_a_source(file));
    let said: String = sources.map(|(_, text)| text.replace("\\\"", "\"")).collect();
    let troubleshooting = quoted(&read(Path::new("docs/troubleshooting.md")));
    assert!(troubleshooting.len() > 40, "only {} messages are explained", troubleshooting.len());
    let unsaid = troubleshooting.into_iter().filter(|fragment| !said.contains(fragment.as_str()));
    none("nothing of ours says so", &unsaid.collect::<Vec<_>>());
}

#[test]
fn no_paths_of_a_machine() {
    let texts =
        files().into_iter().filter(|file| !file.ends_with("tidy.rs") && !file.ends_with("Cargo.lock"));
    let mut found = Vec::new();
    for file in texts {
        let text = read(&file);
        let hits = text.lines().enumerate().filter(|(_, line)| {
            ["/home/", "/Users/", "/root/", "/work/", "C:\\"].iter().any(|path| line.contains(path))
        });
        found.extend(hits.map(|(at, line)| format!("{}:{}: {}", file.display(), at + 1, line.trim())));
    }
    none("paths of somebody's machine", &found);
}
