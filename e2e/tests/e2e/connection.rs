//! The flags that say which cluster is meant and as whom: kubectl itself, run with the same ones, says what is right.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::kube::Namespace;
use e2e::process::{Background, Output, run};
use e2e::{certificate, free_port, provided};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The namespace of the context `dev`. It need not be there: who may do nothing in it is told just that.
const ELSEWHERE: &str = "elsewhere";
/// What to do about most of what is wrong with a kubeconfig.
const HINT: &str =
    "hint: `kubectl config get-contexts` lists what there is; --context NAME or --kubeconfig FILE chooses\n";

/// Both programs, with the same kubeconfig and the same flags, ask for a pod that is not there.
struct Both {
    home: TempDir,
    kubeconfig: PathBuf,
}

impl Both {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let both = Self { kubeconfig: home.path().join("kubeconfig"), home };
        both.write("kubeconfig", &contexts());
        both
    }

    fn write(&self, name: &str, value: &Value) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, value.to_string()).expect("written");
        path.to_string_lossy().into_owned()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", &self.kubeconfig).env("HOME", self.home.path());
        command
    }

    fn ask(&self, flags: &[&str], change: impl Fn(&mut Command)) -> (Output, Output) {
        let mut kubectl = self.command(Path::new("kubectl"));
        change(kubectl.args(["get", "pod", "no-such-pod"]).args(flags));
        let mut ours = self.command(&provided("AMBASSADOR_CLI"));
        change(ours.args(["uninject", "no-such-pod"]).args(flags));
        (run(&mut kubectl), run(&mut ours))
    }

    /// What the server has to say reaches the user alike. What is expected is as whom and where it was asked.
    #[track_caller]
    fn check(&self, flags: &[&str], expected: &str) {
        self.check_changed(flags, |_| {}, expected);
    }

    #[track_caller]
    fn check_changed(&self, flags: &[&str], change: impl Fn(&mut Command), expected: &str) {
        let (kubectl, ours) = self.ask(flags, change);
        assert_eq!((kubectl.code, ours.code), (1, 1), "{}{}", kubectl.stderr, ours.stderr);
        assert_eq!(same_words(&kubectl, &ours), expected, "{flags:?}: {}", ours.stderr);
    }

    /// Neither gets as far as the server; ours says why.
    #[track_caller]
    fn check_refused(&self, all: &[&[&str]], expected: &Expect) {
        let told = all.iter().map(|flags| {
            let (kubectl, ours) = self.ask(flags, |_| {});
            assert_ne!(kubectl.code, 0, "{flags:?}: {}", kubectl.stdout);
            assert!(!kubectl.stderr.contains("Error from server"), "{flags:?}: {}", kubectl.stderr);
            format!("exit {}\n{}", ours.code, ours.stderr.replace(HINT, "hint: HINT\n"))
        });
        let told = told.collect::<Vec<_>>().join("\n");
        expected.assert_eq(&told.replace(&*self.home.path().to_string_lossy(), "HOME"));
    }
}

/// As whom and where both have asked, if they were told the same.
#[track_caller]
fn same_words(kubectl: &Output, ours: &Output) -> String {
    let said = kubectl.stderr.trim().strip_prefix("Error from server ").unwrap_or_default();
    let (reason, message) = said.split_once(": ").unwrap_or_else(|| panic!("{}", kubectl.stderr));
    if reason == "(NotFound)" {
        assert!(ours.stderr.contains("pod \"no-such-pod\" not found"), "{}", ours.stderr);
        return "not found".to_owned();
    }
    assert!(ours.stderr.contains(message), "{}\n{}", kubectl.stderr, ours.stderr);
    let after = |start: &str| message.split(start).nth(1).and_then(|rest| rest.split('"').next());
    let user = after("User \"").unwrap_or_else(|| panic!("{message}"));
    after("in the namespace \"")
        .map_or_else(|| format!("{user}: {message}"), |namespace| format!("{user} in {namespace}"))
}

/// A kubeconfig of the tests.
fn kubeconfig_at(variable: &str) -> Value {
    let text = std::fs::read_to_string(provided(variable)).expect("a kubeconfig");
    serde_json::from_str(&text).expect("JSON")
}

/// Contexts `admin`, the current one, and `dev`, which has a namespace.
fn contexts() -> Value {
    let (admin, dev) = (kubeconfig_at("AMBASSADOR_KUBECONFIG"), kubeconfig_at("AMBASSADOR_DEV_KUBECONFIG"));
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
            {"name": "dev", "context": {"cluster": "here", "user": "dev", "namespace": ELSEWHERE}},
        ],
    })
}

/// The authority that has signed the certificate of the API server.
fn authority() -> String {
    provided("AMBASSADOR_KUBECONFIG").with_file_name("pki/api/apiserver.crt").to_string_lossy().into_owned()
}

