//! Completion, asked for as kubectl and as shells ask for it.

use std::path::Path;
use std::process::Command;

use e2e::kube::{Namespace, repository};
use e2e::process::run;
use e2e::provided;
use expect_test::{Expect, expect};

/// A folder on the PATH with both names of the program.
struct Installed {
    namespace: Namespace,
    path: String,
}

impl Installed {
    fn new() -> Self {
        let namespace = Namespace::new();
        let dir = namespace.home.path().join("bin");
        std::fs::create_dir(&dir).expect("a folder");
        for name in ["kubectl-ambassador", "kubectl_complete-ambassador"] {
            std::os::unix::fs::symlink(provided("AMBASSADOR_CLI"), dir.join(name)).expect("a link");
        }
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap_or_default());
        Self { namespace, path }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.namespace.command(Path::new(program));
        command.env("PATH", &self.path);
        command
    }

    /// What kubectl passes on to the shell.
    #[track_caller]
    fn check(&self, words: &[&str], expected: &Expect) {
        let output = run(self.command("kubectl").args(["__complete", "ambassador"]).args(words));
        let mut values: Vec<&str> =
            output.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
        if let Some(directive) = values.pop() {
            values.push(directive);
        }
        let text = values.join("\n").replace(&self.namespace.name, "NAMESPACE");
        expected.assert_eq(&text);
    }
}

#[test]
fn kubectl_completes_commands_and_flags() {
    let installed = Installed::new();
    installed.check(
        &["un"],
        &expect![[r#"
        uninject
        :4"#]],
    );
    installed.check(
        &["inject", "--dry"],
        &expect![[r#"
        --dry-run
        :4"#]],
    );
    installed.check(
        &["inject", "--dry-run="],
        &expect![[r#"
        --dry-run=none
        --dry-run=client
        --dry-run=server
        :4"#]],
    );
    installed.check(
        &["completion", ""],
        &expect![[r#"
        bash
        zsh
        fish
        powershell
        :4"#]],
    );
    let help = run(installed.command("kubectl").args(["__complete", "ambassador", "render", "--mount"]));
    assert_eq!(
        help.stdout,
        "--mount-path\tWhere Envoy will find the files [default: the folder itself]\n:4\n"
    );
    // Files are the shell's to complete.
    installed.check(&["inject", "-c", "no-such"], &expect![":0"]);
}

#[test]
fn kubectl_completes_what_is_in_the_cluster() {
    let installed = Installed::new();
    let namespace = &installed.namespace;
    namespace.create("manifests/fruit-service.yaml");
    namespace
        .kubectl(&["create", "deployment", "web", "--replicas=0", "--image=radial/busyboxplus:curl"])
        .ok();
    let name = namespace.name.as_str();
    installed.check(
        &["inject", "-n", name, "fr"],
        &expect![[r#"
        fruit-service
        :4"#]],
    );
    installed.check(
        &["inject", "-n", name, ""],
        &expect![[r#"
        fruit-service
        deployment/
        statefulset/
        daemonset/
        replicaset/
        replicationcontroller/
        job/
        cronjob/
        :6"#]],
    );
    installed.check(
        &["inject", "--namespace", name, "deploy/"],
        &expect![[r#"
        deploy/web
        :4"#]],
    );
    installed.check(
        &["inject", "-n", name],
        &expect![[r#"
            NAMESPACE
            :4"#]],
    );
    installed.check(
        &["inject", "--context", ""],
        &expect![[r#"
        ambassador
        :4"#]],
    );
    // Without a cluster there is nothing to offer, and no noise.
    installed.check(&["inject", "-s", "http://127.0.0.1:1", "fr"], &expect![":0"]);
}

#[test]
fn the_script_of_the_archives_completes_too() {
    let installed = Installed::new();
    let script = installed.namespace.home.path().join("bin/kubectl_complete-ambassador");
    std::fs::remove_file(&script).expect("the link");
    std::fs::copy(repository("xtask/src/release/kubectl_complete-ambassador"), &script).expect("a copy");
    installed.check(
        &["uninject", "--dry"],
        &expect![[r#"
        --dry-run
        :4"#]],
    );
}

#[test]
fn bash_completes_by_the_script() {
    let installed = Installed::new();
    let line = "kubectl-ambassador inject --dry-run=cl";
    let script = format!(
        "source <(kubectl ambassador completion bash)
        COMP_LINE='{line}' COMP_POINT={} COMP_WORDS=(kubectl-ambassador inject --dry-run=cl) COMP_CWORD=2 COMP_TYPE=9
        $(complete -p kubectl-ambassador | sed 's/.*-F \\([^ ]*\\).*/\\1/') kubectl-ambassador --dry-run=cl inject
        printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        line.len()
    );
    let output = run(installed.command("bash").args(["-c", &script]));
    assert_eq!(output.stdout, "--dry-run=client\n", "{}", output.stderr);
    for (shell, part) in [
        ("zsh", "#compdef kubectl-ambassador"),
        ("fish", "complete "),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = run(installed.command("kubectl").args(["ambassador", "completion", shell])).ok();
        assert!(script.contains(part), "{script}");
    }
}
