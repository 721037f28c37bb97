//! `kubectl ambassador render`: what the ConfigMaps would hold, as files, for any Envoy on any machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::envoy::{self, Layout};
use crate::failure::{Failure, Result};
use crate::output;
use crate::plugin::Plugin;
use crate::source;

/// A Unix socket's path has room for this many bytes (unix(7)).
const LONGEST_SOCKET: usize = 107;

/// Write what an ambassador runs by into a folder, for any Envoy
#[derive(clap::Args)]
#[command(after_help = "Examples:
  # Run the ambassador on this machine, in front of a program on port 8775
  kubectl ambassador render -c ambassador.yaml --dir out --listen-address 127.0.0.1
  envoy -c out/bootstrap.yaml

  # Prove a config with Envoy itself, rules included
  kubectl ambassador render -c ambassador.yaml --dir out
  envoy --mode validate -c out/validate.yaml

  # Files for an image in which they will be under /etc/ambassador
  kubectl ambassador render --port 80:8775 --dir out --mount-path /etc/ambassador")]
pub(crate) struct Args {
    #[command(flatten)]
    source: source::Args,

    /// Folder to write to; made if it is not there
    #[arg(long, value_name = "OUT")]
    dir: PathBuf,

    /// Where Envoy will find the files [default: the folder itself]
    #[arg(long, value_name = "PATH")]
    mount_path: Option<String>,

    /// Where Envoy will find the module [default: plugin.wasm in the folder, which is written too]
    #[arg(long, value_name = "PATH")]
    plugin: Option<String>,

    /// Address of ports that have none of their own, and of the health port; :: is all, IPv4 too
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    listen_address: std::net::IpAddr,

    /// Port for /ready and /stats/prometheus
    #[arg(long, value_name = "PORT", default_value_t = envoy::HEALTH_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    health_port: u16,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let source = match args.source.read()? {
        Some(source) => source,
        None if args.source.ports.is_empty() => {
            return Err(Failure::usage("nothing to render")
                .hint("name a config with -c FILE, or map ports with --port LISTEN:TARGET"));
        }
        None => args.source.of_flags("", args.source.port_map())?,
    };
    std::fs::create_dir_all(&args.dir).map_err(|error| cannot_write(&args.dir, &error))?;
    let layout = layout(args)?;
    source.refuse_health_port(args.health_port, "listen on another one, or choose it by --health-port")?;
    let mut files = envoy::render(&source.loaded, &layout)?;
    files.push(("validate.yaml", envoy::render_for_validation(&source.loaded, &layout)?));
    files.push(("ambassador.yaml", source.text.clone()));
    for (name, text) in &files {
        write(&args.dir.join(name), text.as_bytes())?;
    }
    if args.plugin.is_none() {
        write(&args.dir.join("plugin.wasm"), &Plugin::embedded_for(&source.loaded.config)?.module())?;
    }
    output::print(&format!("{}\n", args.dir.join("bootstrap.yaml").display()))
}

fn layout(args: &Args) -> Result<Layout> {
    let absolute = || args.dir.canonicalize().map_err(|error| cannot_write(&args.dir, &error));
    let config_dir = match &args.mount_path {
        Some(path) => path.trim_end_matches('/').to_owned(),
        None => absolute()?
            .to_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::usage("the folder's path is not UTF-8"))?,
    };
    let admin_socket = format!("{config_dir}/admin.sock");
    if admin_socket.len() > LONGEST_SOCKET {
        return Err(Failure::usage(format!(
            "{admin_socket} is too long for a socket, which may have {LONGEST_SOCKET} bytes"
        ))
        .hint("choose a folder with a shorter path"));
    }
    let plugin = args.plugin.clone().unwrap_or_else(|| format!("{config_dir}/plugin.wasm"));
    Ok(Layout {
        config_dir,
        plugin,
        admin_socket,
        listen_address: args.listen_address,
        health_port: args.health_port,
    })
}

/// Written beside and moved into place: an Envoy that watches the folder sees whole files only.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&beside, path)).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", path.display()))
}
