//! What people get wrong, and what they are told: each error with its hint and exit code.

use e2e::kube::Namespace;
use e2e::process::{Output, run};
use e2e::provided;
use expect_test::{Expect, expect};

#[track_caller]
fn check(output: &Output, expected: &Expect) {
    expected.assert_eq(&format!("exit {}\n{}{}", output.code, output.stdout, output.stderr));
}

/// The namespace's name is another one each time, and the plugin's hash another one for each compiler.
fn without_namespace(namespace: &Namespace, output: Output) -> Output {
    let hide = |text: String| {
        let text = text.replace(&namespace.name, "NAMESPACE");
        match text.split_once("ambassador-plugin-") {
            Some((before, after)) => {
                // Which flavour it is says `flavours.rs`.
                let after = after[12..]
                    .strip_prefix(" (plugin")
                    .map_or(&after[12..], |rest| rest.split_once(')').expect("it ends in a parenthesis").1);
                format!("{before}ambassador-plugin-HASH{after}")
            }
            None => text,
        }
    };
    Output { code: output.code, stdout: hide(output.stdout), stderr: hide(output.stderr) }
}

fn pod(namespace: &Namespace, spec: &str) {
    let file = namespace.home.path().join("pod.yaml");
    std::fs::write(&file, format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n"))
        .expect("written");
    namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
    namespace.wait_ready("p");
}

#[test]
fn pods_that_are_not_there() {
    let namespace = Namespace::new();
    let inject = |target: &str| without_namespace(&namespace, namespace.ambassador(&["inject", target]));
    check(
        &inject("fruit-service"),
        &expect![[r#"
        exit 1
        error: pod "fruit-service" not found in namespace NAMESPACE
        hint: there are no pods in namespace NAMESPACE; -n NAME chooses another one
    "#]],
    );
    namespace.create("manifests/fruit-service.yaml");
    check(
        &inject("fruit"),
        &expect![[r#"
        exit 1
        error: pod "fruit" not found in namespace NAMESPACE
        hint: did you mean fruit-service?
    "#]],
    );
    check(
        &inject("nothing-like-it"),
        &expect![[r#"
        exit 1
        error: pod "nothing-like-it" not found in namespace NAMESPACE
        hint: pods there: fruit-service
    "#]],
    );
    check(
        &inject("pod/nothing-like-it"),
        &expect![[r#"
        exit 1
        error: pod "nothing-like-it" not found in namespace NAMESPACE
        hint: pods there: fruit-service
    "#]],
    );
    check(
        &inject("../../secrets"),
        &expect![[r#"
            exit 2
            error: `../../secrets` is not the name of an object
            hint: name a pod or a workload: NAME or TYPE/NAME
        "#]],
    );
    check(
        &inject("a\nb"),
        &expect![[r#"
            exit 2
            error: `a\nb` is not the name of an object
            hint: name a pod or a workload: NAME or TYPE/NAME
        "#]],
    );
    check(
        &inject("service/fruit-service"),
        &expect![[r#"
            exit 2
            error: `service` is not a kind that makes pods
            hint: one of pod, deployment, statefulset, daemonset, replicaset, replicationcontroller, job, cronjob; or another one with its group, such as rollouts.argoproj.io/NAME, and --pod-template-path
        "#]],
    );
}

#[test]
fn names_that_mean_workloads() {
    let namespace = Namespace::new();
    let inject = |target: &str| without_namespace(&namespace, namespace.ambassador(&["inject", target]));
    namespace
        .kubectl(&["create", "deployment", "web", "--image=radial/busyboxplus:curl", "--", "sleep", "3600"])
        .ok();
    namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).ok();
    check(
        &inject("web"),
        &expect![[r#"
            exit 1
            error: deployment/web declares no port, and nothing in it listens on one [AMB036]
            hint: if its program takes long to start, try again; else name the port: --port 80:TARGET
        "#]],
    );
    namespace
        .kubectl(&["create", "job", "web", "--image=radial/busyboxplus:curl", "--", "sleep", "3600"])
        .ok();
    check(
        &inject("web"),
        &expect![[r#"
        exit 1
        error: web is ambiguous in namespace NAMESPACE: deployment/web, job/web
        hint: say which one, as TYPE/NAME
    "#]],
    );
    let owned =
        namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]).ok();
    let output = inject(&owned);
    let prefix = owned.rsplit_once('-').expect("a suffix").0;
    let hide = |text: String| text.replace(&owned, "POD").replace(prefix, "OWNER");
    check(
        &Output { code: output.code, stdout: hide(output.stdout), stderr: hide(output.stderr) },
        &expect![[r#"
            exit 1
            pod/POD belongs to deployment/web, so this is about deployment/web
            error: deployment/web declares no port, and nothing in it listens on one [AMB036]
            hint: if its program takes long to start, try again; else name the port: --port 80:TARGET
        "#]],
    );
}

#[test]
fn ports_that_cannot_be_found_or_are_taken() {
    let namespace = Namespace::new();
    let inject = |args: &[&str]| {
        without_namespace(&namespace, namespace.ambassador(&[&["inject", "p"], args].concat()))
    };
    pod(
        &namespace,
        "{terminationGracePeriodSeconds: 0, containers: [{name: c, image: 'radial/busyboxplus:curl', command: [sleep, '3600']}]}",
    );
    check(
        &inject(&[]),
        &expect![[r#"
            exit 1
            error: pod/p declares no port, and nothing in it listens on one [AMB036]
            hint: if its program takes long to start, try again; else name the port: --port 80:TARGET
        "#]],
    );
    // Nothing behind the port: the wait ends, and the pod comes back.
    check(
        &inject(&["--port", "80:7000", "--timeout", "20s"]),
        &expect![[r#"
            exit 3
            pod/p will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
              port 80 -> 7000
              no rules: answers pass as they are
              configmaps p-ambassador-config and ambassador-plugin-HASH
            warning: port 80 leads to port 7000, where nothing listens at the moment [AMB035]
            replacing pod/p ...
            pod/p did not come up, putting the original back ...
            error: pod/p was not injected: port 7000 does not answer behind port 80
            hint: the original pod is back and ready
        "#]],
    );
    namespace.kubectl(&["delete", "pod", "p"]).ok();
    let two = "{terminationGracePeriodSeconds: 0, containers: [{name: c, image: 'radial/busyboxplus:curl', command: [sh, -c, 'httpd -p 7000 -h /tmp; httpd -p 7001 -h /tmp; sleep 3600']}]}";
    pod(&namespace, two);
    std::thread::sleep(std::time::Duration::from_secs(1));
    check(
        &inject(&[]),
        &expect![[r#"
            exit 1
            error: pod/p listens on several ports: 7000, 7001 [AMB036]
            hint: say which one clients want on port 80, such as --port 80:7000
        "#]],
    );
    check(
        &inject(&["--port", "7001:7000"]),
        &expect![[r#"
            exit 1
            error: port 7001 is taken: it is listened on in the pod [AMB030]
            hint: map another one, such as --port 8080:8775; clients then use that
        "#]],
    );
    namespace.kubectl(&["delete", "pod", "p"]).ok();
    pod(
        &namespace,
        "{terminationGracePeriodSeconds: 0, volumes: [{name: scratch, emptyDir: {}}], containers: [{name: c, image: 'radial/busyboxplus:curl', command: [sleep, '3600'], ports: [{containerPort: 80}, {containerPort: 81}]}]}",
    );
    check(
        &inject(&["--port", "80:81"]),
        &expect![[r#"
            exit 1
            error: pod/p has data in the emptyDir volume scratch, which recreating it would delete [AMB020]
            hint: allow that with --delete-emptydir-data
        "#]],
    );
    check(
        &inject(&["--port", "80:81", "--delete-emptydir-data"]),
        &expect![[r#"
            exit 1
            error: port 80 is taken: it is declared by container c [AMB030]
            hint: map another one, such as --port 8080:8775; clients then use that
        "#]],
    );
    check(
        &inject(&["--delete-emptydir-data"]),
        &expect![[r#"
            exit 1
            error: pod/p declares several ports: 80 of c, 81 of c [AMB036]
            hint: 80 is among them, so map another one to the one that clients want, such as --port 8080:80
        "#]],
    );
}

/// inject, in a folder, by someone who has no cluster: what is wrong here is told before that.
fn inject_in(dir: &tempfile::TempDir, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(provided("AMBASSADOR_CLI"));
    run(command
        .current_dir(dir.path())
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .args(["inject", "fruit-service"])
        .args(args))
}

#[test]
fn flags_that_are_wrong() {
    let dir = tempfile::tempdir().expect("a folder");
    let inject = |args: &[&str]| inject_in(&dir, args);
    check(
        &inject(&["--jq", ".fruits[ | map(.name"]),
        &expect![[r#"
            exit 2
            error: this is not closed: expected `]`
             --> --jq:1:8
              |
            1 | .fruits[ | map(.name
              |        ^

            error: this is not closed: expected `)`
             --> --jq:1:15
              |
            1 | .fruits[ | map(.name
              |               ^

            error: --jq has 2 problems
        "#]],
    );
    check(
        &inject(&["--jq", "map(foo) | $x"]),
        &expect![[r#"
        exit 2
        error: function foo is not defined
         --> --jq:1:5
          |
        1 | map(foo) | $x
          |     ^^^

        error: variable $x is not defined
         --> --jq:1:12
          |
        1 | map(foo) | $x
          |            ^^

        error: --jq has 2 problems
    "#]],
    );
    let why = |args: &[&str]| {
        let output = inject(args);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{args:?}: {}", output.stderr);
        let first = output.stderr.lines().next().unwrap_or_default();
        first.trim_start_matches("error: invalid value ").to_owned()
    };
    let ports = ["80", "0:65536", "80:65536", "-1:80", "80:-1", "+80:80", "80:80:80", "80: 80", ""];
    let ports = ports.map(|port| why(&["--port", port]));
    expect![[r#"
        '80' for '--port <LISTEN:TARGET>': expected LISTEN:TARGET, such as 80:8775
        '0:65536' for '--port <LISTEN:TARGET>': `0` is not a port; a port is from 1 to 65535
        '80:65536' for '--port <LISTEN:TARGET>': `65536` is not a port; a port is from 1 to 65535
        '-1:80' for '--port <LISTEN:TARGET>': `-1` is not a port; a port is from 1 to 65535
        '80:-1' for '--port <LISTEN:TARGET>': `-1` is not a port; a port is from 1 to 65535
        '+80:80' for '--port <LISTEN:TARGET>': `+80` is not a port; a port is from 1 to 65535
        '80:80:80' for '--port <LISTEN:TARGET>': `80:80` is not a port; a port is from 1 to 65535
        '80: 80' for '--port <LISTEN:TARGET>': ` 80` is not a port; a port is from 1 to 65535
        '' for '--port <LISTEN:TARGET>': expected LISTEN:TARGET, such as 80:8775"#]]
    .assert_eq(&ports.join("\n"));
    let names = [
        ["-n", "../x"],
        ["-n", "a.b"],
        ["--namespace", ""],
        ["--config-map", "../x"],
        ["--config-map", ".."],
        ["--config-map", ""],
        ["--image", ""],
        ["--image", "a\nb"],
        ["--plugin-image", "a b"],
    ];
    let names = names.map(|flag| why(&flag));
    // What is for manifests would be passed over without any.
    for flag in ["--with-plugin", "--plugin-image=a", "--kubernetes-version=1.34", "--ipv6", "-R"] {
        assert_eq!(why(&[flag]), "error: the following required arguments were not provided:", "{flag}");
    }
    expect![[r#"
        '../x' for '--namespace <NAME>': expected the name of a namespace: at most 63 lower case letters, digits and `-`
        'a.b' for '--namespace <NAME>': expected the name of a namespace: at most 63 lower case letters, digits and `-`
        '' for '--namespace <NAME>': expected the name of a namespace: at most 63 lower case letters, digits and `-`
        '../x' for '--config-map <NAME>': expected the name of a ConfigMap: lower case letters, digits, `-` and `.`
        '..' for '--config-map <NAME>': expected the name of a ConfigMap: lower case letters, digits, `-` and `.`
        '' for '--config-map <NAME>': expected the name of a ConfigMap: lower case letters, digits, `-` and `.`
        '' for '--image <IMAGE>': expected an image, such as REGISTRY/NAME:TAG
        'a
        'a b' for '--plugin-image <IMAGE>': expected an image, such as REGISTRY/NAME:TAG"#]].assert_eq(&names.join("\n"));
    check(
        &inject(&["--port", "80:1", "--port", "80:2"]),
        &expect![[r#"
        exit 2
        error: spec.ports[1].name: the name `port-80` is used twice
         --> the config made of --port and --jq:9:5
          |
        9 |   - listen: "80"
          |     ^^^^^^^^^^^^
          |
        help: give each port a name of its own

        error: spec.ports[1].listen: port 80 is mapped twice
         --> the config made of --port and --jq:9:13
          |
        9 |   - listen: "80"
          |             ^^^^

        error: the config made of --port and --jq has 2 problems
    "#]],
    );
}

#[test]
fn files_that_cannot_be_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let inject = |args: &[&str]| inject_in(&dir, args);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    // Each of them by each flag that reads a file; a pipe with a writer is a file like others.
    write(
        "config.yaml",
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec: {ports: [{listen: 80, target: 8775}]}\n",
    );
    write("pod.yaml", "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n");
    std::fs::create_dir(dir.path().join("empty")).expect("made");
    let mut told = Vec::new();
    for flags in ["-c", "-f", "-f pod.yaml --port 80:1 --plugin-file"] {
        for file in ["absent.yaml", "empty", "/dev/zero"] {
            let args: Vec<&str> = flags.split(' ').chain([file]).collect();
            let output = inject(&args);
            told.push(format!(
                "{flags} {file}: exit {} {}{}",
                output.code,
                output.stdout,
                output.stderr.trim_end()
            ));
        }
    }
    expect![[r#"
        -c absent.yaml: exit 2 error: cannot read absent.yaml: No such file or directory (os error 2)
        -c empty: exit 2 error: cannot read empty: Is a directory (os error 21)
        -c /dev/zero: exit 2 error: /dev/zero is larger than 1048576 bytes
        -f absent.yaml: exit 2 error: cannot read absent.yaml: No such file or directory (os error 2)
        -f empty: exit 2 error: empty has no manifests
        hint: files named .yaml, .yml and .json are; -R looks into its folders too
        -f /dev/zero: exit 2 error: /dev/zero is larger than 268435456 bytes
        -f pod.yaml --port 80:1 --plugin-file absent.yaml: exit 2 error: cannot read absent.yaml: No such file or directory (os error 2)
        -f pod.yaml --port 80:1 --plugin-file empty: exit 2 error: cannot read empty: Is a directory (os error 21)
        -f pod.yaml --port 80:1 --plugin-file /dev/zero: exit 2 error: /dev/zero is larger than 16777216 bytes"#]].assert_eq(&told.join("\n"));
    let piped = run(std::process::Command::new("bash")
        .args(["-c", "\"$0\" inject -f <(cat pod.yaml) -c <(cat config.yaml) 2>&1 >/dev/null | head -n1; exec 0<&-; \"$0\" inject -f - --port 80:1"])
        .arg(provided("AMBASSADOR_CLI"))
        .current_dir(dir.path()));
    check(
        &piped,
        &expect![[r#"
        exit 0
        pod/p injected
        note: there is nothing to do here: no workload was found
    "#]],
    );
}

#[test]
fn files_that_are_wrong() {
    let dir = tempfile::tempdir().expect("a folder");
    let inject = |args: &[&str]| inject_in(&dir, args);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    write("broken.yaml", "apiVersion: [\n");
    check(
        &inject(&["-c", "broken.yaml"]),
        &expect![[r#"
        exit 2
        error: while parsing a node, did not find expected node content
         --> broken.yaml:1:15
          |
        1 | apiVersion: [
          |              ^

        error: broken.yaml has 1 problem
    "#]],
    );
    write(
        "wrong.yaml",
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports:\n    - {listen: 80, target: 8775, protocl: http}\n  rules:\n    - name: a\n      response:\n        jq: |\n          map(.name)\n          | fooo\n        form: xml\n",
    );
    check(
        &inject(&["-c", "wrong.yaml"]),
        &expect![[r#"
        exit 2
        error: spec.ports[0].protocl: unknown field `protocl`
         --> wrong.yaml:5:34
          |
        5 |     - {listen: 80, target: 8775, protocl: http}
          |                                  ^^^^^^^
          |
        help: did you mean `protocol`?

        error: spec.rules[0].response.form: unknown field `form`
          --> wrong.yaml:12:9
           |
        12 |         form: xml
           |         ^^^^
           |
        help: did you mean `from`?

        error: wrong.yaml has 2 problems
    "#]],
    );
    write(
        "rules.yaml",
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports:\n    - {listen: 80, target: 8775, protocol: udp}\n  rules:\n    - name: a\n      response:\n        jq: |\n          map(.name)\n          | fooo\n        from: xlm\n",
    );
    check(
        &inject(&["-c", "rules.yaml"]),
        &expect![[r#"
            exit 2
            error: spec.ports[0].protocol: unknown protocol `udp`
             --> rules.yaml:5:44
              |
            5 |     - {listen: 80, target: 8775, protocol: udp}
              |                                            ^^^
              |
            help: expected http or tcp

            error: spec.rules[0].response.jq: function fooo is not defined; did you mean `floor`?
              --> rules.yaml:11:13
               |
            11 |           | fooo
               |             ^^^^

            error: spec.rules[0].response.from: unknown format `xlm`
              --> rules.yaml:12:15
               |
            12 |         from: xlm
               |               ^^^
               |
            help: expected one of json, ndjson, xml, csv, tsv, yaml, text, form, prometheus

            error: rules.yaml has 3 problems
        "#]],
    );
}

#[test]
fn a_port_that_the_ambassador_needs_itself() {
    let namespace = Namespace::new();
    let home = namespace.home.path().to_string_lossy().into_owned();
    let file = namespace.home.path().join("health.yaml");
    std::fs::write(
        &file,
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports:\n    - {listen: 80, target: 8775}\n    - {listen: '127.0.0.1:19901', target: 'redis:6379', protocol: tcp}\n",
    )
    .expect("written");
    let output = namespace.ambassador(&["inject", "p", "-c", &file.to_string_lossy()]);
    check(
        &Output { stderr: output.stderr.replace(&home, "HOME"), ..output },
        &expect![[r#"
            exit 2
            error: spec.ports[1].listen: port 19901 is the health listener's
             --> HOME/health.yaml:6:16
              |
            6 |     - {listen: '127.0.0.1:19901', target: 'redis:6379', protocol: tcp}
              |                ^^^^^^^^^^^^^^^^^
              |
            help: listen on another one

            error: HOME/health.yaml has 1 problem
        "#]],
    );
}

#[test]
fn clusters_that_do_not_answer_or_do_not_let() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    let cli = provided("AMBASSADOR_CLI");
    let inject = |kubeconfig: &std::path::Path, args: &[&str]| {
        let mut command = namespace.command(&cli);
        command
            .env("KUBECONFIG", kubeconfig)
            .args(["inject", "fruit-service", "--namespace", &namespace.name])
            .args(args);
        without_namespace(&namespace, run(&mut command))
    };
    check(
        &inject(std::path::Path::new("/nonexistent/kubeconfig"), &[]),
        &expect![[r#"
        exit 1
        error: no cluster: cannot read /nonexistent/kubeconfig: No such file or directory (os error 2)
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
    check(
        &inject(&provided("AMBASSADOR_DEV_KUBECONFIG"), &[]),
        &expect![[r#"
        exit 1
        error: cannot read pod/fruit-service: pods "fruit-service" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "NAMESPACE"
        hint: ask for the rights that the message names; `kubectl auth can-i --list` shows yours
    "#]],
    );
    check(
        &inject(&provided("AMBASSADOR_KUBECONFIG"), &["--context", "no-such-context"]),
        &expect![[r#"
        exit 1
        error: no cluster: the kubeconfig has no context no-such-context
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
    let gone = namespace.home.path().join("gone.yaml");
    let text = std::fs::read_to_string(provided("AMBASSADOR_KUBECONFIG")).expect("a kubeconfig");
    let port = text.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("a port");
    std::fs::write(&gone, text.replace(port, "1")).expect("written");
    check(
        &inject(&gone, &[]),
        &expect![[r#"
        exit 1
        error: cannot read pod/fruit-service: Connection refused (os error 111)
        hint: is the cluster up? `kubectl cluster-info` asks it; --context NAME chooses another one
    "#]],
    );
    // Some of the rights: all that is missing is named at once, and nothing is changed.
    let role = ["create", "role", "reader", "--verb=get,list", "--resource=pods,configmaps"];
    namespace.kubectl(&role).ok();
    namespace.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--user=dev"]).ok();
    check(
        &inject(&provided("AMBASSADOR_DEV_KUBECONFIG"), &["--port", "80:8775"]),
        &expect![[r#"
            exit 1
            warning: Services that lead past the ambassador go on to do so, since you may not: list services
            pod/fruit-service will be recreated with the container envoy-ambassador, docker.io/envoyproxy/envoy:distroless-v1.40.0:
              port 80 -> 8775
              no rules: answers pass as they are
              configmaps fruit-service-ambassador-config and ambassador-plugin-HASH
            warning: not all could be looked at, since you may not: list services, list networkpolicies.networking.k8s.io, list horizontalpodautoscalers.autoscaling, list poddisruptionbudgets.policy, list resourcequotas, list limitranges [AMB082]
            error: in namespace NAMESPACE you may not: create pods, delete pods, create configmaps, patch configmaps [AMB080]
            hint: ask for a role that has these rights
        "#]],
    );
    assert_eq!(namespace.config_maps(), Vec::<String>::new());
}
