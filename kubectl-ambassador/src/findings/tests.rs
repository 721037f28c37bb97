//! What is found about objects as a cluster or a manifest shows them.

mod cases;

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;
use crate::plan::{self, Options};
use crate::plugin::Plugin;
use crate::source;
use crate::workload::Kind;

const PORT: &str = "{listen: 80, target: 8775}";

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn pod(spec: &str) -> Value {
    yaml(&format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: fruit, namespace: shop, uid: u, labels: {{app: fruit}}}}, spec: {spec}}}"
    ))
}

fn deployment(more: &str, template: &str) -> Value {
    yaml(&format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web, namespace: shop, uid: u}},
          spec: {{{more} selector: {{matchLabels: {{app: web}}}},
            template: {{metadata: {{labels: {{app: web}}}}, spec: {template}}}}}}}"
    ))
}

fn world(text: &str) -> World {
    let mut world = World::default();
    for object in yaml(text).as_array().unwrap() {
        let list = match object["kind"].as_str().unwrap() {
            "Namespace" => &mut world.namespaces,
            "Pod" => &mut world.pods,
            "Service" => &mut world.services,
            "NetworkPolicy" => &mut world.network_policies,
            "HorizontalPodAutoscaler" => &mut world.autoscalers,
            "PodDisruptionBudget" => &mut world.budgets,
            "ResourceQuota" => &mut world.quotas,
            "LimitRange" => &mut world.limit_ranges,
            "ConfigMap" => &mut world.config_maps,
            other => panic!("{other}"),
        };
        list.push(object.clone());
    }
    world
}

struct Case<'a> {
    ports: &'a str,
    rules: &'a str,
    listening: Option<&'a [u16]>,
    permissions: Permissions,
}

const PLAIN: Case<'static> = Case {
    ports: PORT,
    rules: "",
    listening: None,
    permissions: Permissions {
        delete_emptydir_data: false,
        downgrade: false,
        loss: false,
        force: false,
        keep_services: false,
    },
};

impl Case<'_> {
    /// All that is found, but for what is said of every pod with a low port.
    fn found(&self, object: &Value, world: &World) -> String {
        let text = format!(
            "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: [{}]\n{}",
            self.ports, self.rules
        );
        let source = source::load("ambassador.yaml", text).unwrap();
        let template = Kind::of(object).unwrap().template;
        let options = Options {
            image: "envoy:1".to_owned(),
            config_map: plan::config_map_name(object, template, &source),
            ipv6: false,
            named_ports: true,
            mode: crate::plan::Mode::Native,
            resources: crate::plan::Asked::default(),
            is_guaranteed: false,
        };
        let plugin = Plugin::for_tests();
        let planned = plan::original(object, template)
            .and_then(|original| plan::inject(&original, template, &source, &plugin, &options))
            .ok();
        let subject = Subject {
            object,
            template,
            plan: planned.as_ref(),
            source: Some(&source),
            listening: self.listening,
            permissions: self.permissions,
        };
        let mut shown = String::new();
        for finding in all(&subject, world) {
            if matches!(finding.code, Code::LowPort | Code::Away)
                || finding.code == Code::RawPort && self.rules.is_empty()
            {
                continue;
            }
            let _ = writeln!(shown, "{}: {}", finding.severity.name(), finding.coded());
            if let Some(hint) = finding.hint {
                let _ = writeln!(shown, "hint: {hint}");
            }
        }
        shown
    }
}

#[track_caller]
fn check(object: &Value, around: &str, expected: &Expect) {
    expected.assert_eq(&PLAIN.found(object, &world(around)));
}

