//! Programs that run in the background: started in sessions of their own, known again by files with their process
//! ids, and ended without touching anything else.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

/// The programs whose state, logs and process ids are in one folder.
pub(super) struct Programs {
    dir: PathBuf,
}

impl Programs {
    /// Makes the folder if it is not there.
    pub(super) fn new(dir: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// Starts a program; `command` is what leads to it. Its output goes to `NAME.log`.
    pub(super) fn spawn(&self, name: &str, command: &Command) -> anyhow::Result<()> {
        let log = File::create(self.dir.join(format!("{name}.log")))?;
        let mut session = Command::new("setsid");
        session.arg(command.get_program()).args(command.get_args()).current_dir(&self.dir);
        session.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = session.spawn().with_context(|| format!("cannot start {name}"))?;
        std::fs::write(self.pid_file(name), child.id().to_string())?;
        Ok(())
    }

    /// The process of this name, if it is still the one that was started: its command line names it and the folder.
    pub(super) fn running(&self, name: &str) -> Option<Pid> {
        let pid = std::fs::read_to_string(self.pid_file(name)).ok()?.trim().parse().ok()?;
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let ours = command.contains(name) && command.contains(&*self.dir.to_string_lossy());
        Pid::from_raw(pid).filter(|_| ours)
    }

    /// Whether all of them run.
    pub(super) fn all_run(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.running(name).is_some())
    }

    /// Ends them, in this order.
    pub(super) fn end(&self, names: &[&str]) {
        for name in names {
            if let Some(pid) = self.running(name) {
                let _ = kill_process(pid, Signal::KILL);
            }
            let _ = std::fs::remove_file(self.pid_file(name));
        }
    }

    fn pid_file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.pid"))
    }
}
