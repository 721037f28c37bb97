//! All that can be said about an injection before anything is touched: what would fail, what would be lost, what would
//! change. Pure: what is known of an object and of what stands around it in, findings out. `check` lists them, `inject`
//! refuses by the errors among them and warns by the warnings.

mod access;
mod admission;
mod config;
mod data;
mod neighbours;
mod network;
mod owner;
mod pod_security;
mod ports;
mod probes;
mod qos;
mod replaced;
mod scaling;
mod selector;
mod services;
mod target;
mod webhooks;

use std::fmt;

use ambassador_core::ports::PortMap;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::say;
use crate::plan::{Permissions, Plan};
use crate::source::Source;
use crate::workload::name_of;

pub(crate) use access::rights;
pub(crate) use config::config;
pub(crate) use neighbours::Neighbours;
pub(crate) use services::leads;
pub(crate) use webhooks::see_new_pods;

/// How bad it is; the worst is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It would fail, or break something: refused.
    Error,
    /// It works, but somebody may not want it so.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// In messages and output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal, $title:literal;)*) => {
        /// What kind of finding it is. Numbers are for ever: one that is not used any more is not used again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub(crate) enum Code {
            $(#[doc = $title] $name = $number,)*
        }

        impl Code {
            /// All of them, ascending.
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is about: the headline of its section in docs/checks.md.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    Owned = 1, "The pod belongs to a controller";
    Mirror = 2, "The pod is the mirror of a static pod";
    Terminating = 3, "The object is being deleted";
    Finalizers = 4, "The pod has finalizers";
    HostNetwork = 5, "The pod uses its node's network";
    Windows = 6, "The pod is for Windows";
    NoContainers = 7, "The pod has no containers";
    NameTaken = 8, "A name that the ambassador needs is taken";
    Newer = 9, "A newer version has injected it";
    Unreadable = 10, "The annotation of the injection cannot be read";
    SharedProcesses = 11, "The containers share their processes";
    NodeGone = 12, "The node of the pod is gone or not ready";
    Immutable = 13, "The pod template cannot be changed";
    ConfigMapTaken = 14, "A ConfigMap of our name is not ours";
    EmptyDir = 20, "Data in emptyDir volumes would be deleted";
    Away = 21, "The pod is away while it is recreated";
    AllAtOnce = 22, "All pods are replaced at once";
    NotReplaced = 23, "Pods that run are not replaced";
    PortTaken = 30, "A port is taken";
    HealthPort = 31, "The port of the health listener is taken";
    LowPort = 32, "A port below 1024 needs a sysctl";
    HostPort = 33, "A port of the node leads past the ambassador";
    RawPort = 34, "The program's own port stays reachable";
    NobodyListens = 35, "Nothing listens where a port leads";
    NoPort = 36, "It is not known what to map";
    ServiceByName = 40, "A Service follows the name of a port";
    ServiceLed = 41, "A Service is led to the ambassador";
    ServicePast = 42, "A Service leads past the ambassador";
    ServiceShared = 43, "A Service leads to other pods too";
    NetworkPolicy = 50, "A NetworkPolicy does not let clients in";
    Egress = 51, "A NetworkPolicy does not let the ambassador out";
    ProbeTaken = 55, "A probe asks a port that becomes ours";
    ProbeByName = 56, "A probe asks by a name that becomes ours";
    Autoscaler = 60, "An autoscaler counts the ambassador too";
    Budget = 61, "A disruption budget allows no disruption";
    Class = 62, "The pod is Guaranteed no more";
    Quota = 70, "A quota has no room";
    LimitRange = 71, "A LimitRange does not allow what the ambassador needs";
    PodSecurity = 72, "Pod Security would refuse the pod";
    Webhook = 73, "Admission webhooks see the pod";
    Refused = 74, "The server would refuse it";
    Rights = 80, "Rights are missing";
    NoNativeSidecars = 81, "A native sidecar is needed";
    Unseen = 82, "Something could not be seen";
    GitOps = 90, "Another tool manages the object";
    Secret = 91, "The config looks as if it held a secret";
    Annotations = 92, "The annotations are nearly too large";
    ConfigSize = 93, "The config is nearly too large";
    LongName = 94, "A name is too long";
    Replaced = 95, "What is replaced does something else";
}

