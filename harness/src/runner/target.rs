//! What a run judges, made ready once: the transport, the address, the key.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::{
    Http2, HttpsTransport, PlainHttp, ResolveOverride, Resolver, Settings, Timeouts, Trust,
};

use crate::receiver::{self, Identity, Pulling, Receiver};
use crate::scenario::model::{self, Scenario};
use crate::settings::{self, Connection, Probe, RunSettings};

use super::reactions;

/// Where the notifications of one scenario go.
#[derive(Debug)]
pub(super) struct Target {
    /// Makes the attempts.
    pub transport: HttpsTransport,
    /// The address.
    pub endpoint: Endpoint,
    /// How it is reached, for commands to repeat by hand.
    pub connection: Connection,
    /// The key agreed on.
    pub api_key: Option<ApiKey>,
    /// Further headers that the user asks for.
    pub headers: Arc<Vec<(HeaderName, HeaderValue)>>,
    /// How to ask what the receiver did.
    pub probe: Option<Probe>,
    /// Whether the receiver plays a script of the scenario's, so that its failures are planned.
    pub is_scripted: bool,
}

/// A key for the embedded receiver when the user names none, so that authentication is rehearsed as well.
/// No secret: it opens nothing but a receiver inside this process.
const EMBEDDED_KEY: &str = "embedded-receiver-key";

/// What all scenarios of a run share.
#[derive(Debug)]
pub(super) enum Ground {
    /// Each scenario has an embedded receiver of its own, with certificates made once.
    Embedded {
        /// The certificates.
        identity: Identity,
        /// The key of the receivers.
        api_key: ApiKey,
        /// How a receiver is reached, as far as the user said.
        connection: Box<Connection>,
        /// Trusts the certificates.
        transport: HttpsTransport,
        /// Further headers that the user asks for.
        headers: Arc<Vec<(HeaderName, HeaderValue)>>,
    },
    /// Somebody's endpoint.
    Endpoint(Arc<Target>),
}

impl Ground {
    /// Prepares what the settings name.
    ///
    /// # Errors
    /// When a certificate file cannot be read or used, in words.
    pub(super) fn prepare(settings: &RunSettings) -> Result<Self, String> {
        let connection = &settings.connection;
        let headers = Arc::new(connection.headers.clone());
        let Some(endpoint) = connection.target.clone() else {
            let identity = Identity::generate().map_err(|error| error.to_string())?;
            let api_key = match &connection.api_key {
                Some(key) => key.clone(),
                None => ApiKey::new(EMBEDDED_KEY).map_err(|error| error.to_string())?,
            };
            let trust = Trust::Bundle(identity.ca_pem().as_bytes().to_vec());
            let transport = transport(connection, trust)?;
            let connection = Box::new(connection.clone());
            return Ok(Self::Embedded { identity, api_key, connection, transport, headers });
        };
        if !endpoint.is_secure() && connection.plain_http == settings::PlainHttp::Refused {
            return Err(
                "the target is plain HTTP, to which PNS does not send: serve HTTPS, or rehearse with \
                        `--allow-http`"
                    .to_owned(),
            );
        }
        Ok(Self::Endpoint(Arc::new(Target {
            transport: transport(connection, trust(connection)?)?,
            endpoint,
            connection: connection.clone(),
            api_key: connection.api_key.clone(),
            headers,
            probe: settings.probe.clone(),
            is_scripted: false,
        })))
    }

