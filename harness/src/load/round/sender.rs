//! The thread of some senders: each takes an arrival, makes its body, sends it and records what came of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Round;
use crate::load::client::Line;
use crate::load::pace::{Due, Source};
use crate::load::record::{Class, Coarse, Connections, Latencies, Recorder, Sample};
use crate::load::snapshot::Counts;
use crate::load::spacing::Start;

/// What one thread has found. Locked by its own senders, and a few times a second by whoever shows the run.
#[derive(Debug, Default)]
pub(super) struct Worker(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    recorder: Recorder,
    recent: Counts,
    recent_latency: Latencies<Coarse>,
}

impl Worker {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, sample: &Sample, connections: Connections, describe: impl FnOnce() -> String) {
        let mut found = self.found();
        let Found { recorder, recent, recent_latency } = &mut *found;
        recorder.record(sample, describe);
        recorder.connections.opened += connections.opened;
        recorder.connections.resumed += connections.resumed;
        recorder.connections.reused += connections.reused;
        match sample.class {
            Class::Acknowledged => {
                recent.acknowledged += 1;
                recent_latency.record(sample.ended.saturating_sub(sample.due));
            }
            class if class.asks_for_less() => recent.slowed += 1,
            _ => recent.failed += 1,
        }
    }

    /// What came since it was asked for last.
    pub(super) fn recent(&self) -> (Counts, Latencies<Coarse>) {
        let empty = Latencies::new();
        let mut found = self.found();
        (std::mem::take(&mut found.recent), std::mem::replace(&mut found.recent_latency, empty))
    }

    /// All of it.
    pub(super) fn take(&self) -> Recorder {
        std::mem::take(&mut self.found().recorder)
    }
}

/// Runs the senders of one thread until there are no more arrivals, or the round is aborted.
pub(super) async fn work(
    round: Arc<Round>,
    worker: Arc<Worker>,
    senders: impl Iterator<Item = usize>,
    mut aborted: watch::Receiver<bool>,
) {
    let mut tasks = JoinSet::new();
    for sender in senders {
        tasks.spawn(send_all(Arc::clone(&round), Arc::clone(&worker), sender));
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    tokio::select! {
        () = all => {}
        _ = aborted.wait_for(|aborted| *aborted) => {}
    }
}

async fn send_all(round: Arc<Round>, worker: Arc<Worker>, sender: usize) {
    let mut line = Line::new(Arc::clone(&round.ground.common), round.watch);
    let mut now = round.watch.elapsed();
    loop {
        let due = match &round.source {
            Source::Pulled(pull) => pull.take(now),
            Source::Paced(queue) => {
                let due = queue.take(sender).await;
                now = round.watch.elapsed();
                due
            }
        };
        let Some(due) = due else { break };
        // The clock is read at the end of each request, which is where the next one begins.
        let Some(ended) = send(&round, &worker, &mut line, due, now).await else { break };
        now = ended;
    }
}

/// Sends one arrival, and tells when that ended; `None`: its body cannot be made.
async fn send(
    round: &Round,
    worker: &Worker,
    line: &mut Line,
    Due { k, due, released }: Due,
    started: Duration,
) -> Option<Duration> {
    let ground = &*round.ground;
    let arrival = ground.plan.arrival(round.segment.nth(round.before + k));
    let published = round.stamps.of(arrival.first);
    let mix = ground.plan.mix();
    if let Err(error) = line.prepare(|body| ground.bodies.write(mix, &arrival, published, body)) {
        round.source.stop();
        round.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
        return None;
    }
    if let Some(meter) = &round.meter {
        meter.lock().unwrap_or_else(PoisonError::into_inner).start(started);
    }
    let bunched = match &round.source {
        Source::Paced(_) => round.spacing.bunched(Start { due, at: started, connects: line.must_connect() }),
        Source::Pulled(_) => false,
    };
    let answer = line.send(started).await;
    let ended = round.watch.elapsed();
    let sample = Sample {
        due,
        released,
        started,
        ended,
        bunched,
        class: Class::of(answer),
        filed: round.source.filed(),
    };
    let connections = std::mem::take(&mut line.connections);
    let describe = || ground.redactor.redact(&line.words(answer)).into_owned();
    worker.record(&sample, connections, describe);
    Some(ended)
}
