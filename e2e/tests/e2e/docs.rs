//! Every command of the papers is run, every config in them is read, every manifest is one that the server admits.

use std::path::Path;

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

#[track_caller]
fn run_all(paper: &str) {
    let namespace = Namespace::new();
    let kubeconfig = namespace.home.path().join("kubeconfig");
    std::fs::copy(provided("AMBASSADOR_KUBECONFIG"), &kubeconfig).expect("a copy");
    let dist = provided("AMBASSADOR_CLI");
    let path = format!(
        "{}:{}:{}",
        dist.parent().expect("a folder").display(),
        provided("AMBASSADOR_ENVOY").parent().expect("a folder").display(),
        std::env::var("PATH").expect("a PATH")
    );
    let shell = |line: &str| {
        process::run(
            namespace
                .command(Path::new("sh"))
                .args(["-c", line])
                .current_dir(repository(""))
                .env("KUBECONFIG", &kubeconfig)
                .env("PATH", &path),
        )
    };
    shell(&format!("kubectl config set-context --current --namespace {}", namespace.name)).ok();
    let text = std::fs::read_to_string(repository(paper)).expect("a paper");
    let all: Vec<_> = blocks(&text, "console").iter().flat_map(|block| commands(block)).collect();
    assert!(!all.is_empty(), "{paper} has no commands");
    for (line, expected) in all {
        let output = shell(&line);
        assert_eq!(output.code, 0, "{paper}: {line}\n{}{}", output.stdout, output.stderr);
        assert_eq!(output.stdout, expected, "{paper}: {line}");
    }
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    run_all("README.md");
}

#[test]
fn the_commands_about_testing_rules_do_what_they_say() {
    run_all("docs/testing-rules.md");
}

#[test]
fn the_commands_about_pipes_do_what_they_say() {
    run_all("docs/pipes.md");
}

#[test]
fn the_commands_about_installing_do_what_they_say() {
    run_all("docs/install.md");
}

#[test]
fn the_configs_in_the_papers_are_valid() {
    let mut count = 0;
    for paper in ["README.md", "docs/config.md"] {
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
fn the_examples_are_valid_to_envoy() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(repository("docs/examples")).expect("a folder").flatten() {
        let config = std::fs::read_to_string(entry.path().join("ambassador.yaml")).expect("a config");
        let rendered = render(&config);
        assert_eq!(rendered.output.code, 0, "{}", rendered.output.stderr);
        let output = validate(&rendered.dir.path().join("config/validate.yaml"));
        assert_eq!(output.code, 0, "{}", output.stderr);
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["redis", "stock"]);
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
