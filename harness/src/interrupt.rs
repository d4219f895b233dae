//! What ends a command early: SIGINT (Ctrl-C), and SIGTERM where there is one, as a terminal, a CI job and Kubernetes send
//! them.

use std::io;

/// Waits for the signals. From its making on, they no longer end the process by themselves.
#[derive(Debug)]
pub struct Interrupt {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Interrupt {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the operating system does not let signals be waited for.
    #[cfg(unix)]
    pub fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// Never here.
    #[cfg(not(unix))]
    pub fn install() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Done at the next signal. May be waited for again.
    #[cfg(unix)]
    pub async fn asked_for(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    /// Done at the next signal. May be waited for again.
    #[cfg(not(unix))]
    pub async fn asked_for(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Done at the first signal from now on; never, where signals cannot be waited for: a run then ends by itself, or by force.
pub async fn asked_for() {
    match Interrupt::install() {
        Ok(mut interrupt) => interrupt.asked_for().await,
        Err(_) => std::future::pending().await,
    }
}
