//! `check` on a real cluster, and what inject refuses by the same findings.

use e2e::kube::Namespace;
use e2e::process::{Output, run};
use e2e::provided;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::workloads::{create, workload};

/// The namespace's name is another one each time, and hashes go with the compiler.
pub(crate) fn shown(namespace: &Namespace, output: &Output) -> String {
    let text = format!("exit {}\n{}{}", output.code, output.stdout, output.stderr);
    let text = text.replace(&namespace.name, "NAMESPACE");
    // Which flavour of the plugin it is says `flavours.rs`.
    let hash = r"(ambassador-(?:plugin|config))-[0-9a-f]{8,12}(?: \(plugin [a-zA-Z ]+\))?";
    regex_lite::Regex::new(hash).expect("a pattern").replace_all(&text, "$1-HASH").into_owned()
}

#[track_caller]
fn expect_output(namespace: &Namespace, output: &Output, expected: &Expect) {
    expected.assert_eq(&shown(namespace, output));
}

pub(crate) fn apply(namespace: &Namespace, yaml: &str) {
    let file = namespace.home.path().join("apply.yaml");
    // What begins with a brace would be read as JSON.
    std::fs::write(&file, format!("---\n{yaml}")).expect("written");
    namespace.kubectl(&["apply", "-f", &file.to_string_lossy()]).ok();
}

/// `kubectl ambassador` by another kubeconfig: that of dev, who has the rights that the namespace gives, or of an admin, who
/// may see the whole cluster.
fn by(variable: &str, namespace: &Namespace, args: &[&str]) -> Output {
    let mut command = namespace.command(&provided("AMBASSADOR_CLI"));
    run(command.env("KUBECONFIG", provided(variable)).args(args).args(["--namespace", &namespace.name]))
}

fn as_dev(namespace: &Namespace, args: &[&str]) -> Output {
    by("AMBASSADOR_DEV_KUBECONFIG", namespace, args)
}

/// A deployment. It has no pods, so nobody has to wait for them: what is found is about its template.
pub(crate) fn deployment(namespace: &Namespace) {
    let mut web = workload("Deployment", "web");
    web["spec"]["replicas"] = 0.into();
    create(namespace, &web);
}

/// How commands ended, one after the other.
#[track_caller]
fn expect_all(namespace: &Namespace, outputs: &[Output], expected: &Expect) {
    let all: Vec<String> = outputs.iter().map(|output| shown(namespace, output)).collect();
    expected.assert_eq(&all.join("\n"));
}

const AROUND: &str = "
apiVersion: v1
kind: Service
metadata: {name: by-number}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8775}]}
---
apiVersion: v1
kind: Service
metadata: {name: by-name}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-raw}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8775}]}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tight}
spec: {hard: {configmaps: '2'}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: Container, max: {memory: 256Mi}}]}
";

