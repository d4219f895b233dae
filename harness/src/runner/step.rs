//! Carries out the steps of a scenario.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::{
    Category, Command, DeliveryId, EventType, NotificationId, Outcome, SupplierId, Timestamp, rng,
};
use pns_simulator::fault::{Extent, Fault, Injection};
use pns_simulator::schema::Overrides;
use serde_json::Value;

use super::answered::Answered;
use super::bodies::Recipe;
use super::subscribe;
use super::world::{LimitReached, Passed, Patience, World};
use super::{probe, pulls, request};
use crate::scenario::model::{
    self, Action, Downtime, Emit, EmitOrder, Emitted, FaultExtent, FaultKind, Goal, Step, Validity, Which,
    WindowStart,
};

/// What a step came to.
#[derive(Debug)]
pub(super) enum StepEnd {
    /// It is done.
    Done,
    /// It waited for something, which came about.
    Reached(Waited),
    /// It waited for something in vain: a check of the receiver that did not hold.
    Missed(Waited, Miss),
    /// It could not wait, for this reason, which says nothing of the receiver.
    Skipped(Waited, String),
    /// It made requests by bytes, which were judged.
    Answered(Box<Answered>),
}

/// What a step waited for, in words.
#[derive(Debug)]
pub(super) struct Waited {
    /// The check's kind: `until` or `probe`.
    pub check: &'static str,
    /// "all notifications are delivered".
    pub title: String,
}

/// Why it did not come about.
#[derive(Debug)]
pub(super) struct Miss {
    /// What was found instead.
    pub found: String,
    /// The notifications concerned.
    pub concerned: Which,
    /// Whether it could not be decided, rather than broken.
    pub undecided: bool,
}

/// Carries out `step`.
///
/// # Errors
/// When the step itself cannot be carried out: the scenario is wrong, in words.
pub(super) async fn carry_out(world: &mut World, step: &Step) -> Result<StepEnd, String> {
    match &step.action {
        Action::Emit(emit) => publish(world, emit)?,
        Action::Fault(fault) => plan(world, fault)?,
        Action::ClearFaults { on } => {
            let on = on.as_ref().map(|name| world.subscription(name));
            world.driver.faults().clear(on);
        }
        Action::Downtime(downtime) => announce(world, downtime)?,
        Action::Extend { window, to } => {
            let id = world.window(window).ok_or_else(|| format!("window `{window}` was not announced"))?;
            let until = world.driver.now() + *to;
            world.command(Command::ExtendWindow { id, until })?;
        }
        Action::Cancel(window) => {
            let id = world.window(window).ok_or_else(|| format!("window `{window}` was not announced"))?;
            world.command(Command::CancelWindow { id })?;
        }
        Action::RateLimit { on, limit } => {
            let subscription = world.subscription(on);
            subscribe::set_rate_limit(world, subscription, *limit)?;
        }
        Action::Change { on, to } => subscribe::change(world, on, to)?,
        Action::Advance(span) => return advance(world, *span).await,
        Action::Until { goal, within } => return until(world, goal, *within).await,
        Action::Restart(gone) => {
            world.driver.restart(*gone).await;
            world.observe();
        }
        Action::Probe(probe) => return probe::ask(world, probe).await,
        Action::Request(request) => return request::make(world, request).await,
        Action::PullFault(fault) => pulls::plan_fault(world, fault)?,
        Action::ClearPullFaults => pulls::clear_faults(world),
        Action::PushedBack(wanted) => return pulls::pushed_back(world, wanted).await,
    }
    Ok(StepEnd::Done)
}

fn publish(world: &mut World, emit: &Emit) -> Result<(), String> {
    let mut planned = Vec::new();
    for _ in 0..emit.count {
        planned.extend(recipes(world, emit)?);
    }
    match emit.order {
        EmitOrder::Published => {}
        EmitOrder::Reversed => planned.reverse(),
        EmitOrder::Shuffled => shuffle(&mut planned, world.seed()),
    }
    let mut published = Vec::with_capacity(planned.len());
    for (event_type, recipe) in planned {
        published.push(publish_one(world, event_type, recipe, emit.validity)?);
    }
    if let Some(name) = &emit.save {
        world.save(name, published);
    }
    Ok(())
}