/// Where the API server is, and the token of the user without rights.
fn server_and_token() -> (String, String) {
    let value = kubeconfig_at("AMBASSADOR_DEV_KUBECONFIG");
    let at = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).expect("there").to_owned();
    (at("/clusters/0/cluster/server"), at("/users/0/user/token"))
}

fn kubeconfig_is(list: &str) -> impl Fn(&mut Command) {
    move |command| _ = command.env("KUBECONFIG", list)
}

#[test]
fn a_kubeconfig_says_where_and_as_whom() {
    let both = Both::new();
    both.check(&[], "not found");
    both.check(&["--context", "dev"], "dev in elsewhere");
    both.check(&["--context=dev", "-n=kube-system"], "dev in kube-system");
    both.check(&["--user", "dev"], "dev in default");
    let file = provided("AMBASSADOR_DEV_KUBECONFIG");
    both.check(&["--kubeconfig", &file.to_string_lossy()], "dev in default");
}

#[test]
fn a_list_of_kubeconfigs_is_read_as_one() {
    let both = Both::new();
    let mut whole = contexts();
    let users = json!({"apiVersion": "v1", "kind": "Config", "users": whole["users"].take()});
    // The first one that says something wins; one that is missing is passed over.
    whole["current-context"] = "dev".into();
    let [first, second, third] = [("first", &whole), ("second", &users), ("third", &contexts())]
        .map(|(name, value)| both.write(name, value));
    let list = format!("{first}:/nonexistent/kubeconfig::{second}:{third}");
    both.check_changed(&[], kubeconfig_is(&list), "dev in elsewhere");
}

