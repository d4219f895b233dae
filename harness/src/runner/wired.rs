//! What the requests by bytes of one scenario share and leave behind: connections, the last exchanges, the key.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use pns_engine::NotificationId;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::Request as Attempt;
use serde_json::Value;

use super::target::Target;
use crate::event::WireExchange;
use crate::wire::exchange::Left;
use crate::wire::http2::{Http2, Parts};
use crate::wire::plan::{HeaderLine, Plan};
use crate::wire::{Client, Connection, Outcome, show};

/// How many exchanges are kept for a failure: the telling one and what led to it.
const LOGGED_MAX: usize = 4;
/// Most bytes of saved bodies in one scenario.
const SAVED_MAX: usize = 64 << 20;
/// A shorter form of a key would blot out ordinary text, and tell next to nothing.
const FORM_LENGTH_MIN: usize = 3;

/// The state of one scenario's requests by bytes.
#[derive(Debug)]
pub(super) struct Wired {
    /// Opens connections.
    pub client: Client,
    /// Connections kept under a name.
    pub named: BTreeMap<String, Kept>,
    /// Requests made.
    pub made: u64,
    /// Notifications that were saved.
    pub saved: Vec<NotificationId>,
    held: Vec<Connection>,
    saved_bytes: usize,
    log: VecDeque<Logged>,
    key: Option<Key>,
}

/// A connection kept under a name.
#[derive(Debug)]
pub(super) enum Kept {
    /// One request at a time.
    Http1(Box<Connection>),
    /// Any number of streams.
    Http2(Http2),
}

/// The key, and what can be made of it in a template.
#[derive(Clone)]
struct Key {
    whole: ApiKey,
    /// Without its last character.
    cut: Option<String>,
    /// Its letters in the other case; `None`: it has none.
    swapped: Option<String>,
    base64: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

/// A request as it is sent.
#[derive(Debug)]
pub(super) enum Prepared {
    /// Over HTTP/1.
    Plan(Plan),
    /// Over HTTP/2.
    Parts(Parts),
}

/// An exchange, with what is needed to show it.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    /// Which it is.
    pub label: String,
    /// What was sent.
    pub prepared: Arc<Prepared>,
    /// What must not be shown besides the key.
    pub secret: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether that was wanted.
    pub fits: bool,
}

impl Wired {
    /// Nothing has been sent yet.
    pub(super) fn new(target: &Target) -> Self {
        Self {
            client: Client::new(target.transport.clone(), Arc::new(target.endpoint.clone())),
            named: BTreeMap::new(),
            made: 0,
            saved: Vec::new(),
            held: Vec::new(),
            saved_bytes: 0,
            log: VecDeque::new(),
            key: target.api_key.as_ref().map(Key::new),
        }
    }

    /// Whether there is a key.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// `api_key`, or a form of it; `None` also for a form that this key does not have.
    pub(super) fn key(&self, path: &str) -> Option<Value> {
        let key = self.key.as_ref()?;
        let value = match path {
            "api_key" => key.whole.reveal(),
            "api_key.cut" => key.cut.as_deref()?,
            "api_key.swapped" => key.swapped.as_deref()?,
            "api_key.base64" => &key.base64,
            _ => return None,
        };
        Some(Value::String(value.to_owned()))
    }

    /// Takes what is left of a connection.
    pub(super) fn keep(&mut self, name: Option<&str>, left: Left) {
        match (name, left) {
            (Some(name), Left::Open(connection)) => {
                self.named.insert(name.to_owned(), Kept::Http1(connection));
            }
            (_, Left::Held(connection)) => self.held.push(*connection),
            (_, Left::Open(_) | Left::Nothing) => {}
        }
    }

    /// Notes a notification under a name, with its body.
    ///
    /// # Errors
    /// When too much is saved, in words.
    pub(super) fn count_saved(&mut self, id: NotificationId, body: &Bytes) -> Result<(), String> {
        self.saved_bytes += body.len();
        if self.saved_bytes > SAVED_MAX {
            return Err(format!("the bodies saved by requests exceed the limit of {SAVED_MAX} bytes"));
        }
        self.saved.push(id);
        Ok(())
    }

