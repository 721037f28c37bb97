//! The config that a command works with: from a file, from `--port` and `--jq`, or from both.

use std::cell::OnceCell;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ambassador_core::config::yaml::{self, Loaded};
use ambassador_core::config::{self, Config, Scalar};
use ambassador_core::problem::Problem;

use crate::envoy::{self, Layout};
use crate::failure::{Failure, Result};
use crate::haproxy::Note;
use crate::report;

/// The largest file that is read: endless ones such as `/dev/zero` do no harm.
const LARGEST: u64 = 1 << 20;

/// Where a config comes from.
#[derive(Debug, Clone, Default, clap::Args)]
// Its name is that of the arguments it is flattened into, and groups must have different ones.
#[group(skip)]
pub(crate) struct Args {
    /// Config to use, an ambassador.yaml (`-` reads stdin)
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Map a port: LISTEN:TARGET, such as 80:8775 (repeatable)
    #[arg(long = "port", value_name = "LISTEN:TARGET", value_parser = port, allow_hyphen_values = true, conflicts_with = "config")]
    pub(crate) ports: Vec<(u16, u16)>,

    /// Reshape JSON answers with status 2xx by this jq program
    #[arg(long, value_name = "PROGRAM", conflicts_with = "config")]
    pub(crate) jq: Option<String>,
}

/// A config as text and as what it means.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// What people are told it comes from.
    name: String,
    /// The text that goes into the ConfigMap.
    pub(crate) text: String,
    /// What it means.
    pub(crate) loaded: Loaded,
    /// The file that it was converted from, and what is said about that.
    converted: Option<Rc<(String, Vec<Note>)>>,
    /// What Envoy reads of it in a pod, whatever the config's name is, by whether the pod has IPv6.
    rendered: Rc<[OnceCell<envoy::Nameless>; 2]>,
}

impl Args {
    /// The config of the file, if one is named. What `--jq` and `--port` say is checked here too, so that its problems
    /// come before those of a cluster.
    pub(crate) fn read(&self) -> Result<Option<Source>> {
        self.check_program()?;
        if !self.ports.is_empty() {
            self.of_flags_alone()?;
        }
        let Some(file) = &self.config else { return Ok(None) };
        let (name, text) = read_text(file)?;
        load(&name, text).map(Some)
    }

    /// The config that `--jq` describes, on top of the ports and limits of `base`.
    pub(crate) fn of_flags(&self, name: &str, base: config::Spec) -> Result<Source> {
        let rules = self.jq.iter().map(|program| config::Rule {
            name: "jq".to_owned(),
            response: Some(config::Response { jq: Some(program.clone()), ..Default::default() }),
            ..Default::default()
        });
        let config = Config {
            api_version: config::API_VERSION.to_owned(),
            kind: config::KIND.to_owned(),
            metadata: config::Metadata { name: name.to_owned() },
            spec: config::Spec { rules: rules.collect(), ..base },
        };
        load("the config made of --port and --jq", written(&config)?)
    }

    /// The config that `--port` and `--jq` describe where no cluster is asked: port 80, if none is named.
    pub(crate) fn of_flags_alone(&self) -> Result<Source> {
        let base = if self.ports.is_empty() { spec(vec![mapped(80, 8775)]) } else { self.port_map() };
        self.of_flags("", base)
    }

    /// The port map that `--port` describes, and nothing else.
    pub(crate) fn port_map(&self) -> config::Spec {
        spec(self.ports.iter().map(|&(listen, target)| mapped(listen, target)).collect())
    }

    /// Problems of `--jq` are shown in the program itself, not in the YAML that is made of it.
    fn check_program(&self) -> Result<()> {
        let Some(program) = &self.jq else { return Ok(()) };
        let minimal = config::Spec {
            ports: vec![mapped(80, 8775)],
            rules: vec![config::Rule {
                name: "jq".to_owned(),
                response: Some(config::Response { jq: Some(program.clone()), ..Default::default() }),
                ..Default::default()
            }],
            ..Default::default()
        };
        let config = Config {
            api_version: config::API_VERSION.to_owned(),
            kind: config::KIND.to_owned(),
            metadata: config::Metadata::default(),
            spec: minimal,
        };
        let Err(problems) = ambassador_core::Ambassador::new(&config) else { return Ok(()) };
        let located: Vec<yaml::Located> = problems
            .into_iter()
            .map(|mut problem| {
                problem.path = ambassador_core::problem::Path::root();
                let range = problem.range.clone().unwrap_or(0..0);
                yaml::Located { problem, range, within: None }
            })
            .collect();
        Err(report::config_problems("--jq", program, &located))
    }
}

impl Source {
    /// The same config by another name: a pipe makes one for each object, and nothing is compiled or rendered again.
    pub(crate) fn named(&self, name: &str) -> Result<Self> {
        let mut loaded = self.loaded.clone();
        name.clone_into(&mut loaded.config.metadata.name);
        let text = written(&loaded.config)?;
        Ok(Self { text, loaded, ..self.clone() })
    }

