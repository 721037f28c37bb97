//! The playground in a real Chromium, and what `kubectl ambassador playground` serves of a real pod.

use std::path::PathBuf;
use std::process::Command;

use e2e::curl::curl;
use e2e::kube::{Namespace, repository};
use e2e::process::{Background, Output, run};
use e2e::provided;
use serde_json::Value;

/// A script of the page's own tests, with what it needs.
fn node(script: &str, args: &[&str]) -> Output {
    let script = repository("playground/web/tests").join(script);
    let provided_by_setup = ["AMBASSADOR_CHROMIUM", "PLAYGROUND_MODULES", "PLAYGROUND_PAGE"];
    run(Command::new("node")
        .arg(script)
        .args(args)
        .envs(provided_by_setup.map(|name| (name, provided(name)))))
}

#[test]
fn the_playground_does_what_it_promises_in_a_browser() {
    let output = node("run.js", &[]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn the_playground_says_what_the_command_says() {
    let gallery = repository("docs/examples/gallery");
    let folders =
        std::fs::read_dir(&gallery).expect("the gallery").map(|entry| entry.expect("a folder").path());
    for dir in folders {
        let file = |name: &str| dir.join(name).to_string_lossy().into_owned();
        let text = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
        let request = text("request.http").unwrap_or_else(|| "GET /\n".to_owned());
        let asked = playground::Asked {
            config: text("ambassador.yaml").expect("a config"),
            request: request.clone(),
            answer: text("answer.http").expect("an answer"),
            ..playground::Asked::default()
        };
        let mut here = playground::run(&asked, 0.0, || 0.0);
        let request_file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(request_file.path(), request).expect("written");
        let output = run(Command::new(provided("AMBASSADOR_CLI"))
            .args([
                "test",
                "-o",
                "json",
                "-c",
                &file("ambassador.yaml"),
                "--response-file",
                &file("answer.http"),
            ])
            .arg("--request-file")
            .arg(request_file.path()));
        let mut there: Value = serde_json::from_str(&output.stdout).expect("JSON");
        assert_eq!(here["failed"], output.code != 0, "{}", dir.display());
        for only_one_has in ["milliseconds", "failed", "warnings", "command"] {
            here[only_one_has].take();
            there[only_one_has].take();
        }
        assert_eq!(here, there, "{}", dir.display());
    }
}

/// A served playground, and where.
struct Served {
    server: Background,
    url: String,
}

fn serve(namespace: &Namespace, args: &[&str]) -> Served {
    let mut command = namespace.command(&provided("AMBASSADOR_CLI"));
    command.arg("playground").args(args).args(["--namespace", &namespace.name]);
    let log = namespace.home.path().join("playground.log");
    let mut server = Background::start(&mut command, &log);
    let url = |log: &str| {
        log.lines().find(|line| line.starts_with("http://") && log.contains("Ctrl-C")).map(str::to_owned)
    };
    let read = || url(&std::fs::read_to_string(&log).unwrap_or_default());
    server.wait_until("the page is served", || read().is_some());
    let url = read().expect("an address");
    Served { server, url }
}

fn look(url: &str) -> Value {
    serde_json::from_str(&node("look.js", &[url]).ok()).expect("JSON")
}

#[test]
fn a_pod_is_tried_with_its_config_and_a_real_answer() {
    let namespace = Namespace::new();
    namespace.create("manifests/fruit-service.yaml");
    let fresh = serve(&namespace, &["pod/fruit-service", "--fetch", "/"]);
    let shown = look(&fresh.url);
    assert_eq!(
        shown["origin"],
        format!(
            "pod/fruit-service in namespace {} has no ambassador yet, and what its program answered to GET /.",
            namespace.name
        )
    );
    assert!(shown["body"].as_str().expect("a body").contains("\"banana\""), "{shown}");
    assert_eq!(shown["requests"], Value::from(vec![fresh.url.clone()]), "nobody else is asked");
    drop(fresh);

    namespace.ambassador(&["inject", "fruit-service", "--jq", "{live: length}"]).ok();
    let live = serve(&namespace, &["pod/fruit-service", "--fetch", "/?q=1"]);
    let shown = look(&live.url);
    assert_eq!(
        (&shown["path"], &shown["workload"]),
        (&"/?q=1".into(), &"pod/fruit-service".into()),
        "{shown}"
    );
    // What the program itself says is three fruits; through the ambassador it would be one number already.
    assert_eq!(shown["body"], "{\n  \"live\": 3\n}", "{shown}");
    assert!(
        shown["command"].as_str().is_some_and(|command| command.contains("pod/fruit-service")),
        "{shown}"
    );
    assert!(live.server.log().contains("GET /?q=1 of pod/fruit-service: 200 OK"), "{}", live.server.log());

    let port = live.url.split(':').nth(2).and_then(|rest| rest.split('/').next()).expect("a port");
    let status = |url: &str, args: &[&str]| curl(url, args).status;
    assert_eq!(status(&live.url, &["-H", &format!("Host: rebound.example:{port}")]), 421);
    assert_eq!(status(&format!("http://127.0.0.1:{port}/"), &[]), 404);
    assert_eq!(status(&live.url, &["-X", "POST"]), 405);
    let page = curl(&live.url, &["-H", "Origin: http://elsewhere.example"]);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(!page.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{:?}", page.headers);
    let listening = run(Command::new("ss").args(["-tlnH", &format!("sport = :{port}")])).ok();
    assert!(
        listening.contains(&format!("127.0.0.1:{port}")) && listening.lines().count() == 1,
        "{listening}"
    );
}

#[test]
fn a_deployment_and_a_file_are_tried_too() {
    let namespace = Namespace::new();
    let text = std::fs::read_to_string(repository("manifests/fruit-service.yaml")).expect("a manifest");
    let image = text
        .lines()
        .find_map(|line| line.trim().trim_start_matches("- ").strip_prefix("image: "))
        .expect("an image");
    namespace.kubectl(&["create", "deployment", "web", "--image", image]).ok();
    namespace.kubectl(&["wait", "--for=condition=Available", "deployment/web", "--timeout=120s"]).ok();
    let config: PathBuf = repository("docs/examples/gallery/01-fruit/ambassador.yaml");
    let served = serve(&namespace, &["deploy", "web", "-c", &config.to_string_lossy(), "--fetch", "/"]);
    let shown = look(&served.url);
    assert!(shown["body"].as_str().is_some_and(|body| body.contains("\"count\": 3")), "{shown}");
    assert!(
        shown["command"]
            .as_str()
            .is_some_and(|line| line.starts_with("kubectl ambassador inject deployment/web -c -"))
    );
}

#[test]
fn what_cannot_be_tried_is_refused_before_anything_is_served() {
    let namespace = Namespace::new();
    let check = |args: &[&str], code: i32, said: &str| {
        let output = namespace.ambassador(&[&["playground"], args].concat());
        assert_eq!((output.code, output.stdout.as_str()), (code, ""), "{args:?} {}", output.stderr);
        assert!(output.stderr.contains(said), "{args:?} {}", output.stderr);
    };
    check(&["--fetch", "/"], 2, "error: --fetch asks a program, and none is named");
    check(&["pod/none"], 1, "error: pod \"none\" not found");
    check(&["pod/none", "--fetch", "stock"], 2, "expected a path, such as /stock?all=1");
    check(&["-c", "nowhere.yaml"], 2, "error: cannot read nowhere.yaml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    check(&["--port", &port], 1, &format!("error: cannot listen on 127.0.0.1:{port}"));
}
