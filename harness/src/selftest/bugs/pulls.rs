//! Bugs in what is read after a notification: never, too often, of the wrong thing, too early, without patience.

use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock;
use pns_simulator::world::Call;

use crate::selftest::message::refuse;
use crate::selftest::plan::Followed;
use crate::selftest::service::once_beside;
use crate::selftest::state::{Client, Note, Shared};
use crate::selftest::{Need, Specimen};

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "never-pulls",
        &["pulls/after-rfp-send", "pulls/after-every-event-type"],
        "the worker that pulls was never started: notifications pile up in its table",
        |plan| plan.follow = |_, _, _| done(),
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "pulls-twice",
        &["pulls/once"],
        "two workers on one queue without a lock: both take the same row",
        |plan| {
            plan.follow = |shared, client, note| {
                once_beside(shared, note, |call| {
                    Box::pin(async move {
                        client.pull(&call).await;
                        client.pull(&call).await;
                    })
                })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "pulls-on-every-delivery",
        &["pulls/once"],
        "the effect is guarded by a unique index, the pull is not: a duplicate is pulled after once more",
        |plan| plan.follow = beside,
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "pulls-the-rfp-whatever-happened",
        &["pulls/after-every-event-type", "pulls/after-later-events"],
        "one handler for all event types: the RFP is read again, the response that changed is not",
        |plan| {
            plan.follow = |shared, client, note| {
                let call = note.rfp.map(Call::Rfp);
                beside(shared, client, &Note { call, ..note.clone() })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "pulls-once-for-each-rfp",
        &["pulls/after-later-events"],
        "a cache without an end: what was read of an RFP once is never read again",
        |plan| {
            plan.follow = |shared, client, note| {
                let key = format!("pulled {:?}", note.rfp);
                if shared.state().seen.insert(key) { beside(shared, client, note) } else { done() }
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "pulls-before-acknowledging",
        &["pulls/acknowledges-while-slow"],
        "all in one request handler: the acknowledgement waits for Cvent's own API",
        |plan| {
            plan.follow = |_, client, note| {
                let call = note.call;
                Box::pin(async move {
                    if let Some(call) = call {
                        client.pull(&call).await;
                    }
                    Ok(())
                })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "passes-errors-of-pulls-on",
        &["pulls/acknowledges-while-failing"],
        "the client's exception goes up through the handler: 502 for a notification that has arrived",
        |plan| {
            plan.follow = |_, client, note| {
                let call = note.call;
                Box::pin(async move {
                    let Some(call) = call else { return Ok(()) };
                    let came = client.puller.get(&client.path(&call)).await;
                    match came.status {
                        Some(200..300) => Ok(()),
                        _ => Err(refuse(502, "the API cannot be reached")),
                    }
                })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "gives-up-after-one-call",
        &["pulls/again-after-failure"],
        "an error of the API is logged, and that is all that becomes of it",
        |plan| {
            plan.follow = |shared, client, note| {
                once_beside(shared, note, |call| {
                    Box::pin(async move {
                        client.puller.get(&client.path(&call)).await;
                    })
                })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "hammers",
        &["pulls/backs-off"],
        "`while not ok: call()`: the refusal is answered with more of what was refused",
        |plan| {
            plan.follow = |shared, client, note| {
                once_beside(shared, note, |call| {
                    Box::pin(async move {
                        let path = client.path(&call);
                        while client.puller.get(&path).await.status != Some(200) {}
                    })
                })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::bug(
        "short-queue-of-pulls",
        &["pulls/after-burst"],
        "four places in a queue in memory: what does not fit is dropped, and was acknowledged",
        |plan| {
            plan.follow = |shared, client, note| {
                if shared.pulls_under_way() >= 4 {
                    return done();
                }
                once_beside(shared, note, |call| {
                    Box::pin(async move {
                        clock::pause(Duration::from_millis(100)).await;
                        client.pull(&call).await;
                    })
                })
            };
        },
    )
    .needing(&[Need::Pull]),
];

fn done() -> Followed {
    Box::pin(std::future::ready(Ok(())))
}

/// Pulls beside the answer, whether or not the notification has come before.
fn beside(shared: &Arc<Shared>, client: Client, note: &Note) -> Followed {
    if let Some(call) = note.call {
        shared.spawn(Box::pin(async move { client.pull(&call).await }));
    }
    done()
}
