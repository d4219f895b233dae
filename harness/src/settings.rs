//! What a run is asked to do: plain data, resolved from flags, environment and `pns.toml` by [`crate::cli`].

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use pns_engine::Timestamp;
use pns_simulator::clock::Gear;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::pull::PullTls;
use pns_simulator::secret::ApiKey;

use crate::runner::SharedPull;

/// Everything that affects the outcome of `pns run`.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Scenario files and folders; empty: the shipped scenarios.
    pub paths: Vec<PathBuf>,
    /// Which of them to run.
    pub filter: Filter,
    /// What is judged, and how it is reached.
    pub connection: Connection,
    /// Where to ask the receiver what it did with a notification.
    pub probe: Option<Probe>,
    /// How PNS time moves.
    pub gear: Gear,
    /// Places everything that is drawn.
    pub seed: u64,
    /// PNS time at the start; `None`: the present. Pins the times in bodies too.
    pub epoch: Option<Timestamp>,
    /// A folder with a user's own schema pack; `None`: what each scenario names.
    pub schema_pack: Option<PathBuf>,
    /// Scenarios run at the same time.
    pub jobs: NonZeroUsize,
    /// When to stop early.
    pub stop: StopAfter,
    /// How long to wait for the target to take connections before the first scenario.
    pub wait_for_target: Option<Duration>,
    /// Values of scenario variables, over those in the files.
    pub variables: BTreeMap<String, String>,
    /// The pull API beside the run; `None`: none, but for the embedded receiver, which has its own.
    pub pull: Option<Arc<SharedPull>>,
}

/// The pull API beside a run, from which the receiver pulls what notifications are about.
#[derive(Clone, Debug)]
pub struct PullApi {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate that it shows.
    pub tls: PullTls,
    /// Where to write what its callers must trust, if the certificate is made at the start.
    pub write_ca: Option<PathBuf>,
    /// The key with which the receiver is configured.
    pub api_key: ApiKey,
    /// The flags that make it again, each with a space before it.
    pub flags: String,
}

/// How a receiver is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The receiver's address; `None`: the embedded receiver.
    pub target: Option<Endpoint>,
    /// The key agreed on; `None`: no authorization header.
    pub api_key: Option<ApiKey>,
    /// The file that the key comes from, if it comes from one.
    pub api_key_file: Option<PathBuf>,
    /// Whom to trust.
    pub trust: Trust,
    /// What to do with `http://`.
    pub plain_http: PlainHttp,
    /// Which versions of HTTP to offer.
    pub http_version: HttpVersion,
    /// Addresses to use instead of asking DNS.
    pub resolve: Vec<Resolve>,
    /// Headers added to every notification, in order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Longest wait for a TCP connection, and once more for the TLS handshake on it.
    pub connect_timeout: Duration,
    /// Longest wait for an acknowledgement.
    pub ack_timeout: Duration,
}

impl Connection {
    /// Unless told otherwise. A *setting*: Cvent publishes none.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// Unless told otherwise. A *setting*: Cvent publishes none.
    pub const ACK_TIMEOUT: Duration = Duration::from_secs(10);
}

/// How the receiver's certificate is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By the authorities that this machine trusts.
    Platform,
    /// By the authorities in this PEM file only, as curl's `--cacert`.
    File(PathBuf),
    /// By the authorities in this PEM text only: those of a receiver inside this process.
    Pem(Arc<str>),
    /// Not at all.
    Nobody,
}

/// What happens to an `http://` target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// Nothing is sent, as PNS does.
    Refused,
    /// It is sent to, and every report says that PNS would not.
    Permitted,
}

/// Which versions of HTTP are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 where the receiver takes it by ALPN, HTTP/1.1 otherwise.
    Http2IfOffered,
}

/// One `--resolve HOST:PORT:ADDRESS`, as curl's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The host name in the URL.
    pub host: String,
    /// The port in the URL.
    pub port: u16,
    /// Where to connect instead.
    pub address: IpAddr,
}

impl Resolve {
    /// The socket address to connect to.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// How the receiver is asked what it did with a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What is asked.
    pub how: ProbeBy,
    /// Where in the answer stands how often the notification took effect: a JSON path. A list counts by its length.
    pub count: String,
    /// Where in the answer stands the type under which it took effect: a JSON path.
    pub event_type: Option<String>,
    /// How long an effect may take after the acknowledgement before it counts as late.
    pub within: Duration,
}

/// What is asked about a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeBy {
    /// A GET of this address with the id in place of `{eventId}`. 404 means: never took effect.
    Http(String),
    /// A command for `sh -c` with the id in place of `{eventId}`, which writes a number or JSON; nothing
    /// means: never took effect.
    Command(String),
}

