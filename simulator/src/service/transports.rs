//! Which transport a simulator makes its attempts with.

use crate::transport::{
    Exchange, HttpsTransport, PlainHttp, Request, ScriptedTransport, Settings, SettingsError, Transport,
};

/// What the builder was told.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    Https(Box<Settings>),
    Scripted(ScriptedTransport),
}

/// Real sockets, or a script.
#[derive(Clone, Debug)]
pub(super) enum AnyTransport {
    Https(HttpsTransport),
    Scripted(ScriptedTransport),
}

impl Choice {
    /// Whether it sends to plain HTTP; a script is asked whatever the address is.
    pub(super) fn plain_http(&self) -> PlainHttp {
        match self {
            Self::Https(settings) => settings.plain_http,
            Self::Scripted(_) => PlainHttp::Permitted,
        }
    }

    /// The transport.
    pub(super) fn make(self) -> Result<AnyTransport, SettingsError> {
        match self {
            Self::Https(settings) => HttpsTransport::new(*settings).map(AnyTransport::Https),
            Self::Scripted(transport) => Ok(AnyTransport::Scripted(transport)),
        }
    }
}

impl Transport for AnyTransport {
    async fn attempt(&self, request: Request) -> Exchange {
        match self {
            Self::Https(transport) => transport.attempt(request).await,
            Self::Scripted(transport) => transport.attempt(request).await,
        }
    }
}
