//! The `kubectl ambassador inject` that does what a config says.

use ambassador_core::config::{Config, Limits, Match, Port, Response, Rule, Spec};

/// By `--port` and `--jq` where they can say it all, else with the config on standard input.
pub(crate) fn inject(text: &str, config: &Config, workload: &str) -> String {
    let begin = format!("kubectl ambassador inject {}", quoted(workload));
    if let Some(flags) = flags(&config.spec) {
        return format!("{begin}{flags}");
    }
    let end = end_of(text);
    let line_break = if text.ends_with('\n') { "" } else { "\n" };
    format!("{begin} -c - <<'{end}'\n{text}{line_break}{end}")
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| "NAME".to_owned(), std::borrow::Cow::into_owned)
}

/// The flags that describe all of it, if some do.
fn flags(spec: &Spec) -> Option<String> {
    let ports = spec.ports.iter().map(|port| Some(format!(" --port {}", mapped(port)?)));
    let ports: String = ports.collect::<Option<_>>()?;
    let alike = Spec { ports: spec.ports.clone(), rules: spec.rules.clone(), ..Spec::default() };
    if *spec != alike || spec.limits != Limits::default() {
        return None;
    }
    match spec.rules.as_slice() {
        [] => Some(ports),
        [rule] => Some(format!("{ports} --jq {}", quoted(&program_alone(rule)?))),
        _ => None,
    }
}

/// `80:8775`, of a port that is nothing but that. Its name is for rules, and those that `--jq` makes name none.
fn mapped(port: &Port) -> Option<String> {
    let plain = Port {
        name: port.name.clone(),
        listen: port.listen.clone(),
        target: port.target.clone(),
        ..Port::default()
    };
    let number = |text: &str| text.parse::<u16>().ok();
    (*port == plain).then_some(())?;
    Some(format!("{}:{}", number(&port.listen.0)?, number(&port.target.as_ref()?.0)?))
}

/// The program of a rule that has nothing else.
fn program_alone(rule: &Rule) -> Option<String> {
    let jq = rule.response.as_ref()?.jq.clone()?;
    let alone = Response { jq: Some(jq.clone()), ..Response::default() };
    let is_alone =
        rule.matches == Match::default() && rule.request.is_none() && rule.response.as_ref() == Some(&alone);
    is_alone.then_some(jq)
}

/// A word that is no line of the text.
pub(crate) fn end_of(text: &str) -> String {
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}
