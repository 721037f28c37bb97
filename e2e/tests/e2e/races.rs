//! Two at once at one Deployment: one is held in the middle, the other one does all that it has to do, the first goes on.
//! One of them wins, whole, and the other one says so.

use std::process::Command;

use e2e::bench::{Bench, side_by_side};
use e2e::faults::{Fault, Request};
use e2e::process::run;
use e2e::provided;
use expect_test::{Expect, expect};

use crate::every_call::Flow::{self, InjectDeployment, UninjectDeployment};
use crate::every_call::Stage;

/// It was sent, and its pods are waited for.
fn is_followed(request: &Request) -> bool {
    request.method == "GET" && request.patched > 0
}

fn kubectl(bench: &Bench, args: &[&str]) {
    let mut command = Command::new("kubectl");
    command
        .args(args)
        .args(["--namespace", &bench.namespace])
        .env("KUBECONFIG", provided("AMBASSADOR_KUBECONFIG"));
    run(&mut command).ok();
}

fn inject(bench: &Bench) {
    bench.run(&["inject", "deploy/web", "--port", "80:8775", "--jq", "."]).ok();
}

fn uninject(bench: &Bench) {
    bench.run(&["uninject", "deploy/web"]).ok();
}

fn restart(bench: &Bench) {
    kubectl(bench, &["rollout", "restart", "deploy/web"]);
}

fn change(bench: &Bench) {
    kubectl(bench, &["set", "env", "deploy/web", "COLOUR=red"]);
}

/// The first command, where it is held, what happens meanwhile, whether there is an ambassador in the end, and what the
/// first one says.
type Race = (Flow, fn(&Request) -> bool, fn(&Bench), bool, Expect);

#[test]
fn one_wins_whole_and_the_other_says_so() {
    side_by_side(races(), |(flow, choice, meanwhile, is_injected, expected)| {
        let stage = Stage::new(flow);
        stage.bench.api.fail(Fault::Pause, choice);
        let output = stage.bench.held(&flow.args(), |_| meanwhile(&stage.bench));
        expected.assert_eq(&stage.bench.told(&output));
        stage.is_whole(is_injected, &format!("{output:?}"));
    });
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn races() -> [Race; 8] {
    [
        (
            InjectDeployment,
            Request::is_patch,
            inject,
            true,
            expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            deployment/web was changed by somebody else meanwhile, planning again
            deployment "web" successfully rolled out
        "#]],
        ),
        (
            InjectDeployment,
            Request::is_patch,
            uninject,
            true,
            expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            deployment "web" successfully rolled out
            service/web: targetPort 8775 -> 80
        "#]],
        ),
        (
            InjectDeployment,
            Request::is_patch,
            restart,
            true,
            expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            deployment/web was changed by somebody else meanwhile, planning again
            deployment "web" successfully rolled out
            service/web: targetPort 8775 -> 80
        "#]],
        ),
        (
            InjectDeployment,
            is_followed,
            inject,
            true,
            expect![[r#"
            exit 4
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            error: deployment/web was injected, but somebody else has changed that before its pods were new
            hint: agree with them, then run this again
        "#]],
        ),
        (
            InjectDeployment,
            is_followed,
            uninject,
            false,
            expect![[r#"
            exit 4
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            error: deployment/web was injected, but somebody else has changed that before its pods were new
            hint: agree with them, then run this again
        "#]],
        ),
        (
            InjectDeployment,
            is_followed,
            change,
            true,
            expect![[r#"
            exit 0
            deployment.apps/web injected
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
            deployment "web" successfully rolled out
            service/web: targetPort 8775 -> 80
        "#]],
        ),
        (
            UninjectDeployment,
            Request::is_patch,
            inject,
            false,
            expect![[r#"
            exit 0
            deployment.apps/web uninjected
            deployment/web loses the container envoy-ambassador
            service/web: targetPort 80 -> 8775
            deployment/web was changed by somebody else meanwhile, planning again
            service/web: targetPort 80 -> 8775
            deployment "web" successfully rolled out
        "#]],
        ),
        (
            UninjectDeployment,
            is_followed,
            inject,
            true,
            expect![[r#"
                exit 4
                deployment/web loses the container envoy-ambassador
                service/web: targetPort 80 -> 8775
                error: deployment/web was uninjected, but somebody else has changed that before its pods were new
                hint: agree with them, then run this again
            "#]],
        ),
    ]
}
