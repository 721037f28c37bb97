//! Injects a live workload: plan, explain, ConfigMaps, pod template, rollout, Services, leftovers; in this order, each
//! step such that it can be done twice.

mod steps;

use serde_json::{Value, json};

use super::in_front::InFront;
use super::outlook::{Outlook, bare, with_answer, without_plan};
use super::{
    ANOTHER_PORT, Args, Sidecar, config_is_there, converted, discover, explain, listening_of_others, replaced,
};
use crate::admission;
use crate::annotation::{self, Injected};
use crate::cluster::{Cluster, Mode};
use crate::commands::change::{DryRun, missing_rights, refuse_missing_rights};
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::findings::{self, Finding, Subject, World};
use crate::leftovers;
use crate::output::{self, Outcome, say};
use crate::plan::{self, Class, Options, Plan, list, text};
use crate::plugin::{Plugin, Plugins};
use crate::rollout::{self, Course, End, Status, TRIES, Target, Workload};
use crate::source::{self, Source};
use crate::survey;

/// Injects it; whoever gets in between is planned with anew.
pub(super) async fn run(
    args: &Args,
    cluster: &Cluster,
    mut workload: Workload,
    from_file: Option<&Source>,
    plugins: &Plugins,
) -> Result<()> {
    let shown = workload.shown();
    for attempt in 0..TRIES {
        let found;
        let mut world = survey::around(cluster, &workload.object).await;
        // Who may not create pods cannot have the server look at one.
        world.is_asked = cluster.missing_rights(&[("create", "pods")]).await?.is_empty();
        findings::refuse(&findings::all(&bare(args, &workload.object, &workload.template), &world))?;
        let before = Injected::of(workload.pod()?)?;
        let pod = sample(cluster, &workload).await;
        let converted = converted(args, cluster, &workload.object, &workload.template).await?;
        let (source, how) = if let Some(source) = from_file.or(converted.as_ref()) {
            (source, "")
        } else {
            let names = (shown.as_str(), workload.name());
            found = discover::source(cluster, names, &pod, before.as_ref(), &args.source).await?;
            (&found.0, found.1.as_str())
        };
        source.refuse_health_port(HEALTH_PORT, ANOTHER_PORT)?;
        let plugin = &plugins.choose(&source.loaded.config)?;
        let step = Step {
            args,
            cluster,
            workload: &workload,
            before,
            pod: &pod,
            source,
            how,
            plugin,
            world: &world,
        };
        let planned = step.plan().await?;
        findings::refuse(&planned.findings)?;
        if planned.meanwhile_missing() && args.change.dry_run == DryRun::None {
            step.over_a_bridge(&planned).await?;
        } else if step.run(&planned, attempt == 0).await? != End::Contested {
            return Ok(());
        } else {
            say(&format!("{shown} was changed by somebody else meanwhile, planning again"));
        }
        workload = workload.again(cluster).await?;
    }
    Err(Failure::unchanged(format!(
        "{shown} was changed by somebody else {TRIES} times while it was planned for"
    ))
    .hint("find out who does that; a controller that manages it will not let go"))
}

/// One of its pods, as its template has it and as a running one is; by the template alone if none runs. Where an
/// ambassador is just being taken out, the ports of a pod that still has it say nothing about the next ones.
async fn sample(cluster: &Cluster, workload: &Workload) -> Value {
    let pods = rollout::pods(cluster, workload).await.unwrap_or_default();
    let has_it = |pod: &Value| pod.pointer(&annotation::pointer()).is_some();
    let is_in_template = workload.pod().is_ok_and(has_it);
    let running = pods.iter().filter(|pod| text(pod, "/status/phase") == "Running");
    let running = running.filter(|pod| is_in_template || !has_it(pod));
    let one = running.max_by_key(|pod| crate::verify::is_ready(pod)).cloned().unwrap_or_default();
    let mut pod = workload.pod().cloned().unwrap_or_default();
    pod["kind"] = "Pod".into();
    let name = if one.is_null() { workload.name() } else { text(&one, "/metadata/name") };
    pod["metadata"]["name"] = name.into();
    pod["status"] = one.get("status").cloned().unwrap_or_default();
    pod
}

