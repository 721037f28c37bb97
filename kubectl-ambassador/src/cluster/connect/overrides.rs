//! Chooses from a kubeconfig what the flags say, and lets the flags win over it, each as in kubectl.

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};
use secrecy::SecretString;

use super::kubeconfig::Found;
use super::{Args, no_cluster};
use crate::failure::{Failure, Result};

/// The one name in a kubeconfig that holds what was chosen.
const CHOSEN: &str = "chosen";

impl Args {
    /// A kubeconfig with nothing in it but what is to be used.
    pub(super) fn choose(&self, found: &Found) -> Result<Kubeconfig> {
        let kubeconfig = &found.kubeconfig;
        let context = self.chosen_context(kubeconfig)?;
        let mut cluster = self.chosen_cluster(kubeconfig, &context)?;
        let mut user = self.chosen_user(kubeconfig, &context)?;
        self.override_user(&mut user)?;
        self.override_cluster(&mut cluster);
        match cluster.server.as_deref() {
            None | Some("") => {
                return Err(no_cluster("the kubeconfig has no current context, and there is no --server"));
            }
            Some(server) if server.starts_with("http://") => user = without_credentials(user),
            Some(_) => {}
        }
        let context = Context { cluster: CHOSEN.to_owned(), user: Some(CHOSEN.to_owned()), ..context };
        Ok(Kubeconfig {
            clusters: vec![NamedCluster {
                name: CHOSEN.to_owned(),
                cluster: Some(cluster),
                ..Default::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: CHOSEN.to_owned(),
                auth_info: Some(user),
                ..Default::default()
            }],
            contexts: vec![NamedContext {
                name: CHOSEN.to_owned(),
                context: Some(context),
                ..Default::default()
            }],
            current_context: Some(CHOSEN.to_owned()),
            ..Kubeconfig::default()
        })
    }

    fn chosen_context(&self, kubeconfig: &Kubeconfig) -> Result<Context> {
        let current = kubeconfig.current_context.as_ref().filter(|name| !name.is_empty());
        let Some(name) = self.context.as_ref().or(current) else { return Ok(Context::default()) };
        let mut named = kubeconfig.contexts.iter().filter(|context| &context.name == name);
        named
            .find_map(|named| named.context.clone())
            .ok_or_else(|| no_cluster(format!("the kubeconfig has no context {name}")))
    }

    fn chosen_cluster(&self, kubeconfig: &Kubeconfig, context: &Context) -> Result<Cluster> {
        let name = self.cluster.as_ref().unwrap_or(&context.cluster);
        if name.is_empty() {
            return Ok(Cluster::default());
        }
        let mut named = kubeconfig.clusters.iter().filter(|cluster| &cluster.name == name);
        named
            .find_map(|named| named.cluster.clone())
            .ok_or_else(|| no_cluster(format!("the kubeconfig has no cluster {name}")))
    }

    fn chosen_user(&self, kubeconfig: &Kubeconfig, context: &Context) -> Result<AuthInfo> {
        let name = self.user.as_ref().or(context.user.as_ref()).filter(|name| !name.is_empty());
        let Some(name) = name else { return Ok(AuthInfo::default()) };
        let mut named = kubeconfig.auth_infos.iter().filter(|user| &user.name == name);
        named
            .find_map(|named| named.auth_info.clone())
            .ok_or_else(|| no_cluster(format!("the kubeconfig has no user {name}")))
    }

    fn override_cluster(&self, cluster: &mut Cluster) {
        if let Some(file) = &self.certificate_authority {
            cluster.certificate_authority = Some(file.to_string_lossy().into_owned());
            cluster.certificate_authority_data = None;
            cluster.insecure_skip_tls_verify = None;
        }
        if self.insecure_skip_tls_verify == Some(true) {
            cluster.insecure_skip_tls_verify = Some(true);
            cluster.certificate_authority = None;
            cluster.certificate_authority_data = None;
        }
        // The name in the kubeconfig is that of the server in the kubeconfig.
        if self.server.is_some() || self.tls_server_name.is_some() {
            cluster.tls_server_name.clone_from(&self.tls_server_name);
        }
        if let Some(server) = &self.server {
            cluster.server = Some(with_scheme(server));
        }
    }

    /// What the flags say about who one is, over what a kubeconfig or a service account says.
    pub(super) fn override_user(&self, user: &mut AuthInfo) -> Result<()> {
        if let Some(token) = &self.token {
            user.token = Some(SecretString::from(token.clone()));
            user.token_file = None;
            // A token of the command line wins over what would get another one.
            user.exec = None;
            user.auth_provider = None;
            user.username = None;
            user.password = None;
        }
        if let Some(file) = &self.client_certificate {
            user.client_certificate = Some(file.to_string_lossy().into_owned());
            user.client_certificate_data = None;
        }
        if let Some(file) = &self.client_key {
            user.client_key = Some(file.to_string_lossy().into_owned());
            user.client_key_data = None;
        }
        if self.impersonate.is_some() {
            user.impersonate.clone_from(&self.impersonate);
        }
        if !self.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(self.impersonate_groups.clone());
        }
        if self.impersonate_uid.is_some() {
            user.impersonate_uid.clone_from(&self.impersonate_uid);
        }
        let certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
        let key = user.client_key.is_some() || user.client_key_data.is_some();
        if certificate != key {
            return Err(Failure::usage("a client certificate and its key go together")
                .hint("name both, with --client-certificate FILE and --client-key FILE"));
        }
        let more = user.impersonate_uid.is_some() || user.impersonate_groups.is_some();
        if more && user.impersonate.as_deref().unwrap_or_default().is_empty() {
            return Err(Failure::usage("--as-group and --as-uid need a user to act as")
                .hint("name one with --as USER"));
        }
        Ok(())
    }
}

/// An address alone is one of HTTP.
fn with_scheme(server: &str) -> String {
    if server.contains("://") { server.to_owned() } else { format!("http://{server}") }
}

/// No credentials go over a connection that anybody can listen to.
fn without_credentials(user: AuthInfo) -> AuthInfo {
    AuthInfo {
        impersonate: user.impersonate,
        impersonate_uid: user.impersonate_uid,
        impersonate_groups: user.impersonate_groups,
        impersonate_user_extra: user.impersonate_user_extra,
        ..AuthInfo::default()
    }
}
