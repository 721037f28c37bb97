//! The flags that say which cluster is meant and as whom: kubectl itself, run with the same ones, says what is right.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::kube::Namespace;
use e2e::process::{Output, run};
use e2e::{certificate, free_port, provided};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// Both programs, with the same kubeconfig and the same flags, ask for a pod that is not there.
struct Both {
    namespace: Namespace,
    kubeconfig: PathBuf,
}

impl Both {
    fn new() -> Self {
        let namespace = Namespace::new();
        let kubeconfig = namespace.home.path().join("kubeconfig");
        let both = Self { namespace, kubeconfig };
        both.write("kubeconfig", &both.contexts());
        both
    }

    /// Contexts `admin`, the current one, and `dev`, which has this test's namespace.
    fn contexts(&self) -> Value {
        let read = |variable: &str| -> Value {
            let text = std::fs::read_to_string(provided(variable)).expect("a kubeconfig");
            serde_json::from_str(&text).expect("JSON")
        };
        let (admin, dev) = (read("AMBASSADOR_KUBECONFIG"), read("AMBASSADOR_DEV_KUBECONFIG"));
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "admin",
            "clusters": [
                {"name": "here", "cluster": admin["clusters"][0]["cluster"]},
                {"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}},
            ],
            "users": [
                {"name": "admin", "user": admin["users"][0]["user"]},
                {"name": "dev", "user": dev["users"][0]["user"]},
            ],
            "contexts": [
                {"name": "admin", "context": {"cluster": "here", "user": "admin"}},
                {"name": "dev", "context": {"cluster": "here", "user": "dev", "namespace": self.namespace.name}},
            ],
        })
    }

    fn write(&self, name: &str, value: &Value) -> String {
        let path = self.namespace.home.path().join(name);
        std::fs::write(&path, value.to_string()).expect("written");
        path.to_string_lossy().into_owned()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = self.namespace.command(program);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    fn ask(&self, flags: &[&str], change: impl Fn(&mut Command)) -> (Output, Output) {
        let mut kubectl = self.command(Path::new("kubectl"));
        change(kubectl.args(["get", "pod", "no-such-pod"]).args(flags));
        let mut ours = self.command(&provided("AMBASSADOR_CLI"));
        change(ours.args(["uninject", "no-such-pod"]).args(flags));
        (run(&mut kubectl), run(&mut ours))
    }

    /// What the server has to say reaches the user alike.
    #[track_caller]
    fn check(&self, flags: &[&str], expected: &Expect) {
        self.check_changed(flags, |_| {}, expected);
    }

    #[track_caller]
    fn check_changed(&self, flags: &[&str], change: impl Fn(&mut Command), expected: &Expect) {
        let (kubectl, ours) = self.ask(flags, change);
        assert_eq!((kubectl.code, ours.code), (1, 1), "{}{}", kubectl.stderr, ours.stderr);
        let said = kubectl.stderr.trim().strip_prefix("Error from server ").unwrap_or_default();
        let (reason, message) = said.split_once(": ").unwrap_or_else(|| panic!("{}", kubectl.stderr));
        if reason == "(NotFound)" {
            assert!(ours.stderr.contains("pod \"no-such-pod\" not found"), "{}", ours.stderr);
        } else {
            assert!(ours.stderr.contains(message), "{}\n{}", kubectl.stderr, ours.stderr);
        }
        let first = ours.stderr.lines().next().unwrap_or_default();
        expected.assert_eq(&first.replace(&self.namespace.name, "NAMESPACE"));
    }

    /// Neither gets as far as the server; ours says why.
    #[track_caller]
    fn check_refused(&self, flags: &[&str], expected: &Expect) {
        let (kubectl, ours) = self.ask(flags, |_| {});
        assert_ne!(kubectl.code, 0, "{}", kubectl.stdout);
        assert!(!kubectl.stderr.contains("Error from server"), "{}", kubectl.stderr);
        let shown = format!("exit {}\n{}", ours.code, ours.stderr);
        let home = self.namespace.home.path().to_string_lossy().into_owned();
        expected.assert_eq(&shown.replace(&home, "HOME").replace(&self.namespace.name, "NAMESPACE"));
    }
}

/// The authority that has signed the certificate of the API server.
fn authority() -> String {
    provided("AMBASSADOR_KUBECONFIG").with_file_name("pki/api/apiserver.crt").to_string_lossy().into_owned()
}

/// Where the API server is, and the token of the user without rights.
fn server_and_token() -> (String, String) {
    let text = std::fs::read_to_string(provided("AMBASSADOR_DEV_KUBECONFIG")).expect("a kubeconfig");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let at = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).expect("there").to_owned();
    (at("/clusters/0/cluster/server"), at("/users/0/user/token"))
}

