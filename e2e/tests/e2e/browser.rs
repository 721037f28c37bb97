//! A browser as the client: what `fetch` sees of a reshaped answer.

use std::process::Command;

use e2e::envoy::{Envoy, one_port};
use e2e::process::run;
use e2e::provided;
use e2e::upstream::{Reply, Upstream};

/// Asks twice, the second time for a copy that may still be good, and writes down what it got.
const PAGE: &str = r#"<!doctype html><title>fruit</title><pre id="seen">nothing</pre><script>
(async () => {
  const seen = [];
  for (let time = 0; time < 2; time++) {
    const answer = await fetch("/fruit", {cache: "no-cache"});
    const text = await answer.text();
    const length = new TextEncoder().encode(text).length;
    seen.push([answer.status, answer.headers.get("content-type"), +answer.headers.get("content-length") === length,
      answer.headers.get("content-encoding"), JSON.parse(text).fruits.map(fruit => fruit.name).join()].join(" "));
  }
  document.getElementById("seen").textContent = seen.join("; ");
})().catch(error => document.getElementById("seen").textContent = error);
</script>"#;

#[test]
fn a_browser_fetches_the_right_shape_and_keeps_its_copy() {
    let upstream = Upstream::start(|head| {
        if head.contains("GET / ") {
            return Reply::ok("text/html; charset=utf-8", PAGE.as_bytes());
        }
        if head.to_lowercase().contains("if-none-match: \"7\"") {
            return Reply { head: "HTTP/1.1 304 Not Modified\r\netag: \"7\"".to_owned(), ..Reply::default() };
        }
        let headers = [("content-type", "application/json"), ("etag", "\"7\"")];
        Reply::with("200 OK", &headers, "[\"apple\",\"pêche\"]".as_bytes())
    });
    let (config, port) = one_port(
        upstream.port,
        "  rules: [{name: fruit, match: {path: /fruit}, response: {jq: '{fruits: map({name: .})}'}}]\n",
    );
    let _envoy = Envoy::start(&config);
    let profile = tempfile::tempdir().expect("a folder");
    let page = run(Command::new(provided("AMBASSADOR_CHROMIUM"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("http://127.0.0.1:{port}/")))
    .ok();
    let seen = page.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let one = "200 application/json true  apple,pêche";
    assert_eq!(seen, Some(format!("{one}; {one}").as_str()), "{page}");
    let asked: Vec<String> = upstream.heads().iter().map(|head| head.to_lowercase()).collect();
    let again = asked.iter().filter(|head| head.contains("get /fruit")).nth(1).expect("a second request");
    assert!(again.contains("if-none-match: \"7\""), "{again}");
}
