//! One whole request: where it goes, whether it is a notification, its effect, and its answer. The functions named
//! in [`Plan::default`](super::plan::Plan) are the correct ones.

use std::sync::Arc;

use pns_engine::EventType;
use pns_simulator::world::Call;
use serde_json::Value;

use super::message::{Answer, Head, Reply, Request, refuse};
use super::plan::{Followed, Later};
use super::state::{Client, Note, Shared};

/// Where notifications go.
pub(super) const PATH: &str = "/pns";

/// The documented scheme.
const SCHEME: &str = "api_key";

/// What the head's method and target alone decide.
pub(super) fn route(shared: &Shared, head: &Head) -> Option<Reply> {
    let path = head.path();
    let method = head.method.as_str();
    if let Some(event_id) = path.strip_prefix("/inspect/") {
        if method != "GET" {
            return Some(not_allowed("GET"));
        }
        let found = shared.state().inspect(event_id, shared.uptime.elapsed());
        return Some(match found {
            Some(event) => Reply::Answer(Answer::json(200, &event)),
            None => refuse(404, "no such event"),
        });
    }
    match (path, method) {
        (PATH, "POST") => None,
        (PATH, _) => Some(not_allowed("POST")),
        _ => Some(refuse(404, "notifications go to another path")),
    }
}

fn not_allowed(allowed: &str) -> Reply {
    match refuse(405, "this path does not take this method") {
        Reply::Answer(answer) => Reply::Answer(answer.with("Allow", allowed)),
        other => other,
    }
}

/// Answers a whole request.
pub(super) async fn respond(shared: &Arc<Shared>, request: &Request) -> Reply {
    let plan = &shared.plan;
    let reply = match route(shared, &request.head) {
        Some(reply) if request.head.path() != PATH => return reply,
        Some(reply) => reply,
        None => take(shared, request).await,
    };
    let reply = (plan.finish)(Arc::clone(shared), reply).await;
    match reply {
        Reply::Answer(answer) => Reply::Answer((plan.dress)(answer, request)),
        other => other,
    }
}

async fn take(shared: &Arc<Shared>, request: &Request) -> Reply {
    let _visit = Visit::begin(shared);
    let reply = match (shared.plan.enter)(Arc::clone(shared)).await {
        Ok(()) => judge(shared, request).await,
        Err(reply) => reply,
    };
    shared.state().note_reply(&reply);
    reply
}

/// Counts as under way while it lives, also if the peer leaves and the task is dropped.
struct Visit<'a>(&'a Shared);

impl<'a> Visit<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let mut state = shared.state();
        state.requests += 1;
        state.in_flight += 1;
        drop(state);
        Self(shared)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

async fn judge(shared: &Arc<Shared>, request: &Request) -> Reply {
    let plan = &shared.plan;
    (plan.premature)(&mut shared.state(), request);
    let note = match notification(shared, request) {
        Ok(note) => note,
        Err(reply) => return reply,
    };
    shared.state().receive(&note);
    if let Err(reply) = (plan.apply)(Arc::clone(shared), note.clone()).await {
        return reply;
    }
    if let Some(client) = &shared.client
        && let Err(reply) = (plan.follow)(shared, client.clone(), &note).await
    {
        return reply;
    }
    Reply::Answer((plan.acknowledge)(&note))
}

fn notification(shared: &Shared, request: &Request) -> Result<Note, Reply> {
    let plan = &shared.plan;
    if let Some(key) = &shared.key {
        (plan.authorize)(request, key.reveal())?;
    }
    (plan.content)(&request.head)?;
    let value = (plan.parse)(&request.body)?;
    (plan.validate)(&value, &request.body)
}

/// One `Authorization` line, the scheme in whatever case (RFC 9110, 11.1), and exactly the key.
pub(super) fn authorize(request: &Request, key: &str) -> Result<(), Reply> {
    let mut lines = request.head.all("authorization");
    let line = lines.next().ok_or_else(|| refuse(401, "no key"))?;
    if lines.next().is_some() {
        return Err(refuse(401, "more than one key"));
    }
    match credentials(line.text().unwrap_or_default()) {
        Some(given) if same(given.as_bytes(), key.as_bytes()) => Ok(()),
        _ => Err(refuse(401, "another key")),
    }
}

/// What stands behind the scheme.
pub(super) fn credentials(value: &str) -> Option<&str> {
    let (scheme, given) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| given.trim_start_matches(' '))
}

/// Compares in a time that depends on the lengths alone.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let difference =
        given.iter().zip(expected).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b)));
    given.len() == expected.len() && difference == 0
}

/// JSON in any spelling of its type, with any parameters.
pub(super) fn content(head: &Head) -> Result<(), Reply> {
    let media_type = head.text("content-type").and_then(|text| text.split(';').next()).unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    if media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    {
        Ok(())
    } else {
        Err(refuse(415, "not JSON by its content type"))
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Value, Reply> {
    serde_json::from_slice(body).map_err(|_| refuse(400, "the body is not JSON"))
}

/// One of the documented types and an id; other fields are no concern of this receiver.
pub(super) fn validate(value: &Value, _body: &[u8]) -> Result<Note, Reply> {
    let note = Note::of(value).ok_or_else(|| refuse(422, "no notification"))?;
    match note.event_type.parse::<EventType>() {
        Ok(_) => Ok(note),
        Err(_) => Err(refuse(422, "no documented event type")),
    }
}

/// Looks and stores in one step, so that of concurrent duplicates one is first.
pub(super) fn apply(shared: Arc<Shared>, note: Note) -> Later<Result<(), Reply>> {
    Box::pin(async move {
        let now = shared.uptime.elapsed();
        let mut state = shared.state();
        if !state.has_processed(&note.event_id) {
            state.process(&note, now);
        }
        Ok(())
    })
}

/// Pulls what the notification is about, once for each event id, and lets nobody wait for it.
pub(super) fn follow(shared: &Arc<Shared>, client: Client, note: &Note) -> Followed {
    once_beside(shared, note, |call| Box::pin(async move { client.pull(&call).await }))
}

/// Lets `work` follow the first of equal notifications, beside the answer.
pub(super) fn once_beside(shared: &Shared, note: &Note, work: impl FnOnce(Call) -> Later<()>) -> Followed {
    let is_first = shared.state().followed.insert(note.event_id.clone());
    if let (true, Some(call)) = (is_first, note.call) {
        shared.spawn(work(call));
    }
    Box::pin(std::future::ready(Ok(())))
}

pub(super) fn acknowledge(_note: &Note) -> Answer {
    Answer::json(200, &serde_json::json!({ "status": "accepted" }))
}
