//! Many requests: at once, and over time.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::plain;
use super::{copies, step, steps, times};
use crate::clause::Clause;
use crate::event::Strength;

/// Many requests: at once, and over time.
pub(super) const ALL: &[Property] = &[CONCURRENT_32, ENDURANCE, STEADY_SPEED];

const CONCURRENT_32: Property = Property {
    id: "http/concurrent-32",
    title: "thirty-two notifications at the same time are acknowledged",
    clause: Clause::RateLimiting,
    strength: Strength::Should,
    tags: &["load", "concurrency"],
    needs: &[],
    does: "Opens thirty-two connections and sends a notification on each at the same time. 429, and 503 with Retry-After, are in \
           order: the notification is sent again later.",
    why: "Unless a rate limit is agreed with Cvent, nothing says how many come at once. A pool that is empty (connections to the \
          database, threads) has to make a request wait or ask for less; an exception becomes 500.",
    mend: "Let requests wait for the pool for as long as a sender waits, size pool and threads alike, or answer 503 with \
           Retry-After.",
    cases: Cases::Fixed(|setting| {
        let all = step(setting, "all are acknowledged", json!({}));
        steps("", [copies(all, 32)]).into_iter().collect()
    }),
};

/// Beyond the two hundred or so of common limits: files, statements, requests per worker.
const MANY: u32 = 280;
/// How many of them are on the way at once.
const AT_ONCE: u32 = 8;
/// How many are timed after them.
const TIMED: u32 = 35;
/// How many of these may take longer: a collector of garbage is no trend.
const LATE: u32 = 8;

const ENDURANCE: Property = Property {
    id: "http/endurance",
    title: "of hundreds of notifications every one is acknowledged at the first attempt",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["load"],
    needs: &[],
    does: "Sends 280 notifications, eight at a time, each on a connection of its own: one that is kept might be closed by the \
           receiver at any time.",
    why: "What is left open by each request (a statement, a file, an entry of a list) shows after hundreds, never in a test of \
          ten. Workers that are replaced after a hundred requests and drop the one that they hold make every hundredth \
          notification late.",
    mend: "Close in a `finally` what was opened, look at the numbers of open files and connections under load, and let workers \
           finish what they have accepted before they are replaced.",
    cases: Cases::Fixed(|setting| {
        let all = step(setting, "all are acknowledged", json!({}));
        steps("", [times(copies(all, AT_ONCE), MANY / AT_ONCE)]).into_iter().collect()
    }),
};

const STEADY_SPEED: Property = Property {
    id: "http/steady-speed",
    title: "after hundreds of notifications, acknowledgements come within a tenth of a second",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["load", "slow"],
    needs: &[],
    does: "Sends 280 notifications, then 35 more, one after the other, and waits for each acknowledgement for 100 ms, the way \
           included; up to eight may take longer.",
    why: "A receiver that searches or writes all that it has for each notification is fast in every test and slower with every \
          day. How fast one must be is documented nowhere: a receiver that is far away, or that works before it acknowledges, \
          is slower than this and in order.",
    mend: "Store and acknowledge first, work afterwards; put an index on the id that duplicates are found by, and let nothing \
           grow with the number of notifications.",
    cases: Cases::Fixed(|setting| steady_speed(setting).into_iter().collect()),
};

fn steady_speed(setting: &Setting) -> Option<Case> {
    let before = step(setting, "hundreds of notifications are acknowledged", json!({}));
    let steps = json!([
        times(copies(before, AT_ONCE), MANY / AT_ONCE)?,
        { "emit": plain(setting)?.wire_name(), "count": TIMED, "save": "timed" },
        { "until": "delivered" },
    ]);
    let subscription = json!({ "events": "all", "concurrency": 1, "ack_timeout": "100ms" });
    // An attempt that took too long is made again, and so is counted.
    let expect = json!([{ "requests": { "at_most": TIMED + LATE } }]);
    Some(Case::new("", steps).subscription(subscription).expect(expect))
}
