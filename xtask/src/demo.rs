//! `cargo xtask demo`: the lab, start to end, each command as a person would type it and with its real output.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::{cluster, dist, envoy, images, legacy, paths, progress};

const RULE: &str = "{fruits: map({name: .}), count: length}";
const LIST: &str = r#"["apple","banana","pear"]"#;
const RESHAPED: &str = r#"{"fruits":[{"name":"apple"},{"name":"banana"},{"name":"pear"}],"count":3}"#;
/// Where the demo works in a cluster that is not its own.
const NAMESPACE: &str = "ambassador-demo";

/// Where to run the demo.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Use the cluster of this kubectl context (kind, minikube, any), in a namespace of the demo's own
    #[arg(long, value_name = "NAME", conflicts_with = "local")]
    context: Option<String>,

    /// Use no cluster: Envoy in front of the legacy program on this machine
    #[arg(long)]
    local: bool,
}

/// Sets up what it needs, then shows the main job.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.local {
        return local();
    }
    if let Some(context) = &args.context {
        return on_their_cluster(context);
    }
    if let Some(why) = cluster::unsupported() {
        eprintln!("No cluster on this machine: {why}.");
        eprintln!(
            "Instead: the same Envoy and plugin in front of the legacy program, without a cluster (--local)."
        );
        eprintln!("With a cluster that you have: cargo xtask demo --context NAME");
        return local();
    }
    on_our_cluster()
}

fn on_our_cluster() -> anyhow::Result<()> {
    eprintln!("Setting up");
    let dist = dist::build()?;
    let cluster = cluster::up(images::of_the_lab)?;
    let mut shell = Shell::new(&dist)?;
    say("\nA cluster runs on this machine. To type along:");
    shell.export("KUBECONFIG", cluster.kubeconfig.into_os_string());
    shell.show_path();
    lab(&shell, "")?;
    say("\nThe cluster stays up. `cargo xtask cluster down` ends it.");
    Ok(())
}

fn on_their_cluster(context: &str) -> anyhow::Result<()> {
    eprintln!("Setting up");
    if paths::on_path("kubectl").is_none() {
        bail!("--context needs kubectl, which is not on PATH\nhint: https://kubernetes.io/docs/tasks/tools/");
    }
    let known = Command::new("kubectl").args(["config", "get-contexts", "-o", "name"]).output()?;
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    if !known.lines().any(|name| name == context) {
        let list = known.lines().collect::<Vec<_>>().join(", ");
        bail!("there is no context {context}\nhint: `kubectl config get-contexts` lists them; now: {list}");
    }
    let dist = dist::build()?;
    load_images(context)?;
    let shell = Shell::new(&dist)?;
    say("\nTo type along:");
    shell.show_path();
    let flags = format!(" --context {} --namespace {NAMESPACE}", quoted(context));
    let namespace = format!("kubectl --context {} create namespace {NAMESPACE}", quoted(context));
    if shell.quietly(&format!("{namespace} --dry-run=server")) {
        shell.run(&namespace)?;
    }
    shell.patiently(&format!("kubectl get serviceaccount default{flags}"))?;
    lab(&shell, &flags)?;
    say(&format!("\nAll of it is in namespace {NAMESPACE}. To remove it:"));
    say(&format!("  kubectl --context {} delete namespace {NAMESPACE}", quoted(context)));
    Ok(())
}

/// Gives the cluster our images where its kind can take them from a file; any other pulls by itself.
fn load_images(context: &str) -> anyhow::Result<()> {
    let kind = context.strip_prefix("kind-").filter(|_| paths::on_path("kind").is_some());
    let minikube = context == "minikube" && paths::on_path("minikube").is_some();
    if kind.is_none() && !minikube {
        progress::ready("the cluster pulls the images by itself");
        return Ok(());
    }
    if !cfg!(target_os = "linux") {
        progress::ready("the cluster pulls the images by itself: they can be made on Linux only");
        return Ok(());
    }
    let envoy = envoy::ensure()?;
    for image in images::of_the_lab(&envoy.path)? {
        let (program, args) = kind.map_or(("minikube", vec!["image", "load"]), |cluster| {
            ("kind", vec!["load", "image-archive", "--name", cluster])
        });
        let mut command = Command::new(program);
        command.args(args);
        progress::run(&format!("loading image {}", image.name), command.arg(&image.archive))?;
    }
    Ok(())
}

