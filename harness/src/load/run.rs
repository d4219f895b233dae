//! Runs a load as it was asked for: one round of sending, or, for a search, as many as it takes.

mod notes;
mod site;

use std::num::NonZeroU64;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pns_engine::Timestamp;
use pns_simulator::clock::{self, Stopwatch};

use super::document::Document;
use super::drain::{self, Meter};
use super::pace::{Pace, Pull, PullDue, Source};
use super::rate::Rate;
use super::record::{Latencies, Recorder};
use super::round::{self, End, Ground, Played, Round, Stamps, Stop, View};
use super::search::{Purpose, Search, SearchSettings, StepResult};
use super::segment::Segment;
use super::settings::{LoadSettings, Model, Open};
use super::shape::{Schedule, Shape};
use super::snapshot::{Counts, EVERY, Snapshot, Stage};
use site::Site;

/// How long the generator's ceiling is measured.
const CEILING_SPAN: Duration = Duration::from_millis(1_500);

/// Why there is no result at all. What a receiver does wrong is in the result.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// This machine does not let it: no socket, no thread.
    #[error("{0}")]
    Machine(String),
}

/// Runs a load to its end, or until `stop` is done; the document then says that it is not complete, and tells what was
/// measured. `progress` is shown the run about four times a second.
///
/// The document holds verdicts on the thresholds of the settings; a baseline is the caller's to compare with.
///
/// # Errors
/// When nothing could be measured at all.
pub async fn run(
    settings: &LoadSettings,
    stop: impl Future<Output = ()>,
    progress: &mut dyn FnMut(&Snapshot),
) -> Result<Document, LoadError> {
    let stop = pin!(stop);
    let site = Site::prepare(settings).await?;
    let mut runner = Runner {
        settings,
        ground: Arc::clone(&site.ground),
        stop: Stop::new(stop),
        progress,
        start: clock::real_now(),
    };
    runner.wait_for_start().await;
    let measured = match &settings.model {
        Model::Open(open) => runner.open(open).await?,
        Model::Closed { span } => runner.closed(*span).await?,
        Model::Drain { held, limit } => runner.drain(*held, *limit).await?,
        Model::FindMax(search) => runner.find_max(search).await?,
    };
    let start = runner.start;
    Ok(measured.document(settings, &site, start))
}

/// What was measured.
#[derive(Debug)]
struct Measured {
    recorder: Recorder,
    end: End,
    ceiling: Option<f64>,
    search: Option<Search>,
    drain: Option<super::document::format::Drain>,
}

impl Measured {
    fn of(played: Played) -> Self {
        Self { recorder: played.recorder, end: played.end, ceiling: None, search: None, drain: None }
    }

    fn document(self, settings: &LoadSettings, site: &Site, start: Timestamp) -> Document {
        let recorder = &self.recorder;
        let told = settings.told(site.ground.bodies.pack().name());
        let started = jiff::Timestamp::from_nanosecond(i128::from(start.as_nanos()));
        let started = started.map_or_else(|_| String::new(), |started| format!("{started:.3}"));
        let mut document = Document::new(told, settings.segment, started, recorder);
        let thresholds = &settings.thresholds;
        let mut claims = thresholds.judge(recorder, Some(recorder.rate()));
        if let (Some(search), Model::FindMax(asked)) = (&self.search, &settings.model) {
            claims = match search.finding() {
                Some(finding) => thresholds.judge_search(recorder, finding),
                None => thresholds.judge(recorder, None),
            };
            document = document.with_search(search, &asked.limits);
        }
        document.generator_ceiling_per_second = self.ceiling;
        document.drain = self.drain;
        document.complete = self.end == End::Whole;
        document.notes = notes::notes(settings, &site.notes, self.end);
        document.with_verdicts(&claims)
    }
}

/// A run under way.
struct Runner<'a> {
    settings: &'a LoadSettings,
    ground: Arc<Ground>,
    stop: Stop<'a>,
    progress: &'a mut dyn FnMut(&Snapshot),
    /// The time of day at the start.
    start: Timestamp,
}