#[test]
fn all_that_would_go_wrong_is_said_before_anything_is_touched() {
    let namespace = Namespace::new();
    deployment(&namespace);
    apply(&namespace, AROUND);
    namespace.wait_until("the quota is counted", || {
        namespace.field("resourcequota/tight", "{.status.used.configmaps}") == "1"
    });
    let check = |args: &[&str]| namespace.ambassador(&[&["check", "deploy/web", "--jq", "."], args].concat());
    expect_output(
        &namespace,
        &check(&[]),
        &expect![[r#"
            exit 1
            Errors
              AMB070  deployment/web: resourcequota/tight has no room: 2 more configmaps are needed, and 1 of 2 are in use
                      hint: ask for a larger quota, or free some of it
              AMB071  deployment/web: limitrange/small does not allow what the ambassador needs: limits.memory is 512Mi, and at most 256Mi is allowed
                      hint: --memory-limit chooses less
              AMB074  deployment/web: the cluster would refuse the new pods: pods "web-ambassador" is forbidden: maximum memory usage per Container is 256Mi, but limit is 512Mi

            Warnings
              AMB034  port 8775 of deployment/web stays reachable beside the ambassador, without its rules
                      hint: if that matters, close the port by a NetworkPolicy
              AMB050  deployment/web: networkpolicy/only-raw lets clients in to port 8775, but not to the ambassador's port 80
                      hint: add port 80 to its ingress
              AMB060  deployment/web: horizontalpodautoscaler/web scales by the cpu of whole pods, which the ambassador's will be part of
                      hint: to scale by the program alone: type: ContainerResource, container: legacy

            Info
              AMB032  deployment/web: port 80 is below 1024: the pod gets the sysctl net.ipv4.ip_unprivileged_port_start=0, which Pod Security allows
              AMB040  deployment/web: port 80 of service/by-name follows the name http to the ambassador's port 80
              AMB041  deployment/web: port 80 of service/by-number has the targetPort 8775: it becomes 80 once all pods have it
              AMB056  deployment/web: the readinessProbe of container legacy asks the port http, whose name becomes the ambassador's: it will ask 8775
              AMB082  deployment/web: not all could be looked at, since you may not: get namespaces, list mutatingwebhookconfigurations.admissionregistration.k8s.io, list validatingwebhookconfigurations.admissionregistration.k8s.io
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
              port 80 -> 8775 (declared by container legacy)
              1 rule
              configmaps web-ambassador-config-HASH and ambassador-plugin-HASH
              the port name http goes to the ambassador, and Services that ask for it with it
              service/by-number: targetPort 8775 -> 80, once all pods have it
        "#]],
    );
    assert_eq!(check(&["--fail-on=never"]).code, 0);
    let json: Value = serde_json::from_str(&check(&["-o", "json"]).stdout).expect("JSON");
    let first = &json[0];
    expect![[r#"
        {
          "code": "AMB070",
          "title": "A quota has no room",
          "severity": "error",
          "object": "deployment/web",
          "message": "resourcequota/tight has no room: 2 more configmaps are needed, and 1 of 2 are in use",
          "hint": "ask for a larger quota, or free some of it",
          "docs": "docs/checks.md#amb070"
        }"#]]
    .assert_eq(&format!("{first:#}"));
    let codes = check(&["-o", "name"]).stdout;
    expect![[r#"
        AMB070 deployment/web
        AMB071 deployment/web
        AMB074 deployment/web
        AMB034 deployment/web
        AMB050 deployment/web
        AMB060 deployment/web
        AMB032 deployment/web
        AMB040 deployment/web
        AMB041 deployment/web
        AMB056 deployment/web
        AMB082 deployment/web
    "#]]
    .assert_eq(&codes);

    // The same stops inject, and nothing is changed.
    let before = namespace.field("deployment/web", "{.metadata.generation}");
    expect_output(
        &namespace,
        &namespace.ambassador(&["inject", "deploy/web", "--jq", "."]),
        &expect![[r#"
            exit 1
            error: resourcequota/tight has no room: 2 more configmaps are needed, and 1 of 2 are in use [AMB070]
            hint: ask for a larger quota, or free some of it
            error: limitrange/small does not allow what the ambassador needs: limits.memory is 512Mi, and at most 256Mi is allowed [AMB071]
            hint: --memory-limit chooses less
        "#]],
    );
    assert_eq!(namespace.field("deployment/web", "{.metadata.generation}"), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());

    // What was in the way has gone: what is left are warnings.
    namespace.kubectl(&["delete", "resourcequota/tight", "limitrange/small"]).ok();
    assert_eq!(check(&[]).code, 0);
    assert_eq!(check(&["--fail-on=warning"]).code, 1);
}

#[test]
fn a_quota_of_a_scope_and_a_policy_on_the_way_out() {
    let namespace = Namespace::new();
    let quota = |name: &str, scopes: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: {name}}}, spec: {{hard: {{pods: '0'}}, {scopes}}}}}\n"
        )
    };
    let high =
        "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}";
    let policy = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, spec: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 6000, endPort: 6378}]}]}}\n";
    let quotas = [
        quota("sized", "scopes: [NotBestEffort]"),
        quota("short", "scopes: [Terminating]"),
        quota("high", high),
    ];
    apply(&namespace, &format!("{}{policy}", quotas.concat()));
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: a, image: 'radial/busyboxplus:curl', command: [sleep, '3600']}]}}\n";
    apply(&namespace, pod);
    let config = namespace.home.path().join("out.yaml");
    std::fs::write(&config, "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec: {ports: [{listen: '127.0.0.1:6379', target: '10.1.2.3:6379', protocol: tcp}]}\n").expect("written");
    let config = config.to_string_lossy();
    let text = shown(&namespace, &namespace.ambassador(&["check", "p", "-c", &config]));
    let told: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.contains("quota/") || line.contains("AMB074") || line.contains("AMB05"))
        .collect();
    // The server, which is asked too, counts the same pods.
    expect![[r#"
          AMB070  pod/p: resourcequota/sized has no room: 1 more pods are needed, and 0 of 0 are in use
          AMB051  pod/p: networkpolicy/p does not let the ambassador out to 10.1.2.3:6379, where port 127.0.0.1:6379 leads"#]].assert_eq(&told.join("\n"));
}

#[test]
fn all_reasons_against_a_pod_are_named_at_once() {
    let namespace = Namespace::new();
    apply(
        &namespace,
        "{apiVersion: v1, kind: Pod, metadata: {name: p, finalizers: [example.com/hold]}, spec: {
            terminationGracePeriodSeconds: 0, hostNetwork: true, shareProcessNamespace: true,
            containers: [{name: envoy-ambassador, image: 'docker.io/envoyproxy/envoy:distroless-v1.40.0', command: [envoy, --version]}],
            volumes: [{name: scratch, emptyDir: {}}]}}",
    );
    let inject = namespace.ambassador(&["inject", "p", "--port", "80:8775"]);
    let release = [
        "patch",
        "pod",
        "p",
        "--type=json",
        "--patch",
        r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#,
    ];
    namespace.kubectl(&release).ok();
    expect_output(
        &namespace,
        &inject,
        &expect![[r#"
        exit 1
        error: pod/p has the finalizer example.com/hold, so it cannot be recreated at once [AMB004]
        hint: what has set the finalizer must let go of the pod first
        error: pod/p uses its node's network, where the ambassador's ports would be the node's [AMB005]
        error: pod/p has a container of a name that the ambassador needs, envoy-ambassador, but was not injected [AMB008]
        hint: give the container another name
        error: pod/p has data in the emptyDir volume scratch, which recreating it would delete [AMB020]
        hint: allow that with --delete-emptydir-data
    "#]],
    );
}

#[test]
fn what_could_not_be_told_is_no_answer() {
    let namespace = Namespace::new();
    deployment(&namespace);
    expect_all(
        &namespace,
        &[
            namespace.ambassador(&["check", "deploy/none"]),
            as_dev(&namespace, &["check", "deploy/web"]),
            as_dev(&namespace, &["diff", "deploy/web"]),
            namespace.ambassador(&["check"]),
        ],
        &expect![[r#"
            exit 2
            error: deployment.apps "none" not found in namespace NAMESPACE
            hint: -n NAME chooses another namespace

            exit 2
            error: cannot read deployment.apps/web: deployments.apps "web" is forbidden: User "dev" cannot get resource "deployments" in API group "apps" in the namespace "NAMESPACE"
            hint: ask for the rights that the message names; `kubectl auth can-i --list` shows yours

            exit 2
            error: cannot read deployment.apps/web: deployments.apps "web" is forbidden: User "dev" cannot get resource "deployments" in API group "apps" in the namespace "NAMESPACE"
            hint: ask for the rights that the message names; `kubectl auth can-i --list` shows yours

            exit 2
            error: nothing to check is named
            hint: name an object (TYPE/NAME), manifests (-f FILE), or a config (-c FILE)
        "#]],
    );
}

#[test]
fn who_may_only_read_is_told_what_is_missing() {
    let namespace = Namespace::new();
    deployment(&namespace);
    let role = [
        "create",
        "role",
        "reader",
        "--verb=get,list",
        "--resource=pods,deployments.apps,services,configmaps",
    ];
    namespace.kubectl(&role).ok();
    namespace.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--user=dev"]).ok();
    expect_output(
        &namespace,
        &as_dev(&namespace, &["check", "deploy/web"]),
        &expect![[r#"
            exit 1
            Errors
              AMB080  deployment/web: in namespace NAMESPACE you may not: patch deployments.apps, list replicasets.apps, create configmaps, patch configmaps, delete configmaps
                      hint: ask for a role that has these rights

            Warnings
              AMB082  deployment/web: not all could be looked at, since you may not: list networkpolicies.networking.k8s.io, list horizontalpodautoscalers.autoscaling, list poddisruptionbudgets.policy, list resourcequotas, list limitranges

            Info
              AMB032  deployment/web: port 80 is below 1024: the pod gets the sysctl net.ipv4.ip_unprivileged_port_start=0, which Pod Security allows
              AMB034  port 8775 of deployment/web stays reachable beside the ambassador
              AMB056  deployment/web: the readinessProbe of container legacy asks the port http, whose name becomes the ambassador's: it will ask 8775
              AMB082  deployment/web: not all could be looked at, since you may not: get namespaces, list mutatingwebhookconfigurations.admissionregistration.k8s.io, list validatingwebhookconfigurations.admissionregistration.k8s.io
            deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
              port 80 -> 8775 (declared by container legacy)
              no rules: answers pass as they are
              configmaps web-ambassador-config-HASH and ambassador-plugin-HASH
              the port name http goes to the ambassador, and Services that ask for it with it
        "#]],
    );
}

#[test]
fn the_levels_of_pod_security_are_known_beforehand() {
    let namespace = Namespace::new();
    deployment(&namespace);
    let level = "pod-security.kubernetes.io/enforce=restricted";
    namespace.kubectl(&["label", "namespace", &namespace.name, level]).ok();
    let errors = |output: &Output| -> Vec<String> {
        let text = shown(&namespace, output);
        text.lines().filter(|line| line.contains("AMB07")).map(str::to_owned).collect()
    };
    // The server is asked itself,
    let asked = namespace.ambassador(&["check", "deploy/web"]);
    assert_eq!(asked.code, 1, "{}", asked.stderr);
    expect![[r#"  AMB074  deployment/web: the cluster would refuse the new pods: pods "web-ambassador" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "legacy" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "legacy" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "legacy" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "legacy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#]].assert_eq(&errors(&asked).join("\n"));
    // and where one may not ask, one can know.
    namespace.kubectl(&["create", "rolebinding", "view", "--clusterrole=view", "--user=dev"]).ok();
    let guard = ClusterReader::new(&namespace);
    let known = as_dev(&namespace, &["check", "deploy/web"]);
    expect!["  AMB072  the namespace enforces the Pod Security level restricted, which deployment/web does not keep to: container legacy: allowPrivilegeEscalation is not false; container legacy: capabilities are not dropped; container legacy: runAsNonRoot is not true; container legacy: seccompProfile is not set"].assert_eq(&errors(&known).join("\n"));
    drop(guard);
}

/// Lets dev read namespaces, which takes an object of the cluster as a whole; gone when dropped.
struct ClusterReader<'a>(&'a Namespace, String);

impl<'a> ClusterReader<'a> {
    fn new(namespace: &'a Namespace) -> Self {
        let name = format!("{}-namespaces", namespace.name);
        // Others work as dev at the same time.
        let only = format!("--resource-name={}", namespace.name);
        namespace
            .kubectl(&["create", "clusterrole", &name, "--verb=get", "--resource=namespaces", &only])
            .ok();
        let role = format!("--clusterrole={name}");
        namespace.kubectl(&["create", "clusterrolebinding", &name, &role, "--user=dev"]).ok();
        Self(namespace, name)
    }
}

impl Drop for ClusterReader<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["delete", "clusterrolebinding", &self.1]);
        self.0.kubectl(&["delete", "clusterrole", &self.1]);
    }
}

/// An admission webhook for one namespace, which nobody answers; gone when dropped.
struct DeadWebhook<'a>(&'a Namespace);

impl<'a> DeadWebhook<'a> {
    fn new(namespace: &'a Namespace) -> Self {
        let name = &namespace.name;
        apply(
            namespace,
            &json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": name},
                "webhooks": [{
                    "name": "dead.example.com",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"url": "https://127.0.0.1:1/"},
                    "sideEffects": "None",
                    // Long, so that a busy machine still gets the answer that nobody listens.
                    "timeoutSeconds": 30,
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                }],
            })
            .to_string(),
        );
        Self(namespace)
    }
}

