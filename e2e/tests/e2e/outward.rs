//! The outward ambassador on a real cluster: the program talks to its own loopback, the ambassador to the world.

use e2e::kube::Namespace;
use e2e::names::NameServer;

/// A pod that runs Redis, and a Service in front of it; gives the Service's address.
fn redis(namespace: &Namespace) -> String {
    apply(
        namespace,
        "redis",
        &serde_json::json!({
            "apiVersion": "v1", "kind": "List", "items": [
                {
                    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "redis", "labels": {"app": "redis"}},
                    "spec": {"containers": [{
                        "name": "redis", "image": "docker.io/library/redis:7",
                        "args": ["--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""],
                        "readinessProbe": {"tcpSocket": {"port": 6379}, "periodSeconds": 1},
                    }]},
                },
                {
                    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"},
                    "spec": {"selector": {"app": "redis"}, "ports": [{"port": 6379}]},
                },
            ],
        }),
    );
    namespace.field("service/redis", "{.spec.clusterIP}")
}

/// A pod whose program is a Redis client: redis-cli, which talks to 127.0.0.1:6379.
fn program(namespace: &Namespace, name: &str, more: &serde_json::Value) {
    let mut spec = serde_json::json!({
        "terminationGracePeriodSeconds": 0,
        "containers": [{
            "name": "program", "image": "docker.io/library/redis:7",
            "command": ["/bin/sh", "-c", "while true; do sleep 1; done"],
        }],
    });
    for (key, value) in more.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    let pod =
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    apply(namespace, name, &pod);
}

fn apply(namespace: &Namespace, name: &str, objects: &serde_json::Value) {
    let file = namespace.home.path().join(format!("{name}.json"));
    std::fs::write(&file, objects.to_string()).expect("written");
    namespace.kubectl(&["create", "-f", &file.to_string_lossy()]).ok();
    namespace.wait_ready(name);
}

fn inject(namespace: &Namespace, pod: &str, ports: &str) -> e2e::process::Output {
    let config = format!(
        "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports:\n{ports}  limits: {{connectTimeout: 1s}}\n"
    );
    let file = namespace.home.path().join(format!("{pod}.yaml"));
    std::fs::write(&file, config).expect("written");
    namespace.ambassador(&["inject", pod, "-c", &file.to_string_lossy()])
}

fn redis_cli(namespace: &Namespace, pod: &str, args: &[&str]) -> String {
    let all = [&["exec", pod, "-c", "program", "--", "redis-cli"], args].concat();
    namespace.kubectl(&all).ok()
}

#[test]
fn a_program_reaches_redis_elsewhere_through_its_own_loopback() {
    let namespace = Namespace::new();
    let address = redis(&namespace);
    let names = NameServer::start(&namespace);
    names.publish();
    let mut dns = serde_json::json!({});
    names.serve(&mut dns);
    program(&namespace, "by-name", &dns);
    // By the Service's short name, by its longer one, and by its address: all lead to one Redis.
    let output = inject(
        &namespace,
        "by-name",
        &format!(
            "    - {{name: cache, listen: '127.0.0.1:6379', target: 'redis:6379', protocol: tcp}}
    - {{name: longer, listen: '127.0.0.1:6380', target: 'redis.{}.svc:6379', protocol: tcp}}
    - {{name: address, listen: '127.0.0.1:6381', target: '{address}:6379', protocol: tcp}}
    - {{name: open, listen: 6382, target: 'redis:6379', protocol: tcp}}
",
            namespace.name
        ),
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stderr.contains("port 127.0.0.1:6379 -> redis:6379 (tcp)"), "{}", output.stderr);
    assert!(!output.stderr.contains("warning"), "{}", output.stderr);
    for (count, port) in ["6379", "6380", "6381", "6382"].iter().enumerate() {
        let visits = redis_cli(&namespace, "by-name", &["-p", port, "incr", "visits"]);
        assert_eq!(visits.trim(), (count + 1).to_string(), "through {port}");
    }
    let stored = namespace.kubectl(&["exec", "redis", "--", "redis-cli", "get", "visits"]).ok();
    assert_eq!(stored.trim(), "4");

    // Loopback is the program's alone; the pod says so, and the others see it.
    assert_eq!(namespace.field("pod/by-name", "{.spec.initContainers[0].ports[*].containerPort}"), "6382");
    let ip = namespace.field("pod/by-name", "{.status.podIP}");
    let from_outside = |port: &str| {
        namespace.kubectl(&["exec", "redis", "--", "redis-cli", "-h", &ip, "-p", port, "ping"]).stdout
    };
    assert_eq!(from_outside("6382").trim(), "PONG");
    assert!(!from_outside("6379").contains("PONG"));

    namespace.ambassador(&["uninject", "by-name"]).ok();
    assert_eq!(namespace.field("pod/by-name", "{.spec.initContainers}"), "");
}

