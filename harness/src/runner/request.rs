//! Carries out a `request` step: makes its requests by bytes, once or often, alone or many at once, and judges them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::NotificationId;
use pns_simulator::clock::pause;
use pns_simulator::fault::Injection;
use pns_simulator::transport::{HttpsTransport, Request as Attempt};
use serde_json::Value;

use super::answered::{Answered, Broken, Unwanted, Verdict, Wanted};
use super::bodies::Recipe;
use super::step::StepEnd;
use super::wired::{Logged, Prepared, usual_lines};
use super::world::{LimitReached, World};
use super::{carry, words};
use crate::scenario::model::{Request, RequestAuth, RequestBody, RequestTarget, Template};
use crate::wire::http2::Parts;
use crate::wire::plan::{Draft, Expect, HeaderLine, Plan};
use crate::wire::shape::{Below, Framing, Version};
use crate::wire::{Ending, Outcome};

/// How often a request is sent again to a receiver that asks to be sent less.
const TRIES_AGAIN_MAX: u32 = 5;
/// The wait before it is sent again, where the receiver names none; doubled each time.
const RESPITE_FIRST: Duration = Duration::from_millis(100);
/// The longest wait before it is sent again: a test cannot wait as long as a receiver may ask.
const RESPITE_MAX: Duration = Duration::from_secs(2);
/// Largest body with its padding, in bytes.
const BODY_MAX: usize = 4 << 20;

/// One request of a step.
#[derive(Clone, Debug)]
pub(super) struct One {
    /// What is sent.
    pub prepared: Arc<Prepared>,
    /// The body, with its padding.
    pub body: Bytes,
    /// The name of its notification.
    pub id: NotificationId,
    /// An authorization that must not be shown.
    secret: Option<String>,
}

/// Carries out the step.
///
/// # Errors
/// When the step itself cannot be carried out: the scenario is wrong, in words.
pub(super) async fn make(world: &mut World, request: &Request) -> Result<StepEnd, String> {
    let within = request.course.within.unwrap_or(world.target.connection.ack_timeout);
    let wanted = Wanted::of(request, unwanted(world, request)?, within);
    let title = title(world, request, &wanted)?;
    let verdict = match reason_to_skip(world, request) {
        Some(reason) => Verdict::Skipped(reason),
        None => all(world, request, &wanted, within).await?,
    };
    Ok(StepEnd::Answered(Box::new(Answered { title, verdict })))
}