/// The lab itself. `flags` name the cluster and the namespace where those are not the current ones.
fn lab(shell: &Shell, flags: &str) -> anyhow::Result<()> {
    let check = |port: u16, curl: &str| {
        let address = "kubectl get pod fruit-service -o=custom-columns=IP:.status.podIP --no-headers";
        format!("kubectl exec busybox{flags} -- {curl} $({address}{flags}):{port}")
    };
    if shell.quietly(&format!("kubectl get pod fruit-service{flags}")) {
        say("\n# From an earlier run: back to the start.");
        shell.run(&format!("kubectl ambassador uninject fruit-service{flags}"))?;
    }
    say("\n# A pod whose program is hard-coded to port 8775, and one to ask from.");
    shell.run(&format!("kubectl apply -f manifests/fruit-service.yaml -f manifests/busybox.yaml{flags}"))?;
    shell.run(&format!(
        "kubectl wait --for=condition=Ready pod/fruit-service pod/busybox --timeout=180s{flags}"
    ))?;
    say("\n# It answers on 8775. Clients want port 80, where nobody listens.");
    shell.patiently(&check(8775, "curl -s"))?;
    shell.expect(&check(8775, "curl -s"), LIST)?;
    shell.fails(&check(80, "curl -sS"))?;
    say("\n# One command.");
    shell.run(&format!("kubectl ambassador inject fruit-service{flags}"))?;
    say("\n# The lab's own check.");
    shell.expect(&check(80, "curl"), LIST)?;
    say("\n# And the answer in the shape that clients want.");
    shell.run(&format!("kubectl ambassador inject fruit-service --jq '{RULE}'{flags}"))?;
    shell.expect(&check(80, "curl -s"), RESHAPED)?;
    say("\nWhat to try next:");
    say(&format!(
        "  kubectl ambassador inject fruit-service -c manifests/ambassador.yaml{flags}   # two ports, rules from a file"
    ));
    say(&format!(
        "  kubectl ambassador inject fruit-service --jq 'map(.nmae'{flags}               # what a mistake looks like"
    ));
    say(&format!(
        "  kubectl ambassador inject fruit-service --dry-run=client -o yaml{flags}       # what would be sent"
    ));
    say(&format!(
        "  kubectl ambassador uninject fruit-service{flags}                              # the original pod again"
    ));
    Ok(())
}

/// The same without a cluster.
fn local() -> anyhow::Result<()> {
    eprintln!("Setting up");
    let dist = dist::build()?;
    let envoy = envoy::ensure()?;
    let legacy = legacy::ensure()?;
    for (port, what) in [(8775, "the legacy program"), (8080, "Envoy"), (19901, "Envoy's health listener")] {
        TcpListener::bind(("127.0.0.1", port)).with_context(|| {
            format!("port {port} of this machine, which {what} needs, is taken\nhint: end what listens there: ss -ltnp")
        })?;
    }
    let mut shell = Shell::new(&dist)?;
    shell.prepend_path(legacy.parent());
    shell.prepend_path(envoy.path.parent());
    say("\nTo type along:");
    shell.show_path();
    let dir = "target/demo";
    std::fs::create_dir_all(paths::root().join(dir))?;
    let render = format!("kubectl-ambassador render --port 8080:8775 --dir {dir} --listen-address 127.0.0.1");

    say("\n# A program that is hard-coded to port 8775.");
    let _legacy = shell.background("legacy-fruit-service", &[])?;
    shell.patiently("curl -s http://127.0.0.1:8775/")?;
    shell.expect("curl -s http://127.0.0.1:8775/", LIST)?;
    say(
        "\n# What the ambassador runs by, as files, and a stock Envoy that runs by them: port 8080 leads to 8775.",
    );
    shell.run(&render)?;
    let config = format!("{dir}/bootstrap.yaml");
    let _envoy = shell.background("envoy", &["-c", &config, "--concurrency", "1", "--log-level", "error"])?;
    shell.patiently("curl -sf http://127.0.0.1:19901/ready")?;
    shell.expect("curl -s http://127.0.0.1:8080/", LIST)?;
    say("\n# A rule. Envoy takes it up without a restart.");
    shell.run(&format!("{render} --jq '{RULE}'"))?;
    shell.patiently("curl -s http://127.0.0.1:8080/ | grep -q count")?;
    shell.expect("curl -s http://127.0.0.1:8080/", RESHAPED)?;
    say("\nBoth programs are ended now. What to try next:");
    say("  the commands above, by hand, with a rule of your own");
    say("  kubectl-ambassador render --help");
    say("  cargo xtask demo        # the same in a cluster, by `kubectl ambassador inject fruit-service`");
    Ok(())
}

