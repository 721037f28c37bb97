//! Problems stand where they are.

use expect_test::{Expect, expect};

use super::*;

/// Writes down each problem with the text that it points at.
#[track_caller]
fn check(text: &str, expected: &Expect) {
    let shown = match load(text) {
        Ok(loaded) => format!(
            "{} ports, {} rules",
            loaded.ambassador.ports.iter().count(),
            loaded.ambassador.rules.len()
        ),
        Err(problems) => {
            problems.iter().map(|located| describe(text, located)).collect::<Vec<_>>().join("\n")
        }
    };
    expected.assert_eq(&shown);
}

fn describe(text: &str, located: &Located) -> String {
    let line = text[..located.range.start].matches('\n').count() + 1;
    let column = located.range.start - text[..located.range.start].rfind('\n').map_or(0, |at| at + 1) + 1;
    let shown = &text[located.range.clone()];
    let within = located.within.as_ref().map(|(value, range)| format!(" within {:?}", &value[range.clone()]));
    let hint = located.problem.hint.as_ref().map(|hint| format!(" ({hint})"));
    let (within, hint) = (within.unwrap_or_default(), hint.unwrap_or_default());
    format!("{line}:{column} {shown:?}{within} {}{hint}", located.problem)
}

const HEAD: &str = "apiVersion: kubectl-ambassador.dev/v1alpha1\nkind: Ambassador\n";

fn rule(response: &str) -> String {
    format!(
        "{HEAD}spec:\n  ports: [{{listen: 80, target: 8775}}]\n  rules:\n    - name: r\n      response:\n{response}"
    )
}