#[test]
fn a_kubeconfig_says_where_and_as_whom() {
    let both = Both::new();
    both.check(&[], &expect![[r#"error: pod "no-such-pod" not found in namespace default"#]]);
    both.check(
        &["--context", "dev"],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "NAMESPACE""#]],
    );
    both.check(
        &["--context=dev", "-n=kube-system"],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "kube-system""#]],
    );
    both.check(
        &["--user", "dev"],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default""#]],
    );
    let file = provided("AMBASSADOR_DEV_KUBECONFIG");
    both.check(
        &["--kubeconfig", &file.to_string_lossy()],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default""#]],
    );
}

#[test]
fn a_list_of_kubeconfigs_is_read_as_one() {
    let both = Both::new();
    let mut whole = both.contexts();
    let users = json!({"apiVersion": "v1", "kind": "Config", "users": whole["users"].take()});
    // The first one that says something wins; one that is missing is passed over.
    whole["current-context"] = "dev".into();
    let list = [
        both.write("first", &whole),
        "/nonexistent/kubeconfig".to_owned(),
        String::new(),
        both.write("second", &users),
        both.write("third", &both.contexts()),
    ]
    .join(":");
    both.check_changed(
        &[],
        |command| {
            command.env("KUBECONFIG", &list);
        },
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "NAMESPACE""#]],
    );
}

#[test]
fn a_server_and_a_token_need_no_kubeconfig() {
    let both = Both::new();
    let (server, token) = server_and_token();
    let nothing = |command: &mut Command| {
        command.env("KUBECONFIG", "/dev/null");
    };
    let dev_in_default = expect![[
        r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default""#
    ]];
    let flags = ["-s", &server, "--token", &token, "--insecure-skip-tls-verify"];
    both.check_changed(&flags, nothing, &dev_in_default);
    let name = ["--tls-server-name", "kubernetes.default.svc"];
    let flags =
        [&["--server", &server, "--token", &token, "--certificate-authority", &authority()], &name[..]];
    both.check_changed(&flags.concat(), nothing, &dev_in_default);
    // The token of the command line wins over the user of the kubeconfig, its address over that of the cluster.
    both.check(&["--token", &token], &dev_in_default);
    let flags =
        ["--cluster", "gone", "--user", "dev", "--insecure-skip-tls-verify=true", "--server", &server];
    both.check(&flags, &dev_in_default);
    // An address alone is one of HTTP, over which no credentials go.
    let bare = server.strip_prefix("https://").expect("https");
    let (kubectl, ours) = both.ask(&["--server", bare], |_| {});
    assert!(kubectl.stderr.contains("BadRequest"), "{}", kubectl.stderr);
    assert!(ours.stderr.contains("Client sent an HTTP request to an HTTPS server"), "{}", ours.stderr);
    assert_eq!(ours.code, 1);
}

#[test]
fn an_authority_of_the_command_line_is_checked() {
    let both = Both::new();
    let authority = authority();
    both.check(
        &["--certificate-authority", &authority, "--tls-server-name", "localhost", "--user", "dev"],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default""#]],
    );
    // Its certificate is not for this address.
    let (kubectl, ours) = both.ask(&["--certificate-authority", &authority], |_| {});
    assert!(kubectl.stderr.contains("certificate is valid for"), "{}", kubectl.stderr);
    assert!(ours.stderr.contains("certificate not valid for name"), "{}", ours.stderr);
    assert_eq!(ours.code, 1);
    both.check_refused(&["--certificate-authority", "/nonexistent/ca.crt"], &expect![[r#"
        exit 1
        error: no cluster: failed to load certificate authority: failed to read file '"/nonexistent/ca.crt"': No such file or directory (os error 2)
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]]);
    both.check_refused(
        &["--certificate-authority", &authority, "--insecure-skip-tls-verify"],
        &expect![[r#"
            exit 2
            error: the argument '--certificate-authority <FILE>' cannot be used with '--insecure-skip-tls-verify[=<BOOL>]'

            Usage: kubectl ambassador uninject --certificate-authority <FILE> <TYPE/NAME>...

            For more information, try '--help'.
        "#]],
    );
}

#[test]
fn a_client_certificate_is_shown_to_the_server() {
    let both = Both::new();
    let dir = both.namespace.home.path();
    let ((key, alice), (server_key, server)) = (certificate(dir, "alice"), certificate(dir, "server"));
    let port = free_port().to_string();
    let mut process = e2e::process::Background::start(
        Command::new("openssl").args([
            "s_server",
            "-accept",
            &port,
            "-key",
            &server_key,
            "-cert",
            &server,
            "-Verify",
            "1",
            "-www",
        ]),
        &dir.join("s_server.log"),
    );
    process.wait_until("a TLS server", || process_listens(&port));
    let url = format!("https://127.0.0.1:{port}");
    let flags = [
        "--kubeconfig",
        "/dev/null",
        "-s",
        &url,
        "--insecure-skip-tls-verify",
        "--client-certificate",
        &alice,
        "--client-key",
        &key,
    ];
    let ours = run(both.command(&provided("AMBASSADOR_CLI")).args(["uninject", "no-such-pod"]).args(flags));
    assert_eq!(ours.code, 1, "{}", ours.stderr);
    process.wait_until("the certificate", || {
        std::fs::read_to_string(dir.join("s_server.log")).unwrap_or_default().contains("alice")
    });
    both.check_refused(
        &["--client-certificate", &alice],
        &expect![[r#"
            exit 2
            error: a client certificate and its key go together
            hint: name both, with --client-certificate FILE and --client-key FILE
        "#]],
    );
}

fn process_listens(port: &str) -> bool {
    std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok()
}

#[test]
fn somebody_else_can_be_acted_as() {
    let both = Both::new();
    both.check(
        &["--as", "alice"],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "alice" cannot get resource "pods" in API group "" in the namespace "default""#]],
    );
    let role = ["create", "role", "reader", "--verb=get,list", "--resource=pods"];
    both.namespace.kubectl(&role).ok();
    both.namespace.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--group=builders"]).ok();
    both.check(
        &["--as=alice", "--as-group=others", "--as-group=builders", "-n", &both.namespace.name],
        &expect![[r#"error: pod "no-such-pod" not found in namespace NAMESPACE"#]],
    );
    // Who may not act as others is told so, whatever it is of them.
    both.check(&["--user", "dev", "--as", "alice", "--as-uid", "1234"], &expect![[r#"error: cannot read pod/no-such-pod: users "alice" is forbidden: User "dev" cannot impersonate resource "users" in API group "" at the cluster scope"#]]);
    both.check_refused(
        &["--as-group", "builders"],
        &expect![[r#"
        exit 2
        error: --as-group and --as-uid need a user to act as
        hint: name one with --as USER
    "#]],
    );
}

#[test]
fn a_credential_plugin_is_run() {
    let both = Both::new();
    let script = both.namespace.home.path().join("credentials");
    let (_, token) = server_and_token();
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    let text = format!(
        "#!/bin/sh\n[ \"$1$WHO\" = tokendev ] && [ -n \"$KUBERNETES_EXEC_INFO\" ] && echo run >>\"$0.runs\" && echo '{credential}'\n"
    );
    std::fs::write(&script, text).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("a script");
    let mut kubeconfig = both.contexts();
    // Its path is relative to the kubeconfig.
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./credentials", "args": ["token"],
        "env": [{"name": "WHO", "value": "dev"}], "interactiveMode": "Never", "provideClusterInfo": true,
    });
    kubeconfig["users"] = json!([{"name": "admin", "user": {"exec": exec}}]);
    kubeconfig["clusters"][0]["cluster"]["server"] = server_and_token().0.into();
    let file = both.write("exec", &kubeconfig);
    both.check(
        &["--kubeconfig", &file],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default""#]],
    );
    let runs = std::fs::read_to_string(both.namespace.home.path().join("credentials.runs")).expect("runs");
    assert_eq!(runs, "run\nrun\n", "once by each of the two programs");
    // A token that has run out is got anew.
    let old = credential
        .to_string()
        .replace(r#""token":"#, r#""expirationTimestamp":"2020-01-01T00:00:00Z","token":"#);
    std::fs::write(&script, format!("#!/bin/sh\necho '{old}'\n")).expect("written");
    both.check(
        &["--kubeconfig", &file],
        &expect![[r#"error: cannot read pod/no-such-pod: pods "no-such-pod" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default""#]],
    );
    std::fs::write(&script, "#!/bin/sh\necho 'log in first' >&2\nexit 1\n").expect("written");
    both.check_refused(
        &["--kubeconfig", &file],
        &expect![[r#"
        exit 1
        error: the credential plugin `HOME/./credentials` failed: exit status: 1: log in first
        hint: `kubectl auth whoami` runs it too, and shows what it has to say
    "#]],
    );
    std::fs::remove_file(&script).expect("removed");
    kubeconfig["users"][0]["user"]["exec"]["installHint"] = "get it at the counter".into();
    both.write("exec", &kubeconfig);
    both.check_refused(
        &["--kubeconfig", &file],
        &expect![[r#"
        exit 1
        error: the credential plugin `HOME/./credentials` failed: No such file or directory (os error 2)
        hint: get it at the counter
    "#]],
    );
}

#[test]
fn a_request_ends_when_its_time_is_up() {
    let both = Both::new();
    // It takes connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    both.check_refused(
        &["-s", &url, "--request-timeout", "1s"],
        &expect![[r#"
        exit 1
        error: cannot read pod/no-such-pod: request timed out
        hint: is the cluster up? `kubectl cluster-info` asks it; --context NAME chooses another one
    "#]],
    );
    both.check_refused(
        &["--request-timeout", "soon"],
        &expect![[r#"
        exit 2
        error: invalid value 'soon' for '--request-timeout <TIME>': `soon` is not a time; write 30s or 5m

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn in_a_pod_the_service_account_is_used() {
    let both = Both::new();
    let name = &both.namespace.name;
    let token = both.namespace.kubectl(&["create", "token", "default"]).ok();
    let (server, _) = server_and_token();
    let port = server.rsplit(':').next().expect("a port");
    // What the kubelet puts into a pod, in a mount namespace of this test's own.
    let inside = |program: &str| {
        let script = format!(
            "mkdir -p /var/run/secrets && mount -t tmpfs tmpfs /var/run/secrets && cd /var/run/secrets && \
             mkdir -p kubernetes.io/serviceaccount && cd kubernetes.io/serviceaccount && \
             printf %s '{}' > token && printf %s '{name}' > namespace && cp '{}' ca.crt && exec {program}",
            token.trim(),
            authority()
        );
        run(both
            .command(Path::new("unshare"))
            .args(["--mount", "sh", "-c", &script])
            .env_remove("KUBECONFIG")
            .env("KUBERNETES_SERVICE_HOST", "localhost")
            .env("KUBERNETES_SERVICE_PORT", port))
    };
    let kubectl = inside("kubectl get pod no-such-pod");
    let cli = provided("AMBASSADOR_CLI");
    let ours = inside(&format!("{} uninject no-such-pod", cli.display()));
    let said = kubectl.stderr.trim().strip_prefix("Error from server (Forbidden): ").expect("forbidden");
    assert!(ours.stderr.contains(said), "{}\n{}", kubectl.stderr, ours.stderr);
    let user = format!("User \"system:serviceaccount:{name}:default\"");
    assert!(said.contains(&user) && said.contains(&format!("in the namespace \"{name}\"")), "{said}");
}

#[test]
fn nothing_of_the_sort_in_the_kubeconfig() {
    let both = Both::new();
    both.check_refused(
        &["--context", "no"],
        &expect![[r#"
        exit 1
        error: no cluster: the kubeconfig has no context no
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
    both.check_refused(
        &["--cluster", "no"],
        &expect![[r#"
        exit 1
        error: no cluster: the kubeconfig has no cluster no
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
    both.check_refused(
        &["--user", "no"],
        &expect![[r#"
        exit 1
        error: no cluster: the kubeconfig has no user no
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
    both.check_refused(
        &["--kubeconfig", "/nonexistent/file"],
        &expect![[r#"
        exit 1
        error: no cluster: cannot read /nonexistent/file: No such file or directory (os error 2)
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
    let broken = both.write("broken", &json!({"contexts": 1}));
    both.check_refused(&["--kubeconfig", &broken], &expect![[r#"
        exit 1
        error: no cluster: HOME/broken: failed to parse kubeconfig YAML: error: line 1 column 13: expected sequence start
         --> <input>:1:13
          |
        1 | {"contexts":1}
          |             ^ expected sequence start
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]]);
    both.check_refused(
        &["--kubeconfig", "/dev/null"],
        &expect![[r#"
        exit 1
        error: no cluster: the kubeconfig is empty
        hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses
    "#]],
    );
}

#[test]
fn warnings_of_the_server_are_told_once() {
    let namespace = Namespace::new();
    // A server that warns of whatever is asked, as the API server warns of old versions.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            warn(stream);
        }
    });
    let args = ["--kubeconfig", "/dev/null", "-s", &url];
    let kubectl = run(namespace.command(Path::new("kubectl")).args(["get", "pod", "p"]).args(args));
    let cli = provided("AMBASSADOR_CLI");
    let ours = run(namespace.command(&cli).args(["uninject", "p"]).args(args));
    let warnings = |output: &Output| output.stderr.matches("Warning: it is old\n").count();
    assert!(warnings(&kubectl) >= 1, "{}", kubectl.stderr);
    assert_eq!(warnings(&ours), 1, "{}", ours.stderr);
}

fn warn(mut stream: std::net::TcpStream) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"no","code":404}"#;
    let _ = write!(
        stream,
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nWarning: 299 - \"it is old\"\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