/// All requests of the step, until one is not answered as wanted.
async fn all(
    world: &mut World,
    request: &Request,
    wanted: &Wanted,
    within: Duration,
) -> Result<Verdict, String> {
    let course = &request.course;
    for round in 0..course.times {
        if !course.pause.is_zero() && (round > 0 || course.times == 1) {
            pause(course.pause).await;
        }
        if let Some(limit) = world.limit_reached() {
            return Ok(Verdict::Undecided(limit_words(limit)));
        }
        let different = if course.alike { 1 } else { course.copies };
        let mut these = Vec::new();
        for copy in 0..different {
            let one = one(world, request, (round * different + copy) as usize)?;
            world.note_sent(one.id, &one.body);
            these.push(one);
        }
        if let Some(name) = &course.save {
            for one in &these {
                world.wired.count_saved(one.id, &one.body)?;
                world.driver.bodies().keep(one.id, Recipe::Raw(one.body.clone()));
            }
            world.save(name, these.iter().map(|one| one.id).collect());
        }
        if let ([only], true) = (&these[..], course.alike) {
            these = vec![only.clone(); course.copies as usize];
        }
        if let Some(verdict) = at_once(world, request, wanted, within, &these, round).await? {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Held)
}

/// The copies of one round. `None`: all are answered as wanted.
async fn at_once(
    world: &mut World,
    request: &Request,
    wanted: &Wanted,
    within: Duration,
    these: &[One],
    round: u32,
) -> Result<Option<Verdict>, String> {
    let mut open: Vec<usize> = (0..these.len()).collect();
    for again in 0..=TRIES_AGAIN_MAX {
        let some: Vec<&One> = open.iter().map(|index| &these[*index]).collect();
        let outcomes = carry::out(world, request, &some, within).await?;
        world.wired.made += outcomes.len() as u64;
        let mut pressed = Vec::new();
        let mut respite = RESPITE_FIRST * 2_u32.pow(again);
        for (index, outcome) in open.into_iter().zip(outcomes) {
            if outcome.ending == Ending::NoHttp2 {
                let reason = "the receiver does not offer HTTP/2, which it need not".to_owned();
                return Ok(Some(Verdict::Skipped(reason)));
            }
            let wrong = wanted.wrong(&outcome);
            let asks = wrong.is_some().then(|| asked_for_less(world, &outcome)).flatten();
            let meaning = wanted.meaning(&outcome);
            world.wired.log(Logged {
                label: label(request, round, index),
                prepared: Arc::clone(&these[index].prepared),
                secret: these[index].secret.clone(),
                outcome,
                fits: wrong.is_none(),
            });
            match (wrong, asks) {
                (None, _) => {}
                (Some(_), Some(asks)) => {
                    respite = asks.unwrap_or(respite).max(respite);
                    pressed.push(index);
                }
                (Some(found), None) if request.course.or_skip => {
                    return Ok(Some(Verdict::Moot(format!("not judged: {}", world.wired.clean(&found)))));
                }
                (Some(found), None) => {
                    let (expected, exchanges) = (wanted.words(), world.wired.told());
                    let found = world.wired.clean(&found);
                    let broken = Broken { expected, found, meaning, exchanges };
                    return Ok(Some(Verdict::Broken(Box::new(broken))));
                }
            }
        }
        if pressed.is_empty() {
            return Ok(None);
        }
        open = pressed;
        if again < TRIES_AGAIN_MAX {
            pause(respite.min(RESPITE_MAX)).await;
        }
    }
    let reason = format!(
        "the receiver asked to be sent less (429, or 503 with Retry-After), as it may, and did so again \
         {TRIES_AGAIN_MAX} times"
    );
    Ok(Some(Verdict::Undecided(reason)))
}

/// Whether the receiver asks by itself to be sent less, and the wait that it names.
fn asked_for_less(world: &World, outcome: &Outcome) -> Option<Option<Duration>> {
    let answer = outcome.answer.as_ref().filter(|_| !world.target.is_scripted)?;
    let wait = HttpsTransport::retry_after(&answer.headers);
    match outcome.ending {
        Ending::Status(429) => Some(wait),
        Ending::Status(503) if wait.is_some() => Some(wait),
        _ => None,
    }
}

fn limit_words(limit: LimitReached) -> String {
    match limit {
        LimitReached::Attempts(attempts) => {
            format!("stopped after {attempts} requests, the scenario's `limits.attempts`")
        }
        LimitReached::Wall(wall) => {
            format!("stopped after {} of wall time, the scenario's `limits.wall`", words::span(wall))
        }
    }
}

/// Why the step cannot be taken here, which says nothing of the receiver.
fn reason_to_skip(world: &World, request: &Request) -> Option<String> {
    let templates = request.headers.iter().chain(match &request.auth {
        RequestAuth::Text(text) => Some(text),
        RequestAuth::Target | RequestAuth::None | RequestAuth::Wrong => None,
    });
    let templates = templates.chain(match &request.target {
        RequestTarget::Text(text) => Some(text),
        RequestTarget::Endpoint | RequestTarget::Absolute => None,
    });
    if !world.wired.has_key()
        && (request.auth == RequestAuth::Wrong || templates.clone().any(|text| !key_paths(text).is_empty()))
    {
        return Some("it needs a key: `--api-key KEY`".to_owned());
    }
    let missing = templates.flat_map(key_paths).find(|path| world.wired.key(path).is_none());
    if let Some(path) = missing {
        return Some(format!("the key has no other form `{path}`"));
    }
    if !world.wired.client.endpoint().is_secure() && request.below != Below::default() {
        return Some("the target is plain HTTP, without TLS to shape".to_owned());
    }
    match &request.body {
        RequestBody::Same(name) if saved(world, name).is_empty() => {
            Some(format!("`{name}` was not sent, so that it cannot be sent again"))
        }
        _ => None,
    }
}

/// `api_key` and its forms in a template.
fn key_paths(template: &Template) -> Vec<String> {
    let text = template.0.as_str().unwrap_or_default();
    let inside = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let is_key = |path: &&str| *path == "api_key" || path.starts_with("api_key.");
    inside.map(str::trim).filter(is_key).map(str::to_owned).collect()
}

fn saved(world: &World, name: &str) -> Vec<NotificationId> {
    world.notifications(&crate::scenario::model::Which::Saved(vec![name.to_owned()]))
}

fn unwanted(world: &mut World, request: &Request) -> Result<Vec<Unwanted>, String> {
    let mut all = Vec::new();
    for template in &request.course.body_without {
        let keys = key_paths(template);
        // What there is none of cannot be told by an answer.
        if keys.iter().any(|path| world.wired.key(path).is_none()) {
            continue;
        }
        let text = fill(world, template)?;
        let shown = if keys.is_empty() { format!("`{text}`") } else { "the API key".to_owned() };
        all.push(Unwanted { text, shown });
    }
    Ok(all)
}

/// Fills a template in which the key may stand.
fn fill(world: &mut World, template: &Template) -> Result<String, String> {
    let keys: Vec<(String, Option<Value>)> =
        key_paths(template).into_iter().map(|path| (path.clone(), world.wired.key(&path))).collect();
    let known = |path: &str| keys.iter().find(|(key, _)| key == path)?.1.clone();
    Ok(match world.fill_knowing(template, known)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// Prepares the request of that number.
fn one(world: &mut World, request: &Request, number: usize) -> Result<One, String> {
    let id = world.fresh_notification();
    let mut body = body(world, request, id, number)?;
    if request.pad > 0 {
        let mut padded = body.to_vec();
        padded.resize(padded.len() + request.pad, b' ');
        body = padded.into();
    }
    if body.len() > BODY_MAX {
        return Err(format!("a body of {} bytes, the limit is {BODY_MAX}", body.len()));
    }
    let (usual, secret) = usual(world, request)?;
    let mut further = Vec::with_capacity(request.headers.len());
    for line in &request.headers {
        further.push(HeaderLine(fill(world, line)?.into_bytes()));
    }
    let target = match &request.target {
        RequestTarget::Endpoint => world.target.endpoint.path_and_query().to_owned(),
        RequestTarget::Absolute => world.target.endpoint.url(),
        RequestTarget::Text(text) => fill(world, text)?,
    };
    let mut bytes = |template: &Option<Template>| -> Result<Vec<u8>, String> {
        template.as_ref().map_or(Ok(Vec::new()), |text| world.fill_text(text).map(String::into_bytes))
    };
    let draft = Draft {
        method: request.method.clone(),
        target,
        version: request.version,
        usual,
        leave_out: request.leave_out.clone(),
        further,
        framing: request.framing.clone(),
        body: body.clone(),
        prefix: bytes(&request.prefix)?,
        suffix: bytes(&request.suffix)?,
        writing: request.writing,
        stop: request.stop,
        expect: if request.expect_continue { Expect::Continue } else { Expect::Nothing },
    };
    let prepared = match (request.version, &request.below) {
        (_, Below::Raw(bytes)) => Prepared::Plan(Plan::raw(bytes.clone())),
        (Version::Http2, _) => Prepared::Parts(Parts {
            lines: draft.lines(),
            method: draft.method,
            target: draft.target,
            body: draft.body,
        }),
        (Version::Http10 | Version::Http11, _) => {
            Prepared::Plan(draft.plan().map_err(|error| error.to_string())?)
        }
    };
    Ok(One { prepared: Arc::new(prepared), body, id, secret })
}

fn body(world: &mut World, request: &Request, id: NotificationId, number: usize) -> Result<Bytes, String> {
    match &request.body {
        RequestBody::Text(text) => Ok(world.fill_text(text)?.into()),
        RequestBody::Bytes(bytes) => Ok(bytes.clone()),
        RequestBody::Same(name) => {
            let ids = saved(world, name);
            let id = ids.get(number % ids.len().max(1)).copied();
            id.and_then(|id| world.sent_body(id)).ok_or_else(|| format!("`{name}` has no body"))
        }
        RequestBody::Generated { event_type, with, without } => {
            let overrides = match with {
                None => serde_json::Map::new(),
                Some(with) => match world.fill(with)? {
                    Value::Object(members) => members,
                    other => return Err(format!("`with` must be a JSON object, not `{other}`")),
                },
            };
            let recipe = Recipe::Generated { event_type: *event_type, overrides: Arc::new(overrides) };
            let stamp = world.driver.stamp();
            let body = world.driver.bodies().make(id, &recipe, stamp)?;
            if without.is_empty() { Ok(body) } else { reduced(&body, without) }
        }
    }
}

/// A body without the members at these pointers.
fn reduced(body: &[u8], without: &[String]) -> Result<Bytes, String> {
    let mut value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for pointer in without {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        let name = name.replace("~1", "/").replace("~0", "~");
        let removed = match value.pointer_mut(parent) {
            Some(Value::Object(members)) => members.shift_remove(&name),
            Some(Value::Array(items)) => {
                name.parse().ok().filter(|index| *index < items.len()).map(|index| items.remove(index))
            }
            _ => None,
        };
        if removed.is_none() {
            return Err(format!("`without`: the body has no member `{pointer}`"));
        }
    }
    serde_json::to_vec(&value).map(Bytes::from).map_err(|error| error.to_string())
}

/// The usual headers, and an authorization among them that must not be shown.
fn usual(world: &mut World, request: &Request) -> Result<(Vec<HeaderLine>, Option<String>), String> {
    let target = Arc::clone(&world.target);
    let with_key = matches!(request.auth, RequestAuth::Target | RequestAuth::Wrong);
    let mut attempt = Attempt::new(Arc::new(target.endpoint.clone()), Bytes::new());
    attempt.headers = Arc::clone(&target.headers);
    attempt.api_key = target.api_key.clone().filter(|_| with_key);
    attempt.injection = (request.auth == RequestAuth::Wrong).then_some(Injection::WrongKey);
    let mut lines = usual_lines(&target, &attempt);
    let mut secret = None;
    if request.auth == RequestAuth::Wrong
        && let Some(line) = lines.iter().find(|line| line.name().eq_ignore_ascii_case(b"authorization"))
    {
        // Another key that is made of the real one tells it.
        let value = String::from_utf8_lossy(line.value()).into_owned();
        secret = value.strip_prefix("api_key ").map(str::to_owned);
    }
    if let RequestAuth::Text(text) = &request.auth {
        let value = fill(world, text)?;
        lines.push(HeaderLine::of("Authorization", value.as_bytes()));
    }
    if request.framing == Framing::None && request.body == RequestBody::Bytes(Bytes::new()) {
        lines.retain(|line| !line.name().eq_ignore_ascii_case(b"content-type"));
    }
    Ok((lines, secret))
}

fn title(world: &mut World, request: &Request, wanted: &Wanted) -> Result<String, String> {
    if let Some(title) = &request.course.title {
        return world.fill_text(title);
    }
    Ok(super::phrase::title(request, &wanted.words()))
}

/// "request 2 of 3 `first` on connection `a`".
fn label(request: &Request, round: u32, index: usize) -> String {
    let course = &request.course;
    let total = u64::from(course.times) * u64::from(course.copies);
    let mut label = match total {
        1 => "request".to_owned(),
        _ => {
            let number = u64::from(round) * u64::from(course.copies) + index as u64 + 1;
            format!("request {number} of {total}")
        }
    };
    if let Some(name) = &course.save {
        label.push_str(&format!(" `{name}`"));
    }
    if let Some(on) = &request.on {
        label.push_str(&format!(" on connection `{on}`"));
    }
    label
}
