//! What a cluster can do, by the versions of its parts; purely. The numbers are minor versions, as in 1.34.

use serde_json::Value;

use crate::failure::Result;
use crate::findings::{self, Code, Finding, Severity};
use crate::plan::{Mode, text};
use crate::workload::Kind;

/// The first server, and the first kubelet, that have native sidecars without being told to.
const NATIVE_SIDECARS: u32 = 29;
/// The first whose Services find named ports of native sidecars. 1.32 has it in Endpoints already, but kube-proxy goes
/// by `EndpointSlices`.
const NAMED_PORTS: u32 = 33;
/// How much older than its server a kubelet may be, by Kubernetes' version skew policy.
const SKEW: u32 = 3;

/// What `--sidecar` asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choice {
    /// Native where the server and all kubelets know it, else a plain container
    #[default]
    Auto,
    /// An init container that keeps running: starts first, ends last, and no Job waits for it
    Native,
    /// A container like the others
    Container,
}

/// The versions of what runs pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Versions {
    /// The API server's.
    pub(crate) server: u32,
    /// Of the nodes.
    pub(crate) kubelets: Kubelets,
}

/// What is known of the kubelets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kubelets {
    /// The oldest one; `None` where there is no node yet.
    Oldest(Option<Kubelet>),
    /// The user may not list nodes.
    Hidden,
}

/// A node's kubelet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kubelet {
    /// The node's name.
    pub(crate) node: String,
    /// As it tells it, such as `v1.28.15`.
    pub(crate) version: String,
    /// The number in it.
    pub(crate) minor: u32,
}

/// How our container is put into pods, and what a person should know about that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The form it takes.
    pub(crate) mode: Mode,
    /// Whether Services find its ports by name.
    pub(crate) named_ports: bool,
    /// Why it is not what most get; a clause.
    pub(crate) reason: Option<String>,
    /// What may go wrong.
    pub(crate) warning: Option<String>,
}

/// The minor version in `v1.28.15-gke.100`, or in the `34+` that servers tell.
pub(crate) fn minor(version: &str) -> Option<u32> {
    let version = version.trim_start_matches('v');
    let minor = version.split_once('.').map_or(version, |(_, rest)| rest);
    let digits = minor.find(|c: char| !c.is_ascii_digit()).map_or(minor, |end| &minor[..end]);
    digits.parse().ok()
}

/// Whether a Service finds a port of a native sidecar by its name; it always finds those of plain containers.
fn sees_named_ports(server: u32) -> bool {
    server >= NAMED_PORTS
}

/// Whether a server of this version has native sidecars.
pub(crate) fn knows_sidecars(server: u32) -> bool {
    server >= NATIVE_SIDECARS
}

/// Decides for all pods that are made from now on, wherever they come to run.
pub(crate) fn decide(choice: Choice, versions: &Versions) -> Decision {
    let decision = |mode, reason, warning| {
        let named_ports = mode == Mode::Container || sees_named_ports(versions.server);
        Decision { mode, named_ports, reason, warning }
    };
    let obstacle = obstacle(versions);
    match choice {
        Choice::Container => {
            decision(Mode::Container, Some("--sidecar=container asks for it".to_owned()), None)
        }
        Choice::Native => {
            let warning =
                obstacle.map(|why| format!("{why}; it is native all the same, by --sidecar=native"));
            decision(Mode::Native, None, warning)
        }
        Choice::Auto => match obstacle {
            Some(why) => decision(Mode::Container, Some(why), None),
            None => decision(Mode::Native, None, doubt(versions)),
        },
    }
}

/// Why a native sidecar would not work everywhere.
fn obstacle(versions: &Versions) -> Option<String> {
    let Versions { server, kubelets } = versions;
    if *server < NATIVE_SIDECARS {
        return Some(format!("Kubernetes 1.{server} has no native sidecars"));
    }
    let Kubelets::Oldest(Some(Kubelet { node, version, minor })) = kubelets else { return None };
    (*minor < NATIVE_SIDECARS)
        .then(|| format!("node {node} has kubelet {version}, which knows no native sidecars"))
}

/// What cannot be known without the right to list nodes. A server that is new enough has no kubelets that are too old.
fn doubt(versions: &Versions) -> Option<String> {
    let Versions { server, kubelets } = versions;
    (*kubelets == Kubelets::Hidden && *server < NATIVE_SIDECARS + SKEW).then(|| {
        format!(
            "you may not list nodes, so the sidecar is native by the server's version, 1.{server}, alone; a kubelet \
             older than 1.{NATIVE_SIDECARS} would not start the pod: then use --sidecar=container"
        )
    })
}

/// Refuses what would never end: pods that are done when their programs are, with a container that never is.
pub(crate) fn refuse_endless(name: &str, ends: Ends, choice: Choice, decision: &Decision) -> Result<()> {
    if decision.mode == Mode::Native || ends == Ends::Never {
        return Ok(());
    }
    let reason = decision.reason.as_deref().unwrap_or_default();
    let hint = match (ends, choice) {
        (Ends::MayBe, Choice::Container) => return Ok(()),
        (Ends::MayBe, _) => {
            "with --sidecar=container it is injected all the same, and somebody has to delete it when it is done"
        }
        _ => {
            "what ends by itself needs a native sidecar: Kubernetes 1.29 or newer, without --sidecar=container"
        }
    };
    let message =
        format!("{name} would never end: the ambassador in it would be a plain container, since {reason}");
    let finding = Finding::new(Code::NoNativeSidecars, Severity::Error, name, message);
    Err(findings::failure(&finding.hint(hint)))
}