#[test]
fn names_of_the_pods_hosts_file_are_known_and_http_is_asked_by_the_targets_name() {
    let namespace = Namespace::new();
    // A server that shows what it is asked.
    let show = "while true; do printf 'HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\nhi' | nc -l -p 8080; done";
    apply(
        &namespace,
        "shop",
        &serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "shop", "image": "radial/busyboxplus:curl", "command": ["/bin/sh", "-c", show]}],
        }}),
    );
    let ip = namespace.field("pod/shop", "{.status.podIP}");
    program(
        &namespace,
        "buyer",
        &serde_json::json!({"hostAliases": [{"ip": ip, "hostnames": ["shop.example.com"]}], "containers": [{
            "name": "program", "image": "radial/busyboxplus:curl", "command": ["/bin/sh", "-c", "while true; do sleep 1; done"],
        }]}),
    );
    let output = inject(
        &namespace,
        "buyer",
        "    - {name: shop, listen: '127.0.0.1:8080', target: 'shop.example.com:8080'}\n",
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
    let answer = namespace.kubectl(&[
        "exec",
        "buyer",
        "-c",
        "program",
        "--",
        "curl",
        "--silent",
        "--max-time",
        "10",
        "-H",
        "x-mark: mine",
        "http://127.0.0.1:8080/apples?n=3",
    ]);
    assert_eq!(answer.ok(), "hi");
    let seen = namespace.kubectl(&["logs", "shop"]).ok().to_lowercase();
    let (_, request) = seen.split_once("get /apples?n=3 http/1.1").expect("the request came");
    let mut headers: Vec<&str> = request.lines().map(str::trim).take_while(|line| *line != "hi").collect();
    headers.retain(|line| !line.is_empty() && !line.starts_with("user-agent: curl/"));
    // What the program sent, and nothing of ours: where in the pod it was asked is not told outside of it.
    assert_eq!(headers, ["host: shop.example.com:8080", "accept: */*", "x-mark: mine"]);
}

#[test]
fn a_target_elsewhere_that_is_not_there_is_told_and_no_reason_to_go_back() {
    let namespace = Namespace::new();
    program(&namespace, "lonely", &serde_json::json!({}));
    let output = inject(
        &namespace,
        "lonely",
        "    - {name: cache, listen: '127.0.0.1:6379', target: 'redis.invalid.:6379', protocol: tcp}\n",
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(
        output.stderr.contains(
            "warning: port 127.0.0.1:6379 closes connections: redis.invalid.:6379 cannot be reached behind it; redis.invalid.:6379 is not part of the pod, so the ambassador stays"
        ),
        "{}",
        output.stderr
    );
    // A port of the pod itself is: nobody answers there, so the pod is not what it was meant to be.
    let output = namespace.ambassador(&["uninject", "lonely"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let config = "    - {name: raw, listen: 9000, target: 9001, protocol: tcp}\n";
    let file = namespace.home.path().join("raw.yaml");
    std::fs::write(
        &file,
        format!("apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n  ports:\n{config}"),
    )
    .expect("written");
    let output =
        namespace.ambassador(&["inject", "lonely", "-c", &file.to_string_lossy(), "--timeout", "10s"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(
        output.stderr.contains("port 9000 closes connections: 9001 cannot be reached behind it"),
        "{}",
        output.stderr
    );
}
