//! SIGINT and SIGTERM while something is being changed: the first is noted, and heeded where nothing is lost by it; the
//! second ends the program at once, and says what that leaves.

use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::watch;

use crate::failure::{Exit, Failure};
use crate::output::say;

/// Says when a person or a system wants an end. From its making on, the first signal does not end the program by itself.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    wanted: watch::Receiver<bool>,
    now: Arc<Mutex<Now>>,
}

/// What is being done.
#[derive(Debug, Default)]
struct Now {
    /// What the first signal leads to.
    then: String,
    /// What the second one leaves, and what to do about it.
    left: String,
    hint: String,
}

/// There is one for the whole run: what began with one object stays for the next ones.
static THE_ONE: OnceLock<Interrupt> = OnceLock::new();

impl Interrupt {
    /// From now on.
    pub(crate) fn listen() -> Self {
        THE_ONE.get_or_init(Self::begin).clone()
    }

    /// Whether a signal came, if anybody listens yet.
    pub(crate) fn came() -> bool {
        THE_ONE.get().is_some_and(Self::is_wanted)
    }

    /// Nothing is being changed at the moment, if anything was before.
    pub(crate) fn between() {
        if let Some(one) = THE_ONE.get() {
            let left = "what was not tried yet is as it was";
            one.at(
                "stopping before the next one is changed",
                left,
                "the same command again goes on with the rest",
            );
        }
    }

    fn begin() -> Self {
        let (sender, wanted) = watch::channel(false);
        let now = Arc::new(Mutex::new(Now::default()));
        let shared = Arc::clone(&now);
        // Registered here, not when the task first runs: the next line may delete a pod.
        let mut signals = Signals::register();
        tokio::spawn(async move {
            signals.next().await;
            let _ = sender.send(true);
            if let Ok(now) = shared.lock() {
                say(&format!("interrupted: {}; interrupt again to stop at once", now.then));
            }
            signals.next().await;
            let exit = Exit::LeftHalfDone;
            if let Ok(now) = shared.lock() {
                Failure::new(exit, format!("stopped at once: {}", now.left)).hint(&now.hint).say();
            }
            std::process::exit(exit as i32);
        });
        Self { wanted, now }
    }

    /// Notes what the first signal would lead to from here on, and what the second one would leave.
    pub(crate) fn at(&self, then: impl Into<String>, left: impl Into<String>, hint: impl Into<String>) {
        if let Ok(mut now) = self.now.lock() {
            *now = Now { then: then.into(), left: left.into(), hint: hint.into() };
        }
    }

    /// Waits for a signal; one that came before counts.
    pub(crate) async fn wanted(&mut self) {
        if self.wanted.wait_for(|wanted| *wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether one came.
    pub(crate) fn is_wanted(&self) -> bool {
        *self.wanted.borrow()
    }
}

#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn register() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self([SignalKind::terminate(), SignalKind::interrupt()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        match &mut self.0 {
            [Some(terminate), Some(interrupt)] => {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            }
            _ => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn register() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
