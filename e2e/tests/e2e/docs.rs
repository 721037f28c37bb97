//! Every command of the papers is run, every config in them is read, every manifest is one that the server admits.

use std::path::Path;
use std::process::Command;

use e2e::envoy::{render, validate};
use e2e::kube::{Namespace, repository};
use e2e::{process, provided};

/// The fenced blocks of a paper, of one kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let fence = format!("\n```{kind}\n");
    let found = text.split(&fence).skip(1);
    found.filter_map(|rest| rest.split_once("\n```")).map(|(block, _)| block.to_owned()).collect()
}

/// Commands, which begin with `$ `, and what each writes to standard output.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => panic!("the block begins with output: {line}"),
        }
    }
    all
}

/// Makes a namespace the current one of its shells.
fn settle(namespace: &Namespace) {
    let kubeconfig = namespace.home.path().join("kubeconfig");
    std::fs::copy(provided("AMBASSADOR_KUBECONFIG"), kubeconfig).expect("a copy");
    let current = format!("kubectl config set-context --current --namespace {}", namespace.name);
    process::run(shell(namespace, namespace.home.path(), 60).args(["-c", &current])).ok();
}

/// A shell in a namespace and a folder, which waits for nothing longer than so many seconds.
fn shell(namespace: &Namespace, dir: &Path, seconds: u32) -> Command {
    let path = format!(
        "{}:{}:{}",
        provided("AMBASSADOR_CLI").parent().expect("a folder").display(),
        provided("AMBASSADOR_ENVOY").parent().expect("a folder").display(),
        std::env::var("PATH").expect("a PATH")
    );
    let mut shell = namespace.command(Path::new("timeout"));
    shell.args([&seconds.to_string(), "sh"]).current_dir(dir);
    shell.env("KUBECONFIG", namespace.home.path().join("kubeconfig")).env("PATH", path);
    shell
}

/// Runs the commands of a paper in a folder, and `then` after each; a command that takes two minutes has failed.
#[track_caller]
pub(crate) fn run_all(namespace: &Namespace, paper: &str, dir: &Path, mut then: impl FnMut(&str)) {
    settle(namespace);
    let text = std::fs::read_to_string(repository(paper)).expect("a paper");
    let all: Vec<_> = blocks(&text, "console").iter().flat_map(|block| commands(block)).collect();
    assert!(!all.is_empty(), "{paper} has no commands");
    for (line, expected) in all {
        let output = process::run(shell(namespace, dir, 120).args(["-c", &line]));
        assert_eq!(output.code, 0, "{paper}: {line}\n{}{}", output.stdout, output.stderr);
        assert_eq!(output.stdout, expected, "{paper}: {line}\n{}", output.stderr);
        then(&line);
    }
}

/// Whether a text is as expected, where `…` stands for anything within a line, and on a line of its own for any lines or
/// none. Line breaks at the end do not count: a body may come without one.
fn is_like(text: &str, expected: &str) -> bool {
    let [text, expected] = [text, expected].map(|text| format!("{}\n", text.trim_end_matches('\n')));
    let pattern =
        regex_lite::escape(&format!("\n{expected}")).replace("\n…\n", "\n(?:.*\n)*").replace('…', ".*");
    let pattern = regex_lite::Regex::new(&format!("^{pattern}$")).expect("a pattern");
    pattern.is_match(&format!("\n{text}"))
}

/// The commands of a paper, what each writes, and how it ends: `exits N` behind `console` is about the last of a block.
fn steps(paper: &str) -> Vec<(String, String, String)> {
    let mut steps = Vec::new();
    for block in paper.split("\n```console").skip(1) {
        let (ends, rest) = block.split_once('\n').expect("a block");
        let code = ends.strip_prefix(" exits ").unwrap_or("0");
        let all = commands(rest.split_once("\n```").expect("an end").0);
        let last = all.len() - 1;
        let codes = (0..).map(|at| if at == last { code } else { "0" });
        steps
            .extend(all.into_iter().zip(codes).map(|((line, output), code)| (line, output, code.to_owned())));
    }
    steps
}

/// Runs a paper as a reader would: in one shell, in an empty folder, with the files that it says to save, and seeing what
/// goes to standard error too.
#[track_caller]
fn follow(paper: &str) {
    let namespace = Namespace::new();
    settle(&namespace);
    let folder = namespace.home.path().join("empty");
    std::fs::create_dir(&folder).expect("a folder");
    let text = std::fs::read_to_string(repository(paper)).expect("a paper");
    for block in blocks(&text, "yaml") {
        if let Some((name, _)) = block.strip_prefix("# ").and_then(|block| block.split_once('\n')) {
            std::fs::write(folder.join(name), &block).expect("a file");
        }
    }
    let steps = steps(&text);
    // A reader would stop where something ends otherwise.
    let script = steps.iter().map(|(line, _, code)| {
        format!("{line}\nc=$?; printf '\\0'; [ $c = {code} ] || {{ echo \"exit code $c\"; exit 1; }}\n")
    });
    let script = format!("exec 2>&1\n{}", script.collect::<String>());
    let output = process::run(shell(&namespace, &folder, 600).args(["-c", &script])).stdout;
    let mut outputs = output.split('\0');
    let mut differ = Vec::new();
    for (line, expected, _) in steps {
        let found = outputs.next().unwrap_or("(it was not run)");
        if !is_like(found, &expected) {
            differ.push(format!("$ {line}\n--- expected\n{expected}--- found\n{found}\n"));
        }
    }
    assert!(differ.is_empty(), "{paper}:\n{}", differ.concat());
    assert_eq!(outputs.next(), Some(""), "{paper}: the last command");
}