impl Runner<'_> {
    /// Waits for the start that was agreed on, if one was.
    async fn wait_for_start(&mut self) {
        let Some(start) = self.settings.start_at else { return };
        let watch = Stopwatch::start();
        loop {
            let left = start.since(clock::real_now());
            if left.is_zero() || self.stop.asked {
                // On all machines the same, so that they make the same bodies.
                self.start = start;
                return;
            }
            (self.progress)(&waiting(left, watch.elapsed()));
            tokio::select! {
                () = self.stop.wait() => {}
                () = clock::pause(left.min(EVERY)) => {}
            }
        }
    }

    /// How long what is still under way after the last arrival may take.
    fn patience(&self) -> Duration {
        self.settings.connection.connect_timeout + self.settings.connection.ack_timeout
    }

    fn queue(&self) -> Source {
        round::queue(self.settings.connections.backlog.get())
    }

    fn round(&self, source: Source, stamps: Stamps, before: u64) -> Round {
        Round::new(Arc::clone(&self.ground), source, self.settings.segment, before, stamps)
    }

    async fn play(
        &mut self,
        round: Round,
        pace: Option<Pace>,
        patience: Duration,
        stage: Stage,
        span: Option<Duration>,
    ) -> Result<Played, LoadError> {
        let view = View { stage, span, progress: &mut *self.progress };
        round.play(pace, patience, &mut self.stop, view).await
    }

    async fn open(&mut self, open: &Open) -> Result<Measured, LoadError> {
        let schedule = &open.schedule;
        let stamps = Stamps::Due { start: self.start, schedule: Arc::clone(schedule) };
        let round = self.round(self.queue(), stamps, 0);
        let pace = self.pace(schedule, None);
        let span = Some(schedule.span());
        self.play(round, Some(pace), self.patience(), Stage::Run, span).await.map(Measured::of)
    }

    async fn closed(&mut self, span: Duration) -> Result<Measured, LoadError> {
        let source = Source::Pulled(Pull::new(PullDue::WhenTaken, None, Some(span)));
        let round = self.round(source, Stamps::Fixed(self.start), 0);
        self.play(round, None, Duration::ZERO, Stage::Run, Some(span)).await.map(Measured::of)
    }

    async fn drain(&mut self, held: NonZeroU64, limit: Option<Rate>) -> Result<Measured, LoadError> {
        let start = Timestamp::from_nanos(
            self.start.as_nanos().saturating_sub(u64::try_from(drain::WINDOW.as_nanos()).unwrap_or(u64::MAX)),
        );
        let stamps = Stamps::Held { start, window: drain::WINDOW, held: held.get() };
        let (source, pace) = match limit {
            None => (Source::Pulled(Pull::new(PullDue::AtStart, Some(held.get()), None)), None),
            Some(limit) => {
                let schedule = drain::schedule(held, limit);
                let schedule = schedule.map_err(|error| LoadError::Settings(error.to_string()))?;
                let pace = self.pace(&Arc::new(schedule), Some(drain::spacing(limit)));
                (self.queue(), Some(pace))
            }
        };
        let mut round = self.round(source, stamps, 0);
        round.meter = limit.map(|limit| Mutex::new(Meter::new(limit)));
        let stage = Stage::Drain { held: held.get(), limit };
        let played = self.play(round, pace, self.patience(), stage, None).await?;
        let drain = drain::told(held, limit, &played.recorder, played.meter.as_ref());
        Ok(Measured { drain: Some(drain), ..Measured::of(played) })
    }

    fn pace(&self, schedule: &Arc<Schedule>, spacing: Option<Duration>) -> Pace {
        Pace { schedule: Arc::clone(schedule), segment: self.settings.segment, spacing }
    }

    async fn find_max(&mut self, asked: &SearchSettings) -> Result<Measured, LoadError> {
        let ceiling = match asked.ceiling {
            Some(ceiling) => ceiling,
            None => self.ceiling().await?,
        };
        let mut search = Search::new(SearchSettings { ceiling: Some(ceiling), ..*asked });
        let mut before = 0;
        let mut confirmed = None;
        let mut last = Recorder::default();
        let mut end = End::Whole;
        // What broke a limit by so much need not be waited for.
        let patience = self.patience().min(asked.limits.p99 * 2);
        while let Some(step) = search.next().filter(|_| !self.stop.asked) {
            let schedule = Schedule::new(Shape::Constant(step.rate), step.span);
            let schedule = Arc::new(schedule.map_err(|error| LoadError::Settings(error.to_string()))?);
            let round = self.round(self.queue(), Stamps::Fixed(self.start), before);
            before += schedule.count();
            let pace = self.pace(&schedule, None);
            let played = self.play(round, Some(pace), patience, Stage::Step(step), Some(step.span)).await?;
            last = played.recorder;
            if played.end != End::Whole {
                end = played.end;
                break;
            }
            search.observe(StepResult::of(&last));
            if step.purpose == Purpose::Confirm
                && search.tried().last().is_some_and(|tried| tried.broke.is_none())
            {
                confirmed = Some(std::mem::take(&mut last));
            }
        }
        if search.finding().is_none() && end == End::Whole {
            end = End::Stopped { abandoned: 0 };
        }
        let recorder = confirmed.unwrap_or(last);
        Ok(Measured { recorder, end, ceiling: Some(ceiling), search: Some(search), drain: None })
    }

    /// How many a second the generator makes against a receiver that does nothing.
    async fn ceiling(&mut self) -> Result<f64, LoadError> {
        let (ground, _null) = site::null(self.settings, &self.ground)?;
        let source = Source::Pulled(Pull::new(PullDue::WhenTaken, None, Some(CEILING_SPAN)));
        let mut round = self.round(source, Stamps::Fixed(self.start), 0);
        round.ground = Arc::new(ground);
        round.segment = Segment::WHOLE;
        let played = self.play(round, None, Duration::ZERO, Stage::Ceiling, Some(CEILING_SPAN)).await?;
        Ok(played.recorder.rate())
    }
}

fn waiting(left: Duration, elapsed: Duration) -> Snapshot {
    Snapshot {
        stage: Stage::Waiting(left),
        elapsed,
        span: None,
        total: Counts::default(),
        recent: Counts::default(),
        recent_span: Duration::ZERO,
        latency: Latencies::new(),
        recent_latency: Latencies::new(),
    }
}
