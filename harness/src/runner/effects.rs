//! Judges claims on what the receiver did with notifications, by asking it until it says so.

use std::time::Duration;

use pns_engine::{EventType, NotificationId};
use pns_simulator::clock::{Stopwatch, pause};
use serde_json::Value;

use super::expect::{Holds, Judgement};
use super::inspect::{Inspection, inspect};
use super::words;
use super::world::World;
use crate::scenario::model::{ReceivedType, Which};
use crate::settings::Probe;

/// Between two questions, at first; doubled up to [`POLL_MAX`].
const POLL_MIN: Duration = Duration::from_millis(20);
const POLL_MAX: Duration = Duration::from_millis(320);
/// How many of the notifications that are wrong are told.
const TOLD_MAX: usize = 3;

/// One notification to ask about.
#[derive(Debug)]
struct Asked {
    event_id: String,
    /// The event type that its body names.
    sent: Option<String>,
    seen: Inspection,
    /// When the receiver last said what does not fit; `None`: it never did.
    unfit: Option<Duration>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Fits,
    /// Nothing that comes can mend it.
    Hopeless,
}

impl Asked {
    /// It fits, but did not yet when it should have, `within` after it was first asked for.
    fn is_late(&self, within: Duration) -> bool {
        self.state == State::Fits && self.unfit.is_some_and(|at| at >= within)
    }
}

/// Why there is nothing to judge.
enum Unasked {
    NoProbe,
    Nothing,
    Failed(String),
}

impl From<Unasked> for Holds {
    fn from(why: Unasked) -> Self {
        Self::Unknown(match why {
            Unasked::NoProbe => "the receiver offers no probe".to_owned(),
            Unasked::Nothing => "nothing was sent that the receiver could be asked about".to_owned(),
            Unasked::Failed(reason) => reason,
        })
    }
}

/// How often the receiver saw each, how often it took effect, and as what.
pub(super) async fn received(
    world: &World,
    of: &Which,
    times: Option<u32>,
    processed: Option<u32>,
    event_type: ReceivedType,
) -> Judgement {
    let mut wanted = Vec::new();
    wanted.extend(times.map(|times| format!("received {}", often(times.into()))));
    wanted.extend(processed.map(|processed| format!("processed {}", often(processed.into()))));
    if event_type == ReceivedType::Sent {
        wanted.push("taken as the event type that was sent".to_owned());
    }
    let title = format!("{} {}", words::subject(of), wanted.join(" and "));
    let (times, processed) = (times.map(u64::from), processed.map(u64::from));
    let judge = |asked: &Asked| {
        let counts = [(times, asked.seen.received), (processed, asked.seen.processed)];
        // Numbers only grow.
        if counts.iter().any(|(wanted, seen)| seen.zip(*wanted).is_some_and(|(seen, wanted)| seen > wanted)) {
            return State::Hopeless;
        }
        // A receiver that does not count requests is judged by its effects alone.
        let fits = times.is_none_or(|times| asked.seen.received.is_none_or(|received| received == times))
            && processed.is_none_or(|processed| asked.seen.processed == Some(processed))
            && (event_type == ReceivedType::Any || is_type(&asked.seen, asked.sent.as_deref()));
        if fits { State::Fits } else { State::Pending }
    };
    let asked = match ask(world, &world.notifications_sent(of), judge).await {
        Ok(asked) => asked,
        Err(why) => return ("received", title, why.into()),
    };
    if let Some(reason) = silent(world, &asked, processed.is_some(), event_type) {
        return ("received", title, Holds::Unknown(reason));
    }
    let within = effect_within(world);
    let wrong: Vec<&Asked> =
        asked.iter().filter(|one| one.state != State::Fits || one.is_late(within)).collect();
    let deliveries = world.deliveries(of);
    let found = || told(&wrong, within, |one| received_words(one, processed, event_type));
    let holds = Holds::when(wrong.is_empty(), &title, found, &deliveries);
    ("received", title, holds)
}

/// How long a receiver may take from its acknowledgement to the effect. It is asked for as long again, to tell an
/// effect that is late from one that is lost.
fn effect_within(world: &World) -> Duration {
    world.target.probe.as_ref().map_or(Probe::WITHIN, |probe| probe.within)
}

