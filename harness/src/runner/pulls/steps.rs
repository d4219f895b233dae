//! The steps of the pull side.

use pns_simulator::clock::Stopwatch;
use pns_simulator::pull::Counterpart as _;
use pns_simulator::service::model::{OneOrMany, Span, SupplierText};
use pns_simulator::world::{PullFaultSpec, RfpId};

use super::super::step::{Miss, StepEnd, Waited};
use super::super::words;
use super::super::world::World;
use super::{Beside, PullSide};
use crate::scenario::model::{FaultExtent, PullFault, PullFaultKind, PushedBack, Which};

/// Why a step of the pull side cannot be carried out.
pub(super) const NO_PULL_API: &str = "no pull API runs beside this run: `--pull-listen ADDRESS`";

/// Plans a failure of the pull API. Without one there is nothing to fail.
///
/// # Errors
/// When the supplier is no UUID, or there are too many failures, in words.
pub(in super::super) fn plan_fault(world: &mut World, fault: &PullFault) -> Result<(), String> {
    let Some(side) = side(world) else { return Ok(()) };
    let mut spec = PullFaultSpec::default();
    match fault.kind {
        PullFaultKind::Slow(span) => spec.slow = Some(Span(span)),
        PullFaultKind::Answer { status, retry_after } => {
            spec.answer = Some(status);
            spec.retry_after = retry_after.map(Span);
        }
        PullFaultKind::Stale(span) => spec.stale = Some(Span(span)),
        PullFaultKind::NoConsent => spec.no_consent = Some(true),
    }
    if !fault.of.is_empty() {
        spec.of = Some(OneOrMany(fault.of.clone()));
    }
    if let Some(name) = &fault.rfp {
        let (rfp, _) = world.rfp(name);
        spec.rfp = Some(rfp.parse().map_err(|_| format!("the RFP `{rfp}` is not a UUID"))?);
    }
    if let Some(template) = &fault.supplier {
        let text = world.fill_text(template)?;
        let supplier = text.parse().map_err(|_| format!("the supplier `{text}` is not a UUID"))?;
        spec.supplier = Some(SupplierText(supplier));
    }
    match fault.extent {
        FaultExtent::Times(times) => spec.times = std::num::NonZeroU32::new(times),
        FaultExtent::For(span) => spec.lasts = Some(Span(span)),
    }
    side.faults().plan(spec, world.driver.now()).map(|_| ()).map_err(|error| error.to_string())
}

/// Ends all failures of the pull API.
pub(in super::super) fn clear_faults(world: &World) {
    if let Some(beside) = &world.pulls {
        beside.side.faults().clear(None);
    }
}

/// Waits until an act of the receiver's has published the event.
///
/// # Errors
/// When what it made cannot be published, in words.
pub(in super::super) async fn pushed_back(world: &mut World, wanted: &PushedBack) -> Result<StepEnd, String> {
    let event = wanted.event_type.wire_name();
    let title = match &wanted.of {
        Some(name) => format!("an act of the receiver's on the RFP of `{name}` comes back as {event}"),
        None => format!("an act of the receiver's comes back as {event}"),
    };
    let waited = Waited { check: "pushed-back", title };
    let Some(side) = side(world) else {
        return Ok(StepEnd::Skipped(waited, NO_PULL_API.to_owned()));
    };
    let rfp = match &wanted.of {
        Some(name) => Some(rfp_of(world, &side, name).ok_or(format!("`{name}` is about no RFP"))?),
        None => None,
    };
    let watch = Stopwatch::start();
    loop {
        world.publish_acts()?;
        let fits = |event_type, about| event_type == wanted.event_type && rfp.is_none_or(|rfp| rfp == about);
        let came = world.take_acted(fits);
        if !came.is_empty() {
            if let Some(name) = &wanted.save {
                world.save(name, came);
            }
            return Ok(StepEnd::Reached(waited));
        }
        let left = wanted.within.saturating_sub(watch.elapsed());
        if left.is_zero() {
            let made = words::list(
                world.pulls.iter().flat_map(Beside::acted_types).map(|one| one.wire_name().to_owned()),
            );
            let found = format!("not within {} of real time; published: {made}", words::span(wanted.within));
            let concerned = wanted.of.as_ref().map_or(Which::All, |name| Which::Saved(vec![name.clone()]));
            return Ok(StepEnd::Missed(waited, Miss { found, concerned, undecided: false }));
        }
        // Whether it came or the time is over, the next round sees.
        let _came = tokio::time::timeout(left, side.acted()).await;
    }
}

/// The RFP of the first notification saved under a name.
fn rfp_of(world: &World, side: &PullSide, name: &str) -> Option<RfpId> {
    let id = *world.notifications(&Which::Saved(vec![name.to_owned()])).first()?;
    let event_type = world.ledger.notification(id)?.event_type;
    side.said(event_type, &world.sent_body(id)?)?.rfp
}

fn side(world: &World) -> Option<PullSide> {
    world.pulls.as_ref().map(|beside| beside.side.clone())
}