#[test]
fn what_is_said_of_every_pod() {
    let object = pod("{containers: [{name: a}], terminationGracePeriodSeconds: 5}");
    let source = source::load(
        "c",
        format!("apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec: {{ports: [{PORT}]}}\n"),
    )
    .unwrap();
    let subject = Subject {
        object: &object,
        template: "",
        plan: None,
        source: Some(&source),
        listening: None,
        permissions: Permissions::default(),
    };
    let lines: Vec<String> = all(&subject, &World::default()).iter().map(Finding::coded).collect();
    expect![[r#"
        pod/fruit is recreated: it is away for the up to 5 s that its programs take to end, and until the new one is ready [AMB021]
        port 80 is below 1024: the pod gets the sysctl net.ipv4.ip_unprivileged_port_start=0, which Pod Security allows [AMB032]
        port 8775 of pod/fruit stays reachable beside the ambassador [AMB034]"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_node_that_is_gone() {
    let nodes = |ready: &str| World {
        is_live: true,
        nodes: vec![yaml(&format!(
            "{{metadata: {{name: node-1}}, status: {{conditions: [{{type: Ready, status: '{ready}'}}]}}}}"
        ))],
        ..World::default()
    };
    let on = |node: &str| pod(&format!("{{containers: [{{name: a}}], nodeName: {node}}}"));
    assert_eq!(PLAIN.found(&on("node-1"), &nodes("True")), "");
    expect![[r#"
        error: pod/fruit is on node node-1, which is not ready: deleting the pod may take for ever [AMB012]
        hint: wait for the node, or delete the pod by hand
    "#]]
    .assert_eq(&PLAIN.found(&on("node-1"), &nodes("Unknown")));
    expect![[r#"
        error: pod/fruit is on node node-2, which is gone: deleting the pod may take for ever [AMB012]
        hint: wait for the node, or delete the pod by hand
    "#]]
    .assert_eq(&PLAIN.found(&on("node-2"), &nodes("True")));
    let hidden = Unseen {
        what: "node/node-2".to_owned(),
        right: "list node/node-2".to_owned(),
        why: None,
        namespaced: false,
    };
    let world = World { is_live: true, unseen: vec![hidden], ..World::default() };
    expect![[r#"
        info: not all could be looked at, since you may not: list node/node-2 [AMB082]
    "#]]
    .assert_eq(&PLAIN.found(&on("node-2"), &world));
}

#[test]
fn ports_that_network_policies_let_clients_in_to() {
    let object = deployment("", "{containers: [{name: a, ports: [{containerPort: 8775, name: http}]}]}");
    let policy = |ports: &str| {
        format!(
            "[{{kind: NetworkPolicy, metadata: {{name: p}}, spec: {{podSelector: {{}}, ingress: [{ports}]}}}}]"
        )
    };
    let open =
        |ports: &str| PLAIN.found(&object, &world(&policy(&format!("{{ports: [{ports}]}}")))).is_empty();
    for ports in ["", "{port: 80}", "{port: 1, endPort: 100}", "{protocol: TCP}", "{port: http}"] {
        assert!(open(ports), "{ports}");
    }
    for ports in ["{port: 81, endPort: 100}", "{port: 80, protocol: UDP}", "{port: metrics}"] {
        assert!(!open(ports), "{ports}");
    }
}

#[test]
fn targets_that_network_policies_let_the_ambassador_out_to() {
    let object = deployment("", "{containers: [{name: a}]}");
    let policy = |spec: &str| {
        format!("[{{kind: NetworkPolicy, metadata: {{name: p}}, spec: {{podSelector: {{}}, {spec}}}}}]")
    };
    let dns = "{ports: [{port: 53, protocol: UDP}]}";
    let lets_out = |target: &str, spec: &str| {
        let case = Case { ports: &format!("{{listen: '127.0.0.1:80', target: '{target}'}}"), ..PLAIN };
        case.found(&object, &world(&policy(spec))).is_empty()
    };
    let name = |rules: &str| lets_out("redis.data.svc:6379", &format!("egress: [{rules}]"));
    let address =
        |rules: &str| lets_out("10.1.2.3:6379", &format!("policyTypes: [Egress], egress: [{rules}]"));
    for rules in [
        "{}",
        "{ports: [{port: 6000, endPort: 7000}]}",
        "{ports: [{port: redis}]}",
        "{to: [{podSelector: {}}]}",
    ] {
        assert!(name(&format!("{rules}, {dns}")), "{rules}");
        assert!(address(rules), "{rules}");
    }
    for rules in ["{ports: [{port: 6379, protocol: UDP}]}", "{ports: [{port: 6380, endPort: 7000}]}", ""] {
        assert!(!name(format!("{rules}, {dns}").trim_start_matches(", ")), "{rules}");
        assert!(!address(rules), "{rules}");
    }
    // Only the target of an address can be held against a block.
    for (block, reaches) in [
        ("cidr: 10.0.0.0/8", true),
        ("cidr: 0.0.0.0/0", true),
        ("cidr: 10.1.2.3/32", true),
        ("cidr: 10.1.2.2/32", false),
        ("cidr: '::/0'", false),
        ("cidr: 10.0.0.0/8, except: [10.1.0.0/16]", false),
        ("cidr: nonsense", false),
    ] {
        let rule = format!("{{to: [{{ipBlock: {{{block}}}}}]}}");
        assert_eq!(address(&rule), reaches, "{block}");
        assert!(name(&format!("{rule}, {dns}")), "{block}");
    }
    assert!(lets_out("[fd00::7]:6379", "egress: [{to: [{ipBlock: {cidr: 'fd00::/8'}}]}]"));
    // What says nothing of going out does not hinder it.
    assert!(lets_out("10.1.2.3:6379", "ingress: []"));
    assert!(!lets_out("10.1.2.3:6379", "egress: []"));
}

#[test]
fn quotas_and_limit_ranges() {
    let quota = "[
        {kind: ResourceQuota, metadata: {name: full}, spec: {hard: {requests.cpu: '1', limits.memory: 2Gi, pods: '3', configmaps: '4', services: '0'}},
         status: {used: {requests.cpu: 900m, limits.memory: 600Mi, pods: '3', configmaps: '3'}}},
        {kind: ResourceQuota, metadata: {name: scoped}, spec: {hard: {pods: '0'}, scopes: [BestEffort]}},
    ]";
    let template = "{containers: [{name: a, resources: {requests: {cpu: 100m}, limits: {memory: 256Mi}}}]}";
    check(
        &deployment("replicas: 2,", template),
        quota,
        &expect![[r#"
            error: resourcequota/full has no room for one pod more, which the rollout begins with: 140m more requests.cpu are needed, and 900m of 1 are in use [AMB070]
            hint: strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without
            error: resourcequota/full has no room for one pod more, which the rollout begins with: 1 more pods are needed, and 3 of 3 are in use [AMB070]
            hint: strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without
            error: resourcequota/full has no room: 2 more configmaps are needed, and 3 of 4 are in use [AMB070]
            hint: ask for a larger quota, or free some of it
        "#]],
    );
    check(
        &deployment("strategy: {rollingUpdate: {maxSurge: 0}},", template),
        quota,
        &expect![[r#"
        error: resourcequota/full has no room: 2 more configmaps are needed, and 3 of 4 are in use [AMB070]
        hint: ask for a larger quota, or free some of it
    "#]],
    );
    // A quarter of four may be missing; of three, none.
    let pods = "[{kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: '4'}}, status: {used: {pods: '4'}}}]";
    check(
        &deployment("replicas: 4,", template),
        pods,
        &expect![[r#"
        warning: resourcequota/q may have no room for one pod more during the rollout: 1 more pods are needed, and 4 of 4 are in use [AMB070]
        hint: strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without
    "#]],
    );
    let none_missing = "replicas: 4, strategy: {rollingUpdate: {maxSurge: 50%, maxUnavailable: 24%}},";
    check(
        &deployment(none_missing, template),
        pods,
        &expect![[r#"
        error: resourcequota/q has no room for one pod more, which the rollout begins with: 1 more pods are needed, and 4 of 4 are in use [AMB070]
        hint: strategy.rollingUpdate with maxSurge: 0 and maxUnavailable: 1 does without
    "#]],
    );
    check(
        &pod(template),
        quota,
        &expect![[r#"
            error: resourcequota/full has no room for the old pod and the new one: 120m more requests.cpu are needed, and 900m of 1 are in use [AMB070]
            hint: the old pod is not taken out before the new one is known to fit, so there must be room for both
            error: resourcequota/full has no room for the old pod and the new one: 1 more pods are needed, and 3 of 3 are in use [AMB070]
            hint: the old pod is not taken out before the new one is known to fit, so there must be room for both
            error: resourcequota/full has no room: 2 more configmaps are needed, and 3 of 4 are in use [AMB070]
            hint: ask for a larger quota, or free some of it
        "#]],
    );
    let ranges = "[{kind: LimitRange, metadata: {name: r}, spec: {limits: [
        {type: Container, max: {cpu: '1', memory: 1Gi}, min: {memory: 128Mi}, maxLimitRequestRatio: {cpu: '10'}},
        {type: Pod, max: {memory: 600Mi}}, {type: PersistentVolumeClaim, max: {storage: 1Gi}}]}}]";
    check(
        &pod(template),
        ranges,
        &expect![[r#"
            error: limitrange/r does not allow what the ambassador needs: limits.cpu is 2, and at most 1 is allowed [AMB071]
            hint: --cpu-limit chooses less
            error: limitrange/r does not allow what the ambassador needs: limits.cpu is 100 times its request, and at most 10 times is allowed [AMB071]
            hint: --cpu-request and --cpu-limit choose others
            error: limitrange/r does not allow what the ambassador needs: requests.memory is 64Mi, and at least 128Mi is asked for [AMB071]
            hint: --memory-request chooses more
            error: limitrange/r does not allow what the pod with the ambassador needs: limits.memory is 768Mi, and at most 600Mi is allowed [AMB071]
            hint: --memory-limit chooses less
        "#]],
    );
}

#[test]
fn quotas_of_a_scope_matter_to_the_pods_that_they_count() {
    let (plain, sized) = ("{name: a}", "{name: a, resources: {limits: {cpu: '1'}}}");
    let found = |spec: &str, scope: &str| {
        let quota = format!(
            "[{{kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {{pods: '0', requests.memory: '0'}}, {scope}}}}}]"
        );
        let object = deployment("replicas: 2, strategy: {rollingUpdate: {maxSurge: 0}},", spec);
        PLAIN.found(&object, &world(&quota))
    };
    let [plain, sized] = [plain, sized].map(|container| format!("{{containers: [{container}]}}"));
    expect![[r#"
        error: resourcequota/q has no room: 2 more pods are needed, and 0 of 0 are in use [AMB070]
        hint: ask for a larger quota, or free some of it
        error: resourcequota/q has no room: 128Mi more requests.memory are needed, and 0 of 0 are in use [AMB070]
        hint: ask for a larger quota, or free some of it
    "#]].assert_eq(&found(&plain, "scopes: [NotBestEffort]"));
    expect![[r#"
        error: resourcequota/q has no room: 128Mi more requests.memory are needed, and 0 of 0 are in use [AMB070]
        hint: ask for a larger quota, or free some of it
    "#]].assert_eq(&found(&sized, "scopes: [NotBestEffort]"));
    let with = |more: &str| sized.replacen('{', &format!("{{{more}, "), 1);
    let (ends, high) = (with("activeDeadlineSeconds: 60"), with("priorityClassName: high"));
    let apart = with(
        "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{namespaces: [x]}]}}",
    );
    let select = |name: &str, how: &str| {
        format!("scopeSelector: {{matchExpressions: [{{scopeName: {name}, operator: {how}}}]}}")
    };
    for (pod, scope, is_counted) in [
        (&plain, "scopes: [BestEffort]".to_owned(), false),
        (&sized, "scopes: [BestEffort]".to_owned(), false),
        (&ends, "scopes: [Terminating]".to_owned(), true),
        (&ends, "scopes: [NotTerminating]".to_owned(), false),
        (&sized, "scopes: [Terminating]".to_owned(), false),
        (&sized, "scopes: [NotTerminating, NotBestEffort]".to_owned(), true),
        (&ends, "scopes: [NotTerminating, NotBestEffort]".to_owned(), false),
        (&high, select("PriorityClass", "In, values: [high]"), true),
        (&high, select("PriorityClass", "In, values: [low]"), false),
        (&high, select("PriorityClass", "NotIn, values: [low]"), true),
        (&high, select("PriorityClass", "Exists"), true),
        (&high, select("PriorityClass", "DoesNotExist"), false),
        (&sized, select("PriorityClass", "Exists"), false),
        (&apart, select("CrossNamespacePodAffinity", "Exists"), true),
        (&sized, select("CrossNamespacePodAffinity", "Exists"), false),
        (&sized, select("VolumeAttributesClass", "Exists"), false),
    ] {
        assert_eq!(!found(pod, &scope).is_empty(), is_counted, "{pod} {scope}");
    }
}

#[test]
fn pod_security_of_the_namespace() {
    let namespace = |level: &str| {
        format!(
            "[{{kind: Namespace, metadata: {{name: shop, labels: {{pod-security.kubernetes.io/enforce: {level}}}}}}}, {{kind: Namespace, metadata: {{name: other, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}}}]"
        )
    };
    let loose = pod(
        "{containers: [{name: a, securityContext: {privileged: true, capabilities: {add: [NET_ADMIN]}}, ports: [{containerPort: 1, hostPort: 1}]}], volumes: [{name: v, hostPath: {path: /}}], hostPID: true}",
    );
    check(&loose, &namespace("privileged"), &expect![[r#""#]]);
    check(
        &loose,
        &namespace("baseline"),
        &expect![[r#"
        error: the namespace enforces the Pod Security level baseline, which pod/fruit does not keep to: hostPID; volume v is a hostPath; container a: privileged; container a: capability NET_ADMIN; container a: hostPort 1 [AMB072]
        hint: the ambassador keeps to it; change the rest of the pod, or the level
    "#]],
    );
    check(&pod("{containers: [{name: a}]}"), &namespace("baseline"), &expect![""]);
    check(
        &pod("{containers: [{name: a}]}"),
        &namespace("restricted"),
        &expect![[r#"
        error: the namespace enforces the Pod Security level restricted, which pod/fruit does not keep to: container a: allowPrivilegeEscalation is not false; container a: capabilities are not dropped; container a: runAsNonRoot is not true; container a: seccompProfile is not set [AMB072]
        hint: the ambassador keeps to it; change the rest of the pod, or the level
    "#]],
    );
    // Who asks the server need not guess.
    let asked = World { is_asked: true, ..world(&namespace("restricted")) };
    assert_eq!(PLAIN.found(&loose, &asked), "");
    // Ours passes: what is said of the pod then is nothing.
    let tight = pod(
        "{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}",
    );
    check(&tight, &namespace("restricted"), &expect![""]);
}

#[test]
fn webhooks_that_see_new_pods() {
    let webhooks = yaml(
        "[{kind: MutatingWebhookConfiguration, metadata: {name: mesh}, webhooks: [{rules: [{apiGroups: [''], resources: [pods], operations: [CREATE]}], namespaceSelector: {matchLabels: {mesh: 'on'}}}]},
          {kind: MutatingWebhookConfiguration, metadata: {name: elsewhere}, webhooks: [{rules: [{apiGroups: [''], resources: [pods], operations: [CREATE]}], namespaceSelector: {matchLabels: {mesh: 'off'}}}]},
          {kind: ValidatingWebhookConfiguration, metadata: {name: policy}, webhooks: [{failurePolicy: Ignore, rules: [{apiGroups: ['*'], resources: ['*'], operations: ['*']}]}]},
          {kind: ValidatingWebhookConfiguration, metadata: {name: services}, webhooks: [{rules: [{apiGroups: [''], resources: [services], operations: [CREATE]}]}]}]",
    );
    let world = World {
        webhooks: webhooks.as_array().unwrap().clone(),
        namespaces: vec![yaml("{metadata: {name: shop, labels: {mesh: 'on'}}}")],
        ..World::default()
    };
    expect![[r#"
        info: mutatingwebhookconfiguration/mesh changes new pods here: it must leave restartPolicy of the ambassador as it is, and none are made while it is down [AMB073]
        info: validatingwebhookconfiguration/policy may refuse new pods here [AMB073]
    "#]].assert_eq(&PLAIN.found(&pod("{containers: [{name: a}]}"), &world));
}

#[test]
fn the_cluster_and_who_asks() {
    let world = World {
        minor: Some(28),
        missing_rights: vec!["create pods".to_owned(), "patch configmaps".to_owned()],
        refused: Some("admission webhook \"no\" denied the request".to_owned()),
        unseen: vec![
            Unseen {
                what: "networkpolicies".to_owned(),
                right: "list networkpolicies".to_owned(),
                why: None,
                namespaced: true,
            },
            Unseen {
                what: "services".to_owned(),
                right: "list services".to_owned(),
                why: None,
                namespaced: true,
            },
            Unseen {
                what: "limitranges".to_owned(),
                right: "list limitranges".to_owned(),
                why: Some("timed out".to_owned()),
                namespaced: true,
            },
            Unseen { what: "nodes".to_owned(), right: "list nodes".to_owned(), why: None, namespaced: false },
        ],
        ..World::default()
    };
    expect![[r#"
        error: the server would refuse it: admission webhook "no" denied the request [AMB074]
        error: in namespace shop you may not: create pods, patch configmaps [AMB080]
        hint: ask for a role that has these rights
        warning: the cluster is Kubernetes 1.28, which has no native sidecars [AMB081]
        hint: leave --sidecar to what the cluster can do: a plain container
        warning: not all could be looked at, since you may not: list networkpolicies, list services [AMB082]
        warning: limitranges could not be seen: timed out [AMB082]
        info: not all could be looked at, since you may not: list nodes [AMB082]
    "#]]
    .assert_eq(&PLAIN.found(&pod("{containers: [{name: a}]}"), &world));
}

#[test]
fn tools_that_manage_an_object() {
    let with = |metadata: &str| {
        let mut object = deployment("", "{containers: [{name: a}]}");
        let metadata = yaml(metadata);
        for (key, value) in metadata.as_object().unwrap() {
            object["metadata"][key] = value.clone();
        }
        PLAIN.found(&object, &World::default())
    };
    let shown: Vec<String> = [
        "{annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:shop/web'}}",
        "{labels: {argocd.argoproj.io/instance: shop}}",
        "{labels: {app.kubernetes.io/instance: shop}, managedFields: [{manager: argocd-controller}]}",
        "{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux-system}}",
        "{labels: {helm.toolkit.fluxcd.io/name: web, app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: web}}",
        "{managedFields: [{manager: kustomize-controller}]}",
        "{labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: web}}",
        "{managedFields: [{manager: helm}]}",
        // None of these is a mark.
        "{labels: {app.kubernetes.io/instance: shop, app.kubernetes.io/managed-by: kustomize}, managedFields: [{manager: kubectl-create}, {manager: helmsman}]}",
    ]
    .map(with)
    .to_vec();
    expect![[r#"
        error: deployment/web is managed by Argo CD (application shop), which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        error: deployment/web is managed by Argo CD (application shop), which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        error: deployment/web is managed by Argo CD (application shop), which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        error: deployment/web is managed by Flux (kustomization apps), which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        error: deployment/web is managed by Flux (helmrelease web), which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        error: deployment/web is managed by Flux, which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        error: deployment/web is managed by Helm (release web), which would undo the change, or find it in its way [AMB090]
        hint: change its source: let kubectl ambassador inject -f - be the post-renderer of helm upgrade; or change it here all the same with --force

        error: deployment/web is managed by Helm, which would undo the change, or find it in its way [AMB090]
        hint: change its source: let kubectl ambassador inject -f - be the post-renderer of helm upgrade; or change it here all the same with --force

    "#]].assert_eq(&shown.join("\n"));
}

#[test]
fn who_means_it_may_overrule_the_tools() {
    let mut object = deployment("", "{containers: [{name: a}]}");
    object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
    let forced = Case { permissions: Permissions { force: true, ..PLAIN.permissions }, ..PLAIN };
    expect![[r#"
        warning: deployment/web is managed by Flux (kustomization apps), which would undo the change, or find it in its way [AMB090]
    "#]].assert_eq(&forced.found(&object, &World::default()));
    // In a manifest the marks say only where it goes.
    object["metadata"].as_object_mut().unwrap().shift_remove("uid");
    assert_eq!(PLAIN.found(&object, &World::default()), "");
}

#[test]
fn what_looks_like_a_secret_is_named_and_never_shown() {
    let secrets = [
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "Bearer 0123456789abcdef0123",
        "{password: \\\"correct horse\\\"}",
        "{password: \\\"correct-horse\\\"}",
        "{token: $request.headers.token}",
        "Basic auth is not for us",
    ];
    let rules: String =
        secrets.iter().enumerate().fold("  rules:\n".to_owned(), |mut rules, (at, secret)| {
            let _ =
                writeln!(rules, "  - {{name: r{at}, response: {{headers: {{set: {{x-a: \"{secret}\"}}}}}}}}");
            rules
        });
    let case = Case { rules: &rules, ..PLAIN };
    let found = case.found(&deployment("", "{containers: [{name: a}]}"), &World::default());
    let shown: Vec<&str> = found.lines().filter(|line| line.contains("AMB091")).collect();
    expect![[r#"
        warning: line 6 of ambassador.yaml looks like a private key [AMB091]
        warning: line 7 of ambassador.yaml looks like an access key of AWS [AMB091]
        warning: line 8 of ambassador.yaml looks like a token [AMB091]
        warning: line 9 of ambassador.yaml looks like a JSON Web Token [AMB091]
        warning: line 10 of ambassador.yaml looks like credentials [AMB091]
        warning: line 12 of ambassador.yaml looks like a password [AMB091]"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn sizes_near_the_servers_limits() {
    let with = |bytes: usize| {
        let mut object = pod("{containers: [{name: a}]}");
        object["metadata"]["annotations"] = json!({"note": "x".repeat(bytes)});
        object
    };
    check(&with(200_000), "[]", &expect![""]);
    check(
        &with(250_000),
        "[]",
        &expect![[r#"
            warning: the annotations of pod/fruit would have 250421 bytes, and 262144 are allowed [AMB092]
        "#]],
    );
    check(
        &with(262_140),
        "[]",
        &expect![[r#"
            error: the annotations of pod/fruit would have 262561 bytes, and 262144 are allowed [AMB092]
        "#]],
    );
    let mut long = pod("{containers: [{name: a}]}");
    long["metadata"]["name"] = "n".repeat(240).into();
    check(
        &long,
        "[]",
        &expect![[r#"
        error: the name of the ConfigMap would have 258 characters, and 253 are allowed [AMB094]
        hint: choose a shorter one with --config-map NAME
    "#]],
    );
    // The longest that a Service or a container may be called.
    long["metadata"]["name"] = "n".repeat(63).into();
    check(&long, "[]", &expect![""]);
    let rules: String = (0..8).fold("  rules:\n".to_owned(), |mut rules, at| {
        let _ = writeln!(rules, "  - {{name: r{at}, response: {{jq: '\"{}\"'}}}}", "x".repeat(65_000));
        rules
    });
    let found = Case { rules: &rules, ..PLAIN }.found(&pod("{containers: [{name: a}]}"), &World::default());
    let shown: Vec<&str> = found.lines().filter(|line| line.contains("AMB093")).collect();
    expect!["warning: the config, with what is rendered from it, of pod/fruit would have 1047650 bytes, and 1048576 are allowed [AMB093]"].assert_eq(&shown.join("\n"));
}

#[test]
fn every_code_is_explained_and_nothing_else() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/checks.md")).unwrap();
    let sections: Vec<(&str, &str)> = docs
        .split("\n### ")
        .skip(1)
        .map(|section| section.split_once("\n**").expect("a title in bold"))
        .collect();
    let explained: Vec<String> = sections.iter().map(|(code, _)| (*code).to_owned()).collect();
    let codes: Vec<String> = Code::ALL.iter().map(Code::to_string).collect();
    assert_eq!(explained, codes);
    for (code, (_, text)) in Code::ALL.iter().zip(&sections) {
        assert!(
            text.starts_with(code.title()),
            "{code} is called `{}`, not `{}`",
            code.title(),
            text.split("**").next().unwrap_or_default()
        );
        let words = text.split("\n## ").next().unwrap_or_default().split_whitespace().count();
        assert!(words > 12, "{code} is explained in {words} words");
    }
}
