//! One round of sending: senders in threads of their own, a source of arrivals, and somebody who watches.
//!
//! A sender thread has its own event loop, its own connections and its own recorder, so that nothing is shared on the
//! way of a request but the source. Of the recorders, only the counts are read while the round goes on.

mod sender;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use pns_engine::Timestamp;
use pns_simulator::clock::{self, Stopwatch};
use tokio::sync::{oneshot, watch};

use super::bodies::Bodies;
use super::client::Common;
use super::drain::Meter;
use super::mix::Plan;
use super::pace::{Pace, Queue, Source};
use super::record::{Coarse, Latencies, NotSent, Recorder};
use super::run::LoadError;
use super::segment::Segment;
use super::shape::Schedule;
use super::snapshot::{Counts, EVERY, Snapshot, Stage};
use super::spacing::Spacing;
use crate::redact::Redactor;
use sender::Worker;

/// How long requests that are under way may take when the run is ended by the user.
const GRACE: Duration = Duration::from_secs(2);

/// The most sender threads: beyond that, the receiver's network is the limit.
const THREADS_MAX: usize = 16;

/// What all rounds of a run share.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) common: Arc<Common>,
    pub(super) connections: usize,
    pub(super) bodies: Bodies,
    pub(super) plan: Plan,
    pub(super) redactor: Redactor,
}

/// One round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) ground: Arc<Ground>,
    pub(super) source: Source,
    /// Which arrivals of the run these are.
    pub(super) segment: Segment,
    /// How many of the segment went before.
    pub(super) before: u64,
    pub(super) stamps: Stamps,
    pub(super) watch: Stopwatch,
    /// How evenly requests start.
    spacing: Spacing,
    /// Measures how close together requests start.
    pub(super) meter: Option<Mutex<Meter>>,
    /// Why no body could be made, if so.
    pub(super) failure: Mutex<Option<String>>,
}

/// Which time a body carries, by the arrival that sends it first.
#[derive(Clone, Debug)]
pub(super) enum Stamps {
    /// The same for all.
    Fixed(Timestamp),
    /// When it was due.
    Due {
        /// The start of the run.
        start: Timestamp,
        /// The due times.
        schedule: Arc<Schedule>,
    },
    /// Spread over a downtime.
    Held {
        /// The start of the downtime.
        start: Timestamp,
        /// How long it was.
        window: Duration,
        /// How many were held.
        held: u64,
    },
}

impl Stamps {
    fn of(&self, first: u64) -> Timestamp {
        match self {
            Self::Fixed(at) => *at,
            Self::Due { start, schedule } => *start + schedule.due(first).unwrap_or_default(),
            Self::Held { start, window, held } => {
                let into = window.as_nanos() * u128::from(first) / u128::from((*held).max(1));
                *start + Duration::from_nanos(u64::try_from(into).unwrap_or(u64::MAX))
            }
        }
    }
}

/// What came of a round.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) recorder: Recorder,
    pub(super) end: End,
    /// How close together requests started, if that was measured.
    pub(super) meter: Option<Meter>,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All arrivals are accounted for.
    Whole,
    /// The user ended it.
    Stopped {
        /// Requests that were under way, and are in no count.
        abandoned: u64,
    },
}

/// Done when the user wants no more. May be waited for again and again.
pub(super) struct Stop<'a> {
    future: std::pin::Pin<&'a mut dyn Future<Output = ()>>,
    pub(super) asked: bool,
}

impl<'a> Stop<'a> {
    pub(super) fn new(future: std::pin::Pin<&'a mut dyn Future<Output = ()>>) -> Self {
        Self { future, asked: false }
    }

    pub(super) async fn wait(&mut self) {
        if !self.asked {
            self.future.as_mut().await;
            self.asked = true;
        }
    }
}

/// What is shown of a round, and to whom.
pub(super) struct View<'a> {
    pub(super) stage: Stage,
    pub(super) span: Option<Duration>,
    pub(super) progress: &'a mut dyn FnMut(&Snapshot),
}

impl Round {
    /// Plays the round to its end. `pace` releases what the queue of the source holds; `patience` is how long what
    /// waits may wait after the last was released.
    pub(super) async fn play(
        self,
        pace: Option<Pace>,
        patience: Duration,
        stop: &mut Stop<'_>,
        view: View<'_>,
    ) -> Result<Played, LoadError> {
        let round = Arc::new(self);
        let (abort, aborted) = watch::channel(false);
        let mut crew = Crew::hire(&round, &aborted)?;
        let pacer = match pace.map(|pace| round.start_pacer(pace)).transpose() {
            Ok(pacer) => pacer,
            Err(error) => {
                // Who is not listening has ended.
                let _ended = abort.send(true);
                return Err(LoadError::Machine(format!("cannot start a thread: {error}")));
            }
        };
        let shown = Shown { view, total: Counts::default(), latency: Latencies::new(), at: Duration::ZERO };
        let recorder = Recorder::default();
        let mut overseer =
            Overseer { round: Arc::clone(&round), shown, recorder, patience, stopped: None, abort };
        let pacing = pacer.as_ref().map(thread::JoinHandle::thread);
        while !overseer.oversee(&mut crew, pacing, stop).await {}
        let Overseer { mut recorder, stopped, .. } = overseer;
        crew.join(&mut recorder)?;
        if let Some(pacer) = pacer {
            let dropped =
                pacer.join().map_err(|_| LoadError::Machine("the pacing thread broke".to_owned()))?;
            recorder.merge(&dropped);
        }
        if let Some(failure) = round.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(LoadError::Settings(failure));
        }
        let abandoned = round.source.released().saturating_sub(recorder.arrivals());
        let end = if stopped.is_some() { End::Stopped { abandoned } } else { End::Whole };
        let meter = round.meter.as_ref();
        let meter = meter.map(|meter| meter.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Ok(Played { recorder, end, meter })
    }

