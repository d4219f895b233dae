//! The pull API of a run, as a server.

use std::net::SocketAddr;

use pns_simulator::secret::ApiKey;
use tokio::task::JoinHandle;

use super::PullSide;
use crate::settings::PullApi;

/// A pull API that takes calls. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(in super::super) struct Serving {
    /// Its base URL.
    pub url: String,
    /// Whom its callers must trust, where the certificate was made at the start.
    pub ca_pem: Option<String>,
    task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}
