//! SIGINT and SIGTERM while a pod is being replaced: noted, and heeded only where nothing is lost by it.

use tokio::sync::watch;

/// Says when a person or a system wants an end. From its making on, neither signal ends the program by itself.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    pub(crate) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        // Registered here, not when the task first runs: the next line may delete a pod.
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        #[cfg(unix)]
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).ok();
        tokio::spawn(async move {
            #[cfg(unix)]
            if let (Some(terminate), Some(interrupt)) = (&mut terminate, &mut interrupt) {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            let _ = sender.send(true);
            // Kept, so that those who wait do not take its end for a signal.
            sender.closed().await;
        });
        Self(receiver)
    }

    /// Waits for a signal; one that came before counts.
    pub(crate) async fn wanted(&mut self) {
        if self.0.wait_for(|wanted| *wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether one came.
    pub(crate) fn is_wanted(&self) -> bool {
        *self.0.borrow()
    }
}
