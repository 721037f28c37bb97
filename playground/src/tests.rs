//! The gallery, the places of problems, and the commands.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect, expect_file};

use super::*;

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\nspec:\n";

fn read(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}

fn examples() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/gallery");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("the gallery")
        .map(|entry| entry.expect("a folder").path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    all
}

fn try_it(asked: &Asked) -> Value {
    run(asked, 1_425_599_621.0, || 0.0)
}

#[test]
fn every_example_of_the_gallery_does_what_it_says() {
    let all = examples();
    assert!(all.len() >= 8, "{} examples", all.len());
    for dir in all {
        let text = |name: &str| read(&dir.join(name));
        let config = text("ambassador.yaml").expect("a config");
        let title = config.strip_prefix("# ").and_then(|rest| rest.lines().next()).unwrap_or_default();
        let (title, about) = title.split_once(": ").expect("`# Title: what it shows` at the top");
        assert!(!title.is_empty() && !about.is_empty(), "{}", dir.display());
        let asked = Asked {
            config,
            request: text("request.http").unwrap_or_else(|| "GET /".to_owned()),
            answer: text("answer.http").expect("an answer"),
            ..Asked::default()
        };
        let told = try_it(&asked);
        let answer = &told["answer"];
        let value = |pair: &Value, at: usize| pair[at].as_str().unwrap_or_default().to_owned();
        let headers = answer["headers"].as_array().expect("headers");
        let lines = headers.iter().map(|pair| match value(pair, 0).as_str() {
            ":status" => format!("HTTP/1.1 {}\n", value(pair, 1)),
            name => format!("{name}: {}\n", value(pair, 1)),
        });
        let body = answer["body"].as_str().expect("a text");
        let shown = format!("{}\n{body}", lines.collect::<String>());
        let shown = if shown.ends_with('\n') { shown } else { shown + "\n" };
        expect_file![dir.join("expected.http")].assert_eq(&shown);
    }
}

#[test]
fn problems_have_the_place_that_an_editor_underlines() {
    let config = format!(
        "# é😀\n{HEAD}  ports: [{{listen: 80, target: 8775}}]\n  rules:\n    - name: r\n      response: {{jq: \".a |\"}}\n      bogus: 1\n"
    );
    let told = try_it(&Asked { config: config.clone(), ..Asked::default() });
    let problems = told["problems"].as_array().expect("problems");
    let utf16: Vec<u16> = config.encode_utf16().collect();
    let of = |problem: &Value, name: &str| {
        usize::try_from(problem[name].as_u64().expect("a number")).expect("a small one")
    };
    let shown: Vec<String> = problems
        .iter()
        .map(|problem| {
            let meant = String::from_utf16_lossy(&utf16[of(problem, "from")..of(problem, "to")]);
            format!("{}:{} {meant:?} {}", of(problem, "line"), of(problem, "column"), problem["message"])
        })
        .collect();
    expect![[r#"9:7 "bogus" "unknown field `bogus`""#]].assert_eq(&shown.join("\n"));
    let program = config.replace("      bogus: 1\n", "");
    let told = try_it(&Asked { config: program, ..Asked::default() });
    expect![[r#"[{"from":160,"to":160,"line":8,"column":27,"path":"spec.rules[0].response.jq","message":"expected an expression, found the end of the program","hint":null}]"#]].assert_eq(&format!("{}", told["problems"]));
}

#[test]
fn what_is_no_request_and_no_answer_is_said_where_it_is() {
    let config = format!("{HEAD}  ports: [{{listen: 80, target: 8775}}]\n");
    let good = Asked {
        config,
        request: "GET /".to_owned(),
        answer: "HTTP/1.1 200\n\nx".to_owned(),
        workload: "web".to_owned(),
        ..Asked::default()
    };
    let problem = |asked: &Asked| {
        let told = try_it(asked);
        format!("{}: {}", told["in"], told["problem"])
    };
    expect![[r#""request": "invalid token; it begins with a line such as `GET /stock/7`""#]]
        .assert_eq(&problem(&Asked { request: "GET".to_owned(), ..good.clone() }));
    expect![[r#""answer": "invalid response status; it begins with a line such as `HTTP/1.1 200 OK`""#]]
        .assert_eq(&problem(&Asked { answer: "HTTP/1.1 2\n".to_owned(), ..good.clone() }));
    let tcp = good.config.replace("8775}", "8775, protocol: tcp}");
    expect![[r#""config": "this config maps no http port""#]]
        .assert_eq(&problem(&Asked { config: tcp, ..good }));
}

#[test]
fn bodies_that_are_no_text_go_in_and_out() {
    let asked = Asked {
        config: format!("{HEAD}  ports: [{{listen: 80, target: 8775}}]\n"),
        request: "GET /".to_owned(),
        answer: "HTTP/1.1 200\ncontent-type: image/png\n\n".to_owned(),
        body_base64: Some("iVBORw==".to_owned()),
        ..Asked::default()
    };
    assert_eq!(try_it(&asked)["answer"]["bodyBase64"], "iVBORw==");
}

#[track_caller]
fn check_command(spec: &str, workload: &str, expected: &Expect) {
    let asked = Asked { config: format!("{HEAD}{spec}"), workload: workload.to_owned(), ..Asked::default() };
    let told = try_it(&asked);
    expected.assert_eq(told["command"].as_str().unwrap_or(&told.to_string()));
}

#[test]
fn commands_are_as_short_as_they_can_be() {
    let ports = "  ports: [{name: http, listen: 80, target: 8775}, {listen: 9102, target: 8775}]\n";
    check_command(
        ports,
        "pod/web",
        &expect!["kubectl ambassador inject pod/web --port 80:8775 --port 9102:8775"],
    );
    check_command(
        &format!("{ports}  rules: [{{name: x, response: {{jq: \"{{a: $request.path}}\"}}}}]\n"),
        "web",
        &expect!["kubectl ambassador inject web --port 80:8775 --port 9102:8775 --jq '{a: $request.path}'"],
    );
    check_command(
        &format!(
            "{ports}  rules:\n    - name: x\n      response:\n        jq: |\n          # it's\n          .a\n"
        ),
        "web; rm -r .",
        &expect![[r##"
            kubectl ambassador inject 'web; rm -r .' --port 80:8775 --port 9102:8775 --jq "# it's
            .a
            ""##]],
    );
    check_command(
        "  ports: [{listen: 80, target: 1}]\n  limits: {body: 1MiB}",
        "w",
        &expect![[r#"
        kubectl ambassador inject w -c - <<'EOF'
        apiVersion: kubectl-ambassador.dev/v1alpha1
        kind: Ambassador
        spec:
          ports: [{listen: 80, target: 1}]
          limits: {body: 1MiB}
        EOF"#]],
    );
    check_command(
        "  ports: [{listen: 80, target: \"a:1\"}]\n",
        "w",
        &expect![[r#"
        kubectl ambassador inject w -c - <<'EOF'
        apiVersion: kubectl-ambassador.dev/v1alpha1
        kind: Ambassador
        spec:
          ports: [{listen: 80, target: "a:1"}]
        EOF"#]],
    );
    assert_eq!(command::end_of("EOF\n EOF_\nEOF__\n"), "EOF_");
}