impl Code {
    /// Where it is explained.
    pub(crate) fn docs(self) -> String {
        format!("docs/checks.md#{}", self.to_string().to_lowercase())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AMB{:03}", *self as u16)
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What kind of thing.
    pub(crate) code: Code,
    /// How bad it is here.
    pub(crate) severity: Severity,
    /// What it is about, as `deployment/web`.
    pub(crate) object: String,
    /// What would happen: lower case, one line, no final dot.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// Where it is, in manifests: file, line and column.
    pub(crate) place: Option<String>,
}

impl Finding {
    pub(crate) fn new(code: Code, severity: Severity, object: &str, message: impl Into<String>) -> Self {
        Self { code, severity, object: object.to_owned(), message: message.into(), hint: None, place: None }
    }

    /// What a failure says of an object; what has no code is about ports that are not known.
    pub(crate) fn of_failure(object: &str, failure: &Failure) -> Self {
        let coded = failure.message().strip_suffix(']').and_then(|message| message.rsplit_once(" ["));
        let coded = coded.and_then(|(message, code)| {
            Some((message, *Code::ALL.iter().find(|known| known.to_string() == code)?))
        });
        let (message, code) = coded.unwrap_or((failure.message(), Code::NoPort));
        let hint = failure.hint_text().map(str::to_owned);
        Self { hint, ..Self::new(code, Severity::Error, object, message) }
    }

    /// With what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same of something in manifests.
    pub(crate) fn at(self, place: String) -> Self {
        Self { place: Some(place), ..self }
    }

    /// The message with the code behind it, as errors and warnings end, and with the place before it.
    pub(crate) fn coded(&self) -> String {
        let place = self.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
        format!("{place}{} [{}]", self.message, self.code)
    }

    /// Whether it is that no server whatever takes the object.
    pub(crate) fn fits_no_server(&self) -> bool {
        self.severity == Severity::Error
            && matches!(self.code, Code::Annotations | Code::ConfigSize | Code::LongName)
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let mut value = json!({
            "code": self.code.to_string(),
            "title": self.code.title(),
            "severity": self.severity.name(),
            "object": self.object,
            "message": self.message,
            "hint": self.hint,
            "docs": self.code.docs(),
        });
        if let Some(place) = &self.place {
            value["place"] = place.as_str().into();
        }
        value
    }
}

/// An object that is to be injected, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// As it was read; the server's fields in it.
    pub(crate) object: &'a Value,
    /// Where the pod is in it, a JSON pointer.
    pub(crate) template: &'a str,
    /// What it would become, where ports are known.
    pub(crate) plan: Option<&'a Plan>,
    /// The config, where one is known.
    pub(crate) source: Option<&'a Source>,
    /// Ports that were seen listening in one of its pods, without the ambassador's; `None` where nobody could look.
    pub(crate) listening: Option<&'a [u16]>,
    /// What a person has allowed.
    pub(crate) permissions: Permissions,
}

impl<'a> Subject<'a> {
    /// What messages call it.
    fn name(&self) -> String {
        name_of(self.object)
    }

    /// The pod in the object as it was read.
    fn pod(&self) -> &'a Value {
        self.object.pointer(self.template).unwrap_or(&Value::Null)
    }

    /// The pod without an ambassador.
    fn original(&self) -> &'a Value {
        self.plan.and_then(|plan| plan.original.pointer(self.template)).unwrap_or_else(|| self.pod())
    }

    /// The same without what the ambassador takes the place of.
    fn beside(&self) -> &'a Value {
        self.plan.and_then(Plan::beside).unwrap_or_else(|| self.original())
    }

    /// The pod with the ambassador.
    fn planned(&self) -> Option<&'a Value> {
        self.plan.and_then(|plan| plan.injected.pointer(self.template))
    }

    fn ports(&self) -> Option<&'a PortMap> {
        self.source.map(|source| &source.loaded.ambassador.ports)
    }

    fn is_pod(&self) -> bool {
        self.template.is_empty()
    }

    fn namespace(&self) -> &'a str {
        crate::plan::text(self.object, "/metadata/namespace")
    }

    fn error(&self, code: Code, message: impl Into<String>) -> Finding {
        Finding::new(code, Severity::Error, &self.name(), message)
    }

    fn warning(&self, code: Code, message: impl Into<String>) -> Finding {
        Finding::new(code, Severity::Warning, &self.name(), message)
    }

    fn info(&self, code: Code, message: impl Into<String>) -> Finding {
        Finding::new(code, Severity::Info, &self.name(), message)
    }
}

/// Something that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// Kinds, in the plural, or an object.
    pub(crate) what: String,
    /// The right that it takes, as `list services`.
    pub(crate) right: String,
    /// What the server said; `None` if one may not see it.
    pub(crate) why: Option<String>,
    /// Whether it is the namespace's own: those of the whole cluster are often hidden.
    pub(crate) namespaced: bool,
}

