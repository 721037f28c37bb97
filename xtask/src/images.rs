//! Container images made of files of this machine: no registry, no container engine.
//!
//! They have the names of images that users can pull, and the programs of Debian: what a manifest is tested with is the
//! same program where its users have it, but seldom the same version.

mod archive;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{debian, legacy, paths, progress};
use archive::{Layer, image};

/// Programs of this machine that the images are made of or by, and Debian's packages that have them.
const PROGRAMS: [(&str, &[&str]); 8] = [
    ("busybox", &["busybox-static"]),
    ("curl", &["curl"]),
    ("haproxy", &["haproxy"]),
    ("gcc", &["gcc", "libc6-dev"]),
    ("redis-server", &["redis-server"]),
    ("redis-cli", &["redis-tools"]),
    ("dnsmasq", &["dnsmasq-base"]),
    ("git", &["git"]),
];
/// Runs a program as pid 1 that handles no signals: pid 1 ignores what it has no handler for, and deleting a pod
/// would take its whole grace period.
const WITH_SIGNALS: &str = "trap 'kill $pid' TERM INT; \"$@\" & pid=$!; wait $pid";
/// What holds a pod's namespaces: the first process of each pod.
const PAUSE: &str = "#include <signal.h>\n#include <unistd.h>\nstatic void stop(int s) { _exit(0); }\n\
    int main(void) { signal(SIGTERM, stop); signal(SIGINT, stop); for (;;) pause(); }\n";

const NGINX: &str = "user nobody nogroup;
worker_processes 1;
error_log /var/log/nginx/error.log warn;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log combined;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    include /etc/nginx/conf.d/*.conf;
}
";
const NGINX_SITE: &str = "server {
    listen 80;
    root /usr/share/nginx/html;
}
";
const NGINX_PAGE: &str = "<title>Welcome to nginx!</title>
";

/// An image in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Its name and tag.
    pub(crate) name: String,
    /// The archive.
    pub(crate) archive: PathBuf,
}

/// All images, built where they changed.
pub(crate) fn ensure(envoy: &Path) -> anyhow::Result<Vec<Image>> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .flat_map(|(_, packages)| packages.iter().copied())
        .collect();
    if !missing.is_empty() {
        progress::step("installing what goes into the images", |step| debian::install(step, &missing))?;
    }
    let legacy = legacy::ensure()?;
    let program = |name: &str| find(name).with_context(|| format!("{name} is not on PATH"));
    let with_signals = ["/bin/sh", "-c", WITH_SIGNALS, "sh"];
    let shell = Layer::default().with_busybox(&program("busybox")?)?;
    let images = [
        ("docker.io/local/pause:1", Layer::default().with("/pause", &pause()?)?, vec!["/pause"]),
        (
            "docker.io/radial/busyboxplus:curl",
            shell.clone().with("/bin/curl", &program("curl")?)?,
            vec!["/bin/sh"],
        ),
        (
            "docker.io/linuxacademycontent/legacy-fruit-service:1",
            shell.clone().with("/bin/legacy-fruit-service", &legacy)?,
            [&with_signals[..], &["/bin/legacy-fruit-service"]].concat(),
        ),
        (
            "docker.io/envoyproxy/envoy:distroless-v1.40.0",
            Layer::default().with("/usr/local/bin/envoy", envoy)?,
            vec!["/usr/local/bin/envoy"],
        ),
        (
            "docker.io/library/haproxy:1.7",
            shell.clone().with("/usr/local/sbin/haproxy", &program("haproxy")?)?,
            // In the foreground, although the lab's config says `daemon`, as the entry point of the image of that
            // name does it.
            vec!["/usr/local/sbin/haproxy", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
        ),
        (
            "docker.io/library/redis:7",
            shell
                .clone()
                .with("/usr/local/bin/redis-server", &program("redis-server")?)?
                .with("/usr/local/bin/redis-cli", &program("redis-cli")?)?,
            vec!["/usr/local/bin/redis-server"],
        ),
        (
            "docker.io/local/dnsmasq:1",
            shell.clone().with("/usr/sbin/dnsmasq", &program("dnsmasq")?)?,
            vec!["/usr/sbin/dnsmasq"],
        ),
        ("docker.io/library/busybox:1.36", shell.clone(), vec!["/bin/sh"]),
        ("docker.io/library/nginx:1.15.8", nginx(&shell)?, vec!["/usr/sbin/nginx", "-g", "daemon off;"]),
        (
            "docker.io/alpine/git:2.43.0",
            shell
                .clone()
                .with("/usr/bin/git", &program("git")?)?
                .with("/usr/lib/git-core/git-remote-http", Path::new("/usr/lib/git-core/git-remote-http"))?
                .with_link("/usr/bin/git-upload-pack", "git")
                .with_link("/usr/bin/git-receive-pack", "git"),
            vec!["/usr/bin/git"],
        ),
        (
            "docker.io/prom/prometheus:v2.42.0",
            prometheus(&shell)?,
            vec![
                "/bin/prometheus",
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
            ],
        ),
    ];
    images.into_iter().map(|(name, layer, entrypoint)| image(name, &layer, &entrypoint)).collect()
}

/// nginx, laid out as in the image of its makers.
fn nginx(shell: &Layer) -> anyhow::Result<Layer> {
    let (program, types) = (debian::unpacked("nginx")?, debian::unpacked("nginx-common")?);
    let types =
        std::fs::read_to_string(types.join("etc/nginx/mime.types")).context("cannot read mime.types")?;
    Ok(shell
        .clone()
        .with("/usr/sbin/nginx", &program.join("usr/sbin/nginx"))?
        .with_text("/etc/nginx/nginx.conf", NGINX)
        .with_text("/etc/nginx/mime.types", &types)
        .with_text("/etc/nginx/conf.d/default.conf", NGINX_SITE)
        .with_text("/usr/share/nginx/html/index.html", NGINX_PAGE)
        .with_link("/var/log/nginx/access.log", "/dev/stdout")
        .with_link("/var/log/nginx/error.log", "/dev/stderr"))
}

/// Prometheus and promtool.
fn prometheus(shell: &Layer) -> anyhow::Result<Layer> {
    let package = debian::unpacked("prometheus")?.join("usr/bin");
    shell
        .clone()
        .with("/bin/prometheus", &package.join("prometheus"))?
        .with("/bin/promtool", &package.join("promtool"))
}

/// A program of this machine, those for administrators included.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    paths::on_path(program)
        .or_else(|| Some(Path::new("/usr/sbin").join(program)).filter(|path| path.is_file()))
}

fn pause() -> anyhow::Result<PathBuf> {
    let program = paths::cache()?.join("pause").join(legacy::short_hash(PAUSE.as_bytes())).join("pause");
    if !program.is_file() {
        let dir = program.parent().context("the cache has no parent")?;
        std::fs::create_dir_all(dir)?;
        let source = dir.join("pause.c");
        std::fs::write(&source, PAUSE)?;
        progress::run(
            "building pause",
            Command::new("gcc").args(["-O2", "-static", "-o"]).arg(&program).arg(&source),
        )?;
    }
    Ok(program)
}
