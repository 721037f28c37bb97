//! Addresses of the legacy program in the headers of its answers, in a real Envoy: with rules and without.

use e2e::curl::curl;
use e2e::envoy::{Envoy, ask, one_port};
use e2e::upstream::{Reply, Upstream};

/// A program that believes in the address that it listens on.
fn program() -> Upstream {
    let own = std::sync::Arc::new(std::sync::OnceLock::new());
    let port = std::sync::Arc::clone(&own);
    let upstream = Upstream::start(move |head| {
        let port: u16 = *port.get().expect("the port is known");
        let path = head.split_whitespace().nth(1).unwrap_or_default();
        match path {
            "/old" => {
                let location = format!("http://localhost:{port}/new?from=old#top");
                Reply::with("302 Found", &[("location", &location)], b"")
            }
            "/new?from=old" => Reply::ok("application/json", b"[1,2]"),
            "/all" => Reply::with(
                "200 OK",
                &[
                    ("content-type", "application/json"),
                    ("content-location", &format!("http://127.0.0.1:{port}/all.json")),
                    ("link", &format!("<http://localhost:{port}/2>; rel=next, </3>; rel=last")),
                    ("set-cookie", "a=1; Domain=localhost; Path=/"),
                    ("set-cookie", "b=2; Secure"),
                    ("access-control-allow-origin", &format!("http://localhost:{port}")),
                    ("x-other", &format!("http://localhost:{port}/")),
                ],
                b"[1]",
            ),
            _ => Reply::with("302 Found", &[("location", "http://elsewhere.example:8775/")], b""),
        }
    });
    own.set(upstream.port).expect("set once");
    upstream
}

#[test]
fn a_redirect_leads_a_client_to_the_mapped_address() {
    for rules in ["", "  rules: [{name: count, response: {jq: length}}]\n"] {
        let upstream = program();
        let (config, port) = one_port(upstream.port, rules);
        let envoy = Envoy::start(&config);
        for protocol in ["--http1.1", "--http2-prior-knowledge"] {
            let answer = ask(port, "/old", &[protocol]);
            let expected = format!("http://127.0.0.1:{port}/new?from=old#top");
            assert_eq!(answer.header("location"), Some(expected.as_str()), "{protocol}");
            let foreign = ask(port, "/foreign", &[protocol]);
            assert_eq!(foreign.header("location"), Some("http://elsewhere.example:8775/"));
        }
        // curl follows it, and gets there.
        let followed = curl(&format!("http://localhost:{port}/old"), &["--location", "--ipv4"]);
        assert_eq!(followed.status, 200, "{followed:?}");
        assert_eq!(followed.text(), if rules.is_empty() { "[1,2]" } else { "2" });
        assert!(envoy.stat("envoy_wasm_ambassador_vm_reload") < 0.5);
    }
}

#[test]
fn each_header_carries_what_the_client_asked() {
    let upstream = program();
    let (config, port) = one_port(upstream.port, "");
    let _envoy = Envoy::start(&config);
    let args = ["--header", "host: shop.example", "--header", "x-forwarded-proto: https"];
    let answer = ask(port, "/all", &args);
    for (name, expected) in [
        ("content-location", "https://shop.example/all.json"),
        ("link", "<https://shop.example/2>; rel=next, </3>; rel=last"),
        ("access-control-allow-origin", "https://shop.example"),
        ("x-other", &format!("http://localhost:{}/", upstream.port)),
    ] {
        assert_eq!(answer.header(name), Some(expected), "{name}");
    }
    let cookies: Vec<&str> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(cookies, ["a=1; Domain=shop.example; Path=/", "b=2; Secure"]);
    assert_eq!(upstream.last().header("x-forwarded-proto"), Some("https"), "what took the TLS off said so");
}

#[test]
fn addresses_are_kept_where_the_config_says_so() {
    let upstream = program();
    let (config, port) = one_port(upstream.port, "  addresses: keep\n");
    let _envoy = Envoy::start(&config);
    let expected = format!("http://localhost:{}/new?from=old#top", upstream.port);
    assert_eq!(ask(port, "/old", &[]).header("location"), Some(expected.as_str()));
}
