//! Whole files: what is made of them, what is said about them, what is refused.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;

/// The config, and what is said about the file, as people see it.
fn converted(text: &str) -> String {
    match convert("test", text, &Environment::new()) {
        Ok(conversion) => {
            assert_accounted(text, &conversion);
            let mut shown = conversion.config;
            for note in conversion.notes {
                let _ = writeln!(
                    shown,
                    "{}: {} {}: {}",
                    note.line,
                    note.directive,
                    note.kind.name(),
                    note.message
                );
            }
            shown
        }
        Err(refusals) => refusals.iter().fold(String::new(), |shown, refusal| {
            format!("{shown}{}:{}: {}\n", refusal.line, refusal.column, refusal.message)
        }),
    }
}

/// Nothing is dropped silently: each directive is named in a comment or in a note.
#[track_caller]
fn assert_accounted(text: &str, conversion: &Conversion) {
    let named = write::lines_named(&conversion.config);
    let noted: BTreeSet<usize> = conversion.notes.iter().map(|note| note.line).collect();
    for (index, line) in text.lines().enumerate() {
        let is_directive = !words::words(line, 1, &Environment::new()).unwrap().is_empty();
        let is_section = ["global", "defaults"].iter().any(|name| line.starts_with(name));
        let number = index + 1;
        assert!(
            !is_directive || is_section || named.contains(&number) || noted.contains(&number),
            "line {number} is dropped: {line}"
        );
    }
    let loaded = ambassador_core::config::yaml::load(&conversion.config);
    assert!(loaded.is_ok(), "{:?}\n{}", loaded.err(), conversion.config);
}

/// The cases of a folder, each a config and what comes of it.
#[test]
fn configs_are_converted_line_by_line() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/haproxy/tests");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cfg"));
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        expect_test::expect_file![file.with_extension("out")].assert_eq(&converted(&text));
    }
}

#[test]
fn what_haproxy_refuses_is_refused_with_its_place() {
    let mut shown = String::new();
    for text in refused() {
        let _ = writeln!(shown, "{}\n=> {}", text.trim_end(), converted(text));
    }
    expect_test::expect_file!["tests/refused.txt"].assert_eq(&shown);
}

/// Files that HAProxy refuses too; `e2e` asks it.
fn refused() -> Vec<&'static str> {
    include_str!("tests/refused.cfgs").split("----\n").collect()
}

#[test]
fn variables_are_taken_from_what_is_known() {
    let text = "listen a\n bind :80\n mode http\n server x \"$HOST:${PORT-81}\" maxconn \"$MOST\"\n server y 127.0.0.1:82\n";
    let known =
        Environment::from([("HOST".to_owned(), "10.0.0.1".to_owned()), ("MOST".to_owned(), "7".to_owned())]);
    let conversion = convert("test", text, &known).unwrap();
    assert!(conversion.config.contains("10.0.0.1:81"), "{}", conversion.config);
    let conversion = convert("test", text, &Environment::new()).unwrap();
    let lost: Vec<&Note> = conversion.notes.iter().filter(|note| note.kind == Kind::Lost).collect();
    assert!(matches!(lost.as_slice(), [note] if note.line == 4 && note.message.contains("HOST")), "{lost:?}");
}

/// Directives of all kinds, known ones and others, well made and not.
const DIRECTIVES: &[&str] = &[
    "mode http",
    "mode tcp",
    "bind :80",
    "bind 127.0.0.1:81,[::1]:82 name x",
    "bind :83-85 ssl crt x",
    "bind /run/s",
    "maxconn 7",
    "timeout connect 1s",
    "timeout client 2m",
    "timeout server 500",
    "timeout tunnel 1h",
    "timeout queue 3",
    "timeout check 1",
    "balance leastconn",
    "balance uri",
    "balance source",
    "balance first",
    "balance random(2)",
    "server a 127.0.0.1:8001",
    "server b 10.0.0.2:80 weight 3 check inter 1s rise 1",
    "server c ::1:81 backup",
    "server d shop:80 maxconn 9 cookie d",
    "server e unix@/s",
    "server f 10.0.0.1 disabled",
    "server g 10.0.0.1:443 ssl",
    "default-server inter 5s fall 9",
    "option httpchk",
    "option httpchk GET /h HTTP/1.1\\r\\nHost:\\ x",
    "option foo",
    "option forwardfor",
    "no option httpchk",
    "option httplog",
    "log global",
    "http-check expect status 200-299",
    "http-check send meth HEAD uri /up hdr Host y",
    "http-check expect string ok",
    "acl a path_beg /a",
    "acl b path /b/",
    "acl b method POST",
    "acl h hdr_dom(host) -i x.example",
    "acl s src 10.0.0.0/8",
    "use_backend B if TRUE",
    "use_backend B unless { path_beg /c/ }",
    "use_backend C if { hdr(host) x } || !{ url_param(q) 1 }",
    "default_backend C",
    "use_backend %[req.hdr(x)]",
    "http-request set-header X 1",
    "http-request set-header X-%% %[src]",
    "redirect prefix /",
    "http-request set-path /p if { path /q }",
    "http-request del-header Y unless { method GET }",
    "http-request deny",
    "http-response set-status 404 if { status 200:299 }",
    "http-response add-header Connection x",
    "reqadd A:\\ b",
    "stats enable",
    "errorfile 503 /e",
    "retries 3",
    "compression algo gzip",
    "disabled",
    "tcp-request inspect-delay 1s",
    "unknown thing",
    "server u \"$HOST\"",
    "log \"$LOG\" local0",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// Whatever a file is made of: it is refused with a place, or each directive of it is accounted for and the config
    /// is one that the core takes.
    #[test]
    fn no_directive_is_dropped_silently(
        parts in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(DIRECTIVES), 0..9), 4),
    ) {
        let heads = ["defaults", "frontend F", "listen B", "backend C"];
        let mut text = "global\n    maxconn 9\n    daemon\n".to_owned();
        for (head, lines) in heads.iter().zip(&parts) {
            let _ = writeln!(text, "{head}");
            for line in lines {
                let _ = writeln!(text, "    {line}");
            }
        }
        match convert("test", &text, &Environment::new()) {
            Ok(conversion) => assert_accounted(&text, &conversion),
            Err(refusals) => assert!(refusals.iter().all(|refusal| refusal.line > 0 && refusal.column > 0)),
        }
    }

    #[test]
    fn no_text_breaks_it(text in "[ a-z\\n\\t\"'\\\\$#{}!:,.0-9-]{0,200}") {
        let _ = convert("test", &text, &Environment::new());
    }
}
