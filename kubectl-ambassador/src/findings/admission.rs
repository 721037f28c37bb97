//! What admission would say to the new pods: quotas, LimitRanges, and what the server itself said to a dry run.

mod scope;

use serde_json::Value;

use super::{Code, Finding, Subject, World};
use crate::plan::{self, list, text};
use crate::quantity::{parse, print, read};

pub(super) fn find(subject: &Subject<'_>, world: &World) -> Vec<Finding> {
    let mut found = Vec::new();
    // Where all is as it is to be, no pod is made.
    let is_done = subject.plan.is_some_and(|plan| plan.is_done(subject.object));
    if let Some(planned) = subject.planned().filter(|_| !is_done) {
        found.extend(world.quotas.iter().flat_map(|quota| quota_full(subject, quota, planned)));
        found.extend(world.limit_ranges.iter().flat_map(|range| out_of_range(subject, range, planned)));
    }
    if let Some(why) = &world.refused {
        found.push(subject.error(Code::Refused, format!("the server would refuse it: {why}")));
    }
    found
}

fn ours(planned: &Value) -> Option<&Value> {
    ["/spec/initContainers", "/spec/containers"]
        .iter()
        .flat_map(|kind| list(planned, kind))
        .find(|container| text(container, "/name") == plan::CONTAINER)
}

/// `requests.cpu` of a container.
fn amount(container: &Value, kind: &str, resource: &str) -> Option<i128> {
    let resources = container.pointer(&format!("/resources/{kind}"))?;
    read(resources.get(resource)?)
}

/// Of all containers that run at a time: the others of init end before the pod runs.
fn whole_pod(pod: &Value, kind: &str, resource: &str) -> i128 {
    let sidecars =
        list(pod, "/spec/initContainers").iter().filter(|one| text(one, "/restartPolicy") == "Always");
    let all = list(pod, "/spec/containers").iter().chain(sidecars);
    all.filter_map(|container| amount(container, kind, resource)).sum()
}

fn quota_full(subject: &Subject<'_>, quota: &Value, planned: &Value) -> Vec<Finding> {
    if !scope::counts(quota, planned) {
        return Vec::new();
    }
    let is_counted = scope::counts(quota, subject.pod());
    let Some(hard) = quota.pointer("/spec/hard").and_then(Value::as_object) else { return Vec::new() };
    let mut found = Vec::new();
    for (what, limit) in hard {
        let (Some(limit), Some(needed)) =
            (limit.as_str().and_then(parse), needed(subject, planned, what, is_counted))
        else {
            continue;
        };
        let used = quota.pointer("/status/used").and_then(|used| used.get(what)).and_then(Value::as_str);
        let used = used.and_then(parse).unwrap_or_default();
        let more = format!(
            "{} more {what} are needed, and {} of {} are in use",
            print(needed.for_good + needed.meanwhile),
            print(used),
            print(limit)
        );
        let name = text(quota, "/metadata/name");
        if used + needed.for_good > limit {
            let message = format!("resourcequota/{name} has no room: {more}");
            let hint = "ask for a larger quota, or free some of it";
            found.push(subject.error(Code::Quota, message).hint(hint));
        } else if used + needed.for_good + needed.meanwhile > limit {
            found.push(no_room_meanwhile(subject, &format!("resourcequota/{name}"), &more));
        }
    }
    found
}

/// There is room for the new pods, but not as long as old ones are there too.
fn no_room_meanwhile(subject: &Subject<'_>, quota: &str, more: &str) -> Finding {
    if subject.is_pod() {
        let message = format!("{quota} has no room for the old pod and the new one: {more}");
        return subject.error(Code::Quota, message).hint(
            "the old pod is not taken out before the new one is known to fit, so there must be room for both",
        );
    }
    let hint = "strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without";
    match rolling(subject.object) {
        // No old pod goes before a new one is there.
        Some(Rolling { unavailable: 0, .. }) => subject
            .error(
                Code::Quota,
                format!("{quota} has no room for one pod more, which the rollout begins with: {more}"),
            )
            .hint(hint),
        _ => subject
            .warning(
                Code::Quota,
                format!("{quota} may have no room for one pod more during the rollout: {more}"),
            )
            .hint(hint),
    }
}

/// How much more of something there will be.
#[derive(Debug, Clone, Copy, Default)]
struct Needed {
    /// As long as the object is injected.
    for_good: i128,
    /// On top of that, while a pod is replaced: that of a Deployment starts before the old one ends, unless it is told not
    /// to; a bare pod has to fit beside the old one before that is deleted.
    meanwhile: i128,
}

