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

/// A program of this machine that images are made of or by, and Debian's packages that have it.
type Program = (&'static str, &'static [&'static str]);
const OF_THE_LAB: [Program; 3] =
    [("busybox", &["busybox-static"]), ("curl", &["curl"]), ("gcc", &["gcc", "libc6-dev"])];
const OF_THE_TESTS: [Program; 5] = [
    ("haproxy", &["haproxy"]),
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

/// The images of the lab, made where they changed.
pub(crate) fn of_the_lab(envoy: &Path) -> anyhow::Result<Vec<Image>> {
    get(&OF_THE_LAB)?;
    let legacy = legacy::ensure()?;
    let with_signals = ["/bin/sh", "-c", WITH_SIGNALS, "sh"];
    let shell = shell()?;
    make([
        ("docker.io/local/pause:1", Layer::default().with("/pause", &pause()?)?, vec!["/pause"]),
        (
            "docker.io/radial/busyboxplus:curl",
            shell.clone().with("/bin/curl", &program("curl")?)?,
            vec!["/bin/sh"],
        ),
        (
            "docker.io/linuxacademycontent/legacy-fruit-service:1",
            shell.with("/bin/legacy-fruit-service", &legacy)?,
            [&with_signals[..], &["/bin/legacy-fruit-service"]].concat(),
        ),
        (
            "docker.io/envoyproxy/envoy:distroless-v1.40.0",
            Layer::default().with("/usr/local/bin/envoy", envoy)?,
            vec!["/usr/local/bin/envoy"],
        ),
    ])
}

/// All images, those of the lab and those of the tests and of the patterns. They are for our cluster alone: in another they
/// would stand for what is meant by their names there.
pub(crate) fn all(envoy: &Path) -> anyhow::Result<Vec<Image>> {
    get(&OF_THE_TESTS)?;
    let mut images = of_the_lab(envoy)?;
    let shell = shell()?;
    images.extend(make([
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
    ])?);
    Ok(images)
}

/// An image to be made: its name, its layer, its entry point.
type Recipe<'a> = (&'a str, Layer, Vec<&'a str>);

fn make<const N: usize>(recipes: [Recipe; N]) -> anyhow::Result<Vec<Image>> {
    recipes.into_iter().map(|(name, layer, entrypoint)| image(name, &layer, &entrypoint)).collect()
}

/// Installs the programs that are not here.
fn get(programs: &[Program]) -> anyhow::Result<()> {
    let missing = programs.iter().filter(|(program, _)| find(program).is_none());
    let packages: Vec<&str> = missing.flat_map(|(_, packages)| packages.iter().copied()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    progress::step("installing what goes into the images", |step| debian::install(step, &packages))
}

fn program(name: &str) -> anyhow::Result<PathBuf> {
    find(name).with_context(|| format!("{name} is not on PATH"))
}

/// A layer with a shell and all that belongs to it.
fn shell() -> anyhow::Result<Layer> {
    Layer::default().with_busybox(&program("busybox")?)
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