/// What would become of it; nothing is changed.
pub(super) async fn outlook(
    args: &Args,
    cluster: &Cluster,
    workload: Box<Workload>,
    from_file: Option<&Source>,
    plugins: &Plugins,
) -> Result<Outlook> {
    let (name, live) = (workload.shown(), workload.object.clone());
    let mut world = survey::around(cluster, &live).await;
    world.minor = Some(cluster.minor_version().await?);
    let pod = sample(cluster, &workload).await;
    let early = findings::all(&bare(args, &live, &workload.template), &world);
    let planned = async {
        let before = Injected::of(workload.pod()?)?;
        let found;
        let converted = converted(args, cluster, &workload.object, &workload.template).await?;
        let (source, how) = if let Some(source) = from_file.or(converted.as_ref()) {
            (source, "")
        } else {
            let names = (name.as_str(), workload.name());
            found = discover::source(cluster, names, &pod, before.as_ref(), &args.source).await?;
            (&found.0, found.1.as_str())
        };
        source.refuse_health_port(HEALTH_PORT, ANOTHER_PORT)?;
        let plugin = &plugins.choose(&source.loaded.config)?;
        let workload = workload.as_ref();
        let step = Step { args, cluster, workload, before, pod: &pod, source, how, plugin, world: &world };
        let planned = step.plan().await?;
        step.explain(&planned, planned.plan.is_done(&live));
        let missing = missing_rights(cluster, &step.rights(&planned)).await?;
        let asked = step.ask(&planned, &missing).await?;
        Ok((planned, missing, asked))
    };
    match planned.await {
        Err(failure) => Ok(without_plan(name, Target::Workload(workload), early, &failure)),
        Ok((planned, missing, asked)) => {
            let mut findings = with_answer(planned.findings, &name, asked);
            findings.extend(findings::rights(&name, &cluster.namespace, &missing));
            findings::sort(&mut findings);
            let switches = planned.in_front.all();
            let target = Target::Workload(workload);
            Ok(Outlook { name, target, plan: Some(planned.plan), switches, findings })
        }
    }
}

/// One attempt.
struct Step<'a> {
    args: &'a Args,
    cluster: &'a Cluster,
    workload: &'a Workload,
    before: Option<Injected>,
    pod: &'a Value,
    source: &'a Source,
    how: &'a str,
    plugin: &'a Plugin,
    world: &'a World,
}

struct Planned {
    plan: Plan,
    options: Options,
    in_front: InFront,
    findings: Vec<Finding>,
    sidecar: Sidecar,
}

impl Planned {
    fn meanwhile_missing(&self) -> bool {
        !self.in_front.switches.missing_meanwhile.is_empty()
    }

    /// Whether the workload has this very pod template already.
    fn is_in(&self, workload: &Workload) -> bool {
        self.plan.is_done(&workload.object) && self.plan.leaves_the_rest(&workload.object)
    }

    fn injected(&self) -> &Value {
        self.plan.injected.pointer(&self.plan.template).unwrap_or(&Value::Null)
    }
}