#[test]
fn a_server_and_a_token_need_no_kubeconfig() {
    let both = Both::new();
    let (server, token) = server_and_token();
    let nothing = kubeconfig_is("/dev/null");
    let flags = ["-s", &server, "--token", &token, "--insecure-skip-tls-verify"];
    both.check_changed(&flags, &nothing, "dev in default");
    let name = ["--tls-server-name", "kubernetes.default.svc"];
    let flags =
        [&["--server", &server, "--token", &token, "--certificate-authority", &authority()], &name[..]];
    both.check_changed(&flags.concat(), &nothing, "dev in default");
    // The token of the command line wins over the user of the kubeconfig, its address over that of the cluster.
    both.check(&["--token", &token], "dev in default");
    let flags =
        ["--cluster", "gone", "--user", "dev", "--insecure-skip-tls-verify=true", "--server", &server];
    both.check(&flags, "dev in default");
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
    let known = ["--certificate-authority", &authority];
    both.check(
        &[&known[..], &["--tls-server-name", "localhost", "--user", "dev"]].concat(),
        "dev in default",
    );
    // Its certificate is not for this address.
    let (kubectl, ours) = both.ask(&known, |_| {});
    assert!(kubectl.stderr.contains("certificate is valid for"), "{}", kubectl.stderr);
    assert!(ours.stderr.contains("certificate not valid for name"), "{}", ours.stderr);
    assert_eq!(ours.code, 1);
    both.check_refused(
        &[
            &["--certificate-authority", "/nonexistent/ca.crt"],
            &["--certificate-authority", &authority, "--insecure-skip-tls-verify"],
        ],
        &expect![[r#"
            exit 1
            error: no cluster: failed to load certificate authority: failed to read file '"/nonexistent/ca.crt"': No such file or directory (os error 2)
            hint: HINT

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
    let dir = both.home.path();
    let ((key, alice), (server_key, server)) = (certificate(dir, "alice"), certificate(dir, "server"));
    let (port, log) = (free_port().to_string(), dir.join("s_server.log"));
    let args = ["s_server", "-accept", &port, "-key", &server_key, "-cert", &server, "-Verify", "1", "-www"];
    let mut process = Background::start(Command::new("openssl").args(args), &log);
    process.wait_until("a TLS server", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
    let url = format!("https://127.0.0.1:{port}");
    let mut ours = both.command(&provided("AMBASSADOR_CLI"));
    ours.args(["uninject", "no-such-pod", "--kubeconfig", "/dev/null", "-s", &url]);
    ours.args(["--insecure-skip-tls-verify", "--client-certificate", &alice, "--client-key", &key]);
    let ours = run(&mut ours);
    assert_eq!(ours.code, 1, "{}", ours.stderr);
    process.wait_until("the certificate", || {
        std::fs::read_to_string(&log).unwrap_or_default().contains("alice")
    });
    both.check_refused(
        &[&["--client-certificate", &alice]],
        &expect![[r#"
        exit 2
        error: a client certificate and its key go together
        hint: name both, with --client-certificate FILE and --client-key FILE
    "#]],
    );
}

#[test]
fn somebody_else_can_be_acted_as() {
    let (both, namespace) = (Both::new(), Namespace::new());
    both.check(&["--as", "alice"], "alice in default");
    namespace.kubectl(&["create", "role", "reader", "--verb=get,list", "--resource=pods"]).ok();
    namespace.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--group=builders"]).ok();
    both.check(
        &["--as=alice", "--as-group=others", "--as-group=builders", "-n", &namespace.name],
        "not found",
    );
    // Who may not act as others is told so, whatever it is of them.
    both.check(
        &["--user", "dev", "--as", "alice", "--as-uid", "1234"],
        r#"dev: users "alice" is forbidden: User "dev" cannot impersonate resource "users" in API group "" at the cluster scope"#,
    );
    both.check_refused(
        &[&["--as-group", "builders"]],
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
    let script = both.home.path().join("credentials");
    let (server, token) = server_and_token();
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    let write = |text: &str| std::fs::write(&script, format!("#!/bin/sh\n{text}\n")).expect("written");
    write(&format!(
        "[ \"$1$WHO\" = tokendev ] && [ -n \"$KUBERNETES_EXEC_INFO\" ] && echo run >>\"$0.runs\" && echo '{credential}'"
    ));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("a script");
    let mut kubeconfig = contexts();
    // Its path is relative to the kubeconfig.
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./credentials", "args": ["token"],
        "env": [{"name": "WHO", "value": "dev"}], "interactiveMode": "Never", "provideClusterInfo": true,
    });
    kubeconfig["users"] = json!([{"name": "admin", "user": {"exec": exec}}]);
    kubeconfig["clusters"][0]["cluster"]["server"] = server.into();
    let file = both.write("exec", &kubeconfig);
    let flags = ["--kubeconfig", &file];
    both.check(&flags, "dev in default");
    let runs = std::fs::read_to_string(both.home.path().join("credentials.runs")).expect("runs");
    assert_eq!(runs, "run\nrun\n", "once by each of the two programs");
    // A token that has run out is got anew.
    let expired = r#""expirationTimestamp":"2020-01-01T00:00:00Z","token":"#;
    write(&format!("echo '{}'", credential.to_string().replace(r#""token":"#, expired)));
    both.check(&flags, "dev in default");
    write("echo 'log in first' >&2\nexit 1");
    both.check_refused(
        &[&flags],
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
        &[&flags],
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
    // It takes connections, and says nothing; kubectl asks it five times.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let mut ours = both.command(&provided("AMBASSADOR_CLI"));
    let ours = run(ours.args(["uninject", "no-such-pod", "-s", &url, "--request-timeout", "1s"]));
    let first = ours.stderr.lines().next().unwrap_or_default();
    assert_eq!((ours.code, first), (1, "error: cannot read pod/no-such-pod: request timed out"));
    both.check_refused(
        &[&["--request-timeout", "soon"]],
        &expect![[r#"
            exit 2
            error: invalid value 'soon' for '--request-timeout <TIME>': `soon` is not a time; write 30s or 5m

            For more information, try '--help'.
        "#]],
    );
}

#[test]
fn in_a_pod_the_service_account_is_used() {
    let (both, namespace) = (Both::new(), Namespace::new());
    let name = &namespace.name;
    let token = namespace.kubectl(&["create", "token", "default"]).ok();
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
    let ours = inside(&format!("{} uninject no-such-pod", provided("AMBASSADOR_CLI").display()));
    assert_eq!(same_words(&kubectl, &ours), format!("system:serviceaccount:{name}:default in {name}"));
}

#[test]
fn nothing_of_the_sort_in_the_kubeconfig() {
    let both = Both::new();
    let broken = both.write("broken", &json!({"contexts": 1}));
    both.check_refused(
        &[
            &["--context", "no"],
            &["--cluster", "no"],
            &["--user", "no"],
            &["--kubeconfig", "/nonexistent/file"],
            &["--kubeconfig", "/dev/null"],
            &["--kubeconfig", &broken],
        ],
        &expect![[r#"
            exit 1
            error: no cluster: the kubeconfig has no context no
            hint: HINT

            exit 1
            error: no cluster: the kubeconfig has no cluster no
            hint: HINT

            exit 1
            error: no cluster: the kubeconfig has no user no
            hint: HINT

            exit 1
            error: no cluster: cannot read /nonexistent/file: No such file or directory (os error 2)
            hint: HINT

            exit 1
            error: no cluster: the kubeconfig is empty
            hint: HINT

            exit 1
            error: no cluster: HOME/broken: failed to parse kubeconfig YAML: error: line 1 column 13: expected sequence start
             --> <input>:1:13
              |
            1 | {"contexts":1}
              |             ^ expected sequence start
            hint: HINT
        "#]],
    );
}

#[test]
fn warnings_of_the_server_are_told_once() {
    let both = Both::new();
    // A server that warns of whatever is asked, as the API server warns of old versions.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().flatten().for_each(warn));
    let (kubectl, ours) = both.ask(&["--kubeconfig", "/dev/null", "-s", &url], |_| {});
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