/// Whether two sets had the same effects.
pub(super) async fn same(world: &World, of: &[String], other: &[String]) -> Judgement {
    let (of, other) = (Which::Saved(of.to_vec()), Which::Saved(other.to_vec()));
    let title = format!("{} had the same effects as {}", words::subject(&of), words::subject(&other));
    let unknown = |why: Unasked| ("same-effects", title.clone(), Holds::from(why));
    let (ids, others) = (world.notifications_sent(&of), world.notifications_sent(&other));
    if ids.is_empty() || others.is_empty() {
        return unknown(Unasked::Nothing);
    }
    let within = effect_within(world);
    let watch = Stopwatch::start();
    let mut poll = POLL_MIN;
    let mut unfit = None;
    let (found, expected) = loop {
        let at = watch.elapsed();
        let once = |_: &Asked| State::Fits;
        let (found, expected) = match (ask(world, &ids, once).await, ask(world, &others, once).await) {
            (Ok(found), Ok(expected)) => {
                let all = found.iter().chain(&expected);
                if let Some(reason) = all.clone().find_map(|one| uncounted(world, one)) {
                    return unknown(Unasked::Failed(reason));
                }
                (effects(&found), effects(&expected))
            }
            (Err(why), _) | (_, Err(why)) => return unknown(why),
        };
        if found == expected || at >= 2 * within {
            break (found, expected);
        }
        unfit = Some(at);
        pause(poll).await;
        poll = (2 * poll).min(POLL_MAX);
    };
    let is_late = unfit.is_some_and(|at| at >= within);
    let text = |effects: &[(String, Option<u64>)]| {
        words::list(effects.iter().take(20).map(|(event_type, count)| {
            format!("{event_type} processed {}", count.map_or("?".to_owned(), |count| count.to_string()))
        }))
    };
    let holds = if found == expected && !is_late {
        Holds::Yes
    } else {
        let late = if found == expected { late_words(within) } else { String::new() };
        Holds::No {
            expected: text(&expected),
            found: format!("{}{late}", text(&found)),
            deliveries: world.deliveries(&of),
        }
    };
    ("same-effects", title, holds)
}

/// Event types and numbers of effects, sorted.
fn effects(asked: &[Asked]) -> Vec<(String, Option<u64>)> {
    let mut effects: Vec<_> = asked
        .iter()
        .map(|one| {
            let event_type = one.seen.event_type.clone().or_else(|| one.sent.clone());
            (event_type.unwrap_or_else(|| "no event type".to_owned()), one.seen.processed)
        })
        .collect();
    effects.sort_unstable();
    effects
}

/// Asks about each, in turns, until all are judged or time is over.
async fn ask(
    world: &World,
    ids: &[NotificationId],
    judge: impl Fn(&Asked) -> State,
) -> Result<Vec<Asked>, Unasked> {
    let probe = world.target.probe.as_ref().ok_or(Unasked::NoProbe)?;
    if ids.is_empty() {
        return Err(Unasked::Nothing);
    }
    let mut asked = Vec::with_capacity(ids.len());
    for id in ids {
        asked.push(question(world, *id).map_err(|reason| Unasked::Failed(reason.to_owned()))?);
    }
    let watch = Stopwatch::start();
    let mut poll = POLL_MIN;
    loop {
        let round = watch.elapsed();
        for one in asked.iter_mut().filter(|one| one.state == State::Pending) {
            let at = watch.elapsed();
            one.seen = inspect(world, probe, &one.event_id).await.map_err(Unasked::Failed)?;
            one.state = judge(one);
            if one.state == State::Pending {
                one.unfit = Some(at);
            }
        }
        if asked.iter().all(|one| one.state != State::Pending) || round >= 2 * probe.within {
            return Ok(asked);
        }
        pause(poll).await;
        poll = (2 * poll).min(POLL_MAX);
    }
}