fn recipes(world: &mut World, emit: &Emit) -> Result<Vec<(EventType, Recipe)>, String> {
    let mut overrides = match &emit.with {
        None => serde_json::Map::new(),
        Some(with) => match world.fill(with)? {
            Value::Object(members) => members,
            other => return Err(format!("`with` must be a JSON object, not `{other}`")),
        },
    };
    let event_types = match &emit.what {
        Emitted::Types(event_types) => event_types.clone(),
        Emitted::Raw { bytes, event_type } => {
            let bytes = world.fill_text(bytes)?.into_bytes();
            return Ok(vec![(*event_type, Recipe::Raw(bytes.into()))]);
        }
        Emitted::Lifecycle(course) => course.events(),
    };
    let places = (rfp_place(world), supplier_place(world));
    // One RFP and one supplier throughout, unless the scenario says which.
    let about = match &emit.rfp {
        Some(name) => Some(world.rfp(name)),
        None => matches!(emit.what, Emitted::Lifecycle(_)).then(|| (world.draw_uuid(), world.draw_uuid())),
    };
    if let Some((rfp, supplier)) = &about {
        lay(&mut overrides, places.0.as_deref(), rfp);
        lay(&mut overrides, places.1.as_deref(), supplier);
    }
    let shared = Arc::new(overrides);
    let recipe = |event_type: EventType| {
        let mut overrides = Arc::clone(&shared);
        if about.is_some() && event_type.category() == Category::Venue {
            take_out(&mut overrides, places.0.as_deref());
        }
        if about.is_some() && !event_type.names_supplier() {
            take_out(&mut overrides, places.1.as_deref());
        }
        (event_type, Recipe::Generated { event_type, overrides })
    };
    Ok(event_types.into_iter().map(recipe).collect())
}

/// Lays `id` over the body at `place`, where the scenario lays nothing over it.
fn lay(overrides: &mut Overrides, place: Option<&str>, id: &str) {
    let Some(place) = place else { return };
    if !overrides.contains_key(place) && !overrides.contains_key(place.trim_start_matches('/')) {
        overrides.insert(place.to_owned(), Value::String(id.to_owned()));
    }
}

/// Lays nothing over `place`: an event of this type has no such member.
fn take_out(overrides: &mut Arc<Overrides>, place: Option<&str>) {
    let Some(place) = place else { return };
    let overrides = Arc::make_mut(overrides);
    overrides.remove(place);
    overrides.remove(place.trim_start_matches('/'));
}

/// Where the schema pack has the RFP's id, as a JSON pointer.
fn rfp_place(world: &World) -> Option<String> {
    world.driver.bodies_ref().pack().roles().rfp_id.clone()
}

/// Where the schema pack has the supplier's id, as a JSON pointer.
fn supplier_place(world: &World) -> Option<String> {
    world.driver.bodies_ref().pack().roles().supplier_id.clone()
}

fn publish_one(
    world: &mut World,
    event_type: EventType,
    recipe: Recipe,
    validity: Validity,
) -> Result<NotificationId, String> {
    let id = world.upcoming_notification();
    let bodies = world.driver.bodies();
    let body = bodies.make(id, &recipe, Timestamp::EPOCH)?;
    if validity == Validity::Valid && matches!(recipe, Recipe::Generated { .. }) {
        bodies.pack().validate(&body).map_err(|violations| {
            let first = violations.first().map_or_else(String::new, ToString::to_string);
            format!("the body of {event_type} does not fit the schema: {first} (`valid: false` allows it)")
        })?;
    }
    let supplier = event_type.names_supplier().then(|| {
        // A body that names none on purpose still belongs to somebody.
        bodies.pack().supplier(&body).unwrap_or(SupplierId(0))
    });
    world.publish(event_type, supplier, recipe)
}

/// Fisher and Yates, by keyed draws.
fn shuffle<T>(items: &mut [T], seed: u64) {
    /// Keeps these draws apart from all others.
    const STREAM: u64 = 0x7368_7566;
    for last in (1..items.len()).rev() {
        let among = last as u64 + 1;
        let chosen = usize::try_from(rng::draw(seed, STREAM, last as u64) % among).expect("below a length");
        items.swap(last, chosen);
    }
}

fn plan(world: &mut World, fault: &model::Fault) -> Result<(), String> {
    let injection = match &fault.kind {
        FaultKind::Refuse => Injection::Refuse,
        FaultKind::ConnectTimeout => Injection::ConnectTimeout,
        FaultKind::NameResolution => Injection::NameResolution,
        FaultKind::ResetBeforeBody => Injection::ResetBeforeBody,
        FaultKind::ResetAfterBody => Injection::ResetAfterBody,
        FaultKind::CutBody => Injection::CutBody,
        FaultKind::SlowBody(over) => Injection::SlowBody(*over),
        FaultKind::AckLost => Injection::AckLost,
        FaultKind::Answer(status) => Injection::Answer(*status),
        FaultKind::Duplicate => Injection::Duplicate,
        FaultKind::WrongKey => Injection::WrongKey,
        FaultKind::NoKey => Injection::NoKey,
        FaultKind::ExtraHeaders(headers) => {
            let mut filled = Vec::with_capacity(headers.len());
            for (name, value) in headers {
                filled.push((name.clone(), world.fill_text(value)?));
            }
            Injection::ExtraHeaders(filled)
        }
    };
    let extent = match fault.extent {
        FaultExtent::Times(times) => Extent::Attempts(times),
        FaultExtent::For(span) => Extent::Until(world.driver.now() + span),
    };
    let subscription = fault.on.as_ref().map(|name| world.subscription(name));
    let notifications = fault.of.as_ref().map(|name| {
        world.notifications(&Which::Saved(vec![name.clone()])).into_iter().collect::<BTreeSet<_>>()
    });
    world.driver.faults().plan(Fault { injection, extent, subscription, notifications });
    Ok(())
}