/// Runs commands as a person's shell would, in the root of the checkout.
struct Shell {
    path: OsString,
    exports: Vec<(&'static str, OsString)>,
}

impl Shell {
    fn new(dist: &dist::Dist) -> anyhow::Result<Self> {
        let mut shell = Self { path: cluster::path_with_kubectl()?, exports: Vec::new() };
        shell.prepend_path(dist.cli.parent());
        Ok(shell)
    }

    fn prepend_path(&mut self, dir: Option<&Path>) {
        self.path = paths::path_with(dir, &self.path);
    }

    fn export(&mut self, name: &'static str, value: OsString) {
        say(&format!("  export {name}={}", quoted(&value.to_string_lossy())));
        self.exports.push((name, value));
    }

    /// What was put in front of the user's own PATH.
    fn show_path(&self) {
        let theirs: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
        let ours: Vec<String> = std::env::split_paths(&self.path)
            .filter(|dir| !theirs.contains(dir))
            .map(|dir| dir.display().to_string())
            .collect();
        say(&format!("  export PATH={}:\"$PATH\"", quoted(&ours.join(":"))));
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .current_dir(paths::root())
            .args(["-c", line])
            .env("PATH", &self.path)
            .envs(self.exports.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Shows a command and its output; gives what it wrote to standard output, and whether it succeeded.
    fn show(&self, line: &str) -> anyhow::Result<(String, bool)> {
        say(&format!("$ {line}"));
        let output = self.command(line).stderr(Stdio::inherit()).output().context("cannot run sh")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        say(text.trim_end());
        Ok((text, output.status.success()))
    }

    fn run(&self, line: &str) -> anyhow::Result<()> {
        let (_, success) = self.show(line)?;
        if !success {
            bail!("the demo stops here: this command failed: {line}");
        }
        Ok(())
    }

    fn expect(&self, line: &str, wanted: &str) -> anyhow::Result<()> {
        let (text, success) = self.show(line)?;
        if !success || text.trim() != wanted {
            bail!("the demo stops here: the answer should have been {wanted}");
        }
        Ok(())
    }

    fn fails(&self, line: &str) -> anyhow::Result<()> {
        let (_, success) = self.show(line)?;
        if success {
            bail!("the demo stops here: this should have failed: {line}");
        }
        Ok(())
    }

    /// Whether a command succeeds; nothing is shown.
    fn quietly(&self, line: &str) -> bool {
        let status = self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Waits until a command succeeds.
    fn patiently(&self, line: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.quietly(line) {
            if Instant::now() > deadline {
                bail!("the demo stops here: after 30 s this still fails: {line}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Starts a program; it ends with what is given.
    fn background(&self, program: &str, args: &[&str]) -> anyhow::Result<Background> {
        let line = [&[program], args].concat().join(" ");
        say(&format!("$ {line} &"));
        let path = std::env::split_paths(&self.path).map(|dir| dir.join(program)).find(|file| file.is_file());
        let mut command = Command::new(path.with_context(|| format!("{program} is not there"))?);
        command.current_dir(paths::root()).args(args).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Background(command.spawn().with_context(|| format!("cannot run {line}"))?))
    }
}

/// A program that ends with the demo.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads: nothing to say it to.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// As a shell's word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_read() {
        assert_eq!(quoted("kind-a_b.c"), "kind-a_b.c");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