/// What stands around an object, as far as it could be seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// Whether it is one, and not manifests.
    pub(crate) is_live: bool,
    pub(crate) pods: Vec<Value>,
    pub(crate) services: Vec<Value>,
    pub(crate) network_policies: Vec<Value>,
    pub(crate) autoscalers: Vec<Value>,
    pub(crate) budgets: Vec<Value>,
    pub(crate) quotas: Vec<Value>,
    pub(crate) limit_ranges: Vec<Value>,
    pub(crate) namespaces: Vec<Value>,
    /// Mutating and validating configurations.
    pub(crate) webhooks: Vec<Value>,
    pub(crate) nodes: Vec<Value>,
    pub(crate) config_maps: Vec<Value>,
    /// The server's minor version, where there is a server.
    pub(crate) minor: Option<u32>,
    /// Rights that are needed and missing, as `create pods`.
    pub(crate) missing_rights: Vec<String>,
    /// Whether the server itself is asked, by a dry run, what its admission says to the new pods: then nothing is guessed.
    pub(crate) is_asked: bool,
    /// What it said, if it said no.
    pub(crate) refused: Option<String>,
    pub(crate) unseen: Vec<Unseen>,
}

/// All that is found about an object, the worst first.
pub(crate) fn all(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let mut found = of_object(subject, world);
    if let Some(source) = subject.source {
        found.extend(config(source, &subject.name()));
    }
    sort(&mut found);
    found
}

/// The same without what is found about its config alone, which many objects can share.
pub(crate) fn of_object(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let families = [
        target::find,
        owner::find,
        data::find,
        ports::find,
        services::find,
        network::find,
        probes::find,
        scaling::find,
        qos::find,
        admission::find,
        pod_security::find,
        webhooks::find,
        access::find,
        replaced::find,
    ];
    let mut found: Vec<Finding> = families.iter().flat_map(|find| find(subject, world)).collect();
    found.extend(config::sizes(subject));
    sort(&mut found);
    found
}

/// What is found about an object whose ambassador is to be taken out: what replaces its pods is the same.
pub(crate) fn uninject(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let matters = |finding: &Finding| {
        matches!(
            finding.code,
            Code::Owned
                | Code::Mirror
                | Code::Terminating
                | Code::Finalizers
                | Code::NodeGone
                | Code::EmptyDir
                | Code::AllAtOnce
                | Code::NotReplaced
                | Code::Budget
                | Code::GitOps
        )
    };
    all(subject, world).into_iter().filter(matters).collect()
}

/// The worst first, and then by code; what is alike stays in its order.
pub(crate) fn sort(found: &mut [Finding]) {
    found.sort_by_key(|finding| (finding.severity, finding.code));
}

/// Refuses by the errors, all of them at once.
pub(crate) fn refuse(found: &[Finding]) -> crate::failure::Result<()> {
    let errors: Vec<&Finding> = of(found, Severity::Error).collect();
    let Some((last, others)) = errors.split_last() else { return Ok(()) };
    for error in others {
        failure(error).say();
    }
    Err(failure(last))
}

/// Tells the warnings.
pub(crate) fn warn(found: &[Finding]) {
    for warning in of(found, Severity::Warning) {
        say(&format!("warning: {}", warning.coded()));
    }
}

fn of(found: &[Finding], severity: Severity) -> impl Iterator<Item = &Finding> {
    found.iter().filter(move |finding| finding.severity == severity)
}

/// What makes an init container a sidecar.
pub(crate) const POLICY: &str = "restartPolicy: Always";

/// What the server says to a dry run of `what`, which is no.
pub(crate) fn refused(object: &str, what: &str, why: &str) -> Finding {
    let finding = Finding::new(
        Code::Refused,
        Severity::Error,
        object,
        format!("the cluster would refuse {what}: {why}"),
    );
    if why.contains("violates PodSecurity") {
        return finding.hint("the ambassador keeps to all levels; change the rest of the pod, or the level");
    }
    if why.contains(POLICY) {
        return finding.hint("have that leave init containers as they are, or use --sidecar=container");
    }
    // Of pods of a workload that is a warning, since the rollout may do with less.
    if why.contains("exceeded quota") {
        return finding.hint(
            "the old pod is not taken out before the new one is known to fit, so there must be room for both",
        );
    }
    finding
}

/// The failure that a finding is to who cannot go on.
pub(crate) fn failure(finding: &Finding) -> Failure {
    let failure = Failure::unchanged(finding.coded());
    match &finding.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The server itself has said no, before anything was changed.
pub(crate) fn refusal(message: &str) -> Failure {
    Failure::unchanged(format!("{message} [{}]", Code::Refused))
}

#[cfg(test)]
mod tests;
