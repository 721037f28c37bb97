//! What comes out of our pipes goes into the real programs behind them: kubectl, kustomize, Helm.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::kube::{Namespace, repository};
use e2e::process::{Output, run};
use e2e::provided;
use expect_test::{Expect, expect};

use crate::workloads::LIST;

/// `kubectl ambassador` without any cluster, with this on stdin.
pub(crate) fn pipe(stdin: &str, args: &[&str]) -> Output {
    let mut child = Command::new(provided("AMBASSADOR_CLI"))
        .args(args)
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let mut input = child.stdin.take().expect("it has a stdin");
    let text = stdin.to_owned();
    // On the side, since it may write before it has read all.
    let writer = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const MANIFESTS: &str = "# The shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: fruit}  # as clients know it
spec:
  selector:
    matchLabels: {app: fruit}
  template:
    metadata:
      labels: {app: fruit}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: legacy
        image: \"linuxacademycontent/legacy-fruit-service:1\"
        ports:
        - {name: http, containerPort: 8775}
---
apiVersion: v1
kind: Service
metadata: {name: fruit}
spec:
  selector: {app: fruit}
  ports: [{port: 80, targetPort: http}]
";

/// Asks the fruit Service from the pod busybox.
fn ask(namespace: &Namespace) -> String {
    let ip = namespace.field("service/fruit", "{.spec.clusterIP}");
    let curl = ["exec", "busybox", "--", "curl", "--silent", "--max-time", "10", &ip];
    namespace.kubectl(&curl).stdout
}

fn apply(namespace: &Namespace, text: &str, args: &[&str]) -> Output {
    let file = namespace.home.path().join("manifests.yaml");
    std::fs::write(&file, text).expect("written");
    let file = file.to_string_lossy().into_owned();
    namespace.kubectl(&[&["apply", "-f", &file], args].concat())
}

#[test]
fn the_output_survives_kubectl_apply() {
    let namespace = Namespace::new();
    namespace.create("manifests/busybox.yaml");
    let rollout = || namespace.kubectl(&["rollout", "status", "deploy/fruit", "--timeout=90s"]).ok();
    namespace.ambassador(&["plugin", "install"]).ok();
    let injected = pipe(MANIFESTS, &["inject", "-f", "-", "--jq", "length"]).ok();
    // Client-side, which records all of it in an annotation, and again: then nothing changes.
    apply(&namespace, &injected, &[]).ok();
    rollout();
    namespace.wait_until("the answer is reshaped", || ask(&namespace) == "3");
    let again = apply(&namespace, &injected, &[]).ok();
    assert!(again.lines().all(|line| line.ends_with(" unchanged")), "{again}");
    // Server-side, with the module in it.
    let whole = pipe(MANIFESTS, &["inject", "-f", "-", "--jq", "length", "--with-plugin"]).ok();
    apply(&namespace, &whole, &["--server-side", "--force-conflicts"]).ok();
    // And back: the file is the one that there was.
    for injected in [&injected, &whole] {
        assert_eq!(pipe(injected, &["uninject", "-f", "-"]).ok(), MANIFESTS);
    }
    apply(&namespace, MANIFESTS, &["--server-side", "--force-conflicts"]).ok();
    rollout();
    namespace.wait_until("the answer is the program's own", || ask(&namespace) == LIST);
}

#[test]
fn the_output_of_json_survives_kubectl_apply() {
    let namespace = Namespace::new();
    let object = crate::workloads::workload("StatefulSet", "fruit");
    for text in [
        object.to_string(),
        format!("{object:#}\n"),
        serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [object]}).to_string(),
    ] {
        let injected = pipe(&text, &["inject", "-f", "-"]).ok();
        let applied = apply(&namespace, &injected, &["--dry-run=server"]).ok();
        assert_eq!(applied.lines().count(), 2, "{applied}");
        assert_eq!(pipe(&injected, &["uninject", "-f", "-"]).ok(), text);
    }
}

