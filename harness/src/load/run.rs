//! Runs a load as it was asked for.

use super::document::Document;
use super::settings::LoadSettings;
use super::snapshot::Snapshot;

/// Why there is no result at all. What a receiver does wrong is in the result.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// This machine does not let it: no socket, no thread.
    #[error("{0}")]
    Machine(String),
}

/// Runs a load to its end, or until `stop` is done; the document then says that it is not complete, and tells what was
/// measured. `progress` is shown the run about four times a second.
///
/// The document holds verdicts on the thresholds of the settings; a baseline is the caller's to compare with.
///
/// # Errors
/// When nothing could be measured at all.
pub async fn run(
    settings: &LoadSettings,
    stop: impl Future<Output = ()>,
    progress: &mut dyn FnMut(&Snapshot),
) -> Result<Document, LoadError> {
    let _ = (settings, stop, progress);
    Err(LoadError::Machine("not built yet".to_owned()))
}
