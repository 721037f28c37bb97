//! `diff` on a real cluster.

use e2e::kube::Namespace;
use e2e::process::{Output, run};
use e2e::provided;
use expect_test::expect;

use super::checks::{apply, deployment, shown};

#[test]
fn a_diff_shows_what_would_change_and_then_nothing() {
    let namespace = Namespace::new();
    deployment(&namespace);
    let service = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8775}]}}";
    apply(&namespace, service);
    let diff = |args: &[&str]| namespace.ambassador(&[&["diff", "deploy/web"], args].concat());
    let before = namespace.field("deployment/web", "{.metadata.generation}");
    let first = diff(&[]);
    assert_eq!(first.code, 1, "{}", first.stderr);
    let text = shown(&namespace, &Output { stderr: String::new(), ..first });
    // The container is told by the tests of plans, and the config by those of rendering: what is shown is the rest.
    let (_, text_of_objects) = text.split_once("--- live/apps.v1").expect("a deployment");
    let (before_it, after_it) = text_of_objects.split_once("+      initContainers:").expect("a container");
    let (_, after_it) = after_it.split_once("--- live/v1.Service").expect("a Service");
    let is_told = |line: &&str| !line.contains("kubectl-ambassador.dev/injected");
    let rest: Vec<&str> = before_it.lines().chain(["..."]).chain(after_it.lines()).filter(is_told).collect();
    expect![[r#"
        .Deployment.NAMESPACE.web
        +++ new/apps.v1.Deployment.NAMESPACE.web
        @@ -19,6 +19,9 @@
             type: RollingUpdate
           template:
             metadata:
        +      annotations:
        +        kubectl.kubernetes.io/default-container: legacy
               labels:
                 app: web
             spec:
        @@ -28,13 +31,12 @@
                 name: legacy
                 ports:
                 - containerPort: 8775
        -          name: http
                   protocol: TCP
                 readinessProbe:
                   failureThreshold: 3
                   httpGet:
                     path: /
        -            port: http
        +            port: 8775
                     scheme: HTTP
                   periodSeconds: 1
                   successThreshold: 1
        @@ -43,7 +45,95 @@
                 terminationMessagePath: /dev/termination-log
                 terminationMessagePolicy: File
               dnsPolicy: ClusterFirst
        ...
        .NAMESPACE.web
        +++ new/v1.Service.NAMESPACE.web
        @@ -2,6 +2,7 @@
         kind: Service
         metadata:
           annotations:
        +    kubectl-ambassador.dev/original-target-ports: "{\"80\":{\"original\":8775,\"now\":80}}"
             kubectl.kubernetes.io/last-applied-configuration: |
               {"apiVersion":"v1","kind":"Service","metadata":{"annotations":{},"name":"web","namespace":"NAMESPACE"},"spec":{"ports":[{"port":80,"targetPort":8775}],"selector":{"app":"web"}}}
           name: web
        @@ -17,7 +18,7 @@
           ports:
           - port: 80
             protocol: TCP
        -    targetPort: 8775
        +    targetPort: 80
           selector:
             app: web
           sessionAffinity: None"#]].assert_eq(&rest.join("\n"));
    assert!(text.contains("+  plugin.wasm: sha256:"), "{text}");
    assert!(!text.contains('\u{1b}'), "colours are for terminals");
    assert_eq!(namespace.field("deployment/web", "{.metadata.generation}"), before);
    assert_eq!(namespace.config_maps(), Vec::<String>::new());

    namespace.ambassador(&["inject", "deploy/web"]).ok();
    let same = diff(&[]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{}", same.stderr);

    let back = diff(&["--uninject"]);
    assert_eq!(back.code, 1, "{}", back.stderr);
    let text = shown(&namespace, &back);
    for part in [
        "-        name: envoy-ambassador",
        "-    targetPort: 80\n+    targetPort: 8775",
        "+++ new/v1.ConfigMap.NAMESPACE.web-ambassador-config-HASH\n@@ -1,",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    namespace.ambassador(&["uninject", "deploy/web"]).ok();
    let none = diff(&["--uninject"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""), "{}", none.stderr);
}

#[test]
fn a_diff_of_a_bare_pod_is_what_the_server_would_make_of_it() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    let diff = namespace.ambassador(&["diff", "fruit-service"]);
    let text = shown(&namespace, &Output { stderr: String::new(), ..diff });
    let (_, pod) = text.split_once("--- live/v1.Pod").expect("a pod");
    let kept = pod.lines().filter(|line| !line.starts_with('+')).collect::<Vec<_>>();
    // Nothing but what is added, and what the server fills in is no difference.
    expect![[r#"
        .NAMESPACE.fruit-service
        @@ -1,6 +1,9 @@
         apiVersion: v1
         kind: Pod
         metadata:
           name: fruit-service
           namespace: NAMESPACE
         spec:
        @@ -13,10 +16,84 @@
             terminationMessagePolicy: File
           dnsPolicy: ClusterFirst
           enableServiceLinks: true
           preemptionPolicy: PreemptLowerPriority
           restartPolicy: Always
           schedulerName: default-scheduler
        -  securityContext: {}
           serviceAccountName: default
           terminationGracePeriodSeconds: 30
           tolerations:
        @@ -28,3 +105,16 @@
             key: node.kubernetes.io/unreachable
             operator: Exists
             tolerationSeconds: 300"#]]
    .assert_eq(&kept.join("\n"));
    namespace.ambassador(&["inject", "fruit-service"]).ok();
    let same = namespace.ambassador(&["diff", "fruit-service"]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{}", same.stderr);
}

#[test]
fn another_program_may_show_the_diff() {
    let namespace = Namespace::new();
    deployment(&namespace);
    let external = |program: &str| {
        let mut command = namespace.command(&provided("AMBASSADOR_CLI"));
        command.env("KUBECTL_EXTERNAL_DIFF", program);
        run(command.args(["diff", "deploy/web", "--namespace", &namespace.name]))
    };
    let brief = external("diff --brief -N");
    assert_eq!(brief.code, 1, "{}", brief.stderr);
    assert!(
        brief.stdout.contains(&format!("apps.v1.Deployment.{}.web differ", namespace.name)),
        "{}",
        brief.stdout
    );
    assert_eq!(external("true").code, 0);
    let absent = external("no-such-program");
    assert_eq!(absent.code, 2);
    assert!(
        absent.stderr.contains("error: cannot run KUBECTL_EXTERNAL_DIFF, `no-such-program`: "),
        "{}",
        absent.stderr
    );
}