#[test]
fn objects_with_all_fields_come_back_byte_for_byte() {
    let dir = provided("AMBASSADOR_OBJECTS");
    let mut count = 0;
    for kind in [
        "core.v1.Pod",
        "core.v1.ReplicationController",
        "apps.v1.DaemonSet",
        "apps.v1.Deployment",
        "apps.v1.ReplicaSet",
        "apps.v1.StatefulSet",
        "apps.v1beta2.Deployment",
        "batch.v1.CronJob",
        "batch.v1.Job",
        "batch.v1beta1.CronJob",
    ] {
        for extension in ["yaml", "json"] {
            let file = dir.join(format!("{kind}.{extension}"));
            let text = std::fs::read_to_string(&file).expect("test data of k8s.io/api");
            // All fields are set, and so this one, by which a pod is refused.
            let refused = pipe(&text, &["inject", "-f", "-", "--port", "80:8775"]);
            assert_eq!(refused.code, 2, "{kind}: {}", refused.stderr);
            let text = text
                .replace("hostNetwork: true", "hostNetwork: false")
                .replace("\"hostNetwork\": true", "\"hostNetwork\": false");
            for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
                let injected = pipe(&text, &["inject", "-f", "-", "--port", "80:8775"]).ok();
                assert!(injected.contains("envoy-ambassador"), "{kind}");
                assert!(
                    pipe(&injected, &["uninject", "-f", "-"]).ok() == text,
                    "{kind}.{extension} is another one"
                );
                let twice = pipe(&injected, &["inject", "-f", "-", "--port", "80:8775"]).ok();
                assert!(twice == injected, "{kind}.{extension} changes when it is injected twice");
                count += 1;
            }
        }
    }
    assert_eq!(count, 60);
}

/// The block of YAML in docs/pipes.md that has this line.
fn example(line: &str) -> String {
    let text = std::fs::read_to_string(repository("docs/pipes.md")).expect("a paper");
    let blocks = text.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    let mut found = blocks.map(|(block, _)| block).filter(|block| block.lines().any(|other| other == line));
    format!("{}\n", found.next().unwrap_or_else(|| panic!("no example with {line}")))
}

/// The PATH with our program on it.
fn path() -> String {
    let cli = provided("AMBASSADOR_CLI");
    format!("{}:{}", cli.parent().expect("a folder").display(), std::env::var("PATH").expect("a PATH"))
}

fn kustomize(dir: &Path) -> Output {
    run(Command::new(provided("AMBASSADOR_KUSTOMIZE"))
        .args(["build", "--enable-alpha-plugins", "--enable-exec"])
        .arg(dir)
        .env("PATH", path()))
}

#[test]
fn kustomize_takes_it_for_a_function() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    write("manifests.yaml", MANIFESTS);
    write("kustomization.yaml", "resources: [manifests.yaml]\n");
    let plain = kustomize(dir.path()).ok();
    write("kustomization.yaml", "resources: [manifests.yaml]\ntransformers: [ambassador.yaml]\n");
    write("ambassador.yaml", &example("kind: Ambassador"));
    let injected = kustomize(dir.path()).ok();
    for part in ["name: envoy-ambassador\n", "{count: length}", "kind: ConfigMap\n", "kind: Service\n"] {
        assert!(injected.contains(part), "{part} is not in\n{injected}");
    }
    // kustomize writes everything anew, sorted; what is ours is found all the same.
    assert_eq!(pipe(&injected, &["uninject", "-f", "-"]).ok(), plain);
    // Flags, as a ConfigMap has them.
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: kubectl-ambassador, args: [inject, -f, '-']}\ndata:\n  port: 8080:8775\n  jq: length\n";
    write("ambassador.yaml", config_map);
    let injected = kustomize(dir.path()).ok();
    assert!(injected.contains("containerPort: 8080\n"), "{injected}");
    // And what is wrong stops the build.
    write("ambassador.yaml", &config_map.replace("port: 8080:8775", "port: 8080:x"));
    let failed = kustomize(dir.path());
    assert_ne!(failed.code, 0, "{}", failed.stdout);
    assert!(failed.stderr.contains("`x` is not a port"), "{}", failed.stderr);
}