    /// What Envoy reads of it in a pod.
    pub(crate) fn files(&self, has_ipv6: bool) -> Result<envoy::Files> {
        let layout = Layout::in_pod(has_ipv6);
        let [without, with] = &*self.rendered;
        let rendered = if has_ipv6 { with } else { without };
        let nameless = if let Some(nameless) = rendered.get() {
            nameless
        } else {
            let nameless = envoy::Nameless::render(&self.loaded.ambassador, &layout)?;
            rendered.get_or_init(|| nameless)
        };
        nameless.files(&self.loaded.config, &layout)
    }

    /// The same, with what is said about the file that it was converted from.
    pub(crate) fn converted_from(self, file: &str, notes: Vec<Note>) -> Self {
        Self { converted: Some(Rc::new((file.to_owned(), notes))), ..self }
    }

    /// The file that it was converted from, and what is said about that.
    pub(crate) fn converted(&self) -> Option<&(String, Vec<Note>)> {
        self.converted.as_deref()
    }

    /// What people are told it comes from.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Refuses a port map that has the health listener's port; `hint` says what to do.
    pub(crate) fn refuse_health_port(&self, health_port: u16, hint: &str) -> Result<()> {
        let index = self.loaded.ambassador.ports.iter().position(|port| port.listen == health_port);
        let Some(index) = index else { return Ok(()) };
        let path = ambassador_core::problem::Path::root().key("spec").key("ports").index(index).key("listen");
        let problem = Problem::new(&path, format!("port {health_port} is the health listener's")).hint(hint);
        Err(report::config_problems(&self.name, &self.text, &yaml::locate(&self.text, vec![problem])))
    }
}

/// One line of a port map.
pub(crate) fn mapped(listen: u16, target: u16) -> config::Port {
    config::Port { listen: Scalar::from(listen), target: Some(Scalar::from(target)), ..Default::default() }
}

/// A port map, and nothing else.
pub(crate) fn spec(ports: Vec<config::Port>) -> config::Spec {
    config::Spec { ports, ..Default::default() }
}

/// The same config with more ports, each given as where it listens and the port of the pod it leads to: it is like the
/// first one that leads there, and the rules of that one are its rules too.
pub(crate) fn with_ports(source: &Source, more: &[(u16, u16)]) -> Result<Source> {
    let mut config = source.loaded.config.clone();
    let ports = &source.loaded.ambassador.ports;
    for &(listen, target) in more {
        let like = ports.iter().position(|port| port.local_ports().any(|own| own == target));
        let (Some(index), Some(like)) = (like, like.and_then(|index| ports.iter().nth(index))) else {
            continue;
        };
        let name = format!("port-{listen}");
        let mut port = config.spec.ports.get(index).cloned().unwrap_or_default();
        port.listen = Scalar::from(listen);
        port.name = Some(name.clone());
        config.spec.ports.push(port);
        let rules = std::mem::take(&mut config.spec.rules);
        for rule in rules {
            let mut second = rule.clone();
            let is_for_it = rule.matches.port.as_deref() == Some(like.name.as_str());
            config.spec.rules.push(rule);
            if is_for_it {
                second.name = format!("{}-{name}", second.name);
                second.matches.port = Some(name.clone());
                config.spec.rules.push(second);
            }
        }
    }
    load("the config with the ports of both", written(&config)?)
}

fn written(config: &Config) -> Result<String> {
    serde_saphyr::to_string(config)
        .map_err(|error| Failure::unchanged(format!("cannot write the config: {error}")))
}

/// Reads a config, or shows all its problems.
pub(crate) fn load(name: &str, text: String) -> Result<Source> {
    match yaml::load(&text) {
        Ok(loaded) => {
            Ok(Source { name: name.to_owned(), text, loaded, converted: None, rendered: Rc::default() })
        }
        Err(problems) => Err(report::config_problems(name, &text, &problems)),
    }
}

fn read_text(file: &Path) -> Result<(String, String)> {
    let name = name(file);
    let text = String::from_utf8(read_bytes(file, LARGEST)?).map_err(|error| {
        Failure::usage(format!("{name} is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    Ok((name, text))
}

/// Reads a file of at most so many bytes; `-` is stdin.
pub(crate) fn read_bytes(file: &Path, largest: u64) -> Result<Vec<u8>> {
    let name = name(file);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(largest + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(largest + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    if bytes.len() as u64 > largest {
        return Err(Failure::usage(format!("{name} is larger than {largest} bytes")));
    }
    Ok(bytes)
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}

fn port(text: &str) -> std::result::Result<(u16, u16), String> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|&port| digits && port > 0)
    };
    let (listen, target) = text.split_once(':').ok_or("expected LISTEN:TARGET, such as 80:8775")?;
    match (number(listen), number(target)) {
        (Some(listen), Some(target)) => Ok((listen, target)),
        (None, _) => Err(format!("`{listen}` is not a port; a port is from 1 to 65535")),
        (_, None) => Err(format!("`{target}` is not a port; a port is from 1 to 65535")),
    }
}
