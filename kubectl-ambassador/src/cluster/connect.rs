//! Which cluster is meant, and as whom: kubectl's flags, over its kubeconfig files, else the service account of the pod
//! that this runs in.

mod kubeconfig;
mod overrides;

use std::path::PathBuf;
use std::time::Duration;

use kube::client::{AuthError, ClientBuilder, ConfigExt as _};
use kube::config::{ExecConfig, KubeConfigOptions};
use kube::{Client, Config};
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;
use tower::timeout::TimeoutLayer;
use tower::util::{MapResponseLayer, option_layer};

pub(crate) use kubeconfig::Named;

use super::error::root_cause;
use super::retry::Retry;
use super::{Cluster, FIELD_MANAGER, warnings};
use crate::failure::{Failure, Result};

/// How many requests may wait for others.
const WAITING: usize = 64;
/// What to do when no cluster can be made out.
const HINT: &str =
    "`kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses";

/// Which cluster, and where in it; named and meant as kubectl's.
#[derive(Clone, Default, clap::Args)]
// Its name is that of the arguments it is flattened into, and groups must have different ones.
#[group(skip)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct Args {
    /// Namespace to work in [default: the context's]
    #[arg(short, long, value_name = "NAME", value_parser = crate::names::namespace, add = crate::completion::namespaces())]
    namespace: Option<String>,

    /// Context of the kubeconfig to use [default: the current one]
    #[arg(long, value_name = "NAME", add = crate::completion::of_kubeconfig(Named::Context))]
    context: Option<String>,

    /// Kubeconfig file to use [default: $KUBECONFIG or ~/.kube/config]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,

    /// Cluster of the kubeconfig to use [default: the context's]
    #[arg(long, value_name = "NAME", hide_short_help = true, add = crate::completion::of_kubeconfig(Named::Cluster))]
    cluster: Option<String>,

    /// User of the kubeconfig to use [default: the context's]
    #[arg(long, value_name = "NAME", hide_short_help = true, add = crate::completion::of_kubeconfig(Named::User))]
    user: Option<String>,

    /// Address and port of the API server
    #[arg(short, long, value_name = "URL", hide_short_help = true)]
    server: Option<String>,

    /// Bearer token for the API server
    #[arg(long, value_name = "TOKEN", hide_short_help = true)]
    token: Option<String>,

    /// User to act as, who may be a service account
    #[arg(long = "as", value_name = "USER", hide_short_help = true)]
    impersonate: Option<String>,

    /// Group to act as (repeatable)
    #[arg(long = "as-group", value_name = "GROUP", hide_short_help = true)]
    impersonate_groups: Vec<String>,

    /// UID to act as
    #[arg(long = "as-uid", value_name = "UID", hide_short_help = true)]
    impersonate_uid: Option<String>,

    /// File with the certificate of the authority that has signed the server's
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = clap::ValueHint::FilePath)]
    certificate_authority: Option<PathBuf>,

    /// File with the certificate to show to the server
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = clap::ValueHint::FilePath)]
    client_certificate: Option<PathBuf>,

    /// File with the key of that certificate
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = clap::ValueHint::FilePath)]
    client_key: Option<PathBuf>,

    /// Name that the server's certificate must have [default: the server's own]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    tls_server_name: Option<String>,

    /// Do not check the server's certificate, which makes the connection insecure
    #[arg(long, hide_short_help = true, conflicts_with = "certificate_authority", num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    insecure_skip_tls_verify: Option<bool>,

    /// How long one request may wait for its answer, such as 30s; 0 is for ever
    #[arg(long, value_name = "TIME", hide_short_help = true, default_value = "1m", value_parser = crate::duration::limit)]
    request_timeout: Duration,
}

impl Args {
    /// Reads the kubeconfig; the cluster itself is first asked by the first call.
    pub(crate) async fn connect(&self) -> Result<Cluster> {
        let config = self.config().await?;
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        crate::names::namespace(&namespace).map_err(|expected| {
            Failure::usage(format!("the namespace is `{}`: {expected}", namespace.escape_debug()))
        })?;
        let server = config.cluster_url.to_string();
        let client = self.client(config)?;
        let field_manager = FIELD_MANAGER.to_owned();
        let flags = self.to_lead_here_again();
        Ok(Cluster { client, server, flags, namespace, field_manager, force_conflicts: false })
    }

    /// The flags that choose cluster and user, each with a space before it. A token is left out: it is a secret.
    fn to_lead_here_again(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let one = [
            ("kubeconfig", path(&self.kubeconfig)),
            ("context", self.context.clone()),
            ("cluster", self.cluster.clone()),
            ("user", self.user.clone()),
            ("server", self.server.clone()),
            ("as", self.impersonate.clone()),
            ("as-uid", self.impersonate_uid.clone()),
            ("certificate-authority", path(&self.certificate_authority)),
            ("client-certificate", path(&self.client_certificate)),
            ("client-key", path(&self.client_key)),
            ("tls-server-name", self.tls_server_name.clone()),
            ("insecure-skip-tls-verify", self.insecure_skip_tls_verify.map(|skip| skip.to_string())),
        ];
        let groups = self.impersonate_groups.iter().map(|group| ("as-group", group.clone()));
        let all = one.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(groups);
        all.fold(String::new(), |flags, (name, value)| format!("{flags} --{name}={}", quoted(&value)))
    }

