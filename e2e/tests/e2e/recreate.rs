//! A bare pod is never lost: at each call of its replacement the API server fails, or this program is killed, or somebody
//! else takes the name. After `resume` there is exactly one pod, the original, the injected, or somebody else's.

use std::process::{Child, Stdio};

use e2e::faults::{Fault, FaultyApi, Request};
use e2e::kube::Namespace;
use e2e::process::{Output, run};
use e2e::provided;
use expect_test::{Expect, expect};

/// What happens at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Kill,
    Fail(Fault),
    Foreign,
}

const EVENTS: [Event; 5] = [
    Event::Kill,
    Event::Fail(Fault::Timeout),
    Event::Fail(Fault::Answer(403)),
    Event::Fail(Fault::LostReply),
    Event::Foreign,
];

struct Bench {
    namespace: Namespace,
    api: FaultyApi,
    pod: String,
}

impl Bench {
    fn new() -> Self {
        let namespace = Namespace::new();
        let api = FaultyApi::start(namespace.home.path());
        std::fs::write(namespace.home.path().join("faulty.json"), api.kubeconfig()).expect("written");
        Self { namespace, api, pod: String::new() }
    }

    /// A pod that the lab's program runs in, and that goes at once when it is told to.
    fn with_pod(&mut self, name: &str) {
        name.clone_into(&mut self.pod);
        self.create_pod("original");
        self.namespace.wait_ready(name);
    }

    fn create_pod(&self, who: &str) {
        let pod = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.pod, "labels": {"who": who}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "legacy", "image": "linuxacademycontent/legacy-fruit-service:1"}],
            },
        });
        let file = self.namespace.home.path().join(format!("{}-{who}.json", self.pod));
        std::fs::write(&file, pod.to_string()).expect("written");
        self.namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.namespace.command(&provided("AMBASSADOR_CLI"));
        command
            .args(args)
            .args(["--namespace", &self.namespace.name])
            .env("KUBECONFIG", self.namespace.home.path().join("faulty.json"));
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started")
    }

    fn end(child: Child) -> Output {
        let output = child.wait_with_output().expect("an end");
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Injects, with this event at the first call that is chosen. `args` decide whether the pod can come up.
    fn inject(
        &self,
        args: &[&str],
        event: Event,
        choice: impl Fn(&Request) -> bool + Send + 'static,
    ) -> Output {
        self.change(&[&["inject", &self.pod], args].concat(), event, choice)
    }

    /// The same with any command.
    fn change(
        &self,
        args: &[&str],
        event: Event,
        choice: impl Fn(&Request) -> bool + Send + 'static,
    ) -> Output {
        let fault = match event {
            Event::Fail(fault) => fault,
            Event::Kill | Event::Foreign => Fault::Pause,
        };
        self.api.fail(fault, choice);
        // A request that is held must not be taken for one that is lost.
        let limit = if event == Event::Fail(Fault::Timeout) { "2s" } else { "40s" };
        let all: Vec<&str> = [args, &["--request-timeout", limit]].concat();
        let mut child = self.start(&all);
        if event == Event::Kill {
            let held = self.api.held();
            child.kill().expect("killed");
            drop(held);
        } else if event == Event::Foreign {
            let held = self.api.held();
            self.namespace.kubectl(&["delete", "pod", &self.pod, "--ignore-not-found", "--now"]).ok();
            self.create_pod("somebody-else");
            held.send(()).expect("it waits");
        }
        let output = Self::end(child);
        self.api.heal();
        output
    }

    fn resume(&self, args: &[&str]) -> Output {
        run(&mut self.command(&[&["resume"], args].concat()))
    }

    /// Whose pod stands there, once it is ready: `original`, `injected` or `somebody-else`.
    fn what_stands(&self) -> String {
        self.namespace.wait_ready(&self.pod);
        let object = format!("pod/{}", self.pod);
        let who = self.namespace.field(&object, "{.metadata.labels.who}");
        let sidecar = self.namespace.field(&object, "{.spec.initContainers[*].name}");
        if sidecar.is_empty() { who } else { "injected".to_owned() }
    }
}

/// All events at one call of an injection.
fn check(args: &[&str], choice: fn(&Request) -> bool) {
    check_command("inject", args, choice);
}

