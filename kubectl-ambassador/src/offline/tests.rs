//! Texts through both ways.

mod property;

use super::found::workloads;
use super::*;
use crate::plan::Options;
use crate::plugin::Plugin;
use crate::source;
use expect_test::{Expect, expect};

/// Plans as the command does, with port 80 for 8775.
fn planner(jq: Option<&str>) -> impl Fn(&Value, &str, &str) -> Result<Planned> {
    let args = source::Args { jq: jq.map(str::to_owned), ..Default::default() };
    let source = args.of_flags("", source::spec(vec![source::mapped(80, 8775)])).unwrap();
    let plugin = Plugin::for_tests();
    move |object, template, shown| {
        plan::refuse_template(shown, plan_pod(object, template))?;
        let options = Options {
            image: "envoy:1".to_owned(),
            config_map: plan::config_map_name(object, template, &source),
            ipv6: false,
            named_ports: true,
            mode: crate::plan::Mode::Native,
            resources: crate::plan::Asked::default(),
            is_guaranteed: false,
        };
        let plan = plan::inject(object, template, &source, &plugin, &options)?;
        Ok(Planned { plan, findings: Vec::new() })
    }
}

fn plan_pod<'v>(object: &'v Value, template: &str) -> &'v Value {
    object.pointer(template).unwrap()
}

fn choices(selection: &Selection) -> Choices<'_> {
    Choices { selection, allow_downgrade: false, plugin: None }
}

fn injected_with(text: &str, jq: Option<&str>) -> String {
    let manifests = Manifests::read("test", text).unwrap_or_else(|failure| panic!("{}", failure.message()));
    super::inject(manifests, choices(&Selection::default()), &planner(jq))
        .unwrap_or_else(|failure| panic!("{}\n{text}", failure.message()))
        .text
}

/// Holds both promises on a text: back byte for byte, and twice is once.
#[track_caller]
fn check(text: &str) -> String {
    let once = injected_with(text, None);
    reads_as_planned(text, &once);
    let back = super::uninject(&Manifests::read("test", &once).unwrap(), &Selection::default()).unwrap().text;
    assert_eq!(back, text, "injected:\n{once}");
    assert_eq!(injected_with(&once, None), once);
    let other = injected_with(text, Some(".a"));
    assert_eq!(injected_with(&once, Some(".a")), other);
    once
}

/// Holds what an injected text says against the plan, value by value, but for the texts that are kept.
fn reads_as_planned(text: &str, once: &str) {
    let (before, after) = (Document::all(text).unwrap(), Document::all(once).unwrap());
    let (found, _) = workloads(&before, &Selection::default()).unwrap();
    let (now, _) = workloads(&after, &Selection::default()).unwrap();
    assert_eq!(found.len(), now.len());
    let plan = planner(None);
    for (found, now) in found.iter().zip(&now) {
        let original = found.object(&before[found.document]);
        let mut planned = plan(&original, &found.template, &found.shown).unwrap().plan.injected;
        let mut there = now.object(&after[now.document]);
        for object in [&mut planned, &mut there] {
            let at = format!("{}{}", found.template, annotation::pointer());
            let annotation = object.pointer_mut(&at).unwrap();
            let mut injected: Injected = serde_json::from_str(annotation.as_str().unwrap()).unwrap();
            injected.texts.clear();
            *annotation = serde_json::to_value(injected).unwrap();
        }
        assert_eq!(there, planned);
    }
}

/// What differs, line by line.
fn differences(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(1).to_string()
}

#[track_caller]
fn check_shown(text: &str, expected: &Expect) {
    let once = check(text);
    let (text, once) = (text.split("\n---").next().unwrap(), once.split("\n---").next().unwrap());
    expected.assert_eq(&differences(text, once));
}

const DEPLOYMENT: &str = "# The shop's web server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # as the DNS has it
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: legacy
        image: \"legacy:1\"
        ports:
        - containerPort: 8775   # HTTP
          name: http
        readinessProbe: {httpGet: {port: http, path: /}}
        # args: [--debug]
      # nothing else yet
";

