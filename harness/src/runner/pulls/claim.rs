//! Judges whether the receiver pulled, by the pull API's log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pns_engine::{NotificationId, Timestamp};
use pns_simulator::clock;
use pns_simulator::world::{Call, Followed, Notified, Pull, RfpId, Said, follow};

use super::super::expect::{Holds, Judgement};
use super::super::words;
use super::super::world::World;
use super::Beside;
use super::steps::NO_PULL_API;
use crate::event::PullCount;
use crate::scenario::model::{Bound, PullTopic, Pulled, Which};

/// Between two looks at the log, at first; doubled up to [`POLL_MAX`].
const POLL_MIN: Duration = Duration::from_millis(1);
const POLL_MAX: Duration = Duration::from_millis(64);
/// How long after the last acknowledgement a pull is counted that no claim names: as claims wait by default.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after all was pulled a second call is looked for: a receiver that pulls twice need not be in a hurry. The
/// embedded one is known, and not waited for.
const SETTLE: Duration = Duration::from_millis(200);
/// How many of the notifications that are wrong are told.
const TOLD_MAX: usize = 3;
/// How many calls are told that were made instead.
const INSTEAD_MAX: usize = 3;

/// One notification after which a pull is looked for.
#[derive(Debug)]
struct Asked {
    id: NotificationId,
    event: &'static str,
    said: Said,
    /// Each is to be pulled.
    wanted: Vec<Call>,
    first_attempt: Option<Timestamp>,
    acknowledged: Option<Timestamp>,
}

impl Asked {
    fn of(world: &World, beside: &Beside, id: NotificationId, topic: Option<PullTopic>) -> Option<Self> {
        let event_type = world.ledger.notification(id)?.event_type;
        let said = beside.side.said(event_type, &world.sent_body(id)?)?;
        let wanted = match topic {
            None => Call::after(&said).into_iter().collect(),
            Some(topic) => wanted(topic, &said),
        };
        Some(Self {
            id,
            event: event_type.wire_name(),
            said,
            wanted,
            first_attempt: world.driver.bodies_ref().first_attempt(id),
            acknowledged: beside.acknowledged_at(id),
        })
    }

    fn notified(&self) -> impl Iterator<Item = Notified> + '_ {
        let first_attempt = self.first_attempt.unwrap_or(Timestamp::MAX);
        self.wanted.iter().map(move |wanted| Notified {
            notification: self.id,
            first_attempt,
            acknowledged: self.acknowledged.is_some(),
            wanted: *wanted,
        })
    }
}

/// What of a notification's things is asked for.
fn wanted(topic: PullTopic, said: &Said) -> Vec<Call> {
    let one = match topic {
        PullTopic::Rfp => said.rfp.map(Call::Rfp),
        PullTopic::Responses => said.rfp.map(Call::Responses),
        PullTopic::Response => {
            said.rfp.zip(said.supplier).map(|(rfp, supplier)| Call::Response(rfp, supplier))
        }
        PullTopic::DataType(part) => said.rfp.map(|rfp| Call::DataType(rfp, part)),
        PullTopic::RepresentedVenues => said.rfp.map(Call::RepresentedVenues),
        PullTopic::Message => said.message.as_ref().map(|message| Call::Message(message.id)),
        PullTopic::Venue => said.venue.map(|(venue, _)| Call::Venue(venue)),
        PullTopic::Attachment => return said.attachments.iter().copied().map(Call::Attachment).collect(),
    };
    one.into_iter().collect()
}

