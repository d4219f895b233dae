//! The control API: the service's calls over HTTP, under `/api/v1`, with its OpenAPI document.
//!
//! [`ControlServer::bind`] listens; [`ControlServer::serve`] answers for a [`Simulator`](crate::service::Simulator)
//! until it is told to stop. Everything a call means is the service's: here is only how it is written. One table,
//! [`operations`], makes both the routes and the document, so that they agree. Every wait and every size is bounded
//! ([`Limits`]); a wrong request is answered with a problem (RFC 9457) that names the field; and nobody gets in who
//! should not: see [`guard`].

mod answer;
pub(crate) mod events;
pub(crate) mod extract;
mod guard;
pub(crate) mod handlers;
mod listen;
mod openapi;
mod operations;
pub(crate) mod problem;
mod prometheus;
mod pulling;
mod query;
mod settings;
mod token;
mod wording;

#[cfg(test)]
mod tests;

pub use crate::listener::{CertificateError, TlsFiles};
pub use listen::ControlServer;
pub use openapi::{document, document_text};
pub use settings::{ControlError, ControlSettings, Limits};
pub use token::{BearerToken, TokenError};
