//! What a run needs before it can begin: the schema pack, the address, and how to get there.

use std::path::Path;
use std::sync::Arc;

use pns_engine::EventType;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::schema::Pack;
use pns_simulator::transport::HttpsTransport;

use super::LoadError;
use crate::load::bodies::Bodies;
use crate::load::client::{Common, Dialler, Head};
use crate::load::null::Null;
use crate::load::round::Ground;
use crate::load::segment::Segment;
use crate::load::settings::{LoadSettings, Model};
use crate::receiver::{self, Identity, Receiver};
use crate::redact::Redactor;
use crate::runner;
use crate::settings::{Connection, PlainHttp, Trust};

/// The ground of a run, and what must live as long.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) ground: Arc<Ground>,
    /// What people must be told about how the receiver is reached.
    pub(super) notes: Vec<String>,
    /// The embedded receiver, where no other is named.
    _receiver: Option<Receiver>,
}

impl Site {
    /// Makes ready what the settings name.
    pub(super) async fn prepare(settings: &LoadSettings) -> Result<Self, LoadError> {
        check(settings)?;
        let pack = pack(settings.schema_pack.as_deref())?;
        let types = settings.plan.mix().types();
        let has = pack.event_types();
        if let Some(missing) = EventType::ALL.iter().find(|one| types.contains(**one) && !has.contains(**one))
        {
            let text = format!("the schema pack {} has no {missing}, which the mix names", pack.name());
            return Err(LoadError::Settings(text));
        }
        let mut connection = settings.connection.clone();
        let receiver = match &connection.target {
            Some(_) => None,
            None => Some(embedded(&mut connection, &pack).await?),
        };
        let transport = transport(&connection)?;
        let notes = transport.notes().to_vec();
        let ground = ground(settings, &connection, transport, pack)?;
        Ok(Self { ground: Arc::new(ground), notes, _receiver: receiver })
    }
}

/// Refuses what contradicts itself.
fn check(settings: &LoadSettings) -> Result<(), LoadError> {
    let alone = match &settings.model {
        Model::FindMax(_) => "a search is",
        Model::Drain { .. } => "a drain is",
        Model::Open(_) | Model::Closed { .. } => return secure(&settings.connection),
    };
    if settings.segment != Segment::WHOLE {
        return Err(LoadError::Settings(format!("{alone} made by one machine alone, without segments")));
    }
    secure(&settings.connection)
}

fn secure(connection: &Connection) -> Result<(), LoadError> {
    let plain = connection.target.as_ref().is_some_and(|target| !target.is_secure());
    if plain && connection.plain_http == PlainHttp::Refused {
        let text = "the target is plain HTTP, to which PNS does not send: serve HTTPS, or rehearse with \
                    `--allow-http`";
        return Err(LoadError::Settings(text.to_owned()));
    }
    Ok(())
}

fn pack(folder: Option<&Path>) -> Result<Arc<Pack>, LoadError> {
    match folder {
        Some(folder) => {
            Pack::load(folder).map(Arc::new).map_err(|error| LoadError::Settings(error.to_string()))
        }
        None => Ok(Pack::builtin(Pack::BUILTIN[0]).expect("the first built-in pack is built in")),
    }
}

/// Starts the embedded receiver, and directs `connection` to it.
async fn embedded(connection: &mut Connection, pack: &Pack) -> Result<Receiver, LoadError> {
    let machine = |error: &dyn std::fmt::Display| {
        LoadError::Machine(format!("the embedded receiver could not start: {error}"))
    };
    let identity = Identity::generate().map_err(|error| machine(&error))?;
    let defaults = receiver::Settings::default();
    let settings = receiver::Settings {
        api_key: connection.api_key.clone(),
        event_id: pack.roles().event_id.clone().unwrap_or_else(|| defaults.event_id.clone()),
        event_type: pack.roles().event_type.clone(),
        ..defaults
    };
    let receiver = Receiver::start(settings, &identity).await.map_err(|error| machine(&error))?;
    connection.target = Some(Endpoint::parse(&receiver.url()).map_err(|error| machine(&error))?);
    connection.trust = Trust::Pem(identity.ca_pem().into());
    Ok(receiver)
}

fn transport(connection: &Connection) -> Result<HttpsTransport, LoadError> {
    let trust = runner::trust(connection).map_err(LoadError::Settings)?;
    runner::transport(connection, trust).map_err(LoadError::Settings)
}

fn ground(
    settings: &LoadSettings,
    connection: &Connection,
    transport: HttpsTransport,
    pack: Arc<Pack>,
) -> Result<Ground, LoadError> {
    let endpoint = connection.target.clone().map(Arc::new);
    let endpoint = endpoint.ok_or_else(|| LoadError::Settings("no target".to_owned()))?;
    let after_answer = settings.connections.after_answer;
    let head = Head::new(&transport, &endpoint, connection, after_answer);
    let uri = endpoint.url().parse();
    let uri = uri.map_err(|error| LoadError::Settings(format!("`{endpoint}`: {error}")))?;
    let resumption = settings.connections.resumption;
    let dialler = Dialler::new(transport, endpoint, resumption, connection.http_version)
        .map_err(|error| LoadError::Settings(error.detail))?;
    Ok(Ground {
        common: Arc::new(Common { dialler, head, uri, after_answer }),
        connections: settings.connections.most.get(),
        bodies: Bodies::new(pack, settings.seed),
        plan: settings.plan.clone(),
        redactor: Redactor::new(&connection.api_key),
    })
}

/// The ground of a run that differs only in its receiver, which does nothing.
pub(super) fn null(settings: &LoadSettings, like: &Ground) -> Result<(Ground, Null), LoadError> {
    let machine = |error: &dyn std::fmt::Display| {
        LoadError::Machine(format!("the null receiver could not start: {error}"))
    };
    let is_secure = settings.connection.target.as_ref().is_none_or(Endpoint::is_secure);
    let identity = is_secure.then(Identity::generate).transpose().map_err(|error| machine(&error))?;
    let null = Null::start(identity.as_ref()).map_err(|error| machine(&error))?;
    let scheme = if is_secure { "https" } else { "http" };
    let url = format!("{scheme}://{}/pns", null.address());
    let connection = Connection {
        target: Some(Endpoint::parse(&url).map_err(|error| machine(&error))?),
        trust: identity.map_or(Trust::Nobody, |identity| Trust::Pem(identity.ca_pem().into())),
        ..settings.connection.clone()
    };
    let ground = ground(settings, &connection, transport(&connection)?, Arc::clone(like.bodies.pack()))?;
    Ok((ground, null))
}