/// Whether the receiver pulled what each is about. It is bound to only where the scenario names the call.
pub(in super::super) async fn pulled(world: &World, claim: &Pulled) -> Judgement {
    let Pulled { of, within, call, times } = claim;
    let within_words = words::span(*within);
    let what = call.map_or("what it is about", PullTopic::words);
    let often = match times {
        None => String::new(),
        Some(Bound::Exactly(0)) => " never".to_owned(),
        Some(Bound::Exactly(1)) => " once".to_owned(),
        Some(bound) => format!(" {}", words::bound(*bound, "time")),
    };
    let title =
        format!("after {} the receiver pulled {what}{often}, within {within_words}", words::subject(of));
    let check = if call.is_some() { "pulled" } else { "pulled-by-default" };
    let unknown = |why: &str| (check, title.clone(), Holds::Unknown(why.to_owned()));
    let Some(beside) = &world.pulls else { return unknown(NO_PULL_API) };
    let all = world.notifications(of);
    let asked: Vec<Asked> = all.iter().filter_map(|id| Asked::of(world, beside, *id, *call)).collect();
    let asked: Vec<Asked> = asked.into_iter().filter(|one| !one.wanted.is_empty()).collect();
    if asked.is_empty() {
        return unknown("nothing was sent that leads to a call of the pull API");
    }
    let began = clock::real_now();
    let deadlines: Vec<Timestamp> =
        asked.iter().map(|one| one.acknowledged.unwrap_or(began) + *within).collect();
    let mut poll = POLL_MIN;
    let seen = loop {
        let latest = beside.side.log().latest();
        let seen = Seen::of(beside, &asked);
        let now = clock::real_now();
        let open = |(one, deadline): (&Asked, &Timestamp)| {
            let counts = seen.counts(one, *deadline);
            let enough = match times {
                // Too many already: more time mends nothing.
                Some(Bound::Exactly(most) | Bound::AtMost(most)) => counts.iter().any(|count| count > most),
                Some(Bound::AtLeast(least)) => counts.iter().all(|count| count >= least),
                None => counts.iter().all(|count| *count > 0),
            };
            (!enough && *deadline > now).then(|| deadline.since(now))
        };
        let Some(longest) = asked.iter().zip(&deadlines).filter_map(open).max() else { break seen };
        // What came or not, the next round sees.
        let _more = tokio::time::timeout(longest, beside.side.log().changed(latest)).await;
        // Many calls in quick succession are looked at together.
        clock::pause(poll).await;
        poll = (2 * poll).min(POLL_MAX);
    };
    let none = |(one, deadline)| seen.counts(one, deadline).iter().all(|count| *count == 0);
    if matches!(times, Some(Bound::AtMost(1..))) && asked.iter().zip(deadlines.iter().copied()).all(none) {
        // That nothing came too often says nothing of a receiver that does not pull.
        return unknown("not judged: nothing was pulled");
    }
    let wrong: Vec<String> = asked
        .iter()
        .zip(&deadlines)
        .filter_map(|(one, deadline)| seen.wrong(one, *deadline, *within, *times))
        .collect();
    let deliveries = world.deliveries(of);
    let holds = Holds::when(wrong.is_empty(), &title, || told(&wrong), &deliveries);
    (check, title, holds)
}

/// The log, and what of it belongs to which notification.
struct Seen {
    pulls: Vec<Pull>,
    followed: BTreeMap<NotificationId, Vec<Followed>>,
}

impl Seen {
    fn of(beside: &Beside, asked: &[Asked]) -> Self {
        let pulls = beside.side.log().since(beside.since, usize::MAX);
        let notified: Vec<Notified> = asked.iter().flat_map(Asked::notified).collect();
        let mut followed: BTreeMap<NotificationId, Vec<Followed>> = BTreeMap::new();
        for one in follow(&notified, &pulls) {
            followed.entry(one.notification).or_default().push(one);
        }
        Self { pulls, followed }
    }

    fn pull(&self, number: u64) -> Option<&Pull> {
        self.pulls.binary_search_by_key(&number, |pull| pull.number).ok().map(|index| &self.pulls[index])
    }

    /// How often each thing was pulled in time.
    fn counts(&self, one: &Asked, deadline: Timestamp) -> Vec<u64> {
        let in_time = |number: &&u64| self.pull(**number).is_some_and(|pull| pull.real <= deadline);
        let followed = self.followed.get(&one.id).map_or(&[][..], Vec::as_slice);
        let count = |followed: &Followed| followed.pulls.iter().filter(in_time).count();
        followed.iter().map(|one| count(one) as u64).collect()
    }

    /// What is wrong with one, in words.
    fn wrong(
        &self,
        one: &Asked,
        deadline: Timestamp,
        within: Duration,
        times: Option<Bound>,
    ) -> Option<String> {
        let counts = self.counts(one, deadline);
        let times = times.unwrap_or(Bound::AtLeast(1));
        let Some(first_attempt) = one.first_attempt else {
            return (!times.allows(0)).then(|| format!("{} was not sent", one.event));
        };
        let acknowledged = if one.acknowledged.is_some() { "acknowledged" } else { "not acknowledged" };
        let fewest = counts.iter().min().copied().unwrap_or(0);
        let most = counts.iter().max().copied().unwrap_or(0);
        if times.allows(fewest) && times.allows(most) {
            return None;
        }
        let span = words::span(within);
        Some(if most > 0 && !times.allows(most) {
            format!("{} {acknowledged}, pulled {} within {span}", one.event, often(most))
        } else if fewest > 0 {
            format!("{} {acknowledged}, pulled {} within {span}", one.event, often(fewest))
        } else {
            let (late, instead) = (self.late(one), self.instead(one, first_attempt));
            format!("{} {acknowledged}, not pulled within {span}{late}{instead}", one.event)
        })
    }

    /// That it was pulled, but later.
    fn late(&self, one: &Asked) -> String {
        let followed = self.followed.get(&one.id).map_or(&[][..], Vec::as_slice);
        let all_later = !followed.is_empty() && followed.iter().all(|one| !one.pulls.is_empty());
        if all_later { ", only later".to_owned() } else { String::new() }
    }