/// All events at one call of a command.
fn check_command(command: &str, args: &[&str], choice: fn(&Request) -> bool) {
    let mut bench = Bench::new();
    let (before, after) =
        if command == "inject" { ("original", "injected") } else { ("injected", "original") };
    for (index, event) in EVENTS.into_iter().enumerate() {
        bench.with_pod(&format!("p{index}"));
        if before == "injected" {
            bench.namespace.ambassador(&[&["inject", &bench.pod][..], &GOOD].concat()).ok();
        }
        let output = bench.change(&[&[command, &bench.pod][..], args].concat(), event, choice);
        let resumed = bench.resume(&[&bench.pod]);
        let stands = bench.what_stands();
        let story = format!("{event:?}: {stands}\n{output:?}\n{resumed:?}");
        if event == Event::Foreign {
            assert_eq!(stands, "somebody-else", "{story}");
            assert!(matches!(output.code, 1 | 4), "{story}");
        } else {
            assert!(["original", "injected"].contains(&stands.as_str()), "{story}");
            assert!(bench.resume(&[]).stdout.is_empty(), "something is left unfinished: {story}");
        }
        // What it says is what is.
        match output.code {
            0 => assert_eq!(stands, after, "{story}"),
            1 | 3 if event != Event::Foreign => assert_eq!(stands, before, "{story}"),
            4 => assert!(output.stderr.contains("kubectl ambassador resume pod/p"), "{story}"),
            -1 => assert_eq!(event, Event::Kill, "{story}"),
            _ => {}
        }
        if event != Event::Foreign && stands == "original" {
            assert_eq!(bench.namespace.config_maps(), Vec::<String>::new(), "{story}");
        } else {
            bench.namespace.kubectl(&["delete", "pod", &bench.pod, "--now"]).ok();
            let maps = bench.namespace.config_maps();
            for map in &maps {
                bench.namespace.kubectl(&["delete", map]).ok();
            }
        }
        bench.resume(&[&bench.pod, "--forget"]);
    }
}

/// A port that answers.
const GOOD: [&str; 2] = ["--port", "80:8775"];
/// A rule that fails on every answer, so that the original is put back.
const BAD: [&str; 4] = ["--port", "80:8775", "--jq", ".name"];

fn is_creation(request: &Request) -> bool {
    request.method == "POST" && request.path.contains("/pods?")
}

#[test]
fn while_config_maps_are_applied() {
    check(&GOOD, |request| request.method == "PATCH" && request.path.contains("/configmaps/"));
}

#[test]
fn while_the_pod_is_deleted() {
    check(&GOOD, |request| request.method == "DELETE" && request.path.contains("/pods/"));
}

#[test]
fn while_it_is_waited_for_to_go() {
    check(&GOOD, |request| {
        request.method == "GET"
            && request.path.contains("/pods/")
            && request.deleted == 1
            && request.created == 0
    });
}

#[test]
fn while_the_new_pod_is_created() {
    check(&GOOD, is_creation);
}

#[test]
fn while_the_new_pod_comes_up() {
    check(&GOOD, |request| {
        request.method == "GET" && request.path.contains("/pods/") && request.created == 1
    });
}

#[test]
fn while_the_new_pod_is_deleted_again() {
    check(&BAD, |request| {
        request.method == "DELETE" && request.path.contains("/pods/") && request.deleted == 1
    });
}

#[test]
fn while_the_original_is_created_again() {
    check(&BAD, |request| is_creation(request) && request.created == 1);
}

#[test]
fn while_an_uninjected_pod_is_deleted() {
    check_command("uninject", &[], |request| request.method == "DELETE" && request.path.contains("/pods/"));
}

#[test]
fn while_an_uninjected_pod_is_created() {
    check_command("uninject", &[], is_creation);
}

#[test]
fn a_busy_server_is_asked_again_and_a_refusal_is_heeded() {
    let mut bench = Bench::new();
    for (code, exit, stands) in [
        (429, 0, "injected"),
        (500, 0, "injected"),
        (503, 0, "injected"),
        (409, 3, "original"),
        (422, 3, "original"),
    ] {
        bench.with_pod(&format!("p{code}"));
        let output = bench.inject(&GOOD, Event::Fail(Fault::Answer(code)), is_creation);
        assert_eq!(output.code, exit, "{code}: {output:?}");
        assert_eq!(bench.what_stands(), stands, "{code}");
    }
}

