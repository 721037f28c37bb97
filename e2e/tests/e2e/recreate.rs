//! A bare pod is never lost: at each call of its replacement the API server fails, or this program is killed, or somebody
//! else takes the name. After `resume` there is exactly one pod, the original, the injected, or somebody else's.

use e2e::bench::{Bench, side_by_side};
use e2e::faults::{Fault, Request};
use e2e::process::{Output, run};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

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

/// With a pod `p` that the lab's program runs in, and that goes at once when it is told to.
pub(crate) fn bench() -> Bench {
    with_grace(0)
}

/// With such a pod that takes its time to go.
fn with_grace(seconds: u32) -> Bench {
    let (bench, mut pod) = (Bench::new(), pod("original"));
    pod["spec"]["terminationGracePeriodSeconds"] = seconds.into();
    bench.create(&pod);
    bench
}

pub(crate) fn pod(who: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"who": who}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "legacy", "image": "linuxacademycontent/legacy-fruit-service:1"}],
        },
    })
}

/// Runs a command, with this event at the first call that is chosen.
fn change(
    bench: &Bench,
    args: &[&str],
    event: Event,
    choice: impl Fn(&Request) -> bool + Send + 'static,
) -> Output {
    let output = match event {
        Event::Fail(fault) => {
            bench.api.fail(fault, choice);
            // A request that is slow must not be taken for one that is lost.
            let limit = if fault == Fault::Timeout { "3s" } else { "40s" };
            bench.run(&[args, &["--request-timeout", limit]].concat())
        }
        Event::Kill => {
            bench.api.fail(Fault::Pause, choice);
            bench.killed(args)
        }
        Event::Foreign => {
            bench.api.fail(Fault::Pause, choice);
            bench.held(args, |_| {
                bench.delete("pods/p");
                bench.wait_until("it has gone", || bench.get("pods/p").is_none());
                bench.create(&pod("somebody-else"));
            })
        }
    };
    bench.api.heal();
    output
}

/// Whose pod stands there: `original`, `injected` or `somebody-else`.
pub(crate) fn what_stands(bench: &Bench) -> String {
    let pod = bench.get("pods/p").unwrap_or_default();
    assert_eq!(pod["metadata"]["deletionTimestamp"], Value::Null);
    let who = if pod["spec"]["initContainers"].is_null() {
        &pod["metadata"]["labels"]["who"]
    } else {
        &json!("injected")
    };
    who.as_str().unwrap_or_default().to_owned()
}

/// An event at one call of a command.
fn check(name: &str, command: &[&str], event: Event, choice: fn(&Request) -> bool) {
    // Where it goes is seen by its going slowly; else that would be waited for only.
    let bench = with_grace(u32::from(name.contains("deleted") || name.contains("to go")));
    let (before, after) =
        if command[0] == "inject" { ("original", "injected") } else { ("injected", "original") };
    // One that is still starting changes all the time, and so is asked for more often than the steps count on.
    bench.wait_ready("p");
    if before == "injected" {
        bench.run(&GOOD).ok();
    }
    let output = change(&bench, command, event, choice);
    let resumed = bench.run(&["resume", "p"]);
    let stands = what_stands(&bench);
    let story = format!("{name}: {event:?}: {stands}\n{output:?}\n{resumed:?}");
    if event == Event::Foreign {
        assert_eq!(stands, "somebody-else", "{story}");
        assert!(matches!(output.code, 1 | 4), "{story}");
    } else {
        assert!(["original", "injected"].contains(&stands.as_str()), "{story}");
        assert!(bench.run(&["resume"]).stdout.is_empty(), "something is left unfinished: {story}");
    }
    // What it says is what is.
    match output.code {
        0 => assert_eq!(stands, after, "{story}"),
        1 | 3 if event != Event::Foreign => assert_eq!(stands, before, "{story}"),
        4 => assert!(output.stderr.contains("kubectl ambassador resume pod/p"), "{story}"),
        -1 => assert_eq!(event, Event::Kill, "{story}"),
        _ => {}
    }
    if stands == "original" {
        assert_eq!(bench.config_maps(), Vec::<String>::new(), "{story}");
    }
}

/// A port that answers.
const GOOD: [&str; 4] = ["inject", "p", "--port", "80:8775"];
/// A rule that fails on every answer, so that the original is put back.
const BAD: [&str; 6] = ["inject", "p", "--port", "80:8775", "--jq", ".name"];
/// Another one.
const OTHER: [&str; 4] = ["inject", "p", "--port", "8080:8775"];
const BACK: [&str; 2] = ["uninject", "p"];

