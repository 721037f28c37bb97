//! Plans for pods as a cluster shows them.

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::source;

pub(super) fn live() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "fruit-service", "namespace": "default", "uid": "1", "resourceVersion": "2",
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "fruit"}, "managedFields": [],
        },
        "spec": {
            "containers": [{
                "name": "legacy-fruit-service",
                "image": "linuxacademycontent/legacy-fruit-service:1",
                "futureField": {"kept": true},
                "volumeMounts": [{"name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}],
            }],
            "nodeName": "node",
            "securityContext": {},
            "serviceAccount": "default",
            "serviceAccountName": "default",
            "volumes": [{"name": "kube-api-access-x7k2p", "projected": {"sources": []}}],
        },
        "status": {"phase": "Running"},
    })
}

fn plan(pod: &Value, jq: Option<&str>) -> Plan {
    let args = source::Args { jq: jq.map(str::to_owned), ..Default::default() };
    let source = args.of_flags("fruit-service", source::spec(vec![source::mapped(80, 8775)])).unwrap();
    let plugin = Plugin::for_tests();
    let options = Options {
        image: "envoy:1".to_owned(),
        config_map: "fruit-service-ambassador-config".to_owned(),
        ipv6: has_ipv6(pod),
        named_ports: true,
        mode: Mode::Native,
        resources: crate::plan::Asked::default(),
        is_guaranteed: false,
    };
    inject(&bare(pod), "", &source, &plugin, &options).unwrap()
}

/// As it was before any injection, as it can be created.
pub(super) fn bare(pod: &Value) -> Value {
    original(&without_what_the_server_sets(pod), "").unwrap()
}

/// What a cluster makes of a created pod.
fn created(pod: &Value) -> Value {
    let mut pod = pod.clone();
    pod["metadata"]["uid"] = "3".into();
    pod["spec"]["nodeName"] = "node".into();
    pod["status"] = json!({"phase": "Pending"});
    pod
}

#[test]
fn uninject_gives_the_original_back() {
    let original = without_what_the_server_sets(&live());
    let injected = plan(&live(), None).injected;
    assert_eq!(bare(&created(&injected)), original);
}

#[test]
fn uninject_gives_back_what_a_rich_pod_had() {
    let mut rich = live();
    rich["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "other", "a": "b"});
    rich["spec"]["initContainers"] = json!([{"name": "first", "image": "i"}]);
    rich["spec"]["volumes"] = json!([{"name": "data", "configMap": {"name": "x"}}]);
    rich["spec"]["securityContext"] =
        json!({"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "1024"}], "fsGroup": 1});
    let original = without_what_the_server_sets(&rich);
    assert_eq!(bare(&created(&plan(&rich, None).injected)), original);
}

#[test]
fn uninject_gives_back_what_a_bare_manifest_had() {
    let manifest =
        json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "legacy", "image": "i"}]}});
    let mut injected = plan(&manifest, None).injected;
    assert_eq!(original(&injected, "").unwrap(), manifest);
    // What somebody has put beside ours stays.
    injected["spec"]["securityContext"]["fsGroup"] = 1.into();
    assert_eq!(original(&injected, "").unwrap()["spec"]["securityContext"], json!({"fsGroup": 1}));
}

#[test]
fn injecting_twice_is_injecting_once() {
    let once = plan(&live(), Some(".")).injected;
    assert_eq!(plan(&created(&once), Some(".")).injected, once);
}

#[test]
fn another_config_replaces_the_first_exactly() {
    let first = plan(&live(), None).injected;
    assert_eq!(plan(&created(&first), Some(".")).injected, plan(&live(), Some(".")).injected);
}

pub(super) fn plan_of(pod: &Value, ports: &str) -> Plan {
    replacing(pod, ports, None).unwrap()
}