    fn start_pacer(self: &Arc<Self>, pace: Pace) -> io::Result<thread::JoinHandle<Recorder>> {
        let round = Arc::clone(self);
        thread::Builder::new().name("pns-pace".to_owned()).spawn(move || match &round.source {
            Source::Paced(queue) => pace.keep(queue, round.watch),
            Source::Pulled(_) => Recorder::default(),
        })
    }
}

/// Looks after a round until it is over.
struct Overseer<'a> {
    round: Arc<Round>,
    shown: Shown<'a>,
    /// What was taken back from the queue.
    recorder: Recorder,
    patience: Duration,
    /// When the user had enough.
    stopped: Option<Duration>,
    abort: watch::Sender<bool>,
}

impl Overseer<'_> {
    /// Waits a little, and does what is to be done then; `true`: all senders have ended.
    async fn oversee(&mut self, crew: &mut Crew, pacing: Option<&Thread>, stop: &mut Stop<'_>) -> bool {
        let round = Arc::clone(&self.round);
        let ended = tokio::select! {
            biased;
            () = crew.done() => true,
            () = stop.wait(), if self.stopped.is_none() => {
                round.source.stop();
                self.stopped = Some(round.watch.elapsed());
                pacing.inspect(|thread| thread.unpark());
                false
            }
            () = clock::pause(EVERY) => false,
        };
        let now = round.watch.elapsed();
        let impatient = match &round.source {
            Source::Paced(queue) => queue.ended().is_some_and(|ended| now > ended + self.patience),
            Source::Pulled(_) => false,
        };
        if impatient || self.stopped.is_some() {
            for due in round.source.discard() {
                self.recorder.record_not_sent(due.due, NotSent::RunEnded);
            }
        }
        self.shown.show(&round, crew, self.recorder.arrivals());
        if self.stopped.is_some_and(|at| now > at + GRACE) {
            // Who is not listening has ended.
            let _ended = self.abort.send(true);
        }
        ended
    }
}

impl Round {
    /// A round that does not measure how close together requests start.
    pub(super) fn new(
        ground: Arc<Ground>,
        source: Source,
        segment: Segment,
        before: u64,
        stamps: Stamps,
    ) -> Self {
        let (spacing, failure) = (Spacing::default(), Mutex::default());
        Self {
            ground,
            source,
            segment,
            before,
            stamps,
            watch: Stopwatch::start(),
            spacing,
            meter: None,
            failure,
        }
    }
}

/// A queue for a round of these settings.
pub(super) fn queue(backlog: usize) -> Source {
    Source::Paced(Queue::new(backlog))
}

/// The threads that send.
struct Crew {
    workers: Vec<Arc<Worker>>,
    threads: Vec<thread::JoinHandle<()>>,
    done: Vec<oneshot::Receiver<()>>,
}

impl Crew {
    fn hire(round: &Arc<Round>, aborted: &watch::Receiver<bool>) -> Result<Self, LoadError> {
        let connections = round.ground.connections;
        let count = threads(connections);
        let mut crew = Self { workers: Vec::new(), threads: Vec::new(), done: Vec::new() };
        for index in 0..count {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| LoadError::Machine(format!("cannot start an event loop: {error}")))?;
            let worker = Arc::new(Worker::default());
            let (tell, done) = oneshot::channel();
            let senders = (index..connections).step_by(count);
            let work = sender::work(Arc::clone(round), Arc::clone(&worker), senders, aborted.clone());
            let thread = thread::Builder::new().name("pns-send".to_owned()).spawn(move || {
                runtime.block_on(work);
                // Nobody waits where the run has failed.
                let _nobody = tell.send(());
            });
            let thread =
                thread.map_err(|error| LoadError::Machine(format!("cannot start a thread: {error}")))?;
            crew.workers.push(worker);
            crew.threads.push(thread);
            crew.done.push(done);
        }
        Ok(crew)
    }

    /// Done when all threads are, or have broken.
    async fn done(&mut self) {
        while let Some(last) = self.done.last_mut() {
            let _done_or_broken = last.await;
            self.done.pop();
        }
    }

    fn join(self, recorder: &mut Recorder) -> Result<(), LoadError> {
        for thread in self.threads {
            thread.join().map_err(|_| LoadError::Machine("a sending thread broke".to_owned()))?;
        }
        for worker in self.workers {
            recorder.merge(&worker.take());
        }
        Ok(())
    }
}

/// How many threads send. Half of the machine is left to whatever else is on it, often the receiver: one thread makes
/// some fifty thousand requests a second, and each further one costs wake-ups.
fn threads(connections: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, THREADS_MAX).min(connections)
}

/// What was shown last.
struct Shown<'a> {
    view: View<'a>,
    total: Counts,
    latency: Latencies<Coarse>,
    at: Duration,
}

impl Shown<'_> {
    fn show(&mut self, round: &Round, crew: &Crew, ended: u64) {
        let mut recent = Counts::default();
        let mut recent_latency = Latencies::new();
        for worker in &crew.workers {
            let (counts, latency) = worker.recent();
            recent.add(&counts);
            recent_latency.merge(&latency);
        }
        recent.due = round.source.released() - self.total.due;
        recent.not_sent = round.source.dropped() + ended - self.total.not_sent;
        self.total.add(&recent);
        self.latency.merge(&recent_latency);
        let elapsed = round.watch.elapsed();
        (self.view.progress)(&Snapshot {
            stage: self.view.stage,
            elapsed,
            span: self.view.span,
            total: self.total,
            recent,
            recent_span: elapsed - self.at,
            latency: self.latency.clone(),
            recent_latency,
        });
        self.at = elapsed;
    }
}