#[test]
fn ten_minutes_go_as_the_tutorial_says() {
    follow("docs/tutorial.md");
}

#[test]
fn what_is_left_open_in_a_paper_is_all_that_may_differ() {
    let cases = [
        ("a 1 b\n", "a … b\n", true),
        ("a 1 c\n", "a … b\n", false),
        ("a\nb\n", "a…b\n", false),
        ("a\nx\ny\nb\n", "a\n…\nb\n", true),
        ("a\nb\n", "a\n…\nb\n", true),
        ("a\nb\nc\n", "a\n…\nb\n", false),
        ("", "…\n", true),
        ("x\n", "…\n", true),
        ("x: 1, y: 2\n", "x: …, y: …\n", true),
        ("x", "", false),
        ("x\n\n", "x", true),
    ];
    for (text, expected, is) in cases {
        assert_eq!(is_like(text, expected), is, "{text:?} by {expected:?}");
    }
}

#[track_caller]
fn run_in_repository(paper: &str) {
    run_all(&Namespace::new(), paper, &repository(""), |_| ());
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    run_in_repository("README.md");
}

#[test]
fn the_commands_about_haproxy_do_what_they_say() {
    run_in_repository("docs/haproxy.md");
}

#[test]
fn the_commands_about_testing_rules_do_what_they_say() {
    run_in_repository("docs/testing-rules.md");
}

#[test]
fn the_commands_about_pipes_do_what_they_say() {
    run_in_repository("docs/pipes.md");
}

#[test]
fn the_commands_about_installing_do_what_they_say() {
    run_in_repository("docs/install.md");
}

#[test]
fn the_configs_in_the_papers_are_valid() {
    let mut count = 0;
    for paper in ["README.md", "docs/config.md", "docs/tutorial.md"] {
        let text = std::fs::read_to_string(repository(paper)).expect("a paper");
        for block in blocks(&text, "yaml") {
            let rendered = render(&block);
            assert_eq!(rendered.output.code, 0, "{paper}: {}\n{block}", rendered.output.stderr);
            count += 1;
        }
    }
    assert!(count > 1, "the papers show configs");
}

#[test]
fn the_example_is_valid_to_envoy() {
    let config =
        std::fs::read_to_string(repository("docs/examples/stock/ambassador.yaml")).expect("a config");
    let rendered = render(&config);
    assert_eq!(rendered.output.code, 0, "{}", rendered.output.stderr);
    let output = validate(&rendered.dir.path().join("config/validate.yaml"));
    assert_eq!(output.code, 0, "{}", output.stderr);
}

#[test]
fn the_server_admits_every_manifest() {
    let namespace = Namespace::new();
    // Every namespace of a test is made with rbac.yaml.
    for manifest in ["fruit-service.yaml", "busybox.yaml", "lab/haproxy.yaml"] {
        let file = repository("manifests").join(manifest);
        namespace
            .kubectl(&["create", "--dry-run=server", "--validate=strict", "-f", &file.to_string_lossy()])
            .ok();
    }
}

#[test]
fn every_manifest_is_checked_by_some_test() {
    let folder = |dir: &str| -> Vec<String> {
        let entries = std::fs::read_dir(repository(dir)).expect("a folder").flatten();
        let files =
            entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "yaml"));
        let mut names: Vec<_> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(folder("manifests"), ["ambassador.yaml", "busybox.yaml", "fruit-service.yaml", "rbac.yaml"]);
    assert_eq!(folder("manifests/lab"), ["haproxy.yaml"]);
    assert_eq!(folder("envoy"), ["bootstrap.yaml", "clusters.yaml", "filter.yaml", "listeners.yaml"]);
}

/// All Rust files below a folder, and all cases that are texts.
fn sources(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for path in std::fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "txt") {
            found.push(path);
        }
    }
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let text = std::fs::read_to_string(repository("docs/safety.md")).expect("a paper");
    let mut files = Vec::new();
    for dir in ["e2e/tests", "kubectl-ambassador/src", "ambassador-core/tests", "ambassador-jq/tests"] {
        sources(&repository(dir), &mut files);
    }
    let mut count = 0;
    for (module, test) in text.split('`').filter_map(|word| word.split_once("::")) {
        let is_of_module = |file: &&std::path::PathBuf| {
            file.with_extension("").components().any(|part| part.as_os_str() == module)
        };
        let heads = [format!("fn {test}("), format!("# {test}\n")];
        let has_test = |file: &std::path::PathBuf| {
            let text = std::fs::read_to_string(file).expect("a source");
            heads.iter().any(|head| text.contains(head))
        };
        assert!(files.iter().filter(is_of_module).any(has_test), "there is no test {module}::{test}");
        count += 1;
    }
    assert!(count > 40, "{count} tests are named");
}
