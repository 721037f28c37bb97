//! What an injection would do, and what is found about it, before anybody decides to do it: `inject` begins with it,
//! `check` and `diff` end with it.

use serde_json::Value;

use super::in_front::InFront;
use super::{
    ANOTHER_PORT, Args, RIGHTS, Sidecar, config_map_for, converted, discover, explain_pod,
    listening_of_others, replaced, workload,
};
use crate::admission;
use crate::annotation::Injected;
use crate::cluster::Cluster;
use crate::commands::change::missing_rights;
use crate::commands::target;
use crate::envoy::HEALTH_PORT;
use crate::failure::{Failure, Result};
use crate::findings::{self, Code, Finding, Subject, World};
use crate::plan::{self, Options, Plan, text};
use crate::plugin::{Plugin, Plugins};
use crate::rollout::Target;
use crate::rollout::services::Switch;
use crate::source::Source;
use crate::survey;
use crate::workload::name_of;

/// What would become of a bare pod.
pub(super) struct Prospect {
    pub(super) plan: Plan,
    pub(super) plugin: Plugin,
    pub(super) options: Options,
    pub(super) source: Source,
    /// How the port was found.
    pub(super) how: String,
    /// The pod as it can be created again.
    pub(super) old: Value,
    /// What it is injected with already.
    pub(super) injected: Option<Injected>,
    /// The Services in front of it.
    pub(super) in_front: InFront,
    pub(super) findings: Vec<Finding>,
    /// The form that our container takes.
    pub(super) sidecar: Sidecar,
}

/// What would become of an object, whatever it is.
pub(in crate::commands) struct Outlook {
    /// What messages call it.
    pub(in crate::commands) name: String,
    /// As it is.
    pub(in crate::commands) target: Target,
    /// What would be sent; `None` where that cannot be known.
    pub(in crate::commands) plan: Option<Plan>,
    /// Services that would be led elsewhere.
    pub(in crate::commands) switches: Vec<Switch>,
    /// All of them, the worst first.
    pub(in crate::commands) findings: Vec<Finding>,
}

impl Outlook {
    /// `shop/deployment/web`, for who looks at several namespaces.
    pub(in crate::commands) fn name_the_namespace(&mut self) {
        let full = format!("{}/{}", self.target.namespace(), self.name);
        for finding in self.findings.iter_mut().filter(|finding| finding.object == self.name) {
            finding.object.clone_from(&full);
        }
        self.name = full;
    }
}

/// Looks at an object as long as there is no plan for it.
pub(super) fn bare<'a>(args: &Args, object: &'a Value, template: &'a str) -> Subject<'a> {
    let permissions = args.permissions();
    Subject { object, template, plan: None, source: None, listening: None, permissions }
}

/// Plans a bare pod, and finds what can be found; nothing is refused yet.
pub(super) async fn of_pod(
    args: &Args,
    cluster: &Cluster,
    live: &Value,
    world: &mut World,
    from_file: Option<Source>,
    plugins: &Plugins,
) -> Result<Prospect> {
    let (shown, name) = (name_of(live), text(live, "/metadata/name"));
    let injected = Injected::of(live)?;
    let converted = converted(args, cluster, live, "").await?;
    let (source, how) = match from_file.or(converted) {
        Some(source) => (source, String::new()),
        None => discover::source(cluster, (&shown, name), live, injected.as_ref(), &args.source).await?,
    };
    source.refuse_health_port(HEALTH_PORT, ANOTHER_PORT)?;
    let old = plan::without_what_the_server_sets(live);
    let original = plan::original(&old, "")?;
    let sidecar = Sidecar::live(cluster, args.sidecar, (live, "", &shown)).await?;
    let options = Options {
        image: args.image.clone(),
        config_map: config_map_for(args, live, injected.as_ref(), &source),
        ipv6: plan::has_ipv6(live),
        named_ports: sidecar.named_ports(),
        mode: sidecar.mode(),
        resources: args.resources.over(injected.as_ref().map(|injected| &injected.resources))?,
        is_guaranteed: false,
    };
    let plugin = plugins.choose(&source.loaded.config)?;
    let replaced = replaced(args, injected.as_ref());
    let plan = plan::replace(&original, "", &source, &plugin, &options, replaced)?;
    let mut in_front = InFront::look(cluster, args.change.keep_services).await?;
    in_front.plan(&plan, &source);
    let listening = listening_of_others(cluster, live, injected.as_ref(), replaced.map(|_| &source)).await;
    world.config_maps.extend(cluster.config_map(&options.config_map).await?);
    let subject = Subject {
        plan: Some(&plan),
        source: Some(&source),
        listening: listening.as_deref(),
        ..bare(args, live, "")
    };
    let findings = findings::all(&subject, world);
    Ok(Prospect { plan, plugin, options, source, how, old, injected, in_front, findings, sidecar })
}