fn is_config(request: &Request) -> bool {
    request.is_change && request.path.contains("/configmaps/")
}

/// A command, and which of its calls something happens at.
type Step = (&'static [&'static str], fn(&Request) -> bool);

const STEPS: [(&str, Step); 9] = [
    ("while ConfigMaps are applied", (&GOOD, is_config)),
    ("while the pod is deleted", (&GOOD, Request::is_deletion)),
    (
        "while it is waited for to go",
        (&GOOD, |request| request.is_look() && request.deleted == 1 && request.created == 0),
    ),
    ("while the new pod is created", (&GOOD, Request::is_creation)),
    ("while the new pod comes up", (&GOOD, |request| request.is_look() && request.created == 1)),
    ("while the new pod is deleted again", (&BAD, |request| request.is_deletion() && request.deleted == 1)),
    ("while the original is created again", (&BAD, |request| request.is_creation() && request.created == 1)),
    ("while an uninjected pod is deleted", (&BACK, Request::is_deletion)),
    ("while an uninjected pod is created", (&BACK, Request::is_creation)),
];

#[test]
fn whatever_happens_at_any_step_one_pod_stands() {
    // Those that take longest come first.
    let all = STEPS.iter().rev().flat_map(|step| EVENTS.iter().map(move |event| (step, *event)));
    side_by_side(all, |((name, (command, choice)), event)| check(name, command, event, *choice));
}

#[test]
fn a_busy_server_is_asked_again_and_a_refusal_is_heeded() {
    let cells = [
        (429, 0, "injected"),
        (500, 0, "injected"),
        (503, 0, "injected"),
        (409, 0, "injected"),
        (422, 3, "original"),
    ];
    side_by_side(cells, |(code, exit, stands)| {
        let bench = bench();
        let output = change(&bench, &GOOD, Event::Fail(Fault::Answer(code)), Request::is_creation);
        assert_eq!(output.code, exit, "{code}: {output:?}");
        assert_eq!(what_stands(&bench), stands, "{code}");
    });
}

#[test]
fn a_credential_that_expires_midway_leads_to_resume() {
    let bench = bench();
    bench.wait_ready("p");
    bench.api.fail_from(Fault::Answer(401), |request| request.deleted == 1);
    shows(
        &bench,
        &bench.run(&["inject", "p", "--port", "80:8775", "--context", "faulty"]),
        &expect![[r#"
            exit 4
            pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            replacing pod/p ...
            error: the pod may be missing: cannot read pod/p: refused by the test
            hint: once the cluster answers again: kubectl ambassador resume pod/p --namespace NAMESPACE --context=faulty; the pod's body is in HOME/.local/state/kubectl-ambassador/journal/p-HASH.json
        "#]],
    );
    bench.api.heal();
    assert_eq!(bench.run(&["resume", "p"]).ok(), "pod/p injected\n");
    assert_eq!(what_stands(&bench), "injected");
}

#[test]
fn nobody_has_to_listen() {
    let bench = bench();
    let mut child = bench.start(&["inject", "p", "--port", "80:8775"]);
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert_eq!(what_stands(&bench), "injected");
}

#[test]
fn the_journal_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = bench();
    assert_eq!(change(&bench, &GOOD, Event::Kill, Request::is_creation).code, -1);
    let folder = bench.home.path().join(".local/state/kubectl-ambassador/journal");
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).expect("a folder") {
        assert_eq!(mode(&file.expect("a file").path()), 0o600);
    }
    assert_eq!(bench.run(&["resume", "p"]).code, 0);
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
}