#[test]
fn reads_the_whole_of_what_it_knows() {
    let text = format!(
        "{HEAD}metadata: {{name: fruit-service}}
spec:
  ports:
    - {{name: http, listen: 80, target: 8775}}
    - {{name: metrics, listen: 9102, target: '8775', protocol: http}}
  limits: {{connections: 256, upstreamConnections: 32, connectTimeout: 5s, idleTimeout: 50s, requestTimeout: 50s, body: 4MiB}}
  rules:
    - name: fruit-list
      match: {{port: http, methods: [GET], path: /, status: 2xx, contentType: application/json}}
      response:
        jq: '{{fruits: map({{name: .}}), count: length}}'
        headers: {{set: {{x-fruit-api: \"2\"}}, remove: [x-powered-by]}}
        status: 200
        onError: pass
        from: json
        to: json
    - name: anything
      match:
      response: {{headers: {{set: {{a: 1}}}}}}
"
    );
    check(&text, &expect!["2 ports, 2 rules"]);
}

#[test]
fn finds_all_problems_at_once() {
    let text = format!(
        "{HEAD}spec:
  ports:
    - {{listen: 80, target: 8775, prototcol: http}}
    - {{target: 81}}
  limits: {{connections: -1, body: [1]}}
  rulez: []
  rules:
    - match: {{port: [http]}}
      request: {{path: /}}
"
    );
    check(
        &text,
        &expect![[r#"
            5:34 "prototcol" spec.ports[0].prototcol: unknown field `prototcol` (did you mean `protocol`?)
            6:7 "{target: 81" spec.ports[1]: `listen` is missing (listen: The port the ambassador listens on, on all addresses: `80`. Or one address and a port: `127.0.0.1:6379`, `[::1]:80`.)
            7:25 "-1" spec.limits.connections: must be from 0 to 4294967295
            7:29 "body" spec.limits.body: expected a text or a whole number, found a list
            8:3 "rulez" spec.rulez: unknown field `rulez` (did you mean `rules`?)
            10:7 "match: {port: [http]}" spec.rules[0]: `name` is missing (name: The rule's name, in errors and counters. Unique.)
            10:15 "port" spec.rules[0].match.port: expected a text, found a list"#]],
    );
}

#[test]
fn finds_all_that_makes_no_sense_at_once() {
    let text = "apiVersion: v1
kind: Ambassador
spec:
  ports:
    - {name: http, listen: 80, target: 8775}
    - {name: http, listen: 80, target: 0}
    - {listen: 127.0.0.1:6379, target: redis:6379, protocol: tcp}
    - {name: A b, listen: 65536, target: 80}
  limits: {connections: 0, idleTimeout: 5, connectTimeout: 0s, body: 1GiB}
  rules:
    - name: a
      match: {port: https, methods: [get, 'X Y'], path: stock, status: [2xx, 700], contentType: json}
      response:
        jq: '.a['
        to: xml
        status: 204
        onError: ignore
        headers: {set: {content-length: 1, x: \"a\\nb\"}, remove: ['a b']}
    - name: a
"
    .to_string();
    check(
        &text,
        &expect![[r#"
            1:13 "v1" apiVersion: unknown apiVersion (this version reads kubectl-ambassador.dev/v1alpha1)
            6:40 "0" spec.ports[1].target: `0` is not a port (a port is from 1 to 65535)
            8:14 "A b" spec.ports[3].name: `A b` is not a name (use lower case letters, digits and -, at most 63 of them)
            8:27 "65536" spec.ports[3].listen: `65536` is not a port (a port is from 1 to 65535)
            8:42 "80" spec.ports[3].target: port 80 is the ambassador's own (target is the port that the legacy program listens on)
            9:25 "0" spec.limits.connections: must be at least 1
            9:41 "5" spec.limits.idleTimeout: `5` is not a time (write 500ms, 5s, 1m30s or 1h)
            9:60 "0s" spec.limits.connectTimeout: must be more than 0s
            9:70 "1GiB" spec.limits.body: must be from 1 to 64MiB
            12:21 "https" spec.rules[0].match.port: no port is named `https` (spec.ports has: http, port-6379)
            12:38 "get" spec.rules[0].match.methods[0]: methods are case-sensitive (write GET)
            12:43 "'X Y'" spec.rules[0].match.methods[1]: not a method
            12:57 "stock" spec.rules[0].match.path: a path begins with `/`
            12:64 "status" spec.rules[0].match.status: `700` is not a status (write 200, 2xx, 400-499, or a list of those; from 200 to 599)
            12:97 "json" spec.rules[0].match.contentType: not a media type (write application/json, */xml or text/*, without parameters)
            14:16 "[" spec.rules[0].response.jq: this is not closed: expected `]`
            16:17 "204" spec.rules[0].response.status: an answer with a body cannot have status 204 (from 200 to 599, without 204, 205 and 304)
            17:18 "ignore" spec.rules[0].response.onError: unknown policy `ignore` (expected error or pass)
            18:25 "content-length" spec.rules[0].response.headers.set.content-length: a rule cannot touch `content-length`
            18:47 "\"a\\nb\"" spec.rules[0].response.headers.set.x: a header's value has no line breaks and no control characters
            18:65 "'a b'" spec.rules[0].response.headers.remove[0]: not a header name
            19:13 "a" spec.rules[1].name: the name `a` is used twice"#]],
    );
}

#[test]
fn points_at_options_of_formats() {
    check(
        &rule(
            "        jq: .\n        from: {csv: {delimeter: ';', header: 1, columns: a}}\n        to: {xlm: {}}\n",
        ),
        &expect![[r#"
            9:22 "delimeter" spec.rules[0].response.from.csv.delimeter: unknown field `delimeter` (did you mean `delimiter`?)
            9:46 "1" spec.rules[0].response.from.csv.header: expected true or false, found a whole number
            9:58 "a" spec.rules[0].response.from.csv.columns: expected a list, found a text
            10:14 "xlm" spec.rules[0].response.to.xlm: unknown field `xlm` (did you mean `xml`?)"#]],
    );
    check(
        &rule("        jq: .\n        from: {yaml: {x: 1}}\n        to: [csv]\n"),
        &expect![[r#"
            9:23 "x" spec.rules[0].response.from.yaml.x: unknown field `x` (nothing is known here)
            10:9 "to" spec.rules[0].response.to: expected a text or an object, found a list"#]],
    );
}

#[test]
fn finds_all_that_is_wrong_with_ports_at_once() {
    let text = format!(
        "{HEAD}spec:
  ports:
    - {{listen: 80, target: 8775}}
    - {{name: again, listen: '127.0.0.1:80', target: 8775}}
    - {{name: cache, listen: '127.0.0.1:6379', target: 'redis.data.svc:6379', protocol: tcp}}
    - {{name: cache, listen: '127.0.0.1:6380', target: 'redis:80/', protocol: udp}}
    - {{listen: '127.0.0.2:6379', target: localhost:80, protocol: tcp, appProtocol: kubernetes.io/h2c}}
    - {{listen: '127.0.0.1:81', target: 10.0.0.7:81}}
    - {{listen: '127.0.0.2:81', target: 10.0.0.8:81, appProtocol: h2}}
    - {{name: twice, listen: '127.0.0.2:81', target: 10.0.0.8:81}}
    - {{listen: 0.0.0.0:443, target: ::1:443, protocol: https}}
  rules:
    - {{name: r, match: {{port: cache}}}}
"
    );
    check(
        &text,
        &expect![[r#"
        6:29 "'127.0.0.1:80'" spec.ports[1].listen: port 127.0.0.1:80 is mapped twice: as 80 too
        8:55 "'redis:80/'" spec.ports[3].target: `80/` is not a port (a port is from 1 to 65535)
        8:78 "udp" spec.ports[3].protocol: unknown protocol `udp` (expected http or tcp)
        9:42 "localhost:80" spec.ports[4].target: port 80 is the ambassador's own (target is the port that the legacy program listens on)
        9:84 "kubernetes.io/h2c" spec.ports[4].appProtocol: `appProtocol` has no effect with protocol tcp
        11:7 "{listen: '127.0.0.2:81', target: 10.0.0.8:81, appProtocol: h2" spec.ports[6].name: the name `port-81` is used twice (give each port a name of its own)
        11:16 "'127.0.0.2:81'" spec.ports[6].listen: two http ports have the number 81 (choose another number, whatever the address; tcp ports may share one)
        11:66 "h2" spec.ports[6].appProtocol: unknown appProtocol `h2` (kubernetes.io/h2c is a target that speaks HTTP/2 without TLS; HTTP/1.1 is the default)
        12:29 "'127.0.0.2:81'" spec.ports[7].listen: two http ports have the number 81 (choose another number, whatever the address; tcp ports may share one)
        13:37 "::1:443" spec.ports[8].target: `::1:443` is not clear: which part is the port? (write an IPv6 address with its port as "[::1]:80")
        13:56 "https" spec.ports[8].protocol: unknown protocol `https` (expected http or tcp; TLS passes through tcp unread)
        15:31 "cache" spec.rules[0].match.port: `cache` is a tcp port, and rules are for http (leave out protocol: tcp if HTTP is spoken on it)"#]],
    );
    let text = format!(
        "{HEAD}spec:
  ports: [{{listen: 6379, target: redis:6379, protocol: tcp}}]
  rules: [{{name: r}}]
"
    );
    check(&text, &expect![[r#"5:3 "rules" spec.rules: all ports are tcp ports, and rules are for http"#]]);
}

#[test]
fn reads_targets_and_routes() {
    let text = format!(
        "{HEAD}spec:
  ports:
    - name: http
      listen: 80
      target: web
      routes:
        - {{hosts: [api.example.org, '*.example.net'], path: '/api/**', target: api}}
        - {{methods: [GET], query: {{q: '*'}}, headers: {{host: 'x*'}}, target: 8775}}
      limits: {{connections: 8, idleTimeout: 1s, requestTimeout: 2s}}
    - {{name: db, listen: 5432, target: db, protocol: tcp, limits: {{tcpIdleTimeout: 0s}}}}
  targets:
    - {{name: web, servers: [8776]}}
    - name: api
      servers:
        - 10.0.0.1:8080
        - {{address: '10.0.0.2:8080', weight: 2, backup: true}}
      balance: path
      host: api.example.org
      healthCheck: {{path: '/health?quick', method: HEAD, status: [204, 3xx], interval: 1s, rise: 1, fall: 1}}
      limits: {{upstreamConnections: 8, connectTimeout: 1s}}
    - {{name: db, servers: [db-0.db:5432, db-1.db:5432], balance: clientAddress, healthCheck: {{}}}}
  rules: [{{name: r, match: {{target: api}}}}]
"
    );
    check(&text, &expect!["2 ports, 1 rules"]);
}

#[test]
fn finds_all_that_is_wrong_with_targets_and_routes_at_once() {
    let text = format!(
        "{HEAD}spec:
  ports:
    - {{name: none, listen: 80}}
    - {{name: unknown, listen: 81, target: webb, limits: {{tcpIdleTimeout: 1s, connections: 0}}}}
    - {{name: tcp, listen: 82, target: path, protocol: tcp, routes: [{{target: web}}], limits: {{requestTimeout: 1s, idleTimeout: 1s}}}}
    - name: routed
      listen: 83
      target: 8775
      routes:
        - {{hosts: ['*', 'a.b:80', 'http://a', 'a.*.b'], path: x, methods: [get], headers: {{'a b': 1}}, target: 83}}
        - {{target: web}}
        - {{path: /never, target: redis:0}}
  targets:
    - {{name: web, servers: [8775, 8775, 0.0.0.0:1, 80], balance: roundrobin, host: upstream}}
    - {{name: web, servers: [], host: a b}}
    - {{name: '81', servers: [{{address: localhost:81, weight: 0}}, {{address: '1', weight: 257}}]}}
    - {{name: A, servers: [{{address: '1', backup: true, connections: 0}}, {{address: 10.0.0.256:1, connections: 2}}, '3']}}
    - {{name: all, servers: [{{address: '1', backup: true}}], healthCheck: {{method: GET, host: x, status: 200}}}}
    - {{name: path, servers: [1, {{address: 2, weight: 2}}], balance: random, healthCheck: {{path: h, method: POST, host: '/', status: 99, interval: 0s, timeout: x, rise: 0, fall: 1001}}}}
    - {{name: hash, servers: [1], balance: path, limits: {{upstreamConnections: 0, connectTimeout: 0s}}}}
    - {{name: tcp-path, servers: [1], balance: path}}
    - {{servers: [{{weight: 1}}]}}
  rules: [{{name: r, match: {{target: nobody}}}}]
"
    );
    check(
        &text,
        &expect![[r#"
        24:7 "{servers: [{weight: 1}]" spec.targets[8]: `name` is missing (name: What ports, routes and rules call it. Unique.)
        24:18 "{weight: 1" spec.targets[8].servers[0]: `address` is missing (address: Its address, written as a port's `target`.)"#]],
    );
    let text = text
        .replace("    - {servers: [{weight: 1}]}\n", "")
        .replace("target: path, protocol", "target: tcp-path, protocol");
    check(
        &text,
        &expect![[r#"
        5:7 "{name: none, listen: 80" spec.ports[0]: `target` is missing (it is the port that the legacy program listens on, such as 8775)
        6:43 "webb" spec.ports[1].target: no target is named `webb` (spec.targets has: web, web, 81, A, all, path, hash, tcp-path; an address is written as host:port)
        6:74 "1s" spec.ports[1].limits.tcpIdleTimeout: `tcpIdleTimeout` has no effect on this port (idleTimeout is for http ports)
        6:91 "0" spec.ports[1].limits.connections: must be at least 1
        7:39 "tcp-path" spec.ports[2].target: `tcp-path` is balanced by path, and tcp has none (balance it by clientAddress)
        7:39 "tcp-path" spec.ports[2].target: this is never used: routes[0] is for all requests (say what that one is for, by hosts, path, methods, query or headers, or put it last)
        7:64 "routes" spec.ports[2].routes: routes are for http, and this is a tcp port (leave out protocol: tcp if HTTP is spoken on it)
        7:114 "1s" spec.ports[2].limits.requestTimeout: `requestTimeout` has no effect on this port (requests are of HTTP)
        7:131 "1s" spec.ports[2].limits.idleTimeout: `idleTimeout` has no effect on this port (tcpIdleTimeout is for tcp ports)
        10:15 "8775" spec.ports[3].target: this is never used: routes[1] is for all requests (say what that one is for, by hosts, path, methods, query or headers, or put it last)
        12:20 "'*'" spec.ports[3].routes[0].hosts[0]: `*` is not a host (leave out hosts for any)
        12:25 "'a.b:80'" spec.ports[3].routes[0].hosts[1]: `a.b:80` is not a host (write it without its port: requests to any port of it are meant)
        12:35 "'http://a'" spec.ports[3].routes[0].hosts[2]: `http://a` is not a host (write the host alone, without scheme and path)
        12:47 "'a.*.b'" spec.ports[3].routes[0].hosts[3]: `a.*.b` is not a host (`*.` stands at the beginning: *.example.org is all names below that one)
        12:63 "x" spec.ports[3].routes[0].path: a path begins with `/`
        12:76 "get" spec.ports[3].routes[0].methods[0]: methods are case-sensitive (write GET)
        12:92 "'a b'" spec.ports[3].routes[0].headers.a b: not a header name
        14:11 "{path: /never, target: redis:0" spec.ports[3].routes[2]: this is never used: routes[1] is for all requests (say what that one is for, by hosts, path, methods, query or headers, or put it last)
        14:34 "redis:0" spec.ports[3].routes[2].target: `0` is not a port (a port is from 1 to 65535)
        16:35 "8775" spec.targets[0].servers[1]: the server 8775 is named twice
        16:41 "0.0.0.0:1" spec.targets[0].servers[2]: `0.0.0.0` is not a host (nobody can be reached at it; 127.0.0.1 is this pod itself)
        16:66 "roundrobin" spec.targets[0].balance: unknown balance `roundrobin` (expected roundRobin, leastConnections, random, clientAddress or path)
        16:84 "upstream" spec.targets[0].host: several servers have no one address (write keep for the client's Host, or the name that all of them know)
        17:14 "web" spec.targets[1].name: the name `web` is used twice
        17:19 "servers" spec.targets[1].servers: no server is named (name at least one: servers: ["10.0.0.1:8080"])
        17:38 "a b" spec.targets[1].host: `a b` is not a host (write keep, upstream, or a name as stock.example.com:8080)
        18:14 "'81'" spec.targets[2].name: `81` looks like a port (give it a letter: `target` may be a port or a name)
        18:62 "0" spec.targets[2].servers[0].weight: must be from 1 to 256
        18:89 "257" spec.targets[2].servers[1].weight: must be from 1 to 256
        19:14 "A" spec.targets[3].name: `A` is not a name (use lower case letters, digits and -, at most 63 of them)
        19:50 "true" spec.targets[3].servers[0].backup: a backup is never asked without `healthCheck` (add healthCheck: {} to the target: a server is down when no connection can be made)
        19:69 "0" spec.targets[3].servers[0].connections: must be at least 1
        19:83 "10.0.0.256:1" spec.targets[3].servers[1].address: `10.0.0.256` is not a host (it looks like an address, but is none: four numbers from 0 to 255)
        19:110 "2" spec.targets[3].servers[1].connections: all servers of a target have the same number of connections (write it for all of them, or upstreamConnections once under limits of the target)
        19:114 "'3'" spec.targets[3].servers[2].connections: all servers of a target have the same number of connections (write it for all of them, or upstreamConnections once under limits of the target)
        20:52 "true" spec.targets[4].servers[0].backup: all servers are backups (of what? leave `backup` out for one of them)
        20:82 "GET" spec.targets[4].healthCheck.method: `method` has no effect without `path` (add path: / to ask by HTTP)
        20:93 "x" spec.targets[4].healthCheck.host: `host` has no effect without `path` (add path: / to ask by HTTP)
        20:104 "200" spec.targets[4].healthCheck.status: `status` has no effect without `path` (add path: / to ask by HTTP)
        21:54 "2" spec.targets[5].servers[1].weight: `weight` has no effect with balance random (roundRobin and leastConnections know weights)
        21:96 "h" spec.targets[5].healthCheck.path: `h` is not a path (write /health, or with a query /health?quick=1)
        21:107 "POST" spec.targets[5].healthCheck.method: a server cannot be asked by `POST` (expected GET, HEAD or OPTIONS)
        21:119 "'/'" spec.targets[5].healthCheck.host: `/` is not a host (write a name as stock.example.com:8080)
        21:132 "99" spec.targets[5].healthCheck.status: `99` is not a status (write 200, 2xx, 400-499, or a list of those; from 200 to 599)
        21:146 "0s" spec.targets[5].healthCheck.interval: must be more than 0s
        21:159 "x" spec.targets[5].healthCheck.timeout: `x` is not a time (write 500ms, 5s, 1m30s or 1h)
        21:168 "0" spec.targets[5].healthCheck.rise: must be from 1 to 1000
        21:177 "1001" spec.targets[5].healthCheck.fall: must be from 1 to 1000
        22:79 "0" spec.targets[6].limits.upstreamConnections: must be at least 1
        22:98 "0s" spec.targets[6].limits.connectTimeout: must be more than 0s
        24:37 "nobody" spec.rules[0].match.target: no target is named `nobody` (spec.targets has: web, web, 81, A, all, path, hash, tcp-path)"#]],
    );
}

#[test]
fn nothing_leads_to_the_ambassador_itself() {
    let text = format!(
        "{HEAD}spec:
  ports:
    - {{listen: 80, target: web, routes: [{{path: /, target: 81}}]}}
    - {{listen: '127.0.0.1:81', target: 10.0.0.1:81}}
  targets: [{{name: web, servers: [localhost:81, {{address: 80}}, 10.0.0.1:80]}}]
"
    );
    check(
        &text,
        &expect![[r#"
        5:60 "81" spec.ports[0].routes[0].target: port 127.0.0.1:81 is the ambassador's own (target is the port that the legacy program listens on)
        7:35 "localhost:81" spec.targets[0].servers[0]: port 127.0.0.1:81 is the ambassador's own (target is the port that the legacy program listens on)
        7:59 "80" spec.targets[0].servers[1].address: port 80 is the ambassador's own (target is the port that the legacy program listens on)"#]],
    );
}

#[test]
fn points_into_programs() {
    check(
        &rule("        jq: .a | foo | $x\n"),
        &expect![[r#"
        8:18 "foo" spec.rules[0].response.jq: function foo is not defined
        8:24 "$x" spec.rules[0].response.jq: variable $x is not defined"#]],
    );
    check(
        &rule("        jq: \"foo\"\n"),
        &expect![[r#"8:14 "foo" spec.rules[0].response.jq: function foo is not defined"#]],
    );
    check(
        &rule("        jq: |\n          .a\n          | foo\n"),
        &expect![[r#"10:13 "foo" spec.rules[0].response.jq: function foo is not defined"#]],
    );
    check(
        &rule("        jq: |\n          .a\n            | foo |\n"),
        &expect![[
            r#"9:11 ".a" within "" spec.rules[0].response.jq: expected an expression, found the end of the program"#
        ]],
    );
    check(
        &rule("        jq: \"\\x2ea | foo\"\n"),
        &expect![[
            r#"8:13 "\"\\x2ea | foo\"" within "foo" spec.rules[0].response.jq: function foo is not defined"#
        ]],
    );
    check(
        &rule("        jq: >\n          .a\n          | foo\n"),
        &expect![[r#"9:11 ".a" within "foo" spec.rules[0].response.jq: function foo is not defined"#]],
    );
}

#[test]
fn refuses_what_is_no_yaml() {
    check("", &expect![[r#"1:1 "" this config is empty"#]]);
    check("a: [", &expect![[r#"1:5 "" while parsing a node, did not find expected node content"#]]);
    check(
        "a:\n\t- b",
        &expect![[
            r#"2:2 "" tabs disallowed within this context (block indentation) (YAML indents with spaces, not tabs)"#
        ]],
    );
    check("a: 1\na: 2", &expect![[r#"2:1 "" duplicated key in mapping"#]]);
    check("--- {}\n--- {}", &expect![[r#"2:5 "" a config is one YAML document, this is a second one"#]]);
    check("just text", &expect![[r#"1:1 "just text" expected an object, found a text"#]]);
}

#[test]
fn bounds_aliases() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let list = vec![format!("*a{}", level - 1); 10].join(",");
        text += &["a", &level.to_string(), ": &a", &level.to_string(), " [", &list, "]\n"].concat();
    }
    assert!(load(&text).is_err());
}

#[test]
fn nesting_does_no_harm() {
    assert!(load(&"[".repeat(100_000)).is_err());
    assert!(load(&"- ".repeat(100_000)).is_err());
}
