//! What the words of a command line mean in a cluster: by name, by type and name, by labels.

use e2e::kube::Namespace;
use expect_test::{Expect, expect};

/// A namespace with a bare pod, and workloads of which the deployment has a pod.
fn populated() -> Namespace {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    let image = "--image=radial/busyboxplus:curl";
    namespace.kubectl(&["create", "deployment", "web", image, "--", "sleep", "3600"]).ok();
    namespace.kubectl(&["create", "deployment", "api", "--replicas=0", image]).ok();
    namespace.kubectl(&["create", "cronjob", "night", "--schedule=0 0 1 1 *", image]).ok();
    namespace.kubectl(&["label", "deployment", "web", "api", "tier=front"]).ok();
    namespace.kubectl(&["label", "pod", "fruit-service", "tier=front"]).ok();
    namespace.wait_until("the pod of the deployment", || !pod_of_web(&namespace).is_empty());
    namespace
}

fn pod_of_web(namespace: &Namespace) -> String {
    let name = "jsonpath={.items[*].metadata.name}";
    namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", name]).stdout
}

/// What would be injected, and what is said of the way there. A `_` is a space within a word.
#[track_caller]
fn check(namespace: &Namespace, lines: &[&str], expected: &Expect) {
    let pod = pod_of_web(namespace);
    let told = lines.iter().map(|line| {
        let line = line.replace("POD", &pod);
        let words: Vec<String> = line.split_whitespace().map(|word| word.replace('_', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = namespace
            .ambassador(&[&["inject", "--port", "8080:8775", "--dry-run=client"], &words[..]].concat());
        let wanted =
            |line: &&str| ["error", "hint", "pod/web", "not tried"].iter().any(|word| line.starts_with(word));
        let said = output.stderr.lines().filter(wanted).filter(|line| !line.ends_with(':'));
        let said: String = said.flat_map(|line| [line, "\n"]).collect();
        format!("{}\n{}{said}exit {}\n", format!("$ inject {line}").trim_end(), output.stdout, output.code)
    });
    let told = told.collect::<Vec<_>>().join("\n");
    expected.assert_eq(&told.replace(&pod, "POD").replace(&namespace.name, "NAMESPACE"));
}

#[test]
fn objects_are_named_and_selected_as_kubectl_does_it() {
    let namespace = populated();
    check(
        &namespace,
        &[
            "fruit-service",
            "web",
            "deploy/web",
            "deployments.v1.apps/web",
            "deploy/web po/fruit-service cj/night",
            "deploy web api",
            // A pod leads to what makes it, and all of them to it once.
            "POD web pod/POD",
            "-l tier=front",
            "deploy --selector tier=front",
            "pods,cronjobs --all",
            "-l tier=back",
            "-l tier_in_front",
            "web -l tier=front",
            "--all -A",
            "--all --config-map one",
            "",
            "deploy",
            "deploy/web deploy/wbe service/web",
        ],
        &expect![[r#"
            $ inject fruit-service
            pod/fruit-service injected (dry run)
            exit 0

            $ inject web
            deployment.apps/web injected (dry run)
            exit 0

            $ inject deploy/web
            deployment.apps/web injected (dry run)
            exit 0

            $ inject deployments.v1.apps/web
            deployment.apps/web injected (dry run)
            exit 0

            $ inject deploy/web po/fruit-service cj/night
            deployment.apps/web injected (dry run)
            pod/fruit-service injected (dry run)
            cronjob.batch/night injected (dry run)
            exit 0

            $ inject deploy web api
            deployment.apps/web injected (dry run)
            deployment.apps/api injected (dry run)
            exit 0

            $ inject POD web pod/POD
            deployment.apps/web injected (dry run)
            pod/POD belongs to deployment/web, so this is about deployment/web
            exit 0

            $ inject -l tier=front
            pod/fruit-service injected (dry run)
            deployment.apps/api injected (dry run)
            deployment.apps/web injected (dry run)
            exit 0

            $ inject deploy --selector tier=front
            deployment.apps/api injected (dry run)
            deployment.apps/web injected (dry run)
            exit 0

            $ inject pods,cronjobs --all
            pod/fruit-service injected (dry run)
            deployment.apps/web injected (dry run)
            cronjob.batch/night injected (dry run)
            pod/POD belongs to deployment/web, so this is about deployment/web
            exit 0

            $ inject -l tier=back
            error: nothing with the labels tier=back makes pods in namespace NAMESPACE
            hint: -n NAME chooses another namespace; `kubectl get all --show-labels` shows what there is
            exit 1

            $ inject -l tier_in_front
            error: cannot list pods: unable to parse requirement: found 'front' expected: '('
            exit 1

            $ inject web -l tier=front
            error: names, and -l or --all, exclude each other
            hint: with -l or --all write types only, such as deployments,statefulsets
            exit 2

            $ inject --all -A
            error: inject works in one namespace at a time
            hint: name it with -n NAME: ports and rules that are right for one may be wrong for another; check takes -A
            exit 2

            $ inject --all --config-map one
            pod/POD belongs to deployment/web, so this is about deployment/web
            error: --config-map names one ConfigMap, and this is about several objects
            hint: leave it out, or name one object
            exit 2

            $ inject
            error: nothing is named
            hint: name a pod or a workload: NAME or TYPE/NAME; or choose by -l SELECTOR or --all
            exit 2

            $ inject deploy
            error: `deploy` is a type, and nothing of it is named
            hint: write deploy/NAME, or choose by -l SELECTOR or --all
            exit 2

            $ inject deploy/web deploy/wbe service/web
            error: deployment.apps "wbe" not found in namespace NAMESPACE
            hint: -n NAME chooses another namespace
            exit 1
        "#]],
    );
}

#[test]
fn several_objects_are_printed_as_one_list() {
    let namespace = populated();
    let args = ["inject", "deploy/web", "deploy/api", "--port", "8080:8775", "--dry-run=client"];
    let text = namespace.ambassador(&[&args[..], &["-o", "json"]].concat()).ok();
    let list: serde_json::Value = serde_json::from_str(&text).expect("one JSON document");
    let kinds: Vec<&str> =
        list["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "Deployment").count(), 2, "{kinds:?}");
    assert_eq!(kinds.len(), 5, "two workloads, their configs, and one module: {kinds:?}");
    let names = namespace.ambassador(&[&args[..], &["-o", "name"]].concat()).ok();
    assert!(names.contains("deployment.apps/web\n") && names.contains("deployment.apps/api\n"), "{names}");
}

#[test]
fn several_objects_are_injected_up_to_the_first_that_fails() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    namespace.create("manifests/busybox.yaml");
    // Nothing listens in busybox, so there is nothing to map.
    let output = namespace.ambassador(&["inject", "busybox", "fruit-service"]);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{}", output.stderr);
    assert!(output.stderr.contains("not tried after that: pod/fruit-service\n"), "{}", output.stderr);
    let output = namespace.ambassador(&["inject", "fruit-service", "busybox"]);
    assert_eq!((output.code, output.stdout.as_str()), (4, "pod/fruit-service injected\n"));
    assert!(output.stderr.contains("done before that: pod/fruit-service\n"), "{}", output.stderr);
    let output = namespace.ambassador(&["uninject", "--all"]);
    assert_eq!(output.stdout, "pod/busybox unchanged\npod/fruit-service uninjected\n", "{}", output.stderr);
}

#[test]
fn a_reader_that_goes_away_and_a_full_disk_are_told_apart() {
    let namespace = Namespace::new();
    let cli = e2e::provided("AMBASSADOR_CLI");
    let shell = |line: &str| {
        let line = format!("{} completion bash {line}", cli.display());
        e2e::process::run(namespace.command(std::path::Path::new("bash")).args(["-c", &line]))
    };
    let gone = shell("| true; echo ${PIPESTATUS[0]}");
    assert_eq!((gone.stdout.as_str(), gone.stderr.as_str()), ("0\n", ""));
    let full = shell("> /dev/full");
    assert_eq!(
        (full.code, full.stderr.as_str()),
        (1, "error: cannot write to stdout: No space left on device (os error 28)\n")
    );
    let closed = shell("2>&-");
    assert_eq!(closed.code, 0);
}

#[test]
fn what_somebody_else_has_changed_is_not_overwritten_unless_that_is_said() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    namespace.ambassador(&["inject", "fruit-service", "--field-manager", "me", "--jq", "1"]).ok();
    let map = "configmap/fruit-service-ambassador-config";
    let managers = "{.metadata.managedFields[*].manager}";
    assert_eq!(namespace.field(map, managers), "me");
    assert!(namespace.field("pod/fruit-service", managers).split(' ').any(|name| name == "me"));
    let patch = serde_json::json!({"data": {"ambassador.yaml": "by hand"}}).to_string();
    namespace.kubectl(&["patch", map, "--field-manager=somebody", "--patch", &patch]).ok();
    // Without a config of its own, the command would go by what is there.
    let config = e2e::kube::repository("manifests/ambassador.yaml");
    let config = config.to_string_lossy();
    let args = ["inject", "fruit-service", "--field-manager", "me", "-c", &config];
    let output = namespace.ambassador(&args);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let told: Vec<&str> = output.stderr.lines().skip_while(|line| !line.starts_with("error")).collect();
    expect![[r#"
        error: cannot apply configmap/fruit-service-ambassador-config: Apply failed with 1 conflict: conflict with "somebody" using v1: .data.ambassador.yaml
        hint: --force-conflicts takes over what others have changed"#]].assert_eq(&told.join("\n"));
    namespace.ambassador(&[&args[..], &["--force-conflicts"]].concat()).ok();
    assert!(namespace.field(map, "{.data.ambassador\\.yaml}").contains("kind: Ambassador"));
}

#[test]
fn all_namespaces_are_gone_through_where_that_makes_sense() {
    let (one, two) = (Namespace::new(), Namespace::new());
    let label = format!("team={}", one.name);
    for namespace in [&one, &two] {
        let image = "--image=radial/busyboxplus:curl";
        namespace.kubectl(&["create", "deployment", "web", "--replicas=0", image]).ok();
        namespace.kubectl(&["label", "deployment", "web", &label]).ok();
        namespace.ambassador(&["inject", "deploy/web", "--port", "80:8775"]).ok();
    }
    // Who may look at all of them is an admin.
    let all = |args: &[&str]| {
        let mut command = one.command(&e2e::provided("AMBASSADOR_CLI"));
        command.env("KUBECONFIG", e2e::provided("AMBASSADOR_KUBECONFIG"));
        let output = e2e::process::run(command.args(args));
        let text = format!("exit {}\n{}{}", output.code, output.stdout, output.stderr);
        text.replace(&two.name, "TWO").replace(&one.name, "ONE")
    };
    let select = ["-A", "-l", &label];
    let checked = all(&[&["check", "--port", "80:8775", "-o", "name"], &select[..]].concat());
    let told: Vec<&str> = checked.lines().filter(|line| line.contains("AMB034")).collect();
    assert_eq!(told, ["AMB034 ONE/deployment/web", "AMB034 TWO/deployment/web"], "{checked}");
    assert!(all(&[&["diff"], &select[..]].concat()).starts_with("exit 0\n"));
    let mine = one.ambassador(&[&["uninject"], &select[..]].concat());
    assert_eq!((mine.code, mine.stdout.as_str()), (1, ""));
    assert!(mine.stderr.contains("cannot list resource \"pods\" in API group \"\" at the cluster scope"));
    let both = "exit 0\ndeployment.apps/web uninjected\ndeployment.apps/web uninjected\n";
    let gone = all(&[&["uninject"], &select[..]].concat());
    assert!(gone.starts_with(both), "{gone}");
    assert_eq!([one.config_maps(), two.config_maps()].concat(), Vec::<String>::new());
    let nothing = all(&["uninject", "-A", "-l", "team=nobody"]);
    assert!(
        nothing
            .starts_with("exit 1\nerror: nothing with the labels team=nobody makes pods in any namespace\n")
    );
}