    /// Whether scenarios run against the embedded receiver.
    pub(super) fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded { .. })
    }

    /// Whether the receiver can be asked what it did.
    pub(super) fn has_probe(&self) -> bool {
        match self {
            Self::Embedded { .. } => true,
            Self::Endpoint(target) => target.probe.is_some(),
        }
    }

    /// Whether notifications carry a key.
    pub(super) fn has_api_key(&self) -> bool {
        match self {
            Self::Embedded { .. } => true,
            Self::Endpoint(target) => target.api_key.is_some(),
        }
    }

    /// The target of one scenario, and its receiver if that is embedded, which pulls as `pulling` says.
    ///
    /// # Errors
    /// When the embedded receiver cannot start, in words.
    pub(super) async fn target(
        &self,
        scenario: &Scenario,
        pack: &Pack,
        pulling: Option<Pulling>,
    ) -> Result<(Arc<Target>, Option<Receiver>), String> {
        let (identity, api_key, connection, transport, headers) = match self {
            Self::Endpoint(target) => return Ok((Arc::clone(target), None)),
            Self::Embedded { identity, api_key, connection, transport, headers } => {
                (identity, api_key, &**connection, transport, headers)
            }
        };
        let wanted = scenario.receiver.clone().unwrap_or_default();
        let defaults = receiver::Settings::default();
        let settings = receiver::Settings {
            api_key: match &wanted.api_key {
                model::ReceiverKey::Run => Some(api_key.clone()),
                model::ReceiverKey::None => None,
                model::ReceiverKey::Key(key) => {
                    Some(ApiKey::new(key.as_str()).map_err(|error| error.to_string())?)
                }
            },
            script: reactions::script(&wanted)?,
            protocol: receiver::Protocol::Https(reactions::tls(wanted.tls)),
            event_id: pack.roles().event_id.clone().unwrap_or_else(|| defaults.event_id.clone()),
            event_type: pack.roles().event_type.clone(),
            pulling,
            ..defaults
        };
        let receiver = Receiver::start(settings, identity)
            .await
            .map_err(|error| format!("the embedded receiver could not start: {error}"))?;
        let target = Target {
            transport: transport.clone(),
            endpoint: Endpoint::parse(&receiver.url()).map_err(|error| error.to_string())?,
            connection: connection.clone(),
            api_key: Some(api_key.clone()),
            headers: Arc::clone(headers),
            probe: Some(Probe::embedded(&receiver.inspect_url())),
            is_scripted: scenario.receiver.as_ref().is_some_and(model::Receiver::fails_on_purpose),
        };
        Ok((Arc::new(target), Some(receiver)))
    }
}

/// Whom a connection trusts, read from its file if it names one.
///
/// # Errors
/// When that file cannot be read, in words.
pub(crate) fn trust(connection: &Connection) -> Result<Trust, String> {
    Ok(match &connection.trust {
        settings::Trust::Platform => Trust::Platform,
        settings::Trust::Nobody => Trust::Unverified,
        settings::Trust::Pem(pem) => Trust::Bundle(pem.as_bytes().to_vec()),
        settings::Trust::File(path) => {
            let pem =
                std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
            Trust::Bundle(pem)
        }
    })
}

/// The transport of a connection's settings.
///
/// # Errors
/// When the certificates cannot be used, in words.
pub(crate) fn transport(connection: &Connection, trust: Trust) -> Result<HttpsTransport, String> {
    HttpsTransport::new(transport_settings(connection, trust)).map_err(|error| error.to_string())
}

/// How the transport of a connection is set up.
pub(crate) fn transport_settings(connection: &Connection, trust: Trust) -> Settings {
    let resolve = connection.resolve.iter().map(|one| ResolveOverride {
        host: one.host.to_lowercase(),
        port: one.port,
        addresses: vec![one.address],
    });
    Settings {
        trust,
        http2: match connection.http_version {
            settings::HttpVersion::Http1 => Http2::Never,
            settings::HttpVersion::Http2IfOffered => Http2::Offered,
        },
        plain_http: match connection.plain_http {
            settings::PlainHttp::Refused => PlainHttp::Refused,
            settings::PlainHttp::Permitted => PlainHttp::Permitted,
        },
        timeouts: Timeouts {
            connect: connection.connect_timeout,
            tls: connection.connect_timeout,
            acknowledgement: connection.ack_timeout,
            ..Timeouts::default()
        },
        resolve: resolve.collect(),
        resolver: Resolver::System,
        ..Settings::default()
    }
}
