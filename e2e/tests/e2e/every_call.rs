//! A server that is busy, that fails or that is not heard at any call, and this program killed at any change: it ends well,
//! or says truly how it ended, and the same command, or `resume`, finishes.

use e2e::bench::{Bench, side_by_side};
use e2e::faults::{Fault, Request};
use e2e::process::Output;
use serde_json::{Value, json};

use crate::recreate::pod;
use crate::workloads::workload;

/// What is changed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    InjectPod,
    UninjectPod,
    InjectDeployment,
    UninjectDeployment,
}

use Flow::{InjectDeployment, InjectPod, UninjectDeployment, UninjectPod};

impl Flow {
    /// How many changes it makes: ConfigMaps, the pod away and another one there, or the template, and the Service; then
    /// ConfigMaps away again.
    const fn changes(self) -> usize {
        match self {
            InjectPod | UninjectPod => 5,
            InjectDeployment | UninjectDeployment => 4,
        }
    }

    const fn is_pod(self) -> bool {
        matches!(self, InjectPod | UninjectPod)
    }

    const fn is_injection(self) -> bool {
        matches!(self, InjectPod | InjectDeployment)
    }

    pub(crate) fn args(self) -> Vec<&'static str> {
        let target = if self.is_pod() { "p" } else { "deploy/web" };
        if self.is_injection() {
            vec!["inject", target, "--port", "80:8775"]
        } else {
            vec!["uninject", target]
        }
    }
}

/// An object with a Service before it that has to be switched, as the flow needs it.
pub(crate) struct Stage {
    pub(crate) bench: Bench,
    flow: Flow,
    template: Value,
}

impl Stage {
    pub(crate) fn new(flow: Flow) -> Self {
        let bench = Bench::new();
        let mut object = if flow.is_pod() { pod("original") } else { workload("Deployment", "web") };
        if flow.is_pod() {
            object["metadata"]["labels"] = json!({"app": "web", "who": "original"});
        } else {
            object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1.into();
        }
        bench.create(&object);
        bench.create(&json!({
            "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8775}]},
        }));
        let mut stage = Self { bench, flow, template: Value::Null };
        stage.template = stage.template();
        if !flow.is_injection() {
            let target = flow.args()[1];
            stage.bench.run(&["inject", target, "--port", "80:8775"]).ok();
        }
        stage
    }

    fn template(&self) -> Value {
        self.bench.field("deployments/web", "/spec/template")
    }

    fn run(&self, args: &[&str]) -> Output {
        self.bench.run(&[&self.flow.args(), args].concat())
    }

    /// The pods that are there to stay, as whether each is injected.
    fn pods(&self) -> Vec<bool> {
        let pods = self.bench.field("pods", "/items");
        let stays = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        let pods = pods.as_array().into_iter().flatten().filter(stays);
        pods.map(|pod| !pod["spec"]["initContainers"].is_null()).collect()
    }

    /// That all of it is injected, or nothing.
    #[track_caller]
    pub(crate) fn is_whole(&self, is_injected: bool, story: &str) {
        let target = self.bench.field("services/web", "/spec/ports/0/targetPort");
        assert_eq!(target, if is_injected { 80 } else { 8775 }, "{story}");
        let maps = self.bench.config_maps();
        assert_eq!(maps.len(), if is_injected { 2 } else { 0 }, "{maps:?} {story}");
        if !self.flow.is_pod() {
            assert_eq!(self.template() == self.template, !is_injected, "{story}");
            self.bench.wait_until("old pods have gone", || self.pods().len() == 1);
        }
        assert_eq!(self.pods(), [is_injected], "{story}");
    }

    /// That what a command says is what is; or else, that it can be finished.
    #[track_caller]
    fn is_true(&self, output: &Output, story: &str) {
        let (before, after) = (!self.flow.is_injection(), self.flow.is_injection());
        match output.code {
            0 => self.is_whole(after, story),
            1 | 3 => self.is_whole(before, story),
            _ => {}
        }
        if matches!(output.code, 4 | -1) {
            let again = if self.bench.run(&["resume"]).stdout.is_empty() {
                self.run(&[])
            } else {
                self.bench.run(&["resume", "p"])
            };
            let story = format!("{story}\nthen {again:?}");
            assert_eq!(again.code, 0, "{story}");
            let is_injected = self.pods().contains(&true);
            assert!(is_injected == after || self.flow.is_pod(), "{story}");
            self.is_whole(is_injected, &story);
        }
    }
}