impl Probe {
    /// What stands for the id in addresses and commands.
    pub const EVENT_ID: &str = "{eventId}";
    /// Where the count stands unless told otherwise: where the embedded receiver has it.
    pub const COUNT: &str = "$.processed";
    /// How long an effect may take unless told otherwise.
    pub const WITHIN: Duration = Duration::from_secs(5);

    /// A GET of `address`, which holds `{eventId}` or has it appended, with everything else as it is by default.
    #[must_use]
    pub fn http(address: &str) -> Self {
        let address = if address.contains(Self::EVENT_ID) {
            address.to_owned()
        } else {
            format!("{}/{}", address.trim_end_matches('/'), Self::EVENT_ID)
        };
        let count = Self::COUNT.to_owned();
        Self { how: ProbeBy::Http(address), count, event_type: None, within: Self::WITHIN }
    }

    /// That of the embedded receiver.
    #[must_use]
    pub fn embedded(address: &str) -> Self {
        Self { event_type: Some("$.eventType".to_owned()), ..Self::http(address) }
    }

    /// Whether it tells the type of an effect.
    #[must_use]
    pub fn tells_event_type(&self) -> bool {
        self.event_type.is_some()
    }

    /// What scenarios call `{{probe_url}}`: the address up to the id, without a slash at its end. `None`: there is no
    /// such address.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        match &self.how {
            ProbeBy::Http(address) => address.strip_suffix(Self::EVENT_ID)?.strip_suffix('/'),
            ProbeBy::Command(_) => None,
        }
    }

    /// The flags that make the same probe again, each with a space before it.
    #[must_use]
    pub fn flags(&self) -> String {
        let quote = crate::curl::quote;
        let mut text = match &self.how {
            ProbeBy::Http(address) => format!(" --probe {}", quote(address)),
            ProbeBy::Command(command) => format!(" --probe-command {}", quote(command)),
        };
        if self.count != Self::COUNT {
            text.push_str(&format!(" --probe-count {}", quote(&self.count)));
        }
        if let Some(path) = &self.event_type {
            text.push_str(&format!(" --probe-type {}", quote(path)));
        }
        if self.within != Self::WITHIN {
            text.push_str(&format!(" --probe-within {}ms", self.within.as_millis()));
        }
        text
    }
}

/// Which scenarios are run. Empty lists select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these tags.
    pub tags: Vec<String>,
    /// None of these tags.
    pub skip_tags: Vec<String>,
    /// The id or the title contains any of these.
    pub names: Vec<String>,
}

impl Filter {
    /// Whether a scenario with this id, title and these tags is run.
    pub fn selects<'a>(&self, id: &str, title: &str, tags: impl IntoIterator<Item = &'a str>) -> bool {
        let tags: Vec<&str> = tags.into_iter().collect();
        let tagged = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(&tag.as_str()));
        (self.tags.is_empty() || tagged(&self.tags))
            && !tagged(&self.skip_tags)
            && (self.names.is_empty()
                || self.names.iter().any(|name| id.contains(name.as_str()) || title.contains(name.as_str())))
    }
}

/// When a run stops before all scenarios are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAfter {
    /// Never.
    Nothing,
    /// When so many scenarios have failed.
    Failures(NonZeroU64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(filter: &Filter) -> bool {
        filter.selects("auth/key-sent", "The key is sent", ["auth", "smoke"])
    }

    #[test]
    fn a_probe_knows_its_base_and_makes_itself_again() {
        let plain = Probe::http("https://h/inspect");
        assert_eq!(plain.how, ProbeBy::Http("https://h/inspect/{eventId}".to_owned()));
        assert_eq!(plain.base_url(), Some("https://h/inspect"));
        assert_eq!(plain.flags(), " --probe 'https://h/inspect/{eventId}'");
        let query =
            Probe { event_type: Some("$.t".to_owned()), ..Probe::http("https://h/?id={eventId}&x=1") };
        assert_eq!(query.base_url(), None);
        assert!(query.tells_event_type() && query.flags().ends_with(" --probe-type '$.t'"));
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_filter_selects_by_any_tag_by_no_skipped_tag_and_by_any_name() {
        assert!(selects(&Filter::default()));
        assert!(selects(&Filter { tags: texts(&["slow", "smoke"]), ..Filter::default() }));
        assert!(!selects(&Filter { tags: texts(&["slow"]), ..Filter::default() }));
        assert!(!selects(&Filter { skip_tags: texts(&["smoke"]), ..Filter::default() }));
        assert!(selects(&Filter { names: texts(&["x", "key is"]), ..Filter::default() }));
        assert!(selects(&Filter { names: texts(&["auth/"]), ..Filter::default() }));
        assert!(!selects(&Filter { names: texts(&["downtime/"]), ..Filter::default() }));
    }
}