impl Drop for DeadWebhook<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["delete", "validatingwebhookconfiguration", &self.0.name]);
    }
}

#[test]
fn a_webhook_that_is_down_is_found_out_by_asking() {
    let namespace = Namespace::new();
    deployment(&namespace);
    let webhook = DeadWebhook::new(&namespace);
    let mut last = String::new();
    // The server takes up a webhook a moment after it is there.
    namespace.wait_until("the webhook is asked", || {
        last = shown(&namespace, &by("AMBASSADOR_KUBECONFIG", &namespace, &["check", "deploy/web"]));
        last.contains("dead.example.com")
    });
    let lines: Vec<&str> = last.lines().map(str::trim).filter(|line| line.starts_with("AMB07")).collect();
    expect![[r#"
        AMB074  deployment/web: the cluster would refuse the new pods: Internal error occurred: failed calling webhook "dead.example.com": failed to call webhook: Post "https://127.0.0.1:1/?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused
        AMB073  deployment/web: validatingwebhookconfiguration/NAMESPACE may refuse new pods here, and none are made while it is down"#]].assert_eq(&lines.join("\n"));
    drop(webhook);
}

#[test]
fn what_other_tools_manage_is_left_to_them() {
    let namespace = Namespace::new();
    deployment(&namespace);
    let ambassador = |args: &str| namespace.ambassador(&args.split(' ').collect::<Vec<_>>());
    let inject = "inject deploy/web --port 80:8775";
    let tracking = "argocd.argoproj.io/tracking-id";
    namespace.kubectl(&["annotate", "deploy/web", &format!("{tracking}=shop:apps/Deployment:shop/web")]).ok();
    let argo = ambassador(inject);
    namespace.kubectl(&["annotate", "deploy/web", &format!("{tracking}-")]).ok();
    // By the fields that a controller owns, as the server has them.
    let file = namespace.home.path().join("flux.yaml");
    let note = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {note: x}}}";
    std::fs::write(&file, format!("---\n{note}\n")).expect("written");
    let apply = ["apply", "--server-side", "--validate=false", "--field-manager=kustomize-controller", "-f"];
    namespace.kubectl(&[&apply[..], &[&file.to_string_lossy()]].concat()).ok();
    let flux = ambassador(inject);
    let checked = ambassador("check deploy/web --port 80:8775 -o name");
    assert!(checked.stdout.contains("AMB090 deployment/web"), "{}", checked.stdout);
    let tried = ambassador(&format!("{inject} --force --dry-run=server"));
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
    ambassador(&format!("{inject} --force")).ok();
    // The way back is the same.
    let back = ambassador("uninject deploy/web");
    ambassador("uninject deploy/web --force").ok();
    expect_all(
        &namespace,
        &[argo, flux, tried, back],
        &expect![[r#"
        exit 1
        error: deployment/web is managed by Argo CD (application shop), which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        exit 1
        error: deployment/web is managed by Flux, which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force

        exit 0
        deployment.apps/web injected (server dry run)
        deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          port 80 -> 8775
          no rules: answers pass as they are
          configmaps web-ambassador-config-HASH and ambassador-plugin-HASH
          the port name http goes to the ambassador, and Services that ask for it with it
        warning: deployment/web is managed by Flux, which would undo the change, or find it in its way [AMB090]

        exit 1
        error: deployment/web is managed by Flux, which would undo the change, or find it in its way [AMB090]
        hint: change its source: kubectl ambassador inject -f FILE > injected.yaml, in the repository that it comes from; or change it here all the same with --force
    "#]],
    );
}

#[test]
fn what_the_real_helm_has_installed_is_recognised() {
    let namespace = Namespace::new();
    let chart = namespace.home.path().join("chart");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(chart.join(name), text).expect("written");
    write("Chart.yaml", "{apiVersion: v2, name: shop, version: 1.0.0}\n");
    write("templates/web.yaml", &format!("{:#}\n", workload("Deployment", "web")));
    let mut helm = namespace.command(&provided("AMBASSADOR_HELM"));
    let chart = chart.to_string_lossy();
    run(helm.args(["install", "autumn", &chart, "--namespace", &namespace.name])).ok();
    let inject = namespace.ambassador(&["inject", "deploy/web", "--port", "80:8775"]);
    expect_output(
        &namespace,
        &inject,
        &expect![[r#"
        exit 1
        error: deployment/web is managed by Helm (release autumn), which would undo the change, or find it in its way [AMB090]
        hint: change its source: let kubectl ambassador inject -f - be the post-renderer of helm upgrade; or change it here all the same with --force
    "#]],
    );
}

#[test]
fn a_port_that_nobody_declares_is_found_where_a_service_leads() {
    let namespace = Namespace::new();
    let mut web = workload("Deployment", "web");
    web["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([]);
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = Value::Null;
    // It does not run, so nobody can look inside.
    web["spec"]["replicas"] = 0.into();
    create(&namespace, &web);
    let service = |name: &str, target: u16| {
        apply(
            &namespace,
            &format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: {target}}}]}}}}"
            ),
        );
    };
    let inject = || namespace.ambassador(&["inject", "deploy/web", "--dry-run=server"]);
    let nowhere = inject();
    service("one", 8775);
    let there = inject();
    service("two", 9000);
    expect_all(
        &namespace,
        &[nowhere, there, inject()],
        &expect![[r#"
        exit 1
        error: deployment/web is not running, so its ports cannot be seen [AMB036]
        hint: name the port: --port 80:TARGET

        exit 0
        deployment.apps/web injected (server dry run)
        deployment/web gets the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
          port 80 -> 8775 (where service/one leads)
          no rules: answers pass as they are
          configmaps web-ambassador-config-HASH and ambassador-plugin-HASH
          service/one: targetPort 8775 -> 80, once all pods have it

        exit 1
        error: deployment/web is led to by Services on several ports: 8775, 9000 [AMB036]
        hint: say which one clients want on port 80, such as --port 80:8775
    "#]],
    );
}

#[test]
fn manifests_are_checked_without_a_cluster() {
    let dir = tempfile::tempdir().expect("a folder");
    let web = workload("Deployment", "web");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"hostNetwork": true, "containers": [{"name": "c"}]}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [web, pod]});
    std::fs::write(dir.path().join("a.json"), list.to_string()).expect("written");
    std::fs::write(dir.path().join("b.yaml"), AROUND).expect("written");
    let check = |args: &[&str]| {
        let mut command = std::process::Command::new(provided("AMBASSADOR_CLI"));
        let output =
            run(command.arg("check").args(args).current_dir(dir.path()).env("KUBECONFIG", "/nonexistent"));
        let text = format!("exit {}\n{}{}", output.code, output.stdout, output.stderr);
        let hash = regex_lite::Regex::new("config-[0-9a-f]{8}").expect("a pattern");
        hash.replace_all(&text, "config-HASH").into_owned()
    };
    std::fs::write(dir.path().join("broken"), "kind: [").expect("written");
    let config = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: [{listen: 8080, target: 8775}]\n  rules:\n    - {name: r, request: {headers: {set: {authorization: 'Bearer 0123456789abcdef'}}}}\n";
    std::fs::write(dir.path().join("config"), config).expect("written");
    let all = [
        "-f .",
        "-f b.yaml",
        "-f absent.yaml",
        "-f broken",
        "-c config --fail-on=warning",
        "-c config -f a.json -o name",
    ]
    .map(|args| format!("$ check {args}\n{}", check(&args.split(' ').collect::<Vec<_>>())));
    expect![[r#"
        $ check -f .
        exit 1
        Errors
          AMB005  ./a.json:1:477: pod/p uses its node's network, where the ambassador's ports would be the node's
          AMB036  ./a.json:1:477: it is not known which port of pod/p to map: it declares no port, and no Service leads to one
                  hint: name it: --port 80:TARGET
          AMB071  ./a.json:1:43: deployment/web: limitrange/small does not allow what the ambassador needs: limits.memory is 512Mi, and at most 256Mi is allowed
                  hint: --memory-limit chooses less

        Warnings
          AMB050  ./a.json:1:43: deployment/web: networkpolicy/only-raw lets clients in to port 8775, but not to the ambassador's port 80
                  hint: add port 80 to its ingress
          AMB060  ./a.json:1:43: deployment/web: horizontalpodautoscaler/web scales by the cpu of whole pods, which the ambassador's will be part of
                  hint: to scale by the program alone: type: ContainerResource, container: legacy

        Info
          AMB032  ./a.json:1:43: deployment/web: port 80 is below 1024: the pod gets the sysctl net.ipv4.ip_unprivileged_port_start=0, which Pod Security allows
          AMB034  ./a.json:1:43: port 8775 of deployment/web stays reachable beside the ambassador
          AMB040  ./a.json:1:43: deployment/web: port 80 of service/by-name follows the name http to the ambassador's port 80
          AMB041  ./a.json:1:43: deployment/web: port 80 of service/by-number has the targetPort 8775: it becomes 80 once all pods have it
          AMB056  ./a.json:1:43: deployment/web: the readinessProbe of container legacy asks the port http, whose name becomes the ambassador's: it will ask 8775

        $ check -f b.yaml
        exit 2
        error: the manifests hold nothing that makes pods
        hint: --pod-template-path says where other kinds have their pod template

        $ check -f absent.yaml
        exit 2
        error: cannot read absent.yaml: No such file or directory (os error 2)

        $ check -f broken
        exit 2
        error: broken:1:7: unclosed bracket '['

        $ check -c config --fail-on=warning
        exit 1
        Warnings
          AMB091  line 6 of config looks like credentials
                  hint: all who may read ConfigMaps in the namespace can read it, and answers may carry it to clients

        $ check -c config -f a.json -o name
        exit 1
        AMB005 pod/p
        AMB034 deployment/web
        AMB034 pod/p
        AMB091 deployment/web
        AMB091 pod/p
        AMB056 deployment/web
    "#]].assert_eq(&all.join("\n"));
}