const FLOWS: [Flow; 4] = [InjectPod, UninjectPod, InjectDeployment, UninjectDeployment];

#[test]
fn a_call_that_fails_once_is_made_again() {
    // Each call fails by one of them, and by another one in the second run; what is waited for takes long, so only changes
    // are.
    let faults = [Fault::Answer(429), Fault::LostReply, Fault::Answer(500)];
    let all = FLOWS.into_iter().flat_map(|flow| [(flow, 0), (flow, 1)]);
    side_by_side(all, |(flow, offset)| {
        let stage = Stage::new(flow);
        stage.bench.api.fail_each_once(move |request| {
            if offset == 1 && request.is_change {
                return Some(Fault::Timeout);
            }
            // Whether there is a server at all is known after the first answer.
            faults.get((request.number + offset) % faults.len()).copied().filter(|_| request.number > 0)
        });
        let output = stage.run(&["--request-timeout=4s"]);
        let seen = stage.bench.api.heal();
        let story = format!("{flow:?} {offset}: {output:?} {} calls", seen.len());
        assert_eq!(output.code, 0, "{story}");
        stage.is_whole(flow.is_injection(), &story);
    });
}

#[test]
fn a_conflict_is_planned_for_anew() {
    side_by_side([UninjectPod, InjectDeployment, UninjectDeployment], |flow| {
        let stage = Stage::new(flow);
        let is_own = |request: &Request| request.is_change && !request.path.contains("/configmaps");
        stage.bench.api.fail_each_once(move |request| is_own(request).then_some(Fault::Answer(409)));
        let output = stage.run(&[]);
        stage.bench.api.heal();
        assert_eq!(output.code, 0, "{flow:?} {output:?}");
        stage.is_whole(flow.is_injection(), &format!("{flow:?} {output:?}"));
    });
}

/// Where something happens: before the change of this number is made, or after it.
fn points(flow: Flow) -> impl Iterator<Item = (Flow, usize, bool)> {
    // The one after which things are not as they were.
    let last = match flow {
        InjectPod => 3,
        InjectDeployment => 2,
        UninjectPod | UninjectDeployment => 1,
    };
    (0..flow.changes()).map(move |change| (flow, change, false)).chain([(flow, last, true)])
}

fn is_at(request: &Request, change: usize, is_after: bool) -> bool {
    if is_after { request.changes == change + 1 } else { request.changes == change && request.is_change }
}

#[test]
fn an_outage_is_told_as_it_is_and_what_it_left_is_finished() {
    side_by_side(FLOWS.into_iter().flat_map(points), |(flow, change, is_after)| {
        let stage = Stage::new(flow);
        stage.bench.api.fail_from(Fault::Answer(500), move |request| is_at(request, change, is_after));
        let output = stage.run(&["--timeout=4s"]);
        let seen = stage.bench.api.heal();
        let story = format!("{flow:?} change {change} {is_after}: {output:?}");
        assert!(seen.iter().any(|request| is_at(request, change, is_after)), "never got there: {story}");
        stage.is_true(&output, &story);
    });
}

#[test]
fn who_is_killed_at_any_change_of_a_deployment_runs_the_same_command_again() {
    side_by_side(
        [InjectDeployment, UninjectDeployment].into_iter().flat_map(points),
        |(flow, change, is_after)| {
            let stage = Stage::new(flow);
            stage.bench.api.fail(Fault::Pause, move |request| is_at(request, change, is_after));
            let output = stage.bench.killed(&flow.args());
            stage.bench.api.heal();
            let story = format!("{flow:?} change {change} {is_after}: {output:?}");
            assert_eq!(output.code, -1, "{story}");
            stage.is_true(&output, &story);
        },
    );
}
