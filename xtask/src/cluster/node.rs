//! The node: which programs it runs, how they are started, and how they are ended without touching anything else.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use super::kubernetes::Release;
use super::programs::Programs;
use super::{Cluster, RELAY_PORT, kubectl, templates, wait_for};
use crate::images::Image;
use crate::progress::quietly;
use crate::{paths, progress};

/// The network namespace.
const NAMESPACE: &str = "ambassador";
/// In the order in which they are ended.
const PROGRAMS: [&str; 8] = [
    "relay",
    "kubelet",
    "kube-proxy",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-apiserver",
    "containerd",
    "etcd",
];

/// Seen from inside.
const ETCD: templates::Etcd = templates::Etcd { clients: 2379, peers: 2380 };

/// The node's state on disk.
pub(super) struct Node {
    dir: PathBuf,
    programs: Programs,
    release: Release,
}

impl Node {
    pub(super) fn new() -> anyhow::Result<Self> {
        let dir = paths::cache()?.join("cluster");
        Ok(Self { programs: Programs::new(dir.clone())?, dir, release: Release::of_the_cluster() })
    }

    pub(super) fn cluster(&self) -> Cluster {
        Cluster {
            kubeconfig: self.dir.join("admin.kubeconfig"),
            dev_kubeconfig: self.dir.join("dev.kubeconfig"),
        }
    }

    /// Whether every program of the node is still the one that was started.
    pub(super) fn all_run(&self) -> bool {
        self.programs.all_run(&PROGRAMS)
    }

    pub(super) fn start(&self, step: &progress::Step, images: &[Image]) -> anyhow::Result<()> {
        step.say("network namespace");
        self.network()?;
        self.write_files()?;
        step.say("etcd and the API server");
        self.control_plane()?;
        step.say("containerd");
        self.containerd(images)?;
        step.say("kubelet");
        self.kubelet()?;
        let cluster = self.cluster();
        let ready = || {
            let get = |args: &[&str]| kubectl(&cluster.kubeconfig, args);
            get(&["get", "node", "node"]).is_ok_and(|text| text.contains(" Ready"))
                && get(&["get", "serviceaccount", "default", "--namespace", "default"]).is_ok()
        };
        wait_for("the node", Duration::from_secs(90), ready)
            .with_context(|| format!("logs are in {}", self.dir.display()))
    }