fn announce(world: &mut World, downtime: &Downtime) -> Result<(), String> {
    let now = world.driver.now();
    let from = match downtime.from {
        WindowStart::Now => now,
        WindowStart::In(span) => now + span,
        WindowStart::Ago(span) => Timestamp::EPOCH + now.since(Timestamp::EPOCH + span),
    };
    let until = downtime.span.map_or(Timestamp::MAX, |span| from + span);
    let id = world.fresh_window();
    let subscription = world.subscription(&downtime.on);
    world.command(Command::AnnounceWindow { id, subscription, from, until })?;
    if let Some(name) = &downtime.save {
        world.save_window(name, id);
    }
    Ok(())
}

async fn advance(world: &mut World, span: Duration) -> Result<StepEnd, String> {
    match world.pass_until(span, Patience::Endless, |_| false).await {
        Passed::Goal | Passed::Horizon | Passed::Hopeless(_) => Ok(StepEnd::Done),
        Passed::Limit(limit) => {
            let waited = Waited { check: "until", title: format!("{} of PNS time pass", words(span)) };
            Ok(StepEnd::Missed(waited, limit_reached(limit, Which::All)))
        }
    }
}

async fn until(world: &mut World, goal: &Goal, within: Option<Duration>) -> Result<StepEnd, String> {
    let span = within.unwrap_or_else(|| world.limits().pns_time.saturating_sub(world.elapsed()));
    let (title, concerned) = match goal {
        Goal::Delivered(which) => (format!("{} delivered", super::words::which(which)), which.clone()),
        Goal::Attempted(count) => (format!("{count} attempts were made"), Which::All),
        Goal::Failed { of, times } => {
            (format!("{} failed {times} times", super::words::which(of)), of.clone())
        }
    };
    let title = format!("{title} within {} of PNS time", words(span));
    let waited = Waited { check: "until", title };
    let patience = match goal {
        Goal::Delivered(_) => Patience::UntilHopeless,
        Goal::Attempted(_) | Goal::Failed { .. } => Patience::Endless,
    };
    let ids = world.deliveries(&concerned);
    let unasked = world.unasked();
    let reached = |ledger: &crate::ledger::Ledger| match goal {
        Goal::Attempted(count) => ledger.attempts_but_of(&unasked) >= *count as usize,
        Goal::Delivered(_) => ids
            .iter()
            .all(|id| ledger.delivery(*id).is_some_and(super::super::ledger::Delivery::is_delivered)),
        Goal::Failed { times, .. } => {
            ids.iter().all(|id| ledger.delivery(*id).is_some_and(|one| one.failures() >= *times as usize))
        }
    };
    let passed = world.pass_until(span, patience, reached).await;
    let found = match passed {
        Passed::Goal => return Ok(StepEnd::Reached(waited)),
        Passed::Limit(limit) => return Ok(StepEnd::Missed(waited, limit_reached(limit, concerned))),
        Passed::Horizon => {
            let made = super::words::count(world.attempts_asked_for(), "attempt");
            format!("not within {} of PNS time, {made}", words(span))
        }
        Passed::Hopeless(delivery) => hopeless(world, delivery),
    };
    Ok(StepEnd::Missed(waited, Miss { found, concerned, undecided: false }))
}

/// What came last stands first: it is what has to be mended.
fn hopeless(world: &World, delivery: DeliveryId) -> String {
    let last = world.ledger.delivery(delivery).and_then(|one| one.attempts.last());
    let last = match last.and_then(|attempt| attempt.end.as_ref()).map(|end| end.outcome) {
        Some(Outcome::Failed(reason)) => format!("{reason}: "),
        _ => String::new(),
    };
    format!(
        "{last}given up after {} failures in a row that the scenario did not plan; a real sender goes on",
        super::world::UNPLANNED_FAILURES_MAX
    )
}

fn limit_reached(limit: LimitReached, concerned: Which) -> Miss {
    let found = match limit {
        LimitReached::Attempts(attempts) => {
            format!("stopped after {attempts} attempts, the scenario's `limits.attempts`")
        }
        LimitReached::Wall(wall) => {
            format!("stopped after {} of wall time, the scenario's `limits.wall`", words(wall))
        }
    };
    Miss { found, concerned, undecided: true }
}

pub(super) fn words(span: Duration) -> String {
    super::words::span(span)
}
