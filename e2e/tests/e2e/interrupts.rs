//! Ctrl-C and SIGTERM: the first is heeded where nothing is lost by it, the second ends the program at once.

use std::process::Child;

use e2e::bench::{Bench, side_by_side};
use e2e::faults::{Fault, Request};
use e2e::process::signal;
use expect_test::{Expect, expect};

use crate::recreate::{bench, pod, what_stands};
use crate::workloads::workload;

/// Runs a command, and sends these signals while the first call that is chosen is held.
#[track_caller]
fn check(
    bench: &Bench,
    args: &[&str],
    signals: &[&str],
    choice: impl Fn(&Request) -> bool + Send + 'static,
    expected: &Expect,
) {
    bench.api.fail(Fault::Pause, choice);
    let output = bench.held(args, |child: &mut Child| {
        for name in signals {
            signal(child, name);
            // Two of the same at once are one.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    });
    bench.api.heal();
    expected.assert_eq(&bench.told(&output));
}

#[test]
fn one_between_the_two_pods_waits_for_a_pod() {
    side_by_side(["-INT", "-TERM"], |signal| {
        let bench = bench();
        check(
            &bench,
            &["inject", "p", "--port", "80:8775"],
            &[signal],
            Request::is_creation,
            &expect![[r#"
                exit 3
                pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
                replacing pod/p ...
                interrupted: waiting until pod/p stands, to put the original back; interrupt again to stop at once
                pod/p did not come up, putting the original back ...
                error: pod/p was not injected: interrupted
                hint: the original pod is back and ready
            "#]],
        );
        assert_eq!(what_stands(&bench), "original");
        assert_eq!(bench.config_maps(), Vec::<String>::new());
    });
}

#[test]
fn a_second_one_stops_at_once_and_leaves_the_rest_to_resume() {
    side_by_side(["-INT", "-TERM"], |signal| {
        let bench = bench();
        // A rule that fails on every answer: the original is being put back when the signals come.
        let bad = ["inject", "p", "--port", "80:8775", "--jq", ".name"];
        let putting_back = |request: &Request| request.is_creation() && request.created == 1;
        check(
            &bench,
            &bad,
            &[signal, signal],
            putting_back,
            &expect![[r#"
            exit 4
            pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            warning: port 8775 of pod/p stays reachable beside the ambassador, without its rules [AMB034]
            replacing pod/p ...
            pod/p did not come up, putting the original back ...
            interrupted: putting the original of pod/p back; interrupt again to stop at once
            error: stopped at once: pod/p may be missing
            hint: to finish it: kubectl ambassador resume pod/p --namespace NAMESPACE; to put the original back: kubectl ambassador resume pod/p --namespace NAMESPACE --back
        "#]],
        );
        assert_eq!(bench.run(&["resume", "p", "--back"]).ok(), "pod/p is as it was\n");
        assert_eq!(what_stands(&bench), "original");
        assert_eq!(bench.config_maps(), Vec::<String>::new());
    });
}

#[test]
fn one_during_the_first_of_two_pods_leaves_the_second_as_it_is() {
    let bench = bench();
    let mut second = pod("original");
    second["metadata"]["name"] = "q".into();
    bench.create(&second);
    let two = ["inject", "p", "q", "--port", "80:8775"];
    check(
        &bench,
        &two,
        &["-INT"],
        |request| request.path.contains("/pods/p/portforward?"),
        &expect![[r#"
        exit 3
        pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        replacing pod/p ...
        interrupted: putting the original of pod/p back; interrupt again to stop at once
        pod/p did not come up, putting the original back ...
        not tried after that: pod/q
        error: pod/p was not injected: interrupted
        hint: the original pod is back and ready
    "#]],
    );
    assert_eq!(bench.run(&["inject", "p", "--port", "80:8775"]).ok(), "pod/p injected\n");
    // The first is done already, and nothing is changed of the second.
    check(
        &bench,
        &["uninject", "p", "q"],
        &["-INT"],
        |request| request.is_change && request.path.contains("/configmaps/"),
        &expect![[r#"
            exit 4
            pod/p uninjected
            replacing pod/p ...
            interrupted: finishing with pod/p first; interrupt again to stop at once
            done before that: pod/p
            not tried after that: pod/q
            error: interrupted
            hint: the same command again goes on with the rest
        "#]],
    );
    assert_eq!(what_stands(&bench), "original");
}

#[test]
fn a_rollback_that_is_stopped_at_once_is_taken_up_by_the_same_command() {
    let bench = Bench::new();
    bench.create(&workload("Deployment", "web"));
    // A rule that fails on every answer.
    let bad = ["inject", "deploy/web", "--port", "80:8775", "--jq", ".name"];
    let back = |request: &Request| request.is_patch() && request.patched == 1;
    check(
        &bench,
        &bad,
        &["-INT", "-TERM"],
        back,
        &expect![[r#"
        exit 4
        deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
        warning: port 8775 of deployment/web stays reachable beside the ambassador, without its rules [AMB034]
        rolling deployment/web back ...
        interrupted: deployment/web is being rolled back already; interrupt again to stop at once
        error: stopped at once: deployment/web is injected or not, in whatever state its rollout is
        hint: the same command again goes on with it
    "#]],
    );
    assert_eq!(bench.run(&["inject", "deploy/web", "--port", "80:8775"]).code, 0);
    assert_eq!(bench.config_maps().len(), 2);
    assert_eq!(bench.run(&["uninject", "deploy/web"]).code, 0);
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}