/// Whether the pods of an object are to end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// They run until they are deleted.
    Never,
    /// A bare pod whose restartPolicy is another than Always: some end, others are servers made by `kubectl run`.
    MayBe,
    /// A Job's.
    Always,
}

impl Ends {
    /// Of the pods that an object makes; `template` is the JSON pointer of the pod in it.
    pub(crate) fn of(object: &Value, template: &str) -> Self {
        let policy = text(object, &format!("{template}/spec/restartPolicy"));
        match Kind::of(object).map(|kind| kind.name) {
            Some("Job" | "CronJob") => Self::Always,
            Some("Pod") if !matches!(policy, "" | "Always") => Self::MayBe,
            _ => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn kubelet(version: &str) -> Kubelets {
        let minor = minor(version).expect("a version");
        Kubelets::Oldest(Some(Kubelet { node: "a".to_owned(), version: version.to_owned(), minor }))
    }

    #[track_caller]
    fn check(choice: Choice, server: u32, kubelets: Kubelets, expected: &Expect) {
        let Decision { mode, reason, warning, .. } = decide(choice, &Versions { server, kubelets });
        let told =
            [reason.map(|why| format!("reason: {why}")), warning.map(|what| format!("warning: {what}"))];
        let lines = [format!("{mode:?}")].into_iter().chain(told.into_iter().flatten());
        expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn the_sidecar_is_native_where_server_and_kubelets_know_it() {
        use Choice::Auto;
        check(Auto, 29, kubelet("v1.29.0"), &expect!["Native"]);
        check(Auto, 34, kubelet("v1.31.4-eks-1"), &expect!["Native"]);
        check(Auto, 34, Kubelets::Oldest(None), &expect!["Native"]);
        check(
            Auto,
            28,
            kubelet("v1.28.15"),
            &expect![[r#"
            Container
            reason: Kubernetes 1.28 has no native sidecars"#]],
        );
        check(
            Auto,
            31,
            kubelet("v1.28.15"),
            &expect![[r#"
            Container
            reason: node a has kubelet v1.28.15, which knows no native sidecars"#]],
        );
    }

    #[test]
    fn without_nodes_to_see_the_server_decides_and_doubt_is_told() {
        use Choice::Auto;
        check(
            Auto,
            28,
            Kubelets::Hidden,
            &expect![[r#"
            Container
            reason: Kubernetes 1.28 has no native sidecars"#]],
        );
        check(
            Auto,
            31,
            Kubelets::Hidden,
            &expect![[r#"
            Native
            warning: you may not list nodes, so the sidecar is native by the server's version, 1.31, alone; a kubelet older than 1.29 would not start the pod: then use --sidecar=container"#]],
        );
        // No kubelet of such a server may be older than 1.29.
        check(Auto, 32, Kubelets::Hidden, &expect!["Native"]);
    }

    #[test]
    fn a_person_has_the_last_word() {
        check(
            Choice::Container,
            34,
            kubelet("v1.34.0"),
            &expect![[r#"
            Container
            reason: --sidecar=container asks for it"#]],
        );
        check(Choice::Native, 34, kubelet("v1.34.0"), &expect!["Native"]);
        check(
            Choice::Native,
            28,
            kubelet("v1.28.0"),
            &expect![[r#"
            Native
            warning: Kubernetes 1.28 has no native sidecars; it is native all the same, by --sidecar=native"#]],
        );
    }

    #[test]
    fn services_find_named_ports_of_sidecars_from_1_33_on() {
        assert_eq!([31, 32, 33, 34].map(sees_named_ports), [false, false, true, true]);
    }

    #[test]
    fn reads_versions_as_servers_and_nodes_tell_them() {
        let versions = ["v1.28.15", "1.34", "34+", "34", "v1.31.4-eks-1", "v1.30+", "x", "v1", ""];
        let read = versions.map(minor);
        let some = [Some(28), Some(34), Some(34), Some(34), Some(31), Some(30), None, Some(1), None];
        assert_eq!(read, some);
    }

    #[test]
    fn what_ends_gets_no_container_that_does_not() {
        let refused = |ends, choice, server| {
            let decision = decide(choice, &Versions { server, kubelets: Kubelets::Hidden });
            refuse_endless("job/x", ends, choice, &decision).err().map(|failure| failure.message().to_owned())
        };
        expect!["job/x would never end: the ambassador in it would be a plain container, since Kubernetes 1.28 has no native sidecars [AMB081]"].assert_eq(&refused(Ends::Always, Choice::Auto, 28).unwrap_or_default());
        expect!["job/x would never end: the ambassador in it would be a plain container, since --sidecar=container asks for it [AMB081]"].assert_eq(&refused(Ends::Always, Choice::Container, 34).unwrap_or_default());
        assert!(refused(Ends::MayBe, Choice::Auto, 28).is_some());
        assert_eq!(refused(Ends::MayBe, Choice::Container, 28), None);
        assert_eq!(refused(Ends::Never, Choice::Auto, 28), None);
        assert_eq!(refused(Ends::Always, Choice::Auto, 34), None);
    }
}