#[test]
fn a_full_disk_stops_it_before_anything_changes() {
    let bench = bench();
    let uid = bench.field("pods/p", "/metadata/uid");
    // No file may grow, which the program is told by an error, as of a full disk.
    let script = r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#;
    let inject = bench.command(&["inject", "p", "--port", "80:8775"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(inject.get_program()).args(inject.get_args());
    command
        .envs(inject.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env_remove("XDG_STATE_HOME");
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
    assert_eq!(bench.field("pods/p", "/metadata/uid"), uid);
    assert_eq!(bench.config_maps(), Vec::<String>::new());
    shows(
        &bench,
        &bench.run(&["resume"]),
        &expect![[r#"
        exit 0
        nothing was left unfinished
    "#]],
    );
}

#[track_caller]
fn shows(bench: &Bench, output: &Output, expected: &Expect) {
    expected.assert_eq(&bench.told(output));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told to its end")]
fn what_a_person_is_told() {
    let bench = bench();
    shows(
        &bench,
        &bench.run(&["resume"]),
        &expect![[r#"
        exit 0
        nothing was left unfinished
    "#]],
    );
    shows(
        &bench,
        &bench.run(&["resume", "p"]),
        &expect![[r#"
        exit 1
        error: nothing to resume for pod/p in namespace NAMESPACE
        hint: `kubectl ambassador resume` lists what there is, in all namespaces and clusters
    "#]],
    );
    let killed = change(&bench, &GOOD, Event::Kill, Request::is_creation);
    assert_eq!(killed.code, -1);
    shows(
        &bench,
        &bench.run(&["resume"]),
        &expect![[r#"
            exit 0
            pod/p in namespace NAMESPACE of http://SERVER/, not injected yet: kubectl ambassador resume pod/p --namespace NAMESPACE
        "#]],
    );
    // Neither goes on as if nothing were.
    shows(
        &bench,
        &bench.run(&["inject", "p"]),
        &expect![[r#"
        exit 1
        error: an earlier change of pod/p was left unfinished
        hint: finish it first: kubectl ambassador resume pod/p --namespace NAMESPACE
    "#]],
    );
    shows(
        &bench,
        &bench.run(&["uninject", "pod/p"]),
        &expect![[r#"
        exit 1
        error: an earlier change of pod/p was left unfinished
        hint: finish it first: kubectl ambassador resume pod/p --namespace NAMESPACE
    "#]],
    );
    shows(
        &bench,
        &bench.run(&["resume", "pod/p"]),
        &expect![[r#"
        exit 0
        pod/p injected
        pod/p is missing, creating it ...
    "#]],
    );
    assert_eq!(what_stands(&bench), "injected");
    // Over an injected pod, back means the injection that was there.
    let refused = change(&bench, &OTHER, Event::Fail(Fault::Answer(403)), Request::is_creation);
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
    assert_eq!(bench.field("pods/p", "/spec/initContainers/0/ports/0/containerPort"), 80);
    let killed = change(&bench, &OTHER, Event::Kill, Request::is_creation);
    assert_eq!(killed.code, -1);
    shows(
        &bench,
        &bench.run(&["resume", "p", "--back"]),
        &expect![[r#"
        exit 0
        pod/p is as it was
        pod/p is missing, creating the original ...
    "#]],
    );
    assert_eq!(bench.field("pods/p", "/spec/initContainers/0/ports/0/containerPort"), 80);
    // Somebody else's pod stays, and nothing is lost.
    let foreign = change(&bench, &OTHER, Event::Foreign, Request::is_creation);
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
        &bench.run(&["resume", "p"]),
        &expect![[r#"
        exit 4
        error: another pod/p has taken the name meanwhile, and is left alone
        hint: the original is in HOME/.local/state/kubectl-ambassador/journal/p-HASH.json; once the name is free: kubectl ambassador resume pod/p --namespace NAMESPACE; to forget it: kubectl ambassador resume pod/p --namespace NAMESPACE --forget
    "#]],
    );
    let forgotten = bench.run(&["resume", "p", "--forget"]);
    assert!(forgotten.stdout.contains("envoy-ambassador"), "{forgotten:?}");
    assert_eq!(what_stands(&bench), "somebody-else");
}

#[test]
fn without_rollback_a_person_decides() {
    let bench = bench();
    let args = ["inject", "p", "--port", "80:8775", "--jq", ".name", "--no-rollback"];
    shows(
        &bench,
        &bench.run(&args),
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
        &bench.run(&["resume", "p", "--back"]),
        &expect![[r#"
        exit 0
        pod/p is as it was
    "#]],
    );
    assert_eq!(what_stands(&bench), "original");
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}

#[test]
fn two_at_once_are_one_after_the_other() {
    let bench = bench();
    bench.api.fail(Fault::Pause, Request::is_creation);
    let first = bench.held(&GOOD, |_| {
        shows(
            &bench,
            &bench.run(&["resume", "p"]),
            &expect![[r#"
                exit 1
                error: another kubectl ambassador is at work on pod/p
                hint: wait until it has ended
            "#]],
        );
    });
    assert_eq!(first.code, 0);
    assert_eq!(what_stands(&bench), "injected");
}

#[test]
fn without_a_place_for_the_journal_nothing_is_done() {
    let bench = bench();
    let uid = bench.field("pods/p", "/metadata/uid");
    // A file where the folder should be.
    let place = bench.home.path().join("file");
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
    assert_eq!(bench.field("pods/p", "/metadata/uid"), uid);
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}