    /// The names of that sort in the kubeconfig.
    pub(crate) fn names(&self, sort: Named) -> Result<Vec<String>> {
        Ok(kubeconfig::read(self.kubeconfig.as_deref())?.names(sort))
    }

    async fn config(&self) -> Result<Config> {
        let found = kubeconfig::read(self.kubeconfig.as_deref())?;
        if found.is_empty() && !self.names_a_cluster() {
            return self.in_cluster(&found);
        }
        let chosen = self.choose(&found)?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(chosen, &options).await;
        let mut config = config.map_err(|error| no_cluster(chain(&error)))?;
        without_proxy_on_loopback(&mut config);
        Ok(config)
    }

    /// The namespace that the flags name.
    #[cfg(test)]
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The context that the flags name.
    #[cfg(test)]
    pub(crate) fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Whether the flags say by themselves where the cluster is, or ask for what only a kubeconfig has.
    fn names_a_cluster(&self) -> bool {
        self.server.is_some() || self.context.is_some() || self.cluster.is_some() || self.user.is_some()
    }

    /// In a pod there is no kubeconfig but a service account.
    fn in_cluster(&self, found: &kubeconfig::Found) -> Result<Config> {
        let mut config = Config::incluster().map_err(|_| no_cluster(found.what_is_missing()))?;
        if let Some(namespace) = std::env::var("POD_NAMESPACE").ok().filter(|name| !name.is_empty()) {
            config.default_namespace = namespace;
        }
        self.override_user(&mut config.auth_info)?;
        Ok(config)
    }

    fn client(&self, mut config: Config) -> Result<Client> {
        let url = config.cluster_url.to_string();
        let plugin = config.auth_info.exec.clone();
        let failed = |error| match (error, &plugin) {
            (kube::Error::Auth(error), Some(plugin)) => plugin_failed(plugin, &error),
            (error, _) => Failure::unchanged(format!("cannot connect to {url}: {}", root_cause(&error))),
        };
        // A credential plugin is run here, once, and again when its token expires. Left in the config it would be run three
        // times, and people would log in three times. A plugin that gives certificates gives no layer, and is left there.
        let token = if plugin.is_some() { config.auth_layer().map_err(failed)? } else { None };
        if token.is_some() {
            config.auth_info.exec = None;
        }
        config.default_retry = false;
        let timeout = Some(self.request_timeout).filter(|time| !time.is_zero()).map(TimeoutLayer::new);
        let builder = ClientBuilder::try_from(config).map_err(failed)?;
        let builder = builder
            .with_layer(&MapResponseLayer::new(warnings::tell))
            .with_layer(&option_layer(timeout))
            .with_layer(&BufferLayer::new(WAITING))
            .with_layer(&RetryLayer::new(Retry::default()));
        Ok(match token {
            None => builder.build(),
            Some(token) => builder.with_layer(&token).build(),
        })
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn no_cluster(why: impl std::fmt::Display) -> Failure {
    Failure::unchanged(format!("no cluster: {why}")).hint(HINT)
}

/// Its arguments and variables are left out: they may be secrets.
fn plugin_failed(plugin: &ExecConfig, error: &AuthError) -> Failure {
    let command = plugin.command.as_deref().unwrap_or_default();
    let why = match error {
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.trim();
            let ended = out.status.to_string();
            if said.is_empty() { ended } else { format!("{ended}: {said}") }
        }
        AuthError::AuthExecStart(error) => error.to_string(),
        error => chain(error),
    };
    let failure = Failure::unchanged(format!("the credential plugin `{command}` failed: {why}"));
    match plugin.install_hint.as_deref() {
        Some(hint) if matches!(error, AuthError::AuthExecStart(_)) => failure.hint(hint.trim()),
        _ => failure.hint("`kubectl auth whoami` runs it too, and shows what it has to say"),
    }
}

/// An error with its reasons, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(error) = next {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        next = error.source();
    }
    text
}

/// As in kubectl, `HTTPS_PROXY` is not for what is on this machine.
fn without_proxy_on_loopback(config: &mut Config) {
    let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let from_environment = ["HTTPS_PROXY", "https_proxy"].iter().any(|name| {
        let value = std::env::var(name).ok().and_then(|value| value.parse().ok());
        value.is_some() && value == config.proxy_url
    });
    if from_environment && (loopback || host == "localhost") {
        config.proxy_url = None;
    }
}