    /// Calls about the same RFP that do not count, and why.
    fn instead(&self, one: &Asked, first_attempt: Timestamp) -> String {
        let same = |pull: &&Pull| {
            let about = pull.asked.and_then(|asked| asked.rfp);
            pull.real >= first_attempt && (about.is_none() || about == one.said.rfp)
        };
        let calls: Vec<String> = self
            .pulls
            .iter()
            .filter(same)
            .map(|pull| format!("{} {} → {}", pull.method, pull.path, pull.status))
            .collect();
        match calls.len() {
            0 => ": no call came".to_owned(),
            count => {
                let more = if count > INSTEAD_MAX { ", …" } else { "" };
                format!("; calls that came: {}{more}", calls[..count.min(INSTEAD_MAX)].join(", "))
            }
        }
    }
}

fn often(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

fn told(wrong: &[String]) -> String {
    let list = wrong.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>().join("\n");
    match wrong.len().saturating_sub(TOLD_MAX) {
        0 => list,
        more => format!("{list}\nand {}", words::count(more as u64, "other notification")),
    }
}

/// How many calls about their RFPs were made, however they were answered.
pub(in super::super) async fn calls(world: &World, of: &Which, within: Duration, bound: Bound) -> Judgement {
    let calls = words::bound(bound, "call");
    let span = words::span(within);
    let title = format!("{calls} about the RFP of {} within {span}", words::subject(of));
    let unknown = |why: &str| ("calls", title.clone(), Holds::Unknown(why.to_owned()));
    let Some(beside) = &world.pulls else { return unknown(NO_PULL_API) };
    let all = world.notifications(of);
    let asked: Vec<Asked> =
        all.iter().filter_map(|id| Asked::of(world, beside, *id, Some(PullTopic::Rfp))).collect();
    let rfps: BTreeSet<RfpId> = asked.iter().filter_map(|one| one.said.rfp).collect();
    let (Some(from), false) = (asked.iter().filter_map(|one| one.first_attempt).min(), rfps.is_empty())
    else {
        return unknown("nothing was sent that is about an RFP");
    };
    let until =
        asked.iter().filter_map(|one| one.acknowledged).max().unwrap_or_else(clock::real_now) + within;
    clock::pause(until.since(clock::real_now())).await;
    let made = beside.side.log().since(beside.since, usize::MAX);
    let about = |pull: &&Pull| {
        let rfp = pull.asked.and_then(|asked| asked.rfp);
        (from..=until).contains(&pull.real) && rfp.is_some_and(|rfp| rfps.contains(&rfp))
    };
    let count = made.iter().filter(about).count() as u64;
    let deliveries = world.deliveries(of);
    let holds = Holds::when(bound.allows(count), &title, || words::count(count, "call"), &deliveries);
    ("calls", title, holds)
}

/// Whether pulls that have not come yet are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Await {
    /// For a while.
    Yes,
    /// What has come by now is counted.
    No,
}

/// Counts what was pulled; `None`: no pull API runs, or nothing that was acknowledged leads to a call.
pub(in super::super) async fn tally(world: &World, patience: Await) -> Option<PullCount> {
    let beside = world.pulls.as_ref()?;
    let asked: Vec<Asked> = world
        .notifications(&Which::All)
        .into_iter()
        .filter_map(|id| Asked::of(world, beside, id, None))
        .filter(|one| !one.wanted.is_empty() && one.acknowledged.is_some())
        .collect();
    let last = asked.iter().filter_map(|one| one.acknowledged).max()?;
    loop {
        let latest = beside.side.log().latest();
        let count = counted(beside, &asked);
        let left = (last + PATIENCE).since(clock::real_now());
        if patience == Await::No || left.is_zero() {
            return Some(count);
        }
        if count.pulled == count.leading {
            if world.receiver.is_some() || count.surplus > 0 {
                return Some(count);
            }
            clock::pause(SETTLE).await;
            return Some(counted(beside, &asked));
        }
        // What came or not, the next round sees.
        let _more = tokio::time::timeout(left, beside.side.log().changed(latest)).await;
        clock::pause(POLL_MIN).await;
    }
}

fn counted(beside: &Beside, asked: &[Asked]) -> PullCount {
    let seen = Seen::of(beside, asked);
    let of = |one: &Asked| seen.followed.get(&one.id).map_or(&[][..], Vec::as_slice);
    let pulled = asked.iter().filter(|one| of(one).iter().all(|one| !one.pulls.is_empty())).count();
    let surplus = asked.iter().flat_map(of).map(|one| u64::from(one.surplus)).sum();
    PullCount { leading: asked.len() as u64, pulled: pulled as u64, surplus }
}