fn question(world: &World, id: NotificationId) -> Result<Asked, &'static str> {
    let body = world.sent_body(id).ok_or("a notification without a body")?;
    let event_id = world.event_id(&body).ok_or("the body names no event id to ask for")?;
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let place = &world.driver.bodies_ref().pack().roles().event_type;
    let sent = body.pointer(place).and_then(Value::as_str).map(str::to_owned);
    Ok(Asked { event_id, sent, seen: Inspection::default(), unfit: None, state: State::Pending })
}

/// Spellings of one event type are the same type.
fn is_type(seen: &Inspection, sent: Option<&str>) -> bool {
    match (seen.event_type.as_deref(), sent) {
        (Some(seen), Some(sent)) => {
            let parsed = |text: &str| text.parse::<EventType>().ok();
            seen == sent || (parsed(seen).is_some() && parsed(seen) == parsed(sent))
        }
        _ => false,
    }
}

/// The probe does not tell how often one took effect.
fn uncounted(world: &World, one: &Asked) -> Option<String> {
    let count = &world.target.probe.as_ref()?.count;
    one.seen.processed.is_none().then(|| {
        format!("the probe's answer has no number at `{count}`: say by `--probe-count` where it stands")
    })
}

/// What the probe does not tell, although it is asked for.
fn silent(world: &World, asked: &[Asked], counts: bool, event_type: ReceivedType) -> Option<String> {
    let probe = world.target.probe.as_ref()?;
    if counts && let Some(reason) = asked.iter().find_map(|one| uncounted(world, one)) {
        return Some(reason);
    }
    // Who never took it need not say as what.
    let untold = |one: &Asked| one.seen.event_type.is_none() && one.seen.processed != Some(0);
    (event_type == ReceivedType::Sent && asked.iter().any(untold)).then(|| match &probe.event_type {
        Some(path) => {
            format!("the probe's answer has no text at `{path}`, where the event type should stand")
        }
        None => "the probe tells no event type: say by `--probe-type` where it stands".to_owned(),
    })
}

/// "never", "once", "3 times".
fn often(times: u64) -> String {
    match times {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        _ => format!("{times} times"),
    }
}

/// What became of one: the kind of wrong effect first.
fn received_words(one: &Asked, wanted: Option<u64>, event_type: ReceivedType) -> String {
    let kind = match (wanted, one.seen.processed) {
        (Some(wanted), Some(seen)) if seen < wanted => "lost: ",
        (Some(0), Some(seen)) if seen > 0 => "an effect that should not be: ",
        (Some(wanted), Some(seen)) if seen > wanted => "duplicated effect: ",
        _ if event_type == ReceivedType::Sent && !is_type(&one.seen, one.sent.as_deref()) => "wrong effect: ",
        _ => "",
    };
    let name = one.sent.as_deref().map_or_else(String::new, |name| format!("{name} "));
    // Not every probe tells both.
    let received = one.seen.received.map(|times| format!("received {}", often(times)));
    let processed = one.seen.processed.map(|times| format!("processed {}", often(times)));
    let counts: Vec<String> = received.into_iter().chain(processed).collect();
    let counts = if counts.is_empty() { "not counted".to_owned() } else { counts.join(", ") };
    let mut text = format!("{kind}{name}{counts}");
    if event_type == ReceivedType::Sent {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "nothing".to_owned());
        text.push_str(&format!(", taken as {} (sent as {})", name(&one.seen.event_type), name(&one.sent)));
    }
    text
}

fn told(wrong: &[&Asked], within: Duration, text: impl Fn(&Asked) -> String) -> String {
    let one = |one: &&Asked| {
        let late = if one.is_late(within) {
            late_words(within)
        } else if one.state == State::Pending {
            format!(", also after {}", words::span(2 * within))
        } else {
            String::new()
        };
        format!("{}{late}", text(one))
    };
    let list = wrong.iter().take(TOLD_MAX).map(one).collect::<Vec<_>>().join("\n");
    match wrong.len().saturating_sub(TOLD_MAX) {
        0 => list,
        more => format!("{list}\nand {}", words::count(more as u64, "other notification")),
    }
}

fn late_words(within: Duration) -> String {
    format!(", but only later than {} after it was asked for: late, not lost", words::span(within))
}