    /// Notes an exchange.
    pub(super) fn log(&mut self, logged: Logged) {
        if self.log.len() == LOGGED_MAX {
            self.log.pop_front();
        }
        self.log.push_back(logged);
    }

    /// The last exchanges, the latest last, without secrets.
    pub(super) fn told(&self) -> Vec<WireExchange> {
        let secrets = self.secrets();
        self.log.iter().map(|one| one.told(&secrets)).collect()
    }

    /// Words about the last exchanges, without secrets: they may quote what the receiver sent.
    pub(super) fn clean(&self, words: &str) -> String {
        show::words(words, &self.secrets())
    }

    /// What must not be shown of the last exchanges, the longest first.
    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.key.as_ref().map(Key::secrets).unwrap_or_default();
        secrets.extend(self.log.iter().filter_map(|one| one.secret.clone()));
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    /// Ends all connections.
    pub(super) fn close(&mut self) {
        self.named.clear();
        self.held.clear();
    }
}

impl Logged {
    fn told(&self, secrets: &[String]) -> WireExchange {
        WireExchange {
            label: self.label.clone(),
            request: match &*self.prepared {
                Prepared::Plan(plan) => show::request(plan, self.outcome.written, secrets),
                Prepared::Parts(parts) => {
                    let (bytes, head_end) = parts.as_text();
                    show::message(&bytes[..head_end], &bytes[head_end..], secrets)
                }
            },
            response: show::response(&self.outcome, secrets),
            outcome: show::words(&self.outcome.ending.to_string(), secrets),
            fits: self.fits,
            connection: self.outcome.connection.clone(),
            latency: self.outcome.latency,
        }
    }
}

impl Key {
    fn new(whole: &ApiKey) -> Self {
        let text = whole.reveal();
        let swap = |character: char| {
            if character.is_ascii_lowercase() {
                character.to_ascii_uppercase()
            } else {
                character.to_ascii_lowercase()
            }
        };
        let swapped: String = text.chars().map(swap).collect();
        let mut cut = text.to_owned();
        cut.pop();
        Self {
            cut: (!cut.is_empty()).then_some(cut),
            swapped: (swapped != text).then_some(swapped),
            base64: base64(text.as_bytes()),
            whole: whole.clone(),
        }
    }

    fn secrets(&self) -> Vec<String> {
        let forms = [self.cut.as_ref(), self.swapped.as_ref(), Some(&self.base64)];
        let forms = forms.into_iter().flatten().filter(|form| form.len() >= FORM_LENGTH_MIN).cloned();
        std::iter::once(self.whole.reveal().to_owned()).chain(forms).collect()
    }
}

/// With padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let group =
            three.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// The headers of an attempt, as the transport writes them, without those that frame the message.
pub(super) fn usual_lines(target: &Target, attempt: &Attempt) -> Vec<HeaderLine> {
    let headers = target.transport.headers(attempt);
    let framing = [http::header::CONTENT_LENGTH, http::header::TRANSFER_ENCODING];
    let lines = headers.iter().filter(|(name, _)| !framing.contains(name));
    lines.map(|(name, value)| HeaderLine::of(&title_case(name.as_str()), value.as_bytes())).collect()
}

/// `content-type` as `Content-Type`.
fn title_case(name: &str) -> String {
    let mut start = true;
    let letter = |character: char| {
        let written = if start { character.to_ascii_uppercase() } else { character };
        start = character == '-';
        written
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_key_are_made_once_and_only_where_they_differ() {
        let key = Key::new(&ApiKey::new("aB-1").unwrap());
        assert_eq!((key.cut.as_deref(), key.swapped.as_deref()), (Some("aB-"), Some("Ab-1")));
        assert_eq!(key.base64, "YUItMQ==");
        let digits = Key::new(&ApiKey::new("1").unwrap());
        assert_eq!((digits.cut, digits.swapped), (None, None));
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(key.secrets(), ["aB-1", "aB-", "Ab-1", "YUItMQ=="]);
        assert_eq!(title_case("x-trace-id"), "X-Trace-Id");
    }
}
