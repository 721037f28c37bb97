//! A whole config, checked and compiled: what the filter runs and what the CLI renders from.

use crate::config::{self, Config};
use crate::limits::Limits;
use crate::ports::PortMap;
use crate::problem::{Path, Problem};
use crate::rules::RuleSet;

/// A checked config: its port map, its limits and its compiled rules.
#[derive(Debug)]
pub struct Ambassador {
    /// The name from `metadata`; may be empty.
    pub name: String,
    /// Which port leads where.
    pub ports: PortMap,
    /// Connections, timeouts and sizes.
    pub limits: Limits,
    /// Whether addresses of the legacy program in its answers become the one that the client asked.
    pub maps_addresses: bool,
    /// Whether each exchange and each connection is logged.
    pub access_log: bool,
    /// What is reshaped, and how.
    pub rules: RuleSet,
}

impl Ambassador {
    /// Checks all of `config` and compiles its rules, or says all that is wrong with it.
    pub fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        check_head(config, &mut problems);
        let spec = Path::root().key("spec");
        let limits = Limits::default().with(&config.spec.limits, &spec.key("limits"), &mut problems);
        let ports = PortMap::new(&config.spec, &limits, &spec, &mut problems);
        let rules = RuleSet::new(&config.spec, &ports, &spec.key("rules"), &mut problems);
        let maps_addresses =
            maps_addresses(config.spec.addresses.as_deref(), &spec.key("addresses"), &mut problems);
        if problems.is_empty() {
            let name = config.metadata.name.clone();
            Ok(Self { name, ports, limits, maps_addresses, access_log: config.spec.access_log, rules })
        } else {
            Err(problems)
        }
    }

    /// Reads the JSON form of a config, in which Envoy hands it to the filter.
    pub fn from_json(text: &[u8]) -> Result<Self, Vec<Problem>> {
        let config = Config::from_json(text).map_err(|problem| vec![problem])?;
        Self::new(&config)
    }
}

fn check_head(config: &Config, problems: &mut Vec<Problem>) {
    let root = Path::root();
    if config.api_version != config::API_VERSION {
        problems.push(
            Problem::new(&root.key("apiVersion"), "unknown apiVersion")
                .hint(format!("this version reads {}", config::API_VERSION)),
        );
    }
    if config.kind != config::KIND {
        problems
            .push(Problem::new(&root.key("kind"), "unknown kind").hint(format!("expected {}", config::KIND)));
    }
}

fn maps_addresses(written: Option<&str>, path: &Path, problems: &mut Vec<Problem>) -> bool {
    match written {
        None | Some("map") => true,
        Some("keep") => false,
        Some(other) => {
            let message = format!("unknown way `{}`", other.escape_debug());
            problems.push(Problem::new(path, message).hint("expected map or keep"));
            true
        }
    }
}
