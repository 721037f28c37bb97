//! A real Envoy that runs what `kubectl ambassador render` wrote.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::curl::{Answer, curl};
use crate::process::{Background, Output, run};
use crate::{free_port, provided};

/// A rendered config on disk.
#[derive(Debug)]
pub struct Rendered {
    /// The folder with the files; its `config` subfolder is what Envoy reads.
    pub dir: TempDir,
    /// The port of the health listener.
    pub health_port: u16,
    /// What the command said.
    pub output: Output,
}

/// Renders a config, for loopback. The config is written to `ambassador.yaml` in the folder.
///
/// # Panics
///
/// If the folder cannot be written.
pub fn render(config: &str) -> Rendered {
    let dir = tempfile::Builder::new().prefix("ambassador-").tempdir().expect("a folder can be made");
    let file = dir.path().join("ambassador.yaml");
    std::fs::write(&file, config).expect("the folder can be written");
    let health_port = free_port();
    let output = render_into(&file, dir.path(), health_port);
    Rendered { dir, health_port, output }
}

fn render_into(file: &Path, dir: &Path, health_port: u16) -> Output {
    run(Command::new(provided("AMBASSADOR_CLI"))
        .arg("render")
        .arg("--config")
        .arg(file)
        .arg("--dir")
        .arg(dir.join("config"))
        .args(["--listen-address", "127.0.0.1", "--health-port", &health_port.to_string()]))
}

/// What `envoy --mode validate` says to a rendered config.
pub fn validate(file: &Path) -> Output {
    run(Command::new(provided("AMBASSADOR_ENVOY"))
        .args(["--mode", "validate", "--log-level", "warning", "-c"])
        .arg(file))
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    /// Its files.
    pub rendered: Rendered,
    process: Background,
}

impl Envoy {
    /// Renders `config` and runs it until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not become ready.
    #[track_caller]
    pub fn start(config: &str) -> Self {
        let rendered = render(config);
        assert_eq!(rendered.output.code, 0, "{}", rendered.output.stderr);
        let bootstrap = rendered.dir.path().join("config/bootstrap.yaml");
        let mut process = Background::start(
            Command::new(provided("AMBASSADOR_ENVOY")).arg("--config-path").arg(&bootstrap).args([
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--log-level",
                "warning",
                "--file-flush-interval-msec",
                "200",
            ]),
            &rendered.dir.path().join("envoy.log"),
        );
        let url = format!("http://127.0.0.1:{}/ready", rendered.health_port);
        process.wait_until("Envoy", || curl(&url, &[]).status == 200);
        Self { rendered, process }
    }

    /// Renders another config over the one that runs, as an edit of the ConfigMap would; gives what `render` said.
    ///
    /// # Panics
    ///
    /// If the folder cannot be written.
    pub fn change(&self, config: &str) -> Output {
        let file = self.rendered.dir.path().join("ambassador.yaml");
        std::fs::write(&file, config).expect("the folder can be written");
        render_into(&file, self.rendered.dir.path(), self.rendered.health_port)
    }

    /// The value of a counter or gauge by Envoy's name in Prometheus form, all labels added up.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    pub fn stat(&self, name: &str) -> f64 {
        let stats =
            curl(&format!("http://127.0.0.1:{}/stats/prometheus", self.rendered.health_port), &[]).text();
        let values: Vec<f64> = stats
            .lines()
            .filter(|line| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']))
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        assert!(!values.is_empty(), "no stat {name}");
        values.iter().sum()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its access log, of which there must be so many lines: each is written when the exchange is over, and seen a
    /// little later.
    ///
    /// # Panics
    ///
    /// If a line is no JSON, or there are not as many within a few seconds.
    #[track_caller]
    pub fn access_log(&self, count: usize) -> Vec<serde_json::Value> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.log();
            let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
            if lines.len() >= count {
                assert_eq!(lines.len(), count, "{log}");
                let read = |line: &&str| {
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
                };
                return lines.iter().map(read).collect();
            }
            assert!(Instant::now() < deadline, "{} of {count} lines:\n{log}", lines.len());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The process id.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.process.runs()
    }
}

/// A config with one port that leads to `target`, and the port. `rest` is the rest of `spec`, indented by two spaces.
pub fn one_port(target: u16, rest: &str) -> (String, u16) {
    let port = free_port();
    let head = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";
    (format!("{head}  ports: [{{name: http, listen: {port}, target: {target}}}]\n{rest}"), port)
}

/// Asks a port of loopback.
pub fn ask(port: u16, path: &str, args: &[&str]) -> Answer {
    curl(&format!("http://127.0.0.1:{port}{path}"), args)
}