impl Step<'_> {
    fn replaced(&self) -> Option<&str> {
        replaced(self.args, self.before.as_ref())
    }

    async fn plan(&self) -> Result<Planned> {
        let (cluster, workload) = (self.cluster, self.workload);
        let template = &workload.template;
        let original = plan::original(&workload.object, template)?;
        let mut in_front = InFront::look(cluster, self.args.change.keep_services).await?;
        let config_map = self.args.config_map.clone();
        let shown = workload.shown();
        let sidecar = Sidecar::live(cluster, self.args.sidecar, (&workload.object, template, &shown)).await?;
        let options = Options {
            image: self.args.image.clone(),
            config_map: config_map.unwrap_or_else(|| plan::config_map_name(&original, template, self.source)),
            ipv6: self.has_ipv6(&in_front.services),
            mode: sidecar.mode(),
            named_ports: sidecar.named_ports(),
            resources: self.args.resources.over(self.before.as_ref().map(|before| &before.resources))?,
            is_guaranteed: text(self.pod, "/status/qosClass") == Class::Guaranteed.name(),
        };
        let mut plan =
            plan::replace(&original, template, self.source, self.plugin, &options, self.replaced())?;
        in_front.plan(&plan, self.source);
        let findings = self.findings(&plan).await?;
        self.own(&mut plan.config_map, &options).await?;
        Ok(Planned { plan, options, in_front, findings, sidecar })
    }

    async fn findings(&self, plan: &Plan) -> Result<Vec<Finding>> {
        let listening = listening_of_others(
            self.cluster,
            self.pod,
            self.before.as_ref(),
            self.replaced().map(|_| self.source),
        )
        .await;
        let mut world = self.world.clone();
        let config_map = text(&plan.config_map, "/metadata/name");
        world.config_maps.extend(self.cluster.config_map(config_map).await?);
        let subject = Subject {
            plan: Some(plan),
            source: Some(self.source),
            listening: listening.as_deref(),
            ..bare(self.args, &self.workload.object, &self.workload.template)
        };
        Ok(findings::all(&subject, &world))
    }

    /// The ConfigMap with the config goes with the workload, and with all others that own it already.
    async fn own(&self, map: &mut Value, options: &Options) -> Result<()> {
        let name = &options.config_map;
        let there = self.cluster.config_map(name).await?.unwrap_or_default();
        let same = there.is_null() || there.get("data") == map.get("data");
        if self.args.config_map.is_some() && !same && leftovers::is_used(self.cluster, name).await? {
            return Err(Failure::unchanged(format!(
                "configmap/{name} is in use with another config, which running pods would take up at once"
            ))
            .hint("choose another name, or none: the name then goes with the config"));
        }
        let mut owners = list(&there, "/metadata/ownerReferences").to_vec();
        let own = self.workload.as_owner();
        if !owners.iter().any(|owner| owner.get("uid") == own.get("uid")) {
            owners.push(own);
        }
        map["metadata"]["ownerReferences"] = Value::Array(owners);
        map["metadata"]["annotations"][leftovers::PLUGIN] = self.plugin.config_map().into();
        Ok(())
    }

    /// As its pods have it; without pods, as the Services in front of them.
    fn has_ipv6(&self, services: &[Value]) -> bool {
        let family = |service: &Value| list(service, "/spec/ipFamilies").contains(&json!("IPv6"));
        let no_pod = list(self.pod, "/status/podIPs").is_empty();
        plan::has_ipv6(self.pod) || no_pod && services.iter().any(family)
    }

    /// Says what happens, and does it, as far as that is wanted.
    async fn run(&self, planned: &Planned, is_first: bool) -> Result<End> {
        let plan = &planned.plan;
        let there = planned.is_in(self.workload);
        let complete = there && config_is_there(self.cluster, plan).await?;
        if complete && self.is_rolled_out() && !planned.in_front.has_to_switch(self.cluster).await? {
            if self.args.change.dry_run == DryRun::None {
                // Somebody may have been killed before.
                self.remove_old_config_maps(&planned.options).await?;
            }
            return self.done(planned, Outcome::Unchanged, End::Done);
        }
        if is_first {
            self.explain(planned, there);
            findings::warn(&planned.findings);
        }
        if self.args.change.dry_run == DryRun::Client {
            return self.done(planned, Outcome::DryRun("injected"), End::Done);
        }
        if is_first {
            self.prove(planned).await?;
        }
        if self.args.change.dry_run == DryRun::Server {
            return self.done(planned, Outcome::ServerDryRun("injected"), End::Done);
        }
        let end = self.carry_out(planned, there).await?;
        if end == End::Contested {
            return Ok(end);
        }
        self.remove_old_config_maps(&planned.options).await?;
        self.done(planned, Outcome::Done("injected"), end)
    }

    fn is_rolled_out(&self) -> bool {
        let later = matches!(rollout::course(self.workload), Course::Later(_));
        later || !matches!(rollout::status(&self.workload.object), Status::Going(_) | Status::Stuck(_))
    }

    fn explain(&self, planned: &Planned, there: bool) {
        let shown = self.workload.shown();
        let first = if there {
            format!("{shown} has it in its pod template already:")
        } else {
            format!("{shown} gets the container {}, {}:", plan::CONTAINER, planned.options.image)
        };
        explain(&first, self.source, self.how, &planned.options, self.plugin);
        planned.sidecar.explain(&planned.plan);
        for name in moved_names(planned.injected()) {
            say(&format!(
                "  the port name {name} goes to the ambassador, and Services that ask for it with it"
            ));
        }
        planned.in_front.explain();
        if planned.meanwhile_missing() {
            say("  in two rollouts: first with the ports that Services lead to until then");
        }
    }

    /// Everything that can be known to fail before anything is changed.
    async fn prove(&self, planned: &Planned) -> Result<()> {
        let cluster = self.cluster;
        refuse_missing_rights(cluster, &self.rights(planned)).await?;
        cluster.apply_config_map(&planned.plan.plugin, Mode::DryRun).await?;
        cluster.apply_config_map(&planned.plan.config_map, Mode::DryRun).await?;
        let put = self.workload.put(cluster, planned.injected(), Mode::DryRun).await;
        put.map_err(|failure| findings::refusal(failure.message()))?;
        rollout::prove(cluster, &planned.in_front.all()).await?;
        // What the workload may say, its pods may not be allowed to be: Pod Security, quotas, webhooks.
        if !cluster.missing_rights(&[("create", "pods")]).await?.is_empty() {
            return Ok(());
        }
        match admission::ask(cluster, &self.one_pod(planned.injected())).await {
            Ok(()) => Ok(()),
            // It may have room for it when an old pod has gone.
            Err(why) if why.contains("exceeded quota") => {
                // Who sees the quotas has been told whether that matters.
                if self.world.quotas.is_empty() {
                    say(&format!("warning: there is no room for one pod more: {why}"));
                }
                Ok(())
            }
            Err(why) => Err(findings::failure(&findings::refused("", "the new pods", &why))),
        }
    }

    fn one_pod(&self, template: &Value) -> Value {
        let mut pod = template.clone();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = admission::name_like(self.workload.name()).into();
        pod["metadata"]["namespace"] = text(&self.workload.object, "/metadata/namespace").into();
        pod
    }

    fn rights(&self, planned: &Planned) -> Vec<(&'static str, String)> {
        let resource = self.workload.resource.in_rights();
        let mut rights = vec![("get", resource.clone()), ("patch", resource)];
        let always = [
            ("get", "pods"),
            ("list", "pods"),
            ("list", "replicasets.apps"),
            ("get", "configmaps"),
            ("create", "configmaps"),
            ("patch", "configmaps"),
            ("delete", "configmaps"),
        ];
        let services = super::SERVICE_RIGHTS.into_iter().filter(|_| planned.in_front.is_concerned());
        rights.extend(always.into_iter().chain(services).map(|(verb, resource)| (verb, resource.to_owned())));
        rights
    }

    /// What the server says to a dry run, as far as one may ask; an error is what it says against it.
    async fn ask(
        &self,
        planned: &Planned,
        missing: &[String],
    ) -> Result<Option<std::result::Result<(), String>>> {
        if !missing.iter().any(|right| right.starts_with("patch ")) {
            let put = self.workload.put(self.cluster, planned.injected(), Mode::DryRun).await;
            if let Err(failure) = put {
                return Ok(Some(Err(failure.message().to_owned())));
            }
        }
        if !self.cluster.missing_rights(&[("create", "pods")]).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(match admission::ask(self.cluster, &self.one_pod(planned.injected())).await {
            // That has a finding of its own, which knows what a rollout needs.
            Err(why) if why.contains("exceeded quota") => Ok(()),
            answer => answer,
        }))
    }

    /// Clients use a port of the old ambassador until their Service is switched, and the new one has not that port: so
    /// a rollout comes between whose pods have both, and the Service is switched there.
    async fn over_a_bridge(&self, planned: &Planned) -> Result<()> {
        let missing = &planned.in_front.switches.missing_meanwhile;
        let list: Vec<String> = missing.iter().map(|(listen, _)| listen.to_string()).collect();
        if !self.args.change.wait {
            return Err(Failure::unchanged(format!(
                "Services lead to port {} of {}, which the new port map has not: that takes two rollouts, and the first \
                 has to be waited for",
                list.join(", "),
                self.workload.shown()
            ))
            .hint("leave out --wait=false, or keep the port in the port map"));
        }
        say(&format!(
            "{}: Services lead to port {}, which the new port map has not, so it is rolled out twice: first with both",
            self.workload.shown(),
            list.join(", ")
        ));
        let source = source::with_ports(self.source, missing)?;
        let bridge = Step { source: &source, before: self.before.clone(), ..*self };
        let planned = bridge.plan().await?;
        bridge.prove(&planned).await?;
        let there = planned.is_in(self.workload);
        match bridge.carry_out(&planned, there).await? {
            End::Contested => Ok(()),
            End::Later => Err(Failure::unchanged(format!(
                "{} does not replace its pods now, so its Services cannot be led to another port",
                self.workload.shown()
            ))
            .hint("replace its pods, then run this again; or keep the port in the port map")),
            End::Done => bridge.remove_old_config_maps(&planned.options).await,
        }
    }

    fn done(&self, planned: &Planned, outcome: Outcome, end: End) -> Result<End> {
        let workload = plan::without_server_fields(&planned.plan.injected);
        let objects = [&planned.plan.plugin, &planned.plan.config_map, &workload];
        output::told(&objects, &self.workload.printed(), outcome, &self.args.change.output)?;
        Ok(end)
    }
}

/// The names that ports of the legacy program have lost to ours.
fn moved_names(pod: &Value) -> Vec<String> {
    let injected = Injected::of(pod).ok().flatten();
    let originals = injected.map(|injected| injected.originals).unwrap_or_default();
    let names =
        originals.iter().filter(|(pointer, _)| pointer.contains("/ports/") && pointer.ends_with("/name"));
    names.filter_map(|(_, name)| name.as_str().map(str::to_owned)).collect()
}