    fn network(&self) -> anyhow::Result<()> {
        if !Path::new("/run/netns").join(NAMESPACE).exists() {
            quietly(Command::new("ip").args(["netns", "add", NAMESPACE]))?;
        }
        let inside = |args: &[&str]| quietly(self.enter().args(args));
        inside(&["ip", "link", "set", "lo", "up"])?;
        // The node's own address is on a bridge: dummy devices are not everywhere to be had.
        inside(&["ip", "link", "add", "node0", "type", "bridge"])?;
        inside(&["ip", "addr", "replace", "10.99.0.1/24", "dev", "node0"])?;
        inside(&["ip", "link", "set", "node0", "up"])?;
        // Leads nowhere; kubelet wants a default route.
        inside(&["ip", "route", "replace", "default", "via", "10.99.0.254", "dev", "node0"])?;
        inside(&["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    }

    fn write_files(&self) -> anyhow::Result<()> {
        for dir in ["cni", "containerd"] {
            std::fs::create_dir_all(self.dir.join(dir))?;
        }
        templates::write_keys(&self.dir)?;
        let write = |name: &str, text: &str| templates::write(&self.dir.join(name), text);
        write("inside.kubeconfig", &templates::kubeconfig(super::CONTEXT, 6443, "admintoken"))?;
        write("kubelet.kubeconfig", &templates::kubeconfig("kubelet", 6443, "kubelettoken"))?;
        write("admin.kubeconfig", &templates::kubeconfig(super::CONTEXT, RELAY_PORT, "admintoken"))?;
        write("dev.kubeconfig", &templates::kubeconfig("ambassador-dev", RELAY_PORT, "devtoken"))?;
        write("cni/10-pods.conflist", &templates::cni())?;
        write("containerd.toml", &templates::containerd(&self.dir, &self.socket()))?;
        write("kubelet.yaml", &templates::kubelet(&self.socket()))
    }

    fn control_plane(&self) -> anyhow::Result<()> {
        self.spawn("etcd", "etcd", &templates::etcd(&self.dir, &ETCD))?;
        let mut args = templates::api_server(&self.dir, &ETCD);
        args.extend(
            [
                "--secure-port=6443",
                "--bind-address=0.0.0.0",
                "--advertise-address=10.99.0.1",
                "--kubelet-preferred-address-types=InternalIP",
            ]
            .map(str::to_owned),
        );
        self.spawn_kubernetes("kube-apiserver", &args)?;
        self.relay()?;
        let cluster = self.cluster();
        wait_for("the API server", Duration::from_secs(90), || {
            kubectl(&cluster.kubeconfig, &["get", "--raw", "/readyz"]).is_ok()
        })
        .with_context(|| format!("its log is {}/kube-apiserver.log", self.dir.display()))?;
        let kubeconfig = self.dir.join("inside.kubeconfig");
        self.spawn_kubernetes(
            "kube-controller-manager",
            &templates::controller_manager(&self.dir, &kubeconfig),
        )?;
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        self.spawn_kubernetes("kube-scheduler", &[kubeconfig.as_str(), "--leader-elect=false"])
    }

    /// The relay is a copy of this very program, so that a later build of it is not in its way.
    fn relay(&self) -> anyhow::Result<()> {
        let program = self.dir.join("relay");
        std::fs::copy(std::env::current_exe()?, &program).context("cannot copy this program")?;
        let port = RELAY_PORT.to_string();
        let mut command = Command::new(&program);
        command.args(["cluster", "relay", "--port", &port, "--netns"]);
        command.arg(Path::new("/run/netns").join(NAMESPACE));
        self.programs.spawn("relay", &command)
    }

    fn containerd(&self, images: &[Image]) -> anyhow::Result<()> {
        let config = self.dir.join("containerd.toml");
        self.spawn("containerd", "containerd", &["--config", &config.to_string_lossy()])?;
        wait_for("containerd", Duration::from_secs(30), || {
            self.ctr().arg("version").output().is_ok_and(|output| output.status.success())
        })?;
        self.import(images)
    }

    fn kubelet(&self) -> anyhow::Result<()> {
        let dir = self.dir.display();
        self.spawn_kubernetes(
            "kubelet",
            &[
                &format!("--config={dir}/kubelet.yaml"),
                &format!("--kubeconfig={dir}/kubelet.kubeconfig"),
                "--hostname-override=node",
                "--node-ip=10.99.0.1",
                &format!("--root-dir={dir}/kubelet"),
            ],
        )?;
        self.spawn_kubernetes(
            "kube-proxy",
            &[
                &format!("--kubeconfig={dir}/inside.kubeconfig"),
                "--hostname-override=node",
                "--cluster-cidr=10.244.0.0/24",
                "--conntrack-max-per-core=0",
                "--conntrack-tcp-timeout-established=0s",
                "--conntrack-tcp-timeout-close-wait=0s",
            ],
        )
    }

    /// Imports the images that are not there in this version.
    pub(super) fn import(&self, images: &[Image]) -> anyhow::Result<()> {
        let marks = self.dir.join("containerd/imported");
        std::fs::create_dir_all(&marks)?;
        for image in images {
            let mark = marks.join(image.archive.file_name().context("an archive without name")?);
            if !mark.exists() {
                progress::run(
                    &format!("importing image {}", image.name),
                    self.ctr().args(["--namespace", "k8s.io", "images", "import"]).arg(&image.archive),
                )?;
                File::create(mark)?;
            }
        }
        Ok(())
    }

    /// Ends the node's programs, and removes what they leave behind: pods, mounts, namespaces, state.
    pub(super) fn down(&self) -> anyhow::Result<()> {
        self.programs.end(&PROGRAMS);
        self.end_containers();
        std::thread::sleep(Duration::from_millis(200));
        self.unmount()?;
        for state in ["etcd", "containerd", "kubelet"] {
            let path = self.dir.join(state);
            if path.exists() {
                std::fs::remove_dir_all(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        if Path::new("/run/netns").join(NAMESPACE).exists() {
            quietly(Command::new("ip").args(["netns", "del", NAMESPACE]))?;
        }
        remove_pods_namespaces()
    }

    /// Containers' first processes are children of their shims; killing a shim alone would orphan them.
    fn end_containers(&self) {
        let state = self.dir.join("containerd").to_string_lossy().into_owned();
        let processes = processes();
        let shims = processes.iter().filter(|process| {
            process.command.contains("containerd-shim-runc-v2") && process.command.contains(&state)
        });
        for shim in shims {
            for process in processes.iter().filter(|process| process.parent == shim.pid).chain([shim]) {
                if let Some(pid) = Pid::from_raw(process.pid) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
    }

    fn unmount(&self) -> anyhow::Result<()> {
        let mounts = std::fs::read_to_string("/proc/mounts").context("cannot read /proc/mounts")?;
        let below = format!("{}/", self.dir.display());
        let mut points: Vec<&str> = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(|point| point.starts_with(&below))
            .collect();
        points.sort_unstable();
        for point in points.into_iter().rev() {
            let _ = quietly(Command::new("umount").args(["--lazy", point]));
        }
        Ok(())
    }

    fn spawn_kubernetes(&self, name: &str, args: &[impl AsRef<OsStr>]) -> anyhow::Result<()> {
        let program = self.release.program(name)?;
        self.spawn(name, &program.to_string_lossy(), args)
    }

    fn spawn(&self, name: &str, program: &str, args: &[impl AsRef<OsStr>]) -> anyhow::Result<()> {
        // `nsenter`, not `ip netns exec`, which mounts /sys anew and so hides the cgroups from kubelet.
        let mut command = Command::new("nsenter");
        command.arg(namespace_argument()).arg(program).args(args);
        self.programs.spawn(name, &command)
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("containerd/containerd.sock")
    }

    fn ctr(&self) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.socket());
        command
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(namespace_argument()).current_dir(&self.dir);
        command
    }
}

fn namespace_argument() -> String {
    format!("--net=/run/netns/{NAMESPACE}")
}

/// Network namespaces of pods in which no process is left. CNI names them so; others are not looked at.
fn remove_pods_namespaces() -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir("/run/netns") else { return Ok(()) };
    for name in entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if name.starts_with("cni-") {
            let pids = Command::new("ip").args(["netns", "pids", &name]).output()?;
            if pids.status.success() && pids.stdout.trim_ascii().is_empty() {
                let _ = quietly(Command::new("ip").args(["netns", "del", &name]));
            }
        }
    }
    Ok(())
}

struct Process {
    pid: i32,
    parent: i32,
    command: String,
}

fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter_map(|pid: i32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name in parentheses may hold anything; the parent is the second field after it.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some(Process { pid, parent, command: String::from_utf8_lossy(&command).replace('\0', " ") })
        })
        .collect()
}
