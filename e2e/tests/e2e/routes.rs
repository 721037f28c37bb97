//! Routes by host, path and more in a real Envoy, over all versions of HTTP.

use e2e::envoy::{Envoy, ask};
use e2e::free_port;
use e2e::upstream::{Reply, Upstream};

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";

#[test]
fn requests_lead_where_their_host_and_path_say() {
    let server =
        |name: &'static str| Upstream::start(move |_| Reply::ok("application/json", name.as_bytes()));
    let [web, api, old] = ["\"web\"", "\"api\"", "\"old\""].map(server);
    let (port, bare) = (free_port(), free_port());
    let config = |first: &str| {
        format!(
            "{HEAD}  ports:
    - name: http
      listen: {port}
      target: {}
      routes:
        - {{hosts: [api.example.org, '*.example.net'], path: '/api/**', target: api}}
        - {{{first}, target: {}}}
    - name: bare
      listen: {bare}
      routes: [{{hosts: [api.example.org], target: api}}]
  targets: [{{name: api, servers: [{}, {}], host: api.internal}}]
  rules:
    - {{name: of-api, match: {{target: api, port: http}}, response: {{jq: '{{of: .}}'}}}}
",
            web.port,
            old.port,
            api.port,
            // Nobody is there: what cannot be sent goes to another one.
            free_port()
        )
    };
    let envoy = Envoy::start(&config("methods: [PUT]"));
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for (host, path, args, expected) in [
            ("a.example.org", "/", &[] as &[&str], "\"web\""),
            ("api.example.org", "/api/x?y", &[], "{\"of\":\"api\"}"),
            ("API.example.org:8080", "/api", &[], "{\"of\":\"api\"}"),
            ("x.y.example.net", "/api/", &["--data", "x"], "{\"of\":\"api\"}"),
            ("example.net", "/api/", &[], "\"web\""),
            ("api.example.org", "/apis", &[], "\"web\""),
            ("api.example.org", "/apis", &["--request", "PUT"], "\"old\""),
            // What a client says of the ambassador's own word is not heard.
            ("a.example.org", "/", &["-H", "x-ambassador-upstream: target_api"], "\"web\""),
        ] {
            let host = format!("host: {host}");
            let answer = ask(port, path, &[&[version, "-H", &host], args].concat());
            assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{version} {host} {path}");
        }
        assert_eq!(ask(bare, "/", &[version, "-H", "host: api.example.org"]).text(), "\"api\"");
        let answer = ask(bare, "/", &[version, "-H", "host: example.org"]);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/problem+json")));
        assert!(answer.text().contains("urn:kubectl-ambassador:problem:no-route"), "{}", answer.text());
    }
    assert_eq!(api.last().header("host"), Some("api.internal"));
    assert_eq!(api.last().header("x-forwarded-host"), Some("api.example.org"));
    assert!(!api.heads().concat().contains("x-ambassador"));

    // Another route, while it runs.
    assert_eq!(envoy.change(&config("path: /old, headers: {x-old: '*'}")).code, 0);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ask(port, "/old", &["-H", "x-old: 1"]).text() != "\"old\"" {
        assert!(std::time::Instant::now() < deadline, "the new route is not there");
    }
    let answer = ask(port, "/old", &[]);
    assert_eq!((answer.text().as_str(), answer.header("vary")), ("\"web\"", Some("x-old")));
}