impl Args {
    /// What is meant, as it is.
    pub(in crate::commands) async fn find(&self) -> Result<(Cluster, Vec<Target>)> {
        let cluster = self.cluster.connect().await?.writing_as(&self.change.field_manager);
        let targets = target::resolve(&cluster, &self.target, &self.change.templates).await?;
        Ok((cluster, targets))
    }

    /// What would become of all that is meant, and all that is found about it. Nothing is changed.
    pub(in crate::commands) async fn outlook(&self) -> Result<(Cluster, Vec<Outlook>)> {
        let from_file = self.source.read()?;
        let plugins = Plugins::load(self.plugin_file.as_deref())?;
        let (cluster, targets) = self.find().await?;
        let mut outlooks = Vec::new();
        for target in targets {
            let cluster = cluster.within(target.namespace());
            let source = from_file.clone();
            outlooks.push(match target {
                Target::Pod(live) => self.outlook_of_pod(&cluster, live, source, &plugins).await?,
                Target::Workload(workload) => {
                    workload::outlook(self, &cluster, workload, source.as_ref(), &plugins).await?
                }
            });
        }
        Ok((cluster, outlooks))
    }

    async fn outlook_of_pod(
        &self,
        cluster: &Cluster,
        live: Value,
        from_file: Option<Source>,
        plugins: &Plugins,
    ) -> Result<Outlook> {
        let mut world = survey::around(cluster, &live).await;
        world.minor = Some(cluster.minor_version().await?);
        world.missing_rights = missing_rights(cluster, &RIGHTS).await?;
        let early = findings::all(&bare(self, &live, ""), &world);
        let may_create = !world.missing_rights.iter().any(|right| right == "create pods");
        let name = name_of(&live);
        match of_pod(self, cluster, &live, &mut world, from_file, plugins).await {
            Err(failure) => Ok(without_plan(name, Target::Pod(live), early, &failure)),
            Ok(prospect) => {
                let injected = &prospect.plan.injected;
                let asked = if may_create { Some(admission::ask(cluster, injected).await) } else { None };
                let is_done = prospect.plan.is_done(&live);
                let how = (&prospect.source, prospect.how.as_str());
                explain_pod(&name, is_done, how, &prospect.options, &prospect.plugin);
                prospect.sidecar.explain(&prospect.plan);
                prospect.in_front.explain();
                let switches = prospect.in_front.all();
                let findings = with_answer(prospect.findings, &name, asked);
                let target = Target::Pod(live);
                Ok(Outlook { name, target, plan: Some(prospect.plan), switches, findings })
            }
        }
    }
}

/// What keeps an object from being planned for is one more finding.
pub(super) fn without_plan(
    name: String,
    target: Target,
    mut findings: Vec<Finding>,
    failure: &Failure,
) -> Outlook {
    findings.push(Finding::of_failure(&name, failure));
    findings::sort(&mut findings);
    Outlook { name, target, plan: None, switches: Vec::new(), findings }
}

/// What the server itself has said takes the place of what was guessed.
pub(super) fn with_answer(
    mut findings: Vec<Finding>,
    name: &str,
    asked: Option<std::result::Result<(), String>>,
) -> Vec<Finding> {
    let Some(answer) = asked else { return findings };
    findings.retain(|finding| finding.code != Code::PodSecurity);
    let is_known = |why: &str| {
        why.contains("exceeded quota") && findings.iter().any(|finding| finding.code == Code::Quota)
    };
    if let Err(why) = answer
        && !is_known(&why)
    {
        findings.push(findings::refused(name, "the new pods", &why));
        findings::sort(&mut findings);
    }
    findings
}