#[test]
fn a_function_says_in_its_results_what_is_wrong() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec: {hostNetwork: true, containers: [{name: c}]}\nfunctionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n  data: {port: '80:8775'}\n";
    let output = pipe(list, &["inject", "-f", "-"]);
    check(
        &output,
        &expect![[r#"
        exit 2
        apiVersion: config.kubernetes.io/v1
        kind: ResourceList
        items:
        - apiVersion: v1
          kind: Pod
          metadata:
            name: p
          spec:
            hostNetwork: true
            containers:
            - name: c
        functionConfig:
          apiVersion: v1
          kind: ConfigMap
          metadata:
            name: c
          data:
            port: 80:8775
        results:
        - message: "stdin:4:3: pod/p uses its node's network, where the ambassador's ports would be the node's"
          severity: error
        error: stdin:4:3: pod/p uses its node's network, where the ambassador's ports would be the node's
    "#]],
    );
}

/// A pod whose probe asks the port that becomes ours, in a list for a function.
const PROBED: &str = "kind: ResourceList
apiVersion: config.kubernetes.io/v1
functionConfig: {kind: ConfigMap, apiVersion: v1, metadata: {name: c}, data: {port: '80:8775'}}
items:
- kind: Pod
  apiVersion: v1
  metadata: {name: p}
  spec: {containers: [{name: c, ports: [{containerPort: 8775}], livenessProbe: {tcpSocket: {port: 80}}}]}
# What was said before.
results: [{message: 'before', severity: info}]
";

#[test]
fn a_pipe_tells_what_check_finds() {
    let autoscaler = "kind: HorizontalPodAutoscaler\napiVersion: autoscaling/v2\nmetadata: {name: fruit}\nspec: {scaleTargetRef: {kind: Deployment, name: fruit}, metrics: [{type: Resource, resource: {name: cpu}}]}\n";
    let jq = ".a = \"Bearer 0123456789abcdef\"";
    let inject = |text: &str| pipe(text, &["inject", "-f", "-", "--jq", jq]);
    let once = inject(&format!("{autoscaler}---\n{MANIFESTS}"));
    let told = |output: &Output| {
        let about = |line: &&str| {
            line.starts_with("warning: ") || line.contains("injected") || line.contains("unchanged")
        };
        output.stderr.lines().filter(about).collect::<Vec<_>>().join("\n")
    };
    let expected = expect![[r#"
        warning: line 13 of the config made of --port and --jq looks like credentials [AMB091]
        warning: stdin:7:1: port 8775 of deployment/fruit stays reachable beside the ambassador, without its rules [AMB034]
        warning: stdin:7:1: horizontalpodautoscaler/fruit scales by the cpu of whole pods, which the ambassador's will be part of [AMB060]
        deployment/fruit injected"#]];
    expected.assert_eq(&told(&once));
    assert_eq!(once.code, 0);
    // What is injected stands at other lines, and is told of as it came in.
    let twice = inject(&once.stdout);
    expect![[r#"
        warning: line 13 of the config made of --port and --jq looks like credentials [AMB091]
        warning: stdin:7:1: port 8775 of deployment/fruit stays reachable beside the ambassador, without its rules [AMB034]
        warning: stdin:7:1: horizontalpodautoscaler/fruit scales by the cpu of whole pods, which the ambassador's will be part of [AMB060]
        deployment/fruit unchanged"#]].assert_eq(&told(&twice));
    assert_eq!(twice.stdout, once.stdout);

    let function = pipe(PROBED, &["inject", "-f", "-"]).ok();
    let results = function.split_once("# What was said before.").map(|(_, results)| results);
    expect![[r#"

        results: [{message: 'before', severity: info}, {message: "pod/p: the livenessProbe of container c asks port 80, which will be the ambassador's", severity: warning, tags: {code: AMB055}}]
    "#]].assert_eq(results.unwrap_or_default());
}

#[test]
fn a_module_from_an_image_is_for_servers_that_have_image_volumes() {
    let image = |version: &str| {
        let version = format!("--kubernetes-version={version}");
        pipe(MANIFESTS, &["inject", "-f", "-", "--plugin-image=registry.example/plugin:1", &version])
    };
    check(
        &image("1.30"),
        &expect![[r#"
        exit 2
        error: --plugin-image takes image volumes, which Kubernetes 1.30 has not
        hint: leave it out, for a ConfigMap: `kubectl ambassador plugin install`
    "#]],
    );
    let old = image("1.34");
    expect!["note: before Kubernetes 1.35, servers without the feature gate ImageVolume leave the module's volume out of pods, whose ambassador then does not start"].assert_eq(old.stderr.lines().next().unwrap_or_default());
    let new = image("1.35");
    assert!(new.code == 0 && !new.stderr.contains("note: "), "{}", new.stderr);
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("injected.yaml");
    std::fs::write(&file, &new.stdout).expect("written");
    let volumes = |server: &str| {
        let mut kubectl = Command::new("kubectl");
        kubectl.env("KUBECONFIG", provided(server)).env("HOME", dir.path());
        let path = "-o=jsonpath={.spec.template.spec.volumes[?(@.name==\"ambassador-plugin\")]}";
        let output = run(kubectl.args(["create", "--dry-run=server", path, "-f"]).arg(&file));
        format!("{}{}", output.stdout, output.stderr.replace(&*file.to_string_lossy(), "FILE"))
    };
    expect![[r#"{"image":{"pullPolicy":"IfNotPresent","reference":"registry.example/plugin:1"},"name":"ambassador-plugin"}"#]].assert_eq(&volumes("AMBASSADOR_KUBECONFIG_NEWEST"));
    // Switched off there.
    expect![[r#""#]].assert_eq(&volumes("AMBASSADOR_KUBECONFIG"));
    expect![[r#"
        error: error validating "FILE": error validating data: [ValidationError(Deployment.spec.template.spec.initContainers[0]): unknown field "restartPolicy" in io.k8s.api.core.v1.Container, ValidationError(Deployment.spec.template.spec.volumes[1]): unknown field "image" in io.k8s.api.core.v1.Volume]; if you choose to ignore these errors, turn validation off with --validate=false
    "#]].assert_eq(&volumes("AMBASSADOR_KUBECONFIG_OLDEST"));
}

#[test]
fn helm_takes_it_for_a_post_renderer() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = dir.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    };
    write("chart/Chart.yaml", "apiVersion: v2\nname: fruit\nversion: 0.1.0\n");
    write("chart/templates/fruit.yaml", &MANIFESTS.replace("name: fruit}", "name: {{ .Release.Name }}}"));
    write("plugins/ambassador/plugin.yaml", &example("type: postrenderer/v1"));
    let helm = |variable: &str, args: &str| {
        run(Command::new(provided(variable))
            .args(["template", "shop", "chart"])
            .args(args.split(' '))
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .env("HELM_PLUGINS", dir.path().join("plugins"))
            .env("PATH", path()))
    };
    let paper = std::fs::read_to_string(repository("docs/pipes.md")).expect("a paper");
    for (variable, flags) in [
        ("AMBASSADOR_HELM", "--post-renderer ambassador"),
        (
            "AMBASSADOR_HELM_3",
            "--post-renderer kubectl-ambassador --post-renderer-args=inject --post-renderer-args=-f --post-renderer-args=-",
        ),
    ] {
        assert!(paper.contains(flags), "docs/pipes.md does not say {flags}");
        let rendered = helm(variable, &format!("{flags} --post-renderer-args=--port=8080:8775")).ok();
        for part in [
            "name: envoy-ambassador\n",
            "containerPort: 8080\n",
            "kind: ConfigMap\n",
            "targetPort: http",
            "name: shop",
        ] {
            assert!(rendered.contains(part), "{variable}: {part} is not in\n{rendered}");
        }
        let failed = helm(variable, &format!("{flags} --post-renderer-args=--port=8080:x"));
        assert_ne!(failed.code, 0, "{variable}: {}", failed.stdout);
    }
}

#[track_caller]
fn check(output: &Output, expected: &Expect) {
    expected.assert_eq(&format!("exit {}\n{}{}", output.code, output.stdout, output.stderr));
}

#[test]
fn manifests_that_are_wrong() {
    let inject = |text: &str| pipe(text, &["inject", "-f", "-", "--port", "80:8775"]);
    let pod = |spec: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n");
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let list = vec![format!("*a{}", level - 1); 10].join(",");
        let line = format!("a{level}: &a{level} [{list}]\n");
        bomb.push_str(&line);
    }
    let texts = [
        "kind: Pod\nspec:\n\tcontainers: []\n".to_owned(),
        format!("{}---\nkind: Pod\nkind: Job\n", pod("{containers: [{name: c}]}")),
        bomb,
        format!("{}---\n{}---\n{}", pod("{containers: [{name: c}]}"), pod("{containers: []}"), pod("{hostNetwork: true, containers: [{name: c}]}")),
        pod("{os: {name: windows}, containers: [{name: c}]}"),
        pod("{containers: [{name: c}], volumes: [{name: ambassador-run, emptyDir: {}}]}"),
        pod("{containers: [{name: c, ports: [{containerPort: 80}]}]}"),
        pod("*nothing"),
        "a: [\n".to_owned(),
        "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: d}\nspec: {replicas: 1}\n".to_owned(),
        "kind: Pod\napiVersion: v1\nspec: {containers: [{name: c}]}\n".to_owned(),
        format!("base: &base {{containers: [{{name: c}}]}}\n{}", pod("*base")),
        pod("{containers: [{name: c}]}").replace("{name: p}", "{name: p, annotations: {kubectl-ambassador.dev/injected: '{\"version\":\"99.0.0\",\"config\":\"\",\"configMap\":\"m\",\"plugin\":\"q\",\"listens\":[],\"originals\":{}}'}}"),
        pod("{containers: [{name: c}]}").replace("{name: p}", "{name: p, annotations: {kubectl-ambassador.dev/injected: mine}}"),
    ];
    // Larger than any server takes, once it is injected.
    let large = [
        pod("{containers: [{name: c}]}")
            .replace("{name: p}", &format!("{{name: p, annotations: {{a: {}}}}}", "x".repeat(262_000))),
        pod("{containers: [{name: c}]}").replace("{name: p}", &format!("{{name: {}}}", "n".repeat(253))),
    ];
    let told = |text: &String| {
        let output = inject(text);
        format!("exit {}\n{}{}", output.code, output.stdout, output.stderr)
    };
    let all: Vec<String> = texts.iter().chain(&large).map(told).collect();
    expect![[r#"
        exit 2
        error: stdin:3:2: tabs disallowed within this context (block indentation)
        hint: YAML indents with spaces, not tabs

        exit 2
        error: stdin:7:1: `kind` is there twice

        exit 2
        error: stdin:5:38: this alias stands for too much

        exit 2
        error: stdin:6:1: pod/p has no containers
        error: stdin:11:1: pod/p uses its node's network, where the ambassador's ports would be the node's
        error: stdin has 2 problems, so nothing was written

        exit 2
        error: stdin:1:1: pod/p is for Windows, for which there is no Envoy image

        exit 2
        error: stdin:1:1: pod/p has a volume of a name that the ambassador needs, but was not injected

        exit 2
        error: stdin:1:1: pod/p: port 80 is taken: it is declared by container c
        hint: map another one, such as --port 8080:8775; clients then use that

        exit 2
        error: stdin:4:7: while parsing node, found unknown anchor

        exit 2
        error: stdin:1:4: unclosed bracket '['

        exit 2
        error: stdin:1:1: deployment/d has no pod template at /spec/template
        hint: say where it is: --pod-template-path KIND.GROUP=/spec/template

        exit 2
        error: stdin:1:1: pod/ has no name
        hint: give it metadata.name, or the config a name by --config-map NAME

        exit 2
        error: stdin:5:7: this is shared by an alias, so it cannot be changed for one pod alone
        hint: write it out where it is used, or let kubectl do so: kubectl create --dry-run=client -o yaml -f FILE

        exit 2
        error: stdin:1:1: pod/p was injected by version 99.0.0, which is newer than this one, 0.1.0
        hint: use that version, or replace its work by this one's with --allow-downgrade

        exit 2
        error: stdin:3:68: the annotation kubectl-ambassador.dev/injected cannot be read: expected value at line 1 column 1
        hint: it was made by another version, or edited; use the version that injected the pod

        exit 2
        error: stdin:1:1: the annotations of pod/p would have 262414 bytes, and 262144 are allowed [AMB092]

        exit 2
        error: stdin:1:1: the name of the ConfigMap would have 271 characters, and 253 are allowed [AMB094]
        hint: choose a shorter one with --config-map NAME
    "#]].assert_eq(&all.join("\n"));
}

#[test]
fn what_other_times_have_written() {
    let ambassador = |text: &str, args: &[&str]| pipe(text, &[args, &["-f", "-"]].concat()).ok();
    let inject = |text: &str| ambassador(text, &["inject", "--port", "80:8775"]);
    // Fields that no Kubernetes has yet.
    let future = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, later: {a: [1, 2]}}\nlater: yes\nspec: {later: {x: 1}, containers: [{name: c, later: [a]}]}\n";
    let once = inject(future);
    assert_eq!(once.matches("later").count(), 4, "{once}");
    assert_eq!(ambassador(&once, &["uninject"]), future);
    // An injection by an older version, of another image and another port.
    let older = ambassador(MANIFESTS, &["inject", "--port", "8080:8775", "--image=envoy:older"]);
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(older.contains(&version), "{older}");
    let older = older.replace(&version, "\"version\":\"0.0.1\"");
    assert_eq!(inject(&older), inject(MANIFESTS));
    assert_eq!(ambassador(&older, &["uninject"]), MANIFESTS);
}

#[test]
fn what_a_file_does_not_say() {
    let inject = |args: &[&str]| {
        pipe(
            "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c}, {name: d, ports: [{containerPort: 8775}, {containerPort: 9000}]}]}\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: q}\nspec: {containers: [{name: c}]}\n---\nkind: Rollout\napiVersion: argoproj.io/v1alpha1\nmetadata: {name: r}\nspec: {template: {spec: {containers: [{name: c}]}}}\n",
            &[&["inject", "-f", "-"], args].concat(),
        )
    };
    check(
        &inject(&[]),
        &expect![[r#"
        exit 2
        error: stdin:1:1: pod/p declares several ports: 8775 of d, 9000 of d
        hint: say which one clients want, such as --port 80:8775, or -c FILE
        error: stdin:6:1: pod/q declares no port, and a file cannot be asked
        hint: say which port its program listens on, such as --port 80:8775, or -c FILE
        error: stdin has 2 problems, so nothing was written
    "#]],
    );
    check(
        &inject(&["--port", "80:8775", "pod/other"]),
        &expect![[r#"
        exit 2
        error: stdin has no workload pod/other
        hint: without a name, all workloads of a file are meant
    "#]],
    );
    for flag in ["-ojson", "-A"] {
        let output = inject(&["--port", "80:8775", flag]);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{flag}: {}", output.stderr);
    }
    check(
        &inject(&["--port", "80:8775", "-c", "-"]),
        &expect![[r#"
            exit 2
            error: the argument '--port <LISTEN:TARGET>' cannot be used with '--config <FILE>'

            Usage: kubectl ambassador inject --filename <FILE> --port <LISTEN:TARGET> [TYPE/NAME]...

            For more information, try '--help'.
        "#]],
    );
    let all = inject(&["--port", "80:8775"]);
    let said: String =
        all.stderr.lines().filter(|line| !line.contains("plugin install")).collect::<Vec<_>>().join("\n");
    expect![[r#"
        note: rollout/r looks like a workload, and stays as it is: --pod-template-path rollouts.argoproj.io=/spec/template injects it
        pod/p injected
        pod/q injected"#]].assert_eq(&said);
    let one = inject(&[
        "--port",
        "80:8775",
        "rollout/r",
        "--pod-template-path",
        "rollouts.argoproj.io=/spec/template",
    ]);
    assert_eq!(one.clone().ok().matches("name: envoy-ambassador").count(), 1, "{}", one.stdout);
    assert!(one.stderr.starts_with("rollout/r injected\n"), "{}", one.stderr);
}

#[test]
fn files_and_folders() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("more")).expect("made");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    write("b.yaml", MANIFESTS);
    write("a.yml", "kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{name: c}]}");
    write(
        "more/c.json",
        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]}}",
    );
    write("readme.md", "no manifest");
    let folder = dir.path().to_string_lossy().into_owned();
    let count = |args: &[&str]| {
        let output = pipe("", &[&["inject", "--port", "80:8775", "-f", &folder], args].concat());
        let text = output.ok();
        // It is a text that can be read as a whole.
        pipe(&text, &["uninject", "-f", "-"]).ok();
        text.matches("restartPolicy").count()
    };
    assert_eq!(count(&[]), 2);
    assert_eq!(count(&["-R"]), 3);
    write("kustomization.yaml", "resources: [b.yaml]\nnamePrefix: my-\n");
    let made = pipe("", &["inject", "-k", &folder]).ok();
    assert!(made.contains("name: my-fruit\n") && made.contains("name: envoy-ambassador"), "{made}");
    let endless = pipe("", &["inject", "-f", "/dev/zero"]);
    let told = format!("exit {}\n{}", endless.code, endless.stderr);
    assert_eq!(told, "exit 2\nerror: /dev/zero is larger than 268435456 bytes\n");
}