#[test]
fn a_credential_that_expires_midway_leads_to_resume() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    bench.api.fail_times(u32::MAX, Fault::Answer(401), |request| request.deleted == 1);
    shows(
        &bench,
        &run(&mut bench.command(&["inject", "p", "--port", "80:8775", "--context", "faulty"])),
        &expect![[r#"
            exit 4
            pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            replacing pod/p ...
            error: the pod may be missing: cannot read pod/p: refused by the test
            hint: once the cluster answers again: kubectl ambassador resume pod/p --namespace NAMESPACE --context=faulty; the pod's body is in HOME/.local/state/kubectl-ambassador/journal/p-HASH.json
        "#]],
    );
    bench.api.heal();
    assert_eq!(bench.resume(&["p"]).ok(), "pod/p injected\n");
    assert_eq!(bench.what_stands(), "injected");
}

#[test]
fn nobody_has_to_listen() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    let mut child = bench.start(&["inject", "p", "--port", "80:8775"]);
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert_eq!(bench.what_stands(), "injected");
}

#[test]
fn what_cannot_be_recreated_is_left_as_it_is() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    let uid = bench.namespace.field("pod/p", "{.metadata.uid}");
    let name = bench.namespace.name.clone();
    let finalizers = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        bench.namespace.kubectl(&["patch", "pod", "p", "--patch", &patch]).ok();
    };
    let refused = |expected: &Expect| {
        shows(&bench, &run(&mut bench.command(&["inject", "p", "--port", "80:8775"])), expected);
        assert_eq!(bench.namespace.field("pod/p", "{.metadata.uid}"), uid);
        assert_eq!(bench.namespace.config_maps(), Vec::<String>::new());
        assert_eq!(bench.resume(&[]).stdout, "");
    };
    finalizers(r#"["example.com/wait"]"#);
    refused(&expect![[r#"
        exit 1
        error: pod/p has the finalizer example.com/wait, so it cannot be recreated at once [AMB004]
        hint: what has set the finalizer must let go of the pod first
    "#]]);
    finalizers("null");
    bench.namespace.kubectl(&["create", "quota", "full", "--hard=pods=1"]).ok();
    bench.namespace.wait_until("the quota is counted", || {
        bench.namespace.field("quota/full", "{.status.used.pods}") == "1"
    });
    refused(&expect![[r#"
        exit 1
        error: resourcequota/full has no room for the old pod and the new one: 1 more pods are needed, and 1 of 1 are in use [AMB070]
        hint: the old pod is not taken out before the new one is known to fit, so there must be room for both
    "#]]);
    bench.namespace.kubectl(&["delete", "quota", "full"]).ok();
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    bench.namespace.kubectl(&["label", "namespace", &name, enforce]).ok();
    refused(&expect![[r#"
        exit 1
        pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        error: the cluster would refuse the new pod: pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost") [AMB074]
        hint: the ambassador keeps to all levels; change the rest of the pod, or the level
    "#]]);
    bench.namespace.kubectl(&["label", "namespace", &name, "pod-security.kubernetes.io/enforce-"]).ok();
    finalizers(r#"["example.com/wait"]"#);
    bench.namespace.kubectl(&["delete", "pod", "p", "--wait=false"]).ok();
    refused(&expect![[r#"
        exit 1
        error: pod/p is being deleted [AMB003]
        error: pod/p has the finalizer example.com/wait, so it cannot be recreated at once [AMB004]
        hint: what has set the finalizer must let go of the pod first
    "#]]);
    finalizers("null");
}

#[test]
fn the_journal_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut bench = Bench::new();
    bench.with_pod("p");
    assert_eq!(bench.inject(&GOOD, Event::Kill, is_creation).code, -1);
    let folder = bench.namespace.home.path().join(".local/state/kubectl-ambassador/journal");
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).expect("a folder") {
        assert_eq!(mode(&file.expect("a file").path()), 0o600);
    }
    assert_eq!(bench.resume(&["p"]).code, 0);
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
}

#[test]
fn a_full_disk_stops_it_before_anything_changes() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    let uid = bench.namespace.field("pod/p", "{.metadata.uid}");
    // No file may grow, which the program is told by an error, as of a full disk.
    let script = r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#;
    let inject = bench.command(&["inject", "p", "--port", "80:8775"]);
    let mut command = bench.namespace.command(std::path::Path::new("sh"));
    command.args(["-c", script]).arg(inject.get_program()).args(inject.get_args());
    command.env("KUBECONFIG", bench.namespace.home.path().join("faulty.json"));
    shows(
        &bench,
        &run(&mut command),
        &expect![[r#"
        exit 1
        pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        error: cannot write a backup of the pod to HOME/.local/state/kubectl-ambassador/journal/p-HASH.json: File too large (os error 27)
        hint: without one nothing is changed; XDG_STATE_HOME chooses another place
    "#]],
    );
    assert_eq!(bench.namespace.field("pod/p", "{.metadata.uid}"), uid);
    assert_eq!(bench.namespace.config_maps(), Vec::<String>::new());
    shows(
        &bench,
        &bench.resume(&[]),
        &expect![[r#"
        exit 0
        nothing was left unfinished
    "#]],
    );
}

#[track_caller]
fn shows(bench: &Bench, output: &Output, expected: &Expect) {
    let text = format!("exit {}\n{}{}", output.code, output.stdout, output.stderr);
    let home = bench.namespace.home.path().to_string_lossy().into_owned();
    let mut lines = Vec::new();
    for line in text.replace(&bench.namespace.name, "NAMESPACE").replace(&home, "HOME").lines() {
        // The file's name has a hash of the server's port.
        let line = match (line.find("/p-"), line.find(".json")) {
            (Some(start), Some(end)) if start < end => format!("{}/p-HASH{}", &line[..start], &line[end..]),
            _ => line.to_owned(),
        };
        lines.push(line.replace(&format!("127.0.0.1:{}", bench.api.port), "SERVER"));
    }
    lines.retain(|line| !line.contains("configmaps ") && !line.starts_with("  "));
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told to its end")]
fn what_a_person_is_told() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    shows(
        &bench,
        &bench.resume(&[]),
        &expect![[r#"
        exit 0
        nothing was left unfinished
    "#]],
    );
    shows(
        &bench,
        &bench.resume(&["p"]),
        &expect![[r#"
        exit 1
        error: nothing to resume for pod/p in namespace NAMESPACE
        hint: `kubectl ambassador resume` lists what there is, in all namespaces and clusters
    "#]],
    );
    let killed = bench.inject(&GOOD, Event::Kill, is_creation);
    assert_eq!(killed.code, -1);
    shows(
        &bench,
        &bench.resume(&[]),
        &expect![[r#"
            exit 0
            pod/p in namespace NAMESPACE of http://SERVER/, not injected yet: kubectl ambassador resume pod/p --namespace NAMESPACE
        "#]],
    );
    // Neither goes on as if nothing were.
    shows(
        &bench,
        &run(&mut bench.command(&["inject", "p"])),
        &expect![[r#"
        exit 1
        error: an earlier change of pod/p was left unfinished
        hint: finish it first: kubectl ambassador resume pod/p --namespace NAMESPACE
    "#]],
    );
    shows(
        &bench,
        &run(&mut bench.command(&["uninject", "pod/p"])),
        &expect![[r#"
        exit 1
        error: an earlier change of pod/p was left unfinished
        hint: finish it first: kubectl ambassador resume pod/p --namespace NAMESPACE
    "#]],
    );
    shows(
        &bench,
        &bench.resume(&["pod/p"]),
        &expect![[r#"
        exit 0
        pod/p injected
        pod/p is missing, creating it ...
    "#]],
    );
    assert_eq!(bench.what_stands(), "injected");
    // Over an injected pod, back means the injection that was there.
    let refused = bench.inject(&["--port", "8080:8775"], Event::Fail(Fault::Answer(403)), is_creation);
    shows(
        &bench,
        &refused,
        &expect![[r#"
        exit 3
        pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        replacing pod/p ...
        the new pod is refused, putting the original back ...
        error: pod/p was not injected: the new pod is refused: refused by the test
        hint: the original pod is back and ready
    "#]],
    );
    assert_eq!(bench.namespace.field("pod/p", "{.spec.initContainers[0].ports[0].containerPort}"), "80");
    let killed = bench.inject(&["--port", "8080:8775"], Event::Kill, is_creation);
    assert_eq!(killed.code, -1);
    shows(
        &bench,
        &bench.resume(&["p", "--back"]),
        &expect![[r#"
        exit 0
        pod/p is as it was
        pod/p is missing, creating the original ...
    "#]],
    );
    assert_eq!(bench.namespace.field("pod/p", "{.spec.initContainers[0].ports[0].containerPort}"), "80");
    // Somebody else's pod stays, and nothing is lost.
    let foreign = bench.inject(&["--port", "8080:8775"], Event::Foreign, is_creation);
    shows(
        &bench,
        &foreign,
        &expect![[r#"
        exit 4
        pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        replacing pod/p ...
        error: another pod/p has taken the name meanwhile, and is left alone
        hint: the original is in HOME/.local/state/kubectl-ambassador/journal/p-HASH.json; once the name is free: kubectl ambassador resume pod/p --namespace NAMESPACE; to forget it: kubectl ambassador resume pod/p --namespace NAMESPACE --forget
    "#]],
    );
    shows(
        &bench,
        &bench.resume(&["p"]),
        &expect![[r#"
        exit 4
        error: another pod/p has taken the name meanwhile, and is left alone
        hint: the original is in HOME/.local/state/kubectl-ambassador/journal/p-HASH.json; once the name is free: kubectl ambassador resume pod/p --namespace NAMESPACE; to forget it: kubectl ambassador resume pod/p --namespace NAMESPACE --forget
    "#]],
    );
    let forgotten = bench.resume(&["p", "--forget"]);
    assert!(forgotten.stdout.contains("envoy-ambassador"), "{forgotten:?}");
    assert_eq!(bench.what_stands(), "somebody-else");
}

#[test]
fn without_rollback_a_person_decides() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    let args = ["inject", "p", "--port", "80:8775", "--jq", ".name", "--no-rollback"];
    shows(
        &bench,
        &run(&mut bench.command(&args)),
        &expect![[r#"
            exit 4
            pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            warning: port 8775 of pod/p stays reachable beside the ambassador, without its rules [AMB034]
            replacing pod/p ...
            error: pod/p is injected, but: GET / on port 80 answers 502: rule jq: cannot index an array with a string, at line 1, column 1 of the program
            hint: to keep it: kubectl ambassador resume pod/p --namespace NAMESPACE; to put the original back: kubectl ambassador resume pod/p --namespace NAMESPACE --back
        "#]],
    );
    shows(
        &bench,
        &bench.resume(&["p", "--back"]),
        &expect![[r#"
        exit 0
        pod/p is as it was
    "#]],
    );
    assert_eq!(bench.what_stands(), "original");
    assert_eq!(bench.namespace.config_maps(), Vec::<String>::new());
}

#[test]
fn two_at_once_are_one_after_the_other() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    bench.api.fail(Fault::Pause, is_creation);
    let first = bench.start(&["inject", "p", "--port", "80:8775"]);
    let held = bench.api.held();
    shows(
        &bench,
        &bench.resume(&["p"]),
        &expect![[r#"
        exit 1
        error: another kubectl ambassador is at work on pod/p
        hint: wait until it has ended
    "#]],
    );
    held.send(()).expect("it waits");
    assert_eq!(Bench::end(first).code, 0);
    assert_eq!(bench.what_stands(), "injected");
}

#[test]
fn a_signal_between_waits_for_a_pod() {
    let mut bench = Bench::new();
    for (index, signal) in ["-INT", "-TERM"].into_iter().enumerate() {
        bench.with_pod(&format!("p{index}"));
        bench.api.fail(Fault::Pause, is_creation);
        let child = bench.start(&["inject", &bench.pod, "--port", "80:8775"]);
        let held = bench.api.held();
        run(std::process::Command::new("kill").args([signal, &child.id().to_string()])).ok();
        held.send(()).expect("it waits");
        let output = Bench::end(child);
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.stderr.contains("was not injected: interrupted"), "{output:?}");
        assert_eq!(bench.what_stands(), "original");
    }
}

#[test]
fn without_a_place_for_the_journal_nothing_is_done() {
    let mut bench = Bench::new();
    bench.with_pod("p");
    let uid = bench.namespace.field("pod/p", "{.metadata.uid}");
    // A file where the folder should be.
    let place = bench.namespace.home.path().join("file");
    std::fs::write(&place, "").expect("written");
    let output = run(bench.command(&["inject", "p", "--port", "80:8775"]).env("XDG_STATE_HOME", &place));
    shows(
        &bench,
        &output,
        &expect![[r#"
        exit 1
        error: cannot write a backup of the pod to HOME/file/kubectl-ambassador/journal: Not a directory (os error 20)
        hint: without one nothing is changed; XDG_STATE_HOME chooses another place
    "#]],
    );
    assert_eq!(bench.namespace.field("pod/p", "{.metadata.uid}"), uid);
    assert_eq!(bench.namespace.config_maps(), Vec::<String>::new());
}