#[test]
#[expect(clippy::too_many_lines, reason = "the whole difference is shown")]
fn a_deployment() {
    check_shown(
        DEPLOYMENT,
        &expect![[r#"
            @@ -9,2 +9,5 @@
                   labels: {app: web}
            +      annotations:
            +        kubectl.kubernetes.io/default-container: legacy
            +        kubectl-ambassador.dev/injected: '{"version":"0.1.0","config":"98f73dc3b04a9605148ea9f8fa3f471de83e0a0a5f7bab5c3977e05d533d6b37","configMap":"web-ambassador-config-73eb53aa","plugin":"ambassador-plugin-0123456789ab","listens":[80,19901],"originals":{"/spec/containers/0/ports/0/name":"http","/spec/containers/0/readinessProbe/httpGet/port":"http","/spec/securityContext/sysctls":null,"/spec/securityContext":null,"/metadata/annotations/kubectl.kubernetes.io~1default-container":null},"texts":{"/spec/containers/0/ports/0/name":{"text":"\n          name: http","after":"containerPort"},"/spec/containers/0/readinessProbe/httpGet/port":{"text":" http"}}}'
                 spec:
            @@ -15,5 +18,86 @@
                     - containerPort: 8775   # HTTP
            -          name: http
            -        readinessProbe: {httpGet: {port: http, path: /}}
            +        readinessProbe: {httpGet: {port: 8775, path: /}}
                     # args: [--debug]
                   # nothing else yet
            +      initContainers:
            +      - name: envoy-ambassador
            +        image: envoy:1
            +        restartPolicy: Always
            +        command:
            +        - envoy
            +        args:
            +        - --config-path
            +        - /etc/ambassador/config/bootstrap.yaml
            +        - --concurrency
            +        - "1"
            +        - --disable-hot-restart
            +        - --log-level
            +        - warning
            +        - --file-flush-interval-msec
            +        - "1000"
            +        ports:
            +        - name: http
            +          containerPort: 80
            +          protocol: TCP
            +        startupProbe:
            +          httpGet:
            +            path: /ready
            +            port: 19901
            +            scheme: HTTP
            +          periodSeconds: 1
            +          failureThreshold: 60
            +          timeoutSeconds: 2
            +        readinessProbe:
            +          httpGet:
            +            path: /ready
            +            port: 19901
            +            scheme: HTTP
            +          periodSeconds: 5
            +          failureThreshold: 3
            +          timeoutSeconds: 2
            +        resources:
            +          requests:
            +            cpu: "20m"
            +            memory: "64Mi"
            +          limits:
            +            cpu: "2"
            +            memory: "512Mi"
            +        securityContext:
            +          allowPrivilegeEscalation: false
            +          capabilities:
            +            drop:
            +            - ALL
            +          readOnlyRootFilesystem: true
            +          runAsGroup: 65532
            +          runAsNonRoot: true
            +          runAsUser: 65532
            +          seccompProfile:
            +            type: RuntimeDefault
            +        volumeMounts:
            +        - name: ambassador-config
            +          mountPath: /etc/ambassador/config
            +          readOnly: true
            +        - name: ambassador-plugin
            +          mountPath: /etc/ambassador/plugin
            +          readOnly: true
            +        - name: ambassador-run
            +          mountPath: /run/ambassador
            +        - name: ambassador-run
            +          mountPath: /var/run/secrets/kubernetes.io/serviceaccount
            +          subPath: no-token
            +          readOnly: true
            +      volumes:
            +      - name: ambassador-config
            +        configMap:
            +          name: web-ambassador-config-73eb53aa
            +      - name: ambassador-plugin
            +        configMap:
            +          name: ambassador-plugin-0123456789ab
            +      - name: ambassador-run
            +        emptyDir:
            +          medium: Memory
            +          sizeLimit: "1Mi"
            +      securityContext:
            +        sysctls:
            +        - name: net.ipv4.ip_unprivileged_port_start
            +          value: "0"
            \ No newline at end of file
        "#]],
    );
}

#[test]
fn texts_of_all_kinds() {
    for text in [
        DEPLOYMENT.to_owned(),
        DEPLOYMENT.trim_end().to_owned(),
        DEPLOYMENT.replace('\n', "\r\n"),
        format!("\u{feff}{DEPLOYMENT}"),
        format!("---\n{DEPLOYMENT}---\n{}...\n---\n# end\n", DEPLOYMENT.replace("name: web", "name: other")),
        format!("{DEPLOYMENT}\n\n\n"),
        format!("a: |+\n  x\n\n\n---\n{DEPLOYMENT}---\nb: |\n  y"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8775}]}]}".to_owned(),
        "{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {}}, spec: {containers: [{name: c, ports: [{containerPort: 8775, name: http}],},], volumes: [ ], securityContext: { } } }".to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations: # none\nspec:\n  volumes: ~ # none\n  initContainers: []\n  securityContext:\n    sysctls:\n    # low\n    - name: net.ipv4.ip_unprivileged_port_start\n      value: \"1024\" # all\n    - {name: b, value: c}\n  containers:\n  - ports:\n    - name: http # a\n      # b\n      containerPort: 8775 # c\n    name: c\n".to_owned(),
        "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n    name: cron\nspec:\n    jobTemplate:\n        spec:\n            template:\n                spec:\n                    containers:\n                        -   name: c\n                            args:\n                                -   |\n                                    a\n                                    b\n".to_owned(),
        "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: job-}\nspec:\n  template:\n    metadata:\n    spec:\n      containers:\n      - name: c\n      volumes:\n      - name: a\n        emptyDir: {}\n".to_owned(),
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec:\n    containers:\n    - name: c\n- apiVersion: apps/v1\n  kind: DaemonSet\n  metadata: {name: d}\n  spec:\n    template:\n      spec:\n        containers:\n          - name: c\n".to_owned(),
    ] {
        check(&text);
    }
}

#[test]
fn json_texts() {
    let value = serde_json::json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"template": {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 8775, "name": "http"}]}], "volumes": []}}}});
    let pretty = format!("{value:#}\n");
    for text in [
        pretty.clone(),
        value.to_string(),
        pretty.replace("  ", "\t"),
        format!("{pretty}{value}\n"),
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{value},{value:#}]}}"),
    ] {
        let once = check(&text);
        let values = serde_json::Deserializer::from_str(&once).into_iter::<Value>();
        let values: Vec<Value> = values.collect::<std::result::Result<_, _>>().unwrap();
        assert!(values.len() >= 2, "{once}");
    }
}