/// `is_counted`: whether the quota counts the pods as they are, too.
fn needed(subject: &Subject<'_>, planned: &Value, what: &str, is_counted: bool) -> Option<Needed> {
    const ONE: i128 = 1_000_000_000;
    let is_new = crate::annotation::Injected::of(subject.pod()).ok()?.is_none();
    let both = subject.is_pod() && is_counted
        || rolling(subject.object).is_some_and(|Rolling { surge, .. }| surge > 0);
    let replicas = i128::from(replicas(subject.object));
    // Of what pods are or have: each one as it will be, and how much more that is than now.
    let of_pods = |each: i128, more: i128| Needed {
        for_good: more * replicas,
        meanwhile: if both { each - more } else { 0 },
    };
    let (kind, resource) = match what {
        "cpu" | "memory" => ("requests", what),
        "configmaps" | "count/configmaps" => {
            return is_new.then_some(Needed { for_good: 2 * ONE, meanwhile: 0 });
        }
        "pods" | "count/pods" => return Some(of_pods(ONE, if is_counted { 0 } else { ONE })),
        _ => what.split_once('.').filter(|(kind, _)| matches!(*kind, "requests" | "limits"))?,
    };
    let each = whole_pod(planned, kind, resource);
    let has = |pod| ours(pod).and_then(|ours| amount(ours, kind, resource)).unwrap_or_default();
    let more = if is_counted { (has(planned) - has(subject.pod())).max(0) } else { each };
    Some(of_pods(each, more))
}

/// How a Deployment replaces its pods.
struct Rolling {
    /// How many there may be on top.
    surge: u32,
    /// How many may be missing.
    unavailable: u32,
}

fn rolling(object: &Value) -> Option<Rolling> {
    let rolls = text(object, "/kind") == "Deployment" && text(object, "/spec/strategy/type") != "Recreate";
    let replicas = replicas(object);
    let share = |field: &str, rounded_up: bool| {
        let said = object.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
        if let Some(number) = said.and_then(Value::as_u64) {
            return u32::try_from(number).unwrap_or(u32::MAX);
        }
        let percent =
            said.and_then(Value::as_str).unwrap_or("25%").trim_end_matches('%').parse().unwrap_or(25);
        let hundredths = replicas.saturating_mul(percent);
        if rounded_up { hundredths.div_ceil(100) } else { hundredths / 100 }
    };
    rolls.then(|| Rolling { surge: share("maxSurge", true), unavailable: share("maxUnavailable", false) })
}

fn replicas(object: &Value) -> u32 {
    let said = ["/spec/replicas", "/status/desiredNumberScheduled", "/spec/parallelism"];
    let number = said.iter().find_map(|pointer| object.pointer(pointer)).and_then(Value::as_u64);
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(1)
}

fn out_of_range(subject: &Subject<'_>, range: &Value, planned: &Value) -> Vec<Finding> {
    let Some(ours) = ours(planned) else { return Vec::new() };
    let name = text(range, "/metadata/name");
    let mut found = Vec::new();
    for item in list(range, "/spec/limits") {
        let of_pod = match text(item, "/type") {
            "Pod" => true,
            "Container" => false,
            _ => continue,
        };
        let has = |kind: &str, resource: &str| {
            if of_pod { Some(whole_pod(planned, kind, resource)) } else { amount(ours, kind, resource) }
        };
        let who = if of_pod { "the pod with the ambassador" } else { "the ambassador" };
        let mut say = |what: String, hint: String| {
            let message = format!("limitrange/{name} does not allow what {who} needs: {what}");
            found.push(subject.error(Code::LimitRange, message).hint(hint));
        };
        for resource in ["cpu", "memory"] {
            let bound = |bound: &str| {
                item.pointer(&format!("/{bound}/{resource}")).and_then(Value::as_str).and_then(parse)
            };
            let (requests, limits) = (has("requests", resource), has("limits", resource));
            if let (Some(max), Some(limits)) =
                (bound("max"), limits.filter(|&limits| Some(limits) > bound("max")))
            {
                say(
                    format!("limits.{resource} is {}, and at most {} is allowed", print(limits), print(max)),
                    format!("--{resource}-limit chooses less"),
                );
            }
            if let (Some(min), Some(requests)) =
                (bound("min"), requests.filter(|&requests| Some(requests) < bound("min")))
            {
                say(
                    format!(
                        "requests.{resource} is {}, and at least {} is asked for",
                        print(requests),
                        print(min)
                    ),
                    format!("--{resource}-request chooses more"),
                );
            }
            if let (Some(ratio), Some(requests), Some(limits)) =
                (bound("maxLimitRequestRatio"), requests.filter(|&requests| requests > 0), limits)
                && limits > requests.saturating_mul(ratio) / 1_000_000_000
            {
                say(
                    format!(
                        "limits.{resource} is {} times its request, and at most {} times is allowed",
                        limits / requests,
                        print(ratio)
                    ),
                    format!("--{resource}-request and --{resource}-limit choose others"),
                );
            }
        }
    }
    found
}