/// The same, in place of a container.
pub(super) fn replacing(pod: &Value, ports: &str, container: Option<&str>) -> Result<Plan> {
    let text =
        format!("apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports: [{ports}]\n");
    let source = source::load("test", text).unwrap();
    let plugin = Plugin::for_tests();
    let options = Options {
        image: "envoy:1".to_owned(),
        config_map: "config".to_owned(),
        ipv6: has_ipv6(pod),
        named_ports: true,
        mode: Mode::Native,
        resources: crate::plan::Asked::default(),
        is_guaranteed: false,
    };
    replace(&bare(pod), "", &source, &plugin, &options, container)
}

#[test]
fn only_what_is_for_others_is_declared() {
    let ports = "{name: http, listen: 8080, target: 8775},
        {name: cache, listen: '127.0.0.1:6379', target: 'redis.data.svc:6379', protocol: tcp},
        {name: six, listen: '[::1]:6380', target: 'redis.data.svc:6379', protocol: tcp},
        {listen: '[::]:9000', target: 9001, protocol: tcp},
        {name: not--kubernetes, listen: 0.0.0.0:9002, target: 9001, protocol: tcp}";
    let plan = plan_of(&live(), ports);
    let declared = plan.injected.pointer("/spec/initContainers/0/ports").unwrap().to_string();
    expect![[r#"[{"name":"http","containerPort":8080,"protocol":"TCP"},{"containerPort":9000,"protocol":"TCP"},{"containerPort":9002,"protocol":"TCP"}]"#]].assert_eq(&declared);
    // Nor is anything below 1024, so the pod needs no sysctl.
    assert_eq!(plan.injected.pointer("/spec/securityContext"), Some(&json!({})));
    // All are ours, whoever may ask them.
    let injected = Injected::of(&plan.injected).unwrap().unwrap();
    assert_eq!(injected.listens, [8080, 6379, 6380, 9000, 9002, HEALTH_PORT]);
}

#[test]
fn ports_listen_on_all_addresses_that_the_pod_has() {
    let addresses = |pod: &Value| -> Vec<String> {
        let map =
            plan_of(pod, "{listen: 8080, target: 8775}, {listen: '127.0.0.1:81', target: 8775}").config_map;
        let files =
            ["listeners.yaml", "bootstrap.yaml"].map(|name| map["data"][name].as_str().unwrap_or_default());
        let lines = files.iter().flat_map(|text| text.lines()).map(str::trim);
        lines
            .filter(|line| line.starts_with("address: ") || line.starts_with("ipv4_compat"))
            .map(str::to_owned)
            .collect()
    };
    let mut pod = live();
    pod["status"]["podIPs"] = json!([{"ip": "10.0.0.7"}]);
    expect![[r#"
        address: "0.0.0.0"
        address: "127.0.0.1"
        address: "0.0.0.0""#]]
    .assert_eq(&addresses(&pod).join("\n"));
    pod["status"]["podIPs"] = json!([{"ip": "10.0.0.7"}, {"ip": "fd00::7"}]);
    expect![[r#"
        address: "::"
        ipv4_compat: true
        address: "127.0.0.1"
        address: "::"
        ipv4_compat: true"#]]
    .assert_eq(&addresses(&pod).join("\n"));
}

#[test]
fn a_workload_has_the_same_pod_in_its_template() {
    let pod = plan(&live(), Some(".")).injected;
    for kind in &crate::workload::KINDS[1..] {
        let mut object = json!({"apiVersion": "v1", "kind": kind.name, "metadata": {"name": "web", "namespace": "default"}});
        let mut at = &mut object;
        for key in kind.template.split('/').skip(1) {
            at[key] = json!({});
            at = &mut at[key];
        }
        *at = bare(&live());
        let original = object.clone();
        let args = source::Args { jq: Some(".".to_owned()), ..Default::default() };
        let source = args.of_flags("fruit-service", source::spec(vec![source::mapped(80, 8775)])).unwrap();
        let plugin = Plugin::for_tests();
        let options = Options {
            image: "envoy:1".to_owned(),
            config_map: "fruit-service-ambassador-config".to_owned(),
            ipv6: false,
            named_ports: true,
            mode: Mode::Native,
            resources: crate::plan::Asked::default(),
            is_guaranteed: false,
        };
        let plan = inject(&object, kind.template, &source, &plugin, &options).unwrap();
        assert_eq!(plan.injected.pointer(kind.template), Some(&pod), "{}", kind.name);
        assert_eq!(super::original(&plan.injected, kind.template).unwrap(), original, "{}", kind.name);
        assert!(config_map_name(&object, kind.template, &source).starts_with("web-ambassador-config-"));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the whole pod is shown")]
fn the_injected_pod() {
    let yaml = serde_saphyr::to_string(&plan(&live(), None).injected).unwrap();
    expect![[r#"
        apiVersion: v1
        kind: Pod
        metadata:
          name: fruit-service
          namespace: default
          labels:
            app: fruit
          annotations:
            kubectl.kubernetes.io/default-container: legacy-fruit-service
            kubectl-ambassador.dev/injected: "{\"version\":\"0.1.0\",\"config\":\"43f4cd0ca2c75bd292b8f53c4788f0d8c74e05dbad899c0345c36134de44b7df\",\"configMap\":\"fruit-service-ambassador-config\",\"plugin\":\"ambassador-plugin-0123456789ab\",\"listens\":[80,19901],\"originals\":{\"/spec/securityContext/sysctls\":null,\"/metadata/annotations/kubectl.kubernetes.io~1default-container\":null}}"
        spec:
          containers:
          - name: legacy-fruit-service
            image: linuxacademycontent/legacy-fruit-service:1
            futureField:
              kept: true
          securityContext:
            sysctls:
            - name: net.ipv4.ip_unprivileged_port_start
              value: "0"
          serviceAccountName: default
          initContainers:
          - name: envoy-ambassador
            image: envoy:1
            restartPolicy: Always
            command:
            - envoy
            args:
            - --config-path
            - /etc/ambassador/config/bootstrap.yaml
            - --concurrency
            - "1"
            - --disable-hot-restart
            - --log-level
            - warning
            - --file-flush-interval-msec
            - "1000"
            ports:
            - containerPort: 80
              protocol: TCP
            startupProbe:
              httpGet:
                path: /ready
                port: 19901
                scheme: HTTP
              periodSeconds: 1
              failureThreshold: 60
              timeoutSeconds: 2
            readinessProbe:
              httpGet:
                path: /ready
                port: 19901
                scheme: HTTP
              periodSeconds: 5
              failureThreshold: 3
              timeoutSeconds: 2
            resources:
              requests:
                cpu: 20m
                memory: 64Mi
              limits:
                cpu: "2"
                memory: 512Mi
            securityContext:
              allowPrivilegeEscalation: false
              capabilities:
                drop:
                - ALL
              readOnlyRootFilesystem: true
              runAsGroup: 65532
              runAsNonRoot: true
              runAsUser: 65532
              seccompProfile:
                type: RuntimeDefault
            volumeMounts:
            - name: ambassador-config
              mountPath: /etc/ambassador/config
              readOnly: true
            - name: ambassador-plugin
              mountPath: /etc/ambassador/plugin
              readOnly: true
            - name: ambassador-run
              mountPath: /run/ambassador
            - name: ambassador-run
              mountPath: /var/run/secrets/kubernetes.io/serviceaccount
              subPath: no-token
              readOnly: true
          volumes:
          - name: ambassador-config
            configMap:
              name: fruit-service-ambassador-config
          - name: ambassador-plugin
            configMap:
              name: ambassador-plugin-0123456789ab
          - name: ambassador-run
            emptyDir:
              medium: Memory
              sizeLimit: 1Mi
    "#]].assert_eq(&yaml);
}
