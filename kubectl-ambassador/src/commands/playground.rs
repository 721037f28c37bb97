//! `kubectl ambassador playground`: the page that tries rules, with the live config and a real answer in it.

mod fetch;
mod page;
mod serve;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::target;
use crate::annotation::Injected;
use crate::cluster::{self, Cluster, Resource};
use crate::failure::{Failure, Result};
use crate::output::{self, say};
use crate::plan::text;
use crate::rollout::{Target, Workload};
use crate::source::{self, Source};
use crate::verify::is_ready;

/// Try rules in a browser, on the config of a workload and a real answer of its program
#[derive(clap::Args)]
#[command(
    after_help = "The page is served on 127.0.0.1, to whoever has the address that is printed, until Ctrl-C. It asks nobody: what was
fetched stays in the browser, unless a link is copied.

Examples:
  # The page with its examples; no cluster is asked
  kubectl ambassador playground

  # The config of an injected workload, and what its program answers to GET /stock
  kubectl ambassador playground deploy/web --fetch /stock

  # A config that is not in the cluster yet, on a real answer
  kubectl ambassador playground fruit-service -c ambassador.yaml --fetch /",
    mut_arg("selector", |arg| arg.hide(true)),
    mut_arg("all", |arg| arg.hide(true))
)]
pub(crate) struct Args {
    #[command(flatten)]
    target: target::Args,

    /// Config to start with, an ambassador.yaml (`-` reads stdin) [default: that of the workload]
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Path to ask the program for, by GET through a port-forward
    #[arg(long, value_name = "PATH", value_parser = path)]
    fetch: Option<http::uri::PathAndQuery>,

    /// Port of 127.0.0.1 to serve the page on; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,

    // Last: the help's heading that it brings is for all that follow.
    #[command(flatten)]
    cluster: cluster::Args,
}

fn path(text: &str) -> std::result::Result<http::uri::PathAndQuery, String> {
    let path = text.parse().ok().filter(|_| text.starts_with('/') && !text.contains('#'));
    path.ok_or_else(|| "expected a path, such as /stock?all=1".to_owned())
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let source = source::Args { config: args.config.clone(), ..Default::default() }.read()?;
    let page = page::unpack()?;
    if args.target.is_empty() && args.fetch.is_some() {
        return Err(Failure::usage("--fetch asks a program, and none is named")
            .hint("name a pod or a workload, such as deploy/web"));
    }
    let state = if args.target.is_empty() {
        source.map(|source| json!({"config": source.text, "origin": source.name(), "answer": EXAMPLE}))
    } else {
        Some(live(args, source).await?)
    };
    let server = serve::Server::bind(args.port, page.with(state.as_ref())).await?;
    output::print(&format!("{}\n", server.url()))?;
    say("Ctrl-C ends it");
    server.run().await
}

/// An answer to begin with, where none was fetched.
const EXAMPLE: &str = "HTTP/1.1 200 OK\ncontent-type: application/json\n\n[\"apple\",\"banana\",\"pear\"]\n";

/// What the page is filled with from a cluster.
async fn live(args: &Args, from_file: Option<Source>) -> Result<Value> {
    let cluster = args.cluster.connect().await?;
    let targets = target::resolve(&cluster, &args.target, &[]).await?;
    let [target] = targets.as_slice() else {
        return Err(Failure::usage("the page is about one workload, and these are several"));
    };
    let shown = target.shown();
    let (template, pod) = match target {
        Target::Pod(pod) => (pod, Some(pod.clone())),
        Target::Workload(workload) => (workload.pod()?, ready_pod(&cluster, workload).await?),
    };
    let injected = Injected::of(template)?;
    let source = if let Some(source) = from_file {
        source
    } else {
        let live = pod.as_ref().unwrap_or(template);
        let named = (shown.as_str(), shown.rsplit('/').next().unwrap_or_default());
        let flags = source::Args::default();
        super::inject::found_source(&cluster, named, live, injected.as_ref(), &flags).await?.0
    };
    let origin = match &injected {
        _ if args.config.is_some() => format!("{} for {shown}", source.name()),
        Some(_) => format!("The live config of {shown} in namespace {}", cluster.namespace),
        None => format!("{shown} in namespace {} has no ambassador yet", cluster.namespace),
    };
    let mut state =
        json!({"config": source.text, "workload": shown, "answer": EXAMPLE, "origin": format!("{origin}.")});
    if let Some(path) = &args.fetch {
        let pod = pod.ok_or_else(|| Failure::unchanged(format!("no pod of {shown} is ready to be asked")))?;
        let fetched = fetch::fetch(&cluster, text(&pod, "/metadata/name"), &source, path).await?;
        say(&format!("GET {path} of pod/{}: {}", text(&pod, "/metadata/name"), fetched.told));
        state["request"] = format!("GET {path}\n").into();
        state["answer"] = fetched.answer.into();
        state["bodyBase64"] = fetched.body_base64.into();
        state["origin"] = format!("{origin}, and what its program answered to GET {path}.").into();
    }
    Ok(state)
}

/// A pod that can be asked.
async fn ready_pod(cluster: &Cluster, workload: &Workload) -> Result<Option<Value>> {
    let Some(selector) = workload.selector() else { return Ok(None) };
    let pods = cluster.objects(&Resource::pods(), Some(&selector)).await?;
    Ok(pods.into_iter().find(is_ready))
}
